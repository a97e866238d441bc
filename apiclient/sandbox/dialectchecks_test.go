package sandbox_test

import (
	"net/http"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/betterdataco/terraform-provider-betterdata/apiclient/sandbox"
)

type check = func(t *testing.T, a *api)

func issue(t *testing.T, a *api) reply {
	t.Helper()
	return a.mustSend(t, http.MethodPost, keysPath, `{"name":"service","scopes":["inventory:read"]}`)
}

func patch(t *testing.T, a *api) reply {
	t.Helper()
	issue(t, a)
	r := a.mustSend(t, http.MethodPatch, keysPath+"/"+a.Keys()[0].ID, `{"name":"renamed","scopes":["forecast:read"]}`)
	if key := a.Keys()[0]; key.Name != "renamed" {
		t.Errorf("the key is %+v", key)
	}
	return r
}

func expectWorks(t *testing.T, a *api, plaintext string) {
	t.Helper()
	expectStatus(t, a.use(t, plaintext), http.StatusOK)
}

func listShape(find func(map[string]any) any) check {
	return func(t *testing.T, a *api) {
		t.Helper()
		issue(t, a)
		r := a.mustSend(t, http.MethodGet, keysPath, "")
		if keys := as[[]any](t, find(as[map[string]any](t, r.json(t)))); len(keys) != 1 {
			t.Errorf("listing %s", r.text)
		}
		if total := r.at(t, "pagination", "total"); total != 1.0 {
			t.Errorf("total %v", total)
		}
	}
}

// pages creates 25 keys and checks the sizes of page 1, of page 2, and of page 1 with limit 100, and the metadata.
func pages(first, second, hundred int, metadata map[string]any) check {
	return func(t *testing.T, a *api) {
		t.Helper()
		for range 25 {
			issue(t, a)
		}
		for query, want := range map[string]int{"": first, "?page=2": second, "?page=1&limit=100": hundred} {
			if got := len(a.mustSend(t, http.MethodGet, keysPath+query, "").keys(t)); got != want {
				t.Errorf("query %q: %d keys, want %d", query, got, want)
			}
		}
		body := as[map[string]any](t, a.mustSend(t, http.MethodGet, keysPath, "").json(t))
		delete(body, "apiKeys")
		if diff := cmp.Diff(metadata, body); diff != "" {
			t.Errorf("metadata (-want +got):\n%s", diff)
		}
	}
}

func limitRefused(t *testing.T, a *api) {
	expectStatus(t, a.mustSend(t, http.MethodGet, keysPath+"?page=1&limit=100", ""), http.StatusBadRequest)
	for range 25 {
		issue(t, a)
	}
	r := a.mustSend(t, http.MethodGet, keysPath+"?page=2", "")
	if len(r.keys(t)) != 5 || r.at(t, "pagination", "totalPages") != 2.0 {
		t.Errorf("page 2: %s", r.text)
	}
}

func offsetPaging(t *testing.T, a *api) {
	for range 25 {
		issue(t, a)
	}
	r := a.mustSend(t, http.MethodGet, keysPath+"?limit=10&offset=20", "")
	if len(r.keys(t)) != 5 || r.at(t, "total") != 25.0 || r.at(t, "limit") != 10.0 || r.at(t, "offset") != 20.0 {
		t.Errorf("offset 20: %s", r.text)
	}
	byPage := a.mustSend(t, http.MethodGet, keysPath+"?limit=10&page=2", "")
	if byPage.keys(t)[0]["id"] != a.Keys()[0].ID {
		t.Error("page is honoured")
	}
}

func writeShape(status int, find func(map[string]any) any) check {
	return func(t *testing.T, a *api) {
		t.Helper()
		r := patch(t, a)
		expectStatus(t, r, status)
		if key := as[map[string]any](t, find(as[map[string]any](t, r.json(t)))); key["name"] != "renamed" {
			t.Errorf("answer of update: %s", r.text)
		}
		r = a.mustSend(t, http.MethodPost, keysPath+"/"+a.Keys()[0].ID+"/revoke", "")
		if key := as[map[string]any](t, find(as[map[string]any](t, r.json(t)))); key["status"] != "REVOKED" {
			t.Errorf("answer of revoke: %s", r.text)
		}
	}
}

func issueShape(name string) check {
	return func(t *testing.T, a *api) {
		t.Helper()
		r := issue(t, a)
		expectWorks(t, a, r.textAt(t, "plaintextKey"))
		r = a.mustSend(t, http.MethodPost, keysPath+"/"+r.textAt(t, name, "id")+"/rotate", "")
		expectWorks(t, a, r.textAt(t, "plaintextKey"))
		if r.textAt(t, name, "id") == "" {
			t.Errorf("answer of rotate: %s", r.text)
		}
	}
}

func codeAt(path ...string) check {
	return func(t *testing.T, a *api) {
		t.Helper()
		r := a.mustSendAs(t, "unknown", http.MethodGet, keysPath, "")
		if got := r.at(t, path...); got != "INVALID_API_KEY" {
			t.Errorf("code %v in %s", got, r.text)
		}
		scope := a.mustSend(t, http.MethodPost, keysPath, `{}`)
		expectStatus(t, scope, http.StatusBadRequest)
	}
}

