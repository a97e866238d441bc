package simulation

import (
	"testing"

	"github.com/betterdataco/terraform-provider-betterdata/apiclient/sandbox"
)

// lost are the ways in which an API can issue a key and the plaintext not arrive.
func lost() []sandbox.FaultKind {
	return []sandbox.FaultKind{sandbox.FaultCutAfterCommit, sandbox.FaultTruncatedJSON, sandbox.FaultBrokenJSON, sandbox.FaultNoPlaintext, sandbox.FaultUnknownShape}
}

// once makes the next request of an operation go wrong.
func once(op sandbox.Operation, kind sandbox.FaultKind) sandbox.Fault {
	return sandbox.Fault{Operation: op, Kind: kind, Times: 1}
}

// always makes every request of an operation go wrong, until faults are cleared.
func always(op sandbox.Operation, kind sandbox.FaultKind) sandbox.Fault {
	return sandbox.Fault{Operation: op, Kind: kind}
}

// TestLostCreate: the API issues the key and the answer is lost. The apply says so; the next one leaves one key.
func TestLostCreate(t *testing.T) {
	t.Parallel()
	for _, kind := range lost() {
		for _, onDestroy := range []string{"revoke", "retain"} {
			for _, marker := range []string{"temporary", "permanent"} {
				t.Run(string(kind)+", "+onDestroy+", "+marker, func(t *testing.T) {
					t.Parallel()
					w := newWorld(t)
					r := w.resource(config{onDestroy: onDestroy, nameMarker: marker})
					w.api.AddFault(once(sandbox.OpCreate, kind))
					o := r.mustFail()
					w.expectSays(o.said, "Unknown whether API key", "The next apply revokes it")
					if r.state == nil || !r.state.tainted {
						t.Fatal("the object is not in the state, or not tainted: nothing would look for the key")
					}
					namesake := w.seed("Forecast", "inventory:read")
					if got := len(w.live()); got != 2 {
						t.Fatalf("%d live keys, want the lost one and the namesake", got)
					}

					if o := r.mustApply(); o.action != replace {
						t.Errorf("second apply: %s", o)
					}
					w.expectLive(namesake, r.id())
					if !w.works(r.plaintext()) {
						t.Error("the key does not work")
					}
					r.expectEmptyPlan()
				})
			}
		}
	}
}

// TestLostCreateAndListingFails: while nothing can be listed nothing is revoked, created or forgotten.
func TestLostCreateAndListingFails(t *testing.T) {
	t.Parallel()
	for _, kind := range badListings() {
		t.Run(string(kind), func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			r := w.resource(config{onDestroy: "retain"})
			w.api.AddFault(once(sandbox.OpCreate, sandbox.FaultCutAfterCommit))
			r.mustFail()
			stray := w.live()
			w.api.ClearFaults()

			w.api.AddFault(always(sandbox.OpList, kind))
			before := w.api.Stats()
			r.mustFail()
			after := w.api.Stats()
			if after.Created != before.Created || after.Revoked != before.Revoked {
				t.Error("a key was created or revoked although nothing could be listed")
			}
			w.expectLive(stray...)
			if r.state == nil || !r.state.tainted {
				t.Fatal("the object was forgotten")
			}

			w.api.ClearFaults()
			r.mustApply()
			w.expectLive(r.id())
			r.expectEmptyPlan()
		})
	}
}

// badListings are the ways in which a listing fails.
func badListings() []sandbox.FaultKind {
	return []sandbox.FaultKind{
		sandbox.FaultServerError, sandbox.FaultBadGateway, sandbox.FaultCutBefore, sandbox.FaultCutAfterCommit, sandbox.FaultTruncatedJSON,
		sandbox.FaultBrokenJSON, sandbox.FaultUnknownShape, sandbox.FaultRedirect, sandbox.FaultEmptyPage,
	}
}

// TestLostCreateTwice: each failed attempt leaves one stray, and each is found by the next.
func TestLostCreateTwice(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	r := w.resource(config{})
	for range 3 {
		w.api.AddFault(once(sandbox.OpCreate, sandbox.FaultCutAfterCommit))
		r.mustFail()
		if got := len(w.live()); got != 1 {
			t.Fatalf("%d live keys, want the last stray alone", got)
		}
	}
	r.mustApply()
	w.expectLive(r.id())
}

