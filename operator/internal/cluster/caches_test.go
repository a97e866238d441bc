package cluster

import (
	"errors"
	"testing"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/fields"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/utils/ptr"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/betterdataco/terraform-provider-betterdata/operator/api/v1alpha1"
	"github.com/betterdataco/terraform-provider-betterdata/operator/internal/controller/apikey"
)

func TestSelectors(t *testing.T) {
	t.Parallel()
	ours, theirs := labels.Set{v1alpha1.LabelApiKeyUID: "any"}, labels.Set{"app": "shop"}
	opaque, ledger := fields.Set{"type": "Opaque"}, fields.Set{"type": "betterdata.co/ledger"}
	targets, ledgers := TargetSelector(), LedgerSelector()
	if !targets.Label.Matches(ours) || targets.Label.Matches(theirs) || !targets.Field.Matches(opaque) || targets.Field.Matches(ledger) {
		t.Error("targets are selected wrongly")
	}
	if ledgers.Label != nil || !ledgers.Field.Matches(ledger) || ledgers.Field.Matches(opaque) {
		t.Error("ledgers are selected wrongly")
	}
}

func TestCachedTargetsKeepOurManagedFieldsOnly(t *testing.T) {
	t.Parallel()
	own := metav1.ManagedFieldsEntry{Manager: v1alpha1.FieldOwner, Operation: metav1.ManagedFieldsOperationApply}
	s := &corev1.Secret{ObjectMeta: metav1.ObjectMeta{ManagedFields: []metav1.ManagedFieldsEntry{
		{Manager: "kubectl", Operation: metav1.ManagedFieldsOperationApply}, own, {Manager: v1alpha1.FieldOwner, Operation: metav1.ManagedFieldsOperationUpdate},
	}}}
	kept, err := TargetSelector().Transform(s)
	if err != nil || kept != any(s) || len(s.ManagedFields) != 1 || s.ManagedFields[0].Manager != own.Manager {
		t.Errorf("kept %v, %v", s.ManagedFields, err)
	}
	if other, err := TargetSelector().Transform("a tombstone"); err != nil || other != any("a tombstone") {
		t.Errorf("got %v, %v", other, err)
	}
}

func TestOwnerOf(t *testing.T) {
	t.Parallel()
	owner := ownerReference(reader())
	with := func(edit func(*metav1.OwnerReference)) *corev1.Secret {
		changed := owner
		edit(&changed)
		return &corev1.Secret{ObjectMeta: metav1.ObjectMeta{Namespace: "shop", OwnerReferences: []metav1.OwnerReference{changed}}}
	}
	retained := &corev1.Secret{ObjectMeta: metav1.ObjectMeta{Namespace: "shop", Annotations: map[string]string{v1alpha1.AnnotationRetainedFor: "reader/1"}}}
	damaged := &corev1.Secret{ObjectMeta: with(func(*metav1.OwnerReference) {}).ObjectMeta, Type: v1alpha1.SecretTypeLedger}
	for name, c := range map[string]struct {
		secret *corev1.Secret
		owned  bool
	}{
		"target":             {with(func(*metav1.OwnerReference) {}), true},
		"version to come":    {with(func(o *metav1.OwnerReference) { o.APIVersion = "betterdata.co/v1" }), true},
		"no controller":      {with(func(o *metav1.OwnerReference) { o.Controller = ptr.To(false) }), false},
		"another kind":       {with(func(o *metav1.OwnerReference) { o.Kind = "Connection" }), false},
		"another group":      {with(func(o *metav1.OwnerReference) { o.APIVersion = "example.com/v1" }), false},
		"retained":           {retained, true},
		"ledger":             {encode(reader(), ledger(reader(), 1)), true},
		"ledger, no name":    {damaged, true},
		"neither":            {&corev1.Secret{}, false},
		"annotation, no uid": {&corev1.Secret{ObjectMeta: metav1.ObjectMeta{Annotations: map[string]string{v1alpha1.AnnotationRetainedFor: "reader"}}}, false},
	} {
		got, owned := OwnerOf(c.secret)
		if owned != c.owned || owned && got != (apikey.Ref{Namespace: "shop", Name: "reader"}) {
			t.Errorf("%s: got %v, %v", name, got, owned)
		}
	}
}

// No Secret's data enters the caches but that of targets and ledgers.
func TestOperatorCachesHoldNothingElse(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	r := w.apiKey("reader", nil)
	w.foreign("foreign", map[string]string{"password": "theirs"})
	w.createLedger(r)
	w.apply(r, map[string]string{"api-key": plaintext})
	w.eventually("both are cached", func() bool {
		targets := must(w.Targets(t.Context(), r, apikey.Cached))(t)
		return len(targets) == 1 && len(must(w.Ledgers(t.Context(), r, apikey.Cached))(t)) == 1
	})
	for cached, want := range map[client.Reader]string{w.client: "reader", w.Cluster.ledgers: apikey.LedgerName("reader", r.UID, 1)} {
		var all corev1.SecretList
		if err := cached.List(t.Context(), &all); err != nil || len(all.Items) != 1 || all.Items[0].Name != want {
			t.Errorf("want %s alone, got %v, %v", want, all.Items, err)
		}
	}
	cached, live := must(w.Targets(t.Context(), r, apikey.Cached))(t), must(w.Targets(t.Context(), r, apikey.Live))(t)
	if len(revealed(cached[0].Data)) != 1 || cached[0].Leftovers || cached[0].Version != live[0].Version || !cached[0].Controlled {
		t.Errorf("cached %+v, live %+v", cached[0], live[0])
	}
}

// A target write of which no answer came is unclear, and the next look tells.
func TestOperatorUnclearTargetWrite(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	r := w.apiKey("reader", nil)
	for _, reached := range []bool{false, true} {
		write := w.write(r, map[string]string{"api-key": plaintext})
		w.wire.fail(fault{reached: reached})
		err := w.ApplyTarget(t.Context(), r, write, false)
		if err == nil || errors.Is(err, apikey.ErrRefused) || errors.Is(err, apikey.ErrConflict) || errors.Is(err, apikey.ErrExists) {
			t.Errorf("reached %v: got %v, which is clear", reached, err)
		}
		if w.secretGone("reader") == reached {
			t.Errorf("reached %v, and the Secret is there: %v", reached, !reached)
		}
	}
	w.apply(r, map[string]string{"api-key": "next"})
	if got := revealed(w.target(r).Data)["api-key"]; got != "next" {
		t.Errorf("the target holds %q", got)
	}
}
