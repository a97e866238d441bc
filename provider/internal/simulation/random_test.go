package simulation

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"filippo.io/age"

	"github.com/betterdataco/terraform-provider-betterdata/apiclient/sandbox"
)

const (
	// seedVariable repeats a failed run.
	seedVariable = "BETTERDATA_TEST_SEED"
	// historiesVariable makes a run longer.
	historiesVariable = "BETTERDATA_TEST_HISTORIES"

	defaultHistories = 40
	stepsPerHistory  = 50
)

func number(t *testing.T, variable string, otherwise uint64) uint64 {
	t.Helper()
	value := os.Getenv(variable)
	if value == "" {
		return otherwise
	}
	n, err := strconv.ParseUint(value, 10, 64)
	if err != nil {
		t.Fatalf("%s: %v", variable, err)
	}
	return n
}

// TestRandomHistories lives random histories of one or two resources that may share a name: edits of the
// configuration, applies, refreshes, destroys, interference from outside, a moving clock, faults of every kind in
// every operation, and processes killed between any two requests. The promises are checked after each step.
func TestRandomHistories(t *testing.T) {
	t.Parallel()
	seed := number(t, seedVariable, uint64(time.Now().UnixNano()))
	t.Logf("repeat with %s=%d", seedVariable, seed)
	var total tally
	t.Cleanup(func() { t.Log(total.String()) })
	for i := range number(t, historiesVariable, defaultHistories) {
		t.Run(strconv.FormatUint(i, 10), func(t *testing.T) {
			t.Parallel()
			s := newSimulation(t, rand.New(rand.NewPCG(seed, i)))
			t.Cleanup(func() { total.add(s.api.Stats()) })
			for range stepsPerHistory {
				s.step()
				if t.Failed() {
					for _, line := range s.history {
						t.Log(line)
					}
					return
				}
			}
		})
	}
}

// tally sums up what the APIs of all histories did.
type tally struct {
	mu       sync.Mutex
	outcomes map[string]int
}

func (y *tally) add(stats sandbox.Stats) {
	y.mu.Lock()
	defer y.mu.Unlock()
	if y.outcomes == nil {
		y.outcomes = map[string]int{}
	}
	for op, outcomes := range stats.Outcomes {
		for outcome, n := range outcomes {
			y.outcomes[string(op)+" "+outcome] += n
		}
	}
}

func (y *tally) String() string {
	y.mu.Lock()
	defer y.mu.Unlock()
	var b strings.Builder
	for _, outcome := range slices.Sorted(maps.Keys(y.outcomes)) {
		fmt.Fprintf(&b, "%s: %d  ", outcome, y.outcomes[outcome])
	}
	return b.String()
}

// simulation is one history.
type simulation struct {
	*world
	random *rand.Rand
	actors []*actor
	// gone are keys that somebody else revoked, deleted or let expire.
	gone    map[string]bool
	history []string
	last    string // what became of the last apply

	recipient string // that some keys are encrypted to
	sameID    bool   // rotation keeps the id
	blind     bool   // listings have no metadata that would show an empty page to be a lie
}

// actor is one resource with what is known of it besides its state.
type actor struct {
	*resource
	name string
	// made are the ids that its applies have issued.
	made map[string]bool
	// orphans are keys of a process that was killed, or of a lost answer without markers: nothing can tell whose.
	orphans map[string]bool
	// given are keys that the user gave up: by destroy, or by overlap 0s in a process that was killed.
	given map[string]bool
	// secret is the key itself, in clear or encrypted, by id, as the state had it.
	secret map[string]string
	// kept are keys that on_destroy = "retain" left.
	kept map[string]bool
}

func newSimulation(t *testing.T, random *rand.Rand) *simulation {
	t.Helper()
	dialects := []sandbox.Dialect{{}, {}, {}, {Dead: "hidden", Revoked: "404"}, {RotateID: "same"}, {Write: "empty", Scopes: "expanded"}, {Issue: "flat", Case: "lower", Paging: "none"}}
	dialect := dialects[random.IntN(len(dialects))]
	s := &simulation{world: newWorld(t, sandbox.WithDialect(dialect), sandbox.WithSeed(random.Uint64()|1)), random: random, gone: map[string]bool{}}
	s.sameID, s.blind = dialect.RotateID == "same", dialect.Paging == "none"
	s.note("dialect %+v", dialect)
	identity, err := age.GenerateX25519Identity()
	s.must(err)
	s.recipient = identity.Recipient().String()
	for i := range 1 + random.IntN(2) {
		s.actors = append(s.actors, &actor{
			resource: s.resource(s.config()), name: string(rune('a' + i)),
			made: map[string]bool{}, orphans: map[string]bool{}, given: map[string]bool{}, kept: map[string]bool{}, secret: map[string]string{},
		})
	}
	return s
}

