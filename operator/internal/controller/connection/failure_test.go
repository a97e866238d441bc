package connection

import (
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/betterdataco/terraform-provider-betterdata/apiclient/sandbox"
	"github.com/betterdataco/terraform-provider-betterdata/operator/api/v1alpha1"
	"github.com/betterdataco/terraform-provider-betterdata/operator/internal/controller/apikey"
)

// Each way in which the API fails shows as its reason, costs few requests, mints and revokes nothing, and ends by itself:
// the ApiKeys are then looked at.
func TestOperatorFailures(t *testing.T) {
	t.Parallel()
	fault := func(kind sandbox.FaultKind) (begin, end func(*world)) {
		return func(w *world) { w.api.AddFault(sandbox.Fault{Operation: sandbox.OpList, Kind: kind}) },
			func(w *world) { w.api.ClearFaults() }
	}
	tests := map[string]struct {
		begin, end     func(*world)
		reason         string
		authentication v1alpha1.AuthenticationState
		stalled        bool
	}{
		"401": {
			begin:  func(w *world) { w.api.RevokeSessionToken(w.api.SessionToken()) },
			end:    func(w *world) { w.setToken(w.api.NewSessionToken()) },
			reason: v1alpha1.ReasonTokenRejected, authentication: v1alpha1.AuthenticationRejected, stalled: true,
		},
		"403": {
			begin:  func(w *world) { w.api.SetOrganisationActive(false) },
			end:    func(w *world) { w.api.SetOrganisationActive(true) },
			reason: v1alpha1.ReasonTokenForbidden, authentication: v1alpha1.AuthenticationForbidden, stalled: true,
		},
		"500":           {reason: v1alpha1.ReasonAPIUnavailable, authentication: v1alpha1.AuthenticationAccepted},
		"HTML":          {reason: v1alpha1.ReasonAPIUnavailable, authentication: v1alpha1.AuthenticationAccepted},
		"unknown shape": {reason: v1alpha1.ReasonAPIUnavailable, authentication: v1alpha1.AuthenticationAccepted},
		"cut off":       {reason: v1alpha1.ReasonAPIUnavailable, authentication: v1alpha1.AuthenticationAccepted},
	}
	kinds := map[string]sandbox.FaultKind{
		"500": sandbox.FaultServerError, "HTML": sandbox.FaultBadGateway, "unknown shape": sandbox.FaultUnknownShape, "cut off": sandbox.FaultCutBefore,
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if kind, ok := kinds[name]; ok {
				test.begin, test.end = fault(kind)
			}
			w := newWorld(t, settings{})
			c := w.connected("default")
			w.apiKey("a", c)
			w.awaitFinalizer(c, true)
			live := len(w.api.LiveKeys())

			test.begin(w)
			w.advance(c, v1alpha1.DefaultPollInterval)
			w.awaitReason(c, test.reason)
			if c.Status.Authentication != test.authentication {
				t.Errorf("authentication %q, want %q", c.Status.Authentication, test.authentication)
			}
			if stalled := meta.IsStatusConditionTrue(c.Status.Conditions, v1alpha1.ConditionStalled); stalled != test.stalled {
				t.Errorf("stalled: %t: %s", stalled, summary(c.Status.Conditions))
			}
			w.wokenSince()
			before, began := w.api.Stats().Total, time.Now()
			for range 10 {
				w.poke(c)
			}
			extra, took := w.api.Stats().Total-before, time.Since(began)
			if most := 2 * (1 + int(took/(5*time.Second))); extra > most { // the first retry is due after 5 s, and may be repeated once
				t.Errorf("%d requests in %s while the failure is known, want none but retries: %d", extra, took, most)
			}

			test.end(w)
			w.advance(c, 15*time.Minute)
			w.awaitReason(c, v1alpha1.ReasonConnected)
			if diff := cmp.Diff([]apikey.Ref{w.ref("a")}, w.wokenSince()); diff != "" {
				t.Errorf("ApiKeys woken by the recovery (-want +got):\n%s", diff)
			}
			if stats := w.api.Stats(); stats.Created+stats.Rotated+stats.Revoked+stats.Updated != 0 || len(w.api.LiveKeys()) != live {
				t.Errorf("something was changed: %+v", stats)
			}
		})
	}
}

