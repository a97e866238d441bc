package tenant

import (
	"errors"
	"time"

	"github.com/betterdataco/terraform-provider-betterdata/apiclient"
	"github.com/betterdataco/terraform-provider-betterdata/operator/internal/controller/apikey"
)

// How long requests are held back after a failure, doubling with each in a row.
const (
	firstOutage, longestOutage   = 5 * time.Second, 5 * time.Minute
	firstRefusal, longestRefusal = time.Minute, 10 * time.Minute
)

// gate holds requests back after a failure. Everybody gets the same error meanwhile, so that a dead token or an API that
// is down costs one request per backoff, whoever asks.
type gate struct {
	failure error // of the last request that told anything; nil: it went well
	until   time.Time
	count   int  // failures in a row
	soft    bool // it is about listings alone
}

// closed returns the failure while requests are held back.
func (g *gate) closed(now time.Time) error {
	if g.failure != nil && now.Before(g.until) {
		return g.failure
	}
	return nil
}

// closedToWrites is closed for requests that change something. A listing that waits for quota does not hold them back:
// there may be room for one request, and the client knows.
func (g *gate) closedToWrites(now time.Time) error {
	if g.soft {
		return nil
	}
	return g.closed(now)
}

// pause closes the gate to listings, without anything having failed.
func (g *gate) pause(err error, until time.Time) {
	g.failure, g.until, g.soft = err, until, true
}

// fail closes the gate. No outage holds back for longer than the time between two polls.
func (g *gate) fail(err error, now time.Time, poll time.Duration) {
	g.failure, g.soft = err, false
	first, longest := firstOutage, max(firstOutage, min(longestOutage, poll))
	if apiclient.IsUnauthorized(err) || apiclient.IsForbidden(err) {
		first, longest = firstRefusal, longestRefusal
	}
	g.until = now.Add(min(first<<min(g.count, 10), longest))
	g.count++
	if e, ok := errors.AsType[*apiclient.Error](err); ok && e.RetryAt != nil && e.RetryAt.After(g.until) {
		g.until = earlier(*e.RetryAt, now.Add(longest))
	}
}

// told returns the failure as people are to see it: a pause until the quota is known is none.
func (g *gate) told() error {
	if _, busy := errors.AsType[*apikey.BusyError](g.failure); busy {
		return nil
	}
	return g.failure
}

// open forgets failures.
func (g *gate) open() { *g = gate{} }

// suspect reports that the last request that told anything has failed.
func (g *gate) suspect() bool { return g.count > 0 }

func isQuota(err error) bool {
	_, ok := errors.AsType[*apiclient.QuotaError](err)
	return ok
}

func earlier(a, b time.Time) time.Time {
	if a.Before(b) {
		return a
	}
	return b
}
