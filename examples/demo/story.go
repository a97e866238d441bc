package main

import (
	"errors"
	"fmt"
	"io"
	"time"
)

// story prints numbered steps, each with what it does, what was expected and what happened.
type story struct {
	out   io.Writer
	steps int
	began time.Time
}

var errUnexpected = errors.New("it did not go as expected")

// step begins a chapter.
func (s *story) step(title, does string) {
	s.steps++
	_, _ = fmt.Fprintf(s.out, "\n%d. %s\n   %s\n", s.steps, title, does)
}

// note prints a line that is no check.
func (s *story) note(format string, args ...any) {
	_, _ = fmt.Fprintf(s.out, "     %s\n", fmt.Sprintf(format, args...))
}

// expect prints what was expected beside what happened, and is an error when they differ.
func (s *story) expect(what string, want, got any) error {
	mark := "ok  "
	ok := fmt.Sprint(want) == fmt.Sprint(got)
	if !ok {
		mark = "FAIL"
	}
	_, _ = fmt.Fprintf(s.out, "   %s %s: expected %v, got %v\n", mark, what, want, got)
	if !ok {
		return fmt.Errorf("step %d, %s: expected %v, got %v: %w", s.steps, what, want, got, errUnexpected)
	}
	return nil
}
