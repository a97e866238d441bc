package connection

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/controller/controllerutil"

	"github.com/betterdataco/terraform-provider-betterdata/operator/api/v1alpha1"
	"github.com/betterdataco/terraform-provider-betterdata/operator/internal/cluster"
	"github.com/betterdataco/terraform-provider-betterdata/operator/internal/tenant"
)

// pageSize is how many objects a live list asks for at once.
const pageSize = 500

// hold puts the in-use finalizers on a connection and its token Secret, or takes them off. It reports false if the
// connection is being deleted and nothing needs it any more.
//
// The annotation on the connection names the Secret that carries the finalizer. It is written after the finalizer of the
// Secret and removed after it too, so that a Secret that the connection no longer names is found again by a process that
// did not see the change.
func (r *Reconciler) hold(ctx context.Context, s *scene) (bool, error) {
	s.holders = holders(s.users, s)
	deleted := !s.obj.GetDeletionTimestamp().IsZero()
	held := controllerutil.ContainsFinalizer(s.obj, v1alpha1.FinalizerInUse)
	switch {
	case len(s.holders) > 0 && (!deleted || held): // while it is deleted, its token Secret may yet become another
		return true, r.take(ctx, s)
	case len(s.holders) > 0 || !held && !deleted:
		return true, nil
	}
	needed, err := r.neededNow(ctx, s)
	if err != nil || needed {
		return true, err
	}
	return !deleted, r.release(ctx, s)
}

// holders names what needs the connection to revoke keys: ApiKeys with our finalizer, and ledgers without one.
func holders(users []v1alpha1.ApiKey, s *scene) []string {
	var names []string
	counted := map[string]bool{}
	for i := range users {
		counted[string(users[i].UID)] = true
		if controllerutil.ContainsFinalizer(&users[i], v1alpha1.FinalizerApiKey) {
			names = append(names, users[i].Namespace+"/"+users[i].Name)
		}
	}
	for _, key := range s.known {
		if !counted[key.OwnerUID] {
			names = append(names, "a ledger in "+key.Namespace)
		}
	}
	slices.Sort(names)
	return slices.Compact(names)
}

// neededNow asks the API server itself, because the cache may not have seen the last finalizer yet. A ledger needs no such
// look: it exists only while its ApiKey has the finalizer.
func (r *Reconciler) neededNow(ctx context.Context, s *scene) (bool, error) {
	for next := ""; ; {
		var users v1alpha1.ApiKeyList // a new one for each page: decoding does not empty what an answer leaves out
		if err := r.Live.List(ctx, &users, client.InNamespace(s.key.Namespace), client.Limit(pageSize), client.Continue(next)); err != nil {
			return false, fmt.Errorf("ApiKeys of the connection: %w", err)
		}
		for i := range users.Items {
			user := &users.Items[i]
			if tenant.KeyFor(user) == s.key && controllerutil.ContainsFinalizer(user, v1alpha1.FinalizerApiKey) {
				return true, nil
			}
		}
		if next = users.Continue; next == "" {
			return len(s.known) > 0, nil
		}
	}
}

// take puts the finalizers on: the Secret's where the Secret is in a namespace of the ApiKeys, for a namespace that is
// deleted takes everything in it at once. Its steps may be repeated.
func (r *Reconciler) take(ctx context.Context, s *scene) error {
	before, wanted := s.obj.GetAnnotations()[v1alpha1.AnnotationTokenSecret], ""
	if secret := tokenSecret(s.obj); usedIn(s, secret.Namespace) {
		wanted = secret.String()
		if !r.tokens.marked(secret) {
			if err := r.markSecret(ctx, secret, true); err != nil {
				return err
			}
		}
	}
	if before != wanted {
		if err := r.releaseSecret(ctx, s, before); err != nil {
			return err
		}
	}
	return r.mark(ctx, s, true, wanted)
}

// release takes the finalizers off, the Connection's last: while it is there, the Secret's is found again.
func (r *Reconciler) release(ctx context.Context, s *scene) error {
	names := []string{s.obj.GetAnnotations()[v1alpha1.AnnotationTokenSecret], tokenSecret(s.obj).String()}
	slices.Sort(names)
	for _, name := range slices.Compact(names) {
		if err := r.releaseSecret(ctx, s, name); err != nil {
			return err
		}
	}
	return r.mark(ctx, s, false, "")
}

