package apiclient

import (
	"context"
	"encoding/json"
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"
)

func TestStatus(t *testing.T) {
	t.Parallel()
	for status, dead := range map[Status]bool{
		"ACTIVE": false, "REVOKED": true, "revoked": true, "Expired": true, "": false, "SUSPENDED": false,
	} {
		if status.Dead() != dead || (Key{Status: status}).Live() == dead {
			t.Errorf("%q: dead is %v", status, status.Dead())
		}
	}
}

// Each operation is what the vendor's page shows, below the base URL's path.
func TestWireForm(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		do            func(context.Context, *Client) error
		method, path  string
		body          string
		answer, query string
	}{
		"list": {
			func(ctx context.Context, c *Client) error { _, err := c.ListKeys(ctx, ListOptions{}); return err },
			"GET", "/admin/api-keys", "", `{"apiKeys":[]}`, "limit=100&page=1",
		},
		"list, options": {
			func(ctx context.Context, c *Client) error {
				_, err := c.ListKeys(ctx, ListOptions{Page: 3, Limit: 7})
				return err
			},
			"GET", "/admin/api-keys", "", `{"apiKeys":[]}`, "limit=7&page=3",
		},
		"create": {
			func(ctx context.Context, c *Client) error {
				_, err := c.CreateKey(ctx, CreateKeyRequest{"Production API Key", []string{"inventory:read", "forecast:read"}})
				return err
			},
			"POST", "/admin/api-keys", `{"name":"Production API Key","scopes":["inventory:read","forecast:read"]}`, issuedBody, "",
		},
		"update": {
			func(ctx context.Context, c *Client) error {
				_, err := c.UpdateKey(ctx, "key_123", UpdateKeyRequest{"Updated Name", []string{"inventory:read", "inventory:write"}})
				return err
			},
			"PATCH", "/admin/api-keys/key_123", `{"name":"Updated Name","scopes":["inventory:read","inventory:write"]}`, "", "",
		},
		"revoke": {
			func(ctx context.Context, c *Client) error { return c.RevokeKey(ctx, "key_123") },
			"POST", "/admin/api-keys/key_123/revoke", "", "", "",
		},
		"rotate never revokes the old key": {
			func(ctx context.Context, c *Client) error { _, err := c.RotateKey(ctx, "key_123"); return err },
			"POST", "/admin/api-keys/key_123/rotate", `{"revokeOld":false}`, issuedBody, "",
		},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var rec recorder
			client := clientOf(t, rec.answering(200, test.answer), WithUserAgent("tests/1"))
			if err := test.do(t.Context(), client); err != nil {
				t.Fatal(err)
			}
			if rec.count() != 1 {
				t.Fatalf("%d requests", rec.count())
			}
			got := rec.all()[0]
			if got.method != test.method || got.path != basePath+test.path || got.query != test.query || got.body != test.body {
				t.Errorf("got %s %s?%s %s", got.method, got.path, got.query, got.body)
			}
			checkHeaders(t, got)
		})
	}
}

func checkHeaders(t *testing.T, got seen) {
	t.Helper()
	want := map[string]string{"Authorization": "Bearer " + testToken, "Accept": "application/json", "User-Agent": "tests/1", "Content-Type": ""}
	if got.body != "" {
		want["Content-Type"] = "application/json"
	}
	for name, value := range want {
		if got.header.Get(name) != value {
			t.Errorf("%s is %q, want %q", name, got.header.Get(name), value)
		}
	}
	for name := range got.header {
		if strings.Contains(strings.ToLower(name), "idempotency") {
			t.Errorf("%s is sent: net/http takes it as leave to send a request twice", name)
		}
	}
}

func TestCreateKeyAnswer(t *testing.T) {
	t.Parallel()
	var rec recorder
	issued, err := clientOf(t, rec.answering(201, issuedBody)).CreateKey(t.Context(), CreateKeyRequest{"x", []string{"*"}})
	if err != nil {
		t.Fatal(err)
	}
	if issued.Plaintext.Reveal() != issuedPlaintext || issued.ID != "key_123" || issued.Name != "Production API Key" ||
		issued.KeyPrefix != "bdk_live_ABC123" || issued.Last4 != "XYZ1" || issued.Status != StatusActive || len(issued.Scopes) != 2 ||
		!issued.CreatedAt.Equal(time.Date(2024, 1, 1, 0, 0, 0, 0, time.UTC)) {
		t.Errorf("got %+v", issued)
	}
}

