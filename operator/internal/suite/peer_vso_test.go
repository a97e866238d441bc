package suite

import (
	"context"
	"slices"
	"sync/atomic"
	"testing"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"

	"github.com/betterdataco/terraform-provider-betterdata/apiclient/sandbox"
	"github.com/betterdataco/terraform-provider-betterdata/operator/api/v1alpha1"
	"github.com/betterdataco/terraform-provider-betterdata/operator/internal/testenv"
)

// The Vault Secrets Operator has a lease's id in status alone, and a status that cannot be written is an event: the lease is
// lost, and nobody revokes it.
func TestOperatorPeerVSOStatusOnlyLease(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.inService(t).kill()
	w.wipeStatus(t, "reader")
	w.remove(t, &v1alpha1.ApiKey{}, "reader")
	w.start(t)
	w.awaitGone(t, &v1alpha1.ApiKey{}, "reader")
	if live := w.liveKeys(); len(live) > 0 {
		t.Errorf("the keys %v are lost and live on", live)
	}
	w.mustHaveIssued(t, 1, 0)
}

// The Vault Secrets Operator adds its finalizer after the first sync: who deletes before that leaves a lease.
func TestOperatorPeerVSOFinalizerAfterFirstSync(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.connect(t)
	victim := w.startToDie(t, "after:CreateKey")
	w.newKey(t, "reader", rotating...)
	victim.awaitDeath(t)
	w.remove(t, &v1alpha1.ApiKey{}, "reader")
	w.mustGet(t, "reader", &v1alpha1.ApiKey{}) // it is held
	w.start(t)
	w.awaitGone(t, &v1alpha1.ApiKey{}, "reader")
	if live := w.liveKeys(); len(live) > 0 {
		t.Errorf("the keys %v are left", live)
	}
}

// vault-secrets-operator/issues/1051: any edit of the spec makes a new lease.
func TestOperatorPeerVSOSpecEditMintsAsk06(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.inService(t)
	key := w.entry(t.Context(), "reader")
	for _, edit := range [][]string{
		{"scopes: [inventory:read]", "rotation: {interval: 2h, overlap: 1m}"},
		{"scopes: [inventory:read]"},
		{"scopes: [inventory:read]", "displayName: another name"},
		{"scopes: [inventory:read, forecast:read]", "displayName: another name"},
		{"scopes: [inventory:read]", "secret: {annotations: {example.com/owner: forecast}}", "restart: [{kind: Deployment, name: none}]"},
		{"scopes: [inventory:read]", `secret: {template: {".env": "KEY={{ .Key }}"}}`, "onRevoked: Hold", "deletionPolicy: Retain"},
	} {
		w.newKey(t, "reader", edit...)
		w.awaitReady(t, "reader")
	}
	eventually(t, func(ctx context.Context) error {
		secret := &corev1.Secret{}
		if err := w.get(ctx, "reader", secret); err != nil {
			return err
		}
		return unless(string(secret.Data[".env"]) == "KEY="+key && string(secret.Data["api-key"]) == key, "the Secret does not show the same key")
	})
	w.mustHaveIssued(t, 1, 0)
	if s := w.Stats(); s.Updated == 0 || s.Revoked != 0 {
		t.Errorf("%+v: want the changes of name and scopes to have been sent, and nothing revoked", s)
	}
}

// The Vault Secrets Operator ignores that a revocation failed when it deletes: a dangling lease, in the words of its source.
func TestOperatorPeerVSODanglingLease(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.inService(t)
	fault := w.AddFault(sandbox.Fault{Operation: sandbox.OpRevoke, Kind: sandbox.FaultBadGateway})
	w.remove(t, &v1alpha1.ApiKey{}, "reader")
	w.awaitUnready(t, "reader", v1alpha1.ReasonRevocationPending)
	eventually(t, func(context.Context) error {
		return unless(w.Stats().Requests[sandbox.OpRevoke] >= 3, "not tried again: %+v", w.Stats())
	})
	w.mustGet(t, "reader", &v1alpha1.ApiKey{})
	w.RemoveFault(fault)
	w.awaitGone(t, &v1alpha1.ApiKey{}, "reader")
	if live := w.liveKeys(); len(live) > 0 {
		t.Errorf("the keys %v are left", live)
	}
}

