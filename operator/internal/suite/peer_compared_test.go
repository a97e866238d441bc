package suite

import (
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

const comparedPage = root + "/docs/operator/compared.md"

// peerTest is the name of a test for a peer's hole or a users' wish.
var peerTest = regexp.MustCompile(`\bTestOperator(Peer|Ask)\w+`)

// The page that compares this operator with others names the tests that there are, and no others; each wish of its list has
// a row.
func TestComparedNamesEveryTest(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile(comparedPage)
	if err != nil {
		t.Fatal(err)
	}
	named := peerTest.FindAllString(string(text), -1)
	slices.Sort(named)
	named = slices.Compact(named)
	if existing := peerTests(t); !slices.Equal(named, existing) {
		t.Errorf("docs/operator/compared.md names\n%s\nand these exist:\n%s", strings.Join(named, "\n"), strings.Join(existing, "\n"))
	}
}

// peerTests are the names of the tests in this folder that are for a peer's hole or a users' wish, sorted.
func peerTests(t *testing.T) []string {
	t.Helper()
	files, err := filepath.Glob("*_test.go")
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, file := range files {
		parsed, err := parser.ParseFile(token.NewFileSet(), file, nil, parser.SkipObjectResolution)
		if err != nil {
			t.Fatal(err)
		}
		for _, declaration := range parsed.Decls {
			if function, ok := declaration.(*ast.FuncDecl); ok && function.Recv == nil && peerTest.MatchString(function.Name.Name) {
				names = append(names, function.Name.Name)
			}
		}
	}
	slices.Sort(names)
	return names
}
