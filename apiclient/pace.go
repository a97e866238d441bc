package apiclient

import (
	"context"
	"fmt"
	"math/rand/v2"
	"sync"
	"time"
)

// Quota is a limit that the client keeps by itself, beside what the API's headers say. 0 means none.
type Quota struct{ PerMinute, PerHour int }

// Wait tells what a request waits for. Reason is a sentence fragment such as "the API's rate limit (100 of 100 used)".
type Wait struct {
	Op     Operation
	Reason string
	Until  time.Time
}

// QuotaError is returned by a client made WithNonBlockingQuota: nothing was executed; come back at RetryAt.
type QuotaError struct {
	Op      Operation
	RetryAt time.Time
	Reason  string // what there was to wait for, as in Wait
}

// Error names the operation, the reason and the time.
func (e *QuotaError) Error() string {
	return fmt.Sprintf("%s: not executed because of %s; try again at %s", e.Op, e.Reason, e.RetryAt.UTC().Format(time.RFC3339))
}

// Is makes a QuotaError errors.Is ErrNotExecuted.
func (e *QuotaError) Is(target error) bool { return target == ErrNotExecuted }

const (
	// probeWait is when to come back while another request is out to learn the limit: about one exchange.
	probeWait = time.Second
	// refusalWait and refusalWaitMax bound the backoff after a 429 that does not say when to come back.
	refusalWait    = time.Second
	refusalWaitMax = time.Minute
)

// pacer holds requests back until the API has room for them. There is one per client, hence per credential and
// process. Other processes spend the same quota unseen, so it believes the answers: it never has more requests out
// than the last answers left room for, and whenever it does not know (the first request of a process, a window that
// has ended, a 429) one request goes alone, the probe, and the others wait for its answer.
type pacer struct {
	clock  Clock
	jitter func(d time.Duration) time.Duration // up to d; spreads processes that wait for the same moment
	tell   func(ctx context.Context, w Wait)

	mu           sync.Mutex
	queue        waitQueue
	arrivals     uint64
	own          quotaLog
	inFlight     int
	window       *window // nil: no limit known
	probeNext    bool    // the next request admitted is a probe
	probing      bool    // a probe is out
	blockedUntil time.Time
	refusals     int // 429s in a row
	hold         hold
	changed      chan struct{} // closed when hold changes
}

// hold is why the queue does not move. A zero until means that an answer which is on its way will decide.
type hold struct {
	until  time.Time
	reason string
}

func newPacer(clock Clock, quota Quota, tell func(context.Context, Wait)) *pacer {
	return &pacer{
		clock:     clock,
		own:       quotaLog{quota: quota},
		tell:      tell,
		probeNext: true,
		changed:   make(chan struct{}),
		jitter: func(d time.Duration) time.Duration {
			return rand.N(d + 1) //nolint:gosec // spreading load needs no secrecy
		},
	}
}

// judge says whether one more request may go now, and if not, why.
func (p *pacer) judge(now time.Time) (bool, hold) {
	if now.Before(p.blockedUntil) {
		return false, hold{p.blockedUntil, "the API's rate limit (a request was answered 429)"}
	}
	if p.probing {
		return false, hold{reason: "the answer to another request, which tells the API's rate limit"}
	}
	if until, reason := p.own.fullUntil(now); until.After(now) {
		return false, hold{until, reason}
	}
	if p.probeNext || p.window == nil || p.window.over(now) || p.window.remaining > p.inFlight {
		return true, hold{}
	}
	if !p.window.reset.IsZero() {
		return false, hold{p.window.renewed, "the API's rate limit (" + p.window.used() + ")"}
	}
	// Nothing is left and the API does not say until when: ask with one request at a time.
	return p.inFlight == 0, hold{reason: "the answer to another request, which tells the API's rate limit"}
}

// admit takes room for one request. The caller has asked judge.
func (p *pacer) admit(now time.Time) *slot {
	exhausted := p.window != nil && (p.window.over(now) || p.window.remaining <= p.inFlight)
	probe := p.probeNext || exhausted
	p.probing = p.probing || probe
	p.inFlight++
	p.own.add(now)
	return &slot{pacer: p, probe: probe, window: p.window}
}

// slot is the room that one request takes from admission to answer. Exactly one of its methods is called, once.
type slot struct {
	pacer  *pacer
	probe  bool
	window *window // the one it was admitted in
}

// answered hands in what the answer said.
func (s *slot) answered(report rateReport) {
	s.end(func(p *pacer, now time.Time) {
		if report.refused {
			p.refuse(report, now)
			return
		}
		if s.probe {
			p.probeNext = false
			p.refusals = 0
		}
		p.learn(s, report, now)
	})
}

// failed is for a request without an answer. The API may have counted it. If it was a probe, the next one is too.
func (s *slot) failed() {
	s.end(func(p *pacer, _ time.Time) {
		p.probeNext = p.probeNext || s.probe
		p.window.spend()
	})
}

// unused is for a request that was not sent.
func (s *slot) unused() {
	s.end(func(p *pacer, _ time.Time) {
		p.probeNext = p.probeNext || s.probe
		p.own.takeBack()
	})
}

func (s *slot) end(record func(p *pacer, now time.Time)) {
	p := s.pacer
	p.mu.Lock()
	defer p.mu.Unlock()
	now := p.clock.Now()
	p.inFlight--
	if s.probe {
		p.probing = false
	}
	record(p, now)
	p.dispatch(now)
}

// refuse records a 429: nobody goes before the time it names, and then one goes alone. The window is forgotten,
// because Retry-After may be about another limit than the headers.
func (p *pacer) refuse(report rateReport, now time.Time) {
	wait, said := report.comeBack(now)
	if !said {
		wait = min(refusalWait<<min(p.refusals, 10), refusalWaitMax)
		wait = wait/2 + p.jitter(wait/2)
	}
	p.refusals++
	p.window = nil
	p.probeNext = true
	until := now.Add(wait + p.jitter(min(wait/20, time.Second)))
	if until.After(p.blockedUntil) {
		p.blockedUntil = until
	}
}

// learn takes over what a successful answer says of the window. Answers arrive out of order, so within one window
// the count only falls; an answer from an older window than the present one is ignored.
func (p *pacer) learn(s *slot, report rateReport, now time.Time) {
	if !report.known && s.probe {
		p.window = nil // the API says nothing of a limit, so nothing can be waited for
		return
	}
	if !report.known {
		p.window.spend()
		return
	}
	next := newWindow(report, p.jitter)
	next.hourly = next.lastsAnHour(p.window, now)
	switch w := p.window; {
	case w == nil, w.over(now), s.probe, next.after(w):
		p.window = next
	case s.window != w && w.after(next):
	default:
		w.remaining = min(w.remaining, next.remaining)
	}
}
