package simulation

import (
	"fmt"
	"testing"
	"time"

	"github.com/betterdataco/terraform-provider-betterdata/apiclient/sandbox"
)

// TestKilledReissue: a process that is killed while it issues a key in place of a dead one leaves either a key with the
// marker, which the next apply revokes, or one under the exact name, which the next plan names (P2).
func TestKilledReissue(t *testing.T) {
	t.Parallel()
	for requests := range 4 {
		t.Run(fmt.Sprintf("after %d requests", requests), func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			r := w.resource(config{})
			r.mustApply()
			if err := w.api.EditKey(r.id(), func(key *sandbox.Key) { key.Status = "REVOKED" }); err != nil {
				t.Fatal(err)
			}
			before := r.state
			saved := r.plan()
			w.killAfter(requests)
			r.applyPlan(saved)
			w.revive()
			r.state = before

			nameless := []string{}
			for _, key := range w.api.LiveKeys() {
				if key.Name == "Forecast" {
					nameless = append(nameless, key.ID)
				}
			}
			o := r.mustApply()
			if len(nameless) > 0 {
				w.expectSays(o.said, append(nameless, "exists already")...)
			}
			w.expectLive(append(nameless, r.id())...)
			r.expectEmptyPlan()
		})
	}
}

// TestLostCreateNeverListed: an API whose listing hides the stray for longer than two listings take cannot be seen
// through. What cannot be known is said (P2).
func TestLostCreateNeverListed(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	r := w.resource(config{})
	w.api.AddFault(once(sandbox.OpCreate, sandbox.FaultCutAfterCommit))
	r.mustFail()
	stray := w.live()
	w.api.AddFault(sandbox.Fault{Operation: sandbox.OpList, Kind: sandbox.FaultListingLag, Latency: time.Hour})
	o := r.mustApply()
	w.expectSays(o.said, `A live key named "Forecast [tf:`, "may still turn up")
	w.expectLive(append(stray, r.id())...)
}
