package suite

import (
	"context"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"

	"github.com/betterdataco/terraform-provider-betterdata/apiclient/sandbox"
	"github.com/betterdataco/terraform-provider-betterdata/operator/api/v1alpha1"
)

// A key that somebody made by hand is taken over if the Connection allows it, and not before: a successor, whose plaintext
// is known, goes into the Secret, and the key of before lives until its overlap has ended.
func TestOperatorAdopts(t *testing.T) {
	t.Parallel()
	const overlap = shortestOverlap + time.Second
	w := newWorld(t)
	adopted := w.issue(t, "importer")
	w.connect(t)
	w.start(t)
	w.newKey(t, "reader", "scopes: [inventory:read]", "rotation: {interval: 10h, overlap: "+overlap.String()+"}", "adopt: {keyID: "+adopted+"}")
	w.awaitUnready(t, "reader", v1alpha1.ReasonAdoptionRefused)
	w.awaitEvent(t, "reader", v1alpha1.ReasonAdoptionRefused)
	w.awaitPolls(t, 1)
	w.mustHaveIssued(t, 1, 0) // that of by hand
	if keys := w.Keys(); len(keys) != 1 || keys[0].Name != "importer" {
		t.Errorf("what may not be adopted was changed: %+v", keys)
	}

	w.patch(t, &v1alpha1.Connection{}, "default", `{"spec":{"allowAdoption":true}}`)
	w.awaitReady(t, "reader")
	w.awaitSettled(t, "reader") // the adopted key carries the marker, and is gone from the live ones
	consumer := w.consume(t, "reader")
	consumer.mustWork(t)
	w.mustHaveIssued(t, 1, 1)
	secret := &corev1.Secret{}
	w.mustGet(t, "reader", secret)
	published, err := time.Parse(time.RFC3339Nano, secret.Annotations[v1alpha1.AnnotationPublishedAt])
	if err != nil {
		t.Fatal(err)
	}
	if was := w.key(t, adopted); was.RevokedAt == nil || was.RevokedAt.Before(published.Add(overlap).Truncate(time.Second)) {
		t.Errorf("the successor was published at %v, and the adopted key revoked at %v, want %v later", published, was.RevokedAt, overlap)
	}

	// The spec still names the dead key. That means nothing any more.
	w.awaitPolls(t, 2)
	w.awaitReady(t, "reader")
	w.mustHaveIssued(t, 1, 1)
	consumer.mustNeverFail(t)
	w.remove(t, &v1alpha1.ApiKey{}, "reader")
	w.awaitGone(t, &v1alpha1.ApiKey{}, "reader")
	eventually(t, func(context.Context) error {
		return unless(len(w.LiveKeys()) == 0, "live keys are left: %+v", w.LiveKeys())
	})
}

// key is the tenant's key with the id.
func (n *tenant) key(t *testing.T, id string) sandbox.Key {
	t.Helper()
	for _, key := range n.Keys() {
		if key.ID == id {
			return key
		}
	}
	t.Fatalf("there is no key %s", id)
	return sandbox.Key{}
}
