package apikey

import (
	"maps"
	"strings"
	"time"

	"github.com/betterdataco/terraform-provider-betterdata/apiclient"
)

// pollEvery is how often, at the least, consumers look at the target.
const pollEvery = time.Minute

// staleAfter is how long a look may go without seeing what was done at the API: a listing lags by minutes, and is used
// until the next poll.
const staleAfter = 10 * time.Minute

// wantsKey is the truth about whether a new key may be issued for the ApiKey now (P3, P4).
func (c *simCluster) wantsKey(uid string) bool {
	r, ok := c.byUID(uid)
	e := c.present()
	if !ok || !r.DeletedAt.IsZero() || !r.Finalizer || r.Settings.Suspend || e.terminating {
		return false
	}
	if t, exists := e.targets[r.Settings.TargetName]; exists && t.Labels["uid"] != uid {
		return false
	}
	newest := c.processes[0].newest(r)
	if newest == nil {
		return !c.holdsOwn(r) || c.token[r.ConnectionRef] == "session-B"
	}
	interval := r.Settings.Rotation.Interval
	isDue := interval > 0 && c.s.now.Sub(newest.IssuedAt) >= interval-min(interval/jitterShare, maxJitter)
	isForced := r.RotateToken != "" && r.RotateToken != newest.Token
	isDead := !c.s.live(newest.ID)
	// Until a listing shows that somebody revoked it, a due key is rotated whatever onRevoked says: the API refuses that.
	isKnownDead := isDead && !c.s.killed[newest.ID].After(c.s.now.Add(-staleAfter))
	isAstray := c.s.keys[newest.ID].tenant.name != "A" // issued where the token should never have led
	return isForced || (isDead || isAstray) && !r.Settings.Hold || isDue && !isKnownDead
}

// holdsOwn reports whether a target holds a live key of the ApiKey.
func (c *simCluster) holdsOwn(r Resource) bool {
	for _, t := range c.present().targets {
		if t.Labels["uid"] != r.UID {
			continue
		}
		for entry, value := range t.Data {
			k := c.s.byPlaintext(value)
			if k != nil && k.now().Live() && r.Marker.In(k.now().Name) && k.tenant.name == "A" && !strings.HasPrefix(entry, previousPrefix) {
				return true
			}
		}
	}
	return false
}

// onPost is P3 and P4: nothing is issued without a reason.
func (p *process) onPost(op apiclient.Operation) {
	r := p.c.present().apiKeys[p.ref.Name]
	if p.refused {
		p.s.violatef("P4: %s sends %s for %s, which is not admitted", p.name, op, p.ref.Name)
	}
	if !p.justified && !p.c.wantsKey(r.UID) {
		p.s.violatef("P4: %s sends %s for %s without a reason", p.name, op, p.ref.Name)
	}
}

// onRevoke is P1: what is revoked is out of service, for long enough, and something better is in it.
func (p *process) onRevoke(k *simKey) {
	s := p.s
	if !k.now().Live() {
		return
	}
	if shown := s.lastShown[k.id]; s.tainted[k.id] && (s.now.Sub(shown) >= pollEvery || !p.c.spoiled[k.owner].Before(shown)) {
		return // people destroyed its ledger, and its Secret too or no consumer has it any more
	}
	r, exists := p.c.byUID(k.owner)
	if k.cluster != p.c && k.cluster != nil {
		s.violatef("P1: %s revokes %s, which another cluster issued", p.name, k.id)
	}
	if !exists || !r.DeletedAt.IsZero() && !(p.retained && r.Settings.Retain) {
		return
	}
	if newest := p.newest(r); !r.DeletedAt.IsZero() && newest != nil && newest.ID == k.id {
		s.violatef("P1: %s revokes %s, which is to be retained", p.name, k.id)
	}
	shown, serving := s.lastShown[k.id], p.serving(r)
	if shown.IsZero() {
		return // never in service
	}
	newest := p.newest(r)
	if p.c.meddled >= p.lookStep || newest != nil && s.killed[newest.ID].After(p.lookedAt.Add(-staleAfter)) {
		return // people were faster than any read, or than the poll
	}
	if p.c.shows(k) {
		s.violatef("P1: %s revokes %s, which a target holds", p.name, k.id)
	}
	if serving == nil && p.c.letGo(r, k) {
		return
	}
	if serving == nil || !s.live(serving.ID) && s.killed[serving.ID].Before(p.lookedAt.Add(-staleAfter)) && !s.tainted[serving.ID] {
		s.violatef("P1: %s revokes %s while no live key is published", p.name, k.id)
		return
	}
	since := s.now.Sub(shown)
	if since < serving.Overlap && !s.tainted[serving.ID] && p.c.deleted[r.UID].Before(shown) {
		s.violatef("P1: %s revokes %s %s after it went out of service, overlap %s", p.name, k.id, since, serving.Overlap)
	}
	p.onRevokeRunning(k, serving, since)
}

