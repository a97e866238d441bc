package suite

import (
	"context"
	"encoding/base64"
	"fmt"
	"slices"
	"testing"

	corev1 "k8s.io/api/core/v1"

	"github.com/betterdataco/terraform-provider-betterdata/apiclient/sandbox"
	"github.com/betterdataco/terraform-provider-betterdata/operator/api/v1alpha1"
)

// Elastic's operator looks at the first key of a name only: others of the same name live on.
func TestOperatorPeerECKOnlyFirstMatch(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.inService(t)
	held := w.held(t)
	name := w.status(t, "reader").KeyName
	for range 3 {
		w.issue(t, name)
	}
	same := slices.DeleteFunc(w.Keys(), func(k sandbox.Key) bool { return k.Name != name }) // some may be revoked by now
	if len(same) != 4 {
		t.Fatalf("keys %+v, want 4 of one name", same)
	}
	w.awaitSettled(t, "reader")
	if !w.alive(held) || w.held(t) != held {
		t.Errorf("the key in service, %s, was revoked or replaced", held)
	}
	if s := w.Stats(); s.Revoked != 3 || s.Rotated != 0 || s.Created != 4 {
		t.Errorf("%+v: want 3 of 4 keys revoked", s)
	}
}

// Elastic's operator never compares the id that the Secret names with the key that it holds.
func TestOperatorPeerECKIDNotCompared(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.inService(t)
	good := w.entry(t.Context(), "reader")
	foreign := "bdk_live_of_another_key"
	w.patch(t, &corev1.Secret{}, "reader", fmt.Sprintf(`{"data":{"api-key":%q}}`, base64.StdEncoding.EncodeToString([]byte(foreign))))
	eventually(t, func(ctx context.Context) error {
		return unless(w.entry(ctx, "reader") == good, "the Secret holds another text than the key")
	})
	w.mustHaveIssued(t, 1, 0)
}

// Elastic's operator invalidates the key and then makes another when its settings change: nobody can work in between.
func TestOperatorPeerECKInvalidateThenCreate(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.inService(t)
	consumer := w.consume(t, "reader")
	consumer.mustWork(t)
	held := w.held(t)
	w.newKey(t, "reader", "scopes: [inventory:*, forecast:read]", rotating[1])
	eventually(t, func(context.Context) error {
		live := w.LiveKeys()
		return unless(len(live) == 1 && live[0].ID == held && len(live[0].Scopes) == 2, "%+v", live)
	})
	w.awaitReady(t, "reader")
	consumer.mustWork(t)
	consumer.mustNeverFail(t)
	w.mustHaveIssued(t, 1, 0)
}

// Elastic's operator invalidates the key when its Secret is missing, and makes another.
func TestOperatorPeerECKSecretMissing(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	o := w.inService(t)
	key := w.entry(t.Context(), "reader")
	back := func(ctx context.Context) error {
		return unless(w.entry(ctx, "reader") == key, "the Secret is not back")
	}
	w.remove(t, &corev1.Secret{}, "reader")
	eventually(t, back)
	o.kill()
	w.remove(t, &corev1.Secret{}, "reader")
	w.start(t)
	eventually(t, back)
	w.awaitCondition(t, &v1alpha1.ApiKey{}, "reader", v1alpha1.ConditionReady, "True", v1alpha1.ReasonPublished)
	w.mustHaveIssued(t, 1, 0)
	if revoked := w.Stats().Revoked; revoked != 0 {
		t.Errorf("%d keys were revoked", revoked)
	}
}
