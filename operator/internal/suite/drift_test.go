package suite

import (
	"context"
	"fmt"
	"testing"

	corev1 "k8s.io/api/core/v1"

	"github.com/betterdataco/terraform-provider-betterdata/apiclient/sandbox"
	"github.com/betterdataco/terraform-provider-betterdata/operator/api/v1alpha1"
)

// disturbance is something that people and tools do to the cluster, and what the Secret is to be afterwards.
type disturbance struct {
	name   string
	do     func(t *testing.T, w *world, o *operator) *operator // returns the operator that runs from then on
	secret string                                              // that holds the key afterwards; "reader" unless set
	right  func(s *corev1.Secret) error                        // objects to what the Secret is beside holding the key
}

// patchSecret is a disturbance by one patch of the Secret.
func patchSecret(name, patch string, right func(s *corev1.Secret) error) disturbance {
	return disturbance{name: name, right: right, do: func(t *testing.T, w *world, o *operator) *operator {
		t.Helper()
		w.patch(t, &corev1.Secret{}, "reader", patch)
		return o
	}}
}

// respec is a disturbance by a change of the ApiKey's spec.
func respec(name, secret string, right func(s *corev1.Secret) error, settings ...string) disturbance {
	return disturbance{name: name, secret: secret, right: right, do: func(t *testing.T, w *world, o *operator) *operator {
		t.Helper()
		w.newKey(t, "reader", append([]string{"scopes: [inventory:read]", "rotation: {interval: 1h, overlap: 3s}"}, settings...)...)
		return o
	}}
}

// hasLabel objects unless the Secret has the label with the value.
func hasLabel(label, value string) func(*corev1.Secret) error {
	return func(s *corev1.Secret) error {
		return unless(s.Labels[label] == value, "label %s is %q, want %q", label, s.Labels[label], value)
	}
}

// disturbances follow each other in one world.
var disturbances = []disturbance{
	{name: "the Secret is deleted", do: func(t *testing.T, w *world, o *operator) *operator {
		t.Helper()
		w.remove(t, &corev1.Secret{}, "reader")
		return o
	}},
	patchSecret("another value is in the Secret", `{"data":{"api-key":"dGFtcGVyZWQ="}}`, nil),
	patchSecret("the entry is gone", `{"data":{"api-key":null}}`, nil),
	patchSecret("somebody adds an entry", `{"data":{"theirs":"eA=="}}`, func(s *corev1.Secret) error {
		return unless(string(s.Data["theirs"]) == "x", "the entry of somebody else is gone: %d entries", len(s.Data))
	}),
	patchSecret("our label is gone", `{"metadata":{"labels":{"betterdata.co/apikey-uid":null}}}`, func(s *corev1.Secret) error {
		return unless(s.Labels[v1alpha1.LabelApiKeyUID] != "", "labels %v", s.Labels)
	}),
	patchSecret("our annotations are gone", `{"metadata":{"annotations":{"betterdata.co/sequence":null,"betterdata.co/published-at":null,"betterdata.co/key-id":null}}}`,
		func(s *corev1.Secret) error {
			return unless(s.Annotations[v1alpha1.AnnotationSequence] == "1" && s.Annotations[v1alpha1.AnnotationPublishedAt] != "", "annotations %v", s.Annotations)
		}),
	patchSecret("the sequence is raised", `{"metadata":{"annotations":{"betterdata.co/sequence":"7"}}}`, nil),
	patchSecret("somebody annotates", `{"metadata":{"annotations":{"reloader.example.com/hash":"1"}}}`, func(s *corev1.Secret) error {
		return unless(s.Annotations["reloader.example.com/hash"] == "1", "annotations %v", s.Annotations)
	}),
	respec("labels and annotations are wanted", "", hasLabel("team", "forecast"), "secret: {labels: {team: forecast}, annotations: {example.com/owner: forecast}}"),
	respec("the label is wanted otherwise", "", hasLabel("team", "stock"), "secret: {labels: {team: stock}}"),
	respec("a template is wanted", "", func(s *corev1.Secret) error {
		return unless(string(s.Data[".env"]) == "KEY="+string(s.Data["api-key"]), "the template's entry is not there: %d entries", len(s.Data))
	}, `secret: {template: {".env": "KEY={{ .Key }}"}}`),
	respec("the template is gone", "", func(s *corev1.Secret) error {
		return unless(len(s.Data[".env"]) == 0, "the template's entry is still there")
	}),
	respec("another Secret is wanted", "renamed", nil, "secret: {name: renamed}"),
	respec("and the first again", "", nil),
	{name: "the operator is restarted", do: func(t *testing.T, w *world, o *operator) *operator {
		t.Helper()
		if code := o.stop(t); code != 0 {
			t.Errorf("stopped with exit code %d", code)
		}
		return w.start(t)
	}},
	{name: "the status is wiped", do: func(t *testing.T, w *world, o *operator) *operator {
		t.Helper()
		w.wipeStatus(t, "reader")
		return o
	}},
	{name: "the status is wiped while nobody looks", do: func(t *testing.T, w *world, o *operator) *operator {
		t.Helper()
		o.kill()
		w.wipeStatus(t, "reader")
		return w.start(t)
	}},
	{name: "labels and annotations of the ledger are gone", do: func(t *testing.T, w *world, o *operator) *operator {
		t.Helper()
		ledgers, err := w.ledgers(t.Context())
		if err != nil || len(ledgers) != 1 {
			t.Fatal(ledgers, err)
		}
		w.patch(t, &corev1.Secret{}, ledgers[0].name, `{"metadata":{"labels":null,"annotations":null}}`)
		return o
	}},
	{name: "the ApiKey is annotated and labelled", do: func(t *testing.T, w *world, o *operator) *operator {
		t.Helper()
		w.annotate(t, "reader", "example.com/force-sync", "1")
		w.patch(t, &v1alpha1.ApiKey{}, "reader", `{"metadata":{"labels":{"team":"forecast"}}}`)
		return o
	}},
	{name: "the Secret is deleted while nobody looks", do: func(t *testing.T, w *world, o *operator) *operator {
		t.Helper()
		o.kill()
		w.remove(t, &corev1.Secret{}, "reader")
		return w.start(t)
	}},
}

