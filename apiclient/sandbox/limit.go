package sandbox

import (
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"
)

// RateLimit allows a number of requests per fixed window. A window begins with the first request after the end of
// the one before. Rejected requests do not count.
type RateLimit struct {
	Requests int           // at least 1
	Per      time.Duration // more than 0
	// Organisation: all credentials share the window. Otherwise each has its own.
	Organisation bool
}

// DefaultRateLimits returns the documented quota: 100 requests a minute and 1,000 an hour, for each credential.
func DefaultRateLimits() []RateLimit {
	return []RateLimit{{Requests: 100, Per: time.Minute}, {Requests: 1000, Per: time.Hour}}
}

// ParseRateLimits reads "100/1m,1000/1h"; "/organisation" after a limit makes all credentials share it. "off" means
// no limit at all.
func ParseRateLimits(s string) ([]RateLimit, error) {
	if s == "off" {
		return nil, nil
	}
	var limits []RateLimit
	for _, item := range strings.Split(s, ",") {
		l, err := parseRateLimit(strings.TrimSpace(item))
		if err != nil {
			return nil, fmt.Errorf("rate limit %q: %w (want off, or for example 100/1m,1000/1h)", item, err)
		}
		limits = append(limits, l)
	}
	return limits, nil
}

func parseRateLimit(item string) (RateLimit, error) {
	item, shared := strings.CutSuffix(item, "/organisation")
	count, per, ok := strings.Cut(item, "/")
	if !ok {
		return RateLimit{}, fmt.Errorf("no slash between requests and time")
	}
	requests, err := strconv.Atoi(count)
	if err != nil {
		return RateLimit{}, fmt.Errorf("%q is no number", count)
	}
	window, err := time.ParseDuration(per)
	if err != nil {
		return RateLimit{}, err
	}
	l := RateLimit{Requests: requests, Per: window, Organisation: shared}
	return l, l.validate()
}

func (l RateLimit) validate() error {
	if l.Requests < 1 || l.Per <= 0 {
		return fmt.Errorf("rate limit of %d requests per %s: both must be more than zero", l.Requests, l.Per)
	}
	return nil
}

// limiter counts requests in windows.
type limiter struct {
	limits  []RateLimit
	windows map[windowKey]*window
}

type windowKey struct {
	limit      int    // index
	credential string // empty for a limit of the whole organisation
}

type window struct {
	start time.Time
	used  int
}

// quota is what the tightest window says after a request. The zero value: there is no limit.
type quota struct {
	limit, remaining int
	reset            time.Time
	rejected         bool
}

// take counts a request of a credential, or rejects it and counts nothing.
func (l *limiter) take(credential string, now time.Time) quota {
	tightest := quota{remaining: math.MaxInt}
	current := make([]*window, len(l.limits))
	for i, limit := range l.limits {
		current[i] = l.window(i, credential, now)
		q := quota{limit: limit.Requests, remaining: limit.Requests - current[i].used, reset: current[i].start.Add(limit.Per)}
		q.rejected = q.remaining == 0
		if q.tighterThan(tightest) {
			tightest = q
		}
	}
	if len(l.limits) == 0 {
		return quota{}
	}
	if !tightest.rejected {
		for _, w := range current {
			w.used++
		}
		tightest.remaining--
	}
	return tightest
}

// tighterThan prefers fewer requests left, then the later reset: a full hour outlasts a full minute.
func (q quota) tighterThan(other quota) bool {
	if q.remaining != other.remaining {
		return q.remaining < other.remaining
	}
	return q.reset.After(other.reset)
}

func (l *limiter) window(i int, credential string, now time.Time) *window {
	key := windowKey{limit: i, credential: credential}
	if l.limits[i].Organisation {
		key.credential = ""
	}
	w := l.windows[key]
	// A clock set back ends a window too; else it would last until the clock catches up.
	if w == nil || now.Before(w.start) || now.Sub(w.start) >= l.limits[i].Per {
		w = &window{start: now}
		l.windows[key] = w
	}
	return w
}

// seconds rounds up: whoever waits as long as it is told must not be early.
func seconds(d time.Duration) int64 {
	return int64(math.Ceil(d.Seconds()))
}
