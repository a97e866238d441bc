package suite

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/util/yaml"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/betterdataco/terraform-provider-betterdata/operator/api/v1alpha1"
)

// patience bounds every wait. What is waited for takes seconds; a machine that compiles at the same time takes longer.
const patience = 3 * time.Minute

// eventually waits until check has no objection any more. When patience is at an end, the test fails with the last one.
func eventually(t *testing.T, check func(ctx context.Context) error) {
	t.Helper()
	eventuallyWithin(t, patience, check)
}

// eventuallyWithin is eventually for what takes longer by its nature.
func eventuallyWithin(t *testing.T, patience time.Duration, check func(ctx context.Context) error) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	ticker := time.NewTicker(100 * time.Millisecond)
	defer ticker.Stop()
	var last error
	for {
		err := check(ctx)
		if err == nil && ctx.Err() == nil { // what could not look any more has no objection either
			return
		}
		if last == nil || ctx.Err() == nil {
			last = err // that the time is over is no objection
		}
		select {
		case <-ticker.C:
		case <-ctx.Done():
			t.Fatalf("after %v: %v", patience, last)
		}
	}
}

// unless is an objection, unless ok.
func unless(ok bool, format string, args ...any) error {
	if ok {
		return nil
	}
	return fmt.Errorf(format, args...)
}

// apply applies YAML documents as a user's GitOps tool would. Objects without a namespace go into the world's.
func (w *world) apply(t *testing.T, documents string) []*unstructured.Unstructured {
	t.Helper()
	var applied []*unstructured.Unstructured
	decoder := yaml.NewYAMLOrJSONDecoder(strings.NewReader(documents), 4096)
	for {
		object := &unstructured.Unstructured{}
		if err := decoder.Decode(&object.Object); errors.Is(err, io.EOF) {
			return applied
		} else if err != nil {
			t.Fatalf("%v in\n%s", err, documents)
		}
		if len(object.Object) == 0 {
			continue
		}
		w.applyObject(t, object)
		applied = append(applied, object)
	}
}

func (w *world) applyObject(t *testing.T, object *unstructured.Unstructured) {
	t.Helper()
	mapping, err := w.admin.RESTMapper().RESTMapping(object.GroupVersionKind().GroupKind(), object.GroupVersionKind().Version)
	if err != nil {
		t.Fatal(err)
	}
	if mapping.Scope.Name() == meta.RESTScopeNameNamespace && object.GetNamespace() == "" {
		object.SetNamespace(w.namespace)
	}
	if err := w.admin.Apply(t.Context(), client.ApplyConfigurationFromUnstructured(object), client.FieldOwner("gitops"), client.ForceOwnership); err != nil {
		t.Fatalf("applying %s %s: %v", object.GetKind(), object.GetName(), err)
	}
}

// connect applies the Connection "default" and the Secret with the tenant's token. Lines of settings are YAML for its spec.
func (w *world) connect(t *testing.T, settings ...string) {
	t.Helper()
	w.apply(t, fmt.Sprintf(`
apiVersion: v1
kind: Secret
metadata: {name: betterdata-token}
stringData: {token: %q}
---
apiVersion: betterdata.co/v1alpha1
kind: Connection
metadata: {name: default}
spec:
  baseURL: %s
  tokenSecretRef: {name: betterdata-token}
  pollInterval: 10s
`, w.SessionToken(), w.url)+indented(settings))
}

// newKey applies an ApiKey. Lines of settings are YAML for its spec; without any it has the scope inventory:read.
func (w *world) newKey(t *testing.T, name string, settings ...string) {
	t.Helper()
	if len(settings) == 0 {
		settings = []string{"scopes: [inventory:read]"}
	}
	w.apply(t, fmt.Sprintf("apiVersion: betterdata.co/v1alpha1\nkind: ApiKey\nmetadata: {name: %s}\nspec:\n", name)+indented(settings))
}

func indented(lines []string) string {
	var text strings.Builder
	for _, line := range lines {
		text.WriteString("  " + strings.ReplaceAll(line, "\n", "\n  ") + "\n")
	}
	return text.String()
}

// get reads an object of the world's namespace; an objection says why it could not.
func (w *world) get(ctx context.Context, name string, into client.Object) error {
	return w.admin.Get(ctx, client.ObjectKey{Namespace: w.namespace, Name: name}, into)
}

