// Package rotation decides when the rotation of a key is due and when the overlap of the old key with the new one
// ends. It is pure: it reads no clock, holds no state and calls nobody, so that the Terraform provider and the
// operator give the same verdict for the same times. Who acts on a verdict, and whether a maintenance window or a
// jitter moves it, is theirs.
//
// A time that is not known (the zero time) never makes anything due and never ends an overlap: a rotation missed is
// seen and can be made up for, a key revoked too early cannot. Times are compared by the wall clock alone; the
// monotonic readings that [time.Now] adds stand still while a machine sleeps and do not survive being stored.
package rotation

import (
	"errors"
	"fmt"
	"time"
)

const (
	// MinInterval is the shortest interval between rotations.
	MinInterval = time.Minute
	// DefaultOverlap is the overlap where the user gives none.
	DefaultOverlap = 24 * time.Hour
)

// lastTime is the latest result of any calculation here: RFC 3339, in which these times are stored, ends with the
// year 9999. Far beyond it, adding to a time wraps around into the past.
var lastTime = time.Date(9999, time.December, 31, 23, 59, 59, 0, time.UTC)

// Policy says how often a key is rotated and how long the old one lives on.
type Policy struct {
	Interval time.Duration // age at which a key is due; 0: never
	Overlap  time.Duration // how long the old key lives on after its successor is in place; 0: not at all
}

// FieldError is one problem of a Policy.
type FieldError struct {
	Field   string // "interval" or "overlap"
	Problem string // what is wrong, without the field's name: "is 30s, shorter than 1m0s"
	Remedy  string // what to do: "use at least 1m0s"
}

// Error returns field, problem and remedy in one line.
func (e *FieldError) Error() string {
	return fmt.Sprintf("rotation %s %s: %s", e.Field, e.Problem, e.Remedy)
}

// Validate returns nil or every problem joined, each an *FieldError: an interval, where there is one, of at least
// MinInterval, and an overlap that is not negative and shorter than the interval (an overlap as long as the interval
// would let old keys pile up).
func (p Policy) Validate() error {
	var problems []error
	if p.Interval < 0 || p.Interval > 0 && p.Interval < MinInterval {
		problems = append(problems, &FieldError{
			Field:   "interval",
			Problem: fmt.Sprintf("is %s, shorter than %s", p.Interval, MinInterval),
			Remedy:  fmt.Sprintf("use at least %s, or leave it out to rotate never", MinInterval),
		})
	}
	if p.Overlap < 0 {
		problems = append(problems, &FieldError{
			Field:   "overlap",
			Problem: fmt.Sprintf("is %s, below zero", p.Overlap),
			Remedy:  "use 0s to revoke the old key at once, or a positive duration",
		})
	}
	if p.Interval > 0 && p.Overlap >= p.Interval {
		problems = append(problems, &FieldError{
			Field:   "overlap",
			Problem: fmt.Sprintf("is %s, not shorter than the interval of %s", p.Overlap, p.Interval),
			Remedy:  "make the overlap shorter or the interval longer",
		})
	}
	return errors.Join(problems...)
}

// DueAt returns when a key issued at issued is due for rotation, in UTC. ever is false if it never is: no interval, or the
// time of issue is not known.
func (p Policy) DueAt(issued time.Time) (at time.Time, ever bool) {
	if p.Interval <= 0 || issued.IsZero() {
		return time.Time{}, false
	}
	return add(issued, p.Interval), true
}

// Due reports whether a key issued at issued is due at now, the very moment of DueAt included.
func (p Policy) Due(issued, now time.Time) bool {
	at, ever := p.DueAt(issued)
	return ever && !wall(now).Before(at)
}

// RevokeAfter returns, in UTC, when the overlap of a key ends whose successor was in place at published; the zero
// time, which OverlapEnded reads as never, if that is not known.
func (p Policy) RevokeAfter(published time.Time) time.Time {
	if published.IsZero() {
		return time.Time{}
	}
	return add(published, max(p.Overlap, 0))
}

// OverlapEnded reports whether a key that lives until revokeAfter may be revoked at now. It is false if revokeAfter
// is the zero time.
func OverlapEnded(revokeAfter, now time.Time) bool {
	return !revokeAfter.IsZero() && !wall(now).Before(wall(revokeAfter))
}

// add returns t + d, at most lastTime.
func add(t time.Time, d time.Duration) time.Time {
	t = wall(t)
	if lastTime.Sub(t) < d {
		return lastTime
	}
	return t.Add(d)
}

// wall returns t in UTC, because a time near lastTime is past the year 9999 elsewhere. That strips its monotonic
// reading as well.
func wall(t time.Time) time.Time { return t.UTC() }
