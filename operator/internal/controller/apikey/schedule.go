package apikey

import (
	"fmt"
	"hash/fnv"
	"strings"
	"time"
	_ "time/tzdata" // windows name time zones, and the operator's image has no zone files

	"github.com/robfig/cron/v3"

	"github.com/betterdataco/terraform-provider-betterdata/apiclient/rotation"
)

// Schedule says when rotations are due.
type Schedule struct {
	rotation.Policy
	Window *Window // nil: at any time
}

// Window is a recurring span of time in which rotations should happen.
type Window struct {
	starts   cron.Schedule
	zone     *time.Location
	duration time.Duration
}

// NewWindow reads a schedule of five cron fields, the name of a time zone (empty: UTC) and a duration. Its errors say
// which of them is wrong.
func NewWindow(schedule, timeZone string, duration time.Duration) (*Window, error) {
	zone, err := time.LoadLocation(timeZone)
	if err != nil {
		return nil, fmt.Errorf("time zone %q is not known: use a name such as Europe/Berlin: %w", timeZone, err)
	}
	if strings.Contains(schedule, "=") || strings.HasPrefix(schedule, "@") {
		return nil, fmt.Errorf("schedule %q: use five cron fields, and timeZone for the time zone", schedule)
	}
	starts, err := cron.ParseStandard(schedule)
	if err != nil {
		return nil, fmt.Errorf("schedule %q: %w", schedule, err)
	}
	if duration <= 0 {
		return nil, fmt.Errorf("duration %s: use one above zero", duration)
	}
	if starts.Next(time.Unix(0, 0)).IsZero() {
		return nil, fmt.Errorf("schedule %q names a date that never comes", schedule)
	}
	return &Window{starts: starts, zone: zone, duration: duration}, nil
}

const (
	jitterShare = 20 // one part in so many of the interval
	maxJitter   = time.Hour
)

// Due reports whether a key issued at issued is to be rotated at now, and if not, when to look again (zero: never).
// With a window that is while the last window runs that lies wholly before the interval's end; past the end it is at
// once, window or not. The jitter brings the end forward, never back, so that keys made together do not rotate
// together; it depends on the uid alone, so that a restart changes nothing.
func (s Schedule) Due(issued, now time.Time, uid string) (bool, time.Time) {
	end, ever := s.DueAt(issued)
	if !ever {
		return false, time.Time{}
	}
	early := end.Add(-s.jitter(uid))
	if s.Window == nil {
		return !now.Before(early), early
	}
	start, found := s.Window.lastWithin(issued, early)
	switch {
	case !now.Before(end):
		return true, end
	case !found || !now.Before(start.Add(s.Window.duration)):
		return false, end
	}
	return !now.Before(start), start
}

func (s Schedule) jitter(uid string) time.Duration {
	span := min(s.Interval/jitterShare, maxJitter)
	if span <= 0 {
		return 0
	}
	hash := fnv.New64a()
	hash.Write([]byte(uid))
	return time.Duration(hash.Sum64() % uint64(span)) //nolint:gosec // less than span, which fits
}

// lastWithin returns the start of the last window that begins after from and ends by end. It looks back over spans
// that double, so that a schedule of every minute costs no more than a yearly one.
func (w *Window) lastWithin(from, end time.Time) (time.Time, bool) {
	latest := end.Add(-w.duration)
	for back := time.Hour; ; back *= 2 {
		begin := latest.Add(-back)
		if begin.Before(from) {
			begin = from
		}
		if last, found := w.lastBetween(begin, latest); found {
			return last, true
		}
		if !begin.After(from) {
			return time.Time{}, false
		}
	}
}

func (w *Window) lastBetween(begin, latest time.Time) (last time.Time, found bool) {
	for next := w.starts.Next(begin.In(w.zone)); !next.IsZero() && !next.After(latest); next = w.starts.Next(next) {
		last, found = next.UTC(), true
	}
	return last, found
}
