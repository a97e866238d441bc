package roleguard

import (
	"context"
	"errors"
	"os"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/go-logr/logr"
	rbacv1 "k8s.io/api/rbac/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/util/wait"
	"k8s.io/client-go/kubernetes"
	clientgoscheme "k8s.io/client-go/kubernetes/scheme"
	"k8s.io/client-go/rest"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/betterdataco/terraform-provider-betterdata/operator/api/v1alpha1"
	"github.com/betterdataco/terraform-provider-betterdata/operator/internal/testenv"
)

const (
	root = "../../../.."
	name = "betterdata-operator"
	// patience is how long anything may take that comes by itself.
	patience = 3 * time.Minute
)

// TestMain ends the control plane that the TestOperator tests share.
func TestMain(m *testing.M) {
	ctrl.SetLogger(logr.Discard())
	os.Exit(testenv.Main(m, testenv.Options{Manifests: []string{root + "/config/crd", root + "/config/manager"}}))
}

// place is a watched namespace with the shipped Role and RoleBinding, and a Guard that runs as the shipped ServiceAccount
// with them and no other rights.
type place struct {
	*Guard

	e         *testenv.Environment
	namespace string
	admin     kubernetes.Interface
	config    *rest.Config // of the ServiceAccount
}

func newPlace(t *testing.T) *place {
	t.Helper()
	e := testenv.Shared(t)
	p := &place{e: e, namespace: e.Namespace(t, nil)}
	mustKubectl(t, e, "apply", "-n", p.namespace, "-k", root+"/config/rbac/namespaced")
	var err error
	if p.admin, err = kubernetes.NewForConfig(e.Admin); err != nil {
		t.Fatal(err)
	}
	if p.config, err = e.ServiceAccount(t.Context(), "betterdata-system", name); err != nil {
		t.Fatal(err)
	}
	scheme := runtime.NewScheme()
	if err := errors.Join(clientgoscheme.AddToScheme(scheme), v1alpha1.AddToScheme(scheme)); err != nil {
		t.Fatal(err)
	}
	c, err := client.New(p.config, client.Options{Scheme: scheme})
	if err != nil {
		t.Fatal(err)
	}
	if p.Guard, err = New(p.config, c, c, name); err != nil {
		t.Fatal(err)
	}
	p.await(t, "the Role takes effect", func() bool {
		_, err := p.needed(t.Context(), p.namespace)
		return err == nil
	})
	return p
}

func (p *place) await(t *testing.T, what string, condition func() bool) {
	t.Helper()
	err := wait.PollUntilContextTimeout(t.Context(), 100*time.Millisecond, patience, true, func(context.Context) (bool, error) { return condition(), nil })
	if err != nil {
		t.Fatalf("%s: not within %s", what, patience)
	}
}

// mustHaveKey gives the namespace an ApiKey with our finalizer, as the operator does: with the Role held first.
func (p *place) mustHaveKey(t *testing.T) {
	t.Helper()
	if err := p.While(t.Context(), p.namespace, func() error {
		_, err := p.e.Kubectl(t.Context(), `
apiVersion: betterdata.co/v1alpha1
kind: ApiKey
metadata: {name: reader, finalizers: [betterdata.co/revoke-keys]}
spec: {scopes: [inventory:read]}
`, "apply", "-n", p.namespace, "-f", "-")
		return err
	}); err != nil {
		t.Fatal(err)
	}
}

// mustRevokeKey removes the finalizer, as the operator does once the key is revoked: with its own rights.
func (p *place) mustRevokeKey(t *testing.T) {
	t.Helper()
	key := &v1alpha1.ApiKey{ObjectMeta: metav1.ObjectMeta{Namespace: p.namespace, Name: "reader"}}
	if err := p.writes.Patch(t.Context(), key, client.RawPatch("application/merge-patch+json", []byte(`{"metadata":{"finalizers":null}}`))); err != nil {
		t.Fatal(err)
	}
}

// finalizers returns those of the Role and of the RoleBinding; nil where there is none.
func (p *place) finalizers(t *testing.T) (role, binding []string) {
	t.Helper()
	r, err := p.admin.RbacV1().Roles(p.namespace).Get(t.Context(), name, metav1.GetOptions{})
	if client.IgnoreNotFound(err) != nil {
		t.Fatal(err)
	}
	b, err := p.admin.RbacV1().RoleBindings(p.namespace).Get(t.Context(), name, metav1.GetOptions{})
	if client.IgnoreNotFound(err) != nil {
		t.Fatal(err)
	}
	return r.Finalizers, b.Finalizers
}

