package suite

import (
	"context"
	"testing"

	corev1 "k8s.io/api/core/v1"

	"github.com/betterdataco/terraform-provider-betterdata/operator/api/v1alpha1"
)

// While an ApiKey is suspended nothing is issued, also where somebody asks for it, and says so. Its Secret is kept right all
// the same, and it can be deleted.
func TestOperatorSuspended(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.inService(t)
	before := w.entry(t.Context(), "reader")

	w.patch(t, &v1alpha1.ApiKey{}, "reader", `{"spec":{"suspend":true}}`)
	w.awaitCondition(t, &v1alpha1.ApiKey{}, "reader", v1alpha1.ConditionMintingBlocked, "True", v1alpha1.ReasonSuspended)
	w.annotate(t, "reader", v1alpha1.AnnotationRotateRequestedAt, "now")
	w.awaitCondition(t, &v1alpha1.ApiKey{}, "reader", v1alpha1.ConditionStalled, "True", v1alpha1.ReasonSuspended)
	w.awaitCondition(t, &v1alpha1.ApiKey{}, "reader", v1alpha1.ConditionReady, "True", v1alpha1.ReasonPublished)
	w.awaitEvent(t, "reader", v1alpha1.ReasonSuspended)
	w.patch(t, &corev1.Secret{}, "reader", `{"data":{"api-key":"dGFtcGVyZWQ="}}`)
	w.awaitSettled(t, "reader")
	w.remove(t, &corev1.Secret{}, "reader")
	w.awaitSettled(t, "reader")
	w.awaitPolls(t, 2)
	w.mustHaveIssued(t, 1, 0)
	if handled := w.status(t, "reader").LastHandledRotateAt; handled != "" {
		t.Errorf("the rotation that waits is acknowledged: %q", handled)
	}

	w.patch(t, &v1alpha1.ApiKey{}, "reader", `{"spec":{"suspend":false}}`)
	eventually(t, func(ctx context.Context) error { return rotated(ctx, w, before) })
	w.awaitSettled(t, "reader")
	w.mustHaveIssued(t, 1, 1)

	w.patch(t, &v1alpha1.ApiKey{}, "reader", `{"spec":{"suspend":true}}`)
	w.awaitCondition(t, &v1alpha1.ApiKey{}, "reader", v1alpha1.ConditionMintingBlocked, "True", v1alpha1.ReasonSuspended)
	w.remove(t, &v1alpha1.ApiKey{}, "reader")
	w.awaitGone(t, &v1alpha1.ApiKey{}, "reader")
	w.awaitSettled(t)
	w.mustHaveIssued(t, 1, 1)
}
