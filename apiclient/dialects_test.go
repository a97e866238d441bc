package apiclient_test

import (
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/betterdataco/terraform-provider-betterdata/apiclient"
	"github.com/betterdataco/terraform-provider-betterdata/apiclient/sandbox"
)

// inProcess is a transport without a network, so that the waits for quota below pass in no time.
type inProcess struct{ api http.Handler }

var errCut = errors.New("connection cut")

func (p inProcess) RoundTrip(req *http.Request) (_ *http.Response, err error) {
	defer func() {
		if recover() != nil { // http.ErrAbortHandler: the server cuts the connection
			err = errCut
		}
	}()
	answer := httptest.NewRecorder()
	p.api.ServeHTTP(answer, req)
	return answer.Result(), nil
}

// arc is one run of every operation against one dialect.
type arc struct {
	*testing.T
	dialect sandbox.Dialect
	api     *sandbox.Server
	client  *apiclient.Client

	mu     sync.Mutex
	issued map[string]string // plaintexts by id, as the server issued them
}

const dialectSeed = 7

func newArc(t *testing.T, dialect sandbox.Dialect) *arc {
	t.Helper()
	a := &arc{T: t, dialect: dialect, issued: map[string]string{}}
	var err error
	a.api, err = sandbox.New(sandbox.WithDialect(dialect), sandbox.WithSeed(dialectSeed),
		sandbox.WithRateLimits(sandbox.RateLimit{Requests: 12, Per: 20 * time.Second}),
		sandbox.WithIssueHook(func(id, plaintext string) {
			a.mu.Lock()
			defer a.mu.Unlock()
			a.issued[id] = plaintext
		}))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = a.api.Close() })
	a.client = a.clientWith(a.api.SessionToken())
	return a
}

func (a *arc) clientWith(token string) *apiclient.Client {
	a.Helper()
	client, err := apiclient.New(
		apiclient.WithBaseURL("http://127.0.0.1/api"),
		apiclient.WithHTTPClient(&http.Client{Transport: inProcess{a.api.API()}}),
		apiclient.WithTokenSource(apiclient.StaticToken(apiclient.NewSecret(token))),
	)
	if err != nil {
		a.Fatal(err)
	}
	return client
}

// check compares a plaintext received with the one issued.
func (a *arc) check(issued *apiclient.IssuedKey, err error) apiclient.Key {
	a.Helper()
	if err != nil {
		a.Fatal(err)
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	if issued.ID == "" || issued.Plaintext.Reveal() != a.issued[issued.ID] || issued.ServerTime.IsZero() {
		a.Errorf("issued %+v, server says otherwise", issued)
	}
	return issued.Key
}

func (a *arc) fresh() *apiclient.View {
	a.Helper()
	view, err := a.client.Directory().View(a.Context(), apiclient.Freshness{BegunAfter: a.client.Directory().Now()})
	if err != nil {
		a.Fatal(err)
	}
	return view
}

// keysInArc is more than two pages of the dialects that cut at 20.
const keysInArc = 45

func (a *arc) create() []apiclient.Key {
	a.Helper()
	keys := make([]apiclient.Key, keysInArc)
	var wg sync.WaitGroup
	for i := range keys {
		wg.Go(func() {
			issued, err := a.client.CreateKey(a.Context(), apiclient.CreateKeyRequest{
				Name: fmt.Sprintf("key %d", i), Scopes: []string{"inventory:read", "forecast:read"},
			})
			if err != nil {
				a.Error(err)
				return
			}
			keys[i] = a.check(issued, nil)
		})
	}
	wg.Wait()
	if created := a.api.Stats().Created; created != keysInArc || a.Failed() {
		a.Fatalf("%d keys created for %d calls", created, keysInArc)
	}
	return keys
}

func (a *arc) list(keys []apiclient.Key) {
	a.Helper()
	view := a.fresh()
	for _, key := range keys {
		if got, ok := view.Get(key.ID); !ok || got.Name != key.Name || !got.Live() || len(got.Scopes) != 2 || got.Last4 == "" || got.KeyPrefix == "" {
			a.Errorf("listed %+v, %v; created %+v", got, ok, key)
		}
	}
	if n := len(view.Keys()); n != len(keys) {
		a.Errorf("%d keys listed, %d created", n, len(keys))
	}
}

func (a *arc) update(key apiclient.Key) {
	a.Helper()
	got, err := a.client.UpdateKey(a.Context(), key.ID, apiclient.UpdateKeyRequest{Name: "renamed", Scopes: []string{"reports:read"}})
	if err != nil || got.Key.ID != key.ID || got.Key.Name != "renamed" || len(got.Key.Scopes) != 1 {
		a.Errorf("update: got %+v, %v", got, err)
	}
	if wantEcho := a.dialect.Write != "empty" && a.dialect.Write != "success"; got.Echoed != wantEcho {
		a.Errorf("update: echoed is %v", got.Echoed)
	}
	if listed, _ := a.fresh().Get(key.ID); listed.Name != "renamed" {
		a.Errorf("update: listed as %+v", listed)
	}
}

func (a *arc) rotate(key apiclient.Key) {
	a.Helper()
	successor := a.check(a.client.RotateKey(a.Context(), key.ID))
	if same := successor.ID == key.ID; same != (a.dialect.RotateID == "same") {
		a.Errorf("rotate: %s gave way to %s", key.ID, successor.ID)
	}
	view := a.fresh()
	for _, id := range []string{key.ID, successor.ID} {
		if got, ok := view.Get(id); !ok || !got.Live() {
			a.Errorf("rotate: %s is %+v afterwards", id, got)
		}
	}
}

func (a *arc) revoke(key apiclient.Key) {
	a.Helper()
	for _, id := range []string{key.ID, key.ID, "key_of_nobody"} { // again, and never there: both count as done
		if err := a.client.RevokeKey(a.Context(), id); err != nil {
			a.Errorf("revoke %s: %v", id, err)
		}
	}
	if got, ok := a.fresh().Get(key.ID); ok && got.Live() || ok == (a.dialect.Dead == "hidden") {
		a.Errorf("revoke: listed as %+v, %v", got, ok)
	}
	absent, got, err := a.client.Directory().Absent(a.Context(), key.ID, apiclient.Freshness{})
	if err != nil || absent != (a.dialect.Dead == "hidden") || !absent && got.Live() {
		a.Errorf("absent: got %v, %+v, %v", absent, got, err)
	}
}

// refuse checks that each refusal keeps its status and code, wherever the dialect puts the code.
func (a *arc) refuse(live, revoked apiclient.Key) {
	a.Helper()
	plaintext := func(key apiclient.Key) string {
		a.mu.Lock()
		defer a.mu.Unlock()
		return a.issued[key.ID]
	}
	for token, want := range map[string]struct {
		status int
		code   apiclient.Code
	}{
		"bdk_live_nobody_knows": {401, apiclient.CodeInvalidAPIKey},
		plaintext(live):         {403, apiclient.CodeInsufficientScope},
		plaintext(revoked):      {401, apiclient.CodeRevokedAPIKey},
	} {
		client := a.clientWith(token)
		_, errList := client.Directory().View(a.Context(), apiclient.Freshness{})
		_, errCreate := client.CreateKey(a.Context(), apiclient.CreateKeyRequest{Name: "n", Scopes: []string{"*"}})
		for _, err := range []error{errList, errCreate, client.RevokeKey(a.Context(), live.ID)} {
			e, ok := errors.AsType[*apiclient.Error](err)
			if !ok || e.Status != want.status || e.Code != want.code || e.Hint == "" {
				a.Errorf("got %v, want %d %s", err, want.status, want.code)
			}
		}
	}
}

// Every dialect, every operation, with a quota that is too small for it.
func TestDialects(t *testing.T) {
	t.Parallel()
	for name, dialect := range sandbox.Dialects() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				a := newArc(t, dialect)
				keys := a.create()
				a.list(keys)
				a.update(keys[0])
				a.rotate(keys[1])
				a.revoke(keys[2])
				a.refuse(keys[3], keys[2])
				if stats := a.api.Stats(); stats.Created != keysInArc || stats.Rotated != 1 || stats.Revoked != 1 || stats.Updated != 1 {
					t.Errorf("got %+v", stats)
				}
			})
		})
	}
}

