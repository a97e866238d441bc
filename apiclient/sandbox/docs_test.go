package sandbox_test

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/betterdataco/terraform-provider-betterdata/apiclient/sandbox"
)

// TestDocumentation: docs/sandbox.md names each dialect value in the row of its axis, each fault kind, operation,
// endpoint and error code.
func TestDocumentation(t *testing.T) {
	content, err := os.ReadFile(filepath.Join("..", "..", "docs", "sandbox.md"))
	if err != nil {
		t.Fatal(err)
	}
	page := string(content)
	row := func(first string) string {
		_, rest, found := strings.Cut(page, "\n| `"+first+"` |")
		if !found {
			t.Errorf("no row for %s", first)
		}
		line, _, _ := strings.Cut(rest, "\n")
		return line
	}
	for axis, values := range sandbox.AxisValues() {
		line := row(axis)
		for _, value := range values {
			if !strings.Contains(line, "`"+value+"`") {
				t.Errorf("dialect %s=%s is not documented", axis, value)
			}
		}
	}
	for _, kind := range sandbox.FaultKinds() {
		row(string(kind))
	}
	servers := sandbox.Dialects()
	for axis, values := range sandbox.AxisValues() {
		for _, value := range values {
			delete(servers, axis+"-"+value) // documented as a form
		}
	}
	for name := range servers {
		if !strings.Contains(page, "`"+name+"`") {
			t.Errorf("dialect %s is not documented", name)
		}
	}
	for _, op := range sandbox.Operations() {
		if !strings.Contains(page, "`"+string(op)+"`") {
			t.Errorf("operation %s is not documented", op)
		}
	}
	codes := []string{"MISSING_AUTHORIZATION", "INVALID_API_KEY", "REVOKED_API_KEY", "EXPIRED_API_KEY", "INACTIVE_ORGANIZATION", "IP_RESTRICTED", "INSUFFICIENT_SCOPE"}
	for _, e := range sandbox.Endpoints() {
		if e.Operation == sandbox.OpUse {
			codes = append(codes, strings.TrimPrefix(e.Pattern, "/api/"))
		}
	}
	for _, word := range slices.Compact(codes) {
		if !strings.Contains(page, word) {
			t.Errorf("%s is not documented", word)
		}
	}
}
