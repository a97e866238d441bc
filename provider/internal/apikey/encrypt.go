package apikey

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"strings"

	"filippo.io/age"
	"filippo.io/age/agessh"
	"filippo.io/age/armor"
	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/path"
	"github.com/hashicorp/terraform-plugin-framework/schema/validator"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/betterdataco/terraform-provider-betterdata/apiclient"
)

// sealer encrypts a plaintext for the recipients of age_recipients. The zero sealer has none: the plaintext itself
// goes into the state.
type sealer struct {
	recipients []age.Recipient
}

// newSealer parses the recipients and tries them, because a key must not be issued that cannot be stored.
func newSealer(recipients []string) (sealer, error) {
	var s sealer
	for _, text := range recipients {
		recipient, err := parseRecipient(text)
		if err != nil {
			return sealer{}, err
		}
		s.recipients = append(s.recipients, recipient)
	}
	_, err := s.seal(apiclient.NewSecret("trial"))
	return s, err
}

func (s sealer) enabled() bool { return len(s.recipients) > 0 }

// seal returns the armored ciphertext, or nothing if there are no recipients.
func (s sealer) seal(plaintext apiclient.Secret) (string, error) {
	if !s.enabled() {
		return "", nil
	}
	var sealed bytes.Buffer
	armored := armor.NewWriter(&sealed)
	encrypting, err := age.Encrypt(armored, s.recipients...)
	if err != nil {
		return "", fmt.Errorf("encrypting for age_recipients: %w", err)
	}
	_, err = io.WriteString(encrypting, plaintext.Reveal())
	if err := errors.Join(err, encrypting.Close(), armored.Close()); err != nil {
		return "", fmt.Errorf("encrypting for age_recipients: %w", err)
	}
	return sealed.String(), nil
}

var (
	errSecretIdentity = errors.New("this is a secret identity, not a recipient: use the public key that age-keygen -y prints for it, and treat the identity as leaked, since it stands in the configuration")
	errNoRecipient    = errors.New("not a recipient: expected age1..., ssh-ed25519 or ssh-rsa and the public key")
)

// parseRecipient accepts what the age command accepts, but for plugins. Its errors do not repeat the text: somebody may
// have pasted the secret half.
func parseRecipient(text string) (age.Recipient, error) {
	switch {
	case strings.Contains(text, "AGE-SECRET-KEY-") || strings.Contains(text, "PRIVATE KEY"):
		return nil, errSecretIdentity
	case strings.HasPrefix(text, "ssh-"):
		recipient, err := agessh.ParseRecipient(text)
		if err != nil {
			return nil, errors.New("not a public SSH key that age can encrypt to: it takes ssh-ed25519, and ssh-rsa of at least 2048 bits")
		}
		return recipient, nil
	case strings.HasPrefix(text, "age1") && !strings.ContainsAny(text, "\r\n"):
		recipients, err := age.ParseRecipients(strings.NewReader(text))
		if err != nil || len(recipients) != 1 {
			return nil, errors.New("a damaged age recipient: compare it with what age-keygen -y prints")
		}
		return recipients[0], nil
	}
	return nil, errNoRecipient
}

// sealer returns the sealer for age_recipients. It is asked for before anything is sent.
func (m *model) sealer(ctx context.Context, diags *diag.Diagnostics) sealer {
	var recipients []string
	diags.Append(m.AgeRecipients.ElementsAs(ctx, &recipients, false)...)
	if diags.HasError() {
		return sealer{}
	}
	s, err := newSealer(recipients)
	if err != nil {
		diags.AddAttributeError(path.Root("age_recipients"), "Cannot encrypt the key", "No key was issued. "+err.Error())
	}
	return s
}

// recipientsValidator refuses a recipient that nothing can be encrypted to while there is no key yet.
type recipientsValidator struct{}

// Description implements validator.Set.
func (recipientsValidator) Description(context.Context) string {
	return "age recipients (age1...) or public SSH keys (ssh-ed25519, ssh-rsa)"
}

// MarkdownDescription implements validator.Set.
func (v recipientsValidator) MarkdownDescription(ctx context.Context) string {
	return v.Description(ctx)
}

// ValidateSet implements validator.Set.
func (recipientsValidator) ValidateSet(_ context.Context, req validator.SetRequest, resp *validator.SetResponse) {
	var known []string
	for _, element := range req.ConfigValue.Elements() {
		text, ok := element.(types.String)
		if !ok || text.IsUnknown() {
			continue
		}
		known = append(known, text.ValueString())
		_, err := parseRecipient(text.ValueString())
		switch {
		case errors.Is(err, errSecretIdentity):
			// The path of a set's element is its value.
			resp.Diagnostics.AddAttributeError(req.Path, "Secret identity in age_recipients", upperFirst(err.Error())+".")
		case err != nil:
			resp.Diagnostics.AddAttributeError(req.Path.AtSetValue(element), "Invalid age recipient", upperFirst(err.Error())+".")
		}
	}
	if resp.Diagnostics.HasError() {
		return
	}
	// Each may be good and the set not: age does not encrypt to post-quantum and other recipients together.
	if _, err := newSealer(known); err != nil {
		resp.Diagnostics.AddAttributeError(req.Path, "Invalid age recipients", upperFirst(err.Error())+".")
	}
}

func upperFirst(s string) string { return strings.ToUpper(s[:1]) + s[1:] }
