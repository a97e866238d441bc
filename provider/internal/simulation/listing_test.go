package simulation

import (
	"bytes"
	"testing"
	"time"

	"github.com/betterdataco/terraform-provider-betterdata/apiclient/sandbox"
)

// TestFailedListing: whatever is wrong with a listing, a refresh is an error and the state stays as it is (P3).
func TestFailedListing(t *testing.T) {
	t.Parallel()
	faults := map[string]func(w *world){
		"a rejected token":       func(w *world) { w.api.RevokeSessionToken(w.token) },
		"an inactive tenant":     func(w *world) { w.api.SetOrganisationActive(false) },
		"another address":        func(w *world) { w.must(w.api.SetOrganisationIPs("192.0.2.1")) },
		"the network is gone":    func(w *world) { w.killAfter(0) },
		"a page of another kind": func(w *world) { w.editAnswers(func(a map[string]any) { delete(a, "apiKeys"); a["rows"] = 7 }) },
		"an object for the list": func(w *world) { w.editAnswers(func(a map[string]any) { a["apiKeys"] = map[string]any{} }) },
		"null for the list":      func(w *world) { w.editAnswers(func(a map[string]any) { a["apiKeys"] = nil }) },
		"keys without ids": func(w *world) {
			w.editAnswers(func(a map[string]any) { a["apiKeys"] = []any{map[string]any{"name": "Forecast"}} })
		},
	}
	for _, kind := range badListings() {
		faults[string(kind)] = func(w *world) { w.api.AddFault(always(sandbox.OpList, kind)) }
	}
	for name, fail := range faults {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			r := w.resource(config{rotation: &rotation{interval: "48h", overlap: "1h"}})
			r.mustApply()
			w.clock.advance(50 * time.Hour) // much is due: rotation, and nothing is young any more
			before, stats := r.state, w.api.Stats()
			fail(w)
			if said := r.refresh(); !said.failed() {
				t.Errorf("the refresh succeeded: %s", said)
			}
			if !r.state.value.Equal(before.value) || !bytes.Equal(r.state.private, before.private) {
				t.Error("a failed refresh changed the state")
			}
			if o := r.apply(); !o.said.failed() {
				t.Errorf("the apply succeeded: %s", o)
			}
			if o := r.destroy(); !o.said.failed() || r.state == nil {
				t.Errorf("the destroy succeeded: %s", o)
			}
			after := w.api.Stats()
			if after.Created != stats.Created || after.Rotated != stats.Rotated || after.Revoked != stats.Revoked || after.Updated != stats.Updated {
				t.Errorf("the API was changed: %+v", after)
			}
			if r.state == nil || !r.state.value.Equal(before.value) {
				t.Error("the state was changed")
			}
		})
	}
}

// TestDestroyCannotList: the listing fails after the plan was made. Nothing is revoked, the object stays.
func TestDestroyCannotList(t *testing.T) {
	t.Parallel()
	for _, kind := range badListings() {
		t.Run(string(kind), func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			r := w.resource(config{})
			r.mustApply()
			id := r.id()
			saved := r.planWith(nil, true)
			w.api.AddFault(always(sandbox.OpList, kind))
			o := r.applyPlan(saved)
			if !o.said.failed() || r.id() != id {
				t.Errorf("the destroy succeeded: %s", o)
			}
			w.expectSays(o.said, "Nothing was revoked")
			w.expectLive(id)
			w.api.ClearFaults()
			if o := r.destroy(); o.said.failed() {
				t.Errorf("destroy: %s", o)
			}
			w.expectLive()
		})
	}
}

// TestFailedSecondListing: a key missing from one listing is not gone while the second cannot be had.
func TestFailedSecondListing(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	r := w.resource(config{})
	r.mustApply()
	w.clock.advance(time.Hour)
	before := r.state
	w.must(w.api.DeleteKey(r.id()))
	w.api.AddFault(sandbox.Fault{Operation: sandbox.OpList, Kind: sandbox.FaultBadGateway, Skip: 1})
	if said := r.refresh(); !said.failed() || r.state == nil || !r.state.value.Equal(before.value) {
		t.Errorf("one listing was enough to conclude something: %s", said)
	}
	if o := r.apply(); !o.said.failed() {
		t.Errorf("the apply succeeded: %s", o)
	}
	w.expectLive()
}

// TestWaitsOutRateLimit: a 429 is waited out, and changes nothing.
func TestWaitsOutRateLimit(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	r := w.resource(config{})
	r.mustApply()
	for _, op := range []sandbox.Operation{sandbox.OpList, sandbox.OpUpdate, sandbox.OpRotate, sandbox.OpRevoke} {
		w.api.AddFault(sandbox.Fault{Operation: op, Kind: sandbox.FaultTooManyRequests, Times: 2, Latency: time.Minute})
	}
	r.expectEmptyPlan()
	r.config = config{name: "Other", rotation: trigger("1", "0s")}
	r.mustApply()
	r.config.rotation = trigger("2", "0s")
	r.mustApply()
	r.expectEmptyPlan()
	w.expectLive(r.id())
}

// TestListingLags: a key just issued is missing from a listing that lags. Nothing follows from that.
func TestListingLags(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	r := w.resource(config{})
	r.mustApply()
	id := r.id()
	w.api.AddFault(sandbox.Fault{Operation: sandbox.OpList, Kind: sandbox.FaultListingLag, Latency: 5 * time.Minute})
	w.clock.advance(time.Minute)
	r.mustApply()
	r.expectEmptyPlan()
	if r.id() != id {
		t.Error("a key that a lagging listing lacks was replaced")
	}
	w.expectLive(id)
}
