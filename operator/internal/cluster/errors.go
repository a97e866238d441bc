package cluster

import (
	"encoding/base64"
	"errors"
	"fmt"
	"strings"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/betterdataco/terraform-provider-betterdata/apiclient"
	"github.com/betterdataco/terraform-provider-betterdata/operator/internal/controller/apikey"
)

// DamagedLedgerError says that a ledger cannot be read. It wraps apikey.ErrLedgerDamaged.
type DamagedLedgerError struct {
	Name string // of the Secret
	Why  string // never with a value from it
}

// Error implements error.
func (e *DamagedLedgerError) Error() string {
	return fmt.Sprintf("Secret %s is a ledger of which %s", e.Name, e.Why)
}

// Unwrap makes it an apikey.ErrLedgerDamaged.
func (e *DamagedLedgerError) Unwrap() error { return apikey.ErrLedgerDamaged }

// withheld stands for an answer that quotes what it must not.
const withheld = "the API server's message is withheld, because it quotes the Secret's data"

// translated turns an answer of the API server into one of package apikey's errors, with the server's message. Secrets
// are what the request carried. The API server itself does not quote them, but admission webhooks and policies may.
func translated(err error, secrets ...apiclient.Secret) error {
	if err == nil {
		return nil
	}
	kind, message := kindOf(err), err.Error()
	if quotesAny(message, secrets) {
		message, err = withheld, errors.New(withheld)
	}
	if kind == nil {
		return err
	}
	return fmt.Errorf("%w: %s", kind, message)
}

// OfSecret is an answer to a write of a Secret whose content is not at hand, without the server's message: an admission
// policy may quote the whole Secret in it. What kind of answer it is can still be told.
func OfSecret(err error) error {
	if err == nil {
		return nil
	}
	status, ok := errors.AsType[*apierrors.StatusError](err)
	if !ok {
		return err
	}
	terse := *status
	terse.ErrStatus.Message = fmt.Sprintf("the API server answers %d (%s); its message is withheld, because it may quote the Secret's data",
		status.ErrStatus.Code, status.ErrStatus.Reason)
	return &terse
}

// translatedCreate is translated for writes of what does not exist yet. If something is not found then, it is the
// namespace, and nothing will ever be written.
func translatedCreate(err error, secrets ...apiclient.Secret) error {
	if translation := translated(err, secrets...); !errors.Is(translation, apikey.ErrNotFound) {
		return translation
	}
	return fmt.Errorf("%w: the namespace does not exist", apikey.ErrRefused)
}

// unlessGone is for writes that want an object gone, or not to matter any more.
func unlessGone(err error) error {
	if errors.Is(err, apikey.ErrNotFound) {
		return nil
	}
	return err
}

// kindOf returns nil if it is not clear whether a write was carried out.
func kindOf(err error) error {
	switch {
	case apierrors.IsNotFound(err):
		return apikey.ErrNotFound
	case apierrors.IsAlreadyExists(err):
		return apikey.ErrExists
	case apierrors.IsConflict(err), concernsUID(err):
		return apikey.ErrConflict
	case apierrors.IsInvalid(err), apierrors.IsForbidden(err), apierrors.IsBadRequest(err), apierrors.IsRequestEntityTooLargeError(err):
		return apikey.ErrRefused
	}
	return nil
}

// concernsUID reports the answer to a patch that names another object's uid: the API server takes it for an attempt to
// change the uid.
func concernsUID(err error) bool {
	cause, ok := apierrors.StatusCause(err, metav1.CauseTypeFieldValueInvalid)
	return ok && cause.Field == "metadata.uid"
}

// quoteLength is the length from which on a part of a secret counts as quoted. It is short: a message that is withheld
// for nothing does less harm than one that is not.
const quoteLength = 8

func quotesAny(message string, secrets []apiclient.Secret) bool {
	for _, secret := range secrets {
		for _, form := range writtenForms(secret.Reveal()) {
			if quotes(message, form) {
				return true
			}
		}
	}
	return false
}

// writtenForms are the value itself and its base64 at each of the three places where it may begin in what is encoded.
func writtenForms(value string) []string {
	forms := []string{value}
	for shift := range 3 {
		if len(value) > shift {
			forms = append(forms, strings.TrimRight(base64.StdEncoding.EncodeToString([]byte(value[shift:])), "="))
		}
	}
	return forms
}

func quotes(message, form string) bool {
	if len(form) < quoteLength {
		return form != "" && strings.Contains(message, form)
	}
	for start := 0; start+quoteLength <= len(form); start++ {
		if strings.Contains(message, form[start:start+quoteLength]) {
			return true
		}
	}
	return false
}
