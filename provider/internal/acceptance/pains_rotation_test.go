package acceptance

import (
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/betterdataco/terraform-provider-betterdata/apiclient/sandbox"
)

// watch has every plaintext that a consumer may still hold tried before and after each request that reaches the API,
// so that no moment of an apply is missed.
type watch struct {
	mu       sync.Mutex
	promised map[string]string // plaintext -> what it is
	outages  []string
}

func (x *watch) promise(keys map[string]string) {
	x.mu.Lock()
	defer x.mu.Unlock()
	x.promised = keys
}

func (x *watch) handle(api http.Handler, rw http.ResponseWriter, r *http.Request) {
	x.try(api, "before "+r.Method+" "+r.URL.Path)
	record := answerOf(api, r)
	x.try(api, "after "+r.Method+" "+r.URL.Path)
	send(rw, record, record.Body.Bytes())
}

func (x *watch) try(api http.Handler, when string) {
	x.mu.Lock()
	defer x.mu.Unlock()
	for plaintext, what := range x.promised {
		if !usable(api, plaintext) {
			x.outages = append(x.outages, what+" did not work "+when)
		}
	}
}

func (x *watch) expectNoOutage(t *testing.T) {
	t.Helper()
	x.mu.Lock()
	defer x.mu.Unlock()
	for _, outage := range x.outages {
		t.Error(outage)
	}
}

// TestAccPain02RotationLeavesNoConsumerWithoutAKey: elsewhere the old key dies with, or before, the apply that makes the
// new one, so that a consumer whose rollout fails or takes time is cut off (grafana #1705, #1840; google #11622, #11626;
// prefect #233; signalfx #422).
func TestAccPain02RotationLeavesNoConsumerWithoutAKey(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	x := &watch{}
	w.front(x.handle)
	config := func(release string) string {
		return block("Rotated", `rotation = { overlap = "24h", triggers = { release = "`+release+`" } }`) + `
resource "terraform_data" "consumer" {
  triggers_replace = betterdata_api_key.test.id
  provisioner "local-exec" { command = "test ! -e rollout-fails" }
}
`
	}
	ws := newWorkspace(t, w, config("1"))
	ws.apply()
	first := ws.plaintexts()[test]

	x.promise(map[string]string{first: "the key in use"})
	ws.write("rollout-fails", "")
	ws.configure(config("2"))
	ws.mustFail("apply", "-auto-approve", "-no-color")
	second := ws.plaintexts()[test]
	if second == first {
		t.Fatal("nothing was rotated")
	}
	x.promise(map[string]string{first: "the key that the consumer still has", second: "the new key"})
	if err := os.Remove(filepath.Join(ws.dir, "rollout-fails")); err != nil {
		t.Fatal(err)
	}
	w.api.AdvanceClock(20 * time.Hour)
	ws.apply()
	// Another rotation while the first overlap lasts: there are two old keys now.
	ws.configure(config("3"))
	ws.apply()
	third := ws.plaintexts()[test]
	w.expectLive(3)

	x.promise(map[string]string{second: "the second key", third: "the third key"})
	w.api.AdvanceClock(5 * time.Hour)
	ws.apply()
	w.expectLive(2)
	x.promise(map[string]string{third: "the third key"})
	w.api.AdvanceClock(20 * time.Hour)
	ws.apply()
	w.expectLive(1)
	ws.expectSecrets(1)
	x.expectNoOutage(t)
}