func (p *place) mustBeHeld(t *testing.T, want bool) {
	t.Helper()
	role, binding := p.finalizers(t)
	if slices.Contains(role, v1alpha1.FinalizerInUse) != want || slices.Contains(binding, v1alpha1.FinalizerInUse) != want {
		t.Fatalf("held: want %v, Role has %v, RoleBinding has %v", want, role, binding)
	}
}

func (p *place) mustReconcile(t *testing.T) {
	t.Helper()
	if _, err := p.Reconcile(t.Context(), requestFor(p.namespace)); err != nil {
		t.Fatal(err)
	}
}

func (p *place) awaitEnd(t *testing.T) {
	t.Helper()
	p.await(t, "the namespace ends by itself", func() bool {
		_, err := p.admin.CoreV1().Namespaces().Get(t.Context(), p.namespace, metav1.GetOptions{})
		return apierrors.IsNotFound(err)
	})
}

func mustKubectl(t *testing.T, e *testenv.Environment, args ...string) {
	t.Helper()
	if out, err := e.Kubectl(t.Context(), "", args...); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
}

// The namespace is deleted while an ApiKey in it has a live key. Ten at a time, because what could go wrong is a matter
// of milliseconds: the API server takes notice of a Role's end a moment later.
func TestOperatorNamespaceEndsByItself(t *testing.T) {
	t.Parallel()
	for range 10 {
		t.Run("", func(t *testing.T) {
			t.Parallel()
			p := newPlace(t)
			p.mustHaveKey(t)
			p.mustBeHeld(t, true)
			if err := p.admin.CoreV1().Namespaces().Delete(t.Context(), p.namespace, metav1.DeleteOptions{}); err != nil {
				t.Fatal(err)
			}
			p.await(t, "the Role is to go", func() bool {
				role, err := p.admin.RbacV1().Roles(p.namespace).Get(t.Context(), name, metav1.GetOptions{})
				return err == nil && role.DeletionTimestamp != nil
			})
			p.mustReconcile(t)
			p.mustBeHeld(t, true) // the key is not revoked yet

			p.mustRevokeKey(t)
			p.mustReconcile(t)
			p.awaitEnd(t)
		})
	}
}

// kubectl delete -k, with ApiKeys left: the rights outlive it until the keys are revoked, then they go without anybody's help.
func TestOperatorDeletedRolesOutliveTheKeys(t *testing.T) {
	t.Parallel()
	p := newPlace(t)
	p.mustHaveKey(t)
	mustKubectl(t, p.e, "delete", "-n", p.namespace, "-k", root+"/config/rbac/namespaced", "--wait=false")
	p.mustReconcile(t)
	p.mustBeHeld(t, true)
	p.mustRevokeKey(t)
	p.mustReconcile(t)
	for _, kind := range []string{"Role", "RoleBinding"} {
		object := p.metadata(kind, p.namespace)
		if out, err := p.e.Kubectl(t.Context(), "", "get", kind, object.Name, "-n", p.namespace, "--ignore-not-found"); err != nil || out != "" {
			t.Errorf("%s is still there: %s %v", kind, out, err)
		}
	}
	// Without rights there is nothing to see to, which is no error that repeats for ever.
	p.await(t, "the operator without rights rests", func() bool {
		_, err := p.Reconcile(t.Context(), requestFor(p.namespace))
		return err == nil
	})
}

