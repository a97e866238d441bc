package connection

import (
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"k8s.io/apimachinery/pkg/api/meta"

	"github.com/betterdataco/terraform-provider-betterdata/operator/api/v1alpha1"
	"github.com/betterdataco/terraform-provider-betterdata/operator/internal/controller/apikey"
)

// A value that was obeyed is not obeyed again by another process, nor is one that was there before there was a status: the
// tenant may be another one by now. Neither even asks what the tenant is: there is no pool here.
func TestAcceptanceCountsOnce(t *testing.T) {
	t.Parallel()
	obeyed := acceptance{request: "1", tenant: "stamp"}
	tests := map[string]struct {
		annotation string
		status     v1alpha1.ConnectionStatus
		memory     *acceptance
		want       *acceptance
	}{
		"no annotation":                 {status: v1alpha1.ConnectionStatus{ObservedGeneration: 1}},
		"obeyed by a former process":    {annotation: "1", status: v1alpha1.ConnectionStatus{ObservedGeneration: 1, LastHandledAcceptTenant: "1"}},
		"there from the start":          {annotation: "1"},
		"obeyed, and the cache lags":    {annotation: "1", status: v1alpha1.ConnectionStatus{ObservedGeneration: 1}, memory: &obeyed, want: &obeyed},
		"obeyed, and the status wiped":  {annotation: "1", memory: &obeyed, want: &obeyed},
		"obeyed, and the status has it": {annotation: "1", status: v1alpha1.ConnectionStatus{ObservedGeneration: 1, LastHandledAcceptTenant: "1"}, memory: &obeyed},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := &v1alpha1.Connection{Status: test.status}
			annotate(c, v1alpha1.AnnotationAcceptTenant, test.annotation)
			got, err := (&Reconciler{}).accepted(t.Context(), &scene{obj: c, memory: &memory{accepted: test.memory}})
			if err != nil || got != test.want {
				t.Errorf("got %v, %v; want %v", got, err, test.want)
			}
		})
	}
}

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
	w.awaitObject(c, "the acceptance", func() string { // the token may be seen before the annotation
		if c.Status.LastHandledAcceptTenant != "1" || c.Status.AcceptedTenant == "" {
			return fmt.Sprintf("%q, %q", c.Status.LastHandledAcceptTenant, c.Status.AcceptedTenant)
		}
		return ""
	})
	w.awaitReason(c, v1alpha1.ReasonConnected)
}
