package roleguard

import (
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/event"

	"github.com/betterdataco/terraform-provider-betterdata/operator/api/v1alpha1"
)

func TestOnlyFinalizersMatter(t *testing.T) {
	t.Parallel()
	key := func(finalizers ...string) *v1alpha1.ApiKey {
		return &v1alpha1.ApiKey{ObjectMeta: metav1.ObjectMeta{Namespace: "shop", Name: "reader", Finalizers: finalizers}}
	}
	reported := key(v1alpha1.FinalizerApiKey)
	reported.Status.KeyID = "key_1"
	for name, c := range map[string]struct {
		before, after *v1alpha1.ApiKey
		want          bool
	}{
		"status":            {key(v1alpha1.FinalizerApiKey), reported, false},
		"finalizer added":   {key(), key(v1alpha1.FinalizerApiKey), true},
		"finalizer removed": {key(v1alpha1.FinalizerApiKey, "example.com/other"), key("example.com/other"), true},
	} {
		if got := finalizersChange.Update(event.UpdateEvent{ObjectOld: c.before, ObjectNew: c.after}); got != c.want {
			t.Errorf("%s: got %v, want %v", name, got, c.want)
		}
	}
	if !finalizersChange.Delete(event.DeleteEvent{Object: key()}) || !finalizersChange.Create(event.CreateEvent{Object: key()}) {
		t.Error("what appears and what goes away matters")
	}
}
