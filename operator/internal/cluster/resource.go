package cluster

import (
	"context"
	"errors"
	"fmt"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"sigs.k8s.io/controller-runtime/pkg/cache"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/controller/controllerutil"

	"github.com/betterdataco/terraform-provider-betterdata/operator/api/v1alpha1"
	"github.com/betterdataco/terraform-provider-betterdata/operator/internal/controller/apikey"
)

// Resource implements apikey.Cluster. Whether the namespace ends is told by live reads only, which is where it counts.
func (c *Cluster) Resource(ctx context.Context, ref apikey.Ref, read apikey.Read) (*apikey.Resource, error) {
	var a v1alpha1.ApiKey
	if err := c.reader(read).Get(ctx, client.ObjectKey{Namespace: ref.Namespace, Name: ref.Name}, &a); err != nil {
		return nil, fmt.Errorf("read ApiKey %s/%s: %w", ref.Namespace, ref.Name, translated(err))
	}
	r := resource(&a, c.clusterID)
	var err error
	if r.BaseURL, err = c.baseURL(ctx, &a); err != nil {
		return nil, err
	}
	if read == apikey.Live {
		r.NamespaceTerminating, err = c.terminating(ctx, ref.Namespace)
	}
	return r, err
}

func (c *Cluster) terminating(ctx context.Context, name string) (bool, error) {
	var namespace corev1.Namespace
	err := c.live.Get(ctx, client.ObjectKey{Name: name}, &namespace)
	if apierrors.IsNotFound(err) {
		return true, nil
	}
	if err != nil {
		return false, fmt.Errorf("read namespace %s: %w", name, err)
	}
	return !namespace.DeletionTimestamp.IsZero(), nil
}

// baseURL is the address of the ApiKey's Connection, as cached. It is empty if there is no such Connection: also for a
// ClusterConnection in namespaced mode, where these are not watched.
func (c *Cluster) baseURL(ctx context.Context, a *v1alpha1.ApiKey) (string, error) {
	kind, namespace, name := a.ConnectionKey()
	var connection v1alpha1.ConnectionObject = &v1alpha1.Connection{}
	if kind == v1alpha1.KindClusterConnection {
		connection = &v1alpha1.ClusterConnection{}
	}
	err := c.client.Get(ctx, client.ObjectKey{Namespace: namespace, Name: name}, connection)
	var unwatched *cache.ErrResourceNotCached
	switch {
	case apierrors.IsNotFound(err), errors.As(err, &unwatched):
		return "", nil
	case err != nil:
		return "", fmt.Errorf("read %s %s: %w", kind, name, err)
	}
	return connection.Settings().Address(), nil
}

// AddFinalizer implements apikey.Cluster.
func (c *Cluster) AddFinalizer(ctx context.Context, r *apikey.Resource) error {
	return c.changeFinalizers(ctx, r, controllerutil.AddFinalizer)
}

// RemoveFinalizer implements apikey.Cluster.
func (c *Cluster) RemoveFinalizer(ctx context.Context, r *apikey.Resource) error {
	return c.changeFinalizers(ctx, r, controllerutil.RemoveFinalizer)
}

// changeFinalizers is bound to the version that was decided upon. The list is read again for the finalizers of others.
func (c *Cluster) changeFinalizers(ctx context.Context, r *apikey.Resource, change func(client.Object, string) bool) error {
	var a v1alpha1.ApiKey
	if err := c.live.Get(ctx, client.ObjectKey{Namespace: r.Namespace, Name: r.Name}, &a); err != nil {
		return translated(err)
	}
	if string(a.UID) != r.UID || a.ResourceVersion != r.Version {
		return fmt.Errorf("ApiKey %s/%s: %w", r.Namespace, r.Name, apikey.ErrConflict)
	}
	before := a.DeepCopy()
	if !change(&a, v1alpha1.FinalizerApiKey) {
		return nil
	}
	patch := client.MergeFromWithOptions(before, client.MergeFromWithOptimisticLock{})
	return translated(c.client.Patch(ctx, &a, patch, client.FieldOwner(v1alpha1.FieldOwner)))
}
