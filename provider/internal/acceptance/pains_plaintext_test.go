package acceptance

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/betterdataco/terraform-provider-betterdata/apiclient/sandbox"
)

// TestAccPain01PlaintextSurvivesRefreshAndUpdate: elsewhere a refresh or an update takes over the null that the API
// shows in place of a plaintext, and the only copy is gone (cloudflare #5045, #5273; astro #196; dynatrace #261).
func TestAccPain01PlaintextSurvivesRefreshAndUpdate(t *testing.T) {
	t.Parallel()
	for name, dialect := range map[string]sandbox.Dialect{
		"an API that wraps its answers": {}, "an API that answers the bare key": {List: "array", Write: "flat"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, sandbox.WithDialect(dialect))
			w.front(nullPlaintexts)
			ws := newWorkspace(t, w, block("Kept"))
			ws.apply()
			plaintext := ws.plaintexts()[test]
			expectKept := func(after string) {
				t.Helper()
				if ws.plaintexts()[test] != plaintext || w.use(plaintext) != http.StatusOK {
					t.Errorf("the plaintext is lost after %s", after)
				}
			}
			ws.must("apply", "-refresh-only", "-auto-approve", "-no-color")
			expectKept("a refresh")
			w.edit(func(k *sandbox.Key) { k.Name, k.Scopes = "Hijacked", []string{"*"} })
			ws.must("apply", "-refresh-only", "-auto-approve", "-no-color")
			expectKept("a refresh that finds drift")
			ws.apply()
			expectKept("the repair of drift")

			changed := block("Renamed", `scopes = ["inventory:*", "forecast:read"]`, `rotation = { interval = "2160h", triggers = { n = "1" } }`)
			ws.configure(changed)
			w.api.AddFault(sandbox.Fault{Operation: "update", Kind: "redirect", Times: 1})
			ws.mustFail("apply", "-auto-approve", "-no-color")
			expectKept("an update that failed")
			ws.apply()
			expectKept("an update of name, scopes and rotation")
			ws.configure(strings.Replace(changed, `"test"`, `"moved"`, 1) + "moved {\n  from = betterdata_api_key.test\n  to   = betterdata_api_key.moved\n}\n")
			ws.apply()
			if ws.plaintexts()["moved<nil>"] != plaintext || w.api.Stats().Created != 1 {
				t.Error("the plaintext is lost after the resource was moved")
			}
		})
	}
}

// nullPlaintexts shows the plaintext as null in every answer but those that issue a key.
func nullPlaintexts(api http.Handler, rw http.ResponseWriter, r *http.Request) {
	record := answerOf(api, r)
	editKeys(rw, record, func(key map[string]any) {
		if !issues(r) {
			key["plaintextKey"] = nil
		}
	})
}

// TestAccPain04KeysStayOutOfState: elsewhere each key that Terraform makes is in clear in the state and in saved plans
// (temporalcloud #306, datadog #2916, auth0 #1564). An ephemeral key is in neither, nor is an encrypted one.
func TestAccPain04KeysStayOutOfState(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	ws := newWorkspace(t, w, ephemeralKey(adminScopes)+strings.Replace(borrowed, `scopes   =`,
		`age_recipients = ["`+newIdentity(t).Recipient().String()+`"]
  rotation = { overlap = "1h", triggers = { n = "1" } }
  scopes   =`, 1))
	ws.env = append(ws.env, "TF_LOG=TRACE", "BETTERDATA_TOKEN_FILE=", "BETTERDATA_TOKEN="+w.api.SessionToken())
	output := ws.must("plan", "-no-color", "-out="+saved) + ws.applySaved()
	output += ws.must("plan", "-no-color", "-out="+saved)
	if live := w.api.LiveKeys(); len(live) != 1 || live[0].Name != "Made with a borrowed key" {
		t.Errorf("live: %+v, want the key that the ephemeral one was to make", live)
	}
	if got := len(w.issued()); got != 4 {
		t.Fatalf("%d keys were issued, want one for each of three runs and the managed one", got)
	}
	ws.expectNowhere(w.issued()...)
	for _, plaintext := range w.issued() {
		if strings.Contains(output, plaintext) {
			t.Error("a plaintext was printed")
		}
	}
	if !strings.Contains(string(ws.stateFile()), "BEGIN AGE ENCRYPTED FILE") {
		t.Error("the encrypted key is not in the state: nobody has it")
	}
}

