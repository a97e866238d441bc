package sandbox_test

import (
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/betterdataco/terraform-provider-betterdata/apiclient/sandbox"
)

const createBody = `{"name":"service","scopes":["inventory:read"]}`

// faultChecks holds for each kind of fault what a client sees and what the server did.
var faultChecks = map[sandbox.FaultKind]func(t *testing.T, a *api){
	sandbox.FaultTooManyRequests: func(t *testing.T, a *api) {
		r := faulty(t, a, sandbox.Fault{Kind: sandbox.FaultTooManyRequests, Latency: 7 * time.Second})
		expectStatus(t, r, http.StatusTooManyRequests)
		if r.header.Get("Retry-After") != "7" || r.header.Get("X-RateLimit-Limit") != "" {
			t.Errorf("headers %v", r.header)
		}
		expectEffects(t, a, 0)
	},
	sandbox.FaultServerError: func(t *testing.T, a *api) {
		expectStatus(t, faulty(t, a, sandbox.Fault{Kind: sandbox.FaultServerError}), http.StatusInternalServerError)
		expectEffects(t, a, 0)
	},
	sandbox.FaultBadGateway: func(t *testing.T, a *api) {
		r := faulty(t, a, sandbox.Fault{Kind: sandbox.FaultBadGateway})
		expectStatus(t, r, http.StatusBadGateway)
		if !strings.HasPrefix(r.header.Get("Content-Type"), "text/html") || !strings.HasPrefix(r.text, "<html>") {
			t.Errorf("%s: %s", r.header.Get("Content-Type"), r.text)
		}
		expectEffects(t, a, 0)
	},
	sandbox.FaultRedirect: func(t *testing.T, a *api) {
		r := faulty(t, a, sandbox.Fault{Kind: sandbox.FaultRedirect})
		if r.status != http.StatusTemporaryRedirect || r.header.Get("Location") != "https://login.example.com/sign-in" {
			t.Errorf("%d to %s", r.status, r.header.Get("Location"))
		}
		a.ClearFaults()
		r = faulty(t, a, sandbox.Fault{Kind: sandbox.FaultRedirect, Status: http.StatusFound, Location: "/sign-in"})
		if r.status != http.StatusFound || r.header.Get("Location") != "/sign-in" {
			t.Errorf("%d to %s", r.status, r.header.Get("Location"))
		}
		expectEffects(t, a, 0)
	},
	sandbox.FaultIgnore: func(t *testing.T, a *api) {
		r := faulty(t, a, sandbox.Fault{Kind: sandbox.FaultIgnore})
		expectStatus(t, r, http.StatusCreated)
		a.ClearFaults()
		expectCode(t, a.use(t, r.textAt(t, "plaintextKey")), http.StatusUnauthorized, "INVALID_API_KEY")
		expectEffects(t, a, 0)

		id, plaintext := a.mustCreate(t, "real", "inventory:read")
		a.AddFault(sandbox.Fault{Kind: sandbox.FaultIgnore})
		r = a.mustSend(t, http.MethodPost, keysPath+"/"+id+"/revoke", "")
		if r.textAt(t, "apiKey", "status") != "REVOKED" {
			t.Errorf("answer of the ignored revoke: %s", r.text)
		}
		a.mustSend(t, http.MethodPatch, keysPath+"/"+id, `{"name":"x"}`)
		a.mustSend(t, http.MethodPost, keysPath+"/"+id+"/rotate", `{"revokeOld":true}`)
		expectWorks(t, a, plaintext)
		if live := a.LiveKeys(); len(live) != 1 || live[0].Name != "real" || a.Stats().Revoked+a.Stats().Rotated+a.Stats().Updated != 0 {
			t.Errorf("keys %+v, stats %+v", live, a.Stats())
		}
	},
	sandbox.FaultUnknownShape: func(t *testing.T, a *api) {
		r := faulty(t, a, sandbox.Fault{Kind: sandbox.FaultUnknownShape})
		if _, there := as[map[string]any](t, r.json(t))["apiKey"]; there || r.status != http.StatusOK {
			t.Errorf("%d %s", r.status, r.text)
		}
		expectEffects(t, a, 1)
	},
	sandbox.FaultNoPlaintext: func(t *testing.T, a *api) {
		r := faulty(t, a, sandbox.Fault{Kind: sandbox.FaultNoPlaintext})
		if _, there := as[map[string]any](t, r.json(t))["plaintextKey"]; there || r.textAt(t, "apiKey", "id") == "" {
			t.Errorf("%d %s", r.status, r.text)
		}
		expectEffects(t, a, 1)
	},
	sandbox.FaultBrokenJSON: func(t *testing.T, a *api) {
		r := faulty(t, a, sandbox.Fault{Kind: sandbox.FaultBrokenJSON})
		if json.Valid([]byte(r.text)) || r.status != http.StatusCreated {
			t.Errorf("%d %s", r.status, r.text)
		}
		expectEffects(t, a, 1)
	},
	sandbox.FaultCutBefore:      cut(0),
	sandbox.FaultCutAfterCommit: cut(1),
	sandbox.FaultTruncatedJSON: func(t *testing.T, a *api) {
		a.AddFault(sandbox.Fault{Kind: sandbox.FaultTruncatedJSON})
		r, err := a.send(t, http.MethodPost, keysPath, a.SessionToken(), createBody)
		if err == nil || r.status != http.StatusCreated || r.text == "" || json.Valid([]byte(r.text)) {
			t.Errorf("error %v after %d %q", err, r.status, r.text)
		}
		expectEffects(t, a, 1)
	},
	sandbox.FaultLatency:       latency,
	sandbox.FaultListingLag:    listingLag,
	sandbox.FaultDuplicatePage: duplicatePage,
	sandbox.FaultEmptyPage: func(t *testing.T, a *api) {
		a.mustCreate(t, "service", "inventory:read")
		a.AddFault(sandbox.Fault{Kind: sandbox.FaultEmptyPage})
		r := a.mustSend(t, http.MethodGet, keysPath, "")
		if len(r.keys(t)) != 0 || r.at(t, "pagination", "total") != 1.0 {
			t.Errorf("listing %s", r.text)
		}
	},
}

