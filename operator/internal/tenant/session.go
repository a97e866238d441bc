package tenant

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"sync"
	"time"

	"github.com/betterdataco/terraform-provider-betterdata/apiclient"
	"github.com/betterdataco/terraform-provider-betterdata/operator/api/v1alpha1"
	"github.com/betterdataco/terraform-provider-betterdata/operator/internal/controller/apikey"
)

// session is one client with one token and one set of settings, and so with a Directory that shows one tenant alone. A
// change of either makes a new session: what was listed with the old token must not be taken for what the new one shows.
// Exchanges of the old one that are on their way come to their end.
type session struct {
	pool          *Pool
	key           Key
	token         token
	configuration configuration
	invalid       error // *InvalidSettingsError: there is no client
	client        *apiclient.Client
	transport     http.RoundTripper
	life          context.Context // of its listings
	end           context.CancelFunc

	mu             sync.Mutex
	poll           time.Duration
	gate           gate
	silent         error // why the last attempt had no answer; nil: it had one
	held           listed
	flight         *flight
	pages          int  // listed so far by the flight, or by the last one
	long           bool // a listing took more pages than the quota left: the next ones wait for it
	waiting        apiclient.Wait
	authentication v1alpha1.AuthenticationState
	quotaUntil     time.Time
}

// listed is the latest complete listing that the Directory holds.
type listed struct {
	any     bool
	begun   apiclient.Instant
	begunAt time.Time
}

// requirement is a Freshness as of the moment it was asked for, so that a listing begun after it always serves.
type requirement struct {
	oldest time.Time // zero: any will do
	after  apiclient.Instant
}

func requirementOf(f apiclient.Freshness, now time.Time) requirement {
	need := requirement{after: f.BegunAfter}
	if f.MaxAge > 0 {
		need.oldest = now.Add(-f.MaxAge)
	}
	return need
}

func (r requirement) freshness(now time.Time) apiclient.Freshness {
	f := apiclient.Freshness{BegunAfter: r.after}
	if !r.oldest.IsZero() {
		f.MaxAge = max(now.Sub(r.oldest), time.Nanosecond)
	}
	return f
}

func (l listed) serves(r requirement) bool {
	return l.any && l.begun > r.after && !l.begunAt.Before(r.oldest)
}

// flight is a listing on its way.
type flight struct {
	begunAt time.Time
	done    chan struct{}
}

// newSession sends nothing. Settings that no client can be made of make a session that only tells so.
func (p *Pool) newSession(ctx context.Context, k Key, t token, want wanted) *session {
	c := want.configuration
	s := &session{pool: p, key: k, token: t, configuration: c, poll: want.poll, authentication: v1alpha1.AuthenticationUnknown}
	s.life, s.end = context.WithCancel(context.WithoutCancel(ctx)) // it outlives the worker who needed it first
	trust, err := c.trust()
	if err != nil {
		s.invalid = err
		return s
	}
	s.transport = p.transport(trust)
	options := append(p.clientOptions(c, s.transport, t.value),
		apiclient.WithQuota(c.quota),
		apiclient.WithRetry(apiclient.RetryPolicy{MaxRetries: 1, MinWait: 200 * time.Millisecond, MaxWait: time.Second}),
		apiclient.WithLogger(p.options.Logger.With("connection", k.String())),
		apiclient.WithRequestNotify(s.attempted), apiclient.WithWaitNotify(s.waits))
	if s.client, err = apiclient.New(options...); err != nil {
		s.invalid = &InvalidSettingsError{Why: fmt.Sprintf("%v (token from %s)", err, t.source)}
	}
	return s
}

// supersede ends listings, and connections that nobody uses any more.
func (s *session) supersede() {
	s.end()
	if idle, ok := s.transport.(interface{ CloseIdleConnections() }); ok {
		idle.CloseIdleConnections()
	}
}

func (s *session) superseded() bool { return s.life.Err() != nil }

func (s *session) now() time.Time { return s.pool.options.Now() }

// attempted is told of each attempt on the wire.
func (s *session) attempted(info apiclient.RequestInfo) {
	s.pool.count(s.key, info.Op, info.Status)
	s.mu.Lock()
	defer s.mu.Unlock()
	if info.Op == apiclient.OpList {
		s.pages++
	}
	s.silent = nil
	if info.Status == 0 && !errors.Is(info.Err, context.Canceled) {
		s.silent = info.Err
	}
}

// waits is told that a listing waits for quota.
func (s *session) waits(_ context.Context, w apiclient.Wait) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.waiting = w
}

// view returns a listing as fresh as f asks. It waits for at most patience, then the listing goes on without the caller,
// who gets a *apikey.BusyError.
func (s *session) view(ctx context.Context, f apiclient.Freshness) (*apiclient.View, error) {
	if s.invalid != nil {
		return nil, s.invalid
	}
	need := requirementOf(f, s.now())
	deadline := time.NewTimer(patience)
	defer deadline.Stop()
	for {
		fresh, waiting, err := s.freshOrFlight(need)
		switch {
		case err != nil:
			return nil, err
		case fresh.any: // nothing older than that listing, so none is made
			return s.client.Directory().View(ctx, apiclient.Freshness{BegunAfter: fresh.begun - 1})
		case s.now().Sub(waiting.begunAt) >= patience:
			return nil, s.underway()
		}
		select {
		case <-waiting.done:
		case <-deadline.C:
			return nil, s.underway()
		case <-ctx.Done():
			return nil, context.Cause(ctx)
		}
	}
}