// TestAccPain03RotationHasATriggerOfItsOwn: elsewhere a rotation is had only by taint or by an argument that happens to
// force a replacement (confluent #102, #498; aws #23180; google #8075, #15116; harness #734; cloudflare #1041).
func TestAccPain03RotationHasATriggerOfItsOwn(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	config := func(own, release, epoch string) string {
		return strings.NewReplacer("OWN", own, "RELEASE", release, "EPOCH", epoch).Replace(`
resource "terraform_data" "release" { input = "RELEASE" }
resource "terraform_data" "epoch" { input = "EPOCH" }
resource "betterdata_api_key" "team" {
  for_each = { a = "OWN", b = "1" }
  name     = "Team ${each.key}"
  scopes   = ["inventory:read"]
  rotation = { overlap = "1h", triggers = { own = each.value, release = terraform_data.release.output } }
}
resource "betterdata_api_key" "replaced" {
  name   = "Replaced"
  scopes = ["inventory:read"]
  lifecycle {
    replace_triggered_by  = [terraform_data.epoch]
    create_before_destroy = true
  }
}
resource "terraform_data" "consumer" { input = [for key in betterdata_api_key.team : key.id] }
`)
	}
	ws := newWorkspace(t, w, config("1", "1", "1"))
	ws.apply()
	for _, step := range []struct {
		what, config string
		changes      map[string]string
		rotations    int
	}{
		{"a trigger of one key", config("2", "1", "1"), map[string]string{`betterdata_api_key.team["a"]`: "update", "terraform_data.consumer": "update"}, 1},
		{
			"a trigger of both, known after apply", config("2", "2", "1"),
			map[string]string{
				`betterdata_api_key.team["a"]`: "update", `betterdata_api_key.team["b"]`: "update",
				"terraform_data.release": "update", "terraform_data.consumer": "update",
			}, 2,
		},
		{"replace_triggered_by", config("2", "2", "2"), map[string]string{"betterdata_api_key.replaced": "create,delete", "terraform_data.epoch": "update"}, 0},
	} {
		ws.configure(step.config)
		before := w.api.Stats().Rotated
		expectActions(t, ws.plan(), step.changes)
		ws.applySaved()
		if got := w.api.Stats().Rotated - before; got != step.rotations {
			t.Errorf("%s has rotated %d keys, want %d", step.what, got, step.rotations)
		}
		ws.expectSecrets(3)
	}
	expectActions(t, ws.plan(), map[string]string{})
	if got := w.api.Stats(); got.Created != 4 || got.Revoked != 1 {
		t.Errorf("%d keys created and %d revoked, want one of each for the replacement alone", got.Created-3, got.Revoked)
	}
}

// TestAccPain15SavedPlansOfTimeDrivenRotationHold: elsewhere a plan made before a date and applied after it fails as
// inconsistent, or a rotation that was carried out is planned again for ever (gitlab 17.3.1, 18.8.0; time #44, #354).
func TestAccPain15SavedPlansOfTimeDrivenRotationHold(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	keyed := func(name, interval string) string {
		return strings.NewReplacer("NAME", name, "INTERVAL", interval).Replace(`
resource "betterdata_api_key" "NAME" {
  name     = "NAME"
  scopes   = ["inventory:read"]
  rotation = { interval = "INTERVAL", overlap = "1h" }
}
`)
	}
	due, soon := "betterdata_api_key.due", "betterdata_api_key.soon"
	ws := newWorkspace(t, w, keyed("due", "100h")+keyed("soon", "200h"))
	ws.apply()
	// At each step the next one falls due between the plan and its apply, and has to wait for a plan of its own.
	for _, step := range []struct {
		advance, meanwhile time.Duration
		changes            map[string]string
		rotated, revoked   int
	}{
		{101 * time.Hour, 0, map[string]string{due: "update"}, 1, 0}, // due's predecessor lives until hour 102
		{0, 2 * time.Hour, map[string]string{}, 1, 0},                // and falls due
		{0, 97 * time.Hour, map[string]string{due: "update"}, 1, 1},  // soon falls due, at hour 200
		{0, 2 * time.Hour, map[string]string{soon: "update"}, 2, 1},  // due falls due again, at hour 201
		{0, 2 * time.Hour, map[string]string{due: "update"}, 3, 1},   // soon's predecessor fell due, at hour 203
		{0, 2 * time.Hour, map[string]string{soon: "update"}, 3, 2},  // due's falls due, at hour 205
		{0, 0, map[string]string{due: "update"}, 3, 3},
		{time.Minute, time.Minute, map[string]string{}, 3, 3},                      // nothing is planned for ever
		{99 * time.Hour, -300 * time.Hour, map[string]string{due: "update"}, 4, 3}, // the API's clock is set back
		{0, 0, map[string]string{}, 4, 3},                                          // which rotates nothing
	} {
		w.api.AdvanceClock(step.advance)
		expectActions(t, ws.plan(), step.changes)
		w.api.AdvanceClock(step.meanwhile)
		ws.applySaved()
		if s := w.api.Stats(); s.Rotated != step.rotated || s.Revoked != step.revoked {
			t.Errorf("%d rotations and %d revocations by now, want %d and %d", s.Rotated, s.Revoked, step.rotated, step.revoked)
		}
	}
	ws.expectSecrets(2)
}

