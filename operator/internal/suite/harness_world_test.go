package suite

import (
	"context"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	authorizationv1 "k8s.io/api/authorization/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	clientgoscheme "k8s.io/client-go/kubernetes/scheme"
	"k8s.io/client-go/rest"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/betterdataco/terraform-provider-betterdata/operator/api/v1alpha1"
	"github.com/betterdataco/terraform-provider-betterdata/operator/internal/testenv"
)

// Names in the manifests under config/.
const (
	systemNamespace = "betterdata-system"
	serviceAccount  = "betterdata-operator"
)

// world is what one test has: a tenant, a place in a cluster, and an operator that may do what the manifests allow it.
type world struct {
	*tenant
	env        *testenv.Environment
	admin      client.Client
	namespace  string   // of the ApiKeys
	system     string   // of the operator
	user       string   // the operator's, as the API server calls it
	kubeconfig string   // the operator's
	flags      []string // of the shipped Deployment, then what tests need

	mu        sync.Mutex
	operators []*operator // all that were started
}

// newWorld is a world in namespaced mode on the shared control plane, with config/namespaced applied for namespaces of its own.
func newWorld(t *testing.T, options ...tenantOption) *world {
	t.Helper()
	env := testenv.Shared(t)
	namespace := env.Namespace(t, nil)
	w := &world{env: env, namespace: namespace, system: namespace + "-system"}
	w.begin(t, options)
	names := strings.NewReplacer(systemNamespace, w.system, ": shop", ": "+namespace, "=shop", "="+namespace, "change-me", namespace)
	w.install(t, names.Replace(shipped(t, env, "config/namespaced")))
	return w
}

// newClusterWorld is a world in cluster mode, with config/default applied to a control plane of its own.
func newClusterWorld(t *testing.T, options ...tenantOption) *world {
	t.Helper()
	env := testenv.Start(t, testenv.Options{Manifests: []string{root + "/config/crd"}})
	w := &world{env: env, namespace: env.Namespace(t, nil), system: systemNamespace}
	w.begin(t, options)
	w.install(t, shipped(t, env, "config/default"))
	return w
}

// begin starts the tenant. What is registered first ends last: the search for secrets comes after every process has ended.
func (w *world) begin(t *testing.T, options []tenantOption) {
	t.Helper()
	scheme := runtime.NewScheme()
	for _, add := range []func(*runtime.Scheme) error{clientgoscheme.AddToScheme, v1alpha1.AddToScheme} {
		if err := add(scheme); err != nil {
			t.Fatal(err)
		}
	}
	var err error
	if w.admin, err = client.New(w.env.Admin, client.Options{Scheme: scheme}); err != nil {
		t.Fatal(err)
	}
	w.tenant = newTenant(t, options)
	t.Cleanup(func() { w.searchSecrets(t) })
}

// shipped is what kubectl makes of a folder of manifests, which is built once.
func shipped(t *testing.T, env *testenv.Environment, folder string) string {
	t.Helper()
	built, _ := rendered.LoadOrStore(folder, sync.OnceValues(func() (string, error) {
		return env.Kubectl(context.WithoutCancel(t.Context()), "", "kustomize", filepath.Join(root, folder))
	}))
	text, err := built.(func() (string, error))() //nolint:forcetypeassert // two lines above
	if err != nil {
		t.Fatal(err)
	}
	return text
}

var rendered sync.Map

// install applies the manifests, and takes the operator's identity and flags from them.
func (w *world) install(t *testing.T, manifests string) {
	t.Helper()
	for _, object := range w.apply(t, manifests) {
		if object.GetKind() == "Deployment" {
			w.flags = deploymentFlags(t, object)
		}
	}
	// A process is no pod: it has no ports of its own, and no file that names its namespace. Who is killed keeps its lease,
	// so that tests elect no leader unless they want to wait for that. The grace is what the tests can wait for; a key that is
	// not stored within half of it is given back, which must not happen because a machine is slow.
	w.flags = append(w.flags, "--health-probe-bind-address=0", "--metrics-bind-address=0", "--leader-elect=false",
		"--leader-election-namespace="+w.system, "--stray-grace=12s", "--zap-log-level=debug")
	config, err := w.env.ServiceAccount(t.Context(), w.system, serviceAccount)
	if err != nil {
		t.Fatal(err)
	}
	w.user = "system:serviceaccount:" + w.system + ":" + serviceAccount
	w.kubeconfig = filepath.Join(t.TempDir(), "kubeconfig")
	if err := w.env.WriteKubeconfig(w.kubeconfig, config); err != nil {
		t.Fatal(err)
	}
	w.awaitRoles(t, config)
}

// deploymentFlags are the flags that the Deployment gives to its one container.
func deploymentFlags(t *testing.T, deployment *unstructured.Unstructured) []string {
	t.Helper()
	containers, _, err := unstructured.NestedSlice(deployment.Object, "spec", "template", "spec", "containers")
	if err != nil || len(containers) != 1 {
		t.Fatalf("%d containers: %v", len(containers), err)
	}
	container, _ := containers[0].(map[string]any)
	flags, _, err := unstructured.NestedStringSlice(container, "args")
	if err != nil {
		t.Fatal(err)
	}
	return flags
}

// awaitRoles waits until the API server has taken notice of the roles, which it does a moment after they are stored.
func (w *world) awaitRoles(t *testing.T, operator *rest.Config) {
	t.Helper()
	asOperator, err := client.New(operator, client.Options{Scheme: w.admin.Scheme()})
	if err != nil {
		t.Fatal(err)
	}
	for _, needed := range []authorizationv1.ResourceAttributes{
		{Namespace: w.namespace, Verb: "list", Resource: "secrets"},
		{Namespace: w.system, Verb: "create", Group: "coordination.k8s.io", Resource: "leases"},
	} {
		eventually(t, func(ctx context.Context) error {
			review := &authorizationv1.SelfSubjectAccessReview{Spec: authorizationv1.SelfSubjectAccessReviewSpec{ResourceAttributes: &needed}}
			if err := asOperator.Create(ctx, review); err != nil {
				return err
			}
			return unless(review.Status.Allowed, "the operator may not %s %s in %s", needed.Verb, needed.Resource, needed.Namespace)
		})
	}
}
