package acceptance

import (
	"regexp"
	"strings"
	"testing"

	"github.com/hashicorp/terraform-plugin-testing/helper/resource"
	"github.com/hashicorp/terraform-plugin-testing/knownvalue"
	"github.com/hashicorp/terraform-plugin-testing/statecheck"
)

// TestAccFunction: what each function answers in a real configuration, and that nothing is sent.
func TestAccFunction(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	resource.UnitTest(t, resource.TestCase{
		ProtoV6ProviderFactories: w.factories(),
		Steps: []resource.TestStep{{
			Config: w.providerBlock() + `
output "by_list"     { value = provider::betterdata::scope_allows(["inventory:*"], "inventory:read") }
output "by_set"      { value = provider::betterdata::scope_allows(toset(["forecast:read"]), "inventory:read") }
output "by_nothing"  { value = provider::betterdata::scope_allows([], "inventory:read") }
output "parsed"      { value = provider::betterdata::parse_key("bdk_live_ABC123_0123456789abWXYZ") }
output "masked"      { value = provider::betterdata::mask_key("bdk_live_ABC123_0123456789abWXYZ") }
output "not_known"   { value = null == null ? "none" : provider::betterdata::mask_key(null) }
output "not_a_key"   { value = provider::betterdata::mask_key("a session token") }
`,
			ConfigStateChecks: []statecheck.StateCheck{
				statecheck.ExpectKnownOutputValue("by_list", knownvalue.Bool(true)),
				statecheck.ExpectKnownOutputValue("by_set", knownvalue.Bool(false)),
				statecheck.ExpectKnownOutputValue("by_nothing", knownvalue.Bool(false)),
				statecheck.ExpectKnownOutputValue("parsed", knownvalue.ObjectExact(map[string]knownvalue.Check{
					"key_prefix": knownvalue.StringExact("bdk_live_ABC123"), "environment": knownvalue.StringExact("live"), "last4": knownvalue.StringExact("WXYZ"),
				})),
				statecheck.ExpectKnownOutputValue("masked", knownvalue.StringExact("bdk_live_ABC123_...WXYZ")),
				statecheck.ExpectKnownOutputValue("not_known", knownvalue.StringExact("none")),
				statecheck.ExpectKnownOutputValue("not_a_key", knownvalue.StringExact("...")),
			},
		}},
	})
	if total := w.api.Stats().Total; total != 0 {
		t.Errorf("%d requests were sent, want none", total)
	}
}

// TestAccFunctionErrors: what is wrong is said without repeating a key.
func TestAccFunctionErrors(t *testing.T) {
	t.Parallel()
	for call, want := range map[string]string{
		`scope_allows(["inventory:read,inventory:write"], "inventory:read")`: `(?s)list\s+each\s+on\s+its\s+own`,
		`scope_allows(["inventory:read", null], "inventory:read")`:           `(?s)A\s+granted\s+scope\s+is\s+null`,
		`scope_allows([], "")`:                  `(?s)The\s+wanted\s+scope\s+is\s+empty`,
		`mask_key(null)`:                        `(?s)null`,
		`parse_key(null)`:                       `(?s)null`,
		`parse_key("")`:                         `(?s)key\s+is\s+empty`,
		`parse_key("sesame")`:                   `(?s)not\s+a\s+Better\s+Data\s+API\s+key`,
		`parse_key("bdk_live_ABC123_secret\n")`: `(?s)trimspace`,
	} {
		t.Run(call, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			resource.UnitTest(t, resource.TestCase{
				ProtoV6ProviderFactories: w.factories(),
				Steps: []resource.TestStep{{
					Config:      w.providerBlock() + "output \"x\" {\n  value = provider::betterdata::" + call + "\n}\n",
					ExpectError: regexp.MustCompile(want),
				}},
			})
		})
	}
}

// TestAccFunctionOfASecret: of a key in state a function's result stays sensitive until the configuration says
// otherwise, and then shows no more than a listing does (P5). What the CLI prints is searched by TestMain.
func TestAccFunctionOfASecret(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	const key = "resource \"betterdata_api_key\" \"test\" {\n  name = \"Masked\"\n  scopes = [\"inventory:read\"]\n}\n"
	ws := newWorkspace(t, w, key+"output \"masked\" {\n  value = provider::betterdata::mask_key(betterdata_api_key.test.plaintext_key)\n}\n")
	if res := ws.run("plan", "-no-color"); res.err == nil || !strings.Contains(res.output, "sensitive") {
		t.Errorf("a masked key is shown without nonsensitive():\n%s", tail(res.output))
	}
	ws.configure(key + `
output "masked" { value = nonsensitive(provider::betterdata::mask_key(betterdata_api_key.test.plaintext_key)) }
output "parsed" { value = nonsensitive(provider::betterdata::parse_key(betterdata_api_key.test.plaintext_key)) }
`)
	ws.env = append(ws.env, "TF_LOG=TRACE")
	output := ws.apply()
	listed := w.api.LiveKeys()[0]
	if want := listed.KeyPrefix + "_..." + listed.Last4; !strings.Contains(output, want) {
		t.Errorf("the apply does not show %s:\n%s", want, tail(output))
	}
}
