package roleguard

import (
	"context"
	"fmt"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/wait"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/controller/controllerutil"

	"github.com/betterdataco/terraform-provider-betterdata/operator/api/v1alpha1"
)

const (
	// askedWithin bounds the wait for the API server to authorize the change of the RoleBinding.
	askedWithin = 15 * time.Second
	// releaseFor bounds a release. It is shorter than the minute that the API server gives a request, and than what
	// a stopping manager waits.
	releaseFor = 45 * time.Second
	// settleFor is how long an unclear answer about the Role is looked into while the other request waits.
	settleFor   = 20 * time.Second
	settleEvery = 500 * time.Millisecond
)

// removal takes our finalizer from a list and leaves the others. It needs no resourceVersion and cannot conflict: once the
// first of the two objects is gone there is no second try for the other.
var removal = fmt.Appendf(nil, `{"metadata":{"$deleteFromPrimitiveList/finalizers":[%q]}}`, v1alpha1.FinalizerInUse)

// release takes the finalizer from Role and RoleBinding. The change of the RoleBinding is begun first, without its
// body: once the API server asks for the body it has authorized the request, and stands by that. Then the Role is let go
// of, then the body is sent. The end of ctx must not come in between.
func (g *Guard) release(ctx context.Context, namespace string) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), releaseFor)
	defer cancel()
	found, err := g.find(ctx, namespace)
	if err != nil {
		return err
	}
	var role, binding *metav1.PartialObjectMetadata
	for _, object := range found {
		switch {
		case !controllerutil.ContainsFinalizer(object, v1alpha1.FinalizerInUse):
		case object.Kind == "Role":
			role = object
		default:
			binding = object
		}
	}
	letGoOfRole := func() error { return g.releaseRole(ctx, role) }
	if binding == nil {
		return letGoOfRole()
	}
	path := fmt.Sprintf("/apis/rbac.authorization.k8s.io/v1/namespaces/%s/rolebindings/%s", namespace, binding.Name)
	if err := g.patch.do(ctx, path, removal, letGoOfRole); err != nil {
		return fmt.Errorf("releasing RoleBinding %s/%s: %w", namespace, binding.Name, err)
	}
	return nil
}

// releaseRole returns without an error once the Role is known not to have the finalizer. An unclear answer is settled
// by reading: whoever may not even read it any more has lost the Role.
func (g *Guard) releaseRole(ctx context.Context, role *metav1.PartialObjectMetadata) error {
	if role == nil {
		return nil
	}
	var last error
	err := wait.PollUntilContextTimeout(ctx, settleEvery, settleFor, true, func(ctx context.Context) (bool, error) {
		last = g.writes.Patch(ctx, role.DeepCopy(), client.RawPatch(types.StrategicMergePatchType, removal))
		if last == nil || apierrors.IsNotFound(last) {
			return true, nil
		}
		now := g.metadata("Role", role.Namespace)
		err := g.live.Get(ctx, client.ObjectKeyFromObject(now), now)
		gone := apierrors.IsNotFound(err) || apierrors.IsForbidden(err)
		return gone || err == nil && !controllerutil.ContainsFinalizer(now, v1alpha1.FinalizerInUse), nil
	})
	if err != nil {
		return fmt.Errorf("releasing Role %s/%s: %w", role.Namespace, role.Name, last)
	}
	return nil
}
