package apikey

import (
	"maps"
	"testing"
	"time"
)

// contested settles an ApiKey, has somebody interfere with every write, and asks for a rotation. It returns how much was
// published in the three hours since.
func contested(t *testing.T, prepare func(c *simCluster), interfere func(e *etcd)) (*sim, *simCluster, int) {
	t.Helper()
	s, c := directed(t, 1)
	s.settleFor(10 * time.Minute)
	prepare(c)
	c.admission = interfere
	before := s.counts["Publish"]
	rotate(c)
	s.settleFor(3 * time.Hour)
	return s, c, s.counts["Publish"] - before
}

// A webhook that rewrites what is written, or a finalizer that keeps what is deleted, holds up nothing else: the key is
// rotated, the old one revoked, and the status says what is wrong.
func TestContestedSecretHoldsUpNothing(t *testing.T) {
	t.Parallel()
	for title, test := range map[string]struct {
		prepare   func(c *simCluster)
		interfere func(e *etcd)
		reason    Reason
	}{
		"label rewritten": {
			func(c *simCluster) {
				c.edit("label", func(r *Resource) { r.Secret.Labels = map[string]string{"team": "a"} })
			},
			func(e *etcd) {
				for name, t := range e.targets {
					t.Labels = maps.Clone(t.Labels)
					t.Labels["team"] = "policy"
					e.targets[name] = t
				}
			},
			Reverted,
		},
		"former Secret kept": {
			func(c *simCluster) { c.edit("name", func(r *Resource) { r.Settings.TargetName = "renamed" }) },
			func(e *etcd) { keepFormer(e, func(*TargetRecord) {}) },
			Reverted,
		},
		"former Secret terminating": {
			func(c *simCluster) { c.edit("name", func(r *Resource) { r.Settings.TargetName = "renamed" }) },
			func(e *etcd) { keepFormer(e, func(t *TargetRecord) { t.Terminating = true }) },
			"",
		},
		"former Secret in use": {
			func(c *simCluster) { c.edit("name", func(r *Resource) { r.Settings.TargetName = "renamed" }) },
			func(e *etcd) { keepFormer(e, func(t *TargetRecord) { t.InUse = true }) },
			InUse,
		},
	} {
		t.Run(title, func(t *testing.T) {
			t.Parallel()
			s, c, published := contested(t, test.prepare, test.interfere)
			outcome := c.processes[0].outcomes[apiKeyName(0)]
			if s.counts["issued"] != 2 || s.counts["Revoke"] != 1 || outcome.Resource == nil {
				t.Errorf("%d keys issued, %d revoked, status from %v", s.counts["issued"], s.counts["Revoke"], outcome.Resource)
			}
			if test.reason != "" && !outcome.Rest.Has(test.reason) {
				t.Errorf("says %+v, want %s", outcome.Rest, test.reason)
			}
			if published > 180 { // a publication takes two writes; the pause between attempts grows to five minutes
				t.Errorf("%d publications in three hours", published)
			}
			s.mustKeep(t, title)
		})
	}
}

// keepFormer puts the Secret of the ApiKey's first name back, as if it had never gone.
func keepFormer(e *etcd, change func(t *TargetRecord)) {
	name := apiKeyName(0)
	t, exists := e.targets[name]
	renamed, ok := e.targets["renamed"]
	if !ok {
		return
	}
	if !exists {
		t = renamed
		t.Name, t.UID = name, "kept"
	}
	change(&t)
	e.targets[name] = t
}

func TestEfforts(t *testing.T) {
	t.Parallel()
	for title, test := range map[string]struct {
		action Action
		limit  int
	}{
		"publication, which takes two writes": {Publish{Sequence: 1, Target: Target{Name: "reader"}}, 3},
		"anything else":                       {Revoke{ID: "k1"}, 2},
	} {
		done := efforts{}
		for range test.limit {
			if err := done.spent(test.action); err != nil {
				t.Errorf("%s: %v after %v", title, err, done)
			}
			done[effortOf(test.action)]++
		}
		if done.spent(test.action) == nil {
			t.Errorf("%s: never enough: %v", title, done)
		}
	}
	done := efforts{effortOf(Publish{Sequence: 1, Target: Target{Name: "reader"}}): 3}
	if err := done.spent(Publish{Sequence: 2, Target: Target{Name: "reader"}}); err != nil {
		t.Errorf("the next key: %v", err)
	}
	for name := range map[string]bool{"reader": true, "before": true, "long-before": true} {
		if err := done.spent(Restart{Target: Target{Name: name}}); err != nil {
			t.Errorf("a restart that %s remembers: %v", name, err)
		}
		done[effortOf(Restart{Target: Target{Name: name}})]++
	}
}
