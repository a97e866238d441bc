package acceptance

import (
	"archive/zip"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// workspace is a folder with a configuration that a real CLI works on, with the real provider binary.
type workspace struct {
	w    *world
	dir  string
	path string
	env  []string
	// plugins are the folders of provider binaries, by source.
	plugins map[string]string
}

// override has the CLI take a provider from a folder.
func (ws *workspace) override(source, folder string) {
	ws.w.t.Helper()
	ws.plugins[source] = folder
	var overrides strings.Builder
	for source, folder := range ws.plugins {
		fmt.Fprintf(&overrides, "    %q = %q\n", source, folder)
	}
	ws.write("cli.tfrc", "provider_installation {\n  dev_overrides {\n"+overrides.String()+"  }\n  direct {}\n}\n")
}

// buildProvider builds the provider binary once per test process.
//
//nolint:gochecknoglobals // a cache
var buildProvider = sync.OnceValues(func() (string, error) {
	dir := filepath.Join(secrets.dir, "plugin")
	binary := filepath.Join(dir, "terraform-provider-betterdata")
	build := exec.CommandContext(context.Background(), "go", "build", "-o", binary, "../..")
	if output, err := build.CombinedOutput(); err != nil {
		return "", fmt.Errorf("building the provider: %w\n%s", err, output)
	}
	return dir, nil
})

// cliPath finds the CLI by the same rules as terraform-plugin-testing, and tofu besides.
func cliPath() (string, error) {
	if path := os.Getenv("TF_ACC_TERRAFORM_PATH"); path != "" {
		return path, nil
	}
	if path, err := exec.LookPath("terraform"); err == nil {
		return path, nil
	}
	return exec.LookPath("tofu")
}

// newWorkspace writes the configuration (without a provider block: the environment configures it).
func newWorkspace(t *testing.T, w *world, config string) *workspace {
	t.Helper()
	path, err := cliPath()
	if err != nil {
		t.Fatalf("no Terraform or OpenTofu CLI: %v", err)
	}
	plugins, err := buildProvider()
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	ws := &workspace{w: w, dir: dir, path: path, plugins: map[string]string{}}
	ws.override("betterdataco/betterdata", plugins)
	ws.configure(config)
	ws.env = append(os.Environ(),
		"TF_CLI_CONFIG_FILE="+filepath.Join(dir, "cli.tfrc"),
		"TF_LOG=", "TF_LOG_PATH=", "TF_LOG_PATH_MASK=", "TF_ACC_LOG=", "TF_IN_AUTOMATION=1", "CHECKPOINT_DISABLE=1",
		"BETTERDATA_BASE_URL="+w.baseURL(), "BETTERDATA_TOKEN_FILE="+w.tokenFile, "BETTERDATA_TOKEN=",
	)
	return ws
}

func (ws *workspace) write(name, content string) {
	ws.w.t.Helper()
	if err := os.WriteFile(filepath.Join(ws.dir, name), []byte(content), 0o600); err != nil {
		ws.w.t.Fatal(err)
	}
}

func (ws *workspace) configure(config string) {
	ws.w.t.Helper()
	ws.configureWith("", config)
}

// configureWith requires another provider beside ours.
func (ws *workspace) configureWith(required, config string) {
	ws.w.t.Helper()
	ws.write("main.tf", "terraform {\n  required_providers {\n    betterdata = { source = \"betterdataco/betterdata\" }\n    "+required+"\n  }\n}\n"+config)
}

// result is what one run of the CLI printed.
type result struct {
	output string
	err    error
}

// run runs the CLI to its end.
func (ws *workspace) run(args ...string) result {
	ws.w.t.Helper()
	return ws.start(args...).wait()
}

// running is a CLI process.
type running struct {
	ws     *workspace
	cmd    *exec.Cmd
	output *safeBuffer
	name   string
}

func (ws *workspace) start(args ...string) *running {
	ws.w.t.Helper()
	cmd := exec.CommandContext(ws.w.t.Context(), ws.path, args...)
	cmd.Dir, cmd.Env = ws.dir, ws.env
	// Its own process group: a signal reaches the CLI and its provider as Ctrl-C in a terminal does.
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	output := &safeBuffer{}
	cmd.Stdout, cmd.Stderr = output, output
	if err := cmd.Start(); err != nil {
		ws.w.t.Fatal(err)
	}
	return &running{ws: ws, cmd: cmd, output: output, name: strings.Join(args, " ")}
}

func (r *running) wait() result {
	err := r.cmd.Wait()
	secrets.record(r.ws.w.t.Name()+": "+r.name, r.output.bytes())
	return result{output: string(r.output.bytes()), err: err}
}

// interrupt is Ctrl-C; a process that has just ended does not mind.
func (r *running) interrupt() {
	if err := syscall.Kill(-r.cmd.Process.Pid, syscall.SIGINT); err != nil && !errors.Is(err, syscall.ESRCH) {
		r.ws.w.t.Error(err)
	}
}

// must runs the CLI and fails the test when it fails.
func (ws *workspace) must(args ...string) string {
	ws.w.t.Helper()
	res := ws.run(args...)
	if res.err != nil {
		ws.w.t.Fatalf("%s %s: %v\n%s", filepath.Base(ws.path), strings.Join(args, " "), res.err, res.output)
	}
	return res.output
}

func (ws *workspace) apply() string {
	ws.w.t.Helper()
	return ws.must("apply", "-auto-approve", "-no-color")
}

func (ws *workspace) destroy() { ws.w.t.Helper(); ws.must("destroy", "-auto-approve", "-no-color") }

// expectEmptyPlan checks that a plan has nothing to do, and neither has a refresh-only plan.
func (ws *workspace) expectEmptyPlan() {
	ws.w.t.Helper()
	for _, args := range [][]string{{"plan"}, {"plan", "-refresh-only"}} {
		res := ws.run(append(args, "-detailed-exitcode", "-no-color")...)
		if res.err != nil {
			ws.w.t.Errorf("%s is not empty (%v):\n%s", strings.Join(args, " "), res.err, res.output)
		}
	}
}

// plaintexts reads the plaintexts out of the state file, as the one place where they may be.
func (ws *workspace) plaintexts() map[string]string {
	ws.w.t.Helper()
	var state struct {
		Resources []struct {
			Name      string
			Instances []struct {
				IndexKey   any `json:"index_key"`
				Attributes struct {
					PlaintextKey string `json:"plaintext_key"`
				}
			}
		}
	}
	content, err := os.ReadFile(filepath.Join(ws.dir, "terraform.tfstate"))
	if err != nil {
		ws.w.t.Fatal(err)
	}
	if err := json.Unmarshal(content, &state); err != nil {
		ws.w.t.Fatal(err)
	}
	found := map[string]string{}
	for _, r := range state.Resources {
		for _, i := range r.Instances {
			found[fmt.Sprint(r.Name, i.IndexKey)] = i.Attributes.PlaintextKey
		}
	}
	return found
}

// safeBuffer is written by a process and read by the test.
type safeBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (s *safeBuffer) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.b.Write(p)
}

