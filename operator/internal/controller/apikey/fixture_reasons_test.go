package apikey

import (
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"strings"
	"testing"

	"github.com/betterdataco/terraform-provider-betterdata/operator/api/v1alpha1"
)

// mustReasons reads the values of the Reasons that a file of this package declares as v1alpha1.Reason<value>.
func mustReasons(t *testing.T, path string) map[string]bool {
	t.Helper()
	file, err := parser.ParseFile(token.NewFileSet(), path, nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	reasons := map[string]bool{}
	ast.Inspect(file, func(node ast.Node) bool {
		if selected, ok := node.(*ast.SelectorExpr); ok {
			reasons[strings.TrimPrefix(selected.Sel.Name, "Reason")] = true
		}
		return true
	})
	return reasons
}

// mustListed reads the reasons that the page lists for ApiKeys.
func mustListed(t *testing.T, path string) map[string]bool {
	t.Helper()
	page, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	reasons, section := map[string]bool{}, ""
	for line := range strings.Lines(string(page)) {
		if title, isTitle := strings.CutPrefix(line, "## "); isTitle {
			section = strings.TrimSpace(title)
		}
		cell, isRow := strings.CutPrefix(line, "| `")
		if isRow && !strings.HasPrefix(section, "Types") && section != "Of connections" {
			reason, _, _ := strings.Cut(cell, "`")
			reasons[reason] = true
		}
	}
	if !reasons[v1alpha1.ReasonPublished] {
		t.Fatalf("%s has no row for %s", path, v1alpha1.ReasonPublished)
	}
	return reasons
}
