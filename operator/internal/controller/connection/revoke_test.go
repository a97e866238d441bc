package connection

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/betterdataco/terraform-provider-betterdata/operator/api/v1alpha1"
)

// orphaned waits until the status names exactly these orphans.
func (w *world) orphaned(c v1alpha1.ConnectionObject, want ...string) {
	w.t.Helper()
	w.awaitObject(c, "orphans", func() string {
		var got []string
		for _, orphan := range c.ConnectionStatus().Orphans {
			got = append(got, orphan.ID)
		}
		if number := c.ConnectionStatus().OrphanedKeys; number == nil || int(*number) != len(want) {
			return "no number yet"
		}
		return cmp.Diff(want, got)
	})
}

func TestOperatorOrphansAreReported(t *testing.T) {
	t.Parallel()
	w := newWorld(t, settings{policy: OrphansReported, grace: time.Minute})
	orphan := w.mint(w.api, w.url, uidGone)
	c := w.connected("default")
	a := w.apiKey("a", c)
	w.mint(w.api, w.url, string(a.UID))
	for range 3 {
		w.anotherPoll(c)
	}
	w.poke(c)
	w.orphaned(c, orphan.ID)
	if stats := w.api.Stats(); stats.Revoked != 0 {
		t.Errorf("%d keys revoked without the policy", stats.Revoked)
	}
}

// With the policy an orphan is revoked once two listings, a grace apart, have shown it. A key of an ApiKey of another
// namespace, which the cache of this manager does not hold, is none: a live read finds its ApiKey.
func TestOperatorOrphansAreRevokedByPolicy(t *testing.T) {
	t.Parallel()
	w := newWorld(t, settings{policy: OrphansRevoked, grace: time.Minute})
	elsewhere := &v1alpha1.ApiKey{}
	elsewhere.Namespace, elsewhere.Name = w.environment.Namespace(t, nil), "elsewhere"
	elsewhere.Spec.Scopes = []string{"inventory:read"}
	w.must(w.admin.Create(t.Context(), elsewhere))
	w.mint(w.api, w.url, string(elsewhere.UID))

	orphan := w.mint(w.api, w.url, uidGone)
	c := w.connected("default")
	w.orphaned(c, orphan.ID)
	if stats := w.api.Stats(); stats.Revoked != 0 {
		t.Errorf("revoked at first sight: %d", stats.Revoked)
	}
	w.advance(c, v1alpha1.DefaultPollInterval)
	w.orphaned(c)
	if c.Status.OrphansRevoked != 1 || len(w.api.LiveKeys()) != 1 {
		t.Errorf("orphans revoked %d, live keys %v", c.Status.OrphansRevoked, w.api.LiveKeys())
	}
	w.advance(c, v1alpha1.DefaultPollInterval)
	w.awaitObject(c, "live keys", func() string {
		if *c.Status.LiveKeys != 1 || c.Status.OrphansRevoked != 1 {
			return summary(c.Status.Conditions)
		}
		return ""
	})
	if stats := w.api.Stats(); stats.Requests["revoke"] != 1 {
		t.Errorf("%d revocations requested, want 1", stats.Requests["revoke"])
	}
}

// In namespaced mode an ApiKey that is not seen may exist: nothing is said of orphans, and none is revoked.
func TestOperatorNamespacedModeJudgesNoOrphans(t *testing.T) {
	t.Parallel()
	w := newWorld(t, settings{namespaced: true, policy: OrphansRevoked})
	w.mint(w.api, w.url, uidGone)
	c := w.connected("default")
	for range 3 { // what one poll revokes is done before the next one lists
		w.anotherPoll(c)
	}
	w.awaitReason(c, v1alpha1.ReasonConnected)
	if c.Status.OrphanedKeys != nil || w.api.Stats().Revoked != 0 {
		t.Errorf("orphans %v, revoked %d", c.Status.OrphanedKeys, w.api.Stats().Revoked)
	}
}
