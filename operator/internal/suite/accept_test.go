package suite

import (
	"context"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/betterdataco/terraform-provider-betterdata/operator/api/v1alpha1"
)

// A connection that is moved to another tenant says so, and nothing is made there or forgotten, until a person accepts that
// tenant. Then every ApiKey gets a key of it. What lives in the tenant of before is left alone.
func TestOperatorAcceptsAnotherTenant(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.connect(t)
	first := w.start(t)
	names := []string{"reader", "writer"}
	for _, name := range names {
		w.newKey(t, name, "scopes: [inventory:read]", "rotation: {interval: 10h, overlap: 1h}")
	}
	w.awaitReady(t, names...)
	w.awaitSettled(t, names...)
	first.kill()
	w.age(t, time.Hour, names...) // the absence of younger keys proves nothing
	w.start(t)
	w.awaitPolls(t, 1)
	old := w.tenant
	live, before, recorded := old.liveKeys(), old.Stats(), w.recorded(t)
	held := w.entry(t.Context(), "reader")

	fresh := newTenant(t, nil)
	w.patch(t, &v1alpha1.Connection{}, "default", fmt.Sprintf(`{"spec":{"baseURL":%q}}`, fresh.url))
	w.apply(t, fmt.Sprintf("{apiVersion: v1, kind: Secret, metadata: {name: betterdata-token}, stringData: {token: %q}}", fresh.SessionToken()))
	w.awaitCondition(t, &v1alpha1.Connection{}, "default", v1alpha1.ConditionReady, "False", v1alpha1.ReasonTenantMismatch)
	w.annotate(t, "reader", v1alpha1.AnnotationRotateRequestedAt, "now")
	w.awaitCondition(t, &v1alpha1.ApiKey{}, "reader", v1alpha1.ConditionMintingBlocked, "True", v1alpha1.ReasonTenantMismatch)
	fresh.awaitListings(t, 4)
	if changes(fresh.Stats()) != 0 || w.entry(t.Context(), "reader") != held || !slices.Equal(w.recorded(t), recorded) {
		t.Errorf("nobody has accepted the tenant: %+v, and Secret reader holds %s, want %s", fresh.Stats(),
			old.identify(w.entry(t.Context(), "reader")), old.identify(held))
	}

	w.patch(t, &v1alpha1.Connection{}, "default", `{"metadata":{"annotations":{"betterdata.co/accept-tenant":"yes"}}}`)
	w.awaitCondition(t, &v1alpha1.Connection{}, "default", v1alpha1.ConditionReady, "True", v1alpha1.ReasonConnected)
	eventually(t, func(ctx context.Context) error {
		connection := &v1alpha1.Connection{}
		if err := w.get(ctx, "default", connection); err != nil {
			return err
		}
		return unless(connection.Status.LastHandledAcceptTenant == "yes", "acknowledged is %q", connection.Status.LastHandledAcceptTenant)
	})
	fresh.knows(old)
	w.tenant = fresh
	w.awaitSettled(t, names...)
	w.awaitReady(t, names...)
	w.mustHaveIssued(t, len(names), 0)
	if now := old.liveKeys(); !slices.Equal(now, live) || changes(old.Stats()) != changes(before) {
		t.Errorf("live keys of the old tenant were %v, now %v: %+v", live, now, old.Stats())
	}

	for _, name := range names {
		w.remove(t, &v1alpha1.ApiKey{}, name)
		w.awaitGone(t, &v1alpha1.ApiKey{}, name)
	}
	w.awaitSettled(t)
}

// knows has the secrets of another tenant searched for together with those of this one.
func (n *tenant) knows(other *tenant) {
	secrets := other.secrets()
	n.mu.Lock()
	defer n.mu.Unlock()
	n.tokens = append(n.tokens, secrets...)
}

// awaitListings waits until the tenant was listed so many times.
func (n *tenant) awaitListings(t *testing.T, polls int) {
	t.Helper()
	until := n.polls.Load() + int64(polls)
	eventually(t, func(context.Context) error {
		return unless(n.polls.Load() >= until, "%d listings are still to come", until-n.polls.Load())
	})
}

// recorded are the ids that ledgers record, sorted.
func (w *world) recorded(t *testing.T) []string {
	t.Helper()
	ledgers, err := w.ledgers(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	var ids []string
	for _, l := range ledgers {
		ids = append(ids, l.id)
	}
	slices.Sort(ids)
	return ids
}
