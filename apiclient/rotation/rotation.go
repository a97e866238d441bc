// Package rotation decides, purely, when a key's rotation is due and when an overlap ends.
package rotation

import "time"

// Policy: Interval 0 means never. Overlap is how long the old key lives on after its successor is in place.
type Policy struct{ Interval, Overlap time.Duration }

const (
	MinInterval    = time.Minute
	DefaultOverlap = 24 * time.Hour
)

// Validate reports every problem, each as a *FieldError naming "interval" or "overlap" and the remedy.
func (p Policy) Validate() error { panic("todo") }

type FieldError struct{ Field, Problem, Remedy string }

// Clock tells the time that verdicts are taken at.
type Clock func() time.Time

func (p Policy) DueAt(issued time.Time) (at time.Time, ever bool) { panic("todo") }
func (p Policy) Due(issued, now time.Time) bool                   { panic("todo") }
func (p Policy) RevokeAfter(published time.Time) time.Time        { panic("todo") }
func OverlapEnded(revokeAfter, now time.Time) bool                { panic("todo") }
