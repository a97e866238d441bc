package acceptance

import (
	"regexp"
	"strings"
	"testing"
	"time"
)

const rotatedKey = `resource "betterdata_api_key" "test" {
  name     = "Planned"
  scopes   = ["inventory:read"]
  rotation = { interval = "2160h", overlap = "24h" }
}
`

// TestAccSavedPlan: due-ness is decided when the state is refreshed and never between a plan and its apply, so a
// saved plan holds although the clock has passed a due date in the meantime.
func TestAccSavedPlan(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		before, after time.Duration
		rotated       int
	}{
		"not due, then due":        {before: 2159 * time.Hour, after: 2 * time.Hour, rotated: 0},
		"due, then due for long":   {before: 2161 * time.Hour, after: 1000 * time.Hour, rotated: 1},
		"due, then the clock back": {before: 2161 * time.Hour, after: -100 * time.Hour, rotated: 1},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			ws := newWorkspace(t, w, rotatedKey)
			ws.apply()
			w.api.AdvanceClock(c.before)
			// A change beside it, so that there is something to apply in each case.
			ws.configure(strings.Replace(rotatedKey, `"Planned"`, `"Planned again"`, 1))
			ws.must("plan", "-out=saved.tfplan", "-no-color")
			w.api.AdvanceClock(c.after)
			output := ws.must("apply", "-no-color", "saved.tfplan")
			if strings.Contains(output, "inconsistent") {
				t.Errorf("the saved plan was inconsistent:\n%s", output)
			}
			if got := w.api.Stats().Rotated; got != c.rotated {
				t.Errorf("%d rotations, want %d", got, c.rotated)
			}
		})
	}
}

// TestAccPlanEmptyAfterEachApply: right after any apply both a plan and a refresh-only plan are empty, also while an
// overlap is pending; a plan is not empty exactly once after it.
func TestAccPlanEmptyAfterEachApply(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	ws := newWorkspace(t, w, rotatedKey)
	ws.apply()
	ws.expectEmptyPlan()

	w.api.AdvanceClock(2161 * time.Hour)
	refreshed := ws.run("plan", "-refresh-only", "-detailed-exitcode", "-no-color")
	if refreshed.err == nil || !strings.Contains(refreshed.output, "rotation_due") {
		t.Errorf("a refresh-only plan does not show that the key fell due:\n%s", refreshed.output)
	}
	output := ws.apply()
	for _, want := range []string{`key_\w+ will be rotated`, `older\s+than\s+rotation\.interval\s+\(2160h\)`, `keeps\s+working\s+for\s+24h`} {
		if !regexp.MustCompile(want).MatchString(output) {
			t.Errorf("the plan does not say %q:\n%s", want, output)
		}
	}
	w.expectLive(2)
	ws.expectEmptyPlan()
	w.api.AdvanceClock(23 * time.Hour)
	ws.expectEmptyPlan()

	w.api.AdvanceClock(2 * time.Hour)
	if output := ws.apply(); !strings.Contains(output, "will be revoked") {
		t.Errorf("the plan does not announce the revocation:\n%s", output)
	}
	w.expectLive(1)
	ws.expectEmptyPlan()
	ws.destroy()
	w.expectLive(0)
}

// TestAccNamesakeWarning: a run killed before it could write any state leaves a key that the next plan of a create
// names, and touches not (P2).
func TestAccNamesakeWarning(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	id := w.seed("Planned [tf:0123abcd]", "inventory:read")
	ws := newWorkspace(t, w, rotatedKey)
	output := ws.must("plan", "-no-color")
	if !strings.Contains(output, "exists already") || !strings.Contains(output, id) {
		t.Errorf("the plan does not name the leftover %s:\n%s", id, output)
	}
	ws.apply()
	w.expectLive(2)
}

// TestAccUnknownProviderConfiguration: a credential that another resource computes does not stop a plan; existing
// keys are kept as they are with one warning.
func TestAccUnknownProviderConfiguration(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	config := func(n string) string {
		return `resource "terraform_data" "token_file" {
  input            = "` + w.tokenFile + `"
  triggers_replace = "` + n + `"
}
provider "betterdata" {
  token_file = terraform_data.token_file.output
}
` + manyKeys(3, "")
	}
	ws := newWorkspace(t, w, config("1"))
	ws.apply()
	w.expectLive(3)
	ws.configure(config("2"))
	output := ws.must("plan", "-no-color")
	if got := strings.Count(output, "API keys are not refreshed in this plan"); got != 1 {
		t.Errorf("%d warnings about the unknown configuration, want 1:\n%s", got, output)
	}
	if !strings.Contains(output, "1 to add, 0 to change, 1 to destroy") {
		t.Errorf("keys are changed by a plan that cannot look at them:\n%s", output)
	}
	ws.apply()
	w.expectLive(3)
}
