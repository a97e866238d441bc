package acceptance

import (
	"fmt"
	"net/http"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/hashicorp/terraform-plugin-go/tfprotov6"
	"github.com/hashicorp/terraform-plugin-testing/echoprovider"
	"github.com/hashicorp/terraform-plugin-testing/helper/resource"
	"github.com/hashicorp/terraform-plugin-testing/knownvalue"
	"github.com/hashicorp/terraform-plugin-testing/statecheck"
	"github.com/hashicorp/terraform-plugin-testing/tfjsonpath"

	"github.com/betterdataco/terraform-provider-betterdata/apiclient/sandbox"
)

// ephemeralKey is the configuration of one ephemeral key.
func ephemeralKey(arguments ...string) string {
	return "ephemeral \"betterdata_api_key\" \"test\" {\n  name = \"Smoke\"\n  " + strings.Join(withScopes(arguments), "\n  ") + "\n}\n"
}

// echo writes what is not secret about the ephemeral key into the state of a resource, so that a test can see it.
const echo = `
provider "echo" {
  data = {
    id              = ephemeral.betterdata_api_key.test.id
    key_prefix      = ephemeral.betterdata_api_key.test.key_prefix
    last4           = ephemeral.betterdata_api_key.test.last4
    created_at      = ephemeral.betterdata_api_key.test.created_at
    revoke_on_close = ephemeral.betterdata_api_key.test.revoke_on_close
  }
}

resource "echo" "test" {}
`

// factoriesWithEcho serves the echo provider beside the provider under test.
func (w *world) factoriesWithEcho() map[string]func() (tfprotov6.ProviderServer, error) {
	factories := w.factories()
	factories["echo"] = echoprovider.NewProviderServer()
	return factories
}

// shape matches any string of the form.
func shape(form string) knownvalue.Check { return knownvalue.StringRegexp(regexp.MustCompile(form)) }

// TestAccEphemeral: the key is there while the run needs it and dead when the run is over, plan and apply alike. Its
// name tells what it is for and that it is not meant to stay.
func TestAccEphemeral(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	resource.UnitTest(t, resource.TestCase{
		ProtoV6ProviderFactories: w.factoriesWithEcho(),
		Steps: []resource.TestStep{{
			Config: w.providerBlock() + ephemeralKey() + echo,
			ConfigStateChecks: []statecheck.StateCheck{statecheck.ExpectKnownValue("echo.test", tfjsonpath.New("data"), knownvalue.ObjectExact(
				map[string]knownvalue.Check{
					"id": shape(`^key_\w+$`), "key_prefix": shape(`.`), "last4": shape(`^.{4}$`),
					"created_at": shape(`^\d{4}-\d\d-\d\dT.*Z$`), "revoke_on_close": knownvalue.Bool(true),
				}))},
			Check: check("no key is alive between runs", func() bool { return len(w.live()) == 0 }),
		}},
	})
	w.expectLive(0)
	if s := w.api.Stats(); s.Created < 2 || s.Requests["revoke"] != s.Requests["create"] {
		t.Errorf("%d keys issued by %d creates and %d revokes, want one of each in plan and in apply", s.Created, s.Requests["create"], s.Requests["revoke"])
	}
	for _, key := range w.api.Keys() {
		if !regexp.MustCompile(`^Smoke \(ephemeral\) \[tf:[0-9a-f]{8}\]$`).MatchString(key.Name) {
			t.Errorf("the key is named %q", key.Name)
		}
	}
	for _, plaintext := range w.issued() {
		if got := w.use(plaintext); got != http.StatusUnauthorized {
			t.Errorf("a key of a run that is over answers %d, want 401", got)
		}
	}
}

// borrowed is a configuration whose second provider logs in with the ephemeral key: what it does works only while
// that key is alive.
const borrowed = `
provider "betterdata" {
  alias = "borrowed"
  token = ephemeral.betterdata_api_key.test.plaintext_key
}

resource "betterdata_api_key" "made" {
  provider = betterdata.borrowed
  name     = "Made with a borrowed key"
  scopes   = ["inventory:read"]
}
`

const adminScopes = `scopes = ["admin:read", "admin:write"]`

// TestAccEphemeralWorksWhileOpen: a provider that logs in with the ephemeral key can work with it in each run.
func TestAccEphemeralWorksWhileOpen(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	ws := newWorkspace(t, w, ephemeralKey(adminScopes)+borrowed)
	ws.env = append(ws.env, "BETTERDATA_TOKEN_FILE=", "BETTERDATA_TOKEN="+w.api.SessionToken())
	ws.apply()
	if live := w.api.LiveKeys(); len(live) != 1 || live[0].Name != "Made with a borrowed key" {
		t.Errorf("live: %+v, want the managed key alone", live)
	}
	ws.expectEmptyPlan()
	w.expectLive(1)
	ws.destroy()
	w.expectLive(0)
}

