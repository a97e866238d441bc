package setup

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"sigs.k8s.io/yaml"
)

var update = flag.Bool("update", false, "write the tables of docs/operator/flags.md instead of comparing with them")

const flagsPage = repository + "/docs/operator/flags.md"

// The page of flags has exactly those that there are, with their defaults and the words of --help.
func TestFlagsPageIsUpToDate(t *testing.T) {
	text, err := os.ReadFile(flagsPage)
	if err != nil {
		t.Fatal(err)
	}
	want := string(text)
	var s Settings
	for _, fs := range []*flag.FlagSet{managerFlags(&s), cleanupFlags(&s)} {
		want = withTable(t, want, fs)
	}
	if *update {
		if err := os.WriteFile(flagsPage, []byte(want), 0o600); err != nil {
			t.Fatal(err)
		}
	} else if want != string(text) {
		t.Errorf("docs/operator/flags.md is not what --help says; go test ./operator/internal/setup -run %s -update writes it", t.Name())
	}
}

// withTable replaces the rows of the table under the heading of the flag set's name.
func withTable(t *testing.T, page string, fs *flag.FlagSet) string {
	t.Helper()
	table := regexp.MustCompile(`(?ms)(^## ` + fs.Name() + `\n.*?^\|---\|---\|---\|\n)(?:\|[^\n]*\n)*`)
	if !table.MatchString(page) {
		t.Fatalf("no table under the heading %q", fs.Name())
	}
	var rows strings.Builder
	fs.VisitAll(func(f *flag.Flag) {
		_, usage := flag.UnquoteUsage(f)
		def := f.DefValue
		if def != "" {
			def = "`" + def + "`"
		}
		fmt.Fprintf(&rows, "| `--%s` | %s | %s |\n", f.Name, def, strings.ReplaceAll(usage, "|", `\|`))
	})
	return table.ReplaceAllStringFunc(page, func(found string) string {
		return table.FindStringSubmatch(found)[1] + rows.String()
	})
}

// The manifests' flags are flags of the operator, with values that it takes.
func TestManifestsSetKnownFlags(t *testing.T) {
	var args []string
	for _, file := range []string{"manager/deployment.yaml", "default/metrics-patch.yaml", "namespaced/system/flags.yaml"} {
		text, err := os.ReadFile(filepath.Join(repository, "config", file))
		if err != nil {
			t.Fatal(err)
		}
		found := regexp.MustCompile(`(?m)--[a-z].*$`).FindAllString(string(text), -1)
		if len(found) == 0 {
			t.Errorf("%s sets no flag", file)
		}
		args = append(args, found...)
	}
	var s Settings
	if err := parse(managerFlags(&s), &s, args); err != nil {
		t.Fatal(err)
	}
	if !s.LeaderElect || s.ClusterID != placeholderClusterID {
		t.Errorf("got %+v", s)
	}
	if err := s.validate(); err == nil {
		t.Error("the placeholder of --cluster-id is accepted as it is")
	}
}

// A pod that is stopped is killed only after the manager has had its time.
func TestPodOutlivesTheManager(t *testing.T) {
	text, err := os.ReadFile(repository + "/config/manager/deployment.yaml")
	if err != nil {
		t.Fatal(err)
	}
	var deployment struct {
		Spec struct {
			Template struct {
				Spec struct {
					TerminationGracePeriodSeconds float64 `json:"terminationGracePeriodSeconds"`
				} `json:"spec"`
			} `json:"template"`
		} `json:"spec"`
	}
	if err := yaml.Unmarshal(text, &deployment); err != nil {
		t.Fatal(err)
	}
	if got := deployment.Spec.Template.Spec.TerminationGracePeriodSeconds; got <= shutdownGrace.Seconds() {
		t.Errorf("terminationGracePeriodSeconds is %v, the manager waits %s", got, shutdownGrace)
	}
}
