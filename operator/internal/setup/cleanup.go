package setup

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/go-logr/logr"
	coordinationv1 "k8s.io/api/coordination/v1"
	corev1 "k8s.io/api/core/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/wait"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/util/retry"
	"k8s.io/utils/ptr"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"
	kubeconfig "sigs.k8s.io/controller-runtime/pkg/client/config"

	"github.com/betterdataco/terraform-provider-betterdata/operator/api/v1alpha1"
)

// guardedKinds can carry finalizers of ours. The Role and RoleBinding are last: with them goes the right to change
// the rest, if cleanup runs with the operator's own rights.
var guardedKinds = []schema.GroupVersionKind{
	v1alpha1.SchemeGroupVersion.WithKind(v1alpha1.KindApiKey),
	v1alpha1.SchemeGroupVersion.WithKind(v1alpha1.KindConnection),
	v1alpha1.SchemeGroupVersion.WithKind(v1alpha1.KindClusterConnection),
	corev1.SchemeGroupVersion.WithKind("Secret"),
	rbacv1.SchemeGroupVersion.WithKind("Role"),
	rbacv1.SchemeGroupVersion.WithKind("RoleBinding"),
}

// cleanup removes all finalizers of ours and says which keys may live on.
func (p Program) cleanup(ctx context.Context, s *Settings) error {
	config, err := kubeconfig.GetConfig()
	if err != nil {
		return err
	}
	config.UserAgent = p.userAgent()
	config.WarningHandler = rest.NoWarnings{} // an admission policy that warns may quote a Secret
	ctrl.SetLogger(logr.Discard())            // what there is to tell is printed
	c, err := client.New(config, client.Options{Scheme: newScheme()})
	if err != nil {
		return err
	}
	return (&cleaner{Client: c, program: p, settings: s}).run(ctx)
}

type cleaner struct {
	client.Client

	program  Program
	settings *Settings
	released int
}

func (c *cleaner) say(format string, args ...any) {
	tell(c.program.Out, format+"\n", args...)
}

func (c *cleaner) run(ctx context.Context) error {
	if !c.settings.Force {
		if err := c.refuseWhileRunning(ctx); err != nil {
			return err
		}
	}
	namespaces := c.settings.WatchNamespaces
	if !c.settings.Namespaced() {
		namespaces = []string{metav1.NamespaceAll}
	}
	var errs []error
	for _, namespace := range namespaces {
		errs = append(errs, c.reportKeys(ctx, namespace))
		for _, kind := range guardedKinds {
			errs = append(errs, c.releaseAll(ctx, kind, namespace))
		}
	}
	c.say("%d objects released", c.released)
	return errors.Join(errs...)
}

// refuseWhileRunning looks at the Lease for as long as it lasts: an operator that runs renews it meanwhile. The clocks of
// this machine and of the cluster need not agree for that.
func (c *cleaner) refuseWhileRunning(ctx context.Context) error {
	first, err := c.lease(ctx)
	if err != nil || ptr.Deref(first.Spec.HolderIdentity, "") == "" {
		return err
	}
	lasts := time.Duration(ptr.Deref(first.Spec.LeaseDurationSeconds, 15)) * time.Second
	c.say("the Lease %s/%s is held by %s: looking for %s whether that is still running", first.Namespace, first.Name, *first.Spec.HolderIdentity, lasts)
	err = wait.PollUntilContextTimeout(ctx, time.Second, lasts, false, func(ctx context.Context) (bool, error) {
		now, err := c.lease(ctx)
		return err == nil && now.ResourceVersion != first.ResourceVersion, err
	})
	switch {
	case err == nil:
		return fmt.Errorf("an operator is running (%s): stop it first, or it puts back what is removed here; --force goes on nevertheless", *first.Spec.HolderIdentity)
	case ctx.Err() == nil && wait.Interrupted(err):
		return nil // nobody renewed it
	}
	return err
}

// lease returns an empty Lease if there is none.
func (c *cleaner) lease(ctx context.Context) (*coordinationv1.Lease, error) {
	lease := &coordinationv1.Lease{}
	key := client.ObjectKey{Namespace: c.settings.LeaderElectionNamespace, Name: LeaderElectionID}
	if err := c.Get(ctx, key, lease); client.IgnoreNotFound(err) != nil {
		return nil, fmt.Errorf("reading the Lease %s, which tells whether an operator is running: %w", key, err)
	}
	return lease, nil
}