func (s *simulation) note(format string, args ...any) {
	s.history = append(s.history, fmt.Sprintf("%s  ", s.clock.Now().Format("02T15:04:05"))+fmt.Sprintf(format, args...))
}

// chance is true so many times in a hundred.
func (s *simulation) chance(percent int) bool { return s.random.IntN(100) < percent }

func pick[T any](random *rand.Rand, from ...T) T { return from[random.IntN(len(from))] }

// config draws what a user may have written.
func (s *simulation) config() config {
	c := config{
		name:       pick(s.random, "Forecast", "Forecast", "Reader"),
		scopes:     pick(s.random, []string{"inventory:read"}, []string{"inventory:*"}, []string{"forecast:read", "inventory:read"}),
		onDestroy:  pick(s.random, "", "", "", "retain"),
		onRevoked:  pick(s.random, "", "", "recreate", "error"),
		nameMarker: pick(s.random, "", "", "temporary", "permanent", "permanent", "none"),
	}
	if s.chance(15) {
		c.recipient = s.recipient
	}
	if s.chance(70) {
		c.rotation = &rotation{interval: pick(s.random, "", "26h", "48h"), overlap: pick(s.random, "", "0s", "1h", "25h")}
		if s.chance(70) {
			c.rotation.triggers = map[string]string{"n": pick(s.random, "1", "2", "3")}
		}
	}
	return c
}

// reconfigure writes another configuration, or, more often, asks for a rotation.
func (s *simulation) reconfigure(a *actor) {
	if a.config.rotation != nil && a.config.rotation.triggers != nil && s.chance(60) {
		again := *a.config.rotation
		again.triggers = map[string]string{"n": strconv.Itoa(s.random.IntN(1000))}
		a.config.rotation = &again
	} else {
		a.config = s.config()
	}
	s.note("%s: configured %+v, rotation %+v", a.name, a.config, a.config.rotation)
}

func (s *simulation) step() {
	a := s.actors[s.random.IntN(len(s.actors))]
	switch n := s.random.IntN(100); {
	case n < 40:
		s.reconfigure(a)
		s.run(a, false)
	case n < 55:
		s.run(a, false)
	case n < 61:
		s.run(a, true)
	case n < 67:
		s.faulty(sandbox.OpList, func() { s.note("%s: refreshed, failed %t", a.name, a.refresh().failed()) })
	case n < 85:
		s.clock.advance(pick(s.random, 30*time.Second, 5*time.Minute, time.Hour, 13*time.Hour, 30*time.Hour))
	default:
		s.interfere(a)
	}
	s.check()
}

// faulty runs do with one fault in one operation, most often the one that matters to it, or none.
func (s *simulation) faulty(matters sandbox.Operation, do func()) (clean bool) {
	if s.chance(55) {
		do()
		return true
	}
	f := s.fault(matters)
	s.note("fault %+v", f)
	s.api.AddFault(f)
	do()
	s.api.ClearFaults()
	return false
}

func (s *simulation) fault(matters sandbox.Operation) sandbox.Fault {
	for {
		f := sandbox.Fault{
			Operation: pick(s.random, matters, matters, matters, sandbox.OpList, sandbox.OpCreate, sandbox.OpUpdate, sandbox.OpRotate, sandbox.OpRevoke),
			Kind:      pick(s.random, sandbox.FaultKinds()...), Skip: pick(s.random, 0, 0, 0, 1, 2), Times: s.random.IntN(3),
		}
		if f.Kind == sandbox.FaultTooManyRequests {
			f.Times = 1 // waiting for ever is no history
		}
		lies := f.Kind == sandbox.FaultIgnore && f.Operation != sandbox.OpUpdate
		lies = lies || f.Kind == sandbox.FaultEmptyPage && s.blind
		// A server that says done and does nothing, or whose every listing is old or empty, cannot be seen through.
		if f.Kind == sandbox.FaultLatency || f.Kind == sandbox.FaultListingLag || lies || f.Validate() != nil {
			continue
		}
		return f
	}
}
