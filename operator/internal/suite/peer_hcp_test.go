package suite

import (
	"context"
	"fmt"
	"testing"

	"github.com/betterdataco/terraform-provider-betterdata/apiclient/sandbox"
	"github.com/betterdataco/terraform-provider-betterdata/operator/api/v1alpha1"
)

// The HCP Terraform operator knows a token by status alone: a crash before that is written leaves an orphan, and a second
// token is made.
func TestOperatorPeerHCPCrashBeforeStatus(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.connect(t)
	victim := w.startToDie(t, "after:ApplyTarget")
	w.newKey(t, "reader", rotating...)
	victim.awaitDeath(t)
	first := w.held(t)
	if id := w.status(t, "reader").KeyID; id != "" || first == "" {
		t.Fatalf("status names %q already, and the Secret holds %q", id, first)
	}
	w.start(t)
	w.awaitReady(t, "reader")
	w.awaitSettled(t, "reader")
	if held := w.held(t); held != first || w.status(t, "reader").KeyID != first {
		t.Errorf("the Secret holds %s and status names %s, want %s", held, w.status(t, "reader").KeyID, first)
	}
	w.mustHaveIssued(t, 1, 0)
}

// hcp-terraform-operator/pull/714: a list of tokens that was not read to its end made the operator delete and recreate live
// ones. Here ours is on the third page, and pages come twice or empty.
func TestOperatorPeerHCP714PaginationAsk18(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for i := range 249 {
		w.issue(t, fmt.Sprintf("key of somebody %d", i))
	}
	o := w.inService(t)
	held, before := w.held(t), w.Stats()
	eventually(t, func(context.Context) error { // once no listing is half read
		listings, pages := int(w.polls.Load()), w.Stats().Outcomes[sandbox.OpList]["200"]
		return unless(listings > 0 && pages == 3*listings, "%d pages were read in %d listings, want 3 for each of 250 keys", pages, listings)
	})
	for _, kind := range []sandbox.FaultKind{sandbox.FaultDuplicatePage, sandbox.FaultEmptyPage} {
		fault := w.AddFault(sandbox.Fault{Operation: sandbox.OpList, Kind: kind})
		w.awaitPolls(t, 2)
		o.kill() // so that nothing is known from before
		o = w.start(t)
		w.awaitPolls(t, 2)
		w.RemoveFault(fault)
	}
	w.awaitReady(t, "reader")
	w.awaitPolls(t, 1)
	if after := w.Stats(); changes(after) != changes(before) || len(w.LiveKeys()) != 250 || w.held(t) != held {
		t.Errorf("%d live keys, the Secret holds %s; before %+v, after %+v", len(w.LiveKeys()), w.held(t), before, after)
	}
}

// The HCP Terraform operator's policy "owner" deletes whatever else is in the pool, and "merge" leaves its own behind.
func TestOperatorPeerHCPOwnerDeletesEverything(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	foreign := []string{
		w.issue(t, w.namespace+"/reader"), // our name, and no marker
		w.issue(t, "of Terraform [tf:1a2b3c4d]"),
		w.issue(t, w.namespace+"/reader [k8s:00000000:000000000000]"), // of another cluster
		w.issue(t, "marked by hand [k8s:]"),
	}
	w.connect(t)
	w.start(t)
	w.newKey(t, "reader", rotating...)
	w.awaitReady(t, "reader")
	ours := w.held(t)
	w.awaitPolls(t, 3)
	w.remove(t, &v1alpha1.ApiKey{}, "reader")
	w.awaitGone(t, &v1alpha1.ApiKey{}, "reader")
	for _, id := range foreign {
		if !w.alive(id) {
			t.Errorf("key %s of somebody else was revoked", id)
		}
	}
	if w.alive(ours) || w.Stats().Revoked != 1 {
		t.Errorf("our key %s lives: %v; %d keys were revoked, want 1", ours, w.alive(ours), w.Stats().Revoked)
	}
}

// The HCP Terraform operator crashes on an object whose pool it cannot find.
func TestOperatorPeerHCPNilPool(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.start(t)
	w.newKey(t, "reader", "scopes: [inventory:read]", "connectionRef: {name: nowhere}")
	w.awaitUnready(t, "reader", v1alpha1.ReasonWaitingForConnection)
	w.newKey(t, "unused", "scopes: [inventory:read]", "connectionRef: {name: nowhere}")
	w.remove(t, &v1alpha1.ApiKey{}, "unused")
	w.awaitGone(t, &v1alpha1.ApiKey{}, "unused")

	w.connect(t)
	w.apply(t, fmt.Sprintf(`
apiVersion: betterdata.co/v1alpha1
kind: Connection
metadata: {name: nowhere}
spec: {baseURL: %q, tokenSecretRef: {name: betterdata-token}, pollInterval: 10s}
`, w.url))
	w.awaitReady(t, "reader") // by itself, once it is there
	eventually(t, func(ctx context.Context) error { return w.settled(ctx, "reader") })
}