func TestFaultKinds(t *testing.T) {
	for _, protocol := range []string{"HTTP/1.1", "HTTP/2.0"} {
		for _, kind := range sandbox.FaultKinds() {
			t.Run(protocol+" "+string(kind), func(t *testing.T) {
				check, there := faultChecks[kind]
				if !there {
					t.Fatal("no check for this kind")
				}
				check(t, startProtocol(t, protocol))
			})
		}
	}
}

// startProtocol serves a sandbox by HTTP/1.1, or by HTTP/2 over TLS.
func startProtocol(t *testing.T, protocol string) *api {
	t.Helper()
	a := start(t)
	if protocol == "HTTP/1.1" {
		return a
	}
	server := httptest.NewUnstartedServer(a.API())
	server.EnableHTTP2 = true
	server.StartTLS()
	t.Cleanup(server.Close)
	check := a.client.CheckRedirect
	a.url, a.client = server.URL, server.Client()
	a.client.CheckRedirect = check
	if got := a.mustSend(t, http.MethodGet, keysPath, "").proto; got != protocol {
		t.Fatalf("served by %s, want %s", got, protocol)
	}
	a.ResetStats()
	return a
}

// faulty sends a create that meets a fault.
func faulty(t *testing.T, a *api, f sandbox.Fault) reply {
	t.Helper()
	a.AddFault(f)
	return a.mustSend(t, http.MethodPost, keysPath, createBody)
}

func expectEffects(t *testing.T, a *api, want int) {
	t.Helper()
	if live, created := len(a.LiveKeys()), a.Stats().Created; live != want || created != want {
		t.Errorf("%d live keys, %d creates counted, want %d", live, created, want)
	}
}

func cut(effects int) func(t *testing.T, a *api) {
	return func(t *testing.T, a *api) {
		t.Helper()
		kind := sandbox.FaultCutBefore
		if effects > 0 {
			kind = sandbox.FaultCutAfterCommit
		}
		a.AddFault(sandbox.Fault{Operation: sandbox.OpCreate, Kind: kind, Times: 1})
		if r, err := a.send(t, http.MethodPost, keysPath, a.SessionToken(), createBody); err == nil {
			t.Errorf("answered %d", r.status)
		}
		expectEffects(t, a, effects)
		want := sandbox.Stats{
			Requests: map[sandbox.Operation]int{"create": 1},
			Outcomes: map[sandbox.Operation]map[string]int{"create": {string(kind): 1}},
			Created:  effects, Total: 1,
		}
		if diff := cmp.Diff(want, a.Stats()); diff != "" {
			t.Errorf("stats (-want +got):\n%s", diff)
		}
		expectStatus(t, a.mustSend(t, http.MethodPost, keysPath, createBody), http.StatusCreated)
	}
}

