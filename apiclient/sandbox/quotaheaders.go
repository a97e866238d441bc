package sandbox

import (
	"net/http"
	"strconv"
	"time"
)

// quotaHeaders sets X-RateLimit-Limit, -Remaining and -Reset of the tightest window.
func (d Dialect) quotaHeaders(h http.Header, q quota, now time.Time) {
	if d.Reset == "none" || q.limit == 0 {
		return
	}
	h.Set("X-RateLimit-Limit", strconv.Itoa(q.limit))
	h.Set("X-RateLimit-Remaining", strconv.Itoa(q.remaining))
	h.Set("X-RateLimit-Reset", strconv.FormatInt(d.reset(q.reset, now), 10))
}

func (d Dialect) reset(at, now time.Time) int64 {
	switch d.Reset {
	case "milliseconds":
		return ceilTo(at, time.Millisecond).UnixMilli()
	case "delta":
		return seconds(at.Sub(now))
	default:
		return ceilTo(at, time.Second).Unix()
	}
}

// retryAfter is the Retry-After header of a wait, rounded up to whole seconds.
func (d Dialect) retryAfter(wait time.Duration, now time.Time) http.Header {
	switch d.RetryAfter {
	case "date":
		return http.Header{"Retry-After": {ceilTo(now.Add(wait), time.Second).UTC().Format(http.TimeFormat)}}
	case "none":
		return http.Header{}
	default:
		return http.Header{"Retry-After": {strconv.FormatInt(seconds(wait), 10)}}
	}
}

func ceilTo(t time.Time, unit time.Duration) time.Time {
	if down := t.Truncate(unit); down.Before(t) {
		return down.Add(unit)
	}
	return t
}
