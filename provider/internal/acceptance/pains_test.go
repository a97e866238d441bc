package acceptance

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"maps"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/betterdataco/terraform-provider-betterdata/apiclient/sandbox"
)

// The tests TestAccPain* are named after what users of other providers of keys and tokens ask for or complain about
// most. Each lives through the situation with the real CLI and shows that this provider does not have the pain. They
// stand in pains_*_test.go, by theme; this file holds what they share.

// front puts a handler of the test between the provider and the API. Workspaces made afterwards go through it.
func (w *world) front(handle func(api http.Handler, rw http.ResponseWriter, r *http.Request)) {
	api := w.api.API()
	server := httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) { handle(api, rw, r) }))
	w.t.Cleanup(server.Close)
	w.server = server
}

// answerOf has the API answer, for the test to look at or change before it is sent on.
func answerOf(api http.Handler, r *http.Request) *httptest.ResponseRecorder {
	record := httptest.NewRecorder()
	api.ServeHTTP(record, r)
	return record
}

// send sends an answer on with another body.
func send(rw http.ResponseWriter, record *httptest.ResponseRecorder, body []byte) {
	maps.Copy(rw.Header(), record.Header())
	rw.Header().Del("Content-Length")
	rw.WriteHeader(record.Code)
	_, _ = rw.Write(body)
}

// editKeys sends an answer on after every key in it was changed.
func editKeys(rw http.ResponseWriter, record *httptest.ResponseRecorder, edit func(key map[string]any)) {
	var answer any
	if json.Unmarshal(record.Body.Bytes(), &answer) != nil {
		send(rw, record, record.Body.Bytes())
		return
	}
	eachKey(answer, edit)
	body, _ := json.Marshal(answer) //nolint:errchkjson // it came from JSON
	send(rw, record, body)
}

func eachKey(value any, edit func(key map[string]any)) {
	switch v := value.(type) {
	case []any:
		for _, element := range v {
			eachKey(element, edit)
		}
	case map[string]any:
		if v["keyPrefix"] != nil {
			edit(v)
		}
		for _, member := range v {
			eachKey(member, edit)
		}
	}
}

// issues reports whether a request is a create or rotate, whose answer holds a plaintext.
func issues(r *http.Request) bool {
	return r.Method == http.MethodPost && !strings.HasSuffix(r.URL.Path, "/revoke")
}

// usable asks the API itself, past any front, whether a plaintext authenticates.
func usable(api http.Handler, plaintext string) bool {
	r := httptest.NewRequestWithContext(context.Background(), http.MethodGet, "/api/inventory/channel-location?locationId=loc_123", nil)
	r.Header.Set("Authorization", "Bearer "+plaintext)
	return answerOf(api, r).Code != http.StatusUnauthorized
}

// test is the name under which workspace.plaintexts has the resource that most tests manage.
const test = "test<nil>"

// plannedChange is what a plan says of one resource.
type plannedChange struct {
	Actions      []string
	Before       map[string]any
	After        map[string]any
	AfterUnknown map[string]any `json:"after_unknown"`
}

// saved is the plan file that workspace.plan writes.
const saved = "saved.tfplan"

// plan saves a plan and returns its changes by address, without those that change nothing.
func (ws *workspace) plan() map[string]plannedChange {
	ws.w.t.Helper()
	ws.must("plan", "-no-color", "-out="+saved)
	var plan struct {
		Changes []struct {
			Address string
			Mode    string
			Change  plannedChange
		} `json:"resource_changes"`
	}
	if err := json.Unmarshal(ws.unrecorded("show", "-json", saved), &plan); err != nil {
		ws.w.t.Fatal(err)
	}
	changes := map[string]plannedChange{}
	for _, c := range plan.Changes {
		if c.Mode == "managed" && !slices.Equal(c.Change.Actions, []string{"no-op"}) {
			changes[c.Address] = c.Change
		}
	}
	return changes
}

// unrecorded runs a command whose output shows sensitive values by design, so that it is not searched for them.
func (ws *workspace) unrecorded(args ...string) []byte {
	ws.w.t.Helper()
	cmd := exec.CommandContext(ws.w.t.Context(), ws.path, args...)
	cmd.Dir, cmd.Env = ws.dir, ws.env
	output, err := cmd.Output()
	if err != nil {
		ws.w.t.Fatalf("%s: %v", strings.Join(args, " "), err)
	}
	return output
}

// applySaved applies what plan has saved.
func (ws *workspace) applySaved() string {
	ws.w.t.Helper()
	return ws.must("apply", "-no-color", saved)
}

