package acceptance

import (
	"bytes"
	"math/rand/v2"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/betterdataco/terraform-provider-betterdata/apiclient/sandbox"
)

// fates is a workspace of keys to which different things happen behind our back, by name.
const fates = `resource "betterdata_api_key" "fated" {
  for_each = toset(["revoked", "expired", "deleted", "spared"])
  name     = each.key
  scopes   = ["inventory:read"]
}
`

// strike gives each key of fates what its name says, a day after it was made.
func (w *world) strike() {
	w.t.Helper()
	w.api.AdvanceClock(24 * time.Hour)
	for _, key := range w.api.LiveKeys() {
		switch key.Name {
		case "revoked":
			w.editKey(key.ID, func(k *sandbox.Key) { k.Status = sandbox.StatusRevoked })
		case "expired":
			w.editKey(key.ID, func(k *sandbox.Key) { past := k.CreatedAt.Add(time.Hour); k.ExpiresAt = &past })
		case "deleted":
			if err := w.api.DeleteKey(key.ID); err != nil {
				w.t.Fatal(err)
			}
		}
	}
	w.expectLive(1)
}

// TestAccPain06DeadKeysDoNotBreakThePlan: elsewhere the plan fails, or the provider crashes, once a key has expired or
// was revoked; or the dead key counts as alive because the API still lists it (artifactory #576, vault #549 and #1007,
// teleport #42434, ably #133).
func TestAccPain06DeadKeysDoNotBreakThePlan(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		dialect sandbox.Dialect
		changes map[string]string
	}{
		"dead keys are listed": {sandbox.Dialect{Case: "lower"}, map[string]string{"revoked": "update", "expired": "update", "deleted": "create"}},
		"dead keys are hidden": {sandbox.Dialect{Dead: "hidden"}, map[string]string{"revoked": "create", "expired": "create", "deleted": "create"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, sandbox.WithDialect(c.dialect))
			ws := newWorkspace(t, w, fates)
			ws.apply()
			w.strike()
			want := map[string]string{}
			for key, action := range c.changes {
				want[`betterdata_api_key.fated["`+key+`"]`] = action
			}
			ws.must("plan", "-no-color", "-refresh-only")
			expectActions(t, ws.plan(), want)
			ws.applySaved()
			w.expectLive(4)
			ws.expectSecrets(4)
			ws.expectEmptyPlan()
		})
	}
}

// TestAccPain07DestroyOfADeadKeySucceeds: elsewhere a destroy fails for good because the API refuses to revoke what is
// revoked, expired or deleted already (databricks #775, ably #133, rancher #66).
func TestAccPain07DestroyOfADeadKeySucceeds(t *testing.T) {
	t.Parallel()
	for _, answer := range []string{"ok", "409", "404", "400"} {
		t.Run("to a second revocation the API answers "+answer, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, sandbox.WithDialect(sandbox.Dialect{Revoked: answer}))
			ws := newWorkspace(t, w, strings.Replace(fates, "scopes ", "on_revoked = \"error\"\n  scopes ", 1))
			ws.apply()
			w.strike()
			// Without a refresh Terraform takes all of them for alive.
			ws.must("destroy", "-auto-approve", "-no-color", "-refresh=false")
			w.expectLive(0)
			if left := ws.plaintexts(); len(left) != 0 {
				t.Errorf("%d keys are still in the state", len(left))
			}
		})
	}
}

