package setup

import (
	"crypto/tls"
	"io"
	"net/http"
	"os"
	"os/exec"
	"strings"
	"testing"

	coordinationv1 "k8s.io/api/coordination/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	"k8s.io/utils/ptr"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/betterdataco/terraform-provider-betterdata/operator/internal/testenv"
)

type answer struct {
	code     int
	body     string
	protocol string
}

// get returns the zero answer if there is none. A client that insists on HTTP/2 gets it where the server has it.
func get(t *testing.T, transport http.RoundTripper, url, token string) answer {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	if token != "" {
		request.Header.Set("Authorization", "Bearer "+token)
	}
	response, err := (&http.Client{Transport: transport}).Do(request)
	if err != nil {
		return answer{}
	}
	defer func() { _ = response.Body.Close() }()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		return answer{}
	}
	return answer{response.StatusCode, string(body), response.Proto}
}

// The flags of the Deployment, but addresses of this machine, and the rights of the shipped ServiceAccount.
func TestOperatorRunsAsShipped(t *testing.T) {
	t.Parallel()
	t.Run("cluster mode", func(t *testing.T) {
		t.Parallel()
		runsAsShipped(t, "betterdata-system")
	})
	t.Run("namespaced mode", func(t *testing.T) {
		t.Parallel()
		system, watched := mustSystem(t)
		runsAsShipped(t, system, "--watch-namespaces="+watched, "--cluster-id="+watched)
	})
}