// P3, P2: whatever goes wrong with a listing, it is an error; whatever goes wrong with a create, there is one key at
// most, and the caller knows that there may be one.
func TestFaults(t *testing.T) {
	t.Parallel()
	for _, kind := range []sandbox.FaultKind{
		sandbox.FaultServerError, sandbox.FaultBadGateway, sandbox.FaultCutBefore, sandbox.FaultCutAfterCommit,
		sandbox.FaultTruncatedJSON, sandbox.FaultBrokenJSON, sandbox.FaultUnknownShape, sandbox.FaultNoPlaintext, sandbox.FaultEmptyPage,
	} {
		t.Run(string(kind), func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				a := newArc(t, sandbox.Dialect{})
				a.check(a.client.CreateKey(t.Context(), apiclient.CreateKeyRequest{Name: "before", Scopes: []string{"*"}}))
				a.api.ResetStats()
				a.api.AddFault(sandbox.Fault{Kind: kind})
				_, err := a.client.CreateKey(t.Context(), apiclient.CreateKeyRequest{Name: "n", Scopes: []string{"*"}})
				if created := a.api.Stats().Created; created > 1 || created == 1 && err != nil && !errors.Is(err, apiclient.ErrOutcomeUnknown) {
					t.Errorf("create: got %v, %d keys", err, created)
				}
				view, err := a.client.Directory().View(t.Context(), apiclient.Freshness{})
				if kind != sandbox.FaultNoPlaintext && err == nil {
					t.Errorf("list: got %d keys and no error", len(view.Keys()))
				}
			})
		})
	}
}

// P3: whatever the shape and the paging, 150 keys are listed whole, or not at all.
func TestListingsAreWhole(t *testing.T) {
	t.Parallel()
	for _, list := range []string{"apiKeys", "array", "data", "items", "keys", "data.apiKeys"} {
		for _, paging := range []string{"page", "offset", "none", "silent-cut", "ignored", "limit-refused"} {
			t.Run(list+" "+paging, func(t *testing.T) {
				t.Parallel()
				synctest.Test(t, func(t *testing.T) {
					a := newArc(t, sandbox.Dialect{List: list, Paging: paging})
					for range 150 {
						a.check(a.client.CreateKey(t.Context(), apiclient.CreateKeyRequest{Name: "n", Scopes: []string{"*"}}))
					}
					view, err := a.client.Directory().View(t.Context(), apiclient.Freshness{})
					if err != nil {
						t.Logf("refused: %v", err)
					} else if n := len(view.Keys()); n != 150 {
						t.Errorf("%d of 150 keys are taken for all", n)
					}
				})
			})
		}
	}
}