// TestAccPain08ReadErrorIsNotADeletion: elsewhere an error of a read, a refused credential among them, counts as "not
// found", and live keys are dropped from the state and made again (consul #424, tfe #538, datadog #2048). The managed
// keys are on the second page of the listing, where a failure is easiest to overlook.
func TestAccPain08ReadErrorIsNotADeletion(t *testing.T) {
	t.Parallel()
	secondPage := func(kind sandbox.FaultKind) func(*world) {
		return func(w *world) { w.api.AddFault(always("list", kind, 1)) }
	}
	for name, fail := range map[string]func(*world){
		"page 2 is empty":                      secondPage("empty-page"),
		"page 2 repeats page 1":                func(w *world) { w.api.AddFault(always("list", "duplicate-page", 0)) },
		"page 2 has an unknown shape":          secondPage("unknown-shape"),
		"page 2 is malformed":                  secondPage("broken-json"),
		"page 2 is refused":                    secondPage("redirect"),
		"page 2 is a proxy's error":            secondPage("502-html"),
		"the credential is not valid any more": func(w *world) { w.useToken("session_that_has_ended_long_ago") },
		"the credential may not list":          func(w *world) { w.useToken(w.readOnlyKey()) },
		"the organisation is inactive":         func(w *world) { w.api.SetOrganisationActive(false) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			w.seedMany(100)
			ws := newWorkspace(t, w, manyKeys(5, ""))
			ws.apply()
			w.api.AdvanceClock(24 * time.Hour)
			live, state := len(w.live()), ws.stateFile()
			if name == "the credential may not list" {
				live++
			}
			fail(w)
			ws.mustFail("apply", "-auto-approve", "-no-color")
			if !bytes.Equal(ws.stateFile(), state) {
				t.Error("the failed refresh has changed the state")
			}
			w.expectLive(live)
			w.api.ClearFaults()
			w.api.SetOrganisationActive(true)
			w.useToken(w.api.SessionToken())
			expectActions(t, ws.plan(), map[string]string{})
		})
	}
}

// readOnlyKey is a credential that works and may not manage keys.
func (w *world) readOnlyKey() string {
	w.t.Helper()
	w.seed("Read only", "inventory:read")
	issued := w.issued()
	return issued[len(issued)-1]
}

// TestAccPain09ScopeOrderIsNoDiff: elsewhere an API that sorts, expands or shuffles permissions gives a diff in each
// plan that no apply removes (cloudflare #5548, #7125; rollbar #408; linode #825).
func TestAccPain09ScopeOrderIsNoDiff(t *testing.T) {
	t.Parallel()
	for _, normalisation := range []string{"kept", "sorted", "expanded"} {
		t.Run("the API's scopes are "+normalisation, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, sandbox.WithDialect(sandbox.Dialect{Scopes: normalisation}))
			s := &shuffler{random: rand.New(rand.NewPCG(seedOf(t), 0))}
			w.front(s.handle)
			scopes := []string{"shipping:write", "inventory:*", "forecast:read", "admin:read", "orders:read", "planning:*"}
			config := func() string {
				return block("Ordered", `scopes = ["`+strings.Join(s.shuffled(scopes), `", "`)+`"]`, `name_marker = "none"`)
			}
			ws := newWorkspace(t, w, config())
			ws.apply()
			for range 3 {
				ws.configure(config())
				ws.expectEmptyPlan()
			}
			ws.apply()
			if got := w.api.Stats().Requests["update"]; got != 0 {
				t.Errorf("%d updates were sent although the scopes never changed", got)
			}
			if got := s.answers(); got < 4 {
				t.Errorf("the scopes were shuffled in %d answers only", got)
			}
		})
	}
}

// shuffler shows scopes in another order in each answer, and writes them so.
type shuffler struct {
	mu      sync.Mutex
	random  *rand.Rand
	changed int
}

func (s *shuffler) shuffled(scopes []string) []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	mixed := make([]string, 0, len(scopes))
	for _, i := range s.random.Perm(len(scopes)) {
		mixed = append(mixed, scopes[i])
	}
	return mixed
}

func (s *shuffler) answers() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.changed
}

func (s *shuffler) handle(api http.Handler, rw http.ResponseWriter, r *http.Request) {
	editKeys(rw, answerOf(api, r), func(key map[string]any) {
		scopes, ok := key["scopes"].([]any)
		if !ok {
			return
		}
		s.mu.Lock()
		defer s.mu.Unlock()
		s.changed++
		s.random.Shuffle(len(scopes), func(i, j int) { scopes[i], scopes[j] = scopes[j], scopes[i] })
	})
}
