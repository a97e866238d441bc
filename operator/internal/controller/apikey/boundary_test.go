package apikey

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/betterdataco/terraform-provider-betterdata/apiclient"
	"github.com/betterdataco/terraform-provider-betterdata/apiclient/rotation"
)

// directed is one cluster with one ApiKey and as many processes as wanted, in which nothing happens by chance.
func directed(t *testing.T, processes int) (*sim, *simCluster) {
	t.Helper()
	s := newSim(1)
	s.conf = simConfig{clusters: 1, processes: processes, apiKeys: 1, interval: 720 * time.Hour, overlap: time.Hour}
	s.keys, s.tenants = map[string]*simKey{}, map[string]*simTenant{"A": {name: "A"}, "B": {name: "B"}}
	c := newSimCluster(s, 0)
	s.clusters, s.quiet = []*simCluster{c}, true
	return s, c
}

// settleFor reconciles every process again and again for so long.
func (s *sim) settleFor(d time.Duration) {
	for end := s.now.Add(d); s.now.Before(end); s.now = s.now.Add(time.Minute) {
		s.steps++
		for _, p := range s.clusters[0].processes {
			for _, ref := range s.clusters[0].refs() {
				p.ref = ref
				p.settleOne(ref)
			}
		}
	}
}

func (s *sim) mustKeep(t *testing.T, what string) {
	t.Helper()
	if s.violation != "" {
		t.Fatalf("%s: %s\n%s", what, s.violation, strings.Join(tail(s.trace, 40), "\n"))
	}
}

// mustEnd fails unless exactly the keys in ledgers live, and the target holds the newest.
func (s *sim) mustEnd(t *testing.T, what string) {
	t.Helper()
	s.conf.processes, s.conf.lag, s.conf.faults = 1, 0, 0 // nothing may be excused
	s.clusters[0].checkSettled()
	s.mustKeep(t, what)
	living := 0
	for _, k := range s.keys {
		if k.now().Live() {
			living++
		}
	}
	if apiKeys := len(s.clusters[0].present().apiKeys); living != apiKeys {
		t.Fatalf("%s: %d keys live for %d ApiKeys\n%s", what, living, apiKeys, strings.Join(tail(s.trace, 40), "\n"))
	}
}

func rotate(c *simCluster) {
	c.edit("rotation asked for", func(r *Resource) { r.RotateToken = "now" })
}

func remove(c *simCluster) {
	c.edit("delete", func(r *Resource) { r.DeletedAt = c.s.now })
}

// TestEveryBoundary ends the process before each single call of a first creation, a rotation and a deletion, and makes
// each of those calls fail in each way; a process that begins anew must bring everything in order.
func TestEveryBoundary(t *testing.T) {
	t.Parallel()
	scenarios := map[string]func(c *simCluster){"first key": func(*simCluster) {}, "rotation": rotate, "deletion": remove}
	for title, change := range scenarios {
		for _, how := range []fault{noFault, notReached, lostAnswer, lateWrite} {
			boundaries := 0
			for call := 1; ; call++ {
				s, c := directed(t, 1)
				if title != "first key" {
					s.settleFor(10 * time.Minute)
				}
				change(c)
				if reached := s.strike(c.processes[0], call, how); !reached {
					break
				}
				boundaries++
				what := fmt.Sprintf("%s, call %d, %d", title, call, how)
				for len(c.late) > 0 {
					s.land()
				}
				s.settleFor(3 * time.Hour)
				s.mustEnd(t, what)
			}
			if boundaries < 5 {
				t.Errorf("%s: only %d boundaries", title, boundaries)
			}
		}
	}
}

// strike lets a reconcile run until the call, which fails as told; noFault ends the process there instead.
func (s *sim) strike(p *process, call int, how fault) (reached bool) {
	s.calls = 0
	s.before = func(p *process, n int, _ string) fault {
		if n != call {
			return noFault
		}
		reached = true
		if how == noFault {
			panic(errCrash)
		}
		return how
	}
	for range 4 { // a failed reconcile is followed by others
		p.ref = p.c.refs0()
		p.begin(p.ref)
		p.yield = nil
		for _, more := p.next(); more; _, more = p.next() {
		}
		p.stop()
		if reached && how == noFault {
			p.boot()
			break
		}
		s.now = s.now.Add(10 * time.Second)
	}
	s.before = nil
	return reached
}

func (c *simCluster) refs0() Ref { return Ref{"shop", apiKeyName(0)} }

// on does something once, before the first call of that name.
func (s *sim) on(call string, do func() fault) {
	done := false
	s.before = func(_ *process, _ int, what string) fault {
		if done || what != call {
			return noFault
		}
		done = true
		return do()
	}
}

// TestLatePublication: an apply that gets through two hours late does not shorten the overlap.
func TestLatePublication(t *testing.T) {
	t.Parallel()
	s, c := directed(t, 1)
	s.settleFor(10 * time.Minute)
	rotate(c)
	seen := 0
	s.before = func(_ *process, _ int, what string) fault {
		if what == "apply target" {
			if seen++; seen == 2 { // the first one only rehearses
				s.now = s.now.Add(2 * time.Hour)
			}
		}
		return noFault
	}
	s.settleFor(5 * time.Hour)
	s.mustEnd(t, "late publication")
}

