package apikey

import (
	"fmt"
	"testing"
	"time"

	"github.com/betterdataco/terraform-provider-betterdata/apiclient/rotation"
)

func mustWindow(t *testing.T, schedule, zone string, duration time.Duration) *Window {
	t.Helper()
	window, err := NewWindow(schedule, zone, duration)
	if err != nil {
		t.Fatal(err)
	}
	return window
}

func at(t *testing.T, value string) time.Time {
	t.Helper()
	parsed, err := time.Parse(time.RFC3339, value)
	if err != nil {
		t.Fatal(err)
	}
	return parsed
}

func TestDue(t *testing.T) {
	t.Parallel()
	const day = 24 * time.Hour
	sundays := mustWindow(t, "0 2 * * 0", "Europe/Berlin", 4*time.Hour)
	for title, test := range map[string]struct {
		window   *Window
		interval time.Duration
		now      string
		due      bool
	}{
		"never":                                  {nil, 0, "2036-01-01T00:00:00Z", false},
		"before interval and jitter":             {nil, 90 * day, "2026-06-15T22:00:00Z", false},
		"at the interval":                        {nil, 90 * day, "2026-06-16T00:00:00Z", true},
		"the last window before the end":         {sundays, 90 * day, "2026-06-14T00:00:00Z", true},  // 02:00 in Berlin
		"a second before it":                     {sundays, 90 * day, "2026-06-13T23:59:59Z", false}, // daylight saving counts
		"the window before":                      {sundays, 90 * day, "2026-06-07T01:00:00Z", false},
		"window missed: not before the end":      {sundays, 90 * day, "2026-06-14T05:00:00Z", false},
		"window missed: at the end":              {sundays, 90 * day, "2026-06-16T00:00:00Z", true},
		"no window within the interval":          {sundays, 5 * day, "2026-03-22T05:00:00Z", false}, // issued on a Wednesday
		"no window within the interval: at once": {sundays, 3 * day, "2026-03-21T00:00:00Z", true},
	} {
		t.Run(title, func(t *testing.T) {
			t.Parallel()
			s := Schedule{Policy: rotation.Policy{Interval: test.interval}, Window: test.window}
			issued := at(t, "2026-03-18T00:00:00Z")
			if due, next := s.Due(issued, at(t, test.now), "some-uid"); due != test.due {
				t.Errorf("due: %t, next %s", due, next)
			}
		})
	}
}

// TestJitter is at most an hour or a twentieth, only ever early, the same after a restart, and different for others.
func TestJitter(t *testing.T) {
	t.Parallel()
	issued, seen := at(t, "2026-03-18T00:00:00Z"), map[time.Time]bool{}
	for _, interval := range []time.Duration{time.Minute, time.Hour, 24 * time.Hour, 2160 * time.Hour} {
		s := Schedule{Policy: rotation.Policy{Interval: interval}}
		for i := range 200 {
			uid := fmt.Sprint("uid-", i)
			_, first := s.Due(issued, issued, uid)
			_, again := s.Due(issued, issued.Add(time.Second), uid)
			early := issued.Add(interval).Sub(first)
			if first != again || early < 0 || early > min(interval/20, time.Hour) {
				t.Errorf("%s: %s early, then %s", interval, early, again)
			}
			seen[first] = true
		}
	}
	if len(seen) < 700 {
		t.Errorf("only %d different times for 800 keys", len(seen))
	}
}

func TestNewWindowRefuses(t *testing.T) {
	t.Parallel()
	for _, bad := range []struct {
		schedule, zone string
		duration       time.Duration
	}{
		{"0 2 * *", "UTC", time.Hour}, {"0 25 * * *", "UTC", time.Hour}, {"@daily", "UTC", time.Hour},
		{"CRON_TZ=UTC 0 2 * * *", "UTC", time.Hour}, {"0 2 * * 0", "Middle/Earth", time.Hour}, {"0 2 * * 0", "UTC", 0},
		{"0 0 31 2 *", "UTC", time.Hour}, // never comes
	} {
		if _, err := NewWindow(bad.schedule, bad.zone, bad.duration); err == nil {
			t.Errorf("%+v was accepted", bad)
		}
	}
}

// TestWindowExtremes looks for the last window among five million, and among three.
func TestWindowExtremes(t *testing.T) {
	t.Parallel()
	issued := at(t, "2026-01-01T00:00:00Z")
	for _, schedule := range []string{"* * * * *", "0 0 1 1 *", "0 0 29 2 *"} {
		s := Schedule{Policy: rotation.Policy{Interval: 10 * 365 * 24 * time.Hour}, Window: mustWindow(t, schedule, "", time.Minute)}
		if due, next := s.Due(issued, issued, "uid"); due || !next.After(issued) {
			t.Errorf("%s: due %t, next %s", schedule, due, next)
		}
	}
}
