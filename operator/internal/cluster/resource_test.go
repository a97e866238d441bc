package cluster

import (
	"slices"
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/betterdataco/terraform-provider-betterdata/operator/api/v1alpha1"
	"github.com/betterdataco/terraform-provider-betterdata/operator/internal/controller/apikey"
)

func TestOperatorResourceFromBothReads(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	connection := &v1alpha1.Connection{ObjectMeta: metav1.ObjectMeta{Name: "default", Namespace: w.namespace}}
	connection.Spec.TokenSecretRef.Name = "token"
	connection.Spec.BaseURL = "https://eu.example.com/api"
	if err := w.people.Create(t.Context(), connection); err != nil {
		t.Fatal(err)
	}
	live := w.apiKey("reader", nil)
	w.eventually("the cache has the ApiKey and its Connection", func() bool {
		cached, err := w.Resource(t.Context(), live.Ref(), apikey.Cached)
		return err == nil && cached.BaseURL == connection.Spec.BaseURL && cached.Version == live.Version
	})
	if live = w.resource("reader"); live.BaseURL != connection.Spec.BaseURL {
		t.Errorf("the base URL is %q", live.BaseURL)
	}
	for _, read := range []apikey.Read{apikey.Cached, apikey.Live} {
		_, err := w.Resource(t.Context(), apikey.Ref{Namespace: w.namespace, Name: "absent"}, read)
		w.expect(err, apikey.ErrNotFound)
	}
	// ClusterConnections are not watched here, as in namespaced mode.
	cluster := w.apiKey("cluster", func(a *v1alpha1.ApiKey) { a.Spec.ConnectionRef.Kind = v1alpha1.KindClusterConnection })
	if cluster.BaseURL != "" || cluster.ConnectionRef != "ClusterConnection//default" {
		t.Errorf("got %+v", cluster)
	}
}

func TestOperatorFinalizers(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	r := w.apiKey("reader", func(a *v1alpha1.ApiKey) { a.Finalizers = []string{"example.com/theirs"} })
	stale := *r
	if err := w.AddFinalizer(t.Context(), r); err != nil {
		t.Fatal(err)
	}
	if now := w.resource("reader"); !now.Finalizer {
		t.Error("there is no finalizer")
	}
	w.expect(w.AddFinalizer(t.Context(), &stale), apikey.ErrConflict)
	w.expect(w.RemoveFinalizer(t.Context(), &stale), apikey.ErrConflict)

	r = w.resource("reader")
	// A change between our read and our write.
	w.wire.fail(fault{before: func() {
		w.editApiKey("reader", func(a *v1alpha1.ApiKey) { a.Labels = map[string]string{"x": "y"} })
	}})
	w.expect(w.RemoveFinalizer(t.Context(), r), apikey.ErrConflict)
	r = w.resource("reader")
	for range 2 { // the second finds nothing to do
		if err := w.RemoveFinalizer(t.Context(), r); err != nil {
			t.Fatal(err)
		}
		r = w.resource("reader")
	}
	a := &v1alpha1.ApiKey{}
	if err := w.people.Get(t.Context(), client.ObjectKey{Namespace: w.namespace, Name: "reader"}, a); err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(a.Finalizers, []string{"example.com/theirs"}) {
		t.Errorf("finalizers are %v", a.Finalizers)
	}
	other := *r
	other.UID = "another"
	w.expect(w.AddFinalizer(t.Context(), &other), apikey.ErrConflict)
	absent := *r
	absent.Name = "absent"
	w.expect(w.AddFinalizer(t.Context(), &absent), apikey.ErrNotFound)
}