// mustGet is get for what has to be there.
func (w *world) mustGet(t *testing.T, name string, into client.Object) {
	t.Helper()
	if err := w.get(t.Context(), name, into); err != nil {
		t.Fatal(err)
	}
}

// patch changes an object by a JSON merge patch, as kubectl patch does.
func (w *world) patch(t *testing.T, object client.Object, name, patch string) {
	t.Helper()
	object.SetNamespace(w.namespace)
	object.SetName(name)
	if err := w.admin.Patch(t.Context(), object, client.RawPatch("application/merge-patch+json", []byte(patch))); err != nil {
		t.Fatalf("patching %s with %s: %v", name, patch, err)
	}
}

// annotate sets an annotation of an ApiKey.
func (w *world) annotate(t *testing.T, apiKey, annotation, value string) {
	t.Helper()
	w.patch(t, &v1alpha1.ApiKey{}, apiKey, fmt.Sprintf(`{"metadata":{"annotations":{%q:%q}}}`, annotation, value))
}

// remove deletes an object of the world's namespace.
func (w *world) remove(t *testing.T, object client.Object, name string) {
	t.Helper()
	object.SetNamespace(w.namespace)
	object.SetName(name)
	if err := w.admin.Delete(t.Context(), object); err != nil {
		t.Fatal(err)
	}
}

// awaitCondition waits for an ApiKey's or connection's condition with the status and reason, and returns its message. It
// must speak of the present spec.
func (w *world) awaitCondition(t *testing.T, object client.Object, name, kind, status, reason string) string {
	t.Helper()
	var message string
	eventually(t, func(ctx context.Context) error {
		if err := w.get(ctx, name, object); err != nil {
			return err
		}
		conditions := conditionsOf(object)
		found := meta.FindStatusCondition(conditions, kind)
		if found == nil {
			return fmt.Errorf("%s has no condition %s: %+v", name, kind, conditions)
		}
		message = found.Message
		return unless(string(found.Status) == status && found.Reason == reason && found.ObservedGeneration == object.GetGeneration(),
			"%s: want %s=%s because of %s in generation %d, got %+v", name, kind, status, reason, object.GetGeneration(), *found)
	})
	return message
}

// conditionsOf are the conditions of an ApiKey or a connection.
func conditionsOf(object client.Object) []metav1.Condition {
	switch o := object.(type) {
	case *v1alpha1.ApiKey:
		return o.Status.Conditions
	case v1alpha1.ConnectionObject:
		return o.ConnectionStatus().Conditions
	}
	return nil
}

// awaitReady waits until each ApiKey's Secret holds its newest key.
func (w *world) awaitReady(t *testing.T, names ...string) {
	t.Helper()
	for _, name := range names {
		eventually(t, func(ctx context.Context) error { return w.ready(ctx, name) })
	}
}

func (w *world) ready(ctx context.Context, name string) error {
	apiKey := &v1alpha1.ApiKey{}
	if err := w.get(ctx, name, apiKey); err != nil {
		return err
	}
	return unless(meta.IsStatusConditionTrue(apiKey.Status.Conditions, v1alpha1.ConditionReady) && apiKey.Status.ObservedGeneration == apiKey.Generation,
		"%s is not ready in generation %d: %+v", name, apiKey.Generation, apiKey.Status)
}

// awaitGone waits until the object does not exist any more.
func (w *world) awaitGone(t *testing.T, object client.Object, name string) {
	t.Helper()
	eventually(t, func(ctx context.Context) error {
		err := w.get(ctx, name, object)
		if err == nil {
			return fmt.Errorf("%T %s is still there: finalizers %v, conditions %+v", object, name, object.GetFinalizers(), conditionsOf(object))
		}
		return client.IgnoreNotFound(err)
	})
}

// entry is what consumers read: the key in a Secret, empty if there is none yet.
func (w *world) entry(ctx context.Context, secret string) string {
	found := &corev1.Secret{}
	if err := w.get(ctx, secret, found); err != nil {
		return ""
	}
	return string(bytes.TrimSpace(found.Data[v1alpha1.DefaultSecretKey]))
}

// replaced objects until the Secret holds another key than before. One that cannot be read holds none.
func (w *world) replaced(ctx context.Context, secret, before string) error {
	now := w.entry(ctx, secret)
	return unless(now != "" && now != before, "Secret %s holds key %q, before %q", secret, w.identify(now), w.identify(before))
}