// usedIn reports whether ApiKeys of the namespace need the connection.
func usedIn(s *scene, namespace string) bool {
	return slices.ContainsFunc(s.users, func(user v1alpha1.ApiKey) bool {
		return user.Namespace == namespace && controllerutil.ContainsFinalizer(&user, v1alpha1.FinalizerApiKey)
	})
}

// mark writes the connection's finalizer and annotation, if they differ.
func (r *Reconciler) mark(ctx context.Context, s *scene, held bool, secret string) error {
	base, ok := s.obj.DeepCopyObject().(client.Object)
	if !ok {
		return fmt.Errorf("%T is no object", s.obj)
	}
	changed := setFinalizer(s.obj, held)
	annotations := s.obj.GetAnnotations()
	if annotations[v1alpha1.AnnotationTokenSecret] != secret {
		changed = true
		annotations = maps.Clone(annotations)
		if annotations == nil {
			annotations = map[string]string{}
		}
		annotations[v1alpha1.AnnotationTokenSecret] = secret
		if secret == "" {
			delete(annotations, v1alpha1.AnnotationTokenSecret)
		}
		s.obj.SetAnnotations(annotations)
	}
	if !changed {
		return nil
	}
	err := r.Client.Patch(ctx, s.obj, client.MergeFromWithOptions(base, client.MergeFromWithOptimisticLock{}))
	if client.IgnoreNotFound(err) != nil {
		return fmt.Errorf("in-use finalizer: %w", err)
	}
	return nil
}

// releaseSecret takes the finalizer off a Secret that no other connection needs. An empty name is none.
func (r *Reconciler) releaseSecret(ctx context.Context, s *scene, name string) error {
	namespace, name, ok := strings.Cut(name, "/")
	if !ok {
		return nil
	}
	secret := types.NamespacedName{Namespace: namespace, Name: name}
	shared, err := r.sharedSecret(ctx, s, secret)
	if err != nil || shared {
		return err
	}
	return r.markSecret(ctx, secret, false)
}

// sharedSecret reports whether another connection in use has its token in the Secret.
func (r *Reconciler) sharedSecret(ctx context.Context, s *scene, secret types.NamespacedName) (bool, error) {
	others := func(obj v1alpha1.ConnectionObject) bool {
		return obj.GetUID() != s.obj.GetUID() && obj.GetAnnotations()[v1alpha1.AnnotationTokenSecret] == secret.String()
	}
	var connections v1alpha1.ConnectionList
	if err := r.Client.List(ctx, &connections); err != nil {
		return false, fmt.Errorf("other Connections: %w", err)
	}
	for i := range connections.Items {
		if others(&connections.Items[i]) {
			return true, nil
		}
	}
	if !r.Options.ClusterConnections {
		return false, nil
	}
	var clusterWide v1alpha1.ClusterConnectionList
	if err := r.Client.List(ctx, &clusterWide); err != nil {
		return false, fmt.Errorf("other ClusterConnections: %w", err)
	}
	for i := range clusterWide.Items {
		if others(&clusterWide.Items[i]) {
			return true, nil
		}
	}
	return false, nil
}

// markSecret puts the finalizer on a Secret or takes it off, by metadata alone. A Secret that does not exist, or that is
// already on its way out, needs none.
func (r *Reconciler) markSecret(ctx context.Context, name types.NamespacedName, held bool) error {
	secret := &metav1.PartialObjectMetadata{}
	secret.SetGroupVersionKind(corev1.SchemeGroupVersion.WithKind("Secret"))
	if err := r.Live.Get(ctx, name, secret); err != nil {
		return client.IgnoreNotFound(err)
	}
	base := secret.DeepCopy()
	if held && !secret.DeletionTimestamp.IsZero() || !setFinalizer(secret, held) {
		return nil
	}
	err := r.Client.Patch(ctx, secret, client.MergeFromWithOptions(base, client.MergeFromWithOptimisticLock{}))
	if client.IgnoreNotFound(err) != nil {
		return fmt.Errorf("in-use finalizer of the token Secret: %w", cluster.OfSecret(err))
	}
	return nil
}

// setFinalizer reports whether it changed anything.
func setFinalizer(object client.Object, held bool) bool {
	if held {
		return controllerutil.AddFinalizer(object, v1alpha1.FinalizerInUse)
	}
	return controllerutil.RemoveFinalizer(object, v1alpha1.FinalizerInUse)
}

func tokenSecret(obj v1alpha1.ConnectionObject) types.NamespacedName {
	namespace, name, _ := obj.TokenSecret()
	return types.NamespacedName{Namespace: namespace, Name: name}
}
