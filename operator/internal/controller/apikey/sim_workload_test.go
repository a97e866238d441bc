package apikey

import (
	"context"
	"time"
)

// simWorkload is a Deployment that is restarted for an ApiKey. Its pods read the key when they start, and never again.
type simWorkload struct {
	sequence int       // annotation of the pod template
	rolling  bool      // new pods are on their way
	rolledAt time.Time // when they start
	runs     string    // id of the key that the pods have; empty: none has started yet
}

// roll lets the pods start that were to start until now. Targets change by commits alone, each of which rolls first: so
// pods read what the target held at their start.
func (c *simCluster) roll() {
	for _, r := range c.present().apiKeys {
		w, exists := c.workloads[r.UID]
		if !exists || w.runs != "" && !w.rolling || c.s.now.Before(w.rolledAt) {
			continue
		}
		// Without the Secret no pod starts, and the old ones stay. What somebody else's Secret holds is not ours to replace.
		t := c.present().targets[r.Settings.TargetName]
		if k := c.s.byPlaintext(t.Data[r.Settings.TargetKey]); k != nil && t.Labels["uid"] == r.UID {
			w.runs, w.rolling = k.id, false
		}
	}
}

// Rollout implements Cluster.
func (p *process) Rollout(_ context.Context, r *Resource, sequence int) (Rollout, error) {
	w, exists := p.c.workloads[r.UID]
	if !exists || sequence == 0 {
		return Rollout{Configured: exists, Done: true}, nil
	}
	p.pause("get workload")
	if p.fault() != noFault {
		return Rollout{Configured: true}, nil
	}
	p.c.roll()
	return Rollout{Configured: true, Done: w.sequence >= sequence && !w.rolling}, nil
}

// Restart implements Cluster.
func (p *process) Restart(ctx context.Context, r *Resource, sequence int) error {
	return p.write(ctx, "restart", func() error {
		w, exists := p.c.workloads[r.UID]
		if exists && w.sequence < sequence {
			p.c.roll()
			w.sequence, w.rolling = sequence, true
			w.rolledAt = p.s.now.Add(time.Duration(p.s.rng.IntN(40)) * time.Minute)
		}
		return nil
	})
}

// onRevokeRunning is P1 for consumers that read the key once: it lives until they have rolled, or a day beyond the overlap.
func (p *process) onRevokeRunning(k *simKey, serving *LedgerRecord, since time.Duration) {
	p.c.roll()
	if w, exists := p.c.workloads[k.owner]; exists && w.runs == k.id && since < serving.Overlap+rolloutPatience {
		p.s.violatef("P1: %s revokes %s, with which pods run", p.name, k.id)
	}
}

// runsDead reports that pods were left with a dead key.
func (c *simCluster) runsDead(r Resource) bool {
	c.roll()
	w, exists := c.workloads[r.UID]
	return exists && w.runs != "" && !c.s.live(w.runs) && !c.s.tainted[w.runs]
}
