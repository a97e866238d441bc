package sandbox_test

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/betterdataco/terraform-provider-betterdata/apiclient/sandbox"
)

// manage serves the management listener of a sandbox.
func manage(t *testing.T, a *api) *api {
	t.Helper()
	server := httptest.NewServer(a.Management())
	t.Cleanup(server.Close)
	return &api{Server: a.Server, url: server.URL, client: server.Client()}
}

// managementAnswers is everything that the management listener tells.
func managementAnswers(t *testing.T, a *api) string {
	t.Helper()
	m := manage(t, a)
	var all strings.Builder
	for _, path := range []string{"/statistics", "/faults", "/keys", "/organisation", "/clock", "/healthz"} {
		r := m.mustSend(t, http.MethodGet, path, "")
		expectStatus(t, r, http.StatusOK)
		all.WriteString(r.text)
	}
	return all.String()
}

func TestManagementStatistics(t *testing.T) {
	a := start(t)
	m := manage(t, a)
	a.mustCreate(t, "service", "inventory:read")
	r := m.mustSend(t, http.MethodGet, "/statistics", "")
	if r.at(t, "requests", "create") != 1.0 || r.at(t, "outcomes", "create", "201") != 1.0 || r.at(t, "created") != 1.0 || r.at(t, "total") != 1.0 {
		t.Errorf("statistics %s", r.text)
	}
	expectStatus(t, m.mustSend(t, http.MethodDelete, "/statistics", ""), http.StatusNoContent)
	if a.Stats().Total != 0 {
		t.Error("the counters were not reset")
	}
}

func TestManagementFaults(t *testing.T) {
	a := start(t)
	m := manage(t, a)
	r := m.mustSend(t, http.MethodPost, "/faults", `{"operation":"list","kind":"redirect","skip":1,"times":2,"probability":0.5,"latency":"2s","location":"/x","status":302}`)
	expectStatus(t, r, http.StatusCreated)
	want := sandbox.Fault{Operation: "list", Kind: "redirect", Skip: 1, Times: 2, Probability: 0.5, Latency: 2 * time.Second, Location: "/x", Status: 302}
	if got := a.Faults(); len(got) != 1 || got[0].Fault != want {
		t.Errorf("faults %+v", got)
	}
	listed := as[map[string]any](t, as[[]any](t, m.mustSend(t, http.MethodGet, "/faults", "").at(t, "faults"))[0])
	if listed["id"] != a.Faults()[0].ID || listed["latency"] != "2s" || listed["hits"] != 0.0 {
		t.Errorf("listed %v", listed)
	}
	expectStatus(t, m.mustSend(t, http.MethodPost, "/faults", `{"rules":"create:500:times=1,any:429"}`), http.StatusCreated)
	if len(a.Faults()) != 3 {
		t.Errorf("faults %+v", a.Faults())
	}
	expectStatus(t, m.mustSend(t, http.MethodDelete, "/faults/"+a.Faults()[0].ID, ""), http.StatusNoContent)
	expectStatus(t, m.mustSend(t, http.MethodDelete, "/faults/fault_99", ""), http.StatusNotFound)
	expectStatus(t, m.mustSend(t, http.MethodDelete, "/faults", ""), http.StatusNoContent)
	if len(a.Faults()) != 0 {
		t.Error("faults are left")
	}
}

func TestManagementKeys(t *testing.T) {
	a := start(t)
	m := manage(t, a)
	id, plaintext := a.mustCreate(t, "service", "inventory:read")
	edit := func(body string) reply { return m.mustSend(t, http.MethodPost, "/keys/"+id, body) }

	r := edit(`{"name":"renamed","scopes":["inventory:*"],"allowedIPs":["127.0.0.1"],"expiresAt":"2024-01-01T01:00:00Z"}`)
	expectStatus(t, r, http.StatusOK)
	key := a.Keys()[0]
	if key.Name != "renamed" || !cmp.Equal(key.Scopes, []string{"inventory:*"}) || key.ExpiresAt == nil || len(key.AllowedIPs) != 1 {
		t.Errorf("key %+v, answer %s", key, r.text)
	}
	expectStatus(t, edit(`{"expiresAt":"2023-12-31T00:00:00Z"}`), http.StatusOK)
	expectCode(t, a.use(t, plaintext), http.StatusUnauthorized, "EXPIRED_API_KEY")
	expectStatus(t, edit(`{"expiresAt":null}`), http.StatusOK)
	expectWorks(t, a, plaintext)
	if r := edit(`{"status":"REVOKED"}`); r.textAt(t, "revokedAt") == "" {
		t.Errorf("answer %s", r.text)
	}
	expectCode(t, a.use(t, plaintext), http.StatusUnauthorized, "REVOKED_API_KEY")
	if keys := as[[]any](t, m.mustSend(t, http.MethodGet, "/keys", "").at(t, "keys")); len(keys) != 1 {
		t.Errorf("keys %v", keys)
	}
	expectStatus(t, m.mustSend(t, http.MethodDelete, "/keys/"+id, ""), http.StatusNoContent)
	expectStatus(t, m.mustSend(t, http.MethodDelete, "/keys/"+id, ""), http.StatusNotFound)
	expectStatus(t, edit(`{}`), http.StatusNotFound)
}