// A write that fails tells of the connection too, although the listing of the interval is at hand. When the time of the
// failure is over only a new listing can tell that the API is back; the old one cannot, and waiting for its end is long.
func TestOperatorFailureBesideAListing(t *testing.T) {
	t.Parallel()
	w := newWorld(t, settings{})
	c := w.connected("default", func(c *v1alpha1.Connection) { c.Spec.PollInterval = "24h" })
	w.api.AddFault(sandbox.Fault{Operation: sandbox.OpRevoke, Kind: sandbox.FaultCutBefore})
	if err := w.pool.RevokeKey(t.Context(), c, "key"); err == nil {
		t.Fatal("the revocation did not fail")
	}
	// A listing would end the failure after 5 s, before a busy machine has seen it. That none is made until then is what keeps
	// this one from telling of itself.
	w.api.AddFault(sandbox.Fault{Operation: sandbox.OpList, Kind: sandbox.FaultCutBefore})
	w.poke(c)
	w.awaitReason(c, v1alpha1.ReasonAPIUnavailable)
	w.api.ClearFaults()
	before := w.api.Stats().Requests[sandbox.OpList]
	w.advance(c, 15*time.Minute)
	w.awaitReason(c, v1alpha1.ReasonConnected)
	if listed := w.api.Stats().Requests[sandbox.OpList] - before; listed > 2 {
		t.Errorf("%d listings", listed)
	}
}

// A quota that is used up is told with the time until it is not, and no request is made before.
func TestOperatorQuotaExhausted(t *testing.T) {
	t.Parallel()
	w := newWorld(t, settings{sandbox: []sandbox.Option{sandbox.WithRateLimits(sandbox.RateLimit{Requests: 1, Per: time.Hour})}})
	c := w.connected("default")
	if c.Status.Quota != v1alpha1.QuotaExhausted {
		t.Errorf("quota %q, want %q", c.Status.Quota, v1alpha1.QuotaExhausted)
	}
	w.advance(c, v1alpha1.DefaultPollInterval)
	w.awaitReason(c, v1alpha1.ReasonWaitingForQuota)
	before := w.api.Stats().Total
	w.poke(c)
	w.awaitReason(c, v1alpha1.ReasonWaitingForQuota)
	if after := w.api.Stats().Total; after != before {
		t.Errorf("%d requests, want none", after-before)
	}
	w.api.AdvanceClock(time.Hour)
	w.advance(c, time.Hour)
	w.awaitReason(c, v1alpha1.ReasonConnected)
}

// A token Secret that does not exist, or lacks the entry, is told at once, and its creation is seen at once.
func TestOperatorTokenMissing(t *testing.T) {
	t.Parallel()
	w := newWorld(t, settings{})
	c := w.connection("default")
	w.awaitReason(c, v1alpha1.ReasonTokenMissing)
	if total := w.api.Stats().Total; total != 0 {
		t.Errorf("%d requests without a token", total)
	}
	secret := w.secret("default", "")
	w.setToken(w.api.SessionToken())
	w.awaitReason(c, v1alpha1.ReasonConnected)

	w.must(w.admin.Delete(t.Context(), secret))
	w.awaitReason(c, v1alpha1.ReasonTokenMissing)
	w.secret("default", w.api.SessionToken())
	w.awaitReason(c, v1alpha1.ReasonConnected)
}

// The very next request after a change of the token Secret goes with the new token, although the poll is far away.
func TestOperatorChangedTokenIsUsedAtOnce(t *testing.T) {
	t.Parallel()
	w := newWorld(t, settings{})
	c := w.connected("default", func(c *v1alpha1.Connection) { c.Spec.PollInterval = "24h" })
	w.apiKey("a", c)
	w.awaitFinalizer(&corev1.Secret{ObjectMeta: metav1.ObjectMeta{Namespace: w.namespace, Name: "default"}}, true)
	w.bearers()
	w.wokenSince()
	fresh := w.api.NewSessionToken()
	w.setToken(fresh)
	var seen []string
	await(t, "a request with the new token", func() string {
		seen = append(seen, w.bearers()...)
		if len(seen) == 0 {
			return "no request"
		}
		return ""
	})
	if slices.ContainsFunc(seen, func(header string) bool { return header != "Bearer "+fresh }) {
		t.Errorf("a request went with the old token: %d requests", len(seen))
	}
	await(t, "the ApiKeys are looked at", func() string {
		if woken := w.wokenSince(); len(woken) != 1 {
			return "woken: " + cmp.Diff([]apikey.Ref{w.ref("a")}, woken)
		}
		return ""
	})
}
