package setup

import (
	"context"
	"os/exec"
	"strings"
	"testing"

	"github.com/betterdataco/terraform-provider-betterdata/operator/internal/testenv"
)

// abandoned is what an operator leaves behind that was taken away too early.
const abandoned = `
apiVersion: betterdata.co/v1alpha1
kind: ApiKey
metadata: {name: reader, finalizers: [betterdata.co/revoke-keys, example.com/other]}
spec: {scopes: [inventory:read]}
---
apiVersion: betterdata.co/v1alpha1
kind: Connection
metadata: {name: default, finalizers: [betterdata.co/in-use]}
spec: {tokenSecretRef: {name: token}}
---
apiVersion: v1
kind: Secret
metadata: {name: token, finalizers: [betterdata.co/in-use]}
stringData: {token: plaintext-canary}
---
apiVersion: v1
kind: Secret
metadata: {name: reader-12345678-bdk-1, finalizers: [betterdata.co/ledger]}
type: betterdata.co/ledger
stringData: {plaintext: plaintext-canary}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: Role
metadata: {name: betterdata-operator, finalizers: [betterdata.co/in-use]}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: RoleBinding
metadata: {name: betterdata-operator, finalizers: [betterdata.co/in-use]}
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: Role, name: betterdata-operator}
`

func cleanup(t *testing.T, flags ...string) (string, error) {
	t.Helper()
	kubeconfig, err := testenv.Shared(t).AdminKubeconfig()
	if err != nil {
		t.Fatal(err)
	}
	command := exec.CommandContext(t.Context(), mustBuild(t, release), append([]string{"cleanup", "--kubeconfig=" + kubeconfig}, flags...)...)
	out, err := command.CombinedOutput()
	return string(out), err
}

// The operator is gone, its finalizers are not: a namespace that is deleted would hang for ever.
func TestOperatorCleanup(t *testing.T) {
	t.Parallel()
	e := testenv.Shared(t)
	namespace, other := e.Namespace(t, nil), e.Namespace(t, nil)
	for _, n := range []string{namespace, other} {
		mustKubectl(t, abandoned, "apply", "-n", n, "-f", "-")
	}
	mustKubectl(t, "", "patch", "apikey", "reader", "-n", namespace, "--subresource=status", "--type=merge", "-p",
		`{"status": {"keyID": "key_2", "keyPrefix": "bdk_live_A", "last4": "WXYZ", "previousKeys": [{"id": "key_1"}]}}`)

	out, err := cleanup(t, "--watch-namespaces="+namespace, "--leader-election-namespace="+namespace)
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	for _, want := range []string{
		"apikey " + namespace + "/reader: may live on at Better Data, revoke what is not needed: key_2 (bdk_live_A...WXYZ), key_1",
		"apikey " + namespace + "/reader: released", "connection " + namespace + "/default: released", "secret " + namespace + "/token: released",
		"secret " + namespace + "/reader-12345678-bdk-1: released", "role " + namespace + "/betterdata-operator: released",
		"rolebinding " + namespace + "/betterdata-operator: released", "6 objects released",
	} {
		if !strings.Contains(out, want) {
			t.Errorf("%q is missing from\n%s", want, out)
		}
	}
	if strings.Contains(out, "plaintext-canary") || strings.Contains(out, other) {
		t.Errorf("too much is told: %s", out)
	}
	for n, want := range map[string]string{namespace: `["example.com/other"]`, other: `["betterdata.co/revoke-keys","example.com/other"]`} {
		if got := mustKubectl(t, "", "get", "apikey", "reader", "-n", n, "-o", "jsonpath={.metadata.finalizers}"); got != want {
			t.Errorf("in %s: got %s, want %s", n, got, want)
		}
	}
	mustKubectl(t, "", "patch", "apikey", "reader", "-n", namespace, "--type=merge", "-p", `{"metadata":{"finalizers":null}}`)
	mustKubectl(t, "", "delete", "namespace", namespace, "--timeout="+patience.String())

	if out, err = cleanup(t, "--watch-namespaces="+other, "--leader-election-namespace="+other); err != nil || !strings.Contains(out, "6 objects released") {
		t.Fatalf("%v\n%s", err, out)
	}
	if out, err = cleanup(t, "--watch-namespaces="+other, "--leader-election-namespace="+other); err != nil || !strings.Contains(out, "0 objects released") {
		t.Fatalf("again: %v\n%s", err, out)
	}
}

// A running operator would put back what is removed.
func TestOperatorCleanupRefusesWhileAnOperatorRuns(t *testing.T) {
	t.Parallel()
	system, watched := mustSystem(t)
	p := start(t, mustServiceAccount(t, system, serviceAccount), "--watch-namespaces="+watched, "--cluster-id="+watched, "--leader-elect", "--leader-election-namespace="+system)
	await(t, "the operator leads", func() bool { return holder(t, system) != "" })
	flags := []string{"--watch-namespaces=" + watched, "--leader-election-namespace=" + system}
	if out, err := cleanup(t, flags...); err == nil || !strings.Contains(out, "an operator is running") {
		t.Errorf("got %v\n%s", err, out)
	}
	if out, err := cleanup(t, append(flags, "--force")...); err != nil {
		t.Errorf("--force: %v\n%s", err, out)
	}
	p.kill() // without letting go of the Lease
	if out, err := cleanup(t, flags...); err != nil || !strings.Contains(out, "0 objects released") {
		t.Errorf("killed: got %v\n%s", err, out)
	}
}

// All of a cluster, after the definitions were deleted: nothing of ours can be left but on Secrets.
func TestOperatorCleanupOfAWholeCluster(t *testing.T) {
	t.Parallel()
	e := testenv.Start(t, testenv.Options{Manifests: []string{repository + "/config/crd"}})
	kubectl := func(stdin string, args ...string) {
		t.Helper()
		if out, err := e.Kubectl(t.Context(), stdin, args...); err != nil {
			t.Fatalf("%v\n%s", err, out)
		}
	}
	kubectl(abandoned, "apply", "-n", "default", "-f", "-")
	kubectl(`
apiVersion: betterdata.co/v1alpha1
kind: ClusterConnection
metadata: {name: eu, finalizers: [betterdata.co/in-use]}
spec: {tokenSecretRef: {namespace: default, name: token}, allowedNamespaces: ["*"]}
`, "apply", "-f", "-")
	run := func() string {
		t.Helper()
		kubeconfig, err := e.AdminKubeconfig()
		if err != nil {
			t.Fatal(err)
		}
		out, err := exec.CommandContext(context.WithoutCancel(t.Context()), mustBuild(t, release), "cleanup", "--kubeconfig="+kubeconfig).CombinedOutput()
		if err != nil {
			t.Fatalf("%v\n%s", err, out)
		}
		return string(out)
	}
	if out := run(); !strings.Contains(out, "clusterconnection eu: released") || !strings.Contains(out, "7 objects released") {
		t.Error(out)
	}
	kubectl("", "patch", "apikey", "reader", "-n", "default", "--type=merge", "-p", `{"metadata":{"finalizers":null}}`)
	kubectl("", "delete", "-k", repository+"/config/crd", "--timeout="+patience.String())
	if out := run(); !strings.Contains(out, "0 objects released") {
		t.Error(out)
	}
}
