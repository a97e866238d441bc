package apikey

import (
	"context"
	"maps"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/util/workqueue"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/builder"
	"sigs.k8s.io/controller-runtime/pkg/cache"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/controller"
	"sigs.k8s.io/controller-runtime/pkg/event"
	"sigs.k8s.io/controller-runtime/pkg/handler"
	logf "sigs.k8s.io/controller-runtime/pkg/log"
	"sigs.k8s.io/controller-runtime/pkg/predicate"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"
	"sigs.k8s.io/controller-runtime/pkg/source"

	"github.com/betterdataco/terraform-provider-betterdata/operator/api/v1alpha1"
)

// IndexByConnection is the name of the field index of ApiKeys by the Connection or ClusterConnection that they name.
const IndexByConnection = v1alpha1.GroupName + "/connection"

// ControllerOptions is what the controller is made from.
type ControllerOptions struct {
	Workers int
	// Ledgers is the cache that holds ledger Secrets, and nothing else.
	Ledgers cache.Cache
	Inbox   *Inbox
	// OwnerOf names the ApiKey of a ledger or target Secret.
	OwnerOf func(*corev1.Secret) (Ref, bool)
	// ConnectionKey is the value of IndexByConnection for the ApiKeys that name the Connection.
	ConnectionKey func(v1alpha1.ConnectionObject) string
	// ClusterConnections says whether there is an informer for ClusterConnections: in cluster mode alone.
	ClusterConnections bool
}

// How long an ApiKey waits after an error, doubling with each in a row. There is no bucket that all share: one
// ApiKey's trouble does not slow down the others.
const (
	firstRetry = 200 * time.Millisecond
	lastRetry  = time.Minute
)

// SetupWithManager registers the controller and its sources: everything an ApiKey is made of, so that whatever is
// changed behind the operator's back is put right at once. Replicas that wait for leadership follow them too.
func (r *Reconciler) SetupWithManager(mgr ctrl.Manager, o ControllerOptions) error {
	r.Engine.Did = r.did
	warm := true
	secrets := handler.TypedEnqueueRequestsFromMapFunc(o.owner)
	users := handler.EnqueueRequestsFromMapFunc(o.usersOf(r.Client))
	changed := builder.WithPredicates(predicate.ResourceVersionChangedPredicate{})
	b := ctrl.NewControllerManagedBy(mgr).
		For(&v1alpha1.ApiKey{}, changed). // not only of its spec: a status that somebody wiped is written again
		WatchesRawSource(source.Kind(mgr.GetCache(), &corev1.Secret{}, secrets)).
		WatchesRawSource(source.Kind(o.Ledgers, &corev1.Secret{}, secrets)).
		WatchesRawSource(o.Inbox).
		Watches(&v1alpha1.Connection{}, users, builder.WithPredicates(connectionChanged)).
		WithOptions(controller.Options{
			MaxConcurrentReconciles: o.Workers, EnableWarmup: &warm,
			RateLimiter: workqueue.NewTypedItemExponentialFailureRateLimiter[reconcile.Request](firstRetry, lastRetry),
		})
	if o.ClusterConnections {
		b = b.Watches(&v1alpha1.ClusterConnection{}, users, builder.WithPredicates(connectionChanged))
	}
	return b.Complete(r)
}

func (o ControllerOptions) owner(_ context.Context, secret *corev1.Secret) []reconcile.Request {
	ref, ok := o.OwnerOf(secret)
	if !ok {
		return nil
	}
	return []reconcile.Request{requestFor(ref)}
}

// usersOf finds the ApiKeys that name a Connection or ClusterConnection.
func (o ControllerOptions) usersOf(reader client.Reader) handler.MapFunc {
	return func(ctx context.Context, obj client.Object) []reconcile.Request {
		connection, ok := obj.(v1alpha1.ConnectionObject)
		if !ok {
			return nil
		}
		var users v1alpha1.ApiKeyList
		if err := reader.List(ctx, &users, client.MatchingFields{IndexByConnection: o.ConnectionKey(connection)}); err != nil {
			logf.FromContext(ctx).Error(err, "finding the ApiKeys of a connection", "connection", client.ObjectKeyFromObject(obj))
			return nil
		}
		var requests []reconcile.Request
		for i := range users.Items {
			requests = append(requests, requestFor(Ref{users.Items[i].Namespace, users.Items[i].Name}))
		}
		return requests
	}
}

// connectionChanged leaves out updates of a Connection that are nothing to its ApiKeys: counts of keys, quota.
var connectionChanged = predicate.Funcs{UpdateFunc: func(e event.UpdateEvent) bool {
	before, known := e.ObjectOld.(v1alpha1.ConnectionObject)
	after, ok := e.ObjectNew.(v1alpha1.ConnectionObject)
	if !known || !ok {
		return false
	}
	was, is := before.ConnectionStatus(), after.ConnectionStatus()
	return before.GetGeneration() != after.GetGeneration() ||
		!before.GetDeletionTimestamp().Equal(after.GetDeletionTimestamp()) ||
		was.AcceptedTenant != is.AcceptedTenant || was.SuccessorMethod != is.SuccessorMethod ||
		!maps.Equal(verdicts(was.Conditions), verdicts(is.Conditions))
}}

// verdicts are conditions without their messages and times.
func verdicts(conditions []metav1.Condition) map[string][2]string {
	all := map[string][2]string{}
	for _, c := range conditions {
		all[c.Type] = [2]string{string(c.Status), c.Reason}
	}
	return all
}