// heldView returns the listing at hand if it is as fresh as f asks, else nil. It sends nothing.
func (s *session) heldView(ctx context.Context, f apiclient.Freshness) *apiclient.View {
	s.mu.Lock()
	held := s.held
	s.mu.Unlock()
	if !held.serves(requirementOf(f, s.now())) {
		return nil
	}
	view, err := s.client.Directory().View(ctx, apiclient.Freshness{BegunAfter: held.begun - 1})
	if err != nil {
		return nil
	}
	return view
}

// quotaUsedUpUntil is zero if there is quota left, as far as is known.
func (s *session) quotaUsedUpUntil() time.Time {
	s.mu.Lock()
	defer s.mu.Unlock()
	until := s.quotaUntil
	if s.flight != nil && s.waiting.Until.After(until) {
		until = s.waiting.Until
	}
	if !s.now().Before(until) {
		return time.Time{}
	}
	return until
}

// underway says when to come back for a listing that takes long.
func (s *session) underway() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.flight != nil && s.now().Before(s.waiting.Until) {
		return &apiclient.QuotaError{Op: s.waiting.Op, RetryAt: s.waiting.Until, Reason: s.waiting.Reason}
	}
	return s.pool.busy(patience)
}

// freshOrFlight returns the listing that will do, or the one to wait for, which it begins if it must.
func (s *session) freshOrFlight(need requirement) (listed, *flight, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := s.now()
	if s.superseded() {
		return listed{}, nil, &apikey.BusyError{RetryAt: now}
	}
	if s.held.serves(need) {
		return s.held, nil, nil
	}
	if s.flight != nil {
		return listed{}, s.flight, nil
	}
	if err := s.gate.closed(now); err != nil {
		return listed{}, nil, err
	}
	s.flight, s.pages = &flight{begunAt: now, done: make(chan struct{})}, 0
	ctx := s.life
	if s.long {
		ctx = apiclient.WithQuotaWait(ctx)
	}
	go s.fly(ctx, s.flight, need.freshness(now))
	return listed{}, s.flight, nil
}

// fly makes one listing. There is one at a time, and what it ends in is recorded before anybody may begin another.
func (s *session) fly(ctx context.Context, fl *flight, f apiclient.Freshness) {
	view, err := s.client.Directory().View(ctx, f)
	s.mu.Lock()
	defer s.mu.Unlock()
	defer close(fl.done)
	s.flight = nil
	switch {
	case s.superseded():
	case err != nil:
		s.long = s.long || isQuota(err) && s.pages > 0
		s.failedLocked(err)
	default:
		s.held = listed{any: true, begun: view.Begun(), begunAt: view.BegunAt()}
		s.authentication = v1alpha1.AuthenticationAccepted
		s.gate.open()
	}
}

// failedLocked records a failure that concerns everybody.
func (s *session) failedLocked(err error) {
	switch {
	case apiclient.IsUnauthorized(err):
		s.authentication = v1alpha1.AuthenticationRejected
	case apiclient.IsForbidden(err):
		s.authentication = v1alpha1.AuthenticationForbidden
	}
	s.noteQuotaLocked(err)
	switch quota, ok := errors.AsType[*apiclient.QuotaError](err); {
	case !ok:
		s.gate.fail(err, s.now(), s.poll)
	case s.quotaUntil.IsZero(): // another request is out to learn the limit: nothing is used up
		s.gate.pause(&apikey.BusyError{RetryAt: quota.RetryAt}, quota.RetryAt)
	default:
		s.gate.pause(quota, quota.RetryAt)
	}
}

// noteQuotaLocked notes until when the quota is known to be used up, if that is what the request was held back for.
func (s *session) noteQuotaLocked(err error) {
	s.quotaUntil = time.Time{}
	if quota, ok := errors.AsType[*apiclient.QuotaError](err); ok {
		if minute, hour := s.client.QuotaLeft(); minute.Left == 0 || hour.Left == 0 {
			s.quotaUntil = quota.RetryAt
		}
	}
}

// settle records what the outcome of a write says about the connection as a whole. A refusal of one request says
// nothing: it may be about the key.
func (s *session) settle(err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	_, answered := errors.AsType[*apiclient.Error](err)
	switch {
	case err == nil:
		s.quotaUntil = time.Time{}
		s.gate.open()
	case isQuota(err):
		s.noteQuotaLocked(err)
	case apiclient.IsUnauthorized(err):
		s.failedLocked(err)
	case !answered && s.silent != nil:
		s.gate.fail(fmt.Errorf("the API does not answer: %w", s.silent), s.now(), s.poll)
	}
}

// heldBack returns why no request may be sent now.
func (s *session) heldBack() error {
	if s.invalid != nil {
		return s.invalid
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.gate.closedToWrites(s.now())
}

// suspect reports that the last request has failed, so that only one at a time should find out whether the next will.
func (s *session) suspect() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.gate.suspect()
}

// reset lets the next request pass, because something may have changed.
func (s *session) reset() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.gate.open()
}

func (s *session) setPoll(poll time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.poll = poll
}
