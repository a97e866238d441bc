package apikey

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"
)

// simCluster is one Kubernetes cluster: one namespace in one etcd, and the operator processes in it.
type simCluster struct {
	s         *sim
	uid       string
	history   []*etcd // every committed state; the last is the present
	late      []lateEffect
	processes []*process
	workloads map[string]*simWorkload // by uid of the ApiKey; not each has one
	admission func(e *etcd)           // directed tests: what webhooks and finalizers make of every write

	token     map[string]string // by connection; empty: the plaintext in the admin ApiKey's target
	accepted  map[string]bool
	refused   bool
	meddled   int                  // the step at which people last changed records behind the operator's back
	deleted   map[string]time.Time // by uid: when people last deleted a target, and with it since when it held its key
	spoiled   map[string]time.Time // by uid: when people last took the key out of a target
	orphansOK map[string]bool      // uids whose ApiKey was removed by force
}

// lateEffect is a write whose client gave up, and when it was sent.
type lateEffect struct {
	sent time.Time
	do   func()
}

// etcd is one immutable state.
type etcd struct {
	apiKeys     map[string]Resource
	ledgers     map[string]LedgerRecord
	targets     map[string]TargetRecord
	terminating bool
	rv          int
}

const (
	mainConnection = "Connection/main"
	bootConnection = "Connection/boot"
)

func newSimCluster(s *sim, number int) *simCluster {
	c := &simCluster{
		s: s, uid: fmt.Sprintf("cluster-%d", number), token: map[string]string{}, workloads: map[string]*simWorkload{},
		accepted: map[string]bool{}, orphansOK: map[string]bool{}, meddled: -1, deleted: map[string]time.Time{}, spoiled: map[string]time.Time{},
		history: []*etcd{{apiKeys: map[string]Resource{}, ledgers: map[string]LedgerRecord{}, targets: map[string]TargetRecord{}}},
	}
	for _, name := range []string{mainConnection, bootConnection} {
		c.token[name] = "session-A"
	}
	if s.conf.admin {
		c.token[mainConnection] = ""
	}
	for i := range s.conf.processes {
		p := &process{s: s, c: c, name: fmt.Sprintf("%s/%d", c.uid, i)}
		p.boot()
		c.processes = append(c.processes, p)
	}
	for i := range s.conf.apiKeys {
		c.createApiKey(i)
	}
	return c
}

func (c *simCluster) present() *etcd { return c.history[len(c.history)-1] }

// commit makes a new state. Whatever targets held until now was in service until now.
func (c *simCluster) commit(change func(e *etcd)) {
	c.roll()
	c.noteShown()
	old := c.present()
	next := &etcd{
		apiKeys: maps.Clone(old.apiKeys), ledgers: maps.Clone(old.ledgers), targets: maps.Clone(old.targets),
		terminating: old.terminating, rv: old.rv + 1,
	}
	change(next)
	if c.admission != nil {
		c.admission(next)
	}
	c.history = append(c.history, next)
	c.noteShown()
}

func (c *simCluster) noteShown() {
	for _, t := range c.present().targets {
		for entry, value := range t.Data {
			if k := c.s.byPlaintext(value); k != nil && !strings.HasPrefix(entry, previousPrefix) {
				c.s.lastShown[k.id] = c.s.now
			}
		}
	}
}

func (c *simCluster) refs() []Ref {
	var refs []Ref
	for _, name := range slices.Sorted(maps.Keys(c.present().apiKeys)) {
		refs = append(refs, Ref{"shop", name})
	}
	return refs
}

func (c *simCluster) byUID(uid string) (Resource, bool) {
	for _, r := range c.present().apiKeys {
		if r.UID == uid {
			return r, true
		}
	}
	return Resource{}, false
}

func (e *etcd) ledgersOf(uid string) []LedgerRecord {
	var ledgers []LedgerRecord
	for _, l := range e.ledgers {
		if l.OwnerUID == uid {
			ledgers = append(ledgers, l)
		}
	}
	slices.SortFunc(ledgers, func(a, b LedgerRecord) int { return a.Sequence - b.Sequence })
	return ledgers
}
