package suite

import (
	"context"
	"fmt"
	"slices"
	"testing"

	corev1 "k8s.io/api/core/v1"

	"github.com/betterdataco/terraform-provider-betterdata/apiclient/sandbox"
	"github.com/betterdataco/terraform-provider-betterdata/operator/api/v1alpha1"
)

// history is a story of the ApiKey "reader", in the middle of which the operator is killed.
type history struct {
	effects []string // the operator is killed before, and in another run after, each of these
	options []tenantOption
	spec    []string // of the ApiKey that was there before; nil: it is created only by change
	change  func(t *testing.T, w *world)
	// done objects until what change asked for is done. Beside it, the world has to be settled.
	done func(ctx context.Context, w *world, before string) error

	// end waits for what the story comes to, given the key that was in service before; nil: the ApiKey has one key, in its
	// Secret.
	end       func(t *testing.T, w *world, before string)
	noOverlap bool
	revoked   bool // the key of before is to be revoked at once, so that nobody may use it any more
}

// rotating is the spec of a key whose replaced keys do not live long.
var rotating = []string{"scopes: [inventory:read]", "rotation: {interval: 1h, overlap: 3s}"}

var histories = map[string]history{
	"creation": {
		effects: []string{"AddFinalizer", "ReserveMint", "CreateKey", "CreateLedger", "Verify", "ApplyTarget", "ApplyTarget#2", "WriteStatus"},
		change:  func(t *testing.T, w *world) { t.Helper(); w.newKey(t, "reader", rotating...) },
	},
	"forced rotation": {
		effects: []string{
			"ReserveMint", "RotateKey", "CreateLedger", "Verify", "ApplyTarget", "ApplyTarget#2", "WriteStatus", "RevokeKey", "DeleteLedger",
		},
		spec: rotating, change: askForRotation, done: rotated,
	},
	"rotation without overlap": {
		effects: []string{"RotateKey", "CreateLedger", "ApplyTarget", "ApplyTarget#2", "RevokeKey", "DeleteLedger"},
		spec:    rotating, done: rotated, noOverlap: true,
		change: func(t *testing.T, w *world) {
			t.Helper()
			w.patch(t, &v1alpha1.ApiKey{}, "reader",
				`{"metadata":{"annotations":{"betterdata.co/rotate-overlap":"0s","betterdata.co/rotate-requested-at":"leaked"}}}`)
		},
	},
	"rotation with a restart": {
		effects: []string{"Restart"},
		spec:    append(slices.Clone(rotating), "restart: [{kind: Deployment, name: forecaster}]"), change: askForRotation, done: rotated,
	},
	// Killed between the rotation and its new name, the successor cannot be told from anybody's key. It was never used, and
	// there is one such window for each connection: from then on successors are created under their name.
	"rotation at an API that drops names": {
		effects: []string{"UpdateKey"}, options: []tenantOption{sandbox.WithDialect(sandbox.Dialect{RotateName: "fresh"})},
		spec: rotating, change: askForRotation, done: rotated,
	},
	"change of scopes": {
		effects: []string{"UpdateKey"}, spec: rotating,
		change: func(t *testing.T, w *world) {
			t.Helper()
			w.newKey(t, "reader", "scopes: [inventory:read, forecast:read]", rotating[1])
		},
		done: func(_ context.Context, w *world, _ string) error {
			scopes := w.LiveKeys()[0].Scopes
			return unless(len(scopes) == 2 && w.Stats().Created == 1 && w.Stats().Rotated == 0, "scopes %v, %+v", scopes, w.Stats())
		},
	},
	"deletion": {
		effects: []string{"RevokeKey", "DeleteTarget", "DeleteLedger", "RemoveFinalizer"}, spec: rotating, revoked: true,
		change: func(t *testing.T, w *world) { t.Helper(); w.remove(t, &v1alpha1.ApiKey{}, "reader") },
		end: func(t *testing.T, w *world, _ string) {
			t.Helper()
			w.awaitGone(t, &v1alpha1.ApiKey{}, "reader")
			w.awaitSettled(t)
			w.awaitGone(t, &corev1.Secret{}, "reader")
		},
	},
	"renamed": {
		effects: []string{"DeleteTarget"}, spec: rotating,
		change: func(t *testing.T, w *world) {
			t.Helper()
			w.newKey(t, "reader", append(slices.Clone(rotating), "secret: {name: renamed}")...)
		},
		end: func(t *testing.T, w *world, before string) {
			t.Helper()
			w.awaitGone(t, &corev1.Secret{}, "reader")
			w.awaitReady(t, "reader")
			ledgers, err := w.ledgers(t.Context())
			if err != nil || len(ledgers) != 1 || ledgers[0].plaintext != before || w.entry(t.Context(), "renamed") != before {
				t.Errorf("%d ledgers (%v), and the renamed Secret holds key %s, want %s", len(ledgers), err,
					w.identify(w.entry(t.Context(), "renamed")), w.identify(before))
			}
			w.consume(t, "renamed").mustWork(t)
			w.mustHaveIssued(t, 1, 0)
		},
	},
	"retained": {
		effects: []string{"DetachTarget", "UpdateKey"}, spec: append(slices.Clone(rotating), "deletionPolicy: Retain"),
		change: func(t *testing.T, w *world) { t.Helper(); w.remove(t, &v1alpha1.ApiKey{}, "reader") },
		end: func(t *testing.T, w *world, before string) {
			t.Helper()
			w.awaitGone(t, &v1alpha1.ApiKey{}, "reader")
			w.mustHaveRetained(t, before)
		},
	},
}