// retryAfter uses up the quota of a minute and asks again 19.5 s after its start.
func retryAfter(want string) check {
	return func(t *testing.T, a *api) {
		t.Helper()
		for range 100 {
			expectStatus(t, a.mustSend(t, http.MethodGet, keysPath, ""), http.StatusOK)
		}
		a.AdvanceClock(19500 * time.Millisecond)
		r := a.mustSend(t, http.MethodGet, keysPath, "")
		expectStatus(t, r, http.StatusTooManyRequests)
		if got := r.header.Get("Retry-After"); got != want {
			t.Errorf("Retry-After %q, want %q", got, want)
		}
	}
}

func resetHeader(want string) check {
	return func(t *testing.T, a *api) {
		t.Helper()
		r := a.mustSend(t, http.MethodGet, keysPath, "")
		if got := r.header.Get("X-RateLimit-Reset"); got != want {
			t.Errorf("X-RateLimit-Reset %q, want %q", got, want)
		}
		if got := r.header.Get("X-RateLimit-Limit") != ""; got != (want != "") {
			t.Errorf("headers %v", r.header)
		}
	}
}

func rotated(fine func(old, successor sandbox.Key) bool) check {
	return func(t *testing.T, a *api) {
		t.Helper()
		issue(t, a)
		a.mustSend(t, http.MethodPost, keysPath+"/"+a.Keys()[0].ID+"/rotate", "")
		if keys := a.LiveKeys(); len(keys) != 2 || !fine(keys[0], keys[1]) {
			t.Errorf("keys %+v", keys)
		}
	}
}

func rotatedInPlace(t *testing.T, a *api) {
	first := issue(t, a).textAt(t, "plaintextKey")
	id := a.Keys()[0].ID
	rotate := func(body string) string {
		r := a.mustSend(t, http.MethodPost, keysPath+"/"+id+"/rotate", body)
		if r.textAt(t, "apiKey", "id") != id || len(a.Keys()) != 1 {
			t.Errorf("answer %s, %d keys", r.text, len(a.Keys()))
		}
		return r.textAt(t, "plaintextKey")
	}
	second := rotate(`{"revokeOld":false}`)
	expectWorks(t, a, first)
	expectWorks(t, a, second)
	third := rotate(`{"revokeOld":true}`)
	for _, old := range []string{first, second} {
		expectCode(t, a.use(t, old), http.StatusUnauthorized, "REVOKED_API_KEY")
	}
	expectWorks(t, a, third)
}

// deadKeys makes a revoked, an expired and a live key; want is how many dead ones are listed.
func deadKeys(want int) check {
	return func(t *testing.T, a *api) {
		t.Helper()
		for range 3 {
			issue(t, a)
		}
		keys := a.Keys()
		mustEdit(t, a, keys[0].ID, func(k *sandbox.Key) { k.Status = "REVOKED" })
		mustEdit(t, a, keys[1].ID, func(k *sandbox.Key) { k.ExpiresAt = new(epoch) })
		if got := len(a.mustSend(t, http.MethodGet, keysPath, "").keys(t)) - 1; got != want {
			t.Errorf("%d dead keys listed, want %d", got, want)
		}
	}
}

func revokedAgain(want int) check {
	return func(t *testing.T, a *api) {
		t.Helper()
		issue(t, a)
		path := keysPath + "/" + a.Keys()[0].ID + "/revoke"
		expectStatus(t, a.mustSend(t, http.MethodPost, path, ""), http.StatusOK)
		expectStatus(t, a.mustSend(t, http.MethodPost, path, ""), want)
		if got := a.Stats().Revoked; got != 1 {
			t.Errorf("%d revocations counted, want 1", got)
		}
	}
}

func createdAt(want any) check {
	return func(t *testing.T, a *api) {
		t.Helper()
		if got := issue(t, a).at(t, "apiKey", "createdAt"); got != want {
			t.Errorf("createdAt %v, want %v", got, want)
		}
	}
}

func statusText(want string) check {
	return func(t *testing.T, a *api) {
		t.Helper()
		if got := issue(t, a).at(t, "apiKey", "status"); got != want {
			t.Errorf("status %v, want %s", got, want)
		}
	}
}

func storedScopes(want ...string) check {
	return func(t *testing.T, a *api) {
		t.Helper()
		a.mustSend(t, http.MethodPost, keysPath, `{"name":"service","scopes":["shipping:read","inventory:*"]}`)
		if diff := cmp.Diff(want, a.Keys()[0].Scopes); diff != "" {
			t.Errorf("scopes (-want +got):\n%s", diff)
		}
	}
}

func partialUpdate(want int) check {
	return func(t *testing.T, a *api) {
		t.Helper()
		issue(t, a)
		expectStatus(t, a.mustSend(t, http.MethodPatch, keysPath+"/"+a.Keys()[0].ID, `{"name":"renamed"}`), want)
	}
}
