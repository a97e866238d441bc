package acceptance

import (
	"math/rand/v2"
	"net/http"
	"os"
	"strconv"
	"testing"
	"time"
)

// interruptions is how often TestAccInterrupted interrupts an apply.
const interruptions = 50

// seedOf takes the seed from BETTERDATA_TEST_SEED, to repeat a failure, or draws one; it is printed either way.
func seedOf(t *testing.T) uint64 {
	t.Helper()
	seed := uint64(time.Now().UnixNano())
	if text := os.Getenv("BETTERDATA_TEST_SEED"); text != "" {
		parsed, err := strconv.ParseUint(text, 10, 64)
		if err != nil {
			t.Fatalf("BETTERDATA_TEST_SEED: %v", err)
		}
		seed = parsed
	}
	t.Logf("BETTERDATA_TEST_SEED=%d", seed)
	return seed
}

// TestAccInterrupted: Ctrl-C, at any moment of an apply of 20 keys, sent to the real process and its provider. After
// the next apply the API holds exactly the 20 keys of the state, and every one of them works (P1, P2).
func TestAccInterrupted(t *testing.T) {
	t.Parallel()
	const keys = 20
	random := rand.New(rand.NewPCG(seedOf(t), 0))
	for round := range interruptions {
		// 20 creates, 20 renames, and listings: beyond that the apply is over, and the interrupt comes too late.
		moment := random.IntN(2*keys + 6)
		t.Run(strconv.Itoa(round)+" at request "+strconv.Itoa(moment), func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			ws := newWorkspace(t, w, manyKeys(keys, ""))
			run := ws.start("apply", "-auto-approve", "-no-color")
			ended := make(chan result, 1)
			go func() { ended <- run.wait() }()
			w.interruptAt(moment, run, ended)
			ws.apply()
			kept := ws.plaintexts()
			w.expectLive(keys)
			if len(kept) != keys {
				t.Errorf("%d keys in the state, want %d", len(kept), keys)
			}
			for name, plaintext := range kept {
				if status := w.use(plaintext); status != http.StatusOK {
					t.Errorf("%s answers %d", name, status)
				}
			}
		})
	}
}

// interruptAt sends SIGINT once the API has had so many requests, unless the run ends before, and waits for its end.
func (w *world) interruptAt(requests int, run *running, ended <-chan result) {
	look := time.NewTicker(time.Millisecond)
	defer look.Stop()
	for w.api.Stats().Total < requests {
		select {
		case <-look.C:
		case <-ended:
			return
		}
	}
	run.interrupt()
	<-ended
}
