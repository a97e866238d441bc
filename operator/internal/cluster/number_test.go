package cluster

import "testing"

// People can write anything into the annotation; the next sequence is one more, and must be one that a ledger can have.
func TestNumber(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]int{
		"1": 1, "1000000000": 1_000_000_000,
		"": 0, "x": 0, "-5": 0, "1.5": 0, " 1": 0, "1000000001": 0, "9223372036854775807": 0, "99999999999999999999": 0,
	} {
		if got := number(text); got != want {
			t.Errorf("%q: %d, want %d", text, got, want)
		}
	}
}