// What the answer leaves out is what was asked for: without its name the key could not be found by its marker.
func TestCreateKeyFillsIn(t *testing.T) {
	t.Parallel()
	var rec recorder
	client := clientOf(t, rec.answering(200, `{"id":"key_1","plaintextKey":"p"}`))
	issued, err := client.CreateKey(t.Context(), CreateKeyRequest{"n [tf:00000000]", []string{"*"}})
	if err != nil || issued.Name != "n [tf:00000000]" || !slices.Equal(issued.Scopes, []string{"*"}) {
		t.Errorf("got %+v, %v", issued, err)
	}
}

func TestUpdateKeyAnswers(t *testing.T) {
	t.Parallel()
	key := `{"id":"key_1","name":"server's","scopes":["a:read"],"status":"active"}`
	tests := map[string]struct {
		body   string
		echoed bool
	}{
		"wrapped":                          {`{"apiKey":` + key + `}`, true},
		"data":                             {`{"data":` + key + `}`, true},
		"data and wrapped":                 {`{"data":{"apiKey":` + key + `}}`, true},
		"flat":                             {key, true},
		"empty":                            {``, false},
		"success":                          {`{"success":true}`, false},
		"text":                             {`OK`, false},
		"another key":                      {`{"apiKey":{"id":"key_2","name":"x","scopes":[]}}`, false},
		"half a key":                       {`{"apiKey":{"id":"key_1","name":"server's"}}`, false},
		"null":                             {`null`, false},
		"list where an object is expected": {`[` + key + `]`, false},
	}
	for name, test := range tests {
		var rec recorder
		client := clientOf(t, rec.answering(200, test.body))
		got, err := client.UpdateKey(t.Context(), "key_1", UpdateKeyRequest{"sent", []string{"b:read"}})
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		want := Key{ID: "key_1", Name: "sent", Scopes: []string{"b:read"}}
		if test.echoed {
			want = Key{ID: "key_1", Name: "server's", Scopes: []string{"a:read"}, Status: StatusActive}
		}
		if got.Echoed != test.echoed || got.Key.ID != want.ID || got.Key.Name != want.Name || !slices.Equal(got.Key.Scopes, want.Scopes) || got.Key.Status != want.Status {
			t.Errorf("%s: got %+v", name, got)
		}
	}
}

// A success in the status alone is none: neither a sign-in page nor {"success": false} has revoked or changed
// anything.
func TestSuccessThatIsNone(t *testing.T) {
	t.Parallel()
	for name, body := range map[string]string{
		"sign-in page":  "<!DOCTYPE html><html><title>Sign in</title></html>",
		"success false": `{"success":false,"error":"not yours"}`,
	} {
		var rec recorder
		client := clientOf(t, rec.answering(200, body))
		mustBeStatus(t, client.RevokeKey(t.Context(), "key_1"), 200)
		_, err := client.UpdateKey(t.Context(), "key_1", UpdateKeyRequest{"n", []string{"*"}})
		mustBeStatus(t, err, 200)
		_, err = client.ListKeys(t.Context(), ListOptions{})
		mustBeStatus(t, err, 200)
		for kind, issue := range issuers() {
			_, err = issue(t.Context(), client)
			mustBe(t, err, ErrOutcomeUnknown)
			if e := errorWith(t, err, 200); e.Hint == "" {
				t.Errorf("%s, %s: no hint", name, kind)
			}
		}
	}
}

// revoking answers a revoke with status, and lists what listed says.
func revoking(rec *recorder, status int, listed string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		rec.note(r)
		if r.Method == http.MethodGet {
			_, _ = io.WriteString(w, listed)
			return
		}
		w.WriteHeader(status)
		_, _ = io.WriteString(w, `{"message":"already revoked"}`)
	}
}

