package acceptance

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/betterdataco/terraform-provider-betterdata/apiclient/sandbox"
)

func manyKeys(n int, arguments string) string {
	return fmt.Sprintf("resource \"betterdata_api_key\" \"many\" {\n  count  = %d\n  name   = \"Key ${count.index}\"\n  scopes = [\"inventory:read\"]\n  %s\n}\n", n, arguments)
}

// TestAccRequests200 counts what 200 keys cost (P6): creates and renames are what must be, reads cost pages.
func TestAccRequests200(t *testing.T) {
	t.Parallel()
	// A complete listing of 200 keys is two requests.
	const n, pages = 200, 2
	for mode, renames := range map[string]int{"temporary": n, "permanent": 0, "none": 0} {
		t.Run(mode, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			ws := newWorkspace(t, w, manyKeys(n, `name_marker = "`+mode+`"`))
			ws.apply()
			s := w.api.Stats()
			if s.Requests["create"] != n || s.Requests["update"] != renames {
				t.Errorf("%d creates and %d renames, want %d and %d", s.Requests["create"], s.Requests["update"], n, renames)
			}
			// No keys exist at plan time: a complete listing is one request, and in the apply at most three as the keys grow.
			if got := s.Requests["list"]; got > 3*pages {
				t.Errorf("%d list requests, want at most 3 complete listings of %d keys", got, n)
			}
			w.api.ResetStats()
			ws.must("plan", "-no-color", "-detailed-exitcode")
			if got := w.api.Stats(); got.Total != pages {
				t.Errorf("a refresh of %d keys made %d requests (%v), want %d", n, got.Total, got.Requests, pages)
			}
			w.api.ResetStats()
			ws.destroy()
			if got := w.api.Stats(); got.Requests["revoke"] != n || got.Requests["list"] > 2*pages {
				t.Errorf("destroy made %v, want %d revokes and at most two listings", got.Requests, n)
			}
			w.expectLive(0)
		})
	}
}

// TestAccQuota: an apply of 100 keys against 30 requests per 3 seconds ends without one failed resource, and so do
// two at the same time on one credential.
func TestAccQuota(t *testing.T) {
	t.Parallel()
	w := newWorld(t, sandbox.WithRateLimits(sandbox.RateLimit{Requests: 30, Per: 3 * time.Second}))
	first := newWorkspace(t, w, manyKeys(100, ""))
	second := newWorkspace(t, w, strings.ReplaceAll(manyKeys(100, ""), "Key ", "Other "))
	a := first.start("apply", "-auto-approve", "-no-color")
	b := second.start("apply", "-auto-approve", "-no-color")
	for _, res := range []result{a.wait(), b.wait()} {
		if res.err != nil {
			t.Errorf("apply failed: %v\n%s", res.err, tail(res.output))
		}
	}
	w.expectLive(200)
	s := w.api.Stats()
	if s.Created != 200 {
		t.Errorf("%d keys were issued, want 200", s.Created)
	}
	t.Logf("requests by outcome: %v", s.Outcomes)
}

// TestAccQuotaInterrupted: Ctrl-C while waiting for the quota ends at once, and leaves nothing behind.
func TestAccQuotaInterrupted(t *testing.T) {
	t.Parallel()
	w := newWorld(t, sandbox.WithRateLimits(sandbox.RateLimit{Requests: 10, Per: time.Hour}))
	ws := newWorkspace(t, w, manyKeys(20, ""))
	run := ws.start("apply", "-auto-approve", "-no-color")
	eventually(t, "the quota is used up", func() bool { return w.api.Stats().Total >= 10 })
	interrupted := time.Now()
	run.interrupt()
	res := run.wait()
	if took := time.Since(interrupted); took > 10*time.Second {
		t.Errorf("ended %s after Ctrl-C, want at once", took)
	}
	if res.err == nil {
		t.Errorf("an interrupted apply succeeded:\n%s", tail(res.output))
	}
	if !strings.Contains(res.output, "rate limit") {
		t.Errorf("the output does not say what was waited for:\n%s", tail(res.output))
	}
	if kept, live := ws.plaintexts(), w.live(); len(kept) != len(live) {
		t.Errorf("%d keys in the state, %d live", len(kept), len(live))
	}
}

// TestAccPlanningInterrupted: Ctrl-C while the plan of an apply waits for the quota ends at once, too, although Terraform
// asks providers to stop only while it applies.
func TestAccPlanningInterrupted(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	ws := newWorkspace(t, w, manyKeys(2, ""))
	ws.apply()
	before := w.api.Stats().Total
	w.api.AddFault(sandbox.Fault{Operation: "list", Kind: "429", Latency: time.Hour})
	run := ws.start("apply", "-auto-approve", "-no-color")
	eventually(t, "the API has asked to wait", func() bool { return w.api.Stats().Total > before })
	interrupted := time.Now()
	run.interrupt()
	res := run.wait()
	if took := time.Since(interrupted); took > 10*time.Second || res.err == nil {
		t.Errorf("ended %s after Ctrl-C with %v, want at once and an error:\n%s", took, res.err, tail(res.output))
	}
}

func tail(output string) string {
	if len(output) > 4000 {
		return "..." + output[len(output)-4000:]
	}
	return output
}
