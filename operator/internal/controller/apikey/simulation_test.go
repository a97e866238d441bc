package apikey

import (
	"context"
	"os"
	"strconv"
	"strings"
	"testing"
	"time"
)

// settleOne reconciles without interruption, as often as the Engine asks for it at once. A TenantMismatch with the
// right token is accepted, as a person would.
func (p *process) settleOne(ref Ref) {
	p.ctx = context.Background()
	for range 5 {
		outcome, err := p.engine.Reconcile(p.ctx, ref)
		if err != nil {
			continue
		}
		p.outcomes[ref.Name] = outcome
		if outcome != nil && outcome.Rest.Has(TenantMismatch) {
			p.c.accepted[outcome.Resource.ConnectionRef] = true
		}
		if outcome == nil || outcome.Rest.Until.IsZero() || outcome.Rest.Until.After(p.s.now) {
			return
		}
	}
}

// TestSimulation runs random histories. BETTERDATA_SIM_SEED repeats one; BETTERDATA_SIM_STEPS asks for more steps.
func TestSimulation(t *testing.T) {
	t.Parallel()
	seed, steps, once := uint64(time.Now().UnixNano()), 120_000, false
	if value := os.Getenv("BETTERDATA_SIM_STEPS"); value != "" {
		steps, _ = strconv.Atoi(value)
	}
	if value := os.Getenv("BETTERDATA_SIM_SEED"); value != "" {
		seed, _ = strconv.ParseUint(value, 10, 64)
		once = true
	}
	t.Logf("first seed %d", seed)
	counts, done, histories := map[string]int{}, 0, 0
	for ; done < steps; seed++ {
		s := newSim(seed)
		s.verbose = once
		s.run(600)
		done += s.steps
		histories++
		for what, n := range s.counts {
			counts[what] += n
		}
		if s.violation != "" {
			for _, c := range s.clusters {
				for name, outcome := range c.processes[0].outcomes {
					if outcome != nil {
						t.Logf("%s %s: %+v", c.uid, name, outcome.Rest)
					}
				}
			}
			t.Fatalf("BETTERDATA_SIM_SEED=%d %+v\n%s", seed, s.conf, strings.Join(tail(shrink(seed, s).trace, lines()), "\n"))
		}
		if once {
			break
		}
	}
	t.Logf("%d steps in %d histories: %v", done, histories, counts)
}

// shrink looks for a shorter prefix of the history after which settling shows the violation too.
func shrink(seed uint64, failed *sim) *sim {
	for steps := 50; steps < failed.steps; steps += 50 {
		s := newSim(seed)
		s.verbose = failed.verbose
		s.run(steps)
		if s.violation != "" {
			return s
		}
	}
	return failed
}

func lines() int {
	if n, err := strconv.Atoi(os.Getenv("BETTERDATA_SIM_TRACE")); err == nil {
		return n
	}
	return 120
}

func tail(lines []string, n int) []string { return lines[max(0, len(lines)-n):] }