// latency: a caller that does not want to wait can leave, and nothing is done for it afterwards.
func latency(t *testing.T, a *api) {
	a.AddFault(sandbox.Fault{Kind: sandbox.FaultLatency, Latency: time.Millisecond, Times: 1})
	begin := time.Now()
	expectStatus(t, a.mustSend(t, http.MethodPost, keysPath, createBody), http.StatusCreated)
	if took := time.Since(begin); took < time.Millisecond {
		t.Errorf("took %s", took)
	}
	a.AddFault(sandbox.Fault{Kind: sandbox.FaultLatency, Latency: time.Hour, Times: 1})
	a.client.Timeout = 20 * time.Millisecond
	if r, err := a.send(t, http.MethodPost, keysPath, a.SessionToken(), createBody); err == nil {
		t.Errorf("answered %d", r.status)
	}
	expectEffects(t, a, 1)
}

func listingLag(t *testing.T, a *api) {
	ids := []string{}
	for range 3 {
		id, _ := a.mustCreate(t, "before", "inventory:read")
		ids = append(ids, id)
	}
	a.AdvanceClock(time.Minute)
	mustEdit(t, a, ids[0], func(k *sandbox.Key) { k.Name = "after" })
	if err := a.DeleteKey(ids[1]); err != nil {
		t.Fatal(err)
	}
	a.mustCreate(t, "new", "inventory:read")
	names := func() (names []string) {
		for _, key := range a.mustSend(t, http.MethodGet, keysPath, "").keys(t) {
			names = append(names, as[string](t, key["name"]))
		}
		return names
	}
	a.AddFault(sandbox.Fault{Kind: sandbox.FaultListingLag, Latency: 30 * time.Second})
	if diff := cmp.Diff([]string{"before", "before", "before"}, names()); diff != "" {
		t.Errorf("the listing of 30 s ago (-want +got):\n%s", diff)
	}
	a.AdvanceClock(30 * time.Second)
	if diff := cmp.Diff([]string{"after", "before", "new"}, names()); diff != "" {
		t.Errorf("the listing 30 s later (-want +got):\n%s", diff)
	}
}

// TestListingLagRemembersLongHistories: a key that changed very often is still in the listing of long ago.
func TestListingLagRemembersLongHistories(t *testing.T) {
	a := start(t)
	id, _ := a.mustCreate(t, "first", "inventory:read")
	for range 50 {
		a.AdvanceClock(time.Second)
		mustEdit(t, a, id, func(k *sandbox.Key) { k.Name += "." })
	}
	a.AddFault(sandbox.Fault{Kind: sandbox.FaultListingLag, Latency: 50 * time.Second})
	if keys := a.mustSend(t, http.MethodGet, keysPath, "").keys(t); len(keys) != 1 || keys[0]["status"] != "ACTIVE" {
		t.Errorf("listing of the first second: %v", keys)
	}
	a.ClearFaults()
	a.AddFault(sandbox.Fault{Kind: sandbox.FaultListingLag, Latency: 51 * time.Second})
	if keys := a.mustSend(t, http.MethodGet, keysPath, "").keys(t); len(keys) != 0 {
		t.Errorf("listing of before it was created: %v", keys)
	}
}

func duplicatePage(t *testing.T, a *api) {
	for range 25 {
		a.mustCreate(t, "service", "inventory:read")
	}
	a.AddFault(sandbox.Fault{Kind: sandbox.FaultDuplicatePage, Times: 1})
	first := a.mustSend(t, http.MethodGet, keysPath, "")
	second := a.mustSend(t, http.MethodGet, keysPath+"?page=2", "")
	if diff := cmp.Diff(first.keys(t), second.keys(t)); diff != "" || second.at(t, "pagination", "page") != 2.0 {
		t.Errorf("page 2 is not page 1 again (-first +second):\n%s", diff)
	}
	if honest := a.mustSend(t, http.MethodGet, keysPath+"?page=2", "").keys(t); len(honest) != 5 {
		t.Errorf("%d keys on page 2 afterwards, want 5", len(honest))
	}
}

func TestTruncatedBodyIsShorterThanItsLength(t *testing.T) {
	a := start(t, sandbox.WithFaults(sandbox.Fault{Kind: sandbox.FaultTruncatedJSON}))
	if _, err := a.send(t, http.MethodGet, keysPath, a.SessionToken(), ""); !errors.Is(err, io.ErrUnexpectedEOF) {
		t.Errorf("error %v, want an unexpected EOF", err)
	}
}

