package suite

import (
	"context"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"

	"github.com/betterdataco/terraform-provider-betterdata/apiclient/sandbox"
	"github.com/betterdataco/terraform-provider-betterdata/operator/api/v1alpha1"
)

// OpenShift's credential operator deletes every key of its user and makes one, when the Secret is missing or a listing lacks
// the key's id: nobody can work in between.
func TestOperatorPeerCCOOutageWindow(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	other := w.issue(t, "of somebody else")
	o := w.inService(t)
	key := w.entry(t.Context(), "reader")
	consumer := w.consume(t, "reader")
	consumer.mustWork(t)

	fault := w.AddFault(sandbox.Fault{Operation: sandbox.OpList, Kind: sandbox.FaultListingLag, Latency: time.Hour}) // no key yet
	w.awaitPolls(t, 1)
	o.kill()
	w.remove(t, &corev1.Secret{}, "reader")
	w.start(t)
	w.awaitPolls(t, 2)
	w.RemoveFault(fault)
	eventually(t, func(ctx context.Context) error { // status alone may be that of the time before
		return unless(w.entry(ctx, "reader") == key, "the Secret holds %q", w.identify(w.entry(ctx, "reader")))
	})
	w.awaitReady(t, "reader")
	if !w.alive(other) {
		t.Error("the key of somebody else does not live")
	}
	consumer.mustWork(t)
	consumer.mustNeverFail(t)
	w.mustHaveIssued(t, 2, 0)
	if revoked := w.Stats().Revoked; revoked != 0 {
		t.Errorf("%d keys were revoked", revoked)
	}
}

// aiven-operator/pull/1290 names what a rotation needs: when the Secret cannot be written, retries publish the same
// credential. Before that, the old one works.
func TestOperatorPeerAivenSecretUpdateFails(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.inService(t, "scopes: [inventory:read]", "rotation: {interval: 10h, overlap: 0s}")
	consumer := w.consume(t, "reader")
	before := w.entry(t.Context(), "reader")
	end := w.refuseSecret(t, "reader")
	mark := w.auditMark(t)
	w.annotate(t, "reader", v1alpha1.AnnotationRotateRequestedAt, "now")
	w.awaitRefusals(t, mark, 2)
	if live := w.liveKeys(); len(live) != 2 || w.entry(t.Context(), "reader") != before {
		t.Errorf("live keys %v, want the one in service and its successor", live)
	}
	consumer.mustWork(t)
	end()
	eventually(t, func(ctx context.Context) error { return rotated(ctx, w, before) })
	w.awaitSettled(t, "reader")
	consumer.mustNeverFailInUse(t)
	w.mustHaveIssued(t, 1, 1)
}

// The Atlas operator fetches tokens anew and never revokes one.
func TestOperatorPeerAtlasTokensNotRevoked(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.inService(t, "scopes: [inventory:read]", "rotation: {interval: 10h, overlap: 1h}")
	w.rotate(t, "now")
	w.remove(t, &v1alpha1.ApiKey{}, "reader") // in the overlap
	w.awaitGone(t, &v1alpha1.ApiKey{}, "reader")
	if live := w.liveKeys(); len(live) > 0 || w.Stats().Revoked != 2 {
		t.Errorf("live keys %v, %d revoked, want none and 2", live, w.Stats().Revoked)
	}
}

// crossplane writes the connection Secret after it has noted that the creation succeeded: a crash or a conflict between the
// two loses the plaintext for good.
func TestOperatorPeerCrossplanePlaintextAfterConflict(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.connect(t)
	victim := w.startToDie(t, "after:CreateLedger")
	w.newKey(t, "reader", rotating...)
	victim.awaitDeath(t)
	made := w.liveKeys()
	w.apply(t, "apiVersion: v1\nkind: Secret\nmetadata: {name: reader}\nstringData: {theirs: \"1\"}\n") // came in between
	w.start(t)
	w.awaitUnready(t, "reader", v1alpha1.ReasonSecretConflict)
	w.remove(t, &corev1.Secret{}, "reader")
	w.awaitReady(t, "reader")
	if held := w.held(t); len(made) != 1 || held != made[0] {
		t.Errorf("the Secret holds %s, want the key made before the crash: %v", held, made)
	}
	w.mustHaveIssued(t, 1, 0)
}

// crossplane/issues/3037: after a create whose outcome is not known crossplane stops, until a person removes an annotation.
func TestOperatorPeerCrossplaneStuckCreateAsk08(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.AddFault(sandbox.Fault{Operation: sandbox.OpCreate, Kind: sandbox.FaultCutAfterCommit, Times: 1})
	w.inService(t) // by itself
	s := w.Stats()
	if lost := s.Outcomes[sandbox.OpCreate][string(sandbox.FaultCutAfterCommit)]; lost != 1 {
		t.Errorf("%d answers were lost, want 1: %+v", lost, s)
	}
	w.mustHaveIssued(t, 2, 0)
	if s.Revoked != 1 {
		t.Errorf("%d keys were revoked, want the one whose plaintext is lost", s.Revoked)
	}
}

// crossplane-contrib/provider-gitlab/issues/306: a token that has expired is still shown as Ready.
func TestOperatorPeerCrossplaneExpiredStaysReadyAsk15(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.inService(t, "scopes: [inventory:read]", "onRevoked: Hold")
	expired := w.held(t)
	past := time.Now().Add(-time.Minute)
	if err := w.EditKey(expired, func(key *sandbox.Key) { key.ExpiresAt = &past }); err != nil {
		t.Fatal(err)
	}
	w.awaitCondition(t, &v1alpha1.ApiKey{}, "reader", v1alpha1.ConditionReady, "False", v1alpha1.ReasonKeyDead)
	w.mustHaveIssued(t, 1, 0)

	w.newKey(t, "reader", "scopes: [inventory:read]", "onRevoked: Reissue")
	w.awaitReady(t, "reader")
	w.awaitSettled(t, "reader")
	if held := w.held(t); held == expired || !w.alive(held) {
		t.Errorf("the Secret holds %s, which lives: %v", held, w.alive(held))
	}
	w.mustHaveIssued(t, 2, 0)
}
