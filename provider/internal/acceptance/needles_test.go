package acceptance

import (
	"bytes"
	"strings"
	"testing"
)

// needles finds any of thousands of secrets in hundreds of megabytes of logs in one pass. Searching for one after the
// other took longer than the suite.
type needles struct {
	known  map[string]string   // value -> what it is
	byTail map[uint64][]string // the last eight bytes of a value -> values
	maybe  []bool              // by hash of a tail: most positions need no look into the map
}

// tailLength is how much of a secret the pass looks for: eight characters at the end of a plaintext or token are random.
const tailLength = 8

func newNeedles(secrets map[string]string) needles {
	n := needles{known: secrets, byTail: map[uint64][]string{}, maybe: make([]bool, 1<<20)}
	for value := range secrets {
		if len(value) < tailLength {
			panic("a secret of fewer than eight characters would be found by chance")
		}
		var tail uint64
		for _, b := range []byte(value[len(value)-tailLength:]) {
			tail = tail<<8 | uint64(b)
		}
		n.byTail[tail] = append(n.byTail[tail], value)
		n.maybe[hashOf(tail)] = true
	}
	return n
}

// hashOf spreads a tail over the table, by Fibonacci hashing.
func hashOf(tail uint64) uint64 { return tail * 0x9E3779B97F4A7C15 >> 44 }

// find returns where the first secret begins, and what it is.
func (n needles) find(output []byte) (at int, what string, found bool) {
	var tail uint64
	for i, b := range output {
		tail = tail<<8 | uint64(b)
		if !n.maybe[hashOf(tail)] {
			continue
		}
		for _, value := range n.byTail[tail] {
			if bytes.HasSuffix(output[:i+1], []byte(value)) {
				return i + 1 - len(value), n.known[value], true
			}
		}
	}
	return 0, "", false
}

// TestNeedles: a secret is found wherever it stands, and nothing else is.
func TestNeedles(t *testing.T) {
	t.Parallel()
	n := newNeedles(map[string]string{"bdk_live_ABC123_0123456789": "a key", "session-token-1": "a token", "exactly8": "eight"})
	for text, want := range map[string]string{
		"bdk_live_ABC123_0123456789":              "a key",
		"before bdk_live_ABC123_0123456789 after": "a key",
		"Bearer session-token-1":                  "a token",
		"session-token-1, then more":              "a token",
		strings.Repeat("x", 1<<16) + "exactly8":   "eight",
		"bdk_live_ABC123_012345678":               "",
		"bdk_live_ABC124_0123456789":              "",
		"Session-token-1":                         "",
		"":                                        "",
	} {
		at, what, found := n.find([]byte(text))
		if what != want || found != (want != "") {
			t.Errorf("in %.40q: found %q at %d", text, what, at)
		}
	}
}
