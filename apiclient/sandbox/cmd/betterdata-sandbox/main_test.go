package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
)

// asCommand makes the test binary behave as the command, so that tests have a real process to kill.
const asCommand = "BETTERDATA_SANDBOX_TEST_AS_COMMAND"

func TestMain(m *testing.M) {
	if os.Getenv(asCommand) != "" {
		main()
		return
	}
	os.Exit(m.Run())
}

// process is a running betterdata-sandbox.
type process struct {
	command         *exec.Cmd
	guide           string // what it printed when it was ready
	api, management string
	tokenFile       string
	stderr          *bytes.Buffer
}

// launch starts the command on free ports and waits for the end of its instructions.
func launch(t *testing.T, args ...string) *process {
	t.Helper()
	args = append([]string{"--listen", "127.0.0.1:0", "--management-listen", "127.0.0.1:0"}, args...)
	p := &process{command: exec.CommandContext(t.Context(), os.Args[0], args...), stderr: new(bytes.Buffer)}
	p.command.Env = append(os.Environ(), asCommand+"=1", "TMPDIR="+t.TempDir())
	p.command.Stderr = p.stderr
	stdout, err := p.command.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := p.command.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = p.command.Process.Kill() })
	lines := bufio.NewScanner(stdout)
	for !strings.HasPrefix(lines.Text(), "Ctrl-C") && lines.Scan() {
		p.guide += lines.Text() + "\n"
	}
	p.api, p.management, p.tokenFile = p.said(t, `\n  API +(\S+)`), p.said(t, `\n  management +(\S+)`), p.said(t, `\n  session token +(\S+)`)
	return p
}

func (p *process) said(t *testing.T, pattern string) string {
	t.Helper()
	match := regexp.MustCompile(pattern).FindStringSubmatch(p.guide)
	if match == nil {
		t.Fatalf("no %q in what was printed:\n%s\n%s", pattern, p.guide, p.stderr)
	}
	return match[1]
}

// kill is kill -9.
func (p *process) kill(t *testing.T) {
	t.Helper()
	if err := p.command.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = p.command.Wait() // tells that it was killed
}

func (p *process) token(t *testing.T) string {
	t.Helper()
	content, err := os.ReadFile(p.tokenFile)
	if err != nil {
		t.Fatal(err)
	}
	return strings.TrimSpace(string(content))
}

// call sends one request and decodes the answer.
func call(t *testing.T, method, url, token, body string) (int, map[string]any) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), method, url, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer "+token)
	res, err := (&http.Client{Transport: &http.Transport{DisableKeepAlives: true}}).Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = res.Body.Close() }()
	var answer map[string]any
	if err := json.NewDecoder(res.Body).Decode(&answer); err != nil {
		t.Fatal(err)
	}
	return res.StatusCode, answer
}

const inventory = "/inventory/channel-location?locationId=loc_123&page=1&limit=50"

// TestAnsweredCreateSurvivesKill: what was answered is on disk, even if the process is killed at once.
func TestAnsweredCreateSurvivesKill(t *testing.T) {
	store := filepath.Join(t.TempDir(), "sandbox.db")
	first := launch(t, "--store", store)
	token := first.token(t)
	status, answer := call(t, http.MethodPost, first.api+"/admin/api-keys", token, `{"name":"service","scopes":["inventory:read"]}`)
	first.kill(t)
	plaintext, ok := answer["plaintextKey"].(string)
	if status != http.StatusCreated || !ok {
		t.Fatalf("create: %d", status)
	}

	second := launch(t, "--store", store)
	if second.token(t) != token {
		t.Error("the session token has changed")
	}
	if status, answer := call(t, http.MethodGet, second.api+inventory, plaintext, ""); status != http.StatusOK {
		t.Errorf("the key is lost: %d %v", status, answer)
	}
	if status, answer := call(t, http.MethodGet, second.api+"/admin/api-keys", token, ""); status != http.StatusOK {
		t.Errorf("listing: %d %v", status, answer)
	}
	for name, content := range map[string]string{"instructions": first.guide + second.guide, "log": first.stderr.String()} {
		if strings.Contains(content, token) || strings.Contains(content, plaintext) {
			t.Errorf("the %s hold a secret", name)
		}
	}
}

func TestGracefulEnd(t *testing.T) {
	for _, signal := range []os.Signal{os.Interrupt, syscall.SIGTERM} {
		t.Run(signal.String(), func(t *testing.T) {
			p := launch(t)
			if err := p.command.Process.Signal(signal); err != nil {
				t.Fatal(err)
			}
			if err := p.command.Wait(); err != nil {
				t.Errorf("%v\n%s", err, p.stderr)
			}
			if _, err := os.Stat(p.tokenFile); !os.IsNotExist(err) {
				t.Errorf("the temporary token file is left: %v", err)
			}
		})
	}
}

