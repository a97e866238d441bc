package acceptance

import (
	"strings"
	"testing"
	"time"

	"github.com/betterdataco/terraform-provider-betterdata/apiclient/sandbox"
)

// TestAccTrace drives real processes at TF_LOG=TRACE through everything that handles a secret, failures included. What
// they print is searched by TestMain, together with the rest of the suite (P5); here it is only made sure that the
// output is there to be searched.
func TestAccTrace(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	ws := newWorkspace(t, w, rotatedKey)
	ws.env = append(ws.env, "TF_LOG=TRACE", "BETTERDATA_TOKEN_FILE=", "BETTERDATA_TOKEN="+w.api.SessionToken())
	traced := func(args ...string) string {
		t.Helper()
		res := ws.run(args...)
		if !strings.Contains(res.output, "[TRACE]") {
			t.Errorf("%s printed nothing at TRACE:\n%s", strings.Join(args, " "), tail(res.output))
		}
		return res.output
	}
	apply := []string{"apply", "-auto-approve", "-no-color"}

	w.api.AddFault(sandbox.Fault{Operation: "create", Kind: "cut-after-commit", Times: 1})
	traced(apply...)
	w.api.AddFault(sandbox.Fault{Operation: "create", Kind: "truncated-json", Times: 1})
	traced(apply...)
	output := traced(apply...)
	if !strings.Contains(output, "create key") {
		t.Error("the client's own log records are missing at TRACE")
	}
	traced("plan", "-no-color")
	w.api.AdvanceClock(2161 * time.Hour)
	w.api.AddFault(sandbox.Fault{Operation: "rotate", Kind: "500", Times: 1})
	traced(apply...)
	traced(apply...)
	traced("show", "-no-color")
	traced("output", "-no-color")
	w.api.AddFault(sandbox.Fault{Operation: "list", Kind: "502-html", Times: 1})
	traced("plan", "-no-color")
	w.api.SetOrganisationActive(false)
	traced("plan", "-no-color")
	w.api.SetOrganisationActive(true)
	traced("destroy", "-auto-approve", "-no-color")
	w.expectLive(0)
	if len(w.issued()) < 4 {
		t.Errorf("%d plaintexts were issued, want at least 4", len(w.issued()))
	}
}
