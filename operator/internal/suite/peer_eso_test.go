package suite

import (
	"context"
	"slices"
	"strings"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"

	"github.com/betterdataco/terraform-provider-betterdata/apiclient/sandbox"
	"github.com/betterdataco/terraform-provider-betterdata/operator/api/v1alpha1"
)

// At External Secrets a crash between Generate and Commit leaves a live token under a random name that is recorded nowhere.
func TestOperatorPeerESOKeyRecordedNowhere(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.connect(t)
	victim := w.startToDie(t, "after:CreateKey")
	w.newKey(t, "reader", rotating...)
	victim.awaitDeath(t)
	ledgers, err := w.ledgers(t.Context())
	if live := w.LiveKeys(); err != nil || len(ledgers) != 0 || len(live) != 1 || !strings.Contains(live[0].Name, "[k8s:") {
		t.Fatalf("after the crash: live keys %+v, want one under the operator's marker; ledgers %v, want none: %v", live, ledgers, err)
	}
	lost := w.liveKeys()[0]

	w.start(t)
	w.awaitReady(t, "reader")
	w.awaitSettled(t, "reader")
	if w.alive(lost) || w.held(t) == lost {
		t.Errorf("the key %s, whose plaintext is lost, lives on", lost)
	}
	w.mustHaveIssued(t, 2, 0)
}

// At External Secrets a Secret that cannot be written after Commit makes a new token at every retry.
func TestOperatorPeerESOMintPerRetry(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.connect(t)
	end := w.refuseSecret(t, "reader")
	mark := w.auditMark(t)
	w.start(t)
	w.newKey(t, "reader", rotating...)
	w.awaitRefusals(t, mark, 2)
	w.mustHaveIssued(t, 1, 0)
	first := w.liveKeys()

	end()
	w.awaitReady(t, "reader")
	if held := w.held(t); len(first) != 1 || held != first[0] {
		t.Errorf("the Secret holds %s, want the key that was made before the refusals: %v", held, first)
	}
	w.mustHaveIssued(t, 1, 0)
}

// At External Secrets any change of a label or annotation makes a new token, because the hash that is compared has them in.
func TestOperatorPeerESORemintOnMetadata(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.inService(t)
	key := w.entry(t.Context(), "reader")
	w.annotate(t, "reader", "argocd.argoproj.io/tracking-id", "shop")
	w.annotate(t, "reader", "kubectl.kubernetes.io/last-applied-configuration", "{}")
	w.patch(t, &v1alpha1.ApiKey{}, "reader", `{"metadata":{"labels":{"app.kubernetes.io/instance":"shop"}}}`)
	w.patch(t, &corev1.Secret{}, "reader", `{"metadata":{"labels":{"theirs":"1"},"annotations":{"theirs":"1"}}}`)
	w.newKey(t, "reader", append(slices.Clone(rotating), "secret: {labels: {team: forecast}, annotations: {example.com/owner: forecast}}")...)
	eventually(t, func(ctx context.Context) error {
		secret := &corev1.Secret{}
		if err := w.get(ctx, "reader", secret); err != nil {
			return err
		}
		return unless(secret.Labels["team"] == "forecast" && secret.Labels["theirs"] == "1", "labels %v", secret.Labels)
	})
	w.awaitPolls(t, 1)
	if w.entry(t.Context(), "reader") != key {
		t.Error("the Secret holds another key")
	}
	w.mustHaveIssued(t, 1, 0)
}

// At External Secrets the controller that revokes never writes its conditions, so that nobody sees it fail.
func TestOperatorPeerESOInvisibleRevokeFailure(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.inService(t)
	old := w.held(t)
	fault := w.AddFault(sandbox.Fault{Operation: sandbox.OpRevoke, Kind: sandbox.FaultServerError})
	w.rotate(t, "now")
	w.awaitEvent(t, "reader", "RevocationFailed")
	previous := w.status(t, "reader").PreviousKeys
	if len(previous) != 1 || previous[0].ID != old || previous[0].RevokeAt == nil || !w.alive(old) {
		t.Errorf("status shows the previous keys %+v, want %s with the time of its revocation", previous, old)
	}

	w.RemoveFault(fault)
	w.awaitSettled(t, "reader")
	w.awaitStatus(t, func(s v1alpha1.ApiKeyStatus) error {
		return unless(len(s.PreviousKeys) == 0, "status still shows the revoked key: %+v", s.PreviousKeys)
	})
}

// external-secrets/issues/6681: a superseded token lives until the rotation after next, and one annotation of the target
// makes several tokens.
func TestOperatorPeerESO6681Ask01(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.inService(t, "scopes: [inventory:read]", "rotation: {interval: 10h, overlap: 2s}")
	old := w.held(t)
	w.rotate(t, "now")
	replaced := time.Now()
	for _, value := range []string{"1", "2", "3", "4", "5"} {
		w.patch(t, &corev1.Secret{}, "reader", `{"metadata":{"annotations":{"example.com/touched":"`+value+`"}}}`)
	}
	w.awaitSettled(t, "reader") // without another rotation, of which the next is 10 hours away
	if took := time.Since(replaced); w.alive(old) || took > time.Minute {
		t.Errorf("the replaced key was revoked after %v; its overlap is 2s", took)
	}
	w.mustHaveIssued(t, 1, 1)
}

// The webhook generator of External Secrets keeps no state and revokes nothing: every value that it has made lives on.
func TestOperatorPeerESOWebhookLeaksPrevious(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.inService(t)
	for _, token := range []string{"one", "two", "three"} {
		w.rotate(t, token)
	}
	w.awaitSettled(t, "reader")
	w.mustHaveIssued(t, 1, 3)
	if revoked := w.Stats().Revoked; revoked != 3 {
		t.Errorf("%d keys were revoked, want 3", revoked)
	}
}
