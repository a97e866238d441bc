//go:build race

package suite

// buildFlags are those of the operator under test: the race detector watches it when it watches the tests.
var buildFlags = []string{"-race"}