// TestAccPain15RemovingTheRotationBlockIsHarmless: elsewhere the provider crashes on it (gitlab 17.6.0). Here the key
// stays, due or not, and predecessors are still revoked in time.
func TestAccPain15RemovingTheRotationBlockIsHarmless(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	rotating := block("Rotated", `rotation = { interval = "100h", overlap = "2h", triggers = { n = "1" } }`)
	ws := newWorkspace(t, w, rotating)
	ws.apply()
	w.api.AdvanceClock(101 * time.Hour)
	ws.apply()
	plaintext := ws.plaintexts()[test]
	w.expectLive(2)
	w.api.AdvanceClock(101 * time.Hour) // the key is due again, and so is its predecessor
	ws.configure(block("Rotated"))
	ws.apply()
	if ws.plaintexts()[test] != plaintext || w.api.Stats().Rotated != 1 {
		t.Error("removing the block has rotated the key")
	}
	w.expectLive(1)
	ws.expectSecrets(1)
	ws.expectEmptyPlan()
}

// TestAccPain15UnrelatedChangesKeepTheKeyKnown: elsewhere a rename shows the key as known after apply, so that
// everything downstream is planned anew (prefect #100).
func TestAccPain15UnrelatedChangesKeepTheKeyKnown(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	consumer := "resource \"terraform_data\" \"consumer\" { input = sha256(betterdata_api_key.test.plaintext_key) }\n"
	ws := newWorkspace(t, w, block("Named", `rotation = { interval = "2160h" }`)+consumer)
	ws.apply()
	plaintext := ws.plaintexts()[test]
	for what, config := range map[string]string{
		"name":     block("Renamed", `rotation = { interval = "2160h" }`),
		"scopes":   block("Renamed", `rotation = { interval = "2160h" }`, `scopes = ["*"]`),
		"settings": block("Renamed", `rotation = { interval = "2160h", overlap = "1h", triggers = { n = "1" } }`, `on_revoked = "error"`, `name_marker = "permanent"`),
	} {
		ws.configure(config + consumer)
		plan := ws.plan()
		expectActions(t, plan, map[string]string{address: "update"})
		for name, unknown := range plan[address].AfterUnknown {
			if unknown == true {
				t.Errorf("a change of %s makes %s known after apply", what, name)
			}
		}
		if plan[address].After["plaintext_key"] != plaintext {
			t.Errorf("a change of %s plans another plaintext", what)
		}
	}
}

// TestAccPain15RotationElsewhereIsRepaired: elsewhere a rotation by somebody else is not noticed, or only reported, and
// the state keeps a key that is dead (prefect #577).
func TestAccPain15RotationElsewhereIsRepaired(t *testing.T) {
	t.Parallel()
	for name, dialect := range map[string]sandbox.Dialect{"a new id": {}, "the same id": {RotateID: "same"}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, sandbox.WithDialect(dialect))
			triggered := func(n string) string {
				return block("Shared", `rotation = { overlap = "0s", triggers = { n = "`+n+`" } }`)
			}
			ws := newWorkspace(t, w, triggered("1"))
			ws.apply()
			old := ws.plaintexts()[test]
			if status := w.request("/"+w.first()+"/rotate", `{"revokeOld": true}`); status/100 != 2 || usable(w.api.API(), old) {
				t.Fatalf("the rotation elsewhere answered %d, or left the old key alive", status)
			}
			ws.must("apply", "-refresh-only", "-auto-approve", "-no-color")
			if dialect.RotateID == "same" {
				// The id tells nothing. That the key is another is said by each plan, until a trigger repairs it.
				for range 2 {
					if output := ws.apply(); !regexp.MustCompile(`(?s)was\s+rotated\s+outside\s+of\s+Terraform.*rotation\.triggers`).MatchString(output) {
						t.Errorf("the plan does not say that the key in the state is dead:\n%s", tail(output))
					}
				}
				ws.configure(triggered("2"))
			}
			ws.apply()
			ws.expectSecrets(1)
			ws.expectEmptyPlan()
		})
	}
}
