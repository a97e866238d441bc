package cluster

import (
	"encoding/base64"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"

	admissionv1 "k8s.io/api/admissionregistration/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/util/validation/field"

	"github.com/betterdataco/terraform-provider-betterdata/apiclient"
	"github.com/betterdataco/terraform-provider-betterdata/operator/api/v1alpha1"
	"github.com/betterdataco/terraform-provider-betterdata/operator/internal/controller/apikey"
)

func TestAnswersOfTheAPIServer(t *testing.T) {
	t.Parallel()
	secrets, kind := schema.GroupResource{Resource: "secrets"}, schema.GroupKind{Kind: "Secret"}
	because := errors.New("because")
	for name, c := range map[string]struct{ answer, want error }{
		"not found":         {apierrors.NewNotFound(secrets, "x"), apikey.ErrNotFound},
		"already exists":    {apierrors.NewAlreadyExists(secrets, "x"), apikey.ErrExists},
		"conflict":          {apierrors.NewConflict(secrets, "x", because), apikey.ErrConflict},
		"another uid":       {apierrors.NewInvalid(kind, "x", field.ErrorList{field.Invalid(field.NewPath("metadata", "uid"), "1", "immutable")}), apikey.ErrConflict},
		"invalid":           {apierrors.NewInvalid(kind, "x", field.ErrorList{field.Invalid(field.NewPath("type"), "1", "immutable")}), apikey.ErrRefused},
		"forbidden":         {apierrors.NewForbidden(secrets, "x", because), apikey.ErrRefused},
		"bad request":       {apierrors.NewBadRequest("because"), apikey.ErrRefused},
		"too large":         {apierrors.NewRequestEntityTooLargeError("because"), apikey.ErrRefused},
		"unauthorized":      {apierrors.NewUnauthorized("because"), nil},
		"too many requests": {apierrors.NewTooManyRequests("because", 1), nil},
		"timeout":           {apierrors.NewTimeoutError("because", 1), nil},
		"server timeout":    {apierrors.NewServerTimeout(secrets, "create", 1), nil},
		"internal":          {apierrors.NewInternalError(because), nil},
		"unavailable":       {apierrors.NewServiceUnavailable("because"), nil},
		"no status":         {apierrors.NewGenericServerResponse(http.StatusBadGateway, "create", secrets, "x", "because", 0, false), nil},
		"no answer":         {because, nil},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got := translated(c.answer)
			for _, kind := range []error{apikey.ErrNotFound, apikey.ErrExists, apikey.ErrConflict, apikey.ErrRefused} {
				if errors.Is(got, kind) != errors.Is(c.want, kind) {
					t.Errorf("got %v, want %v", got, c.want)
				}
			}
			if got == nil || !strings.Contains(got.Error(), c.answer.Error()) {
				t.Errorf("%v does not say what the server said", got)
			}
			if created := translatedCreate(c.answer); errors.Is(created, apikey.ErrNotFound) || errors.Is(c.want, apikey.ErrNotFound) != strings.Contains(created.Error(), "namespace does not exist") {
				t.Errorf("of a create: %v", created)
			}
		})
	}
	if translated(nil) != nil || translatedCreate(nil) != nil {
		t.Error("no error became one")
	}
}

// P5: whatever quotes a part of the key, in clear or in base64 wherever it begins, is withheld; what was refused stays so.
func TestAnswersThatQuoteTheKeyAreWithheld(t *testing.T) {
	t.Parallel()
	secret := apiclient.NewSecret(plaintext)
	encoded := func(s string) string { return base64.StdEncoding.EncodeToString([]byte(s)) }
	for _, quoting := range []string{
		plaintext, plaintext[3:20], "KEY=" + plaintext + "\n", encoded(plaintext), encoded("K" + plaintext), encoded("KE" + plaintext + "x"), encoded("KEY" + plaintext),
	} {
		for _, answer := range []error{
			apierrors.NewForbidden(schema.GroupResource{}, "x", errors.New("denied: "+quoting)),
			apierrors.NewInternalError(errors.New("webhook said " + quoting)),
			fmt.Errorf("wrapped: %w", apierrors.NewInvalid(schema.GroupKind{}, "x", field.ErrorList{field.Invalid(field.NewPath("data"), quoting, "bad")})),
		} {
			got := translated(answer, apiclient.NewSecret("other"), secret)
			if text := fmt.Sprintf("%v %+v %#v", got, got, errors.Unwrap(got)); strings.Contains(text, quoting) || !strings.Contains(text, withheld) {
				t.Errorf("%q quotes %q", text, quoting)
			}
			if errors.Is(got, apikey.ErrRefused) != (kindOf(answer) != nil) {
				t.Errorf("%v has lost its kind", got)
			}
			var status apierrors.APIStatus
			if errors.As(got, &status) {
				t.Error("the answer can still be taken out of the error")
			}
		}
	}
	harmless := apierrors.NewForbidden(schema.GroupResource{Resource: "secrets"}, "reader", errors.New("exceeded quota"))
	if got := translated(harmless, secret, apiclient.Secret{}); !strings.Contains(got.Error(), "exceeded quota") {
		t.Errorf("%v is withheld for nothing", got)
	}
}

