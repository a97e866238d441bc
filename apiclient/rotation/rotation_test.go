package rotation

import (
	"errors"
	"fmt"
	"math"
	"reflect"
	"strings"
	"testing"
	"time"
)

const day = 24 * time.Hour

var issued = time.Date(2026, time.January, 1, 0, 0, 0, 0, time.UTC)

func TestValidate(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		policy Policy
		want   []string // the fields with a problem, in order
	}{
		"usual":                   {Policy{90 * day, DefaultOverlap}, nil},
		"never":                   {Policy{}, nil},
		"never, with overlap":     {Policy{0, DefaultOverlap}, nil},
		"shortest":                {Policy{MinInterval, 0}, nil},
		"longest":                 {Policy{math.MaxInt64, math.MaxInt64 - 1}, nil},
		"too short":               {Policy{MinInterval - 1, 0}, []string{"interval"}},
		"negative interval":       {Policy{-time.Hour, 0}, []string{"interval"}},
		"negative overlap":        {Policy{time.Hour, -1}, []string{"overlap"}},
		"negative overlap, never": {Policy{0, -1}, []string{"overlap"}},
		"overlap as interval":     {Policy{time.Hour, time.Hour}, []string{"overlap"}},
		"overlap just fits":       {Policy{time.Hour, time.Hour - 1}, nil},
		"both":                    {Policy{time.Second, time.Hour}, []string{"interval", "overlap"}},
		"both negative":           {Policy{math.MinInt64, math.MinInt64}, []string{"interval", "overlap"}},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var fields []string
			for _, problem := range problems(t, test.policy.Validate()) {
				fields = append(fields, problem.Field)
			}
			if !reflect.DeepEqual(fields, test.want) {
				t.Errorf("problems with %q, want %q", fields, test.want)
			}
		})
	}
}

// problems takes a joined error apart. Each part must be a complete *FieldError.
func problems(t *testing.T, err error) []*FieldError {
	t.Helper()
	if err == nil {
		return nil
	}
	joined, ok := err.(interface{ Unwrap() []error })
	if !ok {
		t.Fatalf("%T is not a joined error", err)
	}
	var found []*FieldError
	for _, part := range joined.Unwrap() {
		problem, ok := errors.AsType[*FieldError](part)
		if !ok || problem.Problem == "" || problem.Remedy == "" {
			t.Fatalf("%#v is not a complete *FieldError", part)
		}
		found = append(found, problem)
	}
	return found
}

func TestFieldErrorText(t *testing.T) {
	t.Parallel()
	err := Policy{Interval: 30 * time.Second, Overlap: time.Hour}.Validate()
	want := "rotation interval is 30s, shorter than 1m0s: use at least 1m0s, or leave it out to rotate never\n" +
		"rotation overlap is 1h0m0s, not shorter than the interval of 30s: make the overlap shorter or the interval longer"
	if err == nil || err.Error() != want {
		t.Errorf("got  %v\nwant %s", err, want)
	}
	err = Policy{Overlap: -time.Second}.Validate()
	if err == nil || !strings.Contains(err.Error(), "overlap is -1s, below zero: use 0s") {
		t.Errorf("got %v", err)
	}
}

func TestDue(t *testing.T) {
	t.Parallel()
	quarterly := Policy{Interval: 90 * day, Overlap: day}
	at := issued.Add(90 * day)
	tests := map[string]struct {
		policy      Policy
		issued, now time.Time
		want        bool
	}{
		"just issued":               {quarterly, issued, issued, false},
		"a nanosecond early":        {quarterly, issued, at.Add(-1), false},
		"to the moment":             {quarterly, issued, at, true},
		"later":                     {quarterly, issued, at.Add(365 * day), true},
		"never":                     {Policy{}, issued, at.Add(365 * day), false},
		"interval below zero":       {Policy{Interval: -day}, issued, at, false},
		"issue time not known":      {quarterly, time.Time{}, at, false},
		"present not known":         {quarterly, issued, time.Time{}, false},
		"issued in the future":      {quarterly, at.Add(day), at, false},
		"same moment, other zone":   {quarterly, issued.In(time.FixedZone("", 5*3600)), at.In(time.FixedZone("", -8*3600)), true},
		"before the epoch":          {quarterly, time.Date(1, 1, 2, 0, 0, 0, 0, time.UTC), issued, true},
		"the longest interval":      {Policy{Interval: math.MaxInt64}, issued, at, false},
		"the longest, much later":   {Policy{Interval: math.MaxInt64}, issued, issued.AddDate(293, 0, 0), true},
		"issued at the end of time": {Policy{Interval: math.MaxInt64}, time.Unix(1<<62, 0), at, false},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if got := test.policy.Due(test.issued, test.now); got != test.want {
				t.Errorf("Due(%v, %v) = %v", test.issued, test.now, got)
			}
		})
	}
}

