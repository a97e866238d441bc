package simulation

import (
	"bytes"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/betterdataco/terraform-provider-betterdata/apiclient/sandbox"
)

// TestRotationWithOverlap: the old key works for the overlap; plans are empty meanwhile, and ask exactly once after.
func TestRotationWithOverlap(t *testing.T) {
	t.Parallel()
	for _, marker := range []string{"temporary", "permanent", "none"} {
		t.Run(marker, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			r := w.resource(config{nameMarker: marker, rotation: &rotation{interval: "720h", overlap: "24h"}})
			r.mustApply()
			old, oldText := r.id(), r.plaintext()
			w.clock.advance(720*time.Hour - time.Second)
			r.expectEmptyPlan()
			w.clock.advance(time.Second)
			if o := r.mustApply(); o.action != update {
				t.Errorf("rotation: %s", o)
			}
			if r.id() == old || r.plaintext() == oldText || !w.works(oldText) || !w.works(r.plaintext()) {
				t.Error("both keys should differ and work during the overlap")
			}
			w.expectLive(old, r.id())
			r.expectEmptyPlan()
			w.clock.advance(24*time.Hour - time.Minute)
			r.expectEmptyPlan()

			w.clock.advance(2 * time.Minute)
			if o := r.mustApply(); o.action != update {
				t.Errorf("end of the overlap: %s", o)
			} else {
				w.expectSays(o.said, old+" will be revoked")
			}
			w.expectLive(r.id())
			if w.works(oldText) || len(r.previous()) != 0 {
				t.Error("the old key works after its overlap, or is still listed")
			}
			r.expectEmptyPlan()
		})
	}
}

// TestRotationWithoutOverlap: with 0s the old key dies in the same apply, and the plan says so.
func TestRotationWithoutOverlap(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	r := w.resource(config{rotation: trigger("1", "0s")})
	r.mustApply()
	r.config.rotation = trigger("2", "0s")
	w.expectSays(r.plan().said, "cut off at once")
	r.mustApply()
	w.expectLive(r.id())
	r.expectEmptyPlan()
}

// TestRevocationFails: the key in use is not bothered; the old one stays listed until it is dead.
func TestRevocationFails(t *testing.T) {
	t.Parallel()
	for _, kind := range []sandbox.FaultKind{sandbox.FaultServerError, sandbox.FaultCutBefore, sandbox.FaultCutAfterCommit, sandbox.FaultIgnore} {
		t.Run(string(kind), func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			r := w.resource(config{rotation: trigger("1", "0s")})
			if kind != sandbox.FaultIgnore {
				r.config.nameMarker = "none" // no marker would find the old key again, were it forgotten
			}
			r.mustApply()
			r.config.rotation = trigger("2", "0s")
			w.api.AddFault(always(sandbox.OpRevoke, kind))
			o := r.mustApply()
			if kind != sandbox.FaultIgnore {
				w.expectSays(o.said, "could not be revoked")
				if got := strings.Count(o.said.String(), "could not be revoked"); got != 1 {
					t.Errorf("one revocation failed %d times in one apply", got)
				}
			}
			w.api.ClearFaults()
			r.mustApply()
			w.expectLive(r.id())
			r.expectEmptyPlan()
		})
	}
}

// TestLostRotate: the key in use works all along, and the stray is revoked by the next apply.
func TestLostRotate(t *testing.T) {
	t.Parallel()
	for _, kind := range lost() {
		for _, marker := range []string{"temporary", "permanent"} {
			for _, overlap := range []string{"1h", "0s"} {
				t.Run(string(kind)+", "+marker+", "+overlap, func(t *testing.T) {
					t.Parallel()
					w := newWorld(t)
					r := w.resource(config{nameMarker: marker, rotation: trigger("1", overlap)})
					r.mustApply()
					old, oldText := r.id(), r.plaintext()
					namesake := w.seed("Forecast", "inventory:read")

					r.config.rotation = trigger("2", overlap)
					w.api.AddFault(once(sandbox.OpRotate, kind))
					o := r.mustFail()
					w.expectSays(o.said, "Unknown whether API key "+old+" was rotated", "stays in use", "the next apply revokes it")
					if r.id() != old || r.plaintext() != oldText || !w.works(oldText) || r.state.tainted {
						t.Fatal("the key in use is lost")
					}
					if got := len(w.live()); got != 3 {
						t.Fatalf("%d live keys, want the old one, the stray and the namesake", got)
					}
					w.api.AddFault(always(sandbox.OpList, sandbox.FaultServerError))
					r.mustFail()
					w.api.ClearFaults()
					if !w.works(oldText) || r.plaintext() != oldText {
						t.Fatal("a failed listing lost the key in use")
					}

					r.mustApply()
					want := []string{namesake, r.id()}
					if overlap != "0s" {
						want = append(want, old)
					}
					w.expectLive(want...)
					if r.id() == old || !w.works(r.plaintext()) || w.works(oldText) != (overlap != "0s") {
						t.Error("the rotation was not made up for")
					}
					r.expectEmptyPlan()
				})
			}
		}
	}
}