func askForRotation(t *testing.T, w *world) {
	t.Helper()
	w.annotate(t, "reader", v1alpha1.AnnotationRotateRequestedAt, "now")
}

// rotated objects until the Secret holds another key than before and the request is acknowledged.
func rotated(ctx context.Context, w *world, before string) error {
	apiKey := &v1alpha1.ApiKey{}
	if err := w.get(ctx, "reader", apiKey); err != nil {
		return err
	}
	if apiKey.Status.LastHandledRotateAt != apiKey.Annotations[v1alpha1.AnnotationRotateRequestedAt] {
		return fmt.Errorf("not rotated: %+v", apiKey.Status)
	}
	return w.replaced(ctx, "reader", before)
}

// The operator is killed, as by kill -9, before and after every effect that it has on either server. After a restart
// exactly the keys live that ledgers record, the Secret holds the newest, and a consumer never was turned away.
func TestOperatorKilled(t *testing.T) {
	t.Parallel()
	for name, h := range histories {
		for _, effect := range h.effects {
			for _, moment := range []string{"before:", "after:"} {
				t.Run(name+"/"+moment+effect, func(t *testing.T) {
					t.Parallel()
					h.run(t, moment+effect)
				})
			}
		}
	}
}

func (h history) run(t *testing.T, point string) {
	t.Helper()
	w := newWorld(t, h.options...)
	w.connect(t)
	w.deploy(t, "forecaster")
	consumer := w.consume(t, "reader")
	before := h.prepare(t, w, consumer)
	if h.revoked {
		consumer.mustNeverFail(t)
	}

	victim := w.startToDie(t, point)
	h.change(t, w)
	victim.awaitDeath(t)
	w.start(t)

	if h.end != nil {
		h.end(t, w, before)
		consumer.mustNeverFail(t)
		return
	}
	eventually(t, func(ctx context.Context) error {
		if h.done != nil {
			if err := h.done(ctx, w, before); err != nil {
				return err
			}
		}
		return w.settled(ctx, "reader")
	})
	w.awaitReady(t, "reader")
	consumer.mustWork(t)
	if h.noOverlap {
		consumer.mustNeverFailInUse(t)
	} else {
		consumer.mustNeverFail(t)
	}
}

// prepare brings about what was there before, and returns the key in service.
func (h history) prepare(t *testing.T, w *world, consumer *consumer) string {
	t.Helper()
	if h.spec == nil {
		return ""
	}
	first := w.start(t)
	w.newKey(t, "reader", h.spec...)
	w.awaitReady(t, "reader")
	w.awaitSettled(t, "reader")
	consumer.mustWork(t)
	first.kill()
	return w.entry(t.Context(), "reader")
}