// The API server's own answers about Secrets, for each way in which one can be refused.
func TestOperatorErrorsNeverHoldTheKey(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	attempts := map[string]func() error{}
	bad := w.apiKey("bad-type", func(a *v1alpha1.ApiKey) { a.Spec.Secret.Type = string(corev1.SecretTypeDockerConfigJson) })
	attempts["not JSON"] = func() error {
		return w.ApplyTarget(t.Context(), bad, w.write(bad, map[string]string{corev1.DockerConfigJsonKey: plaintext, "api-key": plaintext}), false)
	}
	plain := w.apiKey("plain", nil)
	attempts["entry name"] = func() error {
		return w.ApplyTarget(t.Context(), plain, w.write(plain, map[string]string{"not a key": plaintext, "api-key": plaintext}), false)
	}
	attempts["too large"] = func() error {
		return w.ApplyTarget(t.Context(), plain, w.write(plain, map[string]string{"large": strings.Repeat(plaintext, 1<<16), "api-key": plaintext}), false)
	}
	attempts["far too large"] = func() error {
		return w.ApplyTarget(t.Context(), plain, w.write(plain, map[string]string{"large": strings.Repeat(plaintext, 1<<18), "api-key": plaintext}), false)
	}
	attempts["ledger too large"] = func() error {
		l := ledger(plain, 1)
		l.Token = strings.Repeat("x", 1<<20)
		return w.CreateLedger(t.Context(), plain, l, false)
	}
	attempts["ledger name"] = func() error {
		l := ledger(plain, 1)
		l.Name = "Not A Name"
		return w.CreateLedger(t.Context(), plain, l, false)
	}
	for what, attempt := range attempts {
		w.mustRefuseWithoutQuoting(what, attempt())
	}
	// A policy that a cluster's administrator wrote without care.
	w.refuseSecrets("'refused: ' + string(object.data.map(k, k + '=' + object.data[k]).join(','))")
	err := w.CreateLedger(t.Context(), plain, ledger(plain, 1), false)
	w.mustRefuseWithoutQuoting("policy, ledger", err)
	if !strings.Contains(err.Error(), withheld) {
		t.Errorf("the policy's message is not withheld: %v", err)
	}
	w.mustRefuseWithoutQuoting("policy, target", w.ApplyTarget(t.Context(), plain, w.write(plain, map[string]string{"api-key": plaintext}), false))
}

func (w *world) mustRefuseWithoutQuoting(what string, err error) {
	w.Helper()
	w.expect(err, apikey.ErrRefused)
	if err != nil && quotesAny(fmt.Sprintf("%v %+v", err, err), []apiclient.Secret{apiclient.NewSecret(plaintext)}) {
		w.Errorf("%s: the error quotes the key: %v", what, err)
	}
	w.Logf("%s: %.200v", what, err)
}

// refuseSecrets has the API server refuse all Secrets of the namespace, with a message that a policy makes.
func (w *world) refuseSecrets(message string) {
	w.Helper()
	fail, deny := admissionv1.Fail, []admissionv1.ValidationAction{admissionv1.Deny}
	policy := &admissionv1.ValidatingAdmissionPolicy{ObjectMeta: metav1.ObjectMeta{Name: w.namespace}}
	policy.Spec = admissionv1.ValidatingAdmissionPolicySpec{
		FailurePolicy: &fail,
		MatchConstraints: &admissionv1.MatchResources{ResourceRules: []admissionv1.NamedRuleWithOperations{{
			RuleWithOperations: admissionv1.RuleWithOperations{
				Operations: []admissionv1.OperationType{admissionv1.Create, admissionv1.Update},
				Rule:       admissionv1.Rule{APIGroups: []string{""}, APIVersions: []string{"v1"}, Resources: []string{"secrets"}},
			},
		}}},
		Validations: []admissionv1.Validation{{Expression: "false", MessageExpression: message}},
	}
	binding := &admissionv1.ValidatingAdmissionPolicyBinding{ObjectMeta: metav1.ObjectMeta{Name: w.namespace}}
	binding.Spec = admissionv1.ValidatingAdmissionPolicyBindingSpec{
		PolicyName: w.namespace, ValidationActions: deny,
		MatchResources: &admissionv1.MatchResources{NamespaceSelector: &metav1.LabelSelector{MatchLabels: map[string]string{corev1.LabelMetadataName: w.namespace}}},
	}
	if err := errors.Join(w.people.Create(w.Context(), policy), w.people.Create(w.Context(), binding)); err != nil {
		w.Fatal(err)
	}
	r := &apikey.Resource{}
	r.Namespace, r.Name, r.UID = w.namespace, "probe", "probe"
	w.eventually("the policy is in force", func() bool {
		return errors.Is(w.CreateLedger(w.Context(), r, ledger(r, 1), true), apikey.ErrRefused)
	})
}
