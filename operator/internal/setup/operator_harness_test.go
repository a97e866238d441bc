package setup

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/go-logr/logr"
	authorizationv1 "k8s.io/api/authorization/v1"
	"k8s.io/apimachinery/pkg/util/wait"
	clientgoscheme "k8s.io/client-go/kubernetes/scheme"
	"k8s.io/client-go/rest"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/betterdataco/terraform-provider-betterdata/operator/internal/testenv"
)

const (
	repository = "../../.."
	// patience is how long anything may take that comes by itself. A Lease lasts 15 s; a machine that compiles at the same
	// time takes longer for everything.
	patience       = 3 * time.Minute
	serviceAccount = "betterdata-operator"
)

// TestMain ends the control plane that the TestOperator tests share, on which config/default is installed, and removes
// what they have built.
func TestMain(m *testing.M) {
	ctrl.SetLogger(logr.Discard()) // of the clients in this process
	folder, err := os.MkdirTemp("", "betterdata-setup-")
	if err != nil {
		panic(err)
	}
	release = sync.OnceValues(func() (string, error) { return build(folder, "release") })
	faulty = sync.OnceValues(func() (string, error) { return build(folder, "faulty", "-tags=faultpoints") })
	code := testenv.Main(m, testenv.Options{Manifests: []string{repository + "/config/default"}})
	if err := os.RemoveAll(folder); err != nil {
		panic(err)
	}
	os.Exit(code)
}

// release is the binary as make build makes it, and faulty the one of the tests that kill it.
var release, faulty func() (string, error)

func build(folder, name string, flags ...string) (string, error) {
	path := filepath.Join(folder, name)
	args := append([]string{"build", "-trimpath", "-ldflags=-s -w -X main.version=1.2.3", "-o", path}, flags...)
	command := exec.Command("go", append(args, "./operator")...) //nolint:noctx // shared by tests, so it ends with none of them
	command.Dir = repository
	command.Env = append(os.Environ(), "CGO_ENABLED=0")
	if output, err := command.CombinedOutput(); err != nil {
		return "", fmt.Errorf("go build ./operator: %w\n%s", err, output)
	}
	return path, nil
}

func mustBuild(t *testing.T, binary func() (string, error)) string {
	t.Helper()
	path, err := binary()
	if err != nil {
		t.Fatal(err)
	}
	return path
}

// process is a running operator.
type process struct {
	command *exec.Cmd
	output  *lockedWriter
	ended   chan struct{}
}

// start starts the release binary with the rights of the configuration.
func start(t *testing.T, config *rest.Config, flags ...string) *process {
	t.Helper()
	kubeconfig := filepath.Join(t.TempDir(), "kubeconfig")
	if err := testenv.Shared(t).WriteKubeconfig(kubeconfig, config); err != nil {
		t.Fatal(err)
	}
	args := append([]string{"--kubeconfig=" + kubeconfig, "--health-probe-bind-address=127.0.0.1:0"}, flags...)
	p := &process{command: exec.Command(mustBuild(t, release), args...), output: &lockedWriter{}, ended: make(chan struct{})} //nolint:noctx // the test ends it by signals
	p.command.Env = []string{"HOME=" + t.TempDir()}
	p.command.Stdout, p.command.Stderr = p.output, p.output
	if err := p.command.Start(); err != nil {
		t.Fatal(err)
	}
	go func() {
		defer close(p.ended)
		_ = p.command.Wait() // ProcessState tells how it ended
	}()
	t.Cleanup(func() {
		p.kill()
		if t.Failed() {
			t.Log(p.output.String())
		}
	})
	return p
}

func (p *process) kill() {
	_ = p.command.Process.Kill() // fails if it has ended already
	<-p.ended
}

// stop ends the process as the kubelet does, and returns its exit code.
func (p *process) stop(t *testing.T) int {
	t.Helper()
	if err := p.command.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	select {
	case <-p.ended:
	case <-time.After(patience):
		t.Fatalf("still running %s after SIGTERM", patience)
	}
	return p.command.ProcessState.ExitCode()
}

// logged returns the first logged line with the message, decoded, or nil.
func (p *process) logged(message string) map[string]any {
	for line := range strings.Lines(p.output.String()) {
		var entry map[string]any
		if json.Unmarshal([]byte(line), &entry) == nil && entry["msg"] == message {
			return entry
		}
	}
	return nil
}

