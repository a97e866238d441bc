package apitest

import (
	"errors"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"k8s.io/apimachinery/pkg/util/yaml"
)

// The examples are valid, hold no field that the schema does not know, and none of those that start from them is forgotten
// in the kustomization.
func TestExamplesAreValid(t *testing.T) {
	t.Parallel()
	const folder = "../../../examples/operator"
	definitions := mustReadDefinitions(t)
	files, err := filepath.Glob(folder + "/*.yaml")
	if err != nil || len(files) == 0 {
		t.Fatalf("no examples in %s (%v)", folder, err)
	}
	kustomization, err := os.ReadFile(folder + "/kustomization.yaml")
	if err != nil {
		t.Fatal(err)
	}
	var kinds []string
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if name := filepath.Base(file); name != "kustomization.yaml" && !strings.Contains(string(kustomization), "- "+name+"\n") {
			t.Errorf("%s is not in the kustomization", name)
		}
		for _, object := range mustDocuments(t, string(text)) {
			kind, _ := object["kind"].(string)
			d, ours := definitions[kind]
			if !ours {
				continue
			}
			kinds = append(kinds, kind)
			server := mustAdmission(t, d)
			if pruned := server.complete(object); len(pruned) != 0 {
				t.Errorf("%s: unknown fields %q", file, pruned)
			}
			if errs := server.admit(t, nil, object); len(errs) != 0 {
				t.Errorf("%s: %v", file, errs.ToAggregate())
			}
		}
	}
	for kind := range definitions {
		if !slices.Contains(kinds, kind) {
			t.Errorf("no example of a %s", kind)
		}
	}
}

// mustDocuments reads the documents of a YAML text.
func mustDocuments(t *testing.T, text string) []map[string]any {
	t.Helper()
	decoder := yaml.NewYAMLOrJSONDecoder(strings.NewReader(text), 4096)
	var documents []map[string]any
	for {
		document := map[string]any{}
		err := decoder.Decode(&document)
		if errors.Is(err, io.EOF) {
			return documents
		}
		if err != nil {
			t.Fatal(err)
		}
		documents = append(documents, document)
	}
}
