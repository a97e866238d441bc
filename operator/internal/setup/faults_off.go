//go:build !faultpoints

package setup

import "io"

// withFaults does nothing in a release: faults.go is for the tests that kill the process.
func withFaults(e effects, _ io.Writer) (effects, error) { return e, nil }
