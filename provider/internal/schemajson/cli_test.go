package schemajson_test

import (
	"bytes"
	"cmp"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	gocmp "github.com/google/go-cmp/cmp"
	"github.com/hashicorp/terraform-plugin-framework/providerserver"

	"github.com/betterdataco/terraform-provider-betterdata/provider/internal/provider"
	"github.com/betterdataco/terraform-provider-betterdata/provider/internal/schemajson"
)

// documents maps provider addresses to whatever kinds of schemas a command line knows.
type documents struct {
	Schemas map[string]map[string]any `json:"provider_schemas"`
}

// TestAccSchemaIsWhatTheCLIPrints holds the translation against the real thing: everything that the command line
// prints of the built provider must be the same in our document. An older one prints fewer kinds of things than we do.
func TestAccSchemaIsWhatTheCLIPrints(t *testing.T) {
	t.Parallel()
	var ours documents
	var written bytes.Buffer
	server := providerserver.NewProtocol6(provider.New("test")())()
	if err := schemajson.Write(t.Context(), &written, provider.TypeName, server); err != nil {
		t.Fatal(err)
	}
	mustUnmarshal(t, written.Bytes(), &ours)

	var printed documents
	mustUnmarshal(t, schemaFromCLI(t), &printed)
	if len(printed.Schemas) != 1 {
		t.Fatalf("the command line knows %d providers, want 1", len(printed.Schemas))
	}
	for address, kinds := range printed.Schemas {
		if len(kinds) < 2 {
			t.Errorf("%s: %d kinds of schemas, want at least the provider's and the resources'", address, len(kinds))
		}
		for kind, want := range kinds {
			if diff := gocmp.Diff(want, ours.Schemas[provider.TypeName][kind]); diff != "" {
				t.Errorf("%s (-command line +ours)\n%s", kind, diff)
			}
		}
	}
}

// schemaFromCLI builds the provider and has the command line under test print its schema.
func schemaFromCLI(t *testing.T) []byte {
	t.Helper()
	bin, work := t.TempDir(), t.TempDir()
	mustRun(t, ".", nil, "go", "build", "-o", filepath.Join(bin, "terraform-provider-betterdata"), "../..")

	mustWriteFile(t, filepath.Join(work, "main.tf"),
		"terraform {\n  required_providers {\n    betterdata = { source = \"betterdataco/betterdata\" }\n  }\n}\n")
	mustWriteFile(t, filepath.Join(work, "cli.tfrc"), fmt.Sprintf(
		"provider_installation {\n  dev_overrides { \"betterdataco/betterdata\" = %q }\n  direct {}\n}\n", bin))
	cli := cmp.Or(os.Getenv("TF_ACC_TERRAFORM_PATH"), "terraform")
	env := []string{"TF_CLI_CONFIG_FILE=" + filepath.Join(work, "cli.tfrc"), "CHECKPOINT_DISABLE=1"}
	return mustRun(t, work, env, cli, "providers", "schema", "-json")
}

func mustRun(t *testing.T, dir string, env []string, name string, args ...string) []byte {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), name, args...)
	cmd.Dir, cmd.Env = dir, append(os.Environ(), env...)
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("%s %v: %v\n%s", name, args, err, &stderr)
	}
	return out
}

func mustUnmarshal(t *testing.T, data []byte, into any) {
	t.Helper()
	if err := json.Unmarshal(data, into); err != nil {
		t.Fatal(err)
	}
}

func mustWriteFile(t *testing.T, path, content string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
}
