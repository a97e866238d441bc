package apiclient

import (
	"net/http"
	"strings"
	"testing"
)

// P5: the token never goes to another scheme, host or port; and nothing but a GET is followed at all.
func TestRedirectElsewhere(t *testing.T) {
	t.Parallel()
	for _, status := range []int{301, 302, 303, 307, 308} {
		var thief recorder
		elsewhere := serve(t, thief.answering(200, issuedBody))
		var rec recorder
		client := clientOf(t, func(w http.ResponseWriter, r *http.Request) {
			rec.note(r)
			http.Redirect(w, r, elsewhere+"/login?next=radioactive", status)
		})
		calls := repeatables()
		for name, issue := range issuers() {
			_, err := issue(t.Context(), client)
			mustBe(t, err, ErrOutcomeUnknown)
			checkRedirected(t, name, err, status, elsewhere)
		}
		for name, call := range calls {
			checkRedirected(t, name, call(t.Context(), client), status, elsewhere)
		}
		if thief.count() != 0 || rec.count() != 5 {
			t.Errorf("%d: followed %d times; %d requests at the API", status, thief.count(), rec.count())
		}
	}
}

func checkRedirected(t *testing.T, name string, err error, status int, elsewhere string) {
	t.Helper()
	e := errorWith(t, err, status)
	address := strings.TrimSuffix(elsewhere, basePath)
	if !strings.Contains(e.Message, address) || !strings.Contains(e.Hint, "base_url") || strings.Contains(err.Error(), "radioactive") {
		t.Errorf("%s: got %v", name, err)
	}
}

func TestRedirectWithinOrigin(t *testing.T) {
	t.Parallel()
	for _, hops := range []int{1, redirectLimit, redirectLimit + 1} {
		var rec recorder
		client := clientOf(t, func(w http.ResponseWriter, r *http.Request) {
			rec.note(r)
			if rec.count() <= hops {
				http.Redirect(w, r, basePath+"/elsewhere", http.StatusTemporaryRedirect)
				return
			}
			_, _ = w.Write([]byte(anyBody))
		})
		_, err := client.ListKeys(t.Context(), ListOptions{})
		if hops > redirectLimit {
			mustBeStatus(t, err, http.StatusTemporaryRedirect)
		} else if err != nil {
			t.Errorf("%d hops: %v", hops, err)
		}
		for _, req := range rec.all() {
			if req.header.Get("Authorization") != "Bearer "+testToken {
				t.Errorf("%s carries no token", req.path)
			}
		}
	}
}

// On the same host too, only a GET is followed: a 303 would turn the POST into a GET that "succeeds".
func TestRedirectOfPostIsNotFollowed(t *testing.T) {
	t.Parallel()
	for _, status := range []int{301, 302, 303, 307, 308} {
		var rec recorder
		client := clientOf(t, func(w http.ResponseWriter, r *http.Request) {
			rec.note(r)
			if strings.HasSuffix(r.URL.Path, "/elsewhere") {
				_, _ = w.Write([]byte(issuedBody))
				return
			}
			http.Redirect(w, r, basePath+"/elsewhere", status)
		})
		mustBeStatus(t, client.RevokeKey(t.Context(), "key_1"), status)
		_, err := client.UpdateKey(t.Context(), "key_1", UpdateKeyRequest{"n", []string{"*"}})
		mustBeStatus(t, err, status)
		for _, issue := range issuers() {
			_, err := issue(t.Context(), client)
			mustBe(t, err, ErrOutcomeUnknown)
		}
		if rec.count() != 4 {
			t.Errorf("%d: %d requests", status, rec.count())
		}
	}
}

func TestRedirectWithoutAddress(t *testing.T) {
	t.Parallel()
	for _, location := range []string{"", "http://[radioactive", "%zz"} {
		client := clientOf(t, func(w http.ResponseWriter, _ *http.Request) {
			if location != "" {
				w.Header().Set("Location", location)
			}
			w.WriteHeader(http.StatusFound)
		})
		_, err := client.ListKeys(t.Context(), ListOptions{})
		mustBeStatus(t, err, http.StatusFound)
		if strings.Contains(err.Error(), "radioactive") {
			t.Errorf("got %v", err)
		}
	}
}

// The last line of defence: even a transport or redirect rule that leads elsewhere does not take the token along.
func TestTokenStaysWithTheOrigin(t *testing.T) {
	t.Parallel()
	client := newTestClient(t, "https://app.example.com/api")
	for address, with := range map[string]bool{
		"https://app.example.com/other":    true,
		"https://APP.example.com/other":    true,
		"http://app.example.com/api":       false,
		"https://app.example.com:8443/api": false,
		"https://example.com/api":          false,
	} {
		req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, address, nil)
		if err != nil {
			t.Fatal(err)
		}
		client.dress(req, &call{}, NewSecret(testToken))
		if got := req.Header.Get("Authorization") != ""; got != with {
			t.Errorf("%s: token sent is %v", address, got)
		}
	}
}
