package roleguard

import (
	"context"
	"errors"
	"fmt"
	"sync"

	rbacv1 "k8s.io/api/rbac/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/rest"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/controller/controllerutil"
	"sigs.k8s.io/controller-runtime/pkg/log"

	"github.com/betterdataco/terraform-provider-betterdata/operator/api/v1alpha1"
)

// Guard holds and releases the Role and RoleBinding of one name in each namespace.
type Guard struct {
	live   client.Reader
	writes client.Client
	patch  *gatedPatch
	name   string // of Role and RoleBinding

	mu    sync.Mutex
	locks map[string]*sync.Mutex // by namespace
}

// New makes a Guard for the Role and RoleBinding of that name. The config is the one that the clients are made from.
func New(config *rest.Config, live client.Reader, writes client.Client, name string) (*Guard, error) {
	patch, err := newGatedPatch(config, askedWithin)
	if err != nil {
		return nil, err
	}
	return &Guard{live: live, writes: writes, patch: patch, name: name, locks: map[string]*sync.Mutex{}}, nil
}

// While holds the namespace's Role and RoleBinding and then does something that makes them needed, such as giving an
// ApiKey its finalizer. Without this order a namespace deleted in between would lose its Role first.
func (g *Guard) While(ctx context.Context, namespace string, do func() error) error {
	defer g.lock(namespace)()
	if err := g.hold(ctx, namespace); err != nil {
		return err
	}
	return do()
}

func (g *Guard) lock(namespace string) (unlock func()) {
	g.mu.Lock()
	lock := g.locks[namespace]
	if lock == nil {
		lock = &sync.Mutex{}
		g.locks[namespace] = lock
	}
	g.mu.Unlock()
	lock.Lock()
	return lock.Unlock
}

// hold gives Role and RoleBinding the finalizer. Where there are none of that name the rights come from elsewhere, and
// there is nothing to hold.
func (g *Guard) hold(ctx context.Context, namespace string) error {
	held, err := g.find(ctx, namespace)
	if err != nil {
		return err
	}
	for _, object := range held {
		if controllerutil.ContainsFinalizer(object, v1alpha1.FinalizerInUse) {
			continue
		}
		// Strategic: other finalizers stay, whatever they are by now.
		patch := fmt.Sprintf(`{"metadata":{"finalizers":[%q]}}`, v1alpha1.FinalizerInUse)
		if err := g.writes.Patch(ctx, object, client.RawPatch(types.StrategicMergePatchType, []byte(patch))); err != nil {
			return fmt.Errorf("holding %s %s/%s: %w", object.Kind, namespace, g.name, err)
		}
	}
	return nil
}

// find returns the namespace's Role and RoleBinding, Role first, those that exist and may be read.
func (g *Guard) find(ctx context.Context, namespace string) ([]*metav1.PartialObjectMetadata, error) {
	var found []*metav1.PartialObjectMetadata
	for _, kind := range []string{"Role", "RoleBinding"} {
		object := g.metadata(kind, namespace)
		err := g.live.Get(ctx, client.ObjectKeyFromObject(object), object)
		if apierrors.IsNotFound(err) || apierrors.IsForbidden(err) {
			log.FromContext(ctx).V(1).Info("The rights in this namespace do not come from here, so they are not held", "kind", kind, "name", g.name, "namespace", namespace)
			continue
		}
		if err != nil {
			return nil, fmt.Errorf("reading %s %s/%s: %w", kind, namespace, g.name, err)
		}
		found = append(found, object)
	}
	return found, nil
}

func (g *Guard) metadata(kind, namespace string) *metav1.PartialObjectMetadata {
	object := &metav1.PartialObjectMetadata{ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: g.name}}
	object.SetGroupVersionKind(schema.GroupVersionKind{Group: rbacv1.GroupName, Version: rbacv1.SchemeGroupVersion.Version, Kind: kind})
	return object
}

// errNoRights says that the operator has no rights in the namespace: its Role was let go of, or never made.
var errNoRights = errors.New("no rights in this namespace")

// needed reports whether anything in the namespace still has a finalizer of ours. The reads are live: a cache may not
// know of an ApiKey yet.
func (g *Guard) needed(ctx context.Context, namespace string) (bool, error) {
	for _, kind := range []string{v1alpha1.KindApiKey, v1alpha1.KindConnection} {
		list := &metav1.PartialObjectMetadataList{}
		list.SetGroupVersionKind(v1alpha1.SchemeGroupVersion.WithKind(kind + "List"))
		err := g.live.List(ctx, list, client.InNamespace(namespace))
		if apierrors.IsForbidden(err) {
			return false, errNoRights
		}
		if err != nil {
			return false, fmt.Errorf("listing %s in %s: %w", kind, namespace, err)
		}
		for i := range list.Items {
			if guarded(&list.Items[i]) {
				return true, nil
			}
		}
	}
	return false, nil
}

func guarded(object client.Object) bool {
	return controllerutil.ContainsFinalizer(object, v1alpha1.FinalizerApiKey) || controllerutil.ContainsFinalizer(object, v1alpha1.FinalizerInUse)
}
