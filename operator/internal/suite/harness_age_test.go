package suite

import (
	"context"
	"slices"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/betterdataco/terraform-provider-betterdata/operator/api/v1alpha1"
)

// ledgerIssuedAt is the entry of a ledger that tells how old its key is.
const ledgerIssuedAt = "issued-at"

// age makes the keys of these ApiKeys look as if they had been issued earlier, for tests of what takes months: it replaces
// their ledgers, which nobody may change, by such with another time. No operator may run meanwhile.
func (w *world) age(t *testing.T, by time.Duration, apiKeys ...string) {
	t.Helper()
	ledgers, err := w.ledgers(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	aged := 0
	for _, l := range ledgers {
		if slices.Contains(apiKeys, l.owner) {
			w.ageLedger(t, l.name, by)
			aged++
		}
	}
	if aged < len(apiKeys) {
		t.Fatalf("%d ledgers of %d ApiKeys", aged, len(apiKeys))
	}
}

func (w *world) ageLedger(t *testing.T, name string, by time.Duration) {
	t.Helper()
	secret := &corev1.Secret{}
	w.mustGet(t, name, secret)
	issued, err := time.Parse(time.RFC3339Nano, string(secret.Data[ledgerIssuedAt]))
	if err != nil {
		t.Fatalf("ledger %s: %v", name, err)
	}
	older := secret.DeepCopy()
	older.ObjectMeta = metav1.ObjectMeta{
		Namespace: secret.Namespace, Name: name, Labels: secret.Labels, Annotations: secret.Annotations,
		OwnerReferences: secret.OwnerReferences, Finalizers: secret.Finalizers,
	}
	older.Data[ledgerIssuedAt] = []byte(issued.Add(-by).UTC().Format(time.RFC3339Nano))
	w.patch(t, &corev1.Secret{}, name, `{"metadata":{"finalizers":null}}`)
	w.remove(t, &corev1.Secret{}, name)
	eventually(t, func(ctx context.Context) error { return w.admin.Create(ctx, older.DeepCopy()) })
}

// issuedAt is the time that the status of an ApiKey gives for its key.
func issuedAt(s v1alpha1.ApiKeyStatus) time.Time {
	if s.IssuedAt == nil {
		return time.Time{}
	}
	return s.IssuedAt.Time
}