// TestRotateRefused: nothing is issued; what was asked for stays to be done.
func TestRotateRefused(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	r := w.resource(config{rotation: trigger("1", "1h")})
	r.mustApply()
	old := r.id()
	r.config.rotation = trigger("2", "1h")
	r.config.scopes = []string{"forecast:read"}
	w.api.AddFault(once(sandbox.OpUpdate, sandbox.FaultServerError))
	r.mustFail()
	if got := w.api.Stats().Requests[sandbox.OpRotate]; got != 0 {
		t.Error("a key was rotated although its marker could not be set: its successor could not be found")
	}
	w.expectLive(old)
	w.api.ClearFaults()
	r.mustApply()
	if key := w.key(r.id()); r.id() == old || key.Scopes[0] != "forecast:read" || key.Name != "Forecast" {
		t.Errorf("the rotation and the new scopes were not made up for: %+v", key)
	}
	r.expectEmptyPlan()
}

// TestPatchFails: name and scopes stay recorded as they were, and the next plan asks again.
func TestPatchFails(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	r := w.resource(config{})
	r.mustApply()
	before := r.state
	r.config.name, r.config.onDestroy = "Other", "retain"
	w.api.AddFault(once(sandbox.OpUpdate, sandbox.FaultServerError))
	r.mustFail()
	if r.attribute("name") != "Forecast" || r.attribute("on_destroy") != "retain" || r.plaintext() != text(before.value, "plaintext_key") {
		t.Errorf("name %q, on_destroy %q: an error keeps what did not happen as it was, and records what did", r.attribute("name"), r.attribute("on_destroy"))
	}
	w.api.ClearFaults()
	r.mustApply()
	if w.key(r.id()).Name != "Other" {
		t.Error("the rename was not made up for")
	}
	r.expectEmptyPlan()
}

// TestSavedPlan: the clock moves past due dates between plan and apply; both plans of core agree all the same.
func TestSavedPlan(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	r := w.resource(config{rotation: &rotation{interval: "720h", overlap: "24h"}})
	r.mustApply()
	old := r.id()

	r.config.name = "Other"
	saved := r.plan()
	w.clock.advance(1000 * time.Hour)
	if o := r.applyPlan(saved); o.said.failed() || r.id() != old {
		t.Errorf("the saved rename rotated, or failed: %s", o)
	}
	saved = r.plan() // now it is due
	w.clock.advance(1000 * time.Hour)
	if o := r.applyPlan(saved); o.said.failed() || r.id() == old {
		t.Errorf("the saved rotation did not rotate: %s", o)
	}
	r.mustApply() // it is due again, by a clock that has moved on
}

// TestSavedPlanWithoutRotation: a plan that does not rotate does not rotate, however late it is applied.
func TestSavedPlanWithoutRotation(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	r := w.resource(config{rotation: trigger("1", "1h")})
	r.mustApply()
	r.config.rotation = trigger("2", "1h")
	r.mustApply()
	current := r.id()
	r.config.name = "Other"
	saved := r.plan()
	w.clock.advance(100 * time.Hour) // past the overlap
	if o := r.applyPlan(saved); o.said.failed() || r.id() != current || len(r.previous()) != 1 {
		t.Errorf("the saved plan did more than it said: %s", o)
	}
	r.mustApply()
	w.expectLive(current)
}

