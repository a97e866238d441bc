package acceptance

import (
	"encoding/json"
	"fmt"
	"io/fs"
	"net/http"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"
)

const examplesDir = "../../../examples"

// example is a set of files that belong together, and what the CLI does with them.
type example struct {
	name    string
	dir     string // below examples
	files   []string
	command []string
	since   int // first minor version of Terraform 1 and OpenTofu 1 that knows what is in it; 0: any
}

// needsForeign lists the examples that need a provider which cannot be had without a registry. They are applied by
// TestAccExamplesWithStandIns, against stand-ins that have the arguments they use.
//
//nolint:gochecknoglobals // a table
var needsForeign = []string{"modules/kubernetes-secret", "modules/vault", "modules/aws-secrets-manager"}

// notConfigurations are the files that no CLI reads.
var notConfigurations = regexp.MustCompile(`^operator(/|$)|^(demo|apiclient)/.*\.go$|\.md$|\.yml$`)

// examplesOf groups the files of all examples. A file that belongs to none fails the test: no example goes unplanned
// because its name was not thought of.
func examplesOf(t *testing.T) []example {
	t.Helper()
	root := os.DirFS(examplesDir)
	var all []example
	err := fs.WalkDir(root, ".", func(file string, entry fs.DirEntry, err error) error {
		if err != nil || !entry.IsDir() {
			return err
		}
		found, err := examplesIn(root, file)
		all = append(all, found...)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, dir := range needsForeign {
		if !slices.ContainsFunc(all, func(e example) bool { return e.dir == dir }) {
			t.Errorf("needsForeign lists %s, where there is no example", dir)
		}
	}
	return all
}

func examplesIn(root fs.FS, dir string) ([]example, error) {
	entries, err := fs.ReadDir(root, dir)
	if err != nil {
		return nil, err
	}
	base := example{dir: dir, command: []string{"plan", "-input=false"}}
	if strings.HasPrefix(dir, "actions/") {
		base.since = 14
	}
	var variants []example
	for _, entry := range entries {
		file := path.Join(dir, entry.Name())
		switch name := entry.Name(); {
		case entry.IsDir() || notConfigurations.MatchString(file):
		case strings.HasPrefix(name, "import-by-identity"):
			variants = append(variants, example{files: []string{file}, command: base.command, since: 12})
		case strings.HasPrefix(name, "import-by-"):
			variants = append(variants, example{files: []string{file}, command: base.command})
		case name == "import.sh":
			variants = append(variants, example{command: []string{"import", "-input=false", "betterdata_api_key.forecast", "key_123"}})
		case strings.HasSuffix(name, ".tfquery.hcl"):
			variants = append(variants, example{files: []string{file}, command: []string{"query"}, since: 14})
		case strings.HasSuffix(name, ".tftest.hcl"):
			module, err := fs.Glob(root, path.Join(path.Dir(dir), "*.tf"))
			if err != nil {
				return nil, err
			}
			variants = append(variants, example{files: append(module, file), command: []string{"test"}})
		case strings.HasSuffix(name, ".tf"):
			base.files = append(base.files, file)
		default:
			return nil, fmt.Errorf("%s: this test does not know what to do with such a file", file)
		}
	}
	for i := range variants {
		variants[i].dir, variants[i].files = dir, append(slices.Clone(base.files), variants[i].files...)
	}
	if len(base.files) > 0 {
		variants = append(variants, base)
	}
	for i, e := range variants {
		variants[i].name = dir + " " + e.command[0]
		if len(e.files) > len(base.files) {
			variants[i].name += " " + path.Base(e.files[len(e.files)-1])
		}
	}
	return variants, nil
}

// inputs are the variables that examples have without a default.
func (w *world) inputs(t *testing.T) []string {
	t.Helper()
	return []string{
		"TF_VAR_release=1", "TF_VAR_leaked_key=" + w.issued()[0],
		"TF_VAR_team=checkout", "TF_VAR_purpose=stock levels", `TF_VAR_scopes=["inventory:read"]`,
		`TF_VAR_recipients=["` + newIdentity(t).Recipient().String() + `"]`,
	}
}

// formatted is the folder of a workspace whose files are checked for syntax and style alone.
const formatted = "formatted"

// exampleWorkspace copies the files of an example. Those that show one thing alone rely on the provider block of their
// page, so they get one; key_123 is a key that exists.
func exampleWorkspace(t *testing.T, w *world, e example) *workspace {
	t.Helper()
	id := w.seed("Forecast reader", "inventory:read", "forecast:read")
	ws := newWorkspace(t, w, "")
	ws.env = append(ws.env, w.inputs(t)...)
	if err := os.Mkdir(filepath.Join(ws.dir, formatted), 0o700); err != nil {
		t.Fatal(err)
	}
	for _, file := range e.files {
		content, err := os.ReadFile(filepath.Join(examplesDir, file))
		if err != nil {
			t.Fatal(err)
		}
		if strings.Contains(string(content), "required_providers") {
			if err := os.Remove(filepath.Join(ws.dir, "main.tf")); err != nil {
				t.Fatal(err)
			}
		}
		ws.write(path.Base(file), strings.ReplaceAll(string(content), "key_123", id))
		// A CLI formats only files that it knows by their ending. Syntax and style are the same in all.
		ws.write(path.Join(formatted, path.Base(file)+".tf"), string(content))
	}
	return ws
}

// run runs the example's command on a workspace with its files.
func (e example) run(ws *workspace) {
	ws.w.t.Helper()
	args := []string{e.command[0], "-no-color"}
	for _, argument := range e.command[1:] {
		if argument == "key_123" {
			argument = ws.w.live()[0]
		}
		args = append(args, argument)
	}
	ws.must(args...)
}

// minorVersion is the CLI's: 14 for 1.14.
func minorVersion(t *testing.T, w *world) int {
	t.Helper()
	var version struct {
		Version string `json:"terraform_version"` // of OpenTofu, too
	}
	if err := json.Unmarshal([]byte(newWorkspace(t, w, "").must("version", "-json")), &version); err != nil {
		t.Fatal(err)
	}
	var major, minor int
	if _, err := fmt.Sscanf(version.Version, "%d.%d", &major, &minor); err != nil || major != 1 {
		t.Fatalf("version %q: %v", version.Version, err)
	}
	return minor
}

// TestAccExamples: every example is formatted, and planned (listed, tested, imported) by the CLI with the provider.
func TestAccExamples(t *testing.T) {
	t.Parallel()
	minor := minorVersion(t, newWorld(t))
	t.Run("pages", checkPages)
	for _, e := range examplesOf(t) {
		t.Run(e.name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			ws := exampleWorkspace(t, w, e)
			ws.must("fmt", "-check", "-diff", formatted)
			switch {
			case slices.Contains(needsForeign, e.dir):
				t.Log("formatted only: needs a provider that no CLI can have without a registry; see TestAccExamplesWithStandIns")
			case e.since > minor:
				t.Logf("formatted only: needs Terraform 1.%d, this is 1.%d", e.since, minor)
			default:
				e.run(ws)
			}
		})
	}
}

// TestAccExampleQuickstart applies what a newcomer applies first.
func TestAccExampleQuickstart(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	ws := exampleWorkspace(t, w, example{files: []string{"quickstart/main.tf"}})
	ws.apply()
	plaintext := ws.plaintexts()["forecast_job<nil>"]
	if got := w.use(plaintext); got != http.StatusOK {
		t.Errorf("the key answers %d, want 200", got)
	}
	ws.expectEmptyPlan()
	ws.destroy()
	if got := w.use(plaintext); got != http.StatusUnauthorized {
		t.Errorf("the key answers %d after destroy, want 401", got)
	}
}

// TestAccExampleTestFile: the module's own test creates and rotates real keys, and leaves none alive.
func TestAccExampleTestFile(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	ws := exampleWorkspace(t, w, example{files: []string{"modules/team-key/main.tf", "modules/team-key/tests/team_key.tftest.hcl"}})
	before := w.live()
	ws.must("test", "-no-color")
	if s := w.api.Stats(); s.Rotated != 1 || s.Revoked < 2 {
		t.Errorf("%d rotations and %d revocations, want 1 and at least 2", s.Rotated, s.Revoked)
	}
	if after := w.live(); !slices.Equal(before, after) {
		t.Errorf("the test has left keys alive: %v before, %v after", before, after)
	}
}

var workflowStep = regexp.MustCompile(`(?m)^ +- run: terraform (.+)$`)

// TestAccExampleScheduledRotation runs the commands of the workflow on three days: nothing is due, the key is due, the
// overlap has ended.
func TestAccExampleScheduledRotation(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	ws := exampleWorkspace(t, w, example{files: []string{"modules/scheduled-rotation/main.tf"}})
	workflow, err := os.ReadFile(filepath.Join(examplesDir, "modules/scheduled-rotation/rotate.yml"))
	if err != nil {
		t.Fatal(err)
	}
	var commands []string
	for _, step := range workflowStep.FindAllStringSubmatch(string(workflow), -1) {
		commands = append(commands, step[1])
	}
	if len(commands) != 3 || !strings.HasPrefix(commands[0], "init ") {
		t.Fatalf("commands of the workflow: %q, want init, plan and apply", commands)
	}
	other := len(w.live())
	for _, day := range []struct {
		after   time.Duration
		rotated int
		live    int
	}{{0, 0, 1}, {29 * 24 * time.Hour, 0, 1}, {48 * time.Hour, 1, 2}, {49 * time.Hour, 1, 1}} {
		w.api.AdvanceClock(day.after)
		for _, command := range commands[1:] { // no init: there is no registry to install from
			ws.must(strings.Fields(command)...)
		}
		if rotated, live := w.api.Stats().Rotated, len(w.live())-other; rotated != day.rotated || live != day.live {
			t.Errorf("%s later: %d rotations and %d live keys, want %d and %d", day.after, rotated, live, day.rotated, day.live)
		}
	}
}

var configurationBlock = regexp.MustCompile("(?ms)^```(?:terraform|hcl)\n(.*?)^```$")

// checkPages: every configuration on a page of the documentation parses and is formatted. Most are files of examples/,
// which are planned as well; the rest are too short for that.
func checkPages(t *testing.T) {
	t.Parallel()
	ws := newWorkspace(t, newWorld(t), "")
	if err := os.Mkdir(filepath.Join(ws.dir, formatted), 0o700); err != nil {
		t.Fatal(err)
	}
	pages, err := fs.Glob(os.DirFS("../../../docs"), "*/*.md")
	if err != nil {
		t.Fatal(err)
	}
	blocks := 0
	for _, page := range append(pages, "index.md", "../README.md") {
		text, err := os.ReadFile(filepath.Join("../../../docs", page))
		if err != nil {
			t.Fatal(err)
		}
		for _, block := range configurationBlock.FindAllStringSubmatch(string(text), -1) {
			blocks++
			name := strings.NewReplacer("/", "-", ".", "-").Replace(page)
			ws.write(fmt.Sprintf("%s/%s-%d.tf", formatted, name, blocks), block[1])
		}
	}
	if blocks < 20 {
		t.Errorf("only %d configurations were found in %d pages", blocks, len(pages))
	}
	ws.must("fmt", "-check", "-diff", formatted)
}
