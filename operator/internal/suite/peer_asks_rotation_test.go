package suite

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"slices"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"

	"github.com/betterdataco/terraform-provider-betterdata/apiclient/sandbox"
	"github.com/betterdataco/terraform-provider-betterdata/operator/api/v1alpha1"
)

// wso2/open-cloud-datacenter/issues/299: an annotation rotates, the old key lives on for a time that status shows, and is then
// revoked without another trigger; there are events of both.
func TestOperatorAsk02AnnotationRotates(t *testing.T) {
	t.Parallel()
	const overlap = 30 * time.Second // what is asked about it is asked within it, also on a busy machine
	w := newWorld(t)
	w.connect(t, "pollInterval: 24h") // so that nothing else makes the operator look
	w.start(t)
	w.newKey(t, "reader", "scopes: [inventory:read]", fmt.Sprintf("rotation: {interval: 10h, overlap: %v}", overlap))
	w.awaitReady(t, "reader")
	old := w.held(t)
	w.rotate(t, "2026-11-23")
	var revokeAt time.Time
	w.awaitStatus(t, func(s v1alpha1.ApiKeyStatus) error {
		previous := s.PreviousKeys
		if len(previous) != 1 || previous[0].ID != old || previous[0].RevokeAt == nil {
			return fmt.Errorf("status shows the previous keys %+v", previous)
		}
		revokeAt = previous[0].RevokeAt.Time
		return nil
	})
	if left := time.Until(revokeAt); left > overlap || !w.alive(old) {
		t.Errorf("the old key is to be revoked in %v, and lives: %v; the overlap is %v", left, w.alive(old), overlap)
	}
	eventually(t, func(context.Context) error { return unless(!w.alive(old), "the old key lives") })
	if early := time.Until(revokeAt); early > 0 {
		t.Errorf("the old key was revoked %v too early", early)
	}
	w.awaitEvent(t, "reader", "KeyIssued")
	w.awaitEvent(t, "reader", "KeyRevoked")

	leaked := w.held(t)
	w.annotate(t, "reader", v1alpha1.AnnotationRotateOverlap, "0s")
	w.rotate(t, "leaked")
	eventually(t, func(context.Context) error { return unless(!w.alive(leaked), "the leaked key lives") })
	w.mustHaveIssued(t, 1, 2)
}

// external-secrets/issues/6728: three broken secrets cost 560 calls a day more. Here they cost none beyond the one that was
// refused, and its repair is tried at once.
func TestOperatorAsk03BrokenSecretsCostCalls(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	defer w.instead(w.refusingScope("nonsense:read"))()
	w.inService(t)
	w.apply(t, "apiVersion: v1\nkind: Secret\nmetadata: {name: foreign}\nstringData: {theirs: \"1\"}\n")
	w.newKey(t, "foreign")
	w.newKey(t, "template", "scopes: [inventory:read]", `secret: {template: {".env": "{{ .Nonsense }}"}}`)
	w.newKey(t, "window", "scopes: [inventory:read]", `rotation: {interval: 10h, overlap: 1h, window: {schedule: "0 2 30 2 *", duration: 1h}}`)
	w.newKey(t, "scopes", "scopes: [nonsense:read]")
	for name, reason := range map[string]string{
		"foreign": v1alpha1.ReasonSecretConflict, "template": v1alpha1.ReasonInvalidTemplate,
		"window": v1alpha1.ReasonInvalidWindow, "scopes": v1alpha1.ReasonRequestRefused,
	} {
		w.awaitUnready(t, name, reason)
	}
	w.awaitPolls(t, 1)
	arrived, polls := w.arrived.Load(), w.polls.Load()
	w.awaitPolls(t, 3)
	if calls, listings := w.arrived.Load()-arrived, w.polls.Load()-polls; calls > listings+1 {
		t.Errorf("%d calls in %d polls, want one for each listing", calls, listings)
	}
	w.newKey(t, "scopes")
	corrected := time.Now()
	w.awaitReady(t, "scopes")
	if took := time.Since(corrected); took > time.Minute { // a refused request is repeated after five at the earliest
		t.Errorf("the corrected ApiKey was ready after %v", took)
	}
	w.mustHaveIssued(t, 2, 0)
}

// refusingScope is the API, but that it answers 400 to whoever asks for a scope that it does not know.
func (n *tenant) refusingScope(scope string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			panic(http.ErrAbortHandler)
		}
		r.Body = io.NopCloser(bytes.NewReader(body))
		if !bytes.Contains(body, []byte(scope)) {
			n.API().ServeHTTP(w, r)
			return
		}
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(http.StatusBadRequest)
		_, _ = io.WriteString(w, `{"error": "unknown scope", "code": "VALIDATION_ERROR"}`)
	}
}

// external-secrets/issues/4231: whoever creates many secrets at once, or has many due at once, runs into the API's limit.
func TestOperatorAsk04SpikesHitTheLimit(t *testing.T) {
	t.Parallel()
	const keys = 30
	w := newWorld(t, sandbox.WithRateLimits(sandbox.RateLimit{Requests: 20, Per: 4 * time.Second}))
	w.connect(t)
	w.start(t)
	var names []string
	for i := range keys {
		names = append(names, fmt.Sprintf("reader-%02d", i))
		w.newKey(t, names[i], "scopes: [inventory:read]", "rotation: {interval: 2160h}")
	}
	w.awaitReady(t, names...)
	w.mustHaveIssued(t, keys, 0)
	refused := 0
	for _, outcomes := range w.Stats().Outcomes {
		refused += outcomes["429"]
	}
	if refused > 2 {
		t.Errorf("%d requests were over the limit: %+v", refused, w.Stats().Outcomes)
	}
	due := map[time.Duration]bool{}
	for _, name := range names {
		status := w.status(t, name)
		due[status.NextRotationTime.Sub(status.IssuedAt.Time)] = true
	}
	if len(due) < keys*2/3 {
		t.Errorf("the next rotations of %d keys fall on %d moments", keys, len(due))
	}
}

// grafana/terraform-provider-grafana/issues/1705: a rotation deletes the old key at once, and nobody can update all that uses
// it in time. Here it lives for the overlap, and is in the Secret if that is wished.
func TestOperatorAsk15OldKeyDeletedAtOnce(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.inService(t, "scopes: [inventory:read]", "rotation: {interval: 10h, overlap: 1h}", "secret: {publishPrevious: true}")
	old := w.entry(t.Context(), "reader")
	w.rotate(t, "now")
	w.awaitPolls(t, 2)
	secret := &corev1.Secret{}
	w.mustGet(t, "reader", secret)
	current := string(secret.Data["api-key"])
	if !w.alive(w.identify(old)) || string(secret.Data["previous-api-key"]) != old || !w.alive(w.identify(current)) || current == old {
		t.Errorf("the old key lives: %v; the Secret holds %s and, as the previous key, %s", w.alive(w.identify(old)),
			w.identify(current), w.identify(string(secret.Data["previous-api-key"])))
	}
	if reasons, err := w.events(t.Context(), "reader"); err != nil || slices.Contains(reasons, "KeyRevoked") {
		t.Errorf("events %v: %v", reasons, err)
	}
}