// expectActions compares a plan with the actions wanted by address, joined by commas.
func expectActions(t *testing.T, plan map[string]plannedChange, want map[string]string) {
	t.Helper()
	got := map[string]string{}
	for address, change := range plan {
		got[address] = strings.Join(change.Actions, ",")
	}
	if !maps.Equal(got, want) {
		t.Errorf("the plan has %v, want %v", got, want)
	}
}

// mustFail runs the CLI, which has to fail, and returns what it printed.
func (ws *workspace) mustFail(args ...string) string {
	ws.w.t.Helper()
	res := ws.run(args...)
	if res.err == nil {
		ws.w.t.Errorf("%s succeeded, want an error:\n%s", strings.Join(args, " "), tail(res.output))
	}
	return res.output
}

// stateFile is the state as it is on disk.
func (ws *workspace) stateFile() []byte {
	ws.w.t.Helper()
	content, err := os.ReadFile(filepath.Join(ws.dir, "terraform.tfstate"))
	if err != nil {
		ws.w.t.Fatal(err)
	}
	return content
}

// expectSecrets checks that the state holds so many API keys and that the plaintext of each works.
func (ws *workspace) expectSecrets(want int) {
	ws.w.t.Helper()
	var state struct {
		Resources []struct {
			Type, Name string
			Instances  []struct {
				Attributes struct {
					PlaintextKey string `json:"plaintext_key"`
				}
			}
		}
	}
	if err := json.Unmarshal(ws.stateFile(), &state); err != nil {
		ws.w.t.Fatal(err)
	}
	got := 0
	for _, r := range state.Resources {
		if r.Type != "betterdata_api_key" {
			continue
		}
		for _, i := range r.Instances {
			got++
			if !usable(ws.w.api.API(), i.Attributes.PlaintextKey) {
				ws.w.t.Errorf("the plaintext of a %s does not work", r.Name)
			}
		}
	}
	if got != want {
		ws.w.t.Errorf("%d keys in the state, want %d", got, want)
	}
}

// expectNowhere searches every file of the workspace, plan files unpacked, for texts that may be in none of them, in
// clear or in base64, which is how a state holds the private data of a provider.
func (ws *workspace) expectNowhere(texts ...string) {
	ws.w.t.Helper()
	before := len(secrets.outputsOf(ws.dir))
	ws.recordFiles()
	files := secrets.outputsOf(ws.dir)
	if len(files) == before {
		ws.w.t.Error("no file was searched")
	}
	for path, content := range files {
		for _, text := range texts {
			for _, form := range append(inBase64(text), text) {
				if bytes.Contains(content, []byte(form)) {
					ws.w.t.Errorf("a secret is in %s", path)
				}
			}
		}
	}
}

// inBase64 is what a longer text holds in base64 that has the text in it, for each of the three places where it may
// begin. Characters that depend on what stands before or after are left out.
func inBase64(text string) []string {
	forms := make([]string, 0, 3)
	for before := range 3 {
		encoded := base64.StdEncoding.EncodeToString(append(make([]byte, before), text...))
		forms = append(forms, strings.TrimRight(encoded, "=")[4:len(encoded)-4])
	}
	return forms
}

// outputsOf are the recorded files of a folder.
func (c *canary) outputsOf(dir string) map[string][]byte {
	c.mu.Lock()
	defer c.mu.Unlock()
	found := map[string][]byte{}
	for where, content := range c.outputs {
		if strings.HasPrefix(where, dir) {
			found[where] = content
		}
	}
	return found
}

// request sends a write as somebody else would, past any front, and returns the answer's status.
func (w *world) request(path, body string) int {
	w.t.Helper()
	r := httptest.NewRequestWithContext(w.t.Context(), http.MethodPost, "/api/admin/api-keys"+path, strings.NewReader(body))
	r.Header.Set("Authorization", "Bearer "+w.api.SessionToken())
	r.Header.Set("Content-Type", "application/json")
	return answerOf(w.api.API(), r).Code
}

// seedMany makes n keys of somebody else.
func (w *world) seedMany(n int) {
	w.t.Helper()
	for range n {
		if status := w.request("", `{"name": "Somebody else's", "scopes": ["inventory:read"]}`); status/100 != 2 {
			w.t.Fatalf("seeding a key: status %d", status)
		}
	}
}

// always makes every request of an operation go wrong, after the first skip ones.
func always(op sandbox.Operation, kind sandbox.FaultKind, skip int) sandbox.Fault {
	return sandbox.Fault{Operation: op, Kind: kind, Skip: skip}
}

// block is the configuration of an API key in a workspace, whose provider the environment configures.
func block(name string, arguments ...string) string {
	return "resource \"betterdata_api_key\" \"test\" {\n  name = \"" + name + "\"\n  " + strings.Join(withScopes(arguments), "\n  ") + "\n}\n"
}
