package apitest

import (
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	appsv1 "k8s.io/api/apps/v1"
	policyv1 "k8s.io/api/policy/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	"sigs.k8s.io/yaml"

	"github.com/betterdataco/terraform-provider-betterdata/operator/internal/testenv"
)

const manager = repository + "/config/manager"

func mustReadInto(t *testing.T, file string, into any) {
	t.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if err := yaml.Unmarshal(text, into); err != nil {
		t.Fatal(err)
	}
}

// Go is told of nine tenths of the pod's limit: at ten the kernel would kill first, because it counts what Go does not.
func TestGoKnowsTheMemoryLimit(t *testing.T) {
	t.Parallel()
	var deployment appsv1.Deployment
	mustReadInto(t, manager+"/deployment.yaml", &deployment)
	container := deployment.Spec.Template.Spec.Containers[0]
	told := ""
	for _, variable := range container.Env {
		if variable.Name == "GOMEMLIMIT" {
			told = variable.Value
		}
	}
	unit := regexp.MustCompile(`^(\d+[KMG]i)B$`).FindStringSubmatch(told)
	if unit == nil {
		t.Fatalf("GOMEMLIMIT is %q", told)
	}
	limit, quantity := container.Resources.Limits.Memory(), resource.MustParse(unit[1])
	if share := quantity.AsApproximateFloat64() / limit.AsApproximateFloat64(); share < 0.85 || share > 0.92 {
		t.Errorf("GOMEMLIMIT is %s, the limit %s: %.2f of it", told, limit, share)
	}
}

// An image is named by the version that the Makefile builds, never by a tag that moves.
func TestImageIsThatOfTheVersion(t *testing.T) {
	t.Parallel()
	makefile, err := os.ReadFile(repository + "/Makefile")
	if err != nil {
		t.Fatal(err)
	}
	version := regexp.MustCompile(`(?m)^VERSION\s*\?= (\S+)$`).FindStringSubmatch(string(makefile))
	var kustomization struct{ Images []struct{ NewTag string } }
	mustReadInto(t, manager+"/kustomization.yaml", &kustomization)
	if version == nil || len(kustomization.Images) != 1 || kustomization.Images[0].NewTag != version[1] {
		t.Errorf("version %q, images %v", version, kustomization.Images)
	}
}

// The budget of docs/operator/install.md is about the operator's pods, and never holds up the drain of the only one.
func TestDocumentedDisruptionBudget(t *testing.T) {
	t.Parallel()
	page, err := os.ReadFile(repository + "/docs/operator/install.md")
	if err != nil {
		t.Fatal(err)
	}
	block := regexp.MustCompile(`(?ms)^(apiVersion: policy/v1\n.*?)^EOF$`).FindStringSubmatch(string(page))
	if block == nil {
		t.Fatal("no budget")
	}
	var deployment appsv1.Deployment
	var budget policyv1.PodDisruptionBudget
	mustReadInto(t, manager+"/deployment.yaml", &deployment)
	if err := yaml.UnmarshalStrict([]byte(block[1]), &budget); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(deployment.Spec.Selector, budget.Spec.Selector); diff != "" {
		t.Error(diff)
	}
	if most := budget.Spec.MaxUnavailable; budget.Spec.MinAvailable != nil || most == nil || most.IntValue() != 1 || budget.Namespace != "betterdata-system" {
		t.Errorf("%+v", budget)
	}
}

// What docs/operator/rotation.md has a script wait for is understood by kubectl, and is not met too early.
func TestOperatorDocumentedWaits(t *testing.T) {
	t.Parallel()
	page, err := os.ReadFile(repository + "/docs/operator/rotation.md")
	if err != nil {
		t.Fatal(err)
	}
	waits := map[string]bool{}
	for _, found := range regexp.MustCompile(`--for=(?:jsonpath='([^']+)'=(\S+)|(\S+))`).FindAllStringSubmatch(string(page), -1) {
		condition := found[3]
		if found[1] != "" {
			condition = "jsonpath=" + found[1] + "=" + os.Expand(strings.Trim(found[2], `"`), func(string) string { return "2026-11-23T12:00:00Z" })
		}
		waits[condition] = true
	}
	if len(waits) != 3 {
		t.Fatalf("documented waits: %v", waits)
	}
	e := testenv.Shared(t)
	namespace := e.Namespace(t, nil)
	mustKubectl(t, e, "apiVersion: betterdata.co/v1alpha1\nkind: ApiKey\nmetadata: {name: reader}\nspec: {scopes: [inventory:read]}\n", "apply", "-n", namespace, "-f", "-")
	met := func(condition, timeout string) bool {
		_, err := e.Kubectl(t.Context(), "", "wait", "apikey/reader", "-n", namespace, "--for="+condition, "--timeout="+timeout)
		return err == nil
	}
	status := func(token, ready, reason string) {
		mustKubectl(t, e, "", "patch", "apikey", "reader", "-n", namespace, "--subresource=status", "--type=merge", "-p", `{"status": {"lastHandledRotateAt": "`+token+`",
			"conditions": [{"type": "Ready", "status": "`+ready+`", "reason": "`+reason+`", "message": "", "lastTransitionTime": "2026-01-01T00:00:00Z"}]}}`)
	}
	status("2026-11-22T12:00:00Z", "False", "Publishing")
	for condition := range waits {
		if met(condition, "1s") {
			t.Errorf("%s is met too early", condition)
		}
	}
	status("2026-11-23T12:00:00Z", "True", "Published")
	for condition := range waits {
		if !met(condition, "3m") {
			t.Errorf("%s is not met", condition)
		}
	}
}