// The last key is deleted while the namespace stays: an uninstall finds Roles that it can delete.
func TestOperatorHoldsOnlyWhileNeeded(t *testing.T) {
	t.Parallel()
	p := newPlace(t)
	p.mustReconcile(t)
	p.mustBeHeld(t, false)
	p.mustHaveKey(t)
	p.mustBeHeld(t, true)
	mark, err := p.e.AuditMark(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	p.mustReconcile(t)
	requests, err := p.e.AuditSince(t.Context(), mark)
	if err != nil {
		t.Fatal(err)
	}
	// The namespace's own controllers may write in it, the default ServiceAccount for example.
	own := requests.By("system:serviceaccount:betterdata-system:" + name)
	if writes := own.Writes().Where(func(r testenv.Request) bool { return r.Namespace == p.namespace }); len(writes) > 0 {
		t.Errorf("a steady state costs no writes, got %s", writes)
	}
	p.mustRevokeKey(t)
	p.mustReconcile(t)
	p.mustBeHeld(t, false)

	p.mustHaveKey(t)
	p.mustBeHeld(t, true)
}

// Whoever replaces the Role instead of applying it loses the finalizer; the next look puts it back. What others have put
// there stays.
func TestOperatorForeignFinalizersStay(t *testing.T) {
	t.Parallel()
	p := newPlace(t)
	p.mustHaveKey(t)
	for _, kind := range []string{"role", "rolebinding"} {
		mustKubectl(t, p.e, "patch", kind, name, "-n", p.namespace, "--type=merge", "-p", `{"metadata":{"finalizers":["example.com/other"]}}`)
	}
	p.mustReconcile(t)
	p.mustBeHeld(t, true)
	p.mustRevokeKey(t)
	p.mustReconcile(t)
	role, binding := p.finalizers(t)
	if want := []string{"example.com/other"}; !slices.Equal(role, want) || !slices.Equal(binding, want) {
		t.Errorf("Role has %v, RoleBinding has %v, want %v", role, binding, want)
	}
}

// One of the two lost its finalizer by somebody's hand: the other must not hang for that.
func TestOperatorReleasesWhatIsLeft(t *testing.T) {
	t.Parallel()
	for _, bare := range []string{"role", "rolebinding"} {
		t.Run(bare, func(t *testing.T) {
			t.Parallel()
			p := newPlace(t)
			p.mustHaveKey(t)
			mustKubectl(t, p.e, "patch", bare, name, "-n", p.namespace, "--type=merge", "-p", `{"metadata":{"finalizers":null}}`)
			p.mustRevokeKey(t)
			p.mustReconcile(t)
			p.mustBeHeld(t, false)
		})
	}
}

// Rights that come from elsewhere, a ClusterRole for example, are neither held nor in the way.
func TestOperatorRightsFromElsewhere(t *testing.T) {
	t.Parallel()
	p := newPlace(t)
	subject := rbacv1.Subject{Kind: rbacv1.ServiceAccountKind, Namespace: "betterdata-system", Name: name}
	if err := p.e.Grant(t.Context(), p.namespace, subject, rbacv1.PolicyRule{
		APIGroups: []string{v1alpha1.GroupName}, Resources: []string{"apikeys", "connections"}, Verbs: []string{"list"},
	}); err != nil {
		t.Fatal(err)
	}
	mustKubectl(t, p.e, "delete", "-n", p.namespace, "-k", root+"/config/rbac/namespaced")
	ran := false
	if err := p.While(t.Context(), p.namespace, func() error { ran = true; return nil }); err != nil || !ran {
		t.Errorf("got %v, ran %v", err, ran)
	}
	p.mustReconcile(t)
}

// The API server answers 403 in place of 100 Continue: the Role is not touched.
func TestOperatorRefusedReleaseTouchesNothing(t *testing.T) {
	t.Parallel()
	p := newPlace(t)
	p.mustHaveKey(t)
	nobody, err := p.e.User("nobody-in-particular")
	if err != nil {
		t.Fatal(err)
	}
	patch, err := newGatedPatch(nobody, patience)
	if err != nil {
		t.Fatal(err)
	}
	path := "/apis/rbac.authorization.k8s.io/v1/namespaces/" + p.namespace + "/rolebindings/" + name
	if err := patch.do(t.Context(), path, removal, func() error { t.Error("authorized"); return nil }); err == nil {
		t.Error("want an error")
	}
	p.mustBeHeld(t, true)
}

// The Role cannot be let go of: then the RoleBinding is not either, and the next try has all rights.
func TestOperatorFailedReleaseTouchesNothing(t *testing.T) {
	t.Parallel()
	p := newPlace(t)
	p.mustHaveKey(t)
	failure := errors.New("the Role stays")
	path := "/apis/rbac.authorization.k8s.io/v1/namespaces/" + p.namespace + "/rolebindings/" + name
	if err := p.patch.do(t.Context(), path, removal, func() error { return failure }); !errors.Is(err, failure) {
		t.Errorf("got %v, want %v", err, failure)
	}
	p.mustBeHeld(t, true)
	p.mustRevokeKey(t)
	p.mustReconcile(t)
	p.mustBeHeld(t, false)
}

// Several ApiKeys get their finalizers while the last one of before is let go of: at no time has one of them its finalizer
// and the Role has not.
func TestOperatorHoldAndReleaseDoNotOverlap(t *testing.T) {
	t.Parallel()
	p := newPlace(t)
	p.mustHaveKey(t)
	var all sync.WaitGroup
	for range 5 {
		all.Go(func() {
			if _, err := p.Reconcile(t.Context(), requestFor(p.namespace)); err != nil {
				t.Error(err)
			}
		})
		all.Go(func() {
			if err := p.While(t.Context(), p.namespace, func() error { p.mustBeHeld(t, true); return nil }); err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
	p.mustBeHeld(t, true)
}
