package apiclient

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"
)

// testToken is what the clients under test authenticate with.
const testToken = "session-token-for-tests"

// basePath puts every test server under a path prefix, so that paths taken from the root are noticed.
const basePath = "/prefix/api"

// serve starts handler under basePath and returns its base URL.
func serve(t *testing.T, handler http.HandlerFunc) string {
	t.Helper()
	mux := http.NewServeMux()
	mux.Handle(basePath+"/", handler)
	server := httptest.NewServer(mux)
	t.Cleanup(server.Close)
	return server.URL + basePath
}

// quick is a retry policy that does not slow tests down.
var quick = RetryPolicy{MaxRetries: 3, MinWait: time.Millisecond, MaxWait: 2 * time.Millisecond}

func newTestClient(t *testing.T, base string, opts ...Option) *Client {
	t.Helper()
	client, err := New(append([]Option{
		WithBaseURL(base), WithTokenSource(StaticToken(NewSecret(testToken))), WithRetry(quick),
	}, opts...)...)
	if err != nil {
		t.Fatal(err)
	}
	return client
}

// clientOf is a client of a server that runs handler.
func clientOf(t *testing.T, handler http.HandlerFunc, opts ...Option) *Client {
	t.Helper()
	return newTestClient(t, serve(t, handler), opts...)
}

// inProcess is a transport without a network, for tests in a synctest bubble: there, time stands still while
// anything waits for a socket.
type inProcess http.HandlerFunc

func (handler inProcess) RoundTrip(req *http.Request) (*http.Response, error) {
	recorder := httptest.NewRecorder()
	done := make(chan struct{})
	go func() {
		defer close(done)
		handler(recorder, req)
	}()
	select {
	case <-done:
		return recorder.Result(), nil
	case <-req.Context().Done():
		<-done // handlers sleep with elapse, which ends too
		return nil, context.Cause(req.Context())
	}
}

// elapse lets d pass, or the time until ctx ends.
func elapse(ctx context.Context, d time.Duration) {
	select {
	case <-time.After(d):
	case <-ctx.Done():
	}
}

// bubbleClient is a client of handler for a synctest bubble.
func bubbleClient(t *testing.T, handler http.HandlerFunc, opts ...Option) *Client {
	t.Helper()
	return newTestClient(t, "http://127.0.0.1:1"+basePath,
		append([]Option{WithHTTPClient(&http.Client{Transport: inProcess(handler)})}, opts...)...)
}

// failing is a transport that never gets through.
type failing struct{ err error }

func (f failing) RoundTrip(*http.Request) (*http.Response, error) { return nil, f.err }

// recorder keeps what reached the server.
type recorder struct {
	mu       sync.Mutex
	requests []seen
}

type seen struct {
	method, path, query, body string
	from                      string // address of the connection's other end
	header                    http.Header
}

