package tenant

import (
	"context"
	"time"

	"github.com/betterdataco/terraform-provider-betterdata/apiclient"
	"github.com/betterdataco/terraform-provider-betterdata/operator/api/v1alpha1"
	"github.com/betterdataco/terraform-provider-betterdata/operator/internal/controller/apikey"
)

// listed is the latest complete listing that the Directory holds.
type listed struct {
	any     bool
	begun   apiclient.Instant
	begunAt time.Time
}

// flight is a listing on its way.
type flight struct {
	begunAt time.Time
	done    chan struct{}
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
		fresh, waiting, err := s.freshOrFlight(need) //nolint:contextcheck // a listing outlives the caller who needs it first
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