func TestFaultRules(t *testing.T) {
	status := func(t *testing.T, a *api) (statuses []int) {
		t.Helper()
		for range 6 {
			statuses = append(statuses, a.mustSend(t, http.MethodGet, keysPath, "").status)
		}
		return statuses
	}
	cases := map[string]struct {
		rules []sandbox.Fault
		want  []int
	}{
		"skip two, hit two":     {[]sandbox.Fault{{Kind: "500", Skip: 2, Times: 2}}, []int{200, 200, 500, 500, 200, 200}},
		"another operation":     {[]sandbox.Fault{{Operation: "create", Kind: "500"}}, []int{200, 200, 200, 200, 200, 200}},
		"one after the other":   {[]sandbox.Fault{{Kind: "500", Times: 1}, {Kind: "429", Times: 2}}, []int{500, 429, 429, 200, 200, 200}},
		"a write's kind":        {[]sandbox.Fault{{Kind: "ignore", Times: 1}, {Kind: "500", Times: 1}}, []int{500, 200, 200, 200, 200, 200}},
		"latency, then another": {[]sandbox.Fault{{Kind: "latency", Latency: 1}, {Kind: "500", Times: 1}}, []int{500, 200, 200, 200, 200, 200}},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			if diff := cmp.Diff(c.want, status(t, start(t, sandbox.WithFaults(c.rules...)))); diff != "" {
				t.Errorf("statuses (-want +got):\n%s", diff)
			}
		})
	}
	t.Run("probability follows the seed", func(t *testing.T) {
		rule := sandbox.WithFaults(sandbox.Fault{Kind: "500", Probability: 0.5})
		first, second := status(t, start(t, rule)), status(t, start(t, rule))
		if !cmp.Equal(first, second) {
			t.Errorf("seed %d: %v, then %v", testSeed, first, second)
		}
		a := start(t, rule, sandbox.WithRateLimits())
		for range 400 {
			a.mustSend(t, http.MethodGet, keysPath, "")
		}
		if hits := a.Faults()[0].Hits; hits < 150 || hits > 250 {
			t.Errorf("seed %d: %d hits of 400 at one half", testSeed, hits)
		}
	})
	t.Run("rules are counted, listed and removed", func(t *testing.T) {
		a := start(t)
		id, other := a.AddFault(sandbox.Fault{Kind: "500", Skip: 1, Times: 1}), a.AddFault(sandbox.Fault{Kind: "429"})
		status(t, a)
		if got := a.Faults(); len(got) != 2 || got[0].ID != id || got[0].Seen != 6 || got[0].Hits != 1 || got[1].Hits != 5 {
			t.Errorf("faults %+v", got)
		}
		if !a.RemoveFault(other) || a.RemoveFault(other) || len(a.Faults()) != 1 {
			t.Error("a fault is removed once")
		}
		a.ClearFaults()
		if len(a.Faults()) != 0 {
			t.Error("faults after ClearFaults")
		}
	})
}

func TestParseFaults(t *testing.T) {
	got, err := sandbox.ParseFaults("create:cut-after-commit:times=1, list:502-html:p=0.1,any:latency:latency=20ms:skip=3," +
		"list:redirect:status=302:location=https://elsewhere.example:8443/a?b=c")
	want := []sandbox.Fault{
		{Operation: "create", Kind: "cut-after-commit", Times: 1},
		{Operation: "list", Kind: "502-html", Probability: 0.1},
		{Kind: "latency", Latency: 20 * time.Millisecond, Skip: 3},
		{Operation: "list", Kind: "redirect", Status: 302, Location: "https://elsewhere.example:8443/a?b=c"},
	}
	if diff := cmp.Diff(want, got); diff != "" || err != nil {
		t.Errorf("error %v; rules (-want +got):\n%s", err, diff)
	}
	if rules, err := sandbox.ParseFaults(""); err != nil || rules != nil {
		t.Errorf("empty text: %v, %v", rules, err)
	}
	for _, bad := range []string{
		"create", "create:unheard", "unheard:500", "create:empty-page", "list:ignore", "list:500:p=2", "list:500:p=NaN", "list:500:p=x", "list:500:often",
		"list:500:times=-1", "list:latency", "list:500:status=302", "list:redirect:status=200",
	} {
		if rules, err := sandbox.ParseFaults(bad); err == nil {
			t.Errorf("%q was read as %+v", bad, rules)
		}
	}
}

func TestAddFaultRefusesNonsenseLoudly(t *testing.T) {
	a := start(t)
	defer func() {
		if recover() == nil {
			t.Error("a misspelt fault was accepted")
		}
	}()
	a.AddFault(sandbox.Fault{Kind: "cut-after-comit"})
}