// TestDeadKeyIsNotPublished: a key that is revoked between its issue and its publication never reaches consumers,
// although the listing at hand still has it alive.
func TestDeadKeyIsNotPublished(t *testing.T) {
	t.Parallel()
	s, c := directed(t, 1)
	s.settleFor(10 * time.Minute)
	rotate(c)
	s.on("create ledger", func() fault {
		for _, k := range s.keys {
			if s.lastShown[k.id].IsZero() {
				k.change(s.now, func(key *apiclient.Key) { key.Status = apiclient.StatusRevoked })
			}
		}
		return noFault
	})
	s.settleFor(3 * time.Hour)
	s.mustEnd(t, "dead successor")
}

// TestTokenHandledByAnother: a rotate token that was read before another process handled a newer one is not acted upon.
func TestTokenHandledByAnother(t *testing.T) {
	t.Parallel()
	s, c := directed(t, 2)
	s.settleFor(10 * time.Minute)
	rotate(c)
	looks := 0
	s.before = func(p *process, _ int, what string) fault {
		if p != c.processes[0] || what != "get targets" {
			return noFault
		}
		if looks++; looks == 1 {
			c.edit("rotation", func(r *Resource) { r.RotateToken = "newer" })
			for range 5 {
				s.now = s.now.Add(10 * time.Second)
				c.processes[1].ref = c.refs0()
				c.processes[1].settleOne(c.refs0())
			}
		}
		return noFault
	}
	s.settleFor(3 * time.Hour)
	s.mustEnd(t, "token")
	if looks == 0 || s.counts["issued"] != 2 {
		t.Errorf("%d keys were issued for one key and one rotation", s.counts["issued"])
	}
}

// TestLateLedgerFindsTombstone: a ledger write that lands after its client gave up finds its name taken, or the key
// alive; in no case is a ledger left with a key that was taken back.
func TestLateLedgerFindsTombstone(t *testing.T) {
	t.Parallel()
	for _, how := range []fault{lateWrite, lostAnswer} {
		s, c := directed(t, 1)
		s.on("create ledger", func() fault { return how })
		c.processes[0].ref = c.refs0()
		c.processes[0].settleOne(c.refs0())
		for len(c.late) > 0 {
			s.land()
		}
		for _, l := range c.present().ledgers {
			if l.ID != "" && !s.live(l.ID) {
				t.Errorf("the ledger %s holds the dead %s", l.Name, l.ID)
			}
		}
		if how == lostAnswer && s.counts["issued"] != 1 {
			t.Errorf("%d keys were issued where the ledger was written", s.counts["issued"])
		}
		s.settleFor(time.Hour)
		s.mustEnd(t, "unclear ledger write")
	}
}

// TestZombiePublication: a process that stopped before an apply, while another rotated twice, changes nothing.
func TestZombiePublication(t *testing.T) {
	t.Parallel()
	s, c := directed(t, 2)
	s.settleFor(10 * time.Minute)
	rotate(c)
	applies := 0
	s.before = func(p *process, _ int, what string) fault {
		if p == c.processes[0] && what == "apply target" {
			if applies++; applies == 2 {
				other := c.processes[1]
				other.ref = c.refs0()
				for _, token := range []string{"a", "b"} {
					s.now = s.now.Add(2 * time.Minute)
					c.edit("rotation", func(r *Resource) { r.RotateToken = token; r.Settings.Rotation = Schedule{Policy: rotation.Policy{}} })
					for range 5 {
						other.settleOne(c.refs0())
						s.now = s.now.Add(10 * time.Second)
					}
				}
			}
		}
		return noFault
	}
	s.settleFor(4 * time.Hour)
	s.mustEnd(t, "zombie")
}

// TestLostLedgerHandlesItsToken: a ledger that is written again from the target does not have its rotation repeated.
func TestLostLedgerHandlesItsToken(t *testing.T) {
	t.Parallel()
	s, c := directed(t, 1)
	s.settleFor(10 * time.Minute)
	rotate(c)
	s.settleFor(2 * time.Hour)
	issued := s.counts["issued"]
	c.loseLedger()
	s.settleFor(2 * time.Hour)
	s.mustEnd(t, "lost ledger")
	if s.counts["issued"] != issued {
		t.Errorf("%d keys were issued for a lost ledger", s.counts["issued"]-issued)
	}
}

// TestDriftIssuesNothing is P4: nothing that happens to Secrets or to the operator issues a key.
func TestDriftIssuesNothing(t *testing.T) {
	t.Parallel()
	s, c := directed(t, 1)
	s.settleFor(10 * time.Minute)
	for range 40 {
		c.touchTarget()
		c.processes[0].crash()
		c.edit("another name", func(r *Resource) { r.Settings.TargetName += "x" })
		c.edit("another template", func(r *Resource) { r.Secret.Template = map[string]string{r.Settings.TargetName: "{{ .Key }}"} })
		s.settleFor(5 * time.Minute)
	}
	s.settleFor(3 * time.Hour)
	s.mustEnd(t, "drift")
	if s.counts["issued"] != 1 {
		t.Errorf("%d keys were issued", s.counts["issued"])
	}
}
