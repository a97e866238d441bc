package suite

import (
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"

	"github.com/betterdataco/terraform-provider-betterdata/operator/api/v1alpha1"
)

// An ApiKey with deletionPolicy Retain leaves its key in service and its Secret in place. Both are nobody's from then on: no
// poll revokes that key, no garbage collector takes that Secret, and an ApiKey of the same name takes neither over.
func TestOperatorRetains(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.inService(t, append([]string{
		"displayName: forecast reader", "deletionPolicy: Retain", "secret: {labels: {team: forecast}}",
	}, rotating...)...)
	key := w.entry(t.Context(), "reader")
	consumer := w.consume(t, "reader")
	consumer.mustWork(t)

	w.remove(t, &v1alpha1.ApiKey{}, "reader")
	w.awaitGone(t, &v1alpha1.ApiKey{}, "reader")
	w.mustHaveRetained(t, key)
	if live := w.LiveKeys(); live[0].Name != "forecast reader" {
		t.Errorf("the key is called %q, want what it was to be called but for the marker", live[0].Name)
	}
	w.awaitEvent(t, "reader", "KeyRetained")

	w.newKey(t, "reader", rotating...)
	w.awaitConflict(t)
	w.remove(t, &v1alpha1.ApiKey{}, "reader")
	w.awaitGone(t, &v1alpha1.ApiKey{}, "reader")
	w.awaitPolls(t, 2)
	w.mustHaveRetained(t, key)
	w.mustHaveIssued(t, 1, 0)
	consumer.mustWork(t)
	consumer.mustNeverFail(t)
}

// mustHaveRetained fails the test unless the key alone is alive, under a name without a marker, and stands in the Secret
// "reader", which is nobody's, and in no ledger.
func (w *world) mustHaveRetained(t *testing.T, key string) {
	t.Helper()
	if live := w.LiveKeys(); len(live) != 1 || live[0].ID != w.identify(key) || strings.Contains(live[0].Name, "[k8s:") {
		t.Fatalf("live keys are %+v, want %s alone, without a marker", live, w.identify(key))
	}
	secret := &corev1.Secret{}
	w.mustGet(t, "reader", secret)
	if held := string(secret.Data[v1alpha1.DefaultSecretKey]); held != key {
		t.Errorf("the Secret holds %q, want the key that was in service", w.identify(held))
	}
	ours := secret.Labels[v1alpha1.LabelManagedBy] != ""
	for _, names := range []map[string]string{secret.Labels, secret.Annotations} {
		for name := range names {
			ours = ours || strings.HasPrefix(name, v1alpha1.GroupName)
		}
	}
	if ours || len(secret.OwnerReferences)+len(secret.Finalizers) > 0 {
		t.Errorf("the Secret is still somebody's: %+v", secret.ObjectMeta)
	}
	if ledgers, err := w.ledgers(t.Context()); err != nil || len(ledgers) > 0 {
		t.Errorf("%d ledgers are left: %v", len(ledgers), err)
	}
}
