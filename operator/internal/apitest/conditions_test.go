package apitest

import (
	"go/ast"
	"go/parser"
	"go/token"
	"maps"
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	apivalidation "k8s.io/apimachinery/pkg/util/validation"
)

// metav1.Condition's own pattern for a reason.
var reasonPattern = regexp.MustCompile(`^[A-Za-z]([A-Za-z0-9_,:]*[A-Za-z0-9_])?$`)

// The page lists every type and every reason that the operator can show, and none that it cannot.
func TestConditionsPageListsAllTypesAndReasons(t *testing.T) {
	t.Parallel()
	page, err := os.ReadFile("../../../docs/operator/conditions.md")
	if err != nil {
		t.Fatal(err)
	}
	listed := map[string]bool{}
	for line := range strings.Lines(string(page)) {
		if !strings.HasPrefix(line, "| `") {
			continue
		}
		cell, _, _ := strings.Cut(line[2:], " |")
		for name := range strings.SplitSeq(cell, ",") {
			listed[strings.Trim(name, " `")] = true
		}
	}
	constants := mustConstants(t, "../../api/v1alpha1/conditions.go")
	for name, value := range constants {
		if !listed[value] {
			t.Errorf("%s %q is not listed in docs/operator/conditions.md", name, value)
		}
		if !reasonPattern.MatchString(value) {
			t.Errorf("%s: %q is no valid type or reason", name, value)
		}
	}
	exist := slices.Collect(maps.Values(constants))
	for name := range listed {
		if !slices.Contains(exist, name) {
			t.Errorf("docs/operator/conditions.md lists %q, which does not exist", name)
		}
	}
	if len(constants) < 40 {
		t.Errorf("only %d constants found", len(constants))
	}
}

// Names in metadata have a form that the API server demands.
func TestAnnotationsLabelsAndFinalizersAreQualifiedNames(t *testing.T) {
	t.Parallel()
	constants := mustConstants(t, "../../api/v1alpha1/names.go")
	for name, value := range constants {
		for _, problem := range apivalidation.IsQualifiedName(value) {
			t.Errorf("%s %q: %s", name, value, problem)
		}
	}
	if len(constants) < 12 {
		t.Errorf("only %d constants found", len(constants))
	}
}

// mustConstants reads the string constants of a Go file. GroupName is known.
func mustConstants(t *testing.T, path string) map[string]string {
	t.Helper()
	file, err := parser.ParseFile(token.NewFileSet(), path, nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	constants := map[string]string{}
	ast.Inspect(file, func(node ast.Node) bool {
		spec, ok := node.(*ast.ValueSpec)
		if ok && len(spec.Values) == 1 {
			constants[spec.Names[0].Name] = textOf(t, spec.Values[0], constants)
		}
		return true
	})
	return constants
}

func textOf(t *testing.T, expression ast.Expr, known map[string]string) string {
	t.Helper()
	switch e := expression.(type) {
	case *ast.BasicLit:
		text, err := strconv.Unquote(e.Value)
		if err != nil {
			t.Fatal(err)
		}
		return text
	case *ast.BinaryExpr:
		return textOf(t, e.X, known) + textOf(t, e.Y, known)
	case *ast.Ident:
		if e.Name == "GroupName" {
			return "betterdata.co"
		}
		return known[e.Name]
	}
	t.Fatalf("unexpected constant expression %T", expression)
	return ""
}