// wipeStatus leaves nothing of an ApiKey's status, as a restore from a backup does.
func (w *world) wipeStatus(t *testing.T, name string) {
	t.Helper()
	apiKey := &v1alpha1.ApiKey{}
	eventually(t, func(ctx context.Context) error {
		if err := w.get(ctx, name, apiKey); err != nil {
			return err
		}
		apiKey.Status = v1alpha1.ApiKeyStatus{}
		return w.admin.Status().Update(ctx, apiKey)
	})
}

// Whatever is done to Secrets, status, labels and annotations: the Secret is right again, and the API was asked for
// nothing but listings.
func TestOperatorDriftMintsNothing(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.connect(t)
	o := w.start(t)
	w.newKey(t, "reader", rotating...)
	w.awaitReady(t, "reader")
	w.awaitSettled(t, "reader")
	key, before := w.entry(t.Context(), "reader"), w.Stats()

	for _, d := range disturbances {
		if d.secret == "" {
			d.secret = "reader"
		}
		o = d.do(t, w, o)
		eventually(t, func(ctx context.Context) error {
			if err := d.objection(ctx, w, key); err != nil {
				return fmt.Errorf("%s: %w", d.name, err)
			}
			return nil
		})
		if after := w.Stats(); changes(after) != changes(before) {
			t.Fatalf("%s: %+v before, %+v now", d.name, before, after)
		}
	}
	// What is minted late is minted too: two more polls.
	listed := w.Stats().Requests[sandbox.OpList]
	eventually(t, func(context.Context) error {
		return unless(w.Stats().Requests[sandbox.OpList] >= listed+2, "no poll")
	})
	if after := w.Stats(); changes(after) != changes(before) {
		t.Errorf("%+v before, %+v afterwards", before, after)
	}
}

// changes are the requests that are no listings.
func changes(s sandbox.Stats) int { return s.Total - s.Requests[sandbox.OpList] }

// objection says what is not right again.
func (d disturbance) objection(ctx context.Context, w *world, key string) error {
	secret := &corev1.Secret{}
	if err := w.get(ctx, d.secret, secret); err != nil {
		return err
	}
	if held := string(secret.Data[v1alpha1.DefaultSecretKey]); held != key {
		return fmt.Errorf("Secret %s holds %q", d.secret, w.identify(held))
	}
	apiKey := &v1alpha1.ApiKey{}
	if err := w.get(ctx, "reader", apiKey); err != nil {
		return err
	}
	if apiKey.Status.ObservedGeneration != apiKey.Generation || apiKey.Status.KeyID != w.identify(key) {
		return fmt.Errorf("the status is %+v", apiKey.Status)
	}
	if d.right != nil {
		return d.right(secret)
	}
	return nil
}
