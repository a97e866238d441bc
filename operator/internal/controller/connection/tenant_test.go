package connection

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"k8s.io/apimachinery/pkg/api/meta"

	"github.com/betterdataco/terraform-provider-betterdata/operator/api/v1alpha1"
	"github.com/betterdataco/terraform-provider-betterdata/operator/internal/controller/apikey"
)

// Where the API lists none of the keys that ledgers record, absence proves nothing, until a person accepts the tenant. An
// acceptance counts for the token Secret of that moment alone.
func TestOperatorTenantMismatchAndItsAcceptance(t *testing.T) {
	t.Parallel()
	w := newWorld(t, settings{})
	c := w.connected("default", func(c *v1alpha1.Connection) { c.Spec.PollInterval = "24h" })
	a := w.apiKey("a", c)
	issued := w.mint(w.api, w.url, string(a.UID))
	w.awaitFinalizer(c, true)
	w.ledgers.record(c, apikey.Known{ID: issued.ID, OwnerUID: string(a.UID), Namespace: w.namespace, IssuedAt: w.now().Add(-time.Hour)})
	w.poke(c)

	other, elsewhere := w.serve()
	w.setToken(other.SessionToken())
	w.awaitReason(c, v1alpha1.ReasonTokenRejected) // the new token at the old address
	w.wokenSince()
	w.patch(c, func() { c.Spec.BaseURL = elsewhere })
	w.awaitReason(c, v1alpha1.ReasonTenantMismatch)
	if !meta.IsStatusConditionTrue(c.Status.Conditions, v1alpha1.ConditionStalled) {
		t.Errorf("not stalled: %s", summary(c.Status.Conditions))
	}
	if diff := cmp.Diff([]apikey.Ref{w.ref("a")}, w.wokenSince()); diff != "" {
		t.Errorf("woken by the mismatch (-want +got):\n%s", diff)
	}

	accept := func(value string) {
		w.patch(c, func() { annotate(c, v1alpha1.AnnotationAcceptTenant, value) })
	}
	accept("1")
	w.awaitReason(c, v1alpha1.ReasonConnected)
	if c.Status.LastHandledAcceptTenant != "1" || c.Status.AcceptedTenant == "" {
		t.Errorf("acceptance: %q, %q", c.Status.LastHandledAcceptTenant, c.Status.AcceptedTenant)
	}
	if diff := cmp.Diff([]apikey.Ref{w.ref("a")}, w.wokenSince()); diff != "" {
		t.Errorf("woken by the acceptance (-want +got):\n%s", diff)
	}

	accepted := c.Status.AcceptedTenant
	w.setToken(other.NewSessionToken())
	w.awaitReason(c, v1alpha1.ReasonTenantMismatch)
	if c.Status.AcceptedTenant != accepted {
		t.Errorf("accepted by itself: %q", c.Status.AcceptedTenant)
	}
	accept("2")
	w.awaitReason(c, v1alpha1.ReasonConnected)

	w.setToken(w.api.SessionToken())
	w.patch(c, func() { c.Spec.BaseURL = w.url })
	w.awaitReason(c, v1alpha1.ReasonConnected) // a known key is listed: nobody needs to accept anything
	if c.Status.LastHandledAcceptTenant != "2" {
		t.Errorf("last handled: %q", c.Status.LastHandledAcceptTenant)
	}
}

// Nobody can accept a tenant that does not answer: the annotation waits until it does.
func TestOperatorAcceptanceWaitsForAnAnswer(t *testing.T) {
	t.Parallel()
	w := newWorld(t, settings{})
	w.secret("default", "wrong")
	c := w.connection("default", func(c *v1alpha1.Connection) { annotate(c, v1alpha1.AnnotationAcceptTenant, "from a backup") })
	w.awaitReason(c, v1alpha1.ReasonTokenRejected)
	if c.Status.LastHandledAcceptTenant != "from a backup" || c.Status.AcceptedTenant != "" {
		t.Errorf("a value that was there from the start: %+v", c.Status)
	}
	mark := w.mark()
	w.patch(c, func() { annotate(c, v1alpha1.AnnotationAcceptTenant, "1") })
	await(t, "the annotation is seen", func() string {
		if len(w.since(mark)) == 0 {
			return "nothing"
		}
		return ""
	})
	w.awaitReason(c, v1alpha1.ReasonTokenRejected)
	if c.Status.LastHandledAcceptTenant != "from a backup" || c.Status.AcceptedTenant != "" {
		t.Errorf("accepted without an answer: %+v", c.Status)
	}
	w.setToken(w.api.SessionToken())
	w.awaitReason(c, v1alpha1.ReasonConnected)
	if c.Status.LastHandledAcceptTenant != "1" || c.Status.AcceptedTenant == "" {
		t.Errorf("acceptance: %q, %q", c.Status.LastHandledAcceptTenant, c.Status.AcceptedTenant)
	}
}