// TestAccEphemeralKept: with revoke_on_close = false the key lives on, under a name that does not call it a leftover.
func TestAccEphemeralKept(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	ws := newWorkspace(t, w, ephemeralKey(adminScopes, "revoke_on_close = !terraform.applying")+borrowed)
	ws.env = append(ws.env, "BETTERDATA_TOKEN_FILE=", "BETTERDATA_TOKEN="+w.api.SessionToken())
	ws.must("plan", "-no-color")
	w.expectLive(0)
	ws.apply()
	live := w.api.LiveKeys()
	if len(live) != 2 {
		t.Fatalf("%d keys live after an apply, want the one kept and the one made with it: %+v", len(live), live)
	}
	if !regexp.MustCompile(`^Smoke \[tf:[0-9a-f]{8}\]$`).MatchString(live[0].Name) {
		t.Errorf("the key that stays is named %q", live[0].Name)
	}
	// The plan alone issued a key, then the apply while it planned, and then came the one to keep.
	if got := get(t, w.baseURL()+"/admin/api-keys", w.issued()[2]); got != http.StatusOK {
		t.Errorf("the key that stays answers %d, want 200", got)
	}
}

// TestAccEphemeralLostAnswer: the API issues the key and the answer is lost. No key stays alive, and the error says so;
// where that cannot be known, it says which name to look for (P2, P3).
func TestAccEphemeralLostAnswer(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		faults []sandbox.Fault
		want   string
		live   int
	}{
		"the connection is cut": {[]sandbox.Fault{{Operation: "create", Kind: "cut-after-commit", Times: 1}}, `(?s)Unknown.*key_\w+\s+and\s+has\s+been\s+revoked`, 0},
		"half the answer":       {[]sandbox.Fault{{Operation: "create", Kind: "truncated-json", Times: 1}}, `(?s)Unknown.*key_\w+\s+and\s+has\s+been\s+revoked`, 0},
		"no plaintext in it":    {[]sandbox.Fault{{Operation: "create", Kind: "no-plaintext", Times: 1}}, `(?s)Unknown.*key_\w+\s+and\s+has\s+been\s+revoked`, 0},
		"nothing was done":      {[]sandbox.Fault{{Operation: "create", Kind: "502-html", Times: 1}}, `(?s)Two\s+complete\s+listings.*Smoke\s+\(ephemeral\)\s+\[tf:[0-9a-f]{8}\]`, 0},
		"the listing fails too": {[]sandbox.Fault{{Operation: "create", Kind: "cut-after-commit", Times: 1}, {Operation: "list", Kind: "502-html"}}, `(?s)Looking\s+for\s+it\s+failed.*Smoke\s+\(ephemeral\)\s+\[tf:[0-9a-f]{8}\]`, 1},
		"the listing is cut":    {[]sandbox.Fault{{Operation: "create", Kind: "cut-after-commit", Times: 1}, {Operation: "list", Kind: "truncated-json"}}, `(?s)Looking\s+for\s+it\s+failed.*\[tf:[0-9a-f]{8}\]`, 1},
		"the revocation fails":  {[]sandbox.Fault{{Operation: "create", Kind: "cut-after-commit", Times: 1}, {Operation: "revoke", Kind: "500"}}, `(?s)created\s+as\s+key_\w+,\s+and\s+revoking\s+it\s+failed`, 1},
		"refused":               {[]sandbox.Fault{{Operation: "create", Kind: "429", Times: 1 + retries}, {Operation: "create", Kind: "redirect", Times: 1}}, `(?s)ephemeral API key`, 0},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			bystander := w.seed("Smoke (ephemeral)", "inventory:read")
			for _, fault := range c.faults {
				w.api.AddFault(fault)
			}
			resource.UnitTest(t, resource.TestCase{
				ProtoV6ProviderFactories: w.factoriesWithEcho(),
				Steps:                    []resource.TestStep{{Config: w.providerBlock() + ephemeralKey() + echo, ExpectError: regexp.MustCompile(c.want)}},
			})
			w.expectLive(1 + c.live)
			if live := w.live(); len(live) == 0 || live[0] != bystander {
				t.Error("somebody else's key of the same name was touched")
			}
		})
	}
}

// TestAccEphemeralCloseFails: a key that could not be revoked is named, and the run fails.
func TestAccEphemeralCloseFails(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.api.AddFault(sandbox.Fault{Operation: "revoke", Kind: "500"})
	resource.UnitTest(t, resource.TestCase{
		ProtoV6ProviderFactories: w.factoriesWithEcho(),
		Steps: []resource.TestStep{{
			Config:      w.providerBlock() + ephemeralKey() + echo,
			ExpectError: regexp.MustCompile(`(?s)Cannot\s+revoke\s+ephemeral\s+API\s+key\s+key_\w+\s+"Smoke\s+\(ephemeral\)\s+\[tf:.*betterdata_api_keys`),
		}},
	})
}

// TestAccEphemeralRevokedMeanwhile: a key that somebody else revoked while it was open is no error.
func TestAccEphemeralRevokedMeanwhile(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	// The first answer is lost, so the client asks again and hears that the key is revoked.
	w.api.AddFault(sandbox.Fault{Operation: "revoke", Kind: "cut-after-commit", Times: 1})
	resource.UnitTest(t, resource.TestCase{
		ProtoV6ProviderFactories: w.factoriesWithEcho(),
		Steps:                    []resource.TestStep{{Config: w.providerBlock() + ephemeralKey() + echo}},
	})
	w.expectLive(0)
}

