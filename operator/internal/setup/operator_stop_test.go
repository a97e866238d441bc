package setup

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"syscall"
	"testing"

	"github.com/betterdataco/terraform-provider-betterdata/apiclient/sandbox"
)

// slowTenant is a sandbox that answers its first POST only when it is told to.
type slowTenant struct {
	*sandbox.Server
	url           string
	begun, answer chan struct{}
}

func newSlowTenant(t *testing.T) *slowTenant {
	t.Helper()
	server, err := sandbox.New(sandbox.WithRateLimits())
	if err != nil {
		t.Fatal(err)
	}
	n := &slowTenant{Server: server, begun: make(chan struct{}), answer: make(chan struct{})}
	first := make(chan struct{}, 1)
	first <- struct{}{}
	listener := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodPost {
			select {
			case <-first:
				close(n.begun)
				<-n.answer
			default:
			}
		}
		server.API().ServeHTTP(w, r)
	}))
	n.url = listener.URL + "/api"
	t.Cleanup(func() {
		listener.Close()
		if err := server.Close(); err != nil {
			t.Error(err)
		}
	})
	return n
}

// The pod is stopped while a key is being created: the manager waits for the answer and stores the key. Else each rollout
// of the operator could leave a key that nobody has.
func TestOperatorStopsOnlyAfterTheKeyIsStored(t *testing.T) {
	t.Parallel()
	n := newSlowTenant(t)
	system, watched := mustSystem(t)
	mustKubectl(t, `
apiVersion: v1
kind: Secret
metadata: {name: token}
stringData: {token: `+n.SessionToken()+`}
---
apiVersion: betterdata.co/v1alpha1
kind: Connection
metadata: {name: default}
spec: {tokenSecretRef: {name: token}, baseURL: "`+n.url+`"}
---
apiVersion: betterdata.co/v1alpha1
kind: ApiKey
metadata: {name: reader}
spec: {scopes: [inventory:read]}
`, "apply", "-n", watched, "-f", "-")
	p := start(t, mustServiceAccount(t, system, serviceAccount), "--watch-namespaces="+watched, "--cluster-id="+watched, "--stray-grace=40s")
	select {
	case <-n.begun:
	case <-p.ended:
		t.Fatal("the operator ended by itself")
	case <-t.Context().Done():
	}
	if err := p.command.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	await(t, "the manager stops", func() bool { return p.logged("Stopping and waiting for leader election runnables") != nil })
	close(n.answer)
	if <-p.ended; p.command.ProcessState.ExitCode() != 0 {
		t.Errorf("ended with %v", p.command.ProcessState)
	}

	ledgers := mustKubectl(t, "", "get", "secrets", "-n", watched, "--field-selector=type=betterdata.co/ledger", "-o", "name")
	if strings.Count(ledgers, "secret/") != 1 {
		t.Errorf("want the key's ledger, got %q", ledgers)
	}
	if keys := n.LiveKeys(); len(keys) != 1 {
		t.Errorf("want one live key, got %v", keys)
	}
}
