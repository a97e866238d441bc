package simulation

import (
	"testing"
)

// TestLife is the life of a key through the protocol.
func TestLife(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	r := w.resource(config{})
	if o := r.mustApply(); o.action != create || len(o.said.warnings()) != 0 {
		t.Errorf("first apply: %s", o)
	}
	r.expectEmptyPlan()
	id, plaintext := r.id(), r.plaintext()
	if !w.works(plaintext) || w.key(id).Name != "Forecast" {
		t.Errorf("the key does not work, or is named %q", w.key(id).Name)
	}

	r.config = config{name: "Other", scopes: []string{"inventory:*", "forecast:read"}}
	if o := r.mustApply(); o.action != update {
		t.Errorf("rename: %s", o)
	}
	r.expectEmptyPlan()
	if r.id() != id || r.plaintext() != plaintext || w.key(id).Name != "Other" {
		t.Error("a rename changed id or plaintext, or did not rename")
	}

	if o := r.destroy(); o.action != destroy || o.said.failed() {
		t.Errorf("destroy: %s", o)
	}
	w.expectLive()
	if r.state != nil || w.works(plaintext) {
		t.Error("the destroyed key is in the state, or works")
	}
}
