package acceptance

import (
	"io"
	"net/http"
	"regexp"
	"strings"
	"testing"

	"filippo.io/age"
	"filippo.io/age/armor"
	"github.com/hashicorp/terraform-plugin-testing/helper/resource"
	"github.com/hashicorp/terraform-plugin-testing/knownvalue"
	"github.com/hashicorp/terraform-plugin-testing/plancheck"
	"github.com/hashicorp/terraform-plugin-testing/terraform"
	"github.com/hashicorp/terraform-plugin-testing/tfjsonpath"
)

func newIdentity(t *testing.T) *age.X25519Identity {
	t.Helper()
	identity, err := age.GenerateX25519Identity()
	if err != nil {
		t.Fatal(err)
	}
	return identity
}

// decrypts checks that the state's ciphertext opens with the identity and holds the newest plaintext, which works.
func (w *world) decrypts(identity *age.X25519Identity) resource.TestCheckFunc {
	return func(s *terraform.State) error {
		opened, err := age.Decrypt(armor.NewReader(strings.NewReader(attribute(s, "encrypted_key"))), identity)
		if err != nil {
			return err
		}
		plaintext, err := io.ReadAll(opened)
		if err != nil {
			return err
		}
		issued := w.issued()
		return check("the ciphertext holds the newest key, and it works", func() bool {
			return string(plaintext) == issued[len(issued)-1] && w.use(string(plaintext)) == http.StatusOK
		})(s)
	}
}

// TestAccEncryption: with age_recipients the plaintext is never in the state, through create, changes and rotations;
// a change of the recipients rotates.
func TestAccEncryption(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	first, second := newIdentity(t), newIdentity(t)
	config := func(recipient *age.X25519Identity, scopes, n string) string {
		return w.key("Sealed", `scopes = ["`+scopes+`"]`, `age_recipients = ["`+recipient.Recipient().String()+`"]`,
			`rotation = { triggers = { n = "`+n+`" } }`)
	}
	var id, sealed string
	notInClear := resource.TestCheckNoResourceAttr(address, "plaintext_key")
	resource.UnitTest(t, resource.TestCase{
		ProtoV6ProviderFactories: w.factories(),
		Steps: []resource.TestStep{
			{Config: config(first, "inventory:read", "1"), Check: resource.ComposeAggregateTestCheckFunc(notInClear, w.decrypts(first),
				remember("id", &id), remember("encrypted_key", &sealed))},
			{Config: config(first, "inventory:*", "1"), Check: resource.ComposeAggregateTestCheckFunc(notInClear, same("id", &id), same("encrypted_key", &sealed))},
			{
				Config: config(first, "inventory:*", "2"),
				ConfigPlanChecks: resource.ConfigPlanChecks{PreApply: []plancheck.PlanCheck{
					plancheck.ExpectKnownValue(address, tfjsonpath.New("plaintext_key"), knownvalue.Null()),
				}},
				Check: resource.ComposeAggregateTestCheckFunc(notInClear, changed("id", &id), w.decrypts(first), remember("id", &id)),
			},
			{Config: config(second, "inventory:*", "2"), Check: resource.ComposeAggregateTestCheckFunc(notInClear, changed("id", &id), w.decrypts(second))},
			{Config: w.key("Sealed", `scopes = ["inventory:*"]`), Check: resource.ComposeAggregateTestCheckFunc(
				resource.TestCheckNoResourceAttr(address, "encrypted_key"), resource.TestCheckResourceAttrSet(address, "plaintext_key"))},
		},
	})
	w.expectLive(0)
}

// TestAccEncryptionRefused: a recipient that nothing can be encrypted to is refused before a key exists, and a secret
// identity pasted by mistake is not repeated.
func TestAccEncryptionRefused(t *testing.T) {
	t.Parallel()
	identity := newIdentity(t)
	secrets.add("an age identity", identity.String())
	for name, c := range map[string]struct{ recipient, want string }{
		"damaged":     {"age1qqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqq", `(?s)damaged\s+age\s+recipient`},
		"nonsense":    {"alice@example.com", `(?si)not\s+a\s+recipient`},
		"ssh-dss":     {"ssh-dss AAAAB3NzaC1kc3MAAACB", `(?s)ssh-ed25519`},
		"an identity": {`${join("", ["AGE-SECRET-", "KEY-1QQPQZ"])}`, `(?s)secret\s+identity`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			resource.UnitTest(t, resource.TestCase{
				ProtoV6ProviderFactories: w.factories(),
				Steps: []resource.TestStep{{
					Config:      w.key("Refused", `age_recipients = ["`+c.recipient+`"]`),
					ExpectError: regexp.MustCompile(c.want),
				}},
			})
			if total := w.api.Stats().Total; total != 0 {
				t.Errorf("%d requests were sent, want none", total)
			}
		})
	}
}

// TestAccEncryptionAtTrace: real processes at TRACE, so that every file and all output can be searched.
func TestAccEncryptionAtTrace(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	identity := newIdentity(t)
	config := func(n string) string {
		return `resource "betterdata_api_key" "test" {
  name           = "Sealed"
  scopes         = ["inventory:read"]
  age_recipients = ["` + identity.Recipient().String() + `"]
  rotation       = { triggers = { n = "` + n + `" } }
}
`
	}
	ws := newWorkspace(t, w, config("1"))
	ws.env = append(ws.env, "TF_LOG=TRACE")
	ws.apply()
	ws.configure(config("2"))
	ws.must("plan", "-out=saved.tfplan", "-no-color")
	ws.must("apply", "-no-color", "saved.tfplan")
	ws.recordFiles()
	if len(w.issued()) != 2 {
		t.Errorf("%d plaintexts were issued, want 2", len(w.issued()))
	}
}
