package sandbox_test

import (
	"flag"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/betterdataco/terraform-provider-betterdata/apiclient/sandbox"
)

var update = flag.Bool("update", false, "write testdata/dialects instead of comparing with it")

// shownHeaders are the headers of a transcript.
var shownHeaders = []string{"Content-Type", "Date", "Location", "Retry-After", "X-Ratelimit-Limit", "X-Ratelimit-Remaining", "X-Ratelimit-Reset"}

// TestTranscripts compares every byte of a key's life on each whole server with testdata/dialects, which is also what
// to read to see a dialect. Run with -update after a change that is meant.
func TestTranscripts(t *testing.T) {
	for _, name := range []string{"page", "envelope", "bare", "terse", "awkward"} {
		t.Run(name, func(t *testing.T) {
			var record recorder
			got := transcript(t, start(t, sandbox.WithDialect(sandbox.Dialects()[name]), sandbox.WithIssueHook(record.hook),
				sandbox.WithRateLimits(sandbox.RateLimit{Requests: 8, Per: time.Minute})))
			for _, plaintext := range record.all() { // nothing in the repository shall look like a leaked key
				got = strings.ReplaceAll(got, plaintext, plaintext[:len("bdk_live_ABC123_")]+"<random>")
			}
			path := filepath.Join("testdata", "dialects", name+".http")
			if *update {
				if err := os.WriteFile(path, []byte(got), 0o600); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(string(want), got); diff != "" {
				t.Errorf("transcript (-want +got):\n%s", diff)
			}
		})
	}
}

func transcript(t *testing.T, a *api) string {
	t.Helper()
	var text strings.Builder
	step := func(token, method, path, body string) {
		path = strings.ReplaceAll(path, "{id}", firstID(a))
		r := a.mustSendAs(t, token, method, path, body)
		fmt.Fprintf(&text, "> %s %s\n", method, path)
		if body != "" {
			fmt.Fprintf(&text, "> %s\n", body)
		}
		fmt.Fprintf(&text, "%d\n", r.status)
		for _, name := range slices.Sorted(slices.Values(shownHeaders)) {
			if value := r.header.Get(name); value != "" {
				fmt.Fprintf(&text, "%s: %s\n", name, value)
			}
		}
		fmt.Fprintf(&text, "%s\n", r.text)
	}
	admin := a.SessionToken()
	step(admin, http.MethodPost, keysPath, `{"name":"Production API Key","scopes":["inventory:*"]}`)
	step(admin, http.MethodPatch, keysPath+"/{id}", `{"name":"Updated Name","scopes":["inventory:*","forecast:read"]}`)
	step(admin, http.MethodPost, keysPath+"/{id}/rotate", `{"revokeOld":false}`)
	step(admin, http.MethodPost, keysPath+"/{id}/revoke", "")
	step(admin, http.MethodPost, keysPath+"/{id}/revoke", "")
	step(admin, http.MethodGet, keysPath+"?page=1", "")
	step("unknown", http.MethodGet, keysPath, "")
	step(admin, http.MethodPost, keysPath, `{"name":"no scopes"}`)
	step(admin, http.MethodPost, keysPath+"/key_unknown/revoke", "")
	step(admin, http.MethodGet, keysPath, "")
	return text.String()
}

func firstID(a *api) string {
	if keys := a.Keys(); len(keys) > 0 {
		return keys[0].ID
	}
	return ""
}
