package apiclient

import (
	"fmt"
	"slices"
	"time"
)

// window is what the API's headers said of one limit. Which one (minute, hour, burst) they do not say.
type window struct {
	limit     int // 0: not said
	remaining int // as of the answer that left least
	reset     time.Time
	renewed   time.Time // reset and a little more; zero reset: not said
	hourly    bool      // seen to last for more than a minute
}

// windowTolerance is by how much two answers may differ on the end of one and the same window: the header counts
// whole seconds, and a delta moves with the time an answer travels.
const windowTolerance = 1500 * time.Millisecond

func newWindow(report rateReport, jitter func(time.Duration) time.Duration) *window {
	w := &window{limit: report.limit, remaining: report.remaining, reset: report.reset}
	if !w.reset.IsZero() {
		w.renewed = w.reset.Add(jitter(250 * time.Millisecond))
	}
	return w
}

// over reports whether the window has ended, so that its count says nothing any more.
func (w *window) over(now time.Time) bool {
	return !w.reset.IsZero() && !now.Before(w.renewed)
}

// after reports whether w is a later window than other.
func (w *window) after(other *window) bool {
	return w.reset.After(other.reset.Add(windowTolerance))
}

// spend counts a request whose answer did not say what it left.
func (w *window) spend() {
	if w != nil && w.remaining > 0 {
		w.remaining--
	}
}

// lastsAnHour reports whether the window must be that of an hour: it has more than a minute to go, or had when it was
// the one known before.
func (w *window) lastsAnHour(before *window, now time.Time) bool {
	return w.reset.Sub(now) > time.Minute+windowTolerance ||
		before != nil && before.hourly && !w.after(before) && !before.after(w)
}

func (w *window) used() string {
	if w.limit <= 0 {
		return "nothing left"
	}
	return fmt.Sprintf("%d of %d used", w.limit-min(w.remaining, w.limit), w.limit)
}

// quotaLog keeps the configured quota: when requests were admitted, as far back as the quota looks.
type quotaLog struct {
	quota Quota
	sent  []time.Time // ascending
}

func (l *quotaLog) add(now time.Time) {
	if l.quota == (Quota{}) {
		return
	}
	old, _ := slices.BinarySearchFunc(l.sent, now.Add(-time.Hour), func(at, bound time.Time) int { return at.Compare(bound) })
	l.sent = append(slices.Delete(l.sent, 0, old), now)
}

func (l *quotaLog) takeBack() {
	if len(l.sent) > 0 {
		l.sent = l.sent[:len(l.sent)-1]
	}
}

// fullUntil returns when the quota has room again; a time that is past if it has now.
func (l *quotaLog) fullUntil(now time.Time) (time.Time, string) {
	minute, hour := l.freeAt(l.quota.PerMinute, time.Minute), l.freeAt(l.quota.PerHour, time.Hour)
	if hour.After(now) && !minute.After(hour) {
		return hour, fmt.Sprintf("the configured quota (%d an hour)", l.quota.PerHour)
	}
	return minute, fmt.Sprintf("the configured quota (%d a minute)", l.quota.PerMinute)
}

// freeAt returns when the request before the last n leaves the span.
func (l *quotaLog) freeAt(n int, span time.Duration) time.Time {
	if n <= 0 || len(l.sent) < n {
		return time.Time{}
	}
	return l.sent[len(l.sent)-n].Add(span)
}
