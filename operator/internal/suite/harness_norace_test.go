//go:build !race

package suite

// buildFlags are those of the operator under test.
var buildFlags []string
