package suite

import (
	"context"
	"encoding/base64"
	"fmt"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"

	"github.com/betterdataco/terraform-provider-betterdata/operator/api/v1alpha1"
)

// grafana-operator takes a Secret for valid that has the right name and is not empty. A crash between the new token and the
// Secret leaves a dead token in it for good.
func TestOperatorPeerGrafanaDeadTokenInSecret(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.inService(t)
	dead := w.entry(t.Context(), "reader")
	w.rotate(t, "now")
	w.awaitSettled(t, "reader")
	good := w.entry(t.Context(), "reader")
	if w.alive(w.identify(dead)) {
		t.Fatal("the replaced key still lives")
	}

	w.patch(t, &corev1.Secret{}, "reader", fmt.Sprintf(`{"data":{"api-key":%q}}`, base64.StdEncoding.EncodeToString([]byte(dead))))
	eventually(t, func(ctx context.Context) error {
		return unless(w.entry(ctx, "reader") == good, "the Secret holds %s", w.identify(w.entry(ctx, "reader")))
	})
	w.mustHaveIssued(t, 1, 1)
}

// The same where the crash is real: the operator ends between the rotation and the Secret.
func TestOperatorPeerGrafanaCrashBeforeSecret(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.inService(t).kill()
	consumer := w.consume(t, "reader")
	consumer.mustWork(t)
	victim := w.startToDie(t, "before:ApplyTarget")
	before := w.entry(t.Context(), "reader")
	w.annotate(t, "reader", v1alpha1.AnnotationRotateRequestedAt, "now")
	victim.awaitDeath(t)
	w.start(t)
	eventually(t, func(ctx context.Context) error { return rotated(ctx, w, before) })
	w.awaitSettled(t, "reader")
	consumer.mustNeverFail(t)
	w.mustHaveIssued(t, 1, 1)
}

// grafana-operator swallows what goes wrong when it deletes: while Grafana is down, the token stays and is forgotten.
func TestOperatorPeerGrafanaDeleteWhileDown(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.inService(t)
	end := w.refuse(t)
	w.remove(t, &v1alpha1.ApiKey{}, "reader")
	w.awaitUnready(t, "reader", v1alpha1.ReasonRevocationPending)
	w.awaitCondition(t, &v1alpha1.Connection{}, "default", v1alpha1.ConditionReady, "False", v1alpha1.ReasonAPIUnavailable)
	end()
	w.awaitGone(t, &v1alpha1.ApiKey{}, "reader")
	if live := w.liveKeys(); len(live) > 0 {
		t.Errorf("the keys %v are left", live)
	}
}

// grafana-operator deletes and makes a token anew when its expiry changes.
func TestOperatorPeerGrafanaExpiryChangeRecreates(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.inService(t, "scopes: [inventory:read]", "rotation: {interval: 20h, overlap: 1h}")
	before := w.status(t, "reader")
	w.newKey(t, "reader", "scopes: [inventory:read]", "rotation: {interval: 10h, overlap: 1h}")
	w.awaitReady(t, "reader")
	after := w.status(t, "reader")
	if before.NextRotationTime == nil || after.NextRotationTime == nil || before.NextRotationTime.Sub(after.NextRotationTime.Time) < 9*time.Hour {
		t.Errorf("the next rotation was at %v, and is at %v", before.NextRotationTime, after.NextRotationTime)
	}
	if before.KeyID != after.KeyID {
		t.Errorf("key %s has become %s", before.KeyID, after.KeyID)
	}
	w.mustHaveIssued(t, 1, 0)
}
