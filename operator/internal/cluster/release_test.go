package cluster

import (
	"maps"
	"testing"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/betterdataco/terraform-provider-betterdata/operator/api/v1alpha1"
	"github.com/betterdataco/terraform-provider-betterdata/operator/internal/controller/apikey"
)

// P1: what is let go keeps its data and look, and outlives the ApiKey.
func TestOperatorDetachedTargetOutlivesTheApiKey(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	r := w.apiKey("reader", dressed)
	w.apply(r, map[string]string{"api-key": plaintext, ".env": "KEY=" + plaintext})
	canary := w.apiKey("canary", nil)
	w.apply(canary, map[string]string{"api-key": "canary"})
	w.editSecret("reader", func(s *corev1.Secret) {
		s.Annotations["theirs"] = "yes"
		s.OwnerReferences = append(s.OwnerReferences, metav1.OwnerReference{APIVersion: "v1", Kind: "Secret", Name: "canary", UID: w.secret("canary").UID})
	})

	stale := w.target(r)
	w.editSecret("reader", func(s *corev1.Secret) { s.Labels["seen"] = "yes" })
	w.expect(w.DetachTarget(t.Context(), r, stale), apikey.ErrConflict)
	if err := w.DetachTarget(t.Context(), r, w.target(r)); err != nil {
		t.Fatal(err)
	}
	s := w.secret("reader")
	if want := map[string]string{"team": "shop", "tier": "back", "seen": "yes"}; !maps.Equal(s.Labels, want) {
		t.Errorf("labels are %v, want %v", s.Labels, want)
	}
	if want := map[string]string{"owner": "ops", "note": "x", "theirs": "yes"}; !maps.Equal(s.Annotations, want) {
		t.Errorf("annotations are %v, want %v", s.Annotations, want)
	}
	if len(s.OwnerReferences) != 1 || s.OwnerReferences[0].Name != "canary" {
		t.Errorf("owners are %v", s.OwnerReferences)
	}
	w.editSecret("reader", func(s *corev1.Secret) { s.OwnerReferences = nil })

	for _, name := range []string{"reader", "canary"} {
		w.deleteAs(&v1alpha1.ApiKey{ObjectMeta: metav1.ObjectMeta{Name: name, Namespace: w.namespace}}, metav1.DeletePropagationForeground)
	}
	w.eventually("the garbage collector has done its work", func() bool { return w.secretGone("canary") })
	if got := texts(w.secret("reader").Data); !maps.Equal(got, map[string]string{"api-key": plaintext, ".env": "KEY=" + plaintext}) {
		t.Errorf("the Secret now holds %v", got)
	}
}

// Detaching again, or what is gone, is no error: a release that was interrupted goes on.
func TestOperatorDetachIsRepeatable(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	r := w.apiKey("reader", nil)
	w.apply(r, map[string]string{"api-key": plaintext})
	for range 2 {
		if err := w.DetachTarget(t.Context(), r, w.target(r)); err != nil {
			t.Fatal(err)
		}
	}
	record := w.target(r)
	if record.Controlled {
		t.Error("it is still ours")
	}
	w.deleteAs(w.secret("reader"), metav1.DeletePropagationBackground)
	if err := w.DetachTarget(t.Context(), r, record); err != nil {
		t.Error(err)
	}
	w.foreign("reader", map[string]string{"api-key": "theirs"})
	w.expect(w.DetachTarget(t.Context(), r, record), apikey.ErrConflict)
}

func TestOperatorRetainLeavesKeyAndSecret(t *testing.T) {
	t.Parallel()
	e := newWorld(t).engine()
	r := e.apiKey("reader", func(a *v1alpha1.ApiKey) { a.Spec.DeletionPolicy = v1alpha1.DeletionRetain })
	e.settle("reader")
	a := &v1alpha1.ApiKey{ObjectMeta: metav1.ObjectMeta{Name: "reader", Namespace: e.namespace}}
	e.deleteAs(a, metav1.DeletePropagationBackground)
	e.eventually("the ApiKey goes", func() bool { e.settle("reader"); return e.gone(a) })
	s := e.secret("reader")
	if len(s.OwnerReferences) != 0 || string(s.Data["api-key"]) != key(1) {
		t.Errorf("the Secret is %v with %v", s.ObjectMeta, texts(s.Data))
	}
	if len(e.tenant.revoked) != 0 {
		t.Errorf("revoked: %v", e.tenant.revoked)
	}
	var ledgers corev1.SecretList
	if err := e.people.List(t.Context(), &ledgers, client.InNamespace(e.namespace), client.MatchingFields{"type": v1alpha1.SecretTypeLedger}); err != nil || len(ledgers.Items) != 0 {
		t.Errorf("ledgers of %s are left: %v", r.UID, err)
	}
}

