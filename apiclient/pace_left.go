package apiclient

import "time"

// Allowance is what is left of a quota. What is not known is -1.
type Allowance struct{ Left, Limit int }

// unknownAllowance is said of a limit that neither the API nor WithQuota has told.
var unknownAllowance = Allowance{-1, -1}

// QuotaLeft returns how many requests of the present minute and hour are left, by the answers so far and by WithQuota;
// of two limits, the one that leaves less. The API does not say which of its limits the headers are about: they count as
// the hour's where the window ends in more than a minute.
func (c *Client) QuotaLeft() (minute, hour Allowance) {
	return c.pacer.left()
}

func (p *pacer) left() (minute, hour Allowance) {
	p.mu.Lock()
	defer p.mu.Unlock()
	now := p.clock.Now()
	minute, hour = p.own.left(p.own.quota.PerMinute, time.Minute, now), p.own.left(p.own.quota.PerHour, time.Hour, now)
	if w := p.window; w != nil {
		tightest := &minute
		if w.hourly {
			tightest = &hour
		}
		*tightest = tightest.orTighter(w.left(now, p.inFlight))
	}
	switch wait := p.blockedUntil.Sub(now); {
	case wait > time.Minute:
		hour.Left = 0
	case wait > 0:
		minute.Left = 0
	}
	return minute, hour
}

// orTighter returns the allowance of the two that leaves less.
func (a Allowance) orTighter(other Allowance) Allowance {
	if a.Left < 0 || other.Left >= 0 && other.Left < a.Left {
		return other
	}
	return a
}

// left returns what the configured quota of n requests in each span leaves.
func (l *quotaLog) left(n int, span time.Duration, now time.Time) Allowance {
	if n <= 0 {
		return unknownAllowance
	}
	sent := 0
	for i := len(l.sent) - 1; i >= 0 && l.sent[i].After(now.Add(-span)); i-- {
		sent++
	}
	return Allowance{max(0, n-sent), n}
}

// left returns what the window leaves beside the requests that are out.
func (w *window) left(now time.Time, inFlight int) Allowance {
	limit := w.limit
	if limit <= 0 {
		limit = -1
	}
	if w.over(now) {
		return Allowance{limit, limit} // a new one has begun, of which nothing but the limit is known
	}
	return Allowance{max(0, w.remaining-inFlight), limit}
}
