package apitest

import (
	"maps"
	"os"
	"slices"
	"strings"
	"testing"

	rbacv1 "k8s.io/api/rbac/v1"
	"sigs.k8s.io/yaml"

	"github.com/betterdataco/terraform-provider-betterdata/operator/internal/testenv"
)

// operatorUser is the operator's ServiceAccount, as the API server calls it.
const operatorUser = "system:serviceaccount:betterdata-system:betterdata-operator"

// rights are those of the operator in one namespace in either mode: what it may do, and what needs it. A write that is
// neither listed nor refused in the tests of permissions would stay unseen, so each right stands here by itself.
var rights = map[request]string{
	"get betterdata.co/apikeys":               "live reads before each effect",
	"list betterdata.co/apikeys":              "the cache; orphans",
	"watch betterdata.co/apikeys":             "the cache",
	"patch betterdata.co/apikeys":             "the finalizer",
	"patch betterdata.co/apikeys/status":      "conditions",
	"update betterdata.co/apikeys/finalizers": "owner references that block deletion, where OwnerReferencesPermissionEnforcement is on",
	"get betterdata.co/connections":           "live reads before a mint",
	"list betterdata.co/connections":          "the cache",
	"watch betterdata.co/connections":         "the cache",
	"patch betterdata.co/connections":         "the finalizer and the name of the token's Secret",
	"patch betterdata.co/connections/status":  "conditions",
	"get secrets":                             "tokens; live reads of targets and ledgers",
	"list secrets":                            "the caches of ledgers and targets",
	"watch secrets":                           "the same; one watch for each token",
	"create secrets":                          "ledgers; an apply of a target that does not exist",
	"patch secrets":                           "targets; finalizers of ledgers and tokens",
	"delete secrets":                          "ledgers of revoked keys; targets that are no longer named",
	"get namespaces":                          "is it being deleted?",
	"get apps/deployments":                    "spec.restart",
	"patch apps/deployments":                  "the same",
	"get apps/statefulsets":                   "the same",
	"patch apps/statefulsets":                 "the same",
	"get apps/daemonsets":                     "the same",
	"patch apps/daemonsets":                   "the same",
	"create events.k8s.io/events":             "events",
	"patch events.k8s.io/events":              "events that repeat",
}

var clusterRights = map[request]string{
	"get betterdata.co/clusterconnections":          "as for Connections",
	"list betterdata.co/clusterconnections":         "the same",
	"watch betterdata.co/clusterconnections":        "the same",
	"patch betterdata.co/clusterconnections":        "the same",
	"patch betterdata.co/clusterconnections/status": "the same",
}

var namespacedRights = map[request]string{
	"get rbac.authorization.k8s.io/roles betterdata-operator":          "does it carry the finalizer?",
	"patch rbac.authorization.k8s.io/roles betterdata-operator":        "the finalizer",
	"get rbac.authorization.k8s.io/rolebindings betterdata-operator":   "the same",
	"patch rbac.authorization.k8s.io/rolebindings betterdata-operator": "the same",
}

var leaderRights = map[request]string{
	"create coordination.k8s.io/leases":                     "leader election",
	"get coordination.k8s.io/leases betterdata-operator":    "the same",
	"update coordination.k8s.io/leases betterdata-operator": "the same",
	"create events": "who leads",
}

var metricsRights = map[request]string{
	"create authentication.k8s.io/tokenreviews":        "who reads metrics?",
	"create authorization.k8s.io/subjectaccessreviews": "may they?",
}

// The shipped roles grant what is listed, each right for a reason, and nothing else: no verb that nothing uses.
func TestRolesGrantWhatIsUsed(t *testing.T) {
	t.Parallel()
	for role, tables := range map[string][]map[request]string{
		"cluster": {rights, clusterRights}, "namespaced": {rights, namespacedRights}, "leader-election": {leaderRights}, "metrics-auth": {metricsRights},
	} {
		wanted := map[request]string{}
		for _, table := range tables {
			maps.Copy(wanted, table)
		}
		granted := mustGranted(t, role)
		for _, right := range granted {
			if wanted[right] == "" {
				t.Errorf("%s: %q is granted, and nothing is known to need it", role, right)
			}
		}
		for right, why := range wanted {
			if !slices.Contains(granted, right) {
				t.Errorf("%s: %q is not granted (%s)", role, right, why)
			}
		}
	}
}

// mustGranted spells out the rules of a generated role.
func mustGranted(t *testing.T, role string) (granted []request) {
	t.Helper()
	text, err := os.ReadFile(repository + "/config/rbac/" + role + "/role.yaml")
	if err != nil {
		t.Fatal(err)
	}
	var r rbacv1.ClusterRole
	if err := yaml.UnmarshalStrict(text, &r); err != nil {
		t.Fatal(err)
	}
	for _, rule := range r.Rules {
		if len(rule.NonResourceURLs) != 0 {
			t.Errorf("%s: %v", role, rule.NonResourceURLs)
		}
		for _, group := range rule.APIGroups {
			for _, resource := range rule.Resources {
				for _, verb := range rule.Verbs {
					what := strings.TrimPrefix(group+"/"+resource, "/") + " " + strings.Join(rule.ResourceNames, ",")
					granted = append(granted, request(verb+" "+strings.TrimSpace(what)))
				}
			}
		}
	}
	return granted
}

// expectSharesOnlyItsOwnRights holds what docs/operator/security.md says of namespaced mode: who may patch a RoleBinding and
// has all rights of its Role can give these to others, but none besides, and no other role.
func expectSharesOnlyItsOwnRights(t *testing.T, e *testenv.Environment, namespace string) {
	t.Helper()
	patch := func(kind, patch string) (string, error) {
		return e.Kubectl(t.Context(), "", "patch", kind, "betterdata-operator", "-n", namespace, "--dry-run=server", "--type=json", "-p", patch, "--as="+operatorUser)
	}
	if out, err := patch("rolebinding", `[{"op": "add", "path": "/subjects/-", "value": {"kind": "ServiceAccount", "namespace": "default", "name": "default"}}]`); err != nil {
		t.Errorf("security.md says that the operator can share its rights, and it cannot: %s", out)
	}
	for kind, more := range map[string]string{
		"role":        `[{"op": "add", "path": "/rules/-", "value": {"apiGroups": [""], "resources": ["pods"], "verbs": ["get"]}}]`,
		"rolebinding": `[{"op": "replace", "path": "/roleRef/name", "value": "other"}]`,
	} {
		if out, err := patch(kind, more); err == nil {
			t.Errorf("%s: patched with %s: %s", kind, more, out)
		}
	}
}