func TestOperatorDeleteTargetIsBoundToUIDAndVersion(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	r := w.apiKey("reader", nil)
	w.apply(r, map[string]string{"api-key": plaintext})
	old := w.target(r)
	w.editSecret("reader", func(s *corev1.Secret) { s.Labels["seen"] = "yes" })
	now := w.target(r)
	w.expect(w.DeleteTarget(t.Context(), r, "reader", old.UID, old.Version), apikey.ErrConflict)
	w.expect(w.DeleteTarget(t.Context(), r, "reader", "another", now.Version), apikey.ErrConflict)
	if w.secretGone("reader") {
		t.Fatal("a Secret of another uid or version was deleted")
	}
	for _, when := range []string{"there", "gone"} {
		if err := w.DeleteTarget(t.Context(), r, "reader", now.UID, now.Version); err != nil {
			t.Errorf("%s: %v", when, err)
		}
	}
	if !w.secretGone("reader") {
		t.Error("the Secret is still there")
	}
}

// P1: a deletion in the foreground, as Argo CD does it, deletes all that the ApiKey owns at once, long before the
// operator can let go of anything.
func TestOperatorRetainedTargetSurvivesForegroundDeletion(t *testing.T) {
	t.Parallel()
	e := newWorld(t).engine()
	r := e.apiKey("reader", nil)
	e.settle("reader")
	if owner, ok := OwnerOf(e.secret("reader")); !ok || owner != r.Ref() || len(e.secret("reader").OwnerReferences) != 1 {
		t.Errorf("the Secret is owned by %v: %v", owner, e.secret("reader").OwnerReferences)
	}
	for _, policy := range []v1alpha1.DeletionPolicy{v1alpha1.DeletionRetain, v1alpha1.DeletionRevoke, v1alpha1.DeletionRetain} {
		e.editApiKey("reader", func(a *v1alpha1.ApiKey) { a.Spec.DeletionPolicy = policy })
		e.eventually("the owner reference follows the policy "+string(policy), func() bool {
			e.settle("reader")
			return (len(e.secret("reader").OwnerReferences) == 0) == (policy == v1alpha1.DeletionRetain)
		})
	}
	s := e.secret("reader")
	if owner, ok := OwnerOf(s); !ok || owner != r.Ref() || !e.target(r).Controlled {
		t.Errorf("the retained Secret is no longer ours: %v", s.ObjectMeta)
	}
	e.editSecret("reader", func(s *corev1.Secret) { s.Labels, s.Data["api-key"] = nil, []byte("typo") })
	e.eventually("it is repaired", func() bool { e.settle("reader"); return string(e.secret("reader").Data["api-key"]) == key(1) })

	a := &v1alpha1.ApiKey{ObjectMeta: metav1.ObjectMeta{Name: "reader", Namespace: e.namespace}}
	e.deleteAs(a, metav1.DeletePropagationForeground)
	ledger := must(e.Ledgers(t.Context(), r, apikey.Live))(t)[0].Name
	e.eventually("the garbage collector has come", func() bool { return e.secret(ledger).DeletionTimestamp != nil })
	e.eventually("the ApiKey goes", func() bool { e.settle("reader"); return e.gone(a) })
	left := e.secret("reader")
	if left.UID != s.UID || string(left.Data["api-key"]) != key(1) {
		t.Errorf("the Secret is %v", left.ObjectMeta)
	}
	if owner, ok := OwnerOf(left); ok {
		t.Errorf("it is still owned by %v", owner)
	}
	e.mustMint(1)
}
