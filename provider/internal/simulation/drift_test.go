package simulation

import (
	"strings"
	"testing"
	"time"

	"github.com/betterdataco/terraform-provider-betterdata/apiclient/sandbox"
)

// TestDeletedBehindOurBack: an old key is gone after two listings; a young one is not missed yet.
func TestDeletedBehindOurBack(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	r := w.resource(config{})
	r.mustApply()
	old := r.id()
	w.must(w.api.DeleteKey(old))
	w.clock.advance(9 * time.Minute)
	r.expectEmptyPlan()
	w.clock.advance(2 * time.Minute)
	if p := r.plan(); p.change.action != create || p.change.prior != nil {
		t.Errorf("the plan for a deleted key is to %s", p.change.action)
	}
	r.mustApply()
	w.expectLive(r.id())
	if r.id() == old {
		t.Error("no new key was made")
	}
	r.expectEmptyPlan()
}

// TestDeletedDuringOverlap: the current key is gone, its predecessor lives. It is kept until its time.
func TestDeletedDuringOverlap(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	r := w.resource(config{rotation: trigger("1", "24h")})
	r.mustApply()
	old, oldText := r.id(), r.plaintext()
	r.config.rotation = trigger("2", "24h")
	r.mustApply()
	w.must(w.api.DeleteKey(r.id()))
	w.clock.advance(time.Hour)
	if o := r.mustApply(); o.action != update {
		t.Errorf("reissue: %s", o)
	}
	w.expectLive(old, r.id())
	if !w.works(oldText) || !w.works(r.plaintext()) {
		t.Error("predecessor and new key should both work")
	}
	r.expectEmptyPlan()
	w.clock.advance(24 * time.Hour)
	r.mustApply()
	w.expectLive(r.id())
}

// TestDeadBehindOurBack: revoked, expired, deleted; recreate, and error.
func TestDeadBehindOurBack(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		kill   func(w *world, id string)
		status string
	}{
		"revoked": {func(w *world, id string) { w.must(w.api.EditKey(id, func(k *sandbox.Key) { k.Status = "REVOKED" })) }, "REVOKED"},
		"expired": {func(w *world, id string) {
			w.must(w.api.EditKey(id, func(k *sandbox.Key) { at := w.clock.Now().Add(-time.Minute); k.ExpiresAt = &at }))
		}, "EXPIRED"},
		"absent": {func(w *world, id string) { w.must(w.api.DeleteKey(id)) }, "ABSENT"},
	} {
		t.Run(name+", error", func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			r := w.resource(config{onRevoked: "error"})
			r.mustApply()
			w.clock.advance(time.Hour)
			id := r.id()
			tc.kill(w, id)
			said := r.refresh()
			if said.failed() || r.attribute("status") != tc.status {
				t.Errorf("status %q, want %q: %s", r.attribute("status"), tc.status, said)
			}
			o := r.mustFail()
			w.expectSays(o.said, id+" is "+tc.status, `on_revoked = "recreate"`)
			w.expectLive()
			if o := r.destroy(); o.said.failed() || r.state != nil {
				t.Errorf("a dead key cannot be destroyed: %s", o)
			}
		})
		t.Run(name+", recreate", func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			r := w.resource(config{})
			r.mustApply()
			w.clock.advance(time.Hour)
			id := r.id()
			tc.kill(w, id)
			r.mustApply()
			w.expectLive(r.id())
			if r.id() == id || !w.works(r.plaintext()) {
				t.Error("no new key was issued")
			}
			r.expectEmptyPlan()
		})
	}
}

// TestReissueIsLost: the key that takes a dead one's place is issued and its answer lost. The next apply leaves one.
func TestReissueIsLost(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	r := w.resource(config{})
	r.mustApply()
	w.must(w.api.EditKey(r.id(), func(k *sandbox.Key) { k.Status = "REVOKED" }))
	w.api.AddFault(once(sandbox.OpCreate, sandbox.FaultCutAfterCommit))
	o := r.mustFail()
	w.expectSays(o.said, "the next apply revokes it")
	r.mustApply()
	w.expectLive(r.id())
	r.expectEmptyPlan()
}

