package importrules_test

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

const (
	root   = "../../.."
	module = "github.com/betterdataco/terraform-provider-betterdata"
)

func TestImportRules(t *testing.T) {
	t.Parallel()
	cases := []struct {
		file    string
		imports string
		want    string // part of the finding's text; empty: allowed
	}{
		{"apiclient/keys.go", "net/http", ""},
		{"apiclient/keys.go", "golang.org/x/sync/singleflight", ""},
		{"apiclient/keys.go", "github.com/hashicorp/go-retryablehttp", ""},
		{"apiclient/keys.go", "github.com/google/uuid", "apiclient-imports-only-std-x-retryablehttp"},
		{"apiclient/keys.go", module + "/apiclient/sandbox", "must not know its test server"},
		{"apiclient/rotation/due.go", module + "/apiclient/sandbox", "must not know its test server"},
		{"apiclient/keys.go", module + "/provider/internal/apikey", "serves both components and knows neither"},
		{"apiclient/keys.go", module + "/operator/api/v1alpha1", "serves both components and knows neither"},
		{"apiclient/keys.go", "github.com/hashicorp/terraform-plugin-log/tflog", "free of Terraform"},
		{"apiclient/keys.go", "k8s.io/apimachinery/pkg/types", "free of Kubernetes"},
		{"apiclient/keys.go", "sigs.k8s.io/yaml", "free of Kubernetes"},
		{"apiclient/keys_test.go", module + "/apiclient/sandbox", ""},
		{"apiclient/keys_test.go", "github.com/google/go-cmp/cmp", ""},
		{"apiclient/keys_test.go", "github.com/stretchr/testify/assert", "apiclient-tests-import-also-sandbox-and-cmp"},

		{"apiclient/sandbox/store.go", "go.etcd.io/bbolt", ""},
		{"apiclient/sandbox/store.go", module + "/apiclient", "wire types of its own"},
		{"apiclient/sandbox/store_test.go", module + "/apiclient", "wire types of its own"},
		{"apiclient/sandbox/store_test.go", module + "/apiclient/rotation", "wire types of its own"},
		{"apiclient/sandbox/cmd/betterdata-sandbox/main.go", module + "/apiclient/sandbox", ""},
		{"apiclient/sandbox/cmd/betterdata-sandbox/main.go", module + "/apiclient", "wire types of its own"},
		{"apiclient/sandbox/store.go", "golang.org/x/sync/errgroup", "sandbox-imports-only-std-and-bbolt"},

		{"provider/main.go", "github.com/hashicorp/terraform-plugin-framework/providerserver", ""},
		{"provider/internal/apikey/resource.go", module + "/apiclient/rotation", ""},
		{"provider/internal/apikey/resource.go", module + "/apiclient/sandbox", "no test server"},
		{"provider/internal/apikey/resource.go", module + "/operator/api/v1alpha1", "share the client and nothing else"},
		{"provider/internal/apikey/resource.go", "k8s.io/api/core/v1", "free of Kubernetes"},
		{"provider/internal/apikey/resource.go", "github.com/hashicorp/terraform-plugin-testing/helper/resource", "provider-imports-only"},
		{"provider/internal/apikey/resource_test.go", module + "/apiclient/sandbox", ""},
		{"provider/internal/apikey/resource_test.go", "github.com/hashicorp/terraform-plugin-testing/helper/resource", ""},
		{"provider/internal/apikey/resource_test.go", "sigs.k8s.io/controller-runtime", "free of Kubernetes"},

		{"operator/api/v1alpha1/types.go", "k8s.io/apimachinery/pkg/apis/meta/v1", ""},
		{"operator/api/v1alpha1/types.go", "k8s.io/api/core/v1", "operator-api-imports-only-apimachinery"},
		{"operator/internal/controller/apikey/act.go", "sigs.k8s.io/controller-runtime/pkg/client", ""},
		{"operator/internal/controller/apikey/act.go", module + "/apiclient", ""},
		{"operator/internal/controller/apikey/act.go", module + "/apiclient/sandbox", "no test server"},
		{"operator/internal/controller/apikey/act.go", module + "/provider/internal/apikey", "share the client and nothing else"},
		{"operator/internal/controller/apikey/act.go", "github.com/hashicorp/terraform-plugin-log/tflog", "free of Terraform"},
		{"operator/internal/controller/apikey/act_test.go", module + "/apiclient/sandbox", ""},
		{"operator/internal/apitest/gitops.go", "github.com/yuin/gopher-lua", "operator-imports-only-std-apiclient-and-kubernetes"},
		{"operator/internal/apitest/gitops_test.go", "github.com/yuin/gopher-lua", ""},
		{"operator/internal/controller/apikey/act_test.go", module + "/provider/internal/apikey", "share the client and nothing else"},

		{"examples/demo/main.go", module + "/apiclient/sandbox", ""},
		{"examples/demo/main.go", "github.com/spf13/cobra", "examples-import-only-std-and-apiclient"},
	}
	for _, tc := range cases {
		t.Run(tc.file+" imports "+tc.imports, func(t *testing.T) {
			t.Parallel()
			got := lint(t, tc.file, tc.imports)
			switch {
			case tc.want == "" && len(got) > 0:
				t.Errorf("refused: %q, want it allowed", got)
			case tc.want != "" && !strings.Contains(strings.Join(got, "\n"), tc.want):
				t.Errorf("findings %q, want one with %q", got, tc.want)
			}
		})
	}
}

// lint runs depguard alone, with the project's configuration, on a module that holds just that file.
func lint(t *testing.T, file, imports string) []string {
	t.Helper()
	dir := t.TempDir()
	config, err := os.ReadFile(filepath.Join(root, ".golangci.yml"))
	if err != nil {
		t.Fatal(err)
	}
	mustWrite(t, filepath.Join(dir, ".golangci.yml"), string(config))
	mustWrite(t, filepath.Join(dir, "go.mod"), "module "+module+"\n\ngo 1.26.0\n")
	mustWrite(t, filepath.Join(dir, file), "package p\n\nimport _ \""+imports+"\"\n")
	if pkg, ok := strings.CutSuffix(file, "_test.go"); ok { // a package needs a file that is no test
		mustWrite(t, filepath.Join(dir, pkg+".go"), "package p\n")
	}

	linter, err := filepath.Abs(filepath.Join(root, "bin", "golangci-lint"))
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), linter, "run", "--enable-only=depguard", "--allow-parallel-runners",
		"--issues-exit-code=0", "--output.text.path=/dev/null", "--output.json.path=stdout", "--show-stats=false", "./...")
	cmd.Dir = dir
	// The imports need not exist: depguard reads the import block alone.
	cmd.Env = append(os.Environ(), "GOPROXY=off", "GOFLAGS=-mod=mod", "GOWORK=off", "GOLANGCI_LINT_CACHE="+t.TempDir())
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("bin/golangci-lint (built by: make bin/golangci-lint): %v\n%s", err, out)
	}
	var report struct {
		Issues []struct{ FromLinter, Text string }
	}
	if err := json.Unmarshal(out, &report); err != nil {
		t.Fatalf("%v in %s", err, out)
	}
	var texts []string
	for _, issue := range report.Issues {
		texts = append(texts, issue.FromLinter+": "+issue.Text)
	}
	return texts
}

func mustWrite(t *testing.T, path, content string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(content), 0o644); err != nil {
		t.Fatal(err)
	}
}
