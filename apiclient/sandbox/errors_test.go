package sandbox_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/betterdataco/terraform-provider-betterdata/apiclient/sandbox"
)

// TestErrorCodes reaches each code of the vendor page's table, with its status and its description, once with an API
// key on a business endpoint and, where it applies, with a management credential.
func TestErrorCodes(t *testing.T) {
	const forbidden, unauthorized = http.StatusForbidden, http.StatusUnauthorized
	cases := []struct {
		code    string
		status  int
		message string
		arrange func(t *testing.T, a *api, id string)
		token   string // instead of the key's
		path    string // instead of the inventory's
	}{
		{code: "INVALID_API_KEY", status: unauthorized, message: "API key not found or invalid", token: "bdk_live_AAAAAA_unknown"},
		{code: "REVOKED_API_KEY", status: unauthorized, message: "API key has been revoked", arrange: func(t *testing.T, a *api, id string) {
			t.Helper()
			expectStatus(t, a.mustSend(t, http.MethodPost, keysPath+"/"+id+"/revoke", ""), http.StatusOK)
		}},
		{code: "EXPIRED_API_KEY", status: unauthorized, message: "API key has expired", arrange: func(t *testing.T, a *api, id string) {
			t.Helper()
			mustEdit(t, a, id, func(k *sandbox.Key) { k.ExpiresAt = new(epoch.Add(time.Hour)) })
			a.AdvanceClock(time.Hour)
		}},
		{code: "INACTIVE_ORGANIZATION", status: forbidden, message: "Organization is not active", arrange: func(_ *testing.T, a *api, _ string) {
			a.SetOrganisationActive(false)
		}},
		{code: "IP_RESTRICTED", status: forbidden, message: "API key not authorized for this IP", arrange: func(t *testing.T, a *api, id string) {
			t.Helper()
			mustEdit(t, a, id, func(k *sandbox.Key) { k.AllowedIPs = []string{"10.0.0.0/8", "192.0.2.7"} })
		}},
		{code: "INSUFFICIENT_SCOPE", status: forbidden, message: "Key lacks required scope", path: "/api/forecast/events"},
	}
	for _, c := range cases {
		t.Run(c.code, func(t *testing.T) {
			a := start(t)
			id, plaintext := a.mustCreate(t, "caller", "inventory:read")
			if c.arrange != nil {
				c.arrange(t, a, id)
			}
			if c.token != "" {
				plaintext = c.token
			}
			if c.path == "" {
				c.path = inventoryPath
			}
			r := a.mustSendAs(t, plaintext, http.MethodGet, c.path, "")
			expectCode(t, r, c.status, c.code)
			if got := r.textAt(t, "error"); got != c.message {
				t.Errorf("message %q, want %q", got, c.message)
			}
		})
	}
}

func TestMissingAuthorization(t *testing.T) {
	a := start(t)
	for name, header := range map[string]string{"no header": "", "bearer without a token": "Bearer "} {
		t.Run(name, func(t *testing.T) {
			expectCode(t, a.withAuthorization(t, header), http.StatusUnauthorized, "MISSING_AUTHORIZATION")
		})
	}
	t.Run("another scheme is no API key", func(t *testing.T) {
		expectCode(t, a.withAuthorization(t, "Basic dXNlcjpwYXNz"), http.StatusUnauthorized, "INVALID_API_KEY")
	})
	t.Run("the scheme's case does not matter", func(t *testing.T) {
		expectStatus(t, a.withAuthorization(t, "bearer "+a.SessionToken()), http.StatusOK)
	})
}

func (a *api) withAuthorization(t *testing.T, header string) reply {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, a.url+keysPath, nil)
	if err != nil {
		t.Fatal(err)
	}
	if header != "" {
		req.Header.Set("Authorization", header)
	}
	r, err := a.roundTrip(req)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func mustEdit(t *testing.T, a *api, id string, edit func(*sandbox.Key)) {
	t.Helper()
	if err := a.EditKey(id, edit); err != nil {
		t.Fatal(err)
	}
}