func TestManagementTenantAndClock(t *testing.T) {
	a := start(t)
	m := manage(t, a)
	r := m.mustSend(t, http.MethodPost, "/organisation", `{"active":false,"allowedIPs":["10.0.0.1"]}`)
	if r.at(t, "active") != false || len(as[[]any](t, r.at(t, "allowedIPs"))) != 1 {
		t.Errorf("organisation %s", r.text)
	}
	expectCode(t, a.mustSend(t, http.MethodGet, keysPath, ""), http.StatusForbidden, "INACTIVE_ORGANIZATION")
	m.mustSend(t, http.MethodPost, "/organisation", `{"active":true}`)
	expectCode(t, a.mustSend(t, http.MethodGet, keysPath, ""), http.StatusForbidden, "IP_RESTRICTED")
	m.mustSend(t, http.MethodPost, "/organisation", `{"allowedIPs":[]}`)
	expectStatus(t, a.mustSend(t, http.MethodGet, keysPath, ""), http.StatusOK)

	m.mustSend(t, http.MethodPost, "/clock", `{"offset":"1h"}`)
	r = m.mustSend(t, http.MethodPost, "/clock", `{"advance":"30m"}`)
	if r.at(t, "offset") != "1h30m0s" || r.at(t, "now") != "2024-01-01T01:30:00Z" || a.Now() != epoch.Add(90*time.Minute) {
		t.Errorf("clock %s", r.text)
	}
	token := m.mustSend(t, http.MethodPost, "/session-tokens", "").textAt(t, "sessionToken")
	expectStatus(t, a.mustSendAs(t, token, http.MethodGet, keysPath, ""), http.StatusOK)
	expectStatus(t, m.mustSend(t, http.MethodDelete, "/session-tokens", `{"sessionToken":"`+token+`"}`), http.StatusNoContent)
	expectStatus(t, a.mustSendAs(t, token, http.MethodGet, keysPath, ""), http.StatusUnauthorized)
}

func TestManagementRefusesBadInput(t *testing.T) {
	m := manage(t, start(t))
	id, _ := start(t).mustCreate(t, "of the same seed", "inventory:read")
	for _, c := range []struct{ method, path, body string }{
		{http.MethodPost, "/faults", `{"kind":"unheard"}`},
		{http.MethodPost, "/faults", `{"rules":"create:unheard"}`},
		{http.MethodPost, "/faults", `{"kind":"latency","latency":"long"}`},
		{http.MethodPost, "/faults", `not JSON`},
		{http.MethodPost, "/keys/" + id, `{"title":"no field of a key"}`},
		{http.MethodPost, "/keys/" + id, `{"expiresAt":"tomorrow"}`},
		{http.MethodPost, "/organisation", `{"allowedIPs":["nowhere"]}`},
		{http.MethodPost, "/organisation", `{"on":true}`},
		{http.MethodPost, "/clock", `{"offset":"late"}`},
		{http.MethodPost, "/clock", `{"advance":"late"}`},
		{http.MethodDelete, "/session-tokens", `[]`},
	} {
		if r := m.mustSend(t, c.method, c.path, c.body); r.status != http.StatusBadRequest || r.textAt(t, "error") == "" {
			t.Errorf("%s %s %s: %d %s", c.method, c.path, c.body, r.status, r.text)
		}
	}
}

// TestManagementRefusesOtherSites: a page in a browser on the same machine must not inject faults.
func TestManagementRefusesOtherSites(t *testing.T) {
	m := manage(t, start(t))
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, m.url+"/faults", strings.NewReader(`{"kind":"500"}`))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Sec-Fetch-Site", "cross-site")
	r, err := m.roundTrip(req)
	if err != nil {
		t.Fatal(err)
	}
	expectStatus(t, r, http.StatusForbidden)
	if len(m.Faults()) != 0 {
		t.Error("a fault was injected")
	}
}

func TestTheTwoListenersShareNoPath(t *testing.T) {
	a := start(t)
	for _, path := range []string{"/statistics", "/faults", "/keys", "/clock", "/healthz"} {
		expectStatus(t, a.mustSend(t, http.MethodGet, path, ""), http.StatusNotFound)
	}
	expectStatus(t, manage(t, a).mustSend(t, http.MethodGet, keysPath, ""), http.StatusNotFound)
}