// TestAccEphemeralInput: bad input is refused with the attribute's path, before anything is sent (P7).
func TestAccEphemeralInput(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct{ config, want string }{
		"no scope": {ephemeralKey(`scopes = []`), `(?s)scopes.*at least 1`},
		"a marker": {strings.Replace(ephemeralKey(), "Smoke", "Smoke [tf:1]", 1), `(?s)Invalid name.*Choose\s+another\s+name`},
		"no name":  {strings.Replace(ephemeralKey(), "Smoke", "", 1), `(?s)The name is empty`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			resource.UnitTest(t, resource.TestCase{
				ProtoV6ProviderFactories: w.factoriesWithEcho(),
				Steps:                    []resource.TestStep{{Config: w.providerBlock() + c.config + echo, ExpectError: regexp.MustCompile(c.want)}},
			})
			if total := w.api.Stats().Total; total != 0 {
				t.Errorf("%d requests were sent, want none", total)
			}
		})
	}
}

// openInApply starts an apply that opens the ephemeral key and is then held up while it uses it, and returns once the
// key is open.
func openInApply(t *testing.T, w *world, ws *workspace, holdUp time.Duration) *running {
	t.Helper()
	ws.env = append(ws.env, "BETTERDATA_TOKEN_FILE=", "BETTERDATA_TOKEN="+w.api.SessionToken())
	// The first two creates are those of the ephemeral key in plan and apply, the third is made with it.
	w.api.AddFault(sandbox.Fault{Operation: "create", Kind: "latency", Latency: holdUp, Skip: 2, Times: 1})
	run := ws.start("apply", "-auto-approve", "-no-color")
	eventually(t, "the key is open and used", func() bool {
		faults := w.api.Faults()
		return len(faults) == 1 && faults[0].Hits == 1
	})
	return run
}

// TestAccEphemeralFailedRun: neither Terraform nor OpenTofu closes an ephemeral resource when something that uses it has
// failed. The key is revoked all the same, before the provider's process ends.
func TestAccEphemeralFailedRun(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		scopes string
		opened int
	}{
		"in the plan":  {`scopes = ["inventory:read"]`, 1},
		"in the apply": {`scopes = ["admin:read"]`, 2},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			ws := newWorkspace(t, w, ephemeralKey(c.scopes)+borrowed)
			ws.env = append(ws.env, "BETTERDATA_TOKEN_FILE=", "BETTERDATA_TOKEN="+w.api.SessionToken())
			if c.opened == 1 {
				// A refresh of what was made before fails.
				ws.configure(ephemeralKey(adminScopes) + borrowed)
				ws.apply()
				ws.configure(ephemeralKey(c.scopes) + borrowed)
			}
			kept := len(w.live())
			w.api.ResetStats()
			res := ws.run("apply", "-auto-approve", "-no-color")
			if res.err == nil || !strings.Contains(res.output, "INSUFFICIENT_SCOPE") {
				t.Errorf("the apply was to fail for want of a scope (%v):\n%s", res.err, tail(res.output))
			}
			if s := w.api.Stats(); s.Created != c.opened {
				t.Errorf("%d keys were issued, want %d", s.Created, c.opened)
			}
			w.expectLive(kept)
		})
	}
}

// TestAccEphemeralInterrupted: after Ctrl-C the key is revoked all the same.
func TestAccEphemeralInterrupted(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	ws := newWorkspace(t, w, ephemeralKey(adminScopes)+borrowed)
	run := openInApply(t, w, ws, time.Second)
	run.interrupt()
	res := run.wait()
	for _, key := range w.api.LiveKeys() {
		if strings.Contains(key.Name, "(ephemeral)") {
			t.Errorf("%q is alive after Ctrl-C:\n%s", key.Name, tail(res.output))
		}
	}
}

// TestAccEphemeralKilled: a run that is killed leaves the key alive; the query that the documentation gives finds it.
func TestAccEphemeralKilled(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	ws := newWorkspace(t, w, ephemeralKey(adminScopes)+borrowed)
	run := openInApply(t, w, ws, time.Hour)
	if err := syscall.Kill(-run.cmd.Process.Pid, syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	run.wait()
	w.expectLive(1)
	left := w.live()[0]
	w.seed("CI", "inventory:read")
	w.api.AdvanceClock(2 * time.Hour)
	fresh := w.seed("Smoke (ephemeral) [tf:0badcafe]", "inventory:read")

	query := newWorkspace(t, w, `
data "betterdata_api_keys" "leftovers" {
  live       = true
  name_regex = "\\(ephemeral\\)"
  older_than = "1h"
}

output "leftovers" {
  value = data.betterdata_api_keys.leftovers.keys[*].id
}
`)
	output := query.apply()
	if !strings.Contains(output, fmt.Sprintf("%q", left)) || strings.Contains(output, fmt.Sprintf("%q", fresh)) {
		t.Errorf("the query should find %s and not %s:\n%s", left, fresh, tail(output))
	}
}
