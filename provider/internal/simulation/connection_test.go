package simulation

import (
	"testing"
	"time"

	"github.com/hashicorp/terraform-plugin-go/tftypes"

	"github.com/betterdataco/terraform-provider-betterdata/apiclient/sandbox"
)

// TestUnknownProviderConfiguration: values known only after apply. Keys are kept, with one warning; a create can be
// planned; what has to send a request says which attribute it lacks.
func TestUnknownProviderConfiguration(t *testing.T) {
	t.Parallel()
	unknown := map[string]tftypes.Value{"token": tftypes.NewValue(tftypes.String, tftypes.UnknownValue)}
	w := newWorld(t)
	r := w.resource(config{rotation: &rotation{interval: "48h", overlap: "1h"}})
	r.mustApply()
	before, stats := r.state, w.api.Stats()

	k, said := w.newWalk(unknown)
	if len(said) != 0 {
		t.Errorf("configuring: %s", said)
	}
	var warnings []string
	for range 3 {
		read, said := k.read(before)
		if said.failed() || !read.value.Equal(before.value) || string(read.private) != string(before.private) {
			t.Errorf("the refresh changed the state or failed: %s", said)
		}
		warnings = append(warnings, said.warnings()...)
	}
	if len(warnings) != 1 {
		t.Errorf("%d warnings of three keys, want one: %v", len(warnings), warnings)
	}

	made := w.resource(config{name: "Other"})
	if p := made.planWith(unknown, false); p.said.failed() || p.change.action != create {
		t.Errorf("a create cannot be planned: %s", p.said)
	} else if o := made.applyPlan(p); o.said.failed() {
		t.Errorf("the planned create cannot be applied: %s", o)
	}
	renamed := config{name: "Renamed", rotation: r.config.rotation}.value(k.schema.ValueType().(tftypes.Object)) //nolint:forcetypeassert // a panic is a failed test
	c, said := k.plan(before, renamed)
	if said.failed() {
		t.Errorf("an update cannot be planned: %s", said)
	}
	if left, said := k.apply(c, renamed); !said.failed() || text(left.value, "name") != "Forecast" {
		t.Error("an update without a connection succeeded, or was recorded")
	} else {
		w.expectSays(said, "token, whose value is known only after apply", "-target")
	}
	destroyed, said := k.plan(before, k.null())
	if said.failed() {
		t.Errorf("a destroy cannot be planned: %s", said)
	}
	if left, said := k.apply(destroyed, k.null()); !said.failed() || left == nil {
		t.Error("a destroy without a connection succeeded")
	}
	if after := w.api.Stats(); after.Revoked != stats.Revoked || after.Rotated != stats.Rotated {
		t.Error("something was sent")
	}
}

// TestOwnCredential: the key that the provider authenticates with is not revoked, neither by destroy nor after a
// rotation.
func TestOwnCredential(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	session := w.token
	r := w.resource(config{scopes: []string{"admin:read", "admin:write"}, rotation: trigger("1", "0s")})
	r.mustApply()
	own := r.id()
	w.token = r.plaintext()
	defer func() { w.token = session }()

	o := r.destroy()
	if !o.said.failed() || r.state == nil {
		t.Fatalf("the provider revoked its own credential: %s", o)
	}
	w.expectSays(o.said, "Refusing to revoke "+own, "session token")

	r.config.rotation = trigger("2", "0s")
	o = r.mustApply()
	w.expectSays(o.said, own+" was not revoked: the provider authenticates with it")
	w.expectLive(own, r.id())

	w.token = r.plaintext()
	r.mustApply()
	w.expectLive(r.id())
	r.expectEmptyPlan()
}

// TestImport: settings get their defaults, so that the plan after it is empty; a plaintext comes with a rotation.
func TestImport(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	id := w.seed("Forecast", "inventory:read")
	r := w.resource(config{})
	k, _ := w.newWalk(nil)
	imported, said := k.importState(id)
	if said.failed() || imported == nil {
		t.Fatalf("import: %s", said)
	}
	w.expectSays(said, "The plaintext of "+id+" is not known", "rotate_on_import")
	r.state = imported
	stats := w.api.Stats()
	r.expectEmptyPlan()
	if after := w.api.Stats(); after.Updated != stats.Updated || r.plaintext() != "" {
		t.Error("an import changed something, or made a plaintext up")
	}

	r.config = config{rotateOnImport: true, rotation: &rotation{overlap: "1h"}}
	w.api.AddFault(once(sandbox.OpRotate, sandbox.FaultCutAfterCommit))
	r.mustFail()
	r.mustApply()
	if !w.works(r.plaintext()) {
		t.Error("no plaintext was obtained")
	}
	w.expectLive(id, r.id())
	r.expectEmptyPlan()
	w.clock.advance(2 * time.Hour)
	r.mustApply()
	w.expectLive(r.id())

	if gone, said := k.importState("key_nobody"); gone != nil && !said.failed() {
		t.Error("an id that does not exist was imported")
	}
}

// TestRetain: the current key stays alive under its exact name; its predecessors go.
func TestRetain(t *testing.T) {
	t.Parallel()
	for _, marker := range []string{"temporary", "permanent", "none"} {
		t.Run(marker, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			r := w.resource(config{onDestroy: "retain", nameMarker: marker, rotation: trigger("1", "24h")})
			r.mustApply()
			r.config.rotation = trigger("2", "24h")
			r.mustApply()
			id, plaintext := r.id(), r.plaintext()
			o := r.destroy()
			if o.said.failed() || r.state != nil {
				t.Fatalf("destroy: %s", o)
			}
			w.expectSays(o.said, id+" stays alive after it is destroyed")
			w.expectLive(id)
			if !w.works(plaintext) || w.key(id).Name != "Forecast" {
				t.Errorf("the retained key does not work, or is named %q", w.key(id).Name)
			}
		})
	}
}