func TestOrganisationStopsEveryCredential(t *testing.T) {
	a := start(t)
	if err := a.SetOrganisationIPs("10.0.0.0/8"); err != nil {
		t.Fatal(err)
	}
	expectCode(t, a.mustSend(t, http.MethodGet, keysPath, ""), http.StatusForbidden, "IP_RESTRICTED")
	if err := a.SetOrganisationIPs("127.0.0.0/8"); err != nil {
		t.Fatal(err)
	}
	expectStatus(t, a.mustSend(t, http.MethodGet, keysPath, ""), http.StatusOK)
	if err := a.SetOrganisationIPs("not an address"); err == nil {
		t.Error("an address that cannot be read was accepted")
	}
	a.SetOrganisationActive(false)
	expectCode(t, a.mustSend(t, http.MethodGet, keysPath, ""), http.StatusForbidden, "INACTIVE_ORGANIZATION")
	a.SetOrganisationActive(true)
	expectStatus(t, a.mustSend(t, http.MethodGet, keysPath, ""), http.StatusOK)
}

func TestSessionTokens(t *testing.T) {
	a := start(t, sandbox.WithSessionToken("a token of mine"))
	if a.SessionToken() != "a token of mine" {
		t.Error("the given session token is not the first one")
	}
	second := a.NewSessionToken()
	expectStatus(t, a.mustSendAs(t, second, http.MethodGet, keysPath, ""), http.StatusOK)
	a.RevokeSessionToken(second)
	expectCode(t, a.mustSendAs(t, second, http.MethodGet, keysPath, ""), http.StatusUnauthorized, "INVALID_API_KEY")
	expectStatus(t, a.mustSend(t, http.MethodGet, keysPath, ""), http.StatusOK)
}

// TestValidation: bad input is a 400 that names the field, and changes nothing.
func TestValidation(t *testing.T) {
	cases := []struct{ name, method, suffix, body, field string }{
		{"create without a body", http.MethodPost, "", ``, "body"},
		{"create with half a body", http.MethodPost, "", `{"name": "x`, "body"},
		{"create with a list", http.MethodPost, "", `[]`, "body"},
		{"create with null", http.MethodPost, "", `null`, "body"},
		{"create with something after the object", http.MethodPost, "", `{"name":"x","scopes":["*"]} {}`, "body"},
		{"create without a name", http.MethodPost, "", `{"scopes":["inventory:read"]}`, "name"},
		{"create with a null name", http.MethodPost, "", `{"name":null,"scopes":["inventory:read"]}`, "name"},
		{"create with a blank name", http.MethodPost, "", `{"name":"  ","scopes":["inventory:read"]}`, "name"},
		{"create with a number as name", http.MethodPost, "", `{"name":7,"scopes":["inventory:read"]}`, "name"},
		{"create with a very long name", http.MethodPost, "", `{"name":"` + strings.Repeat("ä", 256) + `","scopes":["*"]}`, "name"},
		{"create without scopes", http.MethodPost, "", `{"name":"x"}`, "scopes"},
		{"create with no scope", http.MethodPost, "", `{"name":"x","scopes":[]}`, "scopes"},
		{"create with a text as scopes", http.MethodPost, "", `{"name":"x","scopes":"inventory:read"}`, "scopes"},
		{"create with a number as scope", http.MethodPost, "", `{"name":"x","scopes":["inventory:read",1]}`, "scopes"},
		{"create with a null scope", http.MethodPost, "", `{"name":"x","scopes":[null]}`, "scopes"},
		{"create with an empty scope", http.MethodPost, "", `{"name":"x","scopes":[""]}`, "scopes"},
		{"update of nothing", http.MethodPatch, "/{id}", `{}`, "body"},
		{"update to an empty name", http.MethodPatch, "/{id}", `{"name":""}`, "name"},
		{"update to no scope", http.MethodPatch, "/{id}", `{"scopes":[]}`, "scopes"},
		{"rotate with a text as revokeOld", http.MethodPost, "/{id}/rotate", `{"revokeOld":"yes"}`, "revokeOld"},
		{"rotate with null as revokeOld", http.MethodPost, "/{id}/rotate", `{"revokeOld":null}`, "revokeOld"},
		{"rotate with a list", http.MethodPost, "/{id}/rotate", `[true]`, "body"},
		{"list page zero", http.MethodGet, "?page=0", ``, "page"},
		{"list with a word as limit", http.MethodGet, "?limit=many", ``, "limit"},
	}
	a := start(t)
	id, _ := a.mustCreate(t, "as it was", "inventory:read")
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			r := a.mustSend(t, c.method, keysPath+strings.ReplaceAll(c.suffix, "{id}", id), c.body)
			expectStatus(t, r, http.StatusBadRequest)
			if got := r.at(t, "details", "field"); got != c.field {
				t.Errorf("field %v, want %s", got, c.field)
			}
		})
	}
	if keys := a.Keys(); len(keys) != 1 || keys[0].Name != "as it was" || keys[0].Status != "ACTIVE" {
		t.Errorf("keys after refused requests: %+v", keys)
	}
}

