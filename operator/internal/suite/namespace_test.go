package suite

import (
	"context"
	"errors"
	"fmt"
	"testing"

	corev1 "k8s.io/api/core/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/betterdataco/terraform-provider-betterdata/operator/api/v1alpha1"
)

// Deleting a namespace with everything in it, the token's Secret and the operator's own Role included, revokes every key
// and ends by itself.
func TestOperatorNamespaceDeleted(t *testing.T) {
	t.Parallel()
	for mode, begin := range modes {
		t.Run(mode, func(t *testing.T) {
			t.Parallel()
			w := begin(t)
			w.fill(t)
			w.deleteNamespace(t)
			w.awaitNamespaceGone(t)
			if live := w.liveKeys(); len(live) > 0 {
				t.Errorf("keys %v live on", live)
			}
		})
	}
}

// The same while the API is down: the ApiKeys hold on and say why, Retain lets go, and all is revoked when it is back.
func TestOperatorNamespaceDeletedWhileAPIIsDown(t *testing.T) {
	t.Parallel()
	for mode, begin := range modes {
		t.Run(mode, func(t *testing.T) {
			t.Parallel()
			w := begin(t)
			names := w.fill(t)
			retained := w.identify(w.entry(t.Context(), "retained"))
			end := w.refuse(t)
			w.deleteNamespace(t)
			for _, name := range names {
				w.awaitUnready(t, name, v1alpha1.ReasonRevocationPending)
			}
			w.patch(t, &v1alpha1.ApiKey{}, "retained", `{"spec":{"deletionPolicy":"Retain"}}`)
			w.awaitGone(t, &v1alpha1.ApiKey{}, "retained")
			for _, name := range names[1:] {
				w.mustGet(t, name, &v1alpha1.ApiKey{})
			}
			end()
			w.awaitNamespaceGone(t)
			if live := w.LiveKeys(); len(live) != 1 || live[0].ID != retained {
				t.Errorf("live keys are %+v, want %s alone, which was let go", live, retained)
			}
		})
	}
}

var modes = map[string]func(t *testing.T, options ...tenantOption) *world{"namespaced mode": newWorld, "cluster mode": newClusterWorld}

// fill starts the operator and makes three ApiKeys with what they need in the same namespace. One of them has a previous
// key that still lives.
func (w *world) fill(t *testing.T) []string {
	t.Helper()
	w.connect(t)
	w.start(t)
	names := []string{"retained", "reader", "rotated"}
	for _, name := range names {
		w.newKey(t, name, "scopes: [inventory:read]", "rotation: {interval: 10h, overlap: 1h}")
	}
	w.awaitReady(t, names...)
	w.awaitSettled(t, names...)
	w.annotate(t, "rotated", v1alpha1.AnnotationRotateRequestedAt, "now")
	w.awaitCondition(t, &v1alpha1.ApiKey{}, "rotated", v1alpha1.ConditionReady, "True", v1alpha1.ReasonOverlap)
	return names
}

func (w *world) deleteNamespace(t *testing.T) {
	t.Helper()
	namespace := &corev1.Namespace{}
	namespace.Name = w.namespace
	if err := w.admin.Delete(t.Context(), namespace); err != nil {
		t.Fatal(err)
	}
}

func (w *world) awaitNamespaceGone(t *testing.T) {
	t.Helper()
	eventually(t, func(ctx context.Context) error {
		namespace := &corev1.Namespace{}
		err := w.admin.Get(ctx, client.ObjectKey{Name: w.namespace}, namespace)
		if client.IgnoreNotFound(err) != nil {
			return err
		}
		if err == nil {
			return errors.Join(fmt.Errorf("namespace %s is still there: %+v", w.namespace, namespace.Status.Conditions), w.leftover(ctx))
		}
		return nil
	})
}

// leftover names the ApiKeys that are still there and what they say, for the message of a failed test.
func (w *world) leftover(ctx context.Context) error {
	var apiKeys v1alpha1.ApiKeyList
	if err := w.admin.List(ctx, &apiKeys, client.InNamespace(w.namespace)); err != nil {
		return err
	}
	var left error
	for i := range apiKeys.Items {
		left = errors.Join(left, fmt.Errorf("%s: %+v", apiKeys.Items[i].Name, apiKeys.Items[i].Status.Conditions))
	}
	return left
}
