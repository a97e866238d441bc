package suite

import (
	"context"
	"testing"
	"time"

	"github.com/betterdataco/terraform-provider-betterdata/operator/api/v1alpha1"
)

// SAP's operator looks whether a binding is due, or an old one has expired, only when something else makes it look. Here
// nothing does for a day, and the key, in its Secret, is replaced after a minute and its predecessor revoked 2 s later:
// aiven-operator/issues/886 and aws-controllers-k8s/community/issues/1879 ask for operators that do so at all.
func TestOperatorPeerSAPExpiryOnlyOnResyncAsk16(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.connect(t, "pollInterval: 24h")
	w.start(t)
	w.newKey(t, "reader", "scopes: [inventory:read]", "rotation: {interval: 1m, overlap: 2s}")
	w.awaitReady(t, "reader")
	w.awaitSettled(t, "reader")
	before, first := w.Stats(), w.entry(t.Context(), "reader")
	consumer := w.consume(t, "reader")
	consumer.mustWork(t)
	eventually(t, func(ctx context.Context) error {
		return unless(w.entry(ctx, "reader") != first, "not rotated")
	})
	replaced := time.Now()
	eventually(t, func(context.Context) error { return unless(!w.alive(w.identify(first)), "the predecessor lives") })
	after := w.Stats()
	if took := time.Since(replaced); took > 45*time.Second { // well before the next rotation
		t.Errorf("the predecessor was revoked %v after the rotation, its overlap is 2s", took)
	}
	consumer.mustNeverFail(t)
	if after.Created != 1 || after.Rotated != before.Rotated+1 { // a slow machine may have seen a rotation before
		t.Errorf("before %+v, after one rotation %+v", before, after)
	}
}

// SAP's operator recovers from a crash in a rotation only because its API hands out the credentials once more.
func TestOperatorPeerSAPRecoveryNeedsCredentials(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.inService(t).kill()
	consumer := w.consume(t, "reader")
	consumer.mustWork(t)
	before := w.entry(t.Context(), "reader")
	victim := w.startToDie(t, "after:RotateKey")
	w.annotate(t, "reader", v1alpha1.AnnotationRotateRequestedAt, "now")
	victim.awaitDeath(t)
	if live := w.liveKeys(); len(live) != 2 {
		t.Fatalf("live keys %v, want the old one and the one that is lost", live)
	}
	w.start(t)
	eventually(t, func(ctx context.Context) error { return rotated(ctx, w, before) })
	w.awaitSettled(t, "reader")
	consumer.mustNeverFail(t)
	w.mustHaveIssued(t, 1, 2)
}