// P3: "already revoked" and "not found" count only when a complete listing begun afterwards agrees.
func TestRevokeIsConfirmed(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		status int
		listed string
		ok     bool
		asked  int
	}{
		"404, absent":          {404, `{"apiKeys":[],"pagination":{"total":0}}`, true, 3},
		"404, revoked":         {404, `{"apiKeys":[{"id":"key_1","status":"revoked"}],"pagination":{"total":1}}`, true, 2},
		"404, still live":      {404, `{"apiKeys":[{"id":"key_1","status":"ACTIVE"}],"pagination":{"total":1}}`, false, 2},
		"404, unknown listing": {404, `{"apiKeyz":[]}`, false, 2},
		"404, half a listing":  {404, `{"apiKeys":[],"pagination":{"total":1}}`, false, 3},
		"409, expired":         {409, `{"apiKeys":[{"id":"key_1","status":"EXPIRED"}],"pagination":{"total":1}}`, true, 2},
		"400, revoked":         {400, `{"apiKeys":[{"id":"key_1","status":"REVOKED"}],"pagination":{"total":1}}`, true, 2},
		"410, absent":          {410, `{"apiKeys":[],"pagination":{"total":0}}`, true, 3},
		"403 is not asked":     {403, `{"apiKeys":[],"pagination":{"total":0}}`, false, 1},
		"401 is not asked":     {401, `{"apiKeys":[],"pagination":{"total":0}}`, false, 1},
	} {
		var rec recorder
		client := clientOf(t, revoking(&rec, test.status, test.listed))
		err := client.RevokeKey(t.Context(), "key_1")
		if (err == nil) != test.ok || rec.count() != test.asked {
			t.Errorf("%s: got %v after %d requests", name, err, rec.count())
		}
		if err != nil {
			mustBeStatus(t, err, test.status)
		}
	}
}

// P3: an answer to a revoke that may come from anything behind the URL counts only when a listing agrees.
func TestRevokeIsConfirmedWhereTheAnswerTellsNothing(t *testing.T) {
	t.Parallel()
	const (
		revoked = `{"apiKeys":[{"id":"key_1","status":"REVOKED"}],"pagination":{"total":1}}`
		active  = `{"apiKeys":[{"id":"key_1","status":"ACTIVE"}],"pagination":{"total":1}}`
	)
	for body, test := range map[string]struct {
		listed string
		ok     bool
		asked  int
	}{
		``:                                 {active, true, 1},
		`{}`:                               {active, true, 1},
		`{"success":true}`:                 {active, true, 1},
		`{"apiKey":{"id":"key_1"}}`:        {active, true, 1},
		`{"data":{"id":"key_1"}}`:          {active, true, 1},
		`{"apiKey":{"id":"key_2"}}`:        {active, false, 2},
		`{"result":{"rows":[]}}`:           {active, false, 2},
		`[]`:                               {active, false, 2},
		`OK`:                               {active, false, 2},
		`{"message":"the key is revoked"}`: {revoked, true, 2},
	} {
		var rec recorder
		client := clientOf(t, func(w http.ResponseWriter, r *http.Request) {
			rec.note(r)
			if r.Method == http.MethodGet {
				_, _ = io.WriteString(w, test.listed)
				return
			}
			_, _ = io.WriteString(w, body)
		})
		err := client.RevokeKey(t.Context(), "key_1")
		if (err == nil) != test.ok || rec.count() != test.asked {
			t.Errorf("%s: got %v after %d requests", body, err, rec.count())
		}
	}
}

// P3: one listing that lacks the key is no proof, when the next shows it alive.
func TestRevokeWantsTwoListings(t *testing.T) {
	t.Parallel()
	var rec recorder
	client := clientOf(t, func(w http.ResponseWriter, r *http.Request) {
		listed := `{"apiKeys":[],"pagination":{"total":0}}`
		if rec.count() == 2 {
			listed = `{"apiKeys":[{"id":"key_1","status":"ACTIVE"}],"pagination":{"total":1}}`
		}
		revoking(&rec, http.StatusNotFound, listed)(w, r)
	})
	mustBeStatus(t, client.RevokeKey(t.Context(), "key_1"), http.StatusNotFound)
	if rec.count() != 3 {
		t.Errorf("%d requests", rec.count())
	}
}

// A listing held from before the refusal proves nothing.
func TestRevokeWantsAListingBegunAfterwards(t *testing.T) {
	t.Parallel()
	var rec recorder
	client := clientOf(t, revoking(&rec, 404, `{"apiKeys":[],"pagination":{"total":0}}`))
	if _, err := client.Directory().View(t.Context(), Freshness{}); err != nil {
		t.Fatal(err)
	}
	if err := client.RevokeKey(t.Context(), "key_1"); err != nil || rec.count() != 4 {
		t.Errorf("got %v after %d requests", err, rec.count())
	}
}

func TestKeyBodyNeverSendsNull(t *testing.T) {
	t.Parallel()
	for _, scopes := range [][]string{nil, {}} {
		got, err := json.Marshal(keyBody{Name: `quote " and < and é`, Scopes: scopes})
		if err != nil || !strings.Contains(string(got), `"scopes":[]`) {
			t.Errorf("got %s, %v", got, err)
		}
	}
}
