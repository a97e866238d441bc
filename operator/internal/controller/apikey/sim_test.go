package apikey

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"math/rand/v2"
	"slices"
	"strings"
	"time"
)

// sim is one history: a model of Kubernetes and of the Better Data API, people who change things in both, and
// operator processes that run the real Engine against them. Each call of an Engine to a server is one step, before
// which anything may happen: other processes, people, time, a crash.
type sim struct {
	rng      *rand.Rand
	conf     simConfig
	now      time.Time
	steps    int
	quiet    bool // no faults, and calls are not interrupted
	apiDown  bool
	clusters []*simCluster
	tenants  map[string]*simTenant
	keys     map[string]*simKey // by id, of all tenants
	serial   int

	lastShown map[string]time.Time // by id: when a target last held the key
	killed    map[string]time.Time // by id: when somebody other than an operator revoked it
	tainted   map[string]bool      // by id: people destroyed what the operator knew of it
	unmarked  map[string]bool      // by id: people took the marker off, or keep the key
	counts    map[string]int

	trace     []string
	violation string
	verbose   bool // the trace has every call
	calls     int
	before    func(p *process, call int, what string) fault // directed tests: what happens before a call, and to it
	next      fault
}

// simConfig is what stays the same during a history.
type simConfig struct {
	clusters, processes, apiKeys int
	lag, skew                    time.Duration // of listings; of the API's clock
	hideDead, dropNames, gcOff   bool
	admin                        bool // ApiKey 0 is the token of the Connection that the others use
	faults                       float64
	interval, overlap            time.Duration
	chaos                        bool // people destroy ledgers, restore etcd, rename keys
}

func newSim(seed uint64) *sim {
	rng := rand.New(rand.NewPCG(seed, 7))
	pick := func(values ...time.Duration) time.Duration { return values[rng.IntN(len(values))] }
	s := &sim{
		rng: rng, now: time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC), tenants: map[string]*simTenant{}, keys: map[string]*simKey{},
		lastShown: map[string]time.Time{}, killed: map[string]time.Time{}, tainted: map[string]bool{},
		unmarked: map[string]bool{}, counts: map[string]int{},
	}
	s.conf = simConfig{
		clusters: 1 + rng.IntN(2), processes: 1 + rng.IntN(2), apiKeys: 1 + rng.IntN(3),
		lag: pick(0, 0, time.Minute, 5*time.Minute), skew: pick(0, 24*time.Hour, -24*time.Hour),
		hideDead: rng.IntN(4) == 0, dropNames: rng.IntN(6) == 0, gcOff: rng.IntN(4) == 0, admin: rng.IntN(4) == 0,
		faults:   []float64{0, 0.03, 0.12}[rng.IntN(3)],
		interval: pick(0, 6*time.Hour, 720*time.Hour), overlap: pick(0, time.Hour, 3*time.Hour), chaos: rng.IntN(2) == 0,
	}
	for _, name := range []string{"A", "B"} {
		s.tenants[name] = &simTenant{name: name}
	}
	for i := range s.conf.clusters {
		s.clusters = append(s.clusters, newSimCluster(s, i))
	}
	return s
}

func (s *sim) chance(p float64) bool { return s.rng.Float64() < p }

func (s *sim) logf(format string, args ...any) {
	s.trace = append(s.trace, fmt.Sprintf("%5d %s ", s.steps, s.now.Format("02T15:04:05"))+fmt.Sprintf(format, args...))
}

func (s *sim) violatef(format string, args ...any) {
	if s.violation == "" {
		s.violation = fmt.Sprintf(format, args...)
		s.logf("VIOLATION %s", s.violation)
	}
}

// run makes steps of history and then lets everything come to rest.
func (s *sim) run(steps int) {
	for s.steps < steps && s.violation == "" {
		s.steps++
		switch roll := s.rng.IntN(100); {
		case roll < 72:
			s.anyProcess().advance()
		case roll < 86:
			s.pass()
		case roll < 94:
			s.someone()
		case roll < 96:
			s.anyProcess().crash()
		case roll < 97:
			s.anyProcess().interrupt()
		default:
			s.land()
		}
	}
	if s.violation == "" {
		s.settle()
	}
	for _, c := range s.clusters {
		for _, p := range c.processes {
			p.stop()
		}
	}
}

func (s *sim) anyCluster() *simCluster { return s.clusters[s.rng.IntN(len(s.clusters))] }

func (s *sim) anyProcess() *process {
	c := s.anyCluster()
	return c.processes[s.rng.IntN(len(c.processes))]
}

// pass lets time pass: mostly seconds, at times hours.
func (s *sim) pass() {
	span := []time.Duration{time.Second, 5 * time.Second, 20 * time.Second, time.Minute, 3 * time.Minute, 20 * time.Minute, 2 * time.Hour}
	d := span[min(s.rng.IntN(len(span)), s.rng.IntN(len(span)))]
	s.now = s.now.Add(d)
}

