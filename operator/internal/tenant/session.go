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
