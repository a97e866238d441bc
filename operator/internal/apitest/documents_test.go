package apitest

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

const repository = "../../.."

// yamlBlock is a fenced block of YAML in a document.
var yamlBlock = regexp.MustCompile("(?ms)^```ya?ml\n(.*?)^```$")

// quotedExample is a first line that says which example the rest of the block is.
var quotedExample = regexp.MustCompile(`^# (examples/operator/[\w-]+\.yaml)\n`)

// What users copy from the documentation is valid, and is what the examples are where it says so.
func TestDocumentedManifestsAreValid(t *testing.T) {
	t.Parallel()
	documents, err := filepath.Glob(repository + "/docs/operator/*.md")
	if err != nil || len(documents) == 0 {
		t.Fatalf("no documents (%v)", err)
	}
	quoted := 0
	for _, document := range append(documents, repository+"/README.md") {
		text, err := os.ReadFile(document)
		if err != nil {
			t.Fatal(err)
		}
		for _, block := range yamlBlock.FindAllStringSubmatch(string(text), -1) {
			expectAdmitted(t, filepath.Base(document), block[1])
			if m := quotedExample.FindStringSubmatch(block[1]); m != nil {
				quoted++
				expectQuoted(t, filepath.Base(document), m[1], strings.TrimPrefix(block[1], m[0]))
			}
		}
	}
	if quoted == 0 {
		t.Error("no document quotes an example: is the pattern still right?")
	}
}

// expectAdmitted expects that every whole object of our kinds passes the schema. Parts of objects are left alone.
func expectAdmitted(t *testing.T, document, text string) {
	t.Helper()
	definitions := mustReadDefinitions(t)
	for _, object := range mustDocuments(t, text) {
		kind, _ := object["kind"].(string)
		d, ours := definitions[kind]
		if !ours {
			continue
		}
		server := mustAdmission(t, d)
		if pruned := server.complete(object); len(pruned) != 0 {
			t.Errorf("%s: unknown fields %q in\n%s", document, pruned, text)
		}
		if errs := server.admit(t, nil, object); len(errs) != 0 {
			t.Errorf("%s: %v in\n%s", document, errs.ToAggregate(), text)
		}
	}
}

// expectQuoted expects the example's own text, without the comment that it may begin with.
func expectQuoted(t *testing.T, document, example, text string) {
	t.Helper()
	file, err := os.ReadFile(filepath.Join(repository, example))
	if err != nil {
		t.Errorf("%s quotes %v", document, err)
		return
	}
	_, want, found := strings.Cut(string(file), "apiVersion:")
	if !found || text != "apiVersion:"+want {
		t.Errorf("%s: the text of %s is not the file's", document, example)
	}
}
