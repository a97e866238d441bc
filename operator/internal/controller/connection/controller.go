package connection

import (
	"context"
	"fmt"
	"log/slog"
	"time"

	"github.com/go-logr/logr"
	"k8s.io/client-go/metadata"
	"k8s.io/client-go/tools/events"
	"k8s.io/client-go/util/workqueue"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/builder"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/controller"
	"sigs.k8s.io/controller-runtime/pkg/controller/controllerutil"
	"sigs.k8s.io/controller-runtime/pkg/event"
	"sigs.k8s.io/controller-runtime/pkg/handler"
	"sigs.k8s.io/controller-runtime/pkg/predicate"
	"sigs.k8s.io/controller-runtime/pkg/source"

	"github.com/betterdataco/terraform-provider-betterdata/operator/api/v1alpha1"
	"github.com/betterdataco/terraform-provider-betterdata/operator/internal/controller/apikey"
	"github.com/betterdataco/terraform-provider-betterdata/operator/internal/metrics"
	"github.com/betterdataco/terraform-provider-betterdata/operator/internal/tenant"
)

// Reconciler keeps the status of each Connection and ClusterConnection true, and wakes ApiKeys.
type Reconciler struct {
	Client  client.Client // cached reads of ApiKeys and connections; all writes
	Live    client.Reader // what must be true now: ApiKeys, and metadata of Secrets
	Pool    *tenant.Pool
	Ledgers Ledgers
	// Enqueue asks for ApiKeys to be looked at soon. It does not block.
	Enqueue  func(refs ...apikey.Ref)
	Recorder events.EventRecorder
	Metrics  *metrics.Recorder
	Logger   *slog.Logger
	Now      func() time.Time
	Options  Options

	memories memories
	tokens   *tokenWatches
}

// Ledgers tells, from a cache, the keys that ledgers record as issued through a connection.
type Ledgers interface {
	Known(ctx context.Context, identity string) ([]apikey.Known, error)
}

// Options are the operator's settings as far as connections go by them.
type Options struct {
	ClusterID string // what the markers of this cluster are made from
	// ClusterConnections says that the operator sees all namespaces, and so also ClusterConnections. Without it no orphans
	// are judged: an ApiKey that is not seen may exist.
	ClusterConnections bool
	OrphanPolicy       OrphanPolicy
	StrayGrace         time.Duration // between the two sightings of an orphan that is revoked
}

// The delays between tries after an error of the Kubernetes API. The API's own errors have theirs, from the pool.
const (
	firstRetry = 200 * time.Millisecond
	lastRetry  = time.Minute
)

// SetupWithManager registers one controller for both kinds. Its requests are the keys of the pool.
func (r *Reconciler) SetupWithManager(mgr ctrl.Manager, workers int) error {
	secrets, err := metadata.NewForConfigAndClient(mgr.GetConfig(), mgr.GetHTTPClient())
	if err != nil {
		return fmt.Errorf("client for the metadata of Secrets: %w", err)
	}
	log := mgr.GetLogger().WithName("connection")
	b := builder.TypedControllerManagedBy[tenant.Key](mgr).Named("connection").
		Watches(&v1alpha1.Connection{}, handler.TypedEnqueueRequestsFromMapFunc(keyOfConnection)).
		Watches(&v1alpha1.ApiKey{}, r.users(), builder.WithPredicates(useChanges())).
		WatchesRawSource(source.TypedFunc[tenant.Key](func(ctx context.Context, queue workqueue.TypedRateLimitingInterface[tenant.Key]) error {
			r.watchTokens(ctx, secrets, queue.Add)
			return nil
		})).
		WithLogConstructor(func(key *tenant.Key) logr.Logger {
			if key == nil {
				return log
			}
			return log.WithValues("connection", key.String())
		}).
		WithOptions(controller.TypedOptions[tenant.Key]{
			MaxConcurrentReconciles: workers,
			EnableWarmup:            new(true),
			RateLimiter:             workqueue.NewTypedItemExponentialFailureRateLimiter[tenant.Key](firstRetry, lastRetry),
		})
	if r.Options.ClusterConnections {
		b = b.Watches(&v1alpha1.ClusterConnection{}, handler.TypedEnqueueRequestsFromMapFunc(keyOfConnection))
	}
	return b.Complete(r)
}

// watchTokens makes the watches of token Secrets, which live in ctx. A change is told to the pool before the connection is
// queued, so that the very next request goes with the new token.
func (r *Reconciler) watchTokens(ctx context.Context, secrets metadata.Interface, queue func(tenant.Key)) {
	r.tokens = newTokenWatches(ctx, secrets, r.Logger, func(users []tenant.Key) {
		for _, key := range users {
			r.Pool.TokenChanged(key)
			queue(key)
		}
	})
}

// keyOfConnection is for events of connections themselves. None is left out: a status that somebody wiped is written
// again at once, and a reconcile without news costs no request to the API.
func keyOfConnection(_ context.Context, object client.Object) []tenant.Key {
	if connection, ok := object.(v1alpha1.ConnectionObject); ok {
		return []tenant.Key{tenant.KeyOf(connection)}
	}
	return nil
}

// gather is how long events of ApiKeys are gathered: those of a namespace come and go together.
const gather = 300 * time.Millisecond

// users is for events of ApiKeys.
func (r *Reconciler) users() handler.TypedEventHandler[client.Object, tenant.Key] {
	type queue = workqueue.TypedRateLimitingInterface[tenant.Key]
	add := func(q queue, object client.Object) {
		user, ok := object.(*v1alpha1.ApiKey)
		if !ok {
			return
		}
		if key := tenant.KeyFor(user); key.Kind != v1alpha1.KindClusterConnection || r.Options.ClusterConnections {
			q.AddAfter(key, gather)
		}
	}
	return handler.TypedFuncs[client.Object, tenant.Key]{
		CreateFunc: func(_ context.Context, e event.CreateEvent, q queue) { add(q, e.Object) },
		UpdateFunc: func(_ context.Context, e event.UpdateEvent, q queue) { add(q, e.ObjectNew) },
		DeleteFunc: func(_ context.Context, e event.DeleteEvent, q queue) { add(q, e.Object) },
	}
}

// useChanges lets pass what changes who uses a connection: ApiKeys that come, go, or gain or lose our finalizer.
func useChanges() predicate.Predicate {
	return predicate.Funcs{UpdateFunc: func(e event.UpdateEvent) bool {
		return controllerutil.ContainsFinalizer(e.ObjectOld, v1alpha1.FinalizerApiKey) != controllerutil.ContainsFinalizer(e.ObjectNew, v1alpha1.FinalizerApiKey) ||
			e.ObjectOld.GetDeletionTimestamp().IsZero() != e.ObjectNew.GetDeletionTimestamp().IsZero()
	}}
}
