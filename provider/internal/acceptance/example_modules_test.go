package acceptance

import (
	"encoding/json"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

// state reads the state file.
func (ws *workspace) state() []byte {
	ws.w.t.Helper()
	content, err := os.ReadFile(filepath.Join(ws.dir, "terraform.tfstate"))
	if err != nil {
		ws.w.t.Fatal(err)
	}
	return content
}

// output reads an output of the state. What the CLI prints here is the secret itself, so it is not recorded.
func (ws *workspace) output(name string, into any) {
	ws.w.t.Helper()
	var state struct {
		Outputs map[string]struct{ Value json.RawMessage }
	}
	if err := json.Unmarshal(ws.state(), &state); err != nil {
		ws.w.t.Fatal(err)
	}
	if err := json.Unmarshal(state.Outputs[name].Value, into); err != nil {
		ws.w.t.Fatalf("output %s: %v", name, err)
	}
}

// TestAccExampleBlueGreen rotates the idle key and switches to it: what consumers are given changes with the switch
// and with nothing else, and works all along.
func TestAccExampleBlueGreen(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	ws := exampleWorkspace(t, w, example{files: []string{"modules/blue-green/main.tf"}})
	apply := func(variables ...string) (key string) {
		t.Helper()
		args := []string{"apply", "-auto-approve", "-no-color"}
		for _, v := range variables {
			args = append(args, "-var="+v)
		}
		ws.must(args...)
		ws.output("api_key", &key)
		if got := w.use(key); got != http.StatusOK {
			t.Errorf("after %v the key answers %d, want 200", variables, got)
		}
		return key
	}
	blue := apply()
	if apply("generation={green=2}") != blue {
		t.Error("rotating the idle key has changed the one in use")
	}
	green := apply("generation={green=2}", "active=green")
	if green == blue {
		t.Error("the switch has changed nothing")
	}
	w.api.AdvanceClock(1000 * time.Hour)
	if apply("generation={green=2}", "active=green") != green || w.use(blue) != http.StatusOK {
		t.Error("both keys must live until one is rotated")
	}
}

// TestAccExampleAudit: the report names each key that is old or may do too much, why, and no other.
func TestAccExampleAudit(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	ws := exampleWorkspace(t, w, example{files: []string{"modules/audit/main.tf"}}) // has seeded the key that is to be old
	old := w.live()
	w.api.AdvanceClock(2161 * time.Hour)
	w.seed("Harmless", "inventory:*")
	all, admin := w.seed("All", "*"), w.seed("Admin", "admin:write")

	output := ws.apply()
	var findings []struct {
		ID      string
		Reasons []string
	}
	ws.output("findings", &findings)
	got := map[string]string{}
	for _, f := range findings {
		slices.Sort(f.Reasons)
		got[f.ID] = strings.Join(f.Reasons, ", ")
	}
	const mayAdminister = "may issue and revoke API keys"
	want := map[string]string{old[0]: "older than 2160h", all: "may do everything, " + mayAdminister, admin: mayAdminister}
	for id, reasons := range want {
		if got[id] != reasons {
			t.Errorf("%s: found for %q, want %q", id, got[id], reasons)
		}
		if !strings.Contains(output, id) {
			t.Errorf("the warning does not name %s", id)
		}
	}
	if len(got) != len(want) {
		t.Errorf("findings %v, want %v", got, want)
	}
}
