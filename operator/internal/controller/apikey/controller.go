package apikey

import (
	"context"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/client-go/tools/events"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/cache"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/betterdataco/terraform-provider-betterdata/operator/api/v1alpha1"
)

// IndexByConnection is the name of the field index of ApiKeys by the Connection or ClusterConnection that they name.
const IndexByConnection = v1alpha1.GroupName + "/connection"

// Reconciler brings each ApiKey to where its Engine leads, and writes down in status where that is.
type Reconciler struct {
	Engine   *Engine
	Client   client.Client // reads ApiKeys from the cache, writes their status
	Recorder events.EventRecorder
	Metrics  Observer
	Now      func() time.Time
	// StrayRevoked is told of the Connection, by its identity, that a stray was revoked through. It may be nil.
	StrayRevoked func(connection string)
}

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

// Reconcile implements reconcile.Reconciler.
func (r *Reconciler) Reconcile(ctx context.Context, request ctrl.Request) (ctrl.Result, error) {
	outcome, err := r.Engine.Reconcile(ctx, Ref{Namespace: request.Namespace, Name: request.Name})
	if err != nil || outcome == nil || outcome.Rest.Until.IsZero() {
		return ctrl.Result{}, err
	}
	return ctrl.Result{RequeueAfter: max(outcome.Rest.Until.Sub(r.Now()), time.Millisecond)}, nil
}

// SetupWithManager registers the controller and its sources.
func (r *Reconciler) SetupWithManager(mgr ctrl.Manager, o ControllerOptions) error {
	return ctrl.NewControllerManagedBy(mgr).For(&v1alpha1.ApiKey{}).WatchesRawSource(o.Inbox).Complete(r)
}