func (s *safeBuffer) bytes() []byte {
	s.mu.Lock()
	defer s.mu.Unlock()
	return bytes.Clone(s.b.Bytes())
}

// eventually waits for a condition that another process brings about.
func eventually(t *testing.T, what string, ok func() bool) {
	t.Helper()
	look := time.NewTicker(10 * time.Millisecond)
	defer look.Stop()
	deadline := time.After(time.Minute)
	for !ok() {
		select {
		case <-look.C:
		case <-deadline:
			t.Fatalf("did not happen within a minute: %s", what)
		}
	}
}

// recordFiles has TestMain search every file in the workspace, state included. Plan files are archives: what is in
// them is searched too.
func (ws *workspace) recordFiles() {
	ws.w.t.Helper()
	err := filepath.WalkDir(ws.dir, func(path string, entry os.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		content, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		secrets.record(path, content)
		archive, err := zip.NewReader(bytes.NewReader(content), int64(len(content)))
		if err != nil {
			return nil //nolint:nilerr // not an archive
		}
		for _, member := range archive.File {
			if err := recordMember(path, member); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		ws.w.t.Fatal(err)
	}
}

func recordMember(path string, member *zip.File) error {
	opened, err := member.Open()
	if err != nil {
		return err
	}
	content, err := io.ReadAll(opened)
	secrets.record(path+"!"+member.Name, content)
	return err
}