// TestAccPain05EphemeralKeyAtPlanHarmsNothing: elsewhere each plan leaves another live token, or making one invalidates
// the one in use (twingate #802, tfe #1721, vault #2505, aws #43465).
func TestAccPain05EphemeralKeyAtPlanHarmsNothing(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	// The same name and scopes: if a key is told by anything but its id, these get mixed up.
	managed := block("Smoke", adminScopes)
	ws := newWorkspace(t, w, managed+ephemeralKey(adminScopes)+borrowed)
	ws.env = append(ws.env, "BETTERDATA_TOKEN_FILE=", "BETTERDATA_TOKEN="+w.api.SessionToken())
	ws.apply()
	plaintext := ws.plaintexts()[test]
	expectHarmless := func(after string, live int) {
		t.Helper()
		w.expectLive(live)
		if ws.plaintexts()[test] != plaintext || !usable(w.api.API(), plaintext) {
			t.Errorf("after %s the managed key does not work", after)
		}
	}
	expectHarmless("an apply", 2)
	for _, kind := range []string{"-refresh=true", "-refresh-only", "-destroy"} {
		ws.must("plan", "-no-color", kind)
		expectHarmless("a plan "+kind, 2)
	}
	if s := w.api.Stats(); s.Created < 2+2+3 || s.Rotated != 0 {
		t.Errorf("%d keys issued and %d rotations, want two managed keys, one for each plan and apply, and none", s.Created, s.Rotated)
	}

	// The idiom for a key that is to live on: kept by an apply, never by a plan. The apply has to need the key: without
	// anything to do OpenTofu does not open it.
	ws.configure(managed + ephemeralKey(adminScopes, "revoke_on_close = terraform.applying ? false : true") +
		strings.Replace(borrowed, "inventory:read", "inventory:*", 1))
	ws.must("plan", "-no-color")
	expectHarmless("a plan with the idiom", 2)
	ws.apply()
	expectHarmless("an apply with the idiom", 3)
	kept := w.issued()[len(w.issued())-1]
	ws.must("plan", "-no-color")
	expectHarmless("a plan after the key was kept", 3)
	if !usable(w.api.API(), kept) {
		t.Error("a later plan has invalidated the key that was kept")
	}
}

// TestAccPain12ImportWithoutSecretAndInBulk: elsewhere an import is refused for want of the secret, takes it from one
// environment variable that cannot serve many keys, or plans a replacement right after it (confluent #17, #344, #385;
// temporalcloud #224; google #11580; netbird #115).
func TestAccPain12ImportWithoutSecretAndInBulk(t *testing.T) {
	t.Parallel()
	const n = 25
	w := newWorld(t)
	ids := map[string]string{}
	for i := range n {
		name := fmt.Sprintf("Imported %02d", i)
		ids[name] = w.seed(name, "inventory:read", "forecast:*")
	}
	encoded, err := json.Marshal(ids)
	if err != nil {
		t.Fatal(err)
	}
	config := func(rotate string) string {
		return `locals { keys = jsondecode(<<EOT
` + string(encoded) + `
EOT
) }
import {
  for_each = local.keys
  to       = betterdata_api_key.bulk[each.key]
  id       = each.value
}
resource "betterdata_api_key" "bulk" {
  for_each         = local.keys
  name             = each.key
  scopes           = ["forecast:*", "inventory:read"]
  rotate_on_import = ` + rotate + `
}
`
	}
	ws := newWorkspace(t, w, config("false"))
	w.api.ResetStats()
	if output := ws.apply(); !strings.Contains(output, fmt.Sprintf("%d imported, 0 added, 0 changed, 0 destroyed", n)) {
		t.Errorf("the import changes something:\n%s", tail(output))
	}
	if s := w.api.Stats(); s.Total > 2 || s.Total != s.Requests["list"] {
		t.Errorf("importing %d keys took %v, want one listing for the plan and one for the apply at most", n, s.Requests)
	}
	ws.expectEmptyPlan()

	ws.configure(config(`each.key == "Imported 07"`))
	ws.apply()
	w.expectLive(n + 1) // the imported key lives on for the overlap
	for name, plaintext := range ws.plaintexts() {
		if got, want := plaintext != "" && w.use(plaintext) == http.StatusOK, name == "bulkImported 07"; got != want {
			t.Errorf("%s has a plaintext that works: %t, want %t", name, got, want)
		}
	}
	ws.expectEmptyPlan()
}

// TestAccPain12ImportWithGeneratedConfiguration: elsewhere the configuration that the CLI generates for an imported key
// does not validate, or plans a change (see also confluent #344). By identity, too, where the CLI knows identities.
func TestAccPain12ImportWithGeneratedConfiguration(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	ws := newWorkspace(t, w, "")
	imports := fmt.Sprintf("import {\n  to = betterdata_api_key.by_id\n  id = %q\n}\n", w.seed("By id", "inventory:read"))
	imported := 1
	if ws.knowsIdentities() {
		imports += fmt.Sprintf("import {\n  to = betterdata_api_key.by_identity\n  identity = {\n    id = %q\n  }\n}\n", w.seed("By identity", "*", "admin:read"))
		imported++
	}
	ws.configure(imports)
	w.api.ResetStats()
	ws.must("plan", "-no-color", "-generate-config-out=generated.tf")
	if output := ws.apply(); !strings.Contains(output, fmt.Sprintf("%d imported, 0 added, 0 changed, 0 destroyed", imported)) {
		t.Errorf("the import changes something:\n%s", tail(output))
	}
	ws.configure("")
	ws.expectEmptyPlan()
	if s := w.api.Stats(); s.Total != s.Requests["list"] {
		t.Errorf("the import has sent more than listings: %v", s.Requests)
	}
}

// knowsIdentities: Terraform and OpenTofu both have resource identities since their 1.12.
func (ws *workspace) knowsIdentities() bool {
	ws.w.t.Helper()
	var version struct {
		Number string `json:"terraform_version"`
	}
	if err := json.Unmarshal(ws.unrecorded("version", "-json"), &version); err != nil {
		ws.w.t.Fatal(err)
	}
	var major, minor int
	if _, err := fmt.Sscanf(version.Number, "%d.%d", &major, &minor); err != nil {
		ws.w.t.Fatalf("version %q: %v", version.Number, err)
	}
	return major > 1 || minor >= 12
}
