package setup

import (
	"strings"
	"testing"

	"github.com/betterdataco/terraform-provider-betterdata/operator/internal/testenv"
)

// One of two watched namespaces was deleted, or has no Role yet: the other is worked in. Once the Role is there, the process
// makes room for one that watches both.
func TestOperatorLeavesOutNamespacesWithoutRights(t *testing.T) {
	t.Parallel()
	system, watched := mustSystem(t)
	late := testenv.Shared(t).Namespace(t, nil)
	config := mustServiceAccount(t, system, serviceAccount)
	flags := []string{"--watch-namespaces=" + late + "," + watched, "--cluster-id=" + watched}
	p := start(t, config, flags...)
	p.awaitReady(t)
	await(t, "controllers work", func() bool { return p.logged("Starting workers") != nil })

	role := mustKubectl(t, "", "kustomize", repository+"/config/rbac/namespaced")
	mustKubectl(t, strings.ReplaceAll(role, "betterdata-system", system), "apply", "-n", late, "-f", "-")
	await(t, "the process ends", func() bool {
		select {
		case <-p.ended:
			return true
		default:
			return false
		}
	})
	if code := p.command.ProcessState.ExitCode(); code != exitError || !strings.Contains(p.output.String(), errRightsAppeared.Error()) {
		t.Errorf("exit code %d", code)
	}
	again := start(t, config, flags...)
	again.awaitReady(t)
	if again.logged("No rights in this namespace: leaving it out until there are") != nil {
		t.Error("the namespace is still left out")
	}
}

func TestOperatorWithoutAnyRights(t *testing.T) {
	t.Parallel()
	system, watched := mustSystem(t)
	p := start(t, mustServiceAccount(t, system, serviceAccount), "--watch-namespaces=nowhere,no-more", "--cluster-id="+watched)
	select {
	case <-p.ended:
	case <-t.Context().Done():
	}
	if code := p.command.ProcessState.ExitCode(); code != exitError || !strings.Contains(p.output.String(), "apply config/rbac/namespaced there") {
		t.Errorf("exit code %d: %s", code, p.output.String())
	}
}