// TestInstructions: the printed curl command, run as printed but by Go, works; the warning is there.
func TestInstructions(t *testing.T) {
	p := launch(t, "--dialect", "bare", "--faults", "list:500:times=1", "--rate-limit", "7/1m", "--seed", "3")
	for _, want := range []string{
		"NOT FOR PRODUCTION", "list=array", "7/1m", "curl -X POST \"" + p.api + "/admin/api-keys\"",
		"export BETTERDATA_BASE_URL='" + p.api + "'", "export BETTERDATA_TOKEN_FILE='" + p.tokenFile + "'",
	} {
		if !strings.Contains(p.guide, want) {
			t.Errorf("not printed: %s\n%s", want, p.guide)
		}
	}
	if info, err := os.Stat(p.tokenFile); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("token file: %v, %v", info, err)
	}
	body := p.said(t, `-d '(.*)'`)
	if status, answer := call(t, http.MethodPost, p.api+"/admin/api-keys", p.token(t), body); status != http.StatusOK || answer["plaintextKey"] == nil {
		t.Errorf("create: %d", status)
	}
	if status, _ := call(t, http.MethodGet, p.api+"/admin/api-keys", p.token(t), ""); status != http.StatusInternalServerError {
		t.Errorf("the fault did not hit: %d", status)
	}
	if status, answer := call(t, http.MethodGet, p.management+"/healthz", "", ""); status != http.StatusOK || answer["status"] != "ok" {
		t.Errorf("health: %d %v", status, answer)
	}
}

func TestTokenFileIsReadIfItHoldsOne(t *testing.T) {
	path := filepath.Join(t.TempDir(), "token")
	if err := os.WriteFile(path, []byte("a token of mine\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	p := launch(t, "--session-token-file", path)
	if status, _ := call(t, http.MethodGet, p.api+"/admin/api-keys", "a token of mine", ""); status != http.StatusOK {
		t.Errorf("status %d", status)
	}
	if p.token(t) != "a token of mine" {
		t.Error("the file was changed")
	}
}

func TestTokenFileIsClosedToOthers(t *testing.T) {
	path := filepath.Join(t.TempDir(), "token")
	if err := os.WriteFile(path, nil, 0o644); err != nil {
		t.Fatal(err)
	}
	p := launch(t, "--session-token-file", path)
	if status, _ := call(t, http.MethodGet, p.api+"/admin/api-keys", p.token(t), ""); status != http.StatusOK {
		t.Errorf("status %d", status)
	}
	if info, err := os.Stat(path); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("token file: %v, %v", info.Mode(), err)
	}
}

func TestRefusals(t *testing.T) {
	folder := t.TempDir()
	cases := map[string]struct {
		args []string
		want string
	}{
		"every interface":            {[]string{"--listen", ":8080"}, "--allow-remote"},
		"any address":                {[]string{"--listen", "0.0.0.0:0"}, "--allow-remote"},
		"management on every":        {[]string{"--listen", "127.0.0.1:0", "--management-listen", "[::]:0"}, "--allow-remote"},
		"a name":                     {[]string{"--listen", "example.com:80"}, "--allow-remote"},
		"no port":                    {[]string{"--listen", "127.0.0.1"}, "--allow-remote"},
		"an unknown dialect":         {[]string{"--dialect", "klingon"}, "klingon"},
		"an unknown fault":           {[]string{"--faults", "create:explode"}, "explode"},
		"an unreadable quota":        {[]string{"--rate-limit", "many"}, "many"},
		"an argument":                {[]string{"serve"}, "serve"},
		"an unknown flag":            {[]string{"--verbose"}, "verbose"},
		"a store that is a folder":   {[]string{"--store", folder}, folder},
		"a token file in no folder":  {[]string{"--session-token-file", filepath.Join(folder, "no", "token")}, "session token file"},
		"a token file, but a folder": {[]string{"--session-token-file", folder}, "session token file"},
		"a port that is none":        {[]string{"--listen", "127.0.0.1:0", "--management-listen", "127.0.0.1:99999"}, "99999"},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			ctx, cancel := context.WithCancel(t.Context())
			cancel() // whoever is not refused ends at once
			err := run(ctx, c.args, io.Discard, io.Discard)
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("error %v, want one that names %s", err, c.want)
			}
		})
	}
}

func TestRemoteOnlyIfAsked(t *testing.T) {
	if _, err := parseSettings([]string{"--listen", ":0", "--management-listen", "off", "--allow-remote"}, io.Discard); err != nil {
		t.Error(err)
	}
	for _, address := range []string{"127.0.0.1:1", "127.9.9.9:1", "[::1]:1", "localhost:1"} {
		if _, err := parseSettings([]string{"--listen", address}, io.Discard); err != nil {
			t.Errorf("%s: %v", address, err)
		}
	}
}

func TestHelp(t *testing.T) {
	var out strings.Builder
	if err := run(t.Context(), []string{"--help"}, io.Discard, &out); err == nil || !strings.Contains(out.String(), "-dialect") {
		t.Errorf("%v: %s", err, out.String())
	}
}