// TestLostCreateThenDestroy: the stray goes with the object, whatever on_destroy says.
func TestLostCreateThenDestroy(t *testing.T) {
	t.Parallel()
	for _, onDestroy := range []string{"revoke", "retain"} {
		t.Run(onDestroy, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			r := w.resource(config{onDestroy: onDestroy})
			w.api.AddFault(once(sandbox.OpCreate, sandbox.FaultCutAfterCommit))
			r.mustFail()
			if o := r.destroy(); o.said.failed() || r.state != nil {
				t.Errorf("destroy: %s", o)
			}
			w.expectLive()
		})
	}
}

// TestLostCreateWithoutMarker: candidates are named, none is touched, nothing is kept in the state.
func TestLostCreateWithoutMarker(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	namesake := w.seed("Forecast", "inventory:read")
	r := w.resource(config{nameMarker: "none"})
	w.api.AddFault(once(sandbox.OpCreate, sandbox.FaultCutAfterCommit))
	o := r.mustFail()
	if r.state != nil {
		t.Error("an object without id and marker is in the state")
	}
	candidates := w.live()
	w.expectSays(o.said, append(candidates, "Live keys of that name")...)
	o = r.mustApply()
	w.expectSays(o.said, append(candidates, "exists already")...)
	w.expectLive(append(candidates, r.id())...)
	if candidates[0] != namesake {
		t.Error("the namesake is gone")
	}
}

// TestRefusedCreate: a refusal leaves nothing, and a rate limit is waited out.
func TestRefusedCreate(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	r := w.resource(config{})
	w.api.AddFault(once(sandbox.OpCreate, sandbox.FaultTooManyRequests))
	r.mustApply()
	w.expectLive(r.id())

	w.api.RevokeSessionToken(w.token)
	other := w.resource(config{name: "Other"})
	other.mustFail()
	if other.state != nil {
		t.Error("a refused create left an object in the state")
	}
}

// TestKilledCreate: a process killed after the request leaves no state. The next plan warns of the key it left.
func TestKilledCreate(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	r := w.resource(config{})
	r.mustApply()
	left := r.id()
	r.state = nil // the process was killed before it could write
	p := r.plan()
	w.expectSays(p.said, "A live key named", left)
	r.mustApply()
	w.expectLive(left, r.id())
}

// TestFollowUpFails: a key that was issued is never put at risk by a rename that failed. The next apply renames it.
func TestFollowUpFails(t *testing.T) {
	t.Parallel()
	for _, kind := range []sandbox.FaultKind{sandbox.FaultServerError, sandbox.FaultCutBefore, sandbox.FaultCutAfterCommit, sandbox.FaultBadGateway, sandbox.FaultIgnore} {
		t.Run(string(kind), func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			r := w.resource(config{rotation: trigger("1", "1h")})
			w.api.AddFault(once(sandbox.OpUpdate, kind))
			o := r.mustApply()
			if r.state.tainted || (kind != sandbox.FaultIgnore && len(o.said.warnings()) != 1) {
				t.Errorf("a failed rename tainted the key, or was not said: %s", o)
			}
			id, plaintext := r.id(), r.plaintext()
			w.api.ClearFaults()
			r.mustApply()
			if r.id() != id || r.plaintext() != plaintext || w.key(id).Name != "Forecast" {
				t.Errorf("the next apply did not heal the name %q, or changed the key", w.key(id).Name)
			}
			r.expectEmptyPlan()

			r.config.rotation = trigger("2", "1h")
			w.api.AddFault(sandbox.Fault{Operation: sandbox.OpUpdate, Kind: kind, Skip: 1, Times: 1})
			o = r.mustApply()
			if kind != sandbox.FaultIgnore {
				w.expectSays(o.said, "was issued, but not renamed")
			}
			w.api.ClearFaults()
			rotated := r.id()
			r.mustApply()
			if r.id() != rotated || rotated == id || w.key(rotated).Name != "Forecast" {
				t.Errorf("the next apply did not heal the name %q after the rotation, or changed the key", w.key(rotated).Name)
			}
			w.expectLive(id, rotated)
			r.expectEmptyPlan()
		})
	}
}