// letGo reports that another process has let go of a Secret with Retain, which serves a live key other than k all the same.
func (c *simCluster) letGo(r Resource, k *simKey) bool {
	if r.DeletedAt.IsZero() || !r.Settings.Retain {
		return false
	}
	for _, t := range c.present().targets {
		held := c.s.byPlaintext(t.Data[r.Settings.TargetKey])
		if t.Labels["uid"] == "" && held != nil && held != k && held.owner == r.UID && held.now().Live() {
			return true
		}
	}
	return false
}

// shows reports whether a controlled target holds the key. With two processes the previous key's entry does not count:
// the slower one may still add it while the other ends the overlap, and takes it out in its next reconcile.
func (c *simCluster) shows(k *simKey) bool {
	for _, t := range c.present().targets {
		for entry, value := range t.Data {
			if strings.HasPrefix(entry, previousPrefix) && c.s.conf.processes > 1 {
				continue
			}
			if t.Labels["uid"] == k.owner && c.s.byPlaintext(value) == k {
				return true
			}
		}
	}
	return false
}

func (p *process) newest(r Resource) (newest *LedgerRecord) {
	for _, l := range p.c.present().ledgersOf(r.UID) {
		if l.ID != "" {
			newest = &l
		}
	}
	return newest
}

// serving is the ledger of the key that the target holds.
func (p *process) serving(r Resource) *LedgerRecord {
	var found *LedgerRecord
	for _, t := range p.c.present().targets {
		for entry, held := range t.Data {
			for _, l := range p.c.present().ledgersOf(r.UID) {
				if t.Labels["uid"] == r.UID && l.ID != "" && l.Plaintext.Equal(held) && !strings.HasPrefix(entry, previousPrefix) &&
					(found == nil || found.Sequence < l.Sequence) {
					found = &l
				}
			}
		}
	}
	return found
}

// onPublish is P1: what a target gets is durable and works, and what it loses is durable or dead.
func (p *process) onPublish(r *Resource, w TargetWrite, before TargetRecord) {
	s, key := p.s, w.Data[r.Settings.TargetKey]
	next := s.byPlaintext(key)
	if next == nil {
		s.violatef("P1: %s publishes what is no key into %s", p.name, w.Name)
		return
	}
	if p.c.meddled >= p.lookStep {
		return
	}
	recorded := map[string]bool{}
	for _, l := range p.c.present().ledgersOf(r.UID) {
		recorded[l.ID] = true
	}
	// Another process may be letting go of an ApiKey with Retain: its ledgers went, and the key is to live on.
	a, exists := p.c.present().apiKeys[r.Name]
	leaves := !exists || a.UID != r.UID || !a.DeletedAt.IsZero()
	if !recorded[next.id] && !s.tainted[next.id] && s.live(next.id) && !leaves {
		s.violatef("P1: %s publishes %s, which no ledger records", p.name, next.id)
	}
	if exists && !a.DeletedAt.IsZero() && !a.Settings.Retain {
		return // the service ends: whatever still serves is revoked next
	}
	old := s.byPlaintext(before.Data[r.Settings.TargetKey])
	if old == nil || old == next || !old.now().Live() || old.tenant.name != "A" {
		return
	}
	if !next.now().Live() && !s.unmarked[old.id] && s.killed[next.id].Before(p.lookedAt.Add(-staleAfter)) {
		s.violatef("P1: %s replaces live %s by dead %s", p.name, old.id, next.id)
	}
	if !recorded[old.id] && !s.unmarked[old.id] && old.owner == r.UID && old.past[0].at.After(next.past[0].at) {
		s.violatef("P1: %s overwrites %s, which is in service and in no ledger, by the older %s", p.name, old.id, next.id)
	}
	if w.Sequence < before.Sequence && recorded[old.id] && before.Sequence == p.sequenceOf(r, old.id) {
		s.violatef("P1: %s takes %s back from sequence %d to %d", p.name, w.Name, before.Sequence, w.Sequence)
	}
}

func (p *process) sequenceOf(r *Resource, id string) int {
	for _, l := range p.c.present().ledgersOf(r.UID) {
		if l.ID == id {
			return l.Sequence
		}
	}
	return 0
}

// onDeleteLedger is P1 and P2: a ledger goes only when its key is dead.
func (p *process) onDeleteLedger(l LedgerRecord) {
	r, exists := p.c.byUID(l.OwnerUID)
	if l.ID == "" || !p.s.live(l.ID) || exists && r.Settings.Retain || p.retained || p.c.accepted[l.Connection] || p.s.keys[l.ID].tenant.name != "A" {
		return
	}
	p.s.violatef("P2: %s deletes the ledger of live %s", p.name, l.ID)
}