func TestDueAt(t *testing.T) {
	t.Parallel()
	if at, ever := (Policy{Interval: 90 * day}).DueAt(issued); !ever || !at.Equal(issued.Add(90*day)) {
		t.Errorf("got %v, %v", at, ever)
	}
	if at, ever := (Policy{}).DueAt(issued); ever || !at.IsZero() {
		t.Errorf("without an interval: %v, %v", at, ever)
	}
	if at, ever := (Policy{Interval: day}).DueAt(time.Time{}); ever || !at.IsZero() {
		t.Errorf("without a time of issue: %v, %v", at, ever)
	}
}

func TestOverlap(t *testing.T) {
	t.Parallel()
	policy := Policy{Interval: 90 * day, Overlap: day}
	end := policy.RevokeAfter(issued)
	if !end.Equal(issued.Add(day)) {
		t.Fatalf("RevokeAfter gives %v", end)
	}
	for offset, want := range map[time.Duration]bool{-day: false, -1: false, 0: true, 1: true, day: true} {
		if got := OverlapEnded(end, end.Add(offset)); got != want {
			t.Errorf("%v from the end: %v", offset, got)
		}
	}
	if at := (Policy{}).RevokeAfter(issued); !OverlapEnded(at, issued) {
		t.Error("an overlap of 0 has not ended at once")
	}
	if at := (Policy{Overlap: -day}).RevokeAfter(issued); !at.Equal(issued) {
		t.Errorf("an overlap below zero ends before it begins: %v", at)
	}
}

// What is not known revokes nothing.
func TestOverlapOfUnknownTimes(t *testing.T) {
	t.Parallel()
	at := Policy{Overlap: day}.RevokeAfter(time.Time{})
	if !at.IsZero() || OverlapEnded(at, issued) {
		t.Errorf("unknown time of publication: until %v, ended %v", at, OverlapEnded(at, issued))
	}
	if OverlapEnded(issued, time.Time{}) {
		t.Error("an unknown present ends the overlap")
	}
}

// A machine that slept has monotonic readings that lag behind the wall clock.
func TestMonotonicReadingsAreIgnored(t *testing.T) {
	t.Parallel()
	now := time.Now()
	if !strings.Contains(now.String(), "m=") {
		t.Fatal("time.Now has no monotonic reading")
	}
	policy := Policy{Interval: time.Hour, Overlap: time.Minute}
	due, _ := policy.DueAt(now)
	for name, at := range map[string]time.Time{"DueAt": due, "RevokeAfter": policy.RevokeAfter(now)} {
		if strings.Contains(at.String(), "m=") || at.Location() != time.UTC {
			t.Errorf("%s gives %v", name, at)
		}
	}
	if !policy.Due(now, now.Round(0).Add(time.Hour)) || !policy.Due(now.Round(0), now.Add(time.Hour)) {
		t.Error("the verdict depends on which time has a monotonic reading")
	}
	if !OverlapEnded(now, now.Round(0)) || !OverlapEnded(now.Round(0), now) {
		t.Error("the end of the overlap depends on which time has a monotonic reading")
	}
}