func runsAsShipped(t *testing.T, system string, flags ...string) {
	t.Helper()
	config := mustServiceAccount(t, system, serviceAccount)
	e := testenv.Shared(t)
	mark, err := e.AuditMark(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	p := start(t, config, append(flags, "--leader-elect", "--leader-election-namespace="+system)...)
	base := p.awaitReady(t)
	if health := get(t, nil, base+"/healthz", ""); health.code != http.StatusOK {
		t.Errorf("/healthz: %d %s", health.code, health.body)
	}
	await(t, "the operator leads", func() bool { return holder(t, system) != "" })
	await(t, "controllers work", func() bool { return p.logged("Starting workers") != nil })
	if code := p.stop(t); code != 0 {
		t.Errorf("exit code %d after SIGTERM", code)
	}
	if held := holder(t, system); held != "" {
		t.Errorf("the Lease is still held by %s: a successor would wait for it", held)
	}
	requests, err := e.AuditSince(t.Context(), mark)
	if err != nil {
		t.Fatal(err)
	}
	own := requests.By("system:serviceaccount:" + system + ":" + serviceAccount)
	if refused := own.Where(func(r testenv.Request) bool { return r.Code == http.StatusForbidden }); len(own) == 0 || len(refused) > 0 {
		t.Errorf("%d requests, of which were refused:\n%s", len(own), refused)
	}
	for line := range strings.Lines(p.output.String()) {
		if strings.Contains(line, "forbidden") || !strings.HasPrefix(line, "{") {
			t.Errorf("logged: %s", line)
		}
	}
}

// holder is who holds the Lease.
func holder(t *testing.T, namespace string) string {
	t.Helper()
	c, err := client.New(testenv.Shared(t).Admin, client.Options{Scheme: newScheme()})
	if err != nil {
		t.Fatal(err)
	}
	var lease coordinationv1.Lease
	if err := c.Get(t.Context(), client.ObjectKey{Namespace: namespace, Name: LeaderElectionID}, &lease); client.IgnoreNotFound(err) != nil {
		t.Fatal(err)
	}
	return ptr.Deref(lease.Spec.HolderIdentity, "")
}

func TestOperatorAnotherReplicaTakesOver(t *testing.T) {
	t.Parallel()
	system, watched := mustSystem(t)
	config := mustServiceAccount(t, system, serviceAccount)
	flags := []string{"--watch-namespaces=" + watched, "--cluster-id=" + watched, "--leader-elect", "--leader-election-namespace=" + system}
	first := start(t, config, flags...)
	await(t, "the first leads", func() bool { return holder(t, system) != "" })
	leader := holder(t, system)

	second := start(t, config, flags...)
	second.awaitReady(t) // with filled caches, and idle
	if second.logged("Starting workers") != nil {
		t.Fatal("two replicas work at once")
	}
	first.kill()
	await(t, "the second leads", func() bool { return holder(t, system) != leader && holder(t, system) != "" })
	await(t, "the second works", func() bool { return second.logged("Starting workers") != nil })

	third := start(t, config, flags...)
	third.awaitReady(t)
	leader = holder(t, system)
	if code := second.stop(t); code != 0 {
		t.Errorf("exit code %d after SIGTERM", code)
	}
	await(t, "the third leads", func() bool { return holder(t, system) != leader && holder(t, system) != "" })
}

func TestOperatorMetricsAreForReadersOnly(t *testing.T) {
	t.Parallel()
	e := testenv.Shared(t)
	transport := &http.Transport{ForceAttemptHTTP2: true, TLSClientConfig: &tls.Config{InsecureSkipVerify: true}}
	address := startWithMetrics(t, mustServiceAccount(t, "betterdata-system", serviceAccount), transport)

	namespace := e.Namespace(t, nil)
	mustKubectl(t, "", "create", "serviceaccount", "prometheus", "-n", namespace)
	mustKubectl(t, "", "create", "serviceaccount", "stranger", "-n", namespace)
	mustKubectl(t, "", "create", "clusterrolebinding", namespace, "--clusterrole=betterdata-operator-metrics-reader", "--serviceaccount="+namespace+":prometheus")
	// Something to be queued: the depth of a queue that never held anything is not served.
	mustKubectl(t, `
apiVersion: betterdata.co/v1alpha1
kind: ApiKey
metadata: {name: reader}
spec: {scopes: [inventory:read]}
`, "apply", "-n", namespace, "-f", "-")
	tokens := map[string]string{}
	for _, account := range []string{"prometheus", "stranger"} {
		tokens[account] = mustServiceAccount(t, namespace, account).BearerToken
	}
	scrape := func(account string) answer { return get(t, transport, "https://"+address+"/metrics", tokens[account]) }
	if got := scrape(""); got.code != http.StatusUnauthorized {
		t.Errorf("anonymous: %d %s", got.code, firstLines(got.body, 3))
	}
	if got := scrape("stranger"); got.code != http.StatusForbidden {
		t.Errorf("without rights: %d %s", got.code, firstLines(got.body, 3))
	}
	var got answer
	await(t, "the role takes effect", func() bool { got = scrape("prometheus"); return got.code == http.StatusOK })
	for _, want := range []string{"betterdata_strays_found_total 0", "controller_runtime_reconcile_total", "workqueue_depth"} {
		await(t, want+" is served", func() bool { // some begin with the controllers
			got = scrape("prometheus")
			return strings.Contains(got.body, want)
		})
	}
	if got.protocol != "HTTP/1.1" {
		t.Errorf("served by %s", got.protocol)
	}
}

// An API server that does not know our kinds: the operator ends, and says what to install.
func TestOperatorWithoutDefinitions(t *testing.T) {
	t.Parallel()
	e := testenv.Start(t, testenv.Options{})
	p := start(t, e.Admin)
	select {
	case <-p.ended:
	case <-t.Context().Done():
	}
	if code := p.command.ProcessState.ExitCode(); code != exitError || !strings.Contains(p.output.String(), "kubectl apply -k config/crd") {
		t.Errorf("exit code %d: %s", code, p.output.String())
	}
}

// Without the right to read kube-system there is no identity, and without identity no key may be made.
func TestOperatorWithoutIdentity(t *testing.T) {
	t.Parallel()
	e := testenv.Shared(t)
	nobody, err := e.User("nobody")
	if err != nil {
		t.Fatal(err)
	}
	if err := e.Grant(t.Context(), "", rbacv1.Subject{Kind: rbacv1.UserKind, Name: "nobody", APIGroup: rbacv1.GroupName}, rbacv1.PolicyRule{
		APIGroups: []string{""}, Resources: []string{"secrets"}, Verbs: []string{"list"},
	}); err != nil {
		t.Fatal(err)
	}
	p := start(t, nobody)
	select {
	case <-p.ended:
	case <-t.Context().Done():
	}
	if code := p.command.ProcessState.ExitCode(); code != exitError || !strings.Contains(p.output.String(), "--cluster-id does as well") {
		t.Errorf("exit code %d: %s", code, p.output.String())
	}
}

// A release has no way to be told to kill itself; the test build names all points when it is told of another one.
func TestOperatorReleaseHasNoFaultPoints(t *testing.T) {
	t.Parallel()
	const variable = "BETTERDATA_FAULT"
	for binary, want := range map[string]bool{mustBuild(t, release): false, mustBuild(t, faulty): true} {
		program, err := os.ReadFile(binary)
		if err != nil {
			t.Fatal(err)
		}
		if got := strings.Contains(string(program), variable); got != want {
			t.Errorf("%s: holds %s: %v, want %v", binary, variable, got, want)
		}
	}
	if out, err := exec.CommandContext(t.Context(), mustBuild(t, release), "--version").Output(); err != nil || string(out) != "1.2.3\n" {
		t.Errorf("--version: %q %v", out, err)
	}
}

func TestOperatorUnknownFaultPoint(t *testing.T) {
	t.Parallel()
	kubeconfig, err := testenv.Shared(t).AdminKubeconfig()
	if err != nil {
		t.Fatal(err)
	}
	for _, point := range []string{"before:Nothing", "during:CreateKey", "after:CreateKey#0", "CreateKey"} {
		command := exec.CommandContext(t.Context(), mustBuild(t, faulty), "--kubeconfig="+kubeconfig, "--health-probe-bind-address=0")
		command.Env = []string{"BETTERDATA_FAULT=" + point}
		out, err := command.CombinedOutput()
		named := strings.Contains(string(out), "AddFinalizer") && strings.Contains(string(out), "WriteStatus")
		if err == nil || !named && !strings.Contains(string(out), "is not a count") {
			t.Errorf("%s: %v, %s", point, err, out)
		}
	}
}