// reportKeys tells which keys nobody revokes any more: from status, and where that names none, which ledgers do.
func (c *cleaner) reportKeys(ctx context.Context, namespace string) error {
	var list v1alpha1.ApiKeyList
	err := c.List(ctx, &list, client.InNamespace(namespace))
	if err != nil && !meta.IsNoMatchError(err) { // without the definitions there are no ApiKeys; ledgers outlive both
		return fmt.Errorf("listing ApiKeys: %w", err)
	}
	told := map[types.UID]bool{}
	for _, a := range list.Items {
		ids := []string{}
		if a.Status.KeyID != "" {
			ids = append(ids, fmt.Sprintf("%s (%s...%s)", a.Status.KeyID, a.Status.KeyPrefix, a.Status.Last4))
		}
		for _, previous := range a.Status.PreviousKeys {
			ids = append(ids, previous.ID)
		}
		if len(ids) > 0 {
			told[a.UID] = true
			c.say("apikey %s/%s: may live on at Better Data, revoke what is not needed: %s", a.Namespace, a.Name, strings.Join(ids, ", "))
		}
	}
	return c.reportLedgers(ctx, namespace, told)
}

// reportLedgers names the ledgers of ApiKeys of which nothing was told. Their data is left to whoever may read it.
func (c *cleaner) reportLedgers(ctx context.Context, namespace string, told map[types.UID]bool) error {
	list := &metav1.PartialObjectMetadataList{}
	list.SetGroupVersionKind(corev1.SchemeGroupVersion.WithKind("SecretList"))
	if err := c.List(ctx, list, client.InNamespace(namespace), client.MatchingFields{"type": v1alpha1.SecretTypeLedger}); err != nil {
		return fmt.Errorf("listing ledgers: %w", err)
	}
	for i := range list.Items {
		ledger := &list.Items[i]
		if owner := metav1.GetControllerOfNoCopy(ledger); owner == nil || !told[owner.UID] {
			c.say("ledger %s in namespace %s: no status names its key, which may live on at Better Data; its entry key-id does", ledger.Name, ledger.Namespace)
		}
	}
	return nil
}

// releaseAll goes by metadata alone: what Secrets hold is no business of a cleanup.
func (c *cleaner) releaseAll(ctx context.Context, kind schema.GroupVersionKind, namespace string) error {
	if kind.Kind == v1alpha1.KindClusterConnection && c.settings.Namespaced() {
		return nil
	}
	list := &metav1.PartialObjectMetadataList{}
	list.SetGroupVersionKind(kind.GroupVersion().WithKind(kind.Kind + "List"))
	err := c.List(ctx, list, client.InNamespace(namespace))
	if meta.IsNoMatchError(err) {
		return nil // the definitions are gone, and all objects with them
	} else if err != nil {
		return fmt.Errorf("listing %ss: %w", kind.Kind, err)
	}
	var errs []error
	for i := range list.Items {
		if len(foreignFinalizers(&list.Items[i])) != len(list.Items[i].Finalizers) {
			errs = append(errs, c.release(ctx, kind, client.ObjectKeyFromObject(&list.Items[i])))
		}
	}
	return errors.Join(errs...)
}

func (c *cleaner) release(ctx context.Context, kind schema.GroupVersionKind, key client.ObjectKey) error {
	err := retry.RetryOnConflict(retry.DefaultBackoff, func() error {
		object := &metav1.PartialObjectMetadata{}
		object.SetGroupVersionKind(kind)
		if err := c.Get(ctx, key, object); err != nil {
			return err
		}
		before := object.DeepCopy()
		object.Finalizers = foreignFinalizers(object)
		return c.Patch(ctx, object, client.MergeFromWithOptions(before, client.MergeFromWithOptimisticLock{}))
	})
	if apierrors.IsNotFound(err) {
		return nil
	} else if err != nil {
		return fmt.Errorf("releasing %s %s: %w", kind.Kind, key, err)
	}
	c.released++
	c.say("%s %s: released", strings.ToLower(kind.Kind), strings.TrimPrefix(key.String(), "/"))
	return nil
}

// foreignFinalizers are those that are not ours.
func foreignFinalizers(object client.Object) []string {
	var foreign []string
	for _, f := range object.GetFinalizers() {
		if !strings.HasPrefix(f, v1alpha1.GroupName+"/") {
			foreign = append(foreign, f)
		}
	}
	return foreign
}