func TestRequestsThatReachNothing(t *testing.T) {
	a := start(t)
	id, _ := a.mustCreate(t, "key", "inventory:read")
	large := `{"name":"` + strings.Repeat("x", 1<<20) + `"}`
	cases := []struct {
		name, method, path, body string
		status                   int
	}{
		{"unknown key, update", http.MethodPatch, keysPath + "/key_unknown", `{"name":"x"}`, http.StatusNotFound},
		{"unknown key, revoke", http.MethodPost, keysPath + "/key_unknown/revoke", "", http.StatusNotFound},
		{"unknown key, rotate", http.MethodPost, keysPath + "/key_unknown/rotate", "", http.StatusNotFound},
		{"an id with a slash", http.MethodPost, keysPath + "/key%2Fslash/revoke", "", http.StatusNotFound},
		{"unknown path", http.MethodGet, "/api/nowhere", "", http.StatusNotFound},
		{"no single read", http.MethodGet, keysPath + "/" + id, "", http.StatusMethodNotAllowed},
		{"no delete", http.MethodDelete, keysPath + "/" + id, "", http.StatusMethodNotAllowed},
		{"oversized body", http.MethodPost, keysPath, large, http.StatusRequestEntityTooLarge},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			r := a.mustSend(t, c.method, c.path, c.body)
			expectStatus(t, r, c.status)
			if r.textAt(t, "error") == "" {
				t.Errorf("no JSON error in %q", r.text)
			}
			if c.status == http.StatusMethodNotAllowed && r.header.Get("Allow") != http.MethodPatch {
				t.Errorf("Allow %q, want PATCH", r.header.Get("Allow"))
			}
		})
	}
	if live := a.LiveKeys(); len(live) != 1 {
		t.Errorf("%d live keys, want 1", len(live))
	}
}

// TestErrorsRepeatNoInput: a plaintext pasted into a wrong field comes back in no answer.
func TestErrorsRepeatNoInput(t *testing.T) {
	const canary = "bdk_live_CANARY_tobefoundnowhere"
	a := start(t)
	for _, r := range []reply{
		a.mustSend(t, http.MethodPost, keysPath, `{"name":["`+canary+`"],"scopes":["*"]}`),
		a.mustSend(t, http.MethodPost, keysPath+"/"+canary+"/revoke", ""),
		a.mustSend(t, http.MethodGet, "/api/"+canary, ""),
		a.mustSend(t, http.MethodGet, keysPath+"?limit="+canary, ""),
		a.mustSendAs(t, canary, http.MethodGet, keysPath, ""),
	} {
		if r.status < 400 || strings.Contains(r.text, canary) {
			t.Errorf("status %d, body %s", r.status, r.text)
		}
	}
}