// vault-secrets-operator/issues/285 and 959: a restart of the operator rolls every workload, and renews every lease.
func TestOperatorPeerVSORestartRollsWorkloadsAsk05(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.deploy(t, "forecaster")
	o := w.inService(t, append(slices.Clone(rotating), "restart: [{kind: Deployment, name: forecaster}]")...)
	w.rotate(t, "now")
	w.awaitSettled(t, "reader") // the replaced key lives until the workload has rolled
	if deployment := w.deployment(t, "forecaster"); deployment.Generation != 2 {
		t.Fatalf("generation %d after a rotation, want 2", deployment.Generation)
	}

	w.awaitQuiet(t) // the connection's status counts live keys
	o.kill()
	before := w.Stats()
	mark := w.auditMark(t)
	w.start(t)
	w.awaitPolls(t, 2)
	if deployment := w.deployment(t, "forecaster"); deployment.Generation != 2 {
		t.Errorf("generation %d after a restart of the operator, want 2", deployment.Generation)
	}
	after := w.Stats()
	if listings := after.Requests[sandbox.OpList] - before.Requests[sandbox.OpList]; changes(after) != changes(before) || listings > 3 {
		t.Errorf("a restart cost %d listings and %d other requests in 2 polls", listings, changes(after)-changes(before))
	}
	if writes := w.audited(t, mark).Writes().Where(func(r testenv.Request) bool { return r.Resource != "leases" }); len(writes) > 0 {
		t.Errorf("a restart wrote:\n%v", writes)
	}
}

// deployment is the Deployment as it is now.
func (w *world) deployment(t *testing.T, name string) *appsv1.Deployment {
	t.Helper()
	deployment := &appsv1.Deployment{}
	w.mustGet(t, name, deployment)
	return deployment
}

// vault-secrets-operator/issues/1134: a conflict at the status leaves the Secret with another lease than the one that is
// renewed, and it expires in use.
func TestOperatorAsk07StatusConflict(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.inService(t)
	consumer := w.consume(t, "reader")
	consumer.mustWork(t)
	ctx, cancel := context.WithCancel(t.Context())
	var meddled atomic.Int64
	ended := make(chan struct{})
	go func() { defer close(ended); w.meddle(ctx, &meddled) }()
	awaitMeddled := func(times int64) {
		t.Helper()
		eventually(t, func(context.Context) error {
			return unless(meddled.Load() >= times, "the status was overwritten %d times only", meddled.Load())
		})
	}
	awaitMeddled(1) // from here on it goes on all the time
	for _, token := range []string{"one", "two"} {
		w.rotate(t, token)
		awaitMeddled(meddled.Load() + 2)
	}
	cancel()
	<-ended
	w.awaitReady(t, "reader")
	w.awaitSettled(t, "reader")
	held := w.held(t)
	w.awaitStatus(t, func(s v1alpha1.ApiKeyStatus) error { return unless(s.KeyID == held, "status tells key %s", s.KeyID) })
	consumer.mustNeverFail(t)
	w.mustHaveIssued(t, 1, 2)
}

// meddle writes the ApiKey and its status over and over, so that whoever goes by an older version gets a conflict, and
// counts how often it did. Now and then it pauses, as the busiest of tools do.
func (w *world) meddle(ctx context.Context, times *atomic.Int64) {
	ticker := time.NewTicker(100 * time.Millisecond)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
		apiKey := &v1alpha1.ApiKey{}
		if w.get(ctx, "reader", apiKey) != nil {
			continue
		}
		apiKey.Status.KeyID = "key_wrong"
		if w.admin.Status().Update(ctx, apiKey) == nil {
			times.Add(1)
		}
	}
}