// onRelease is P2: nothing lives on that was ever in a ledger.
func (p *process) onRelease(r Resource) {
	if r.Settings.Retain || p.retained {
		for _, k := range p.s.keys {
			p.s.unmarked[k.id] = p.s.unmarked[k.id] || k.owner == r.UID
		}
		p.c.orphansOK[r.UID] = true
		return
	}
	if p.c.orphansOK[r.UID] || p.c.accepted[r.ConnectionRef] {
		return
	}
	if p.tokens[r.ConnectionRef] == "session-B" {
		p.c.orphansOK[r.UID] = true
	}
	recorded := map[string]bool{}
	for _, l := range p.c.present().ledgersOf(r.UID) {
		recorded[l.ID] = true
	}
	for _, k := range p.s.keys {
		if p.tokens[r.ConnectionRef] == "session-B" && !recorded[k.id] {
			continue // nothing tells that this tenant is the wrong one
		}
		if k.owner == r.UID && k.now().Live() && k.tenant.name == "A" && !p.s.unmarked[k.id] && p.s.strict() {
			p.s.violatef("P2: %s releases %s while %s lives", p.name, r.Name, k.id)
		}
	}
}

// strict reports that no key can appear later than the grace: one process, and listings that lag by less.
func (s *sim) strict() bool {
	return s.conf.processes == 1 && s.conf.lag < 2*time.Minute && s.conf.faults == 0
}

// settle ends all trouble, lets hours pass, and checks what must then hold.
func (s *sim) settle() {
	for _, c := range s.clusters {
		for _, p := range c.processes {
			p.stop()
		}
		for range c.late {
			s.land()
		}
		c.calm()
	}
	s.quiet, s.apiDown, s.conf.gcOff = true, false, false
	s.logf("everything calms down")
	const rounds = 100
	for range rounds {
		s.now = s.now.Add(4 * time.Minute)
		s.steps++
		for _, c := range s.clusters {
			c.reap()
			c.recreate()
			c.commit(func(e *etcd) { // the garbage collector, and people who follow SecretConflict's advice
				c.collect(e)
				maps.DeleteFunc(e.targets, func(_ string, t TargetRecord) bool { return t.Labels["uid"] == "" })
			})
			for _, p := range c.processes {
				for _, ref := range c.refs() {
					p.ref = ref
					p.settleOne(ref)
				}
			}
		}
		if s.violation != "" {
			return
		}
	}
	for _, c := range s.clusters {
		c.checkSettled()
	}
}

func (c *simCluster) calm() {
	c.late, c.refused = nil, false
	if c.token[mainConnection] != "" {
		c.token[mainConnection] = "session-A"
	}
	c.commit(func(e *etcd) {
		for name, r := range e.apiKeys {
			r.Settings.Suspend, r.Settings.Hold = false, false
			r.Version = c.s.now.String()
			e.apiKeys[name] = r
		}
	})
}

// checkSettled is P2 and convergence: every live key with our marker is in a ledger, and every target holds one.
func (c *simCluster) checkSettled() {
	s := c.s
	recorded := map[string]bool{}
	for _, l := range c.present().ledgers {
		recorded[l.ID] = true
	}
	for _, k := range s.keys {
		if k.cluster != c || !k.now().Live() || recorded[k.id] || s.unmarked[k.id] || k.tenant.name != "A" {
			continue
		}
		if _, exists := c.byUID(k.owner); !exists && (!s.strict() || c.orphansOK[k.owner]) {
			s.counts["orphans"]++ // reported by the Connection
			continue
		}
		if r, exists := c.byUID(k.owner); exists && c.waits(r, WaitingForConnection) && s.conf.admin || exists && c.waits(r, AwaitingRollout) {
			continue // nothing can be revoked with a dead token, and an adopted key, which has no ledger, may wait for pods
		}
		s.violatef("P2: %s lives and no ledger records it", k.id)
	}
	for _, r := range c.present().apiKeys {
		c.checkReady(r)
	}
}

func (c *simCluster) waits(r Resource, reason Reason) bool {
	return c.processes[0].outcomes[r.Name].Rest.Has(reason)
}

func (c *simCluster) checkReady(r Resource) {
	s, outcome := c.s, c.processes[0].outcomes[r.Name]
	if s.conf.admin && outcome.Rest.Has(WaitingForConnection) {
		return // the token that the operator issued is dead, by somebody's doing: a person must replace it
	}
	if !r.DeletedAt.IsZero() {
		if !c.hasUnmarked(r) && !outcome.Rest.Has(InUse) {
			s.violatef("%s is not released: %+v", r.Name, outcome.Rest)
		}
		return
	}
	k := s.byPlaintext(c.present().targets[r.Settings.TargetName].Data[r.Settings.TargetKey])
	switch {
	case k == nil || !k.now().Live():
		if adopted := s.keys[r.Settings.Adopt]; adopted != nil && !adopted.now().Live() && c.processes[0].newest(r) == nil {
			return // Stalled: there is nothing to adopt
		}
		s.violatef("%s/%s has no live key in its target: %+v", c.uid, r.Name, outcome.Rest)
	case c.runsDead(r):
		s.violatef("%s/%s: pods run with a dead key: %+v", c.uid, r.Name, outcome.Rest)
	default:
		s.counts["ready"]++
	}
}

func (c *simCluster) hasUnmarked(r Resource) bool {
	for _, l := range c.present().ledgersOf(r.UID) {
		if c.s.unmarked[l.ID] && c.s.live(l.ID) {
			return true
		}
	}
	return false
}
