package suite

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"testing"

	"k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/apimachinery/pkg/watch"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/betterdataco/terraform-provider-betterdata/apiclient/sandbox"
	"github.com/betterdataco/terraform-provider-betterdata/operator/api/v1alpha1"
)

// external-secrets/issues/4685 and tuist/tuist/pull/12867: without observedGeneration, or with one that is stamped where
// something failed, GitOps tools call an edit done that is not. No version of the ApiKey may be done by kstatus before the
// edit is in effect.
func TestOperatorAsk13ObservedGenerationOnError(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.inService(t)
	wrong := w.watchForEarly(t)
	broken := append(slices.Clone(rotating), `secret: {template: {".env": "{{ .Nonsense }}"}}`)
	w.newKey(t, "reader", broken...)
	w.awaitCondition(t, &v1alpha1.ApiKey{}, "reader", v1alpha1.ConditionStalled, "True", v1alpha1.ReasonInvalidTemplate)

	fault := w.AddFault(sandbox.Fault{Operation: sandbox.OpUpdate, Kind: sandbox.FaultServerError})
	w.newKey(t, "reader", "scopes: [inventory:read, forecast:read]", rotating[1])
	eventually(t, func(context.Context) error {
		return unless(w.Stats().Requests[sandbox.OpUpdate] >= 2, "the change of scopes was not tried again: %+v", w.Stats())
	})
	apiKey := &v1alpha1.ApiKey{}
	if w.mustGet(t, "reader", apiKey); isCurrent(apiKey) {
		t.Errorf("done by kstatus although the API refuses the change: %+v", apiKey.Status)
	}
	w.RemoveFault(fault)
	eventually(t, func(ctx context.Context) error {
		if err := w.get(ctx, "reader", apiKey); err != nil {
			return err
		}
		return unless(isCurrent(apiKey), "not done: %+v", apiKey.Status)
	})
	if err := wrong(); err != nil {
		t.Error(err)
	}
}

// isCurrent tells whether kstatus, and so kubectl, Flux and Argo CD, take the ApiKey for done.
func isCurrent(apiKey *v1alpha1.ApiKey) bool {
	conditions := apiKey.Status.Conditions
	return apiKey.Status.ObservedGeneration == apiKey.Generation && meta.IsStatusConditionTrue(conditions, v1alpha1.ConditionReady) &&
		meta.FindStatusCondition(conditions, v1alpha1.ConditionReconciling) == nil &&
		meta.FindStatusCondition(conditions, v1alpha1.ConditionStalled) == nil
}

// watchForEarly looks at every version of the ApiKey. The function that it returns ends that, and tells of a version that
// was done by kstatus while its spec was not in effect.
func (w *world) watchForEarly(t *testing.T) func() error {
	t.Helper()
	watcher, err := client.NewWithWatch(w.env.Admin, client.Options{Scheme: w.admin.Scheme()})
	if err != nil {
		t.Fatal(err)
	}
	stream, err := watcher.Watch(t.Context(), &v1alpha1.ApiKeyList{}, client.InNamespace(w.namespace))
	if err != nil {
		t.Fatal(err)
	}
	var early error
	seen := 0
	var wait sync.WaitGroup
	wait.Go(func() {
		for event := range stream.ResultChan() {
			if apiKey, ok := event.Object.(*v1alpha1.ApiKey); ok && event.Type == watch.Modified {
				seen++
				if isCurrent(apiKey) && early == nil {
					early = w.inEffect(apiKey)
				}
			}
		}
	})
	end := sync.OnceFunc(func() { stream.Stop(); wait.Wait() })
	t.Cleanup(end)
	return func() error {
		end()
		if seen == 0 {
			return fmt.Errorf("the watch saw nothing")
		}
		return early
	}
}

// inEffect objects unless the live key has the scopes that the ApiKey asks for, and its template can be rendered.
func (w *world) inEffect(apiKey *v1alpha1.ApiKey) error {
	live := w.LiveKeys()
	got, want := slices.Sorted(slices.Values(live[0].Scopes)), slices.Sorted(slices.Values(apiKey.Spec.Scopes))
	return unless(len(live) == 1 && slices.Equal(got, want) && len(apiKey.Spec.Secret.Template) == 0,
		"generation %d is done by kstatus, while the key has the scopes %v and should have %v, and %d templates are wanted",
		apiKey.Generation, got, want, len(apiKey.Spec.Secret.Template))
}