// awaitReady waits for /readyz and returns the base address of the health server.
func (p *process) awaitReady(t *testing.T) string {
	t.Helper()
	var base string
	await(t, "the operator is ready", func() bool {
		if entry := p.logged("starting server"); entry != nil {
			base = fmt.Sprintf("http://%s", entry["addr"])
		}
		return base != "" && get(t, nil, base+"/readyz", "").code == 200
	})
	return base
}

func await(t *testing.T, what string, condition func() bool) {
	t.Helper()
	err := wait.PollUntilContextTimeout(t.Context(), 100*time.Millisecond, patience, true, func(context.Context) (bool, error) { return condition(), nil })
	if err != nil {
		t.Fatalf("%s: not within %s", what, patience)
	}
}

// String returns what was written up to now.
func (w *lockedWriter) String() string {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.text.String()
}

func mustServiceAccount(t *testing.T, namespace, name string) *rest.Config {
	t.Helper()
	config, err := testenv.Shared(t).ServiceAccount(t.Context(), namespace, name)
	if err != nil {
		t.Fatal(err)
	}
	return config
}

func mustKubectl(t *testing.T, stdin string, args ...string) string {
	t.Helper()
	out, err := testenv.Shared(t).Kubectl(t.Context(), stdin, args...)
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	return out
}

// startWithMetrics starts the release binary with a metrics server, and returns its address once it answers: it listens only
// some time after /readyz is ok. Where somebody else was faster to take the port, another one is tried.
func startWithMetrics(t *testing.T, config *rest.Config, transport http.RoundTripper) (address string) {
	t.Helper()
	const attempts = 5
	for range attempts {
		address = mustFreeAddress(t)
		p := start(t, config, "--metrics-bind-address="+address)
		lost := false
		await(t, "metrics are served", func() bool {
			select {
			case <-p.ended:
				lost = strings.Contains(p.output.String(), "address already in use")
				return true
			default:
			}
			return p.logged("Serving metrics server") != nil && get(t, transport, "https://"+address+"/metrics", "").code != 0
		})
		if !lost {
			p.awaitReady(t)
			return address
		}
	}
	t.Fatalf("%d times somebody else was faster to take the port", attempts)
	return ""
}

// mustFreeAddress is an address that nobody listens at just now.
func mustFreeAddress(t *testing.T) string {
	t.Helper()
	listener, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = listener.Close() }()
	return listener.Addr().String()
}

// mustSystem is a namespace for the operator alone, with its ServiceAccount and leader election, and watched one, with
// its Role: config/namespaced, under names of the test's own.
func mustSystem(t *testing.T) (system, watched string) {
	t.Helper()
	e := testenv.Shared(t)
	watched = e.Namespace(t, nil)
	system = watched + "-system"
	manifests := mustKubectl(t, "", "kustomize", repository+"/config/namespaced")
	names := strings.NewReplacer("betterdata-system", system, ": shop", ": "+watched, "=shop", "="+watched, "change-me", watched)
	mustKubectl(t, names.Replace(manifests), "apply", "-f", "-")
	awaitRoles(t, system, watched)
	return system, watched
}

// awaitRoles waits until the API server has taken notice of the roles, which it does a moment after they are stored: an
// operator that is refused leaves the namespace out.
func awaitRoles(t *testing.T, system, watched string) {
	t.Helper()
	c, err := client.New(testenv.Shared(t).Admin, client.Options{Scheme: clientgoscheme.Scheme})
	if err != nil {
		t.Fatal(err)
	}
	for _, needed := range []authorizationv1.ResourceAttributes{
		{Namespace: watched, Verb: "list", Resource: "secrets"},
		{Namespace: system, Verb: "create", Group: "coordination.k8s.io", Resource: "leases"},
	} {
		await(t, "the operator's role in "+needed.Namespace+" takes effect", func() bool {
			review := &authorizationv1.SubjectAccessReview{Spec: authorizationv1.SubjectAccessReviewSpec{
				User: "system:serviceaccount:" + system + ":" + serviceAccount, ResourceAttributes: &needed,
			}}
			return c.Create(t.Context(), review) == nil && review.Status.Allowed
		})
	}
}

func firstLines(text string, n int) string {
	lines := bytes.SplitAfterN([]byte(text), []byte("\n"), n+1)
	return string(bytes.Join(lines[:min(n, len(lines))], nil))
}
