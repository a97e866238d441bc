package apitest

import (
	"context"
	"slices"
	"strings"
	"testing"
	"time"

	authorizationv1 "k8s.io/api/authorization/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/wait"
	"k8s.io/client-go/kubernetes"

	"github.com/betterdataco/terraform-provider-betterdata/operator/internal/testenv"
)

// request is a request of the operator's ServiceAccount, written "verb group/resource[/subresource] [name]".
type request string

func (r request) attributes(namespace string) *authorizationv1.ResourceAttributes {
	words := strings.Fields(string(r))
	group, resource, found := strings.Cut(words[1], "/")
	if !found {
		group, resource = "", words[1]
	}
	resource, subresource, _ := strings.Cut(resource, "/")
	attributes := &authorizationv1.ResourceAttributes{Namespace: namespace, Verb: words[0], Group: group, Resource: resource, Subresource: subresource}
	if len(words) > 2 {
		attributes.Name = words[2]
	}
	return attributes
}

// needed is what the operator does in a namespace in either mode.
var needed = []request{
	"get betterdata.co/apikeys", "list betterdata.co/apikeys", "watch betterdata.co/apikeys", "patch betterdata.co/apikeys", "patch betterdata.co/apikeys/status",
	"update betterdata.co/apikeys/finalizers", "watch betterdata.co/connections", "patch betterdata.co/connections", "patch betterdata.co/connections/status",
	"create secrets", "get secrets", "list secrets", "watch secrets", "patch secrets", "delete secrets",
	"get apps/deployments", "patch apps/statefulsets", "patch apps/daemonsets", "create events.k8s.io/events", "patch events.k8s.io/events",
}

// never is what the operator may do nowhere: it makes no ApiKeys, runs no pods, and gives nobody rights.
var never = []request{
	"create betterdata.co/apikeys", "delete betterdata.co/apikeys", "delete betterdata.co/connections", "deletecollection secrets", "create pods", "get pods", "create pods/exec",
	"list apps/deployments", "delete apps/deployments", "create serviceaccounts/token", "impersonate users", "list configmaps", "create rbac.authorization.k8s.io/roles",
	"bind rbac.authorization.k8s.io/clusterroles", "escalate rbac.authorization.k8s.io/roles", "patch rbac.authorization.k8s.io/roles other",
	"patch apiextensions.k8s.io/customresourcedefinitions", "list nodes",
	"update betterdata.co/apikeys", "update betterdata.co/apikeys/status", "update betterdata.co/connections", "update betterdata.co/connections/status",
	"update betterdata.co/clusterconnections", "update betterdata.co/clusterconnections/status", "patch betterdata.co/connections/finalizers",
	"update secrets", "update apps/deployments", "update events.k8s.io/events", "delete events.k8s.io/events", "patch coordination.k8s.io/leases betterdata-operator",
	"delete coordination.k8s.io/leases betterdata-operator", "list coordination.k8s.io/leases", "patch events", "create rbac.authorization.k8s.io/rolebindings",
	"update rbac.authorization.k8s.io/rolebindings betterdata-operator", "delete rbac.authorization.k8s.io/rolebindings betterdata-operator",
	"patch rbac.authorization.k8s.io/rolebindings other", "create rbac.authorization.k8s.io/clusterrolebindings",
}

func TestOperatorPermissionsInClusterMode(t *testing.T) {
	t.Parallel()
	e := testenv.Shared(t)
	anywhere := e.Namespace(t, nil)
	mustAllow(t, e, anywhere, slices.Concat(needed, []request{"get namespaces " + request(anywhere)})...)
	mustAllow(t, e, "", "get namespaces kube-system", "watch betterdata.co/clusterconnections", "patch betterdata.co/clusterconnections/status",
		"create authentication.k8s.io/tokenreviews", "create authorization.k8s.io/subjectaccessreviews")
	mustAllow(t, e, "betterdata-system", "create coordination.k8s.io/leases", "update coordination.k8s.io/leases betterdata-operator", "create events")

	mustRefuse(t, e, anywhere, slices.Concat(never, []request{"create coordination.k8s.io/leases", "patch rbac.authorization.k8s.io/rolebindings betterdata-operator"})...)
	mustRefuse(t, e, "betterdata-system", slices.Concat(never, []request{"update coordination.k8s.io/leases other"})...)
	mustRefuse(t, e, "", "create betterdata.co/clusterconnections", "delete namespaces "+request(anywhere), "list namespaces")
}

func TestOperatorPermissionsInNamespacedMode(t *testing.T) {
	t.Parallel()
	// Of its own, because the shared one has the ClusterRole.
	e := testenv.Start(t, testenv.Options{Manifests: []string{"../../../config/crd", "../../../examples/operator/namespace.yaml", "../../../config/namespaced"}})
	other := e.Namespace(t, nil)
	mustAllow(t, e, "shop", slices.Concat(needed, []request{
		"get namespaces shop", "patch rbac.authorization.k8s.io/roles betterdata-operator", "patch rbac.authorization.k8s.io/rolebindings betterdata-operator",
	})...)
	mustAllow(t, e, "betterdata-system", "create coordination.k8s.io/leases", "update coordination.k8s.io/leases betterdata-operator")

	mustRefuse(t, e, "shop", never...)
	expectSharesOnlyItsOwnRights(t, e, "shop")
	mustRefuse(t, e, "betterdata-system", slices.Concat(never, needed)...)
	mustRefuse(t, e, other, slices.Concat(never, needed)...)
	mustRefuse(t, e, "", "get namespaces kube-system", "get namespaces "+request(other), "list betterdata.co/clusterconnections", "list secrets",
		"create authentication.k8s.io/tokenreviews")
}

// mustAllow waits for each: the API server takes notice of roles a moment after they are stored.
func mustAllow(t *testing.T, e *testenv.Environment, namespace string, requests ...request) {
	t.Helper()
	for _, r := range requests {
		if err := wait.PollUntilContextTimeout(t.Context(), 200*time.Millisecond, time.Minute, true, func(ctx context.Context) (bool, error) {
			return allowed(ctx, t, e, namespace, r), nil
		}); err != nil {
			t.Errorf("in namespace %q: %q is refused", namespace, r)
		}
	}
}

func mustRefuse(t *testing.T, e *testenv.Environment, namespace string, requests ...request) {
	t.Helper()
	for _, r := range requests {
		if allowed(t.Context(), t, e, namespace, r) {
			t.Errorf("in namespace %q: %q is allowed", namespace, r)
		}
	}
}

// allowed asks the API server whether the operator's ServiceAccount may do something.
func allowed(ctx context.Context, t *testing.T, e *testenv.Environment, namespace string, r request) bool {
	t.Helper()
	client, err := kubernetes.NewForConfig(e.Admin)
	if err != nil {
		t.Fatal(err)
	}
	attributes := r.attributes(namespace)
	if attributes.Resource == "namespaces" && attributes.Name != "" {
		attributes.Namespace = attributes.Name // as the API server takes a request for one namespace
	}
	review, err := client.AuthorizationV1().SubjectAccessReviews().Create(ctx, &authorizationv1.SubjectAccessReview{
		Spec: authorizationv1.SubjectAccessReviewSpec{
			User:               operatorUser,
			Groups:             []string{"system:serviceaccounts", "system:serviceaccounts:betterdata-system", "system:authenticated"},
			ResourceAttributes: attributes,
		},
	}, metav1.CreateOptions{})
	if err != nil {
		t.Fatal(err)
	}
	return review.Status.Allowed
}