// TestPredecessorOutlivesTheDead: the current key is dead and no other can be had. A predecessor whose overlap has ended
// may be all that consumers have left: it stays until there is a successor.
func TestPredecessorOutlivesTheDead(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	r := w.resource(config{rotation: trigger("1", "1h")})
	r.mustApply()
	old := r.id()
	r.config.rotation = trigger("2", "1h")
	r.mustApply()
	w.must(w.api.EditKey(r.id(), func(k *sandbox.Key) { k.Status = "REVOKED" }))
	w.clock.advance(2 * time.Hour)
	w.api.AddFault(once(sandbox.OpCreate, sandbox.FaultServerError))
	r.mustFail()
	w.expectLive(old)
	r.mustApply()
	w.expectLive(r.id())
	r.expectEmptyPlan()
}

// TestEditedBehindOurBack: names and scopes come back in place; foreign keys are left alone.
func TestEditedBehindOurBack(t *testing.T) {
	t.Parallel()
	for _, marker := range []string{"temporary", "permanent", "none"} {
		t.Run(marker, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			r := w.resource(config{nameMarker: marker, rotation: trigger("1", "1h")})
			r.mustApply()
			id, plaintext, name := r.id(), r.plaintext(), w.key(r.id()).Name
			w.must(w.api.EditKey(id, func(k *sandbox.Key) { k.Name, k.Scopes = "Hijacked", []string{"*"} }))
			if o := r.mustApply(); o.action != update {
				t.Errorf("drift: %s", o)
			}
			if key := w.key(id); key.Name != name || strings.Join(key.Scopes, " ") != "inventory:read" || r.id() != id || r.plaintext() != plaintext {
				t.Errorf("drift was not corrected in place: %+v", key)
			}
			r.expectEmptyPlan()
		})
	}
}

// TestPermanentMarkerTakenOff: it is no drift, but a rotation puts it back first, or its successor could be lost.
func TestPermanentMarkerTakenOff(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	r := w.resource(config{nameMarker: "permanent", rotation: trigger("1", "1h")})
	r.mustApply()
	old := r.id()
	w.must(w.api.EditKey(old, func(k *sandbox.Key) { k.Name = "Forecast" }))
	r.mustApply()
	r.expectEmptyPlan()

	r.config.rotation = trigger("2", "1h")
	w.api.AddFault(once(sandbox.OpRotate, sandbox.FaultCutAfterCommit))
	r.mustFail()
	r.mustApply()
	w.expectLive(old, r.id())
	r.expectEmptyPlan()
}

// TestRotatedElsewhere: the plaintext in the state belongs to another key by now, and the refresh says so.
func TestRotatedElsewhere(t *testing.T) {
	t.Parallel()
	w := newWorld(t, sandbox.WithDialect(sandbox.Dialect{RotateID: "same"}))
	r := w.resource(config{})
	r.mustApply()
	w.request("POST", "/admin/api-keys/"+r.id()+"/rotate", w.token, map[string]any{"revokeOld": true})
	w.expectSays(r.refresh(), "was rotated outside of Terraform", "rotation.triggers")
	r.config.rotation = trigger("1", "1h")
	r.mustApply()
	r.config.rotation = trigger("2", "1h")
	r.mustApply()
	if !w.works(r.plaintext()) {
		t.Error("a rotation did not repair the plaintext")
	}
}

// TestDestroyOfTheDead: a key that is gone already does not stand in the way.
func TestDestroyOfTheDead(t *testing.T) {
	t.Parallel()
	for _, revoked := range []string{"ok", "409", "404", "400"} {
		w := newWorld(t, sandbox.WithDialect(sandbox.Dialect{Revoked: revoked}))
		r := w.resource(config{})
		r.mustApply()
		saved := r.planWith(nil, true)
		w.must(w.api.EditKey(r.id(), func(k *sandbox.Key) { k.Status = "REVOKED" }))
		if o := r.applyPlan(saved); o.said.failed() || r.state != nil {
			t.Errorf("%s: %s", revoked, o)
		}
	}
}