func (r *recorder) note(req *http.Request) {
	body := []byte(nil)
	if req.Body != nil {
		body, _ = io.ReadAll(req.Body)
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.requests = append(r.requests, seen{req.Method, req.URL.EscapedPath(), req.URL.RawQuery, string(body), req.RemoteAddr, req.Header.Clone()})
}

func (r *recorder) all() []seen {
	r.mu.Lock()
	defer r.mu.Unlock()
	return append([]seen(nil), r.requests...)
}

func (r *recorder) count() int { return len(r.all()) }

// answering records requests and gives each of them the same answer.
func (r *recorder) answering(status int, body string) http.HandlerFunc {
	return func(w http.ResponseWriter, req *http.Request) {
		r.note(req)
		w.WriteHeader(status)
		_, _ = io.WriteString(w, body)
	}
}

// issuedBody is the vendor's documented answer to create.
const issuedBody = `{"apiKey":{"id":"key_123","name":"Production API Key","keyPrefix":"bdk_live_ABC123","last4":"XYZ1",` +
	`"scopes":["inventory:read","forecast:read"],"status":"ACTIVE","createdAt":"2024-01-01T00:00:00Z"},` +
	`"plaintextKey":"bdk_live_ABC123_randomXYZ1"}`

// issuedPlaintext is the plaintext in issuedBody.
const issuedPlaintext = "bdk_live_ABC123_randomXYZ1"

// issuers are the two operations that must never be repeated.
func issuers() map[string]func(context.Context, *Client) (*IssuedKey, error) {
	return map[string]func(context.Context, *Client) (*IssuedKey, error){
		"create": func(ctx context.Context, c *Client) (*IssuedKey, error) {
			return c.CreateKey(ctx, CreateKeyRequest{Name: "n", Scopes: []string{"inventory:read"}})
		},
		"rotate": func(ctx context.Context, c *Client) (*IssuedKey, error) { return c.RotateKey(ctx, "key_1") },
	}
}

// mustBe checks the kind of an error by errors.Is.
func mustBe(t *testing.T, err, want error) {
	t.Helper()
	if !errors.Is(err, want) {
		t.Errorf("got error %v, want one that is %v", err, want)
	}
}

// mustBeStatus checks that err is an *Error with a status.
func mustBeStatus(t *testing.T, err error, status int) {
	t.Helper()
	_ = errorWith(t, err, status)
}

// errorWith returns the *Error in err, which must have a status.
func errorWith(t *testing.T, err error, status int) *Error {
	t.Helper()
	e, ok := errors.AsType[*Error](err)
	if !ok || e.Status != status {
		t.Fatalf("got error %v, want an *Error with status %d", err, status)
	}
	return e
}

// tenant is a small API: a list of keys that pages, and grows and shrinks on demand.
type tenant struct {
	recorder
	mu    sync.Mutex
	keys  []map[string]any
	shape func(page []map[string]any, at tenantPage) any // the answer to a listing
	size  int                                            // keys on a page, whatever limit says; 0: as limit says
}

type tenantPage struct{ page, limit, offset, total int }

// fill adds n keys: key_1, key_2 and so on.
func (a *tenant) fill(n int) *tenant {
	for i := range n {
		a.add(fmt.Sprintf("key_%d", i+1), "name")
	}
	return a
}

func (a *tenant) add(id, name string) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.keys = append(a.keys, map[string]any{"id": id, "name": name, "status": "ACTIVE", "scopes": []string{"inventory:read"}})
}

// paged is the documented shape.
func paged(page []map[string]any, at tenantPage) any {
	return map[string]any{"apiKeys": page, "pagination": map[string]any{
		"page": at.page, "pageSize": at.limit, "total": at.total, "totalPages": (at.total + at.limit - 1) / at.limit,
	}}
}

func (a *tenant) list(w http.ResponseWriter, r *http.Request) {
	a.note(r)
	a.mu.Lock()
	at := tenantPage{page: 1, limit: 100, total: len(a.keys)}
	read := func(into *int, name string) {
		if n, err := strconv.Atoi(r.URL.Query().Get(name)); err == nil {
			*into = n
		}
	}
	read(&at.page, "page")
	read(&at.limit, "limit")
	read(&at.offset, "offset")
	if a.size > 0 {
		at.limit = a.size
	}
	from := at.offset
	if !r.URL.Query().Has("offset") {
		from = (at.page - 1) * at.limit
	}
	from = min(from, len(a.keys))
	page := append([]map[string]any{}, a.keys[from:min(from+at.limit, len(a.keys))]...)
	shape := a.shape
	a.mu.Unlock()
	if shape == nil {
		shape = paged
	}
	writeJSON(w, shape(page, at))
}

func writeJSON(w io.Writer, value any) {
	encoded, err := json.Marshal(value)
	if err != nil {
		panic(err)
	}
	_, _ = w.Write(encoded)
}

// ids joins the ids of keys.
func ids(keys []Key) string {
	list := make([]string, len(keys))
	for i, key := range keys {
		list[i] = key.ID
	}
	return strings.Join(list, " ")
}

// quiet drops what test servers log about the failures that tests provoke.
var quiet = log.New(io.Discard, "", 0)