func FuzzPolicy(f *testing.F) {
	f.Add(int64(90*day), int64(day), issued.Unix(), int64(0), int64(91*24*3600))
	f.Add(int64(math.MaxInt64), int64(math.MaxInt64), int64(math.MaxInt64), int64(0), int64(-1))
	f.Add(int64(math.MinInt64), int64(math.MinInt64), int64(math.MinInt64), int64(1), int64(math.MaxInt64))
	f.Add(int64(1), int64(0), lastTime.Unix(), int64(999_999_999), int64(1))
	f.Fuzz(func(t *testing.T, interval, overlap, seconds, nanos, later int64) {
		policy := Policy{time.Duration(interval), time.Duration(overlap)}
		start := time.Unix(seconds, nanos&0x1fffffff)
		checkDue(t, policy, start, later)
		checkOverlap(t, policy, start)
		if valid := policy.Validate() == nil; valid != naiveValid(policy) {
			t.Errorf("%v is valid: %v", policy, valid)
		}
	})
}

func checkDue(t *testing.T, policy Policy, start time.Time, later int64) {
	t.Helper()
	at, ever := policy.DueAt(start)
	if !ever {
		if policy.Interval > 0 && !start.IsZero() || policy.Due(start, lastTime) {
			t.Errorf("%v from %v: never", policy, start)
		}
		return
	}
	if at.After(lastTime) || at.Before(start) && at != lastTime {
		t.Errorf("%v from %v: due at %v", policy, start, at)
	}
	if !at.IsZero() && (!policy.Due(start, at) || policy.Due(start, at.Add(-1)) && !at.Add(-1).IsZero()) {
		t.Errorf("%v from %v: Due and DueAt (%v) disagree", policy, start, at)
	}
	// Once due, it stays due.
	if now := time.Unix(later, 0); policy.Due(start, now) && now.Before(lastTime) && !policy.Due(start, now.Add(time.Hour)) {
		t.Errorf("%v from %v: due at %v, but not an hour later", policy, start, now)
	}
	if got := at.Sub(start.Round(0)); at != lastTime && got != policy.Interval {
		t.Errorf("%v from %v: due after %v", policy, start, got)
	}
}

func checkOverlap(t *testing.T, policy Policy, start time.Time) {
	t.Helper()
	until := policy.RevokeAfter(start)
	if start.IsZero() {
		return
	}
	if until.After(lastTime) || until.Before(start) && until != lastTime {
		t.Errorf("%v from %v: until %v", policy, start, until)
	}
	if _, err := until.MarshalText(); err != nil && !start.Before(time.Date(0, 1, 1, 0, 0, 0, 0, time.UTC)) {
		t.Errorf("%v from %v: until %v, which cannot be stored: %v", policy, start, until, err)
	}
	if !until.IsZero() && (!OverlapEnded(until, until) || policy.Overlap > 0 && until != lastTime && OverlapEnded(until, start)) {
		t.Errorf("%v from %v: until %v, wrong verdict", policy, start, until)
	}
}

func naiveValid(p Policy) bool {
	if p.Overlap < 0 {
		return false
	}
	return p.Interval == 0 || p.Interval >= time.Minute && p.Overlap < p.Interval
}

func BenchmarkDue(b *testing.B) {
	policy := Policy{Interval: 90 * day, Overlap: day}
	now := issued.Add(91 * day)
	for b.Loop() {
		_ = policy.Due(issued, now)
	}
}

func ExamplePolicy() {
	policy := Policy{Interval: 90 * 24 * time.Hour, Overlap: DefaultOverlap}
	made := time.Date(2026, time.January, 1, 0, 0, 0, 0, time.UTC)

	at, _ := policy.DueAt(made)
	fmt.Println("rotate at:", at.Format(time.DateOnly))

	revokeAfter := policy.RevokeAfter(at)
	fmt.Println("old key lives until:", revokeAfter.Format(time.DateOnly))
	fmt.Println("may be revoked an hour early:", OverlapEnded(revokeAfter, revokeAfter.Add(-time.Hour)))
	// Output:
	// rotate at: 2026-04-01
	// old key lives until: 2026-04-02
	// may be revoked an hour early: false
}

func ExamplePolicy_Validate() {
	err := Policy{Interval: time.Hour, Overlap: DefaultOverlap}.Validate()
	if problem, ok := errors.AsType[*FieldError](err); ok {
		fmt.Printf("%s: %s (%s)\n", problem.Field, problem.Problem, problem.Remedy)
	}
	// Output:
	// overlap: is 24h0m0s, not shorter than the interval of 1h0m0s (make the overlap shorter or the interval longer)
}