// requestTimeout is how long servers work on a request at most.
const requestTimeout = 90 * time.Second

// land carries out a write whose client gave up on it.
func (s *sim) land() {
	c := s.anyCluster()
	if len(c.late) == 0 {
		return
	}
	i := s.rng.IntN(len(c.late))
	write := c.late[i]
	c.late = slices.Delete(c.late, i, i+1)
	if s.now.Sub(write.sent) > requestTimeout {
		return // the server gave up on it too
	}
	s.logf("a late write lands")
	s.counts["late"]++
	write.do()
}

// errCrash unwinds a reconcile whose process is gone.
var errCrash = errors.New("crash")

// process is one operator process.
type process struct {
	s       *sim
	c       *simCluster
	name    string
	engine  *Engine
	started time.Time
	cached  int // index into the cluster's history that the cache has reached
	dirs    map[string]*simDirectory
	tokens  map[string]string // last good token by connection

	ref       Ref
	yield     func(string) bool
	next      func() (string, bool)
	halt      func()
	ctx       context.Context
	cancel    context.CancelFunc
	lookedAt  time.Time
	lookStep  int
	justified bool // a key was wanted when the ApiKey was last read live
	retained  bool
	refused   bool // policy did not admit the ApiKey when it was last asked
	outcomes  map[string]*Outcome
}

func (p *process) boot() {
	p.started, p.dirs, p.tokens = p.s.now, map[string]*simDirectory{}, map[string]string{}
	p.outcomes = map[string]*Outcome{}
	p.cached = len(p.c.history) - 1
	p.engine = &Engine{
		Cluster: p, Connections: p, Now: func() time.Time { return p.s.now }, LeaderSince: func() time.Time { return p.started },
		Policy: Policy{StrayGrace: 2 * time.Minute},
		Did: func(d Deed) {
			p.s.counts[strings.TrimPrefix(fmt.Sprintf("%T", d.Action), "apikey.")]++
			p.s.logf("%s %s did %T %+v: %v", p.name, p.ref.Name, d.Action, brief(d.Action), d.Err)
		},
	}
}

func brief(a Action) any {
	switch a := a.(type) {
	case Publish:
		return fmt.Sprintf("seq %d into %s", a.Sequence, a.Target.Name)
	case Seal:
		return fmt.Sprintf("%s as %d", a.ID, a.Sequence)
	}
	return a
}

// advance carries the process one step further; an idle one begins a reconcile.
func (p *process) advance() {
	if p.next == nil {
		refs := p.c.refs()
		if len(refs) == 0 {
			return
		}
		p.begin(refs[p.s.rng.IntN(len(refs))])
	}
	if _, more := p.next(); !more {
		p.next, p.halt = nil, nil
		p.cancel()
	}
}

func (p *process) begin(ref Ref) {
	p.ref = ref
	p.ctx, p.cancel = context.WithCancel(context.Background())
	p.next, p.halt = iter.Pull(func(yield func(string) bool) {
		p.yield = yield
		p.reconcile()
	})
}

func (p *process) reconcile() {
	defer func() {
		if crashed := recover(); crashed != nil && crashed != errCrash { //nolint:errorlint // identity is meant
			panic(crashed)
		}
	}()
	outcome, err := p.engine.Reconcile(p.ctx, p.ref)
	if err == nil {
		p.outcomes[p.ref.Name] = outcome
	}
}

// stop ends the process where it stands.
func (p *process) stop() {
	if p.halt != nil {
		p.halt()
		p.cancel()
	}
	p.next, p.halt = nil, nil
}

func (p *process) crash() {
	p.s.logf("%s crashes", p.name)
	p.s.counts["crash"]++
	p.stop()
	p.boot()
}

// interrupt ends the context of the reconcile, as losing the lease does; the process goes on.
func (p *process) interrupt() {
	if p.next != nil {
		p.s.logf("%s is interrupted", p.name)
		p.cancel()
	}
}

// pause is where everything else may happen.
func (p *process) pause(what string) {
	if p.s.verbose {
		p.s.logf("    %s %s: %s", p.name, p.ref.Name, what)
	}
	p.s.calls++
	if p.s.before != nil {
		p.s.next = p.s.before(p, p.s.calls, what)
	}
	if !p.s.quiet && p.yield != nil && !p.yield(what) {
		panic(errCrash)
	}
}

// fault is what goes wrong with a call.
type fault int

const (
	noFault    fault = iota
	notReached       // the server never saw it
	lostAnswer       // carried out, and the answer lost
	lateWrite        // the client gives up; carried out later
)

func (p *process) fault() fault {
	if next := p.s.next; next != noFault {
		p.s.next = noFault
		return next
	}
	if p.s.quiet || !p.s.chance(p.s.conf.faults) {
		return noFault
	}
	return fault(1 + p.s.rng.IntN(3))
}
