package acceptance

import (
	"fmt"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/hashicorp/terraform-plugin-go/tfprotov6"

	"github.com/betterdataco/terraform-provider-betterdata/apiclient"
	"github.com/betterdataco/terraform-provider-betterdata/apiclient/sandbox"
	"github.com/betterdataco/terraform-provider-betterdata/provider/internal/provider"
)

// address is the resource that most tests manage.
const address = "betterdata_api_key.test"

// world is one tenant of the API, and what a test does with it.
type world struct {
	t         *testing.T
	api       *sandbox.Server
	server    *httptest.Server
	tokenFile string
	issued    func() []string
}

// newWorld starts a sandbox on loopback without rate limits unless options say otherwise.
func newWorld(t *testing.T, options ...sandbox.Option) *world {
	t.Helper()
	var plaintexts syncStrings
	options = append([]sandbox.Option{
		sandbox.WithRateLimits(),
		sandbox.WithIssueHook(func(id, plaintext string) {
			plaintexts.add(plaintext)
			secrets.add("the plaintext of "+id+" of "+t.Name(), plaintext)
		}),
	}, options...)
	api, err := sandbox.New(options...)
	if err != nil {
		t.Fatalf("starting the sandbox: %v", err)
	}
	server := httptest.NewServer(api.API())
	t.Cleanup(func() {
		server.Close()
		if err := api.Close(); err != nil {
			t.Errorf("closing the sandbox: %v", err)
		}
	})
	w := &world{t: t, api: api, server: server, issued: plaintexts.all}
	w.tokenFile = filepath.Join(t.TempDir(), "token")
	w.useToken(api.SessionToken())
	return w
}

// useToken gives the provider another credential.
func (w *world) useToken(token string) {
	w.t.Helper()
	secrets.add("a token of "+w.t.Name(), token)
	if err := os.WriteFile(w.tokenFile, []byte(token), 0o600); err != nil {
		w.t.Fatal(err)
	}
}

func (w *world) baseURL() string { return w.server.URL + "/api" }

// retries is how often the provider under test repeats a request that may be repeated.
const retries = 2

// factories serves the provider in this process, with waits between retries that are too short to notice.
func (w *world) factories() map[string]func() (tfprotov6.ProviderServer, error) {
	impatient := apiclient.WithRetry(apiclient.RetryPolicy{MaxRetries: retries, MinWait: time.Millisecond, MaxWait: time.Millisecond})
	return map[string]func() (tfprotov6.ProviderServer, error){
		"betterdata": provider.Server("test", impatient),
	}
}

// providerBlock points the provider at this world. The token goes by file: terraform-plugin-testing logs
// configurations.
func (w *world) providerBlock() string {
	return fmt.Sprintf("provider \"betterdata\" {\n  base_url   = %q\n  token_file = %q\n}\n", w.baseURL(), w.tokenFile)
}

// key is the configuration of one API key with the given arguments beside name and scopes.
func (w *world) key(name string, arguments ...string) string {
	return w.providerBlock() + fmt.Sprintf("resource \"betterdata_api_key\" \"test\" {\n  name   = %q\n  %s\n}\n",
		name, strings.Join(withScopes(arguments), "\n  "))
}

func withScopes(arguments []string) []string {
	for _, a := range arguments {
		if strings.HasPrefix(a, "scopes") {
			return arguments
		}
	}
	return append([]string{`scopes = ["inventory:read"]`}, arguments...)
}

// live returns the ids of live keys, in order of creation.
func (w *world) live() []string {
	var ids []string
	for _, key := range w.api.LiveKeys() {
		ids = append(ids, key.ID)
	}
	return ids
}

// expectLive checks how many keys live.
func (w *world) expectLive(want int) {
	w.t.Helper()
	if got := w.api.LiveKeys(); len(got) != want {
		w.t.Errorf("%d live keys, want %d: %+v", len(got), want, got)
	}
}

// use calls the inventory endpoint with a plaintext and returns the status.
func (w *world) use(plaintext string) int {
	w.t.Helper()
	return get(w.t, w.baseURL()+"/inventory/channel-location?locationId=loc_123&page=1&limit=50", plaintext)
}

// later moves the API's clock, and only that: due-ness follows the API.
func (w *world) later(d time.Duration) func() {
	return func() { w.api.AdvanceClock(d) }
}

// fault makes the next request of the operation fail once in the given way.
func (w *world) fault(op sandbox.Operation, kind sandbox.FaultKind) func() {
	return func() { w.api.AddFault(sandbox.Fault{Operation: op, Kind: kind, Times: 1}) }
}

// seed makes a key as somebody else would, by the vendor's documented request, and returns its id.
func (w *world) seed(name string, scopes ...string) string {
	w.t.Helper()
	body := fmt.Sprintf(`{"name": %q, "scopes": ["%s"]}`, name, strings.Join(scopes, `", "`))
	if status := post(w.t, w.baseURL()+"/admin/api-keys", w.api.SessionToken(), body); status/100 != 2 {
		w.t.Fatalf("seeding a key: status %d", status)
	}
	keys := w.api.Keys()
	return keys[len(keys)-1].ID
}