// TestUnknownTriggers: planned as perhaps, decided at apply, consistent both ways.
func TestUnknownTriggers(t *testing.T) {
	t.Parallel()
	for value, rotates := range map[string]bool{"1": false, "2": true} {
		w := newWorld(t)
		r := w.resource(config{rotation: trigger("1", "1h")})
		r.mustApply()
		old := r.id()
		r.config.rotation = &rotation{overlap: "1h", unknownTriggers: true}
		saved := r.plan()
		if saved.change.action != update {
			t.Errorf("unknown triggers planned as %s", saved.change.action)
		}
		r.config.rotation = trigger(value, "1h")
		if o := r.applyPlan(saved); o.said.failed() || (r.id() != old) != rotates {
			t.Errorf("trigger %s: rotated %t, want %t: %s", value, r.id() != old, rotates, o)
		}
		r.expectEmptyPlan()
	}
}

// TestIntervalChanges: a changed interval is recorded at once, and rotates with the apply after.
func TestIntervalChanges(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	r := w.resource(config{})
	r.mustApply()
	first := r.id()
	w.clock.advance(100 * time.Hour)
	r.config.rotation = &rotation{interval: "50h", overlap: "1h"}
	o := r.mustApply()
	w.expectSays(o.said, first+" is due for rotation", "The next apply rotates it")
	if r.id() != first || !truth(r.state.value, "rotation_due") {
		t.Error("an added interval rotated at once, or did not become due")
	}
	r.config.rotation = &rotation{interval: "5000h", overlap: "1h"}
	r.mustApply()
	r.expectEmptyPlan()
	if r.id() != first {
		t.Error("a lengthened interval rotated")
	}
	r.config.rotation = nil
	r.mustApply()
	r.expectEmptyPlan()
	if r.id() != first || w.api.Stats().Rotated != 0 {
		t.Error("a removed rotation rotated")
	}
}

// TestDialectsOfRotation: the id stays the same; names are not carried over; answers have no readable id.
func TestDialectsOfRotation(t *testing.T) {
	t.Parallel()
	noID := func(answer map[string]any) { delete(answer, "apiKey") }
	for name, tc := range map[string]struct {
		dialect sandbox.Dialect
		edit    func(map[string]any)
		sameID  bool
	}{
		"page":                     {},
		"same id":                  {dialect: sandbox.Dialect{RotateID: "same"}, sameID: true},
		"same id, answers without": {dialect: sandbox.Dialect{RotateID: "same"}, edit: noID, sameID: true},
		"fresh name":               {dialect: sandbox.Dialect{RotateName: "fresh"}},
		"fresh name, same id":      {dialect: sandbox.Dialect{RotateName: "fresh", RotateID: "same"}, sameID: true},
		"answers without id":       {edit: noID},
		"the dead are hidden":      {dialect: sandbox.Dialect{Dead: "hidden", Revoked: "404"}},
		"bad times, no date":       {dialect: sandbox.Dialect{Timestamps: "absent", Date: "absent"}},
	} {
		for _, overlap := range []string{"1h", "0s"} {
			t.Run(name+", "+overlap, func(t *testing.T) {
				t.Parallel()
				w := newWorld(t, sandbox.WithDialect(tc.dialect))
				w.editAnswers(tc.edit)
				r := w.resource(config{rotation: trigger("1", overlap)})
				r.mustApply()
				r.mustApply()
				old := r.id()
				if old == "" || w.key(old).Name != "Forecast" {
					t.Fatalf("id %q, name %q", old, w.key(old).Name)
				}
				w.clock.advance(time.Hour)
				r.config.rotation = trigger("2", overlap)
				r.mustApply()
				r.mustApply()
				if (r.id() == old) != tc.sameID {
					t.Errorf("id %s before and %s after", old, r.id())
				}
				if !w.works(r.plaintext()) {
					t.Error("the key in use does not work")
				}
				w.clock.advance(2 * time.Hour)
				r.mustApply()
				w.expectLive(r.id())
				if key := w.key(r.id()); key.Name != "Forecast" || len(key.Scopes) != 1 || !w.works(r.plaintext()) {
					t.Errorf("in the end: %+v", key)
				}
				r.expectEmptyPlan()
			})
		}
	}
}

