package apitest

import (
	"encoding/json"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"

	"github.com/betterdataco/terraform-provider-betterdata/operator/internal/testenv"
)

// What a user does first: both modes and the examples can be applied with kubectl, and applying them again changes nothing,
// defaults included. So a GitOps tool sees no difference either.
func TestOperatorManifestsApplyTwiceWithoutChange(t *testing.T) {
	t.Parallel()
	e := testenv.Start(t, testenv.Options{Manifests: []string{"../../../config/default"}})
	// Namespaces before what lies in them, as in the examples.
	for _, folder := range []string{"config/samples", "config/namespaced", "config/default"} {
		mustKubectl(t, e, "", "apply", "-k", "../../../"+folder)
	}
	// Namespaced mode set other flags and changed nothing else of what both modes share.
	for _, folder := range []string{"config/samples", "config/default"} {
		again := mustKubectl(t, e, "", "apply", "-k", "../../../"+folder)
		for line := range strings.Lines(again) {
			if !strings.HasSuffix(strings.TrimSpace(line), " unchanged") {
				t.Errorf("apply of %s again: %s", folder, line)
			}
		}
		mustKubectl(t, e, "", "diff", "-k", "../../../"+folder) // fails if there is a difference
	}
}

func TestOperatorColumnsAndSelectableFields(t *testing.T) {
	t.Parallel()
	e := testenv.Shared(t)
	namespace := e.Namespace(t, nil)
	mustKubectl(t, e, `
apiVersion: betterdata.co/v1alpha1
kind: ApiKey
metadata: {name: reader}
spec: {scopes: [inventory:read], connectionRef: {name: eu}}
`, "apply", "-n", namespace, "-f", "-")
	mustKubectl(t, e, "", "patch", "apikey", "reader", "-n", namespace, "--subresource=status", "--type=merge", "-p", `{"status": {
		"keyID": "key_1", "keyPrefix": "bdk_live_A", "last4": "WXYZ", "nextRotationTime": "2126-01-02T03:04:05Z",
		"conditions": [{"type": "Ready", "status": "True", "reason": "Published", "message": "", "lastTransitionTime": "2026-01-01T00:00:00Z"}]}}`)

	table := mustKubectl(t, e, "", "get", "bdkey", "-n", namespace)
	for _, want := range []string{"READY", "REASON", "PREFIX", "LAST4", "KEY AGE", "NEXT ROTATION", "True", "Published", "bdk_live_A", "WXYZ", "2126-01-02T03:04:05Z"} {
		if !strings.Contains(table, want) {
			t.Errorf("%q is missing from\n%s", want, table)
		}
	}
	for selector, found := range map[string]bool{
		"spec.connectionRef.name=eu": true, "spec.connectionRef.name=us": false, "spec.connectionRef.kind=Connection": true,
		"status.keyID=key_1": true, "status.keyID=key_2": false,
	} {
		got := mustKubectl(t, e, "", "get", "betterdata", "-n", namespace, "-o", "name", "--field-selector", "metadata.name=reader")
		if !strings.Contains(got, "reader") {
			t.Errorf("category betterdata: got %q", got)
		}
		got = mustKubectl(t, e, "", "get", "apikeys", "-n", namespace, "-o", "name", "--field-selector", selector)
		if strings.Contains(got, "reader") != found {
			t.Errorf("%s: got %q, want found %v", selector, got, found)
		}
	}
}

// The pod of each mode, in a namespace where Pod Security enforces "restricted".
func TestOperatorPodIsRestricted(t *testing.T) {
	t.Parallel()
	e := testenv.Shared(t)
	namespace := e.Namespace(t, map[string]string{"pod-security.kubernetes.io/enforce": "restricted"})
	// Without it no pod is admitted, and a controller makes it a moment after the namespace.
	mustKubectl(t, e, "", "wait", "--for=create", "serviceaccount/default", "-n", namespace, "--timeout=3m")
	for _, folder := range []string{"config/default", "config/namespaced/system"} {
		pod := mustPodOf(t, mustKubectl(t, e, "", "kustomize", "../../../"+folder, "-o", "/dev/stdout"))
		mustKubectl(t, e, "", "create", "serviceaccount", pod.Spec.ServiceAccountName, "-n", namespace, "--dry-run=client")
		pod.Spec.ServiceAccountName = "" // the namespace has only its default one
		mustKubectl(t, e, string(mustMarshal(t, pod)), "create", "--dry-run=server", "-n", namespace, "-f", "-")

		pod.Spec.Containers[0].SecurityContext.Capabilities = nil
		if _, err := e.Kubectl(t.Context(), string(mustMarshal(t, pod)), "create", "--dry-run=server", "-n", namespace, "-f", "-"); err == nil {
			t.Error("a pod with capabilities was admitted: Pod Security does not work here, so the test above proves nothing")
		}
	}
}

// mustPodOf is a pod from the template of the Deployment in a kustomization's output.
func mustPodOf(t *testing.T, manifests string) *corev1.Pod {
	t.Helper()
	for _, document := range mustDocuments(t, manifests) {
		if document["kind"] != "Deployment" {
			continue
		}
		var deployment struct {
			Spec struct{ Template corev1.PodTemplateSpec }
		}
		if err := json.Unmarshal(mustMarshal(t, document), &deployment); err != nil {
			t.Fatal(err)
		}
		pod := &corev1.Pod{Spec: deployment.Spec.Template.Spec}
		pod.APIVersion, pod.Kind, pod.Name = "v1", "Pod", "operator"
		return pod
	}
	t.Fatal("no Deployment")
	return nil
}

func mustKubectl(t *testing.T, e *testenv.Environment, stdin string, args ...string) string {
	t.Helper()
	out, err := e.Kubectl(t.Context(), stdin, args...)
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	return out
}
