package apiclient

import (
	"encoding/json"
	"math"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// longestWait caps every wait that an answer can ask for: a broken header must not stop a client for good.
const longestWait = time.Hour

// rateReport is what one answer says of the rate limit. Times are already by the local clock.
type rateReport struct {
	refused    bool          // 429
	retryAfter time.Duration // 0: not said
	known      bool          // remaining was sent
	limit      int           // 0: not said
	remaining  int
	reset      time.Time // zero: not said, or already past
}

// comeBack returns how long to wait after a 429, if the answer says it in any way.
func (r rateReport) comeBack(now time.Time) (time.Duration, bool) {
	if r.retryAfter > 0 {
		return r.retryAfter, true
	}
	if r.reset.After(now) {
		return r.reset.Sub(now), true
	}
	return 0, false
}

// readRate reads the headers of an answer received at now, and the body of a 429. What is missing or unreadable is
// no information, never zero.
func readRate(a *reply, now time.Time) rateReport {
	server := serverNow(a.header, now)
	report := rateReport{refused: a.status == http.StatusTooManyRequests}
	if wait, ok := retryAfter(a.header, server); ok {
		report.retryAfter = wait
	} else if report.refused {
		report.retryAfter = bodyRetryAfter(a.body)
	}
	if limit, ok := headerNumber(a.header, "X-RateLimit-Limit"); ok {
		report.limit = int(limit)
	}
	if remaining, ok := headerNumber(a.header, "X-RateLimit-Remaining"); ok {
		report.known, report.remaining = true, int(remaining)
	}
	if wait, ok := resetIn(a.header, server); ok {
		report.reset = now.Add(wait)
	}
	return report
}

// serverNow returns the server's idea of the time, which may be a day off ours: the Date header, or local.
func serverNow(header http.Header, local time.Time) time.Time {
	if date, err := http.ParseTime(header.Get("Date")); err == nil {
		return date
	}
	return local
}

// retryAfter reads Retry-After: seconds, or a date by the server's clock. Only a time ahead is information.
func retryAfter(header http.Header, server time.Time) (time.Duration, bool) {
	if seconds, ok := headerNumber(header, "Retry-After"); ok {
		return positive(secondsOf(seconds))
	}
	if date, err := http.ParseTime(header.Get("Retry-After")); err == nil {
		return positive(date.Sub(server))
	}
	return 0, false
}

// bodyRetryAfter reads {"retry_after": seconds}, which a sibling API of the vendor sends.
func bodyRetryAfter(body []byte) time.Duration {
	var fields struct {
		RetryAfter json.Number `json:"retry_after"`
	}
	if json.Unmarshal(body, &fields) != nil {
		return 0
	}
	seconds, err := fields.RetryAfter.Float64()
	if err != nil {
		return 0
	}
	wait, _ := positive(secondsOf(seconds))
	return wait
}

const (
	smallestMillis = 1e12 // as seconds this would be the year 33658
	smallestUnix   = 1e8  // 1973; a smaller number counts seconds from now, and three years is no wait
)

// resetIn reads X-RateLimit-Reset as the time that is left: Unix seconds, milliseconds, a delta, or a date.
func resetIn(header http.Header, server time.Time) (time.Duration, bool) {
	n, ok := headerNumber(header, "X-RateLimit-Reset")
	switch {
	case ok && n >= smallestMillis:
		return positive(secondsOf(n/1e3 - unixSeconds(server)))
	case ok && n >= smallestUnix:
		return positive(secondsOf(n - unixSeconds(server)))
	case ok:
		return positive(secondsOf(n))
	}
	if date, err := http.ParseTime(header.Get("X-RateLimit-Reset")); err == nil {
		return positive(date.Sub(server))
	}
	return 0, false
}

func unixSeconds(t time.Time) float64 { return float64(t.UnixNano()) / 1e9 }

func secondsOf(n float64) time.Duration {
	return time.Duration(math.Min(n, longestWait.Seconds()) * float64(time.Second))
}

func positive(d time.Duration) (time.Duration, bool) {
	if d <= 0 {
		return 0, false
	}
	return min(d, longestWait), true
}

// headerNumber reads a header that holds one finite number, zero or more.
func headerNumber(header http.Header, name string) (float64, bool) {
	n, err := strconv.ParseFloat(strings.TrimSpace(header.Get(name)), 64)
	if err != nil || math.IsNaN(n) || math.IsInf(n, 0) || n < 0 || n > 1e15 {
		return 0, false
	}
	return n, true
}
