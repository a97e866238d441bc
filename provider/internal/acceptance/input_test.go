package acceptance

import (
	"regexp"
	"testing"

	"github.com/hashicorp/terraform-plugin-testing/helper/resource"
)

// TestAccInput: bad input is refused with the attribute's path and a remedy, before anything is sent (P7).
func TestAccInput(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct{ arguments, want string }{
		"no scope":             {`scopes = []`, `(?s)Attribute scopes set must contain at least 1`},
		"an empty scope":       {`scopes = [""]`, `(?s)Invalid scope`},
		"days":                 {`rotation = { interval = "90d" }`, `(?s)days\s+have\s+no\s+unit.*2160h`},
		"too short an age":     {`rotation = { interval = "10s", overlap = "1s" }`, `(?s)interval.*1m`},
		"overlap not shorter":  {`rotation = { interval = "24h", overlap = "24h" }`, `(?s)overlap.*interval`},
		"a negative overlap":   {`rotation = { overlap = "-1h" }`, `(?s)overlap`},
		"an unknown word":      {`on_destroy = "keep"`, `(?s)on_destroy.*"revoke".*"retain"`},
		"a typo in the marker": {`name_marker = "temp"`, `(?s)name_marker.*"temporary"`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			resource.UnitTest(t, resource.TestCase{
				ProtoV6ProviderFactories: w.factories(),
				Steps:                    []resource.TestStep{{Config: w.key("Input", c.arguments), ExpectError: regexp.MustCompile(c.want)}},
			})
			if total := w.api.Stats().Total; total != 0 {
				t.Errorf("%d requests were sent, want none", total)
			}
		})
	}
	for name, want := range map[string]string{
		"":               `name is empty`,
		" padded ":       `white space`,
		"Prod [tf:12]":   `\[tf:`,
		"Prod [k8s:a:b]": `\[k8s:`,
	} {
		t.Run("name "+name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			resource.UnitTest(t, resource.TestCase{
				ProtoV6ProviderFactories: w.factories(),
				Steps:                    []resource.TestStep{{Config: w.key(name), ExpectError: regexp.MustCompile(want)}},
			})
		})
	}
}

// TestAccProviderConfiguration: nothing set names all three sources; two at once are refused; a plain http address
// that is not loopback is refused. Nothing of it sends a request.
func TestAccProviderConfiguration(t *testing.T) {
	for name, c := range map[string]struct{ block, want string }{
		"nothing set":    {`provider "betterdata" {}`, `(?s)token or token_file.*BETTERDATA_TOKEN.*BETTERDATA_TOKEN_FILE`},
		"both set":       {"provider \"betterdata\" {\n token = \"x\"\n token_file = \"y\"\n}", `(?s)token and token_file are both set`},
		"empty token":    {"provider \"betterdata\" {\n token = \"\"\n}", `(?s)token is set to an empty string`},
		"plain http":     {"provider \"betterdata\" {\n token = \"x\"\n base_url = \"http://example.com/api\"\n}", `(?s)http`},
		"missing file":   {"provider \"betterdata\" {\n token_file = \"/nonexistent/token\"\n base_url = \"http://127.0.0.1:1/api\"\n}", `(?s)/nonexistent/token`},
		"not an address": {"provider \"betterdata\" {\n token = \"x\"\n base_url = \"betterdata\"\n}", `(?s)base_url`},
	} {
		t.Run(name, func(t *testing.T) {
			for _, variable := range []string{"BETTERDATA_TOKEN", "BETTERDATA_TOKEN_FILE", "BETTERDATA_BASE_URL"} {
				t.Setenv(variable, "")
			}
			w := newWorld(t)
			resource.UnitTest(t, resource.TestCase{
				ProtoV6ProviderFactories: w.factories(),
				Steps: []resource.TestStep{{
					Config:      c.block + "\nresource \"betterdata_api_key\" \"test\" {\n  name = \"x\"\n  scopes = [\"inventory:read\"]\n}\n",
					ExpectError: regexp.MustCompile(c.want),
				}},
			})
		})
	}
}
