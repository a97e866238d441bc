package sandbox_test

import (
	"bytes"
	"encoding/json"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/betterdataco/terraform-provider-betterdata/apiclient/sandbox"
)

// testSeed makes ids and faults of every test repeatable.
const testSeed = 20240101

// epoch is the time that the clock of every test starts at: the page's createdAt.
var epoch = time.Date(2024, 1, 1, 0, 0, 0, 0, time.UTC)

// api is a sandbox behind real HTTP on the loopback, and the verbs of the tests.
type api struct {
	*sandbox.Server
	url    string
	client *http.Client
}

func start(t *testing.T, opts ...sandbox.Option) *api {
	t.Helper()
	defaults := []sandbox.Option{sandbox.WithSeed(testSeed), sandbox.WithClock(func() time.Time { return epoch })}
	s, err := sandbox.New(append(defaults, opts...)...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return serve(t, s)
}

// serve puts a sandbox, which the caller closes, behind HTTP.
func serve(t *testing.T, s *sandbox.Server) *api {
	t.Helper()
	server := httptest.NewServer(s.API())
	t.Cleanup(server.Close)
	client := server.Client()
	client.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	return &api{Server: s, url: server.URL, client: client}
}

// reply is a whole answer.
type reply struct {
	status int
	proto  string
	header http.Header
	text   string
}

// json decodes the body.
func (r reply) json(t *testing.T) any {
	t.Helper()
	var v any
	if err := json.Unmarshal([]byte(r.text), &v); err != nil {
		t.Fatalf("body %q: %v", r.text, err)
	}
	return v
}

// at walks a decoded body by object keys: at(t, "pagination", "total").
func (r reply) at(t *testing.T, path ...string) any {
	t.Helper()
	v := r.json(t)
	for _, name := range path {
		fields, ok := v.(map[string]any)
		if !ok {
			t.Fatalf("no object on the way to %v in %s", path, r.text)
		}
		v = fields[name]
	}
	return v
}

// textAt is the string at a path.
func (r reply) textAt(t *testing.T, path ...string) string {
	t.Helper()
	return as[string](t, r.at(t, path...))
}

// as asserts a type.
func as[T any](t *testing.T, v any) T {
	t.Helper()
	got, ok := v.(T)
	if !ok {
		t.Fatalf("%v is a %T, want a %T", v, v, got)
	}
	return got
}

// keys are the keys of a listing in the page's dialect.
func (r reply) keys(t *testing.T) []map[string]any {
	t.Helper()
	var keys []map[string]any
	for _, entry := range as[[]any](t, r.at(t, "apiKeys")) {
		keys = append(keys, as[map[string]any](t, entry))
	}
	return keys
}

// send does one request with a bearer token; body may be empty.
func (a *api) send(t *testing.T, method, path, token, body string) (reply, error) {
	t.Helper()
	var reader io.Reader
	if body != "" {
		reader = strings.NewReader(body)
	}
	req, err := http.NewRequestWithContext(t.Context(), method, a.url+path, reader)
	if err != nil {
		t.Fatal(err)
	}
	if token != "" {
		req.Header.Set("Authorization", "Bearer "+token)
	}
	return a.roundTrip(req)
}

func (a *api) roundTrip(req *http.Request) (reply, error) {
	res, err := a.client.Do(req)
	if err != nil {
		return reply{}, err
	}
	defer func() { _ = res.Body.Close() }()
	var text bytes.Buffer
	_, err = text.ReadFrom(res.Body)
	return reply{status: res.StatusCode, proto: res.Proto, header: res.Header, text: text.String()}, err
}

// mustSend is send as the tenant's admin, without a transport error.
func (a *api) mustSend(t *testing.T, method, path, body string) reply {
	t.Helper()
	return a.mustSendAs(t, a.SessionToken(), method, path, body)
}

func (a *api) mustSendAs(t *testing.T, token, method, path, body string) reply {
	t.Helper()
	r, err := a.send(t, method, path, token, body)
	if err != nil {
		t.Fatalf("%s %s: %v", method, path, err)
	}
	return r
}

// mustCreate issues a key in the page's dialect and returns its id and plaintext.
func (a *api) mustCreate(t *testing.T, name string, scopes ...string) (id, plaintext string) {
	t.Helper()
	body, err := json.Marshal(map[string]any{"name": name, "scopes": scopes})
	if err != nil {
		t.Fatal(err)
	}
	r := a.mustSend(t, http.MethodPost, "/api/admin/api-keys", string(body))
	expectStatus(t, r, http.StatusCreated)
	return r.textAt(t, "apiKey", "id"), r.textAt(t, "plaintextKey")
}

func expectStatus(t *testing.T, r reply, want int) {
	t.Helper()
	if r.status != want {
		t.Fatalf("status %d, want %d; body %s", r.status, want, r.text)
	}
}

// expectCode checks status and code of an error in the page's dialect.
func expectCode(t *testing.T, r reply, status int, code string) {
	t.Helper()
	expectStatus(t, r, status)
	if got := r.at(t, "code"); got != code {
		t.Fatalf("code %v, want %s; body %s", got, code, r.text)
	}
}

const (
	keysPath      = "/api/admin/api-keys"
	inventoryPath = "/api/inventory/channel-location?locationId=loc_123&page=1&limit=50"
)

// recorder collects issued plaintexts. It has a lock, because a cut connection tells a test nothing about whether the
// handler's goroutine is done.
type recorder struct {
	mu     sync.Mutex
	issued map[string]string // plaintext -> id
	order  []string          // plaintexts
}

func (r *recorder) hook(id, plaintext string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.issued == nil {
		r.issued = map[string]string{}
	}
	r.issued[plaintext] = id
	r.order = append(r.order, plaintext)
}

// all returns the plaintexts in the order in which they were issued.
func (r *recorder) all() []string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.Clone(r.order)
}

// ids returns the id of each plaintext.
func (r *recorder) ids() map[string]string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return maps.Clone(r.issued)
}