// TestSuccessorUnknown: the answer has no id, and listing fails too. Until it is known which key is in use none is
// revoked, not even with overlap 0s; the next apply finds out.
func TestSuccessorUnknown(t *testing.T) {
	t.Parallel()
	for _, rotateID := range []string{"new", "same"} {
		t.Run(rotateID, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, sandbox.WithDialect(sandbox.Dialect{RotateID: rotateID}))
			r := w.resource(config{rotation: trigger("1", "0s")})
			r.mustApply()
			old := r.id()
			r.config.rotation = trigger("2", "0s")
			saved := r.plan()
			w.editAnswers(func(answer map[string]any) { delete(answer, "apiKey") })
			w.api.AddFault(always(sandbox.OpList, sandbox.FaultServerError))
			o := r.applyPlan(saved)
			if o.said.failed() || r.state.tainted || r.id() != "" || !w.works(r.plaintext()) {
				t.Fatalf("the new plaintext is lost, or does not work: %s", o)
			}
			w.expectSays(o.said, "The new key's id is not known yet")
			if !w.works(w.issued[old]) {
				t.Error("a key was revoked that may have been the one in use")
			}
			w.api.ClearFaults()
			w.editAnswers(nil)
			r.mustApply()
			w.expectLive(r.id())
			if (r.id() == old) != (rotateID == "same") || !w.works(r.plaintext()) {
				t.Errorf("id %s before and %s after", old, r.id())
			}
			r.expectEmptyPlan()
		})
	}
}

// TestKilledRotation: the process is killed at each point of a rotation, and its state is never written. The key in use
// works; the successor is revoked while its marker tells whose it is, and named by the plan when nothing does.
func TestKilledRotation(t *testing.T) {
	t.Parallel()
	for _, marker := range []string{"temporary", "permanent"} {
		for requests := range 5 {
			t.Run(fmt.Sprintf("%s, after %d requests", marker, requests), func(t *testing.T) {
				t.Parallel()
				w := newWorld(t)
				r := w.resource(config{nameMarker: marker, rotation: trigger("1", "1h")})
				r.mustApply()
				old, before := r.id(), r.state
				r.config.rotation = trigger("2", "1h")
				saved := r.plan()
				w.killAfter(requests)
				r.applyPlan(saved)
				w.revive()
				r.state = before

				if !w.works(r.plaintext()) {
					t.Fatal("the key in use is dead")
				}
				nameless := []string{}
				for _, key := range w.api.LiveKeys() {
					if key.ID != old && key.Name == "Forecast" {
						nameless = append(nameless, key.ID)
					}
				}
				o := r.mustApply()
				if len(nameless) > 0 {
					w.expectSays(o.said, append(nameless, "A rotation of "+old+" was interrupted")...)
				}
				w.expectLive(append(nameless, old, r.id())...)
				r.expectEmptyPlan()
			})
		}
	}
}

// TestIntervalWithSameID: an API that keeps the id on rotation may also keep the time of issue. The interval counts
// from the rotation all the same, or every apply would rotate.
func TestIntervalWithSameID(t *testing.T) {
	t.Parallel()
	w := newWorld(t, sandbox.WithDialect(sandbox.Dialect{RotateID: "same"}))
	r := w.resource(config{rotation: &rotation{interval: "48h", overlap: "1h"}})
	r.mustApply()
	w.clock.advance(49 * time.Hour)
	r.mustApply()
	r.expectEmptyPlan()
	w.clock.advance(47 * time.Hour)
	r.expectEmptyPlan()
	w.clock.advance(2 * time.Hour)
	r.mustApply()
	r.expectEmptyPlan()
	if got := w.api.Stats().Rotated; got != 2 {
		t.Errorf("%d rotations, want 2", got)
	}
}

// TestRefreshTwice: state and private data are the same bytes after the second refresh as after the first.
func TestRefreshTwice(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	r := w.resource(config{scopes: []string{"inventory:*", "forecast:read", "a:b"}, rotation: &rotation{interval: "720h", overlap: "24h", triggers: map[string]string{"a": "1", "b": "2"}}})
	r.mustApply()
	w.clock.advance(721 * time.Hour)
	r.mustApply()
	w.clock.advance(time.Hour)
	w.seed("Forecast", "inventory:read")
	r.refresh()
	once := r.state
	for range 3 {
		w.clock.advance(time.Minute)
		r.refresh()
		if !r.state.value.Equal(once.value) || !bytes.Equal(r.state.private, once.private) {
			t.Fatalf("a refresh changed the state\nfrom %s\nto   %s", once.value, r.state.value)
		}
	}
}
