package acceptance

import (
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

const releasedKey = `resource "betterdata_api_key" "test" {
  name   = "Released"
  scopes = ["inventory:read"]
}
`

// stateOf writes a recorded state file into a workspace, about a key that exists.
func (ws *workspace) stateOf(file string) (id, plaintext string) {
	w := ws.w
	w.t.Helper()
	id = w.seed("Released", "inventory:read")
	keys, issued := w.api.Keys(), w.issued()
	key, plaintext := keys[len(keys)-1], issued[len(issued)-1]
	recorded, err := os.ReadFile(filepath.Join("testdata", file))
	if err != nil {
		w.t.Fatal(err)
	}
	registry := "registry.terraform.io"
	if host := os.Getenv("TF_ACC_PROVIDER_HOST"); host != "" {
		registry = host
	}
	ws.write("terraform.tfstate", strings.NewReplacer(
		"REGISTRY", registry, "KEY_ID", id, "KEY_PREFIX", key.KeyPrefix, "LAST4", key.Last4,
		"CREATED_AT", key.CreatedAt.UTC().Format(time.RFC3339Nano), "PLAINTEXT", plaintext).Replace(string(recorded)))
	return id, plaintext
}

// TestAccUpgradeState: a state as the first version of the schema wrote it is taken over without a change at the API,
// plaintext and marker included.
func TestAccUpgradeState(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	ws := newWorkspace(t, w, releasedKey)
	id, plaintext := ws.stateOf("state-v0.json")
	ws.must("plan", "-detailed-exitcode", "-no-color")
	ws.configure(strings.Replace(releasedKey, "inventory:read", "inventory:*", 1))
	ws.apply()
	if got := ws.plaintexts()["test<nil>"]; got != plaintext {
		t.Error("the upgrade has changed the plaintext")
	}
	if got := w.live(); len(got) != 1 || got[0] != id {
		t.Errorf("live keys after the upgrade: %v, want %s alone", got, id)
	}
	ws.expectEmptyPlan()
}

// buildGenericProvider builds the pinned generic REST provider, unless it is built, and returns its folder.
func buildGenericProvider(t *testing.T) string {
	t.Helper()
	root, err := filepath.Abs("../../..")
	if err != nil {
		t.Fatal(err)
	}
	build := exec.CommandContext(t.Context(), filepath.Join(root, ".ci", "build-tool"), "terraform-provider-restapi")
	if output, err := build.CombinedOutput(); err != nil {
		t.Fatalf("building the generic REST provider: %v\n%s", err, output)
	}
	return filepath.Join(root, "bin")
}

// TestAccMoveFromREST: a key that the generic REST provider created, the real one, moves over by a moved block: the
// same key, the plaintext out of its recorded answer, nothing sent but listings.
func TestAccMoveFromREST(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	ws := newWorkspace(t, w, "")
	ws.env = append(ws.env, "TF_VAR_token="+w.api.SessionToken())
	ws.override("mastercard/restapi", buildGenericProvider(t))
	rest := `provider "restapi" {
  uri                  = "` + w.baseURL() + `"
  headers              = { Authorization = "Bearer ${var.token}", "Content-Type" = "application/json" }
  id_attribute         = "apiKey/id"
  write_returns_object = true
}
variable "token" {
  type      = string
  sensitive = true
}
`
	ws.configureWith("restapi = { source = \"mastercard/restapi\" }", rest+`resource "restapi_object" "key" {
  path           = "/admin/api-keys"
  data           = jsonencode({ name = "Released", scopes = ["inventory:read"] })
  destroy_method = "POST"
  destroy_path   = "/admin/api-keys/{id}/revoke"
  read_search    = { search_key = "id", search_value = "{id}", results_key = "apiKeys" }
}
`)
	ws.apply()
	id, plaintext := w.live()[0], w.issued()[0]

	ws.configureWith("restapi = { source = \"mastercard/restapi\" }", rest+releasedKey+"moved {\n  from = restapi_object.key\n  to   = betterdata_api_key.test\n}\n")
	ws.apply()
	if got := ws.plaintexts()["test<nil>"]; got != plaintext {
		t.Error("the plaintext was not taken over")
	}
	if got := w.live(); len(got) != 1 || got[0] != id {
		t.Errorf("live keys after the move: %v, want %s alone", got, id)
	}
	if s := w.api.Stats(); s.Created != 1 || s.Updated+s.Rotated+s.Revoked != 0 {
		t.Errorf("the move has changed something at the API: %+v", s)
	}
	ws.configure(releasedKey)
	ws.expectEmptyPlan()
	ws.destroy()
	if got := w.use(plaintext); got != http.StatusUnauthorized {
		t.Errorf("after destroy the key answers %d", got)
	}
}
