package connection

import (
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/betterdataco/terraform-provider-betterdata/apiclient/sandbox"
	"github.com/betterdataco/terraform-provider-betterdata/operator/api/v1alpha1"
	"github.com/betterdataco/terraform-provider-betterdata/operator/internal/controller/apikey"
)

// Connections that have nothing new to tell write nothing, list once in each interval, and wake nobody. This one runs by
// the real clock: the polls come by themselves.
func TestOperatorSteadyConnections(t *testing.T) {
	t.Parallel()
	const connections, polls = 3, 3
	w := newWorld(t, settings{})
	var all []*v1alpha1.Connection
	for i := range connections {
		name := fmt.Sprintf("c%d", i)
		c := w.connected(name, func(c *v1alpha1.Connection) { c.Spec.PollInterval = "10s" })
		w.holds(c, w.apiKey(name, c))
		w.awaitFinalizer(c, true)
		all = append(all, c)
	}
	listed := func() int { return w.api.Stats().Requests[sandbox.OpList] }
	awaitPolls := func(n int) {
		t.Helper()
		target := listed() + n*connections
		await(t, "polls", func() string {
			if listed() < target {
				return fmt.Sprintf("%d listings, want %d", listed(), target)
			}
			return ""
		})
	}
	for _, c := range all {
		w.awaitObject(c, "its poll has seen all keys", func() string { return cmp.Diff(int32(connections), *c.Status.LiveKeys) })
	}
	awaitPolls(1)
	w.wokenSince()
	mark, began, before := w.mark(), time.Now(), listed()
	awaitPolls(polls)
	elapsed := time.Since(began)
	if most := connections * (int(elapsed/(10*time.Second)) + 1); listed()-before > most {
		t.Errorf("%d listings in %s, want at most %d", listed()-before, elapsed, most)
	}
	if writes := w.since(mark).Writes(); len(writes) > 0 {
		t.Errorf("writes in steady state:\n%s", writes)
	}
	if woken := w.wokenSince(); len(woken) > 0 {
		t.Errorf("woken without reason: %v", woken)
	}
}

// A status that somebody wiped or edited is written again, at the cost of no request to the API.
func TestOperatorWipedStatus(t *testing.T) {
	t.Parallel()
	w := newWorld(t, settings{})
	c := w.connected("default")
	w.mint(w.api, w.url, uidGone)
	w.advance(c, v1alpha1.DefaultPollInterval)
	w.awaitObject(c, "the second poll", func() string { return cmp.Diff(int32(1), *c.Status.LiveKeys) })
	want, before := c.Status.DeepCopy(), w.api.Stats().Total
	c.Status = v1alpha1.ConnectionStatus{}
	w.must(w.admin.Status().Update(t.Context(), c))
	w.awaitReason(c, v1alpha1.ReasonConnected)
	for i := range c.Status.Conditions {
		c.Status.Conditions[i].LastTransitionTime = want.Conditions[i].LastTransitionTime
	}
	if diff := cmp.Diff(want, &c.Status); diff != "" {
		t.Errorf("status (-before +after):\n%s", diff)
	}
	if after := w.api.Stats().Total; after != before {
		t.Errorf("%d requests to the API, want none", after-before)
	}
}

// What changes at the API wakes the ApiKey that it concerns, and no other.
func TestOperatorChangesWakeTheirApiKeys(t *testing.T) {
	t.Parallel()
	w := newWorld(t, settings{})
	c := w.connected("default")
	revoked := ""
	for _, name := range []string{"a", "b", "c"} {
		revoked = w.holds(c, w.apiKey(name, c)).ID
	}
	w.advance(c, v1alpha1.DefaultPollInterval)
	w.awaitObject(c, "three live keys", func() string { return cmp.Diff(int32(3), *c.Status.LiveKeys) })
	w.wokenSince()
	w.must(w.api.EditKey(revoked, func(k *sandbox.Key) { k.Status = "REVOKED" }))
	w.advance(c, v1alpha1.DefaultPollInterval)
	w.awaitObject(c, "two live keys", func() string { return cmp.Diff(int32(2), *c.Status.LiveKeys) })
	if diff := cmp.Diff([]apikey.Ref{w.ref("c")}, w.wokenSince()); diff != "" {
		t.Errorf("woken (-want +got):\n%s", diff)
	}
}

// An ApiKey whose revocation is pending for more than a day shows on its connection.
func TestOperatorRevocationOverdue(t *testing.T) {
	t.Parallel()
	w := newWorld(t, settings{})
	c := w.connected("default")
	a := w.apiKey("a", c)
	w.awaitFinalizer(c, true)
	w.must(w.admin.Delete(t.Context(), a))
	w.advance(c, 25*time.Hour)
	w.awaitObject(c, "overdue", func() string {
		for _, condition := range c.Status.Conditions {
			if condition.Type == v1alpha1.ConditionRevocationOverdue && condition.Reason == v1alpha1.ReasonKeysUnrevoked {
				return ""
			}
		}
		return summary(c.Status.Conditions)
	})
	w.letGo(a)
	w.awaitObject(c, "no longer overdue", func() string {
		return cmp.Diff("Ready=True/Connected Authenticated=True/Connected", summary(c.Status.Conditions))
	})
}
