package apikey

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/go-logr/logr"
	"k8s.io/client-go/tools/events"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/controller/controllerutil"

	"github.com/betterdataco/terraform-provider-betterdata/operator/api/v1alpha1"
)

// Reconciler brings each ApiKey to where its Engine leads, and writes down in status where that is.
type Reconciler struct {
	Engine   *Engine
	Client   client.Client // reads ApiKeys from the cache, writes their status
	Recorder events.EventRecorder
	Metrics  Observer
	Now      func() time.Time
	Log      logr.Logger
	// StrayRevoked is told of the Connection, by its identity, that a stray was revoked through. It may be nil.
	StrayRevoked func(connection string)
}

// How a reconcile ended, for Observer.Reconciled.
const (
	outcomeReady    = "ready"    // the key in service is good, and nothing hinders
	outcomeWaiting  = "waiting"  // for something that passes by itself
	outcomeStalled  = "stalled"  // for a person
	outcomeGone     = "gone"     // there is no such ApiKey any more
	outcomeBusy     = "busy"     // the Connection could not answer soon
	outcomeConflict = "conflict" // somebody else was faster
	outcomeError    = "error"    // Kubernetes could not be read or written, or a ledger is damaged
)

// soon is when to come back after somebody else was faster: caches follow within that time.
const soon = 500 * time.Millisecond

// Reconcile implements reconcile.Reconciler.
func (r *Reconciler) Reconcile(ctx context.Context, request ctrl.Request) (ctrl.Result, error) {
	ref := Ref{Namespace: request.Namespace, Name: request.Name}
	if err := r.welcome(ctx, ref); err != nil {
		return ctrl.Result{}, err
	}
	outcome, err := r.Engine.Reconcile(ctx, ref)
	switch {
	case err != nil:
		return r.interrupted(ctx, ref, err)
	case outcome == nil:
		r.Metrics.ForgetApiKey(ref.Namespace, ref.Name)
		r.Metrics.Reconciled(outcomeGone)
		return ctrl.Result{}, nil
	case outcome.Resource == nil:
		return ctrl.Result{RequeueAfter: soon}, nil // there is more to do, and others have their turn
	}
	return r.record(ctx, outcome)
}

// welcome gives a new ApiKey its first conditions, before anything is asked of anybody.
func (r *Reconciler) welcome(ctx context.Context, ref Ref) error {
	return r.writeStatus(ctx, ref, func(a *v1alpha1.ApiKey) {
		isNew := !controllerutil.ContainsFinalizer(a, v1alpha1.FinalizerApiKey) && a.DeletionTimestamp.IsZero()
		if isNew && len(a.Status.Conditions) == 0 {
			a.Status = firstStatus(a.Generation, r.Now())
		}
	})
}

// record writes the outcome into status and metrics, and says when to look again.
func (r *Reconciler) record(ctx context.Context, outcome *Outcome) (ctrl.Result, error) {
	resource, now := outcome.Resource, r.Now()
	status := statusOf(outcome, now)
	r.Metrics.ApiKey(resource.Namespace, resource.Name, factsOf(status))
	r.Metrics.Reconciled(conclusion(status))
	var before v1alpha1.ApiKeyStatus
	err := r.writeStatus(ctx, resource.Ref(), func(a *v1alpha1.ApiKey) {
		before = a.Status
		released := !resource.DeletedAt.IsZero() && !resource.Finalizer // finalizers of others hold it: it is not ours any more
		if string(a.UID) == resource.UID && !released {
			a.Status = settled(a.Status, status)
		}
	})
	if err == nil {
		r.stalled(resource, before, status)
	}
	if err != nil || outcome.Rest.Until.IsZero() {
		return ctrl.Result{}, err
	}
	return ctrl.Result{RequeueAfter: max(outcome.Rest.Until.Sub(now), soon)}, nil
}

// interrupted ends a reconcile that could not come to an end. Being busy and being slower than somebody else are no news.
func (r *Reconciler) interrupted(ctx context.Context, ref Ref, err error) (ctrl.Result, error) {
	if busy, ok := errors.AsType[*BusyError](err); ok {
		r.Metrics.Reconciled(outcomeBusy)
		return ctrl.Result{RequeueAfter: max(busy.RetryAt.Sub(r.Now()), soon) + rand.N(soon)}, nil //nolint:gosec // spreads load, guards nothing
	}
	if errors.Is(err, ErrConflict) {
		r.Metrics.Reconciled(outcomeConflict)
		return ctrl.Result{RequeueAfter: soon + rand.N(soon)}, nil //nolint:gosec // as above
	}
	r.Metrics.Reconciled(outcomeError)
	if ctx.Err() != nil {
		return ctrl.Result{}, err
	}
	return ctrl.Result{}, errors.Join(err, r.recordInterruption(ctx, ref, err))
}

// recordInterruption writes into status and metrics what is left to be said of an ApiKey whose reconcile failed.
func (r *Reconciler) recordInterruption(ctx context.Context, ref Ref, cause error) error {
	var about *Resource // nil: there is no such ApiKey
	var before, after v1alpha1.ApiKeyStatus
	err := r.writeStatus(ctx, ref, func(a *v1alpha1.ApiKey) {
		before, after = a.Status, interruptedStatus(a.Status, a.Generation, describe(cause), r.Now())
		if errors.Is(cause, ErrLedgerDamaged) {
			after = damagedStatus(a.Status, a.Generation, describe(cause), r.Now())
		}
		about = &Resource{Object: Object{Namespace: a.Namespace, Name: a.Name, UID: string(a.UID)}, Version: a.ResourceVersion}
		a.Status = settled(a.Status, after)
	})
	if about == nil {
		return err
	}
	r.Metrics.ApiKey(ref.Namespace, ref.Name, factsOf(after))
	if err == nil {
		r.stalled(about, before, after)
	}
	return err
}

// writeStatus writes what change makes of the status, if that is anything new. The cache may lag behind what was last
// written; the event of that write then leads here again.
func (r *Reconciler) writeStatus(ctx context.Context, ref Ref, change func(*v1alpha1.ApiKey)) error {
	var a v1alpha1.ApiKey
	if err := r.Client.Get(ctx, client.ObjectKey{Namespace: ref.Namespace, Name: ref.Name}, &a); err != nil {
		return client.IgnoreNotFound(err)
	}
	patch := client.MergeFrom(a.DeepCopy())
	change(&a)
	if difference, err := patch.Data(&a); err != nil || string(difference) == "{}" {
		return err
	}
	if err := r.Client.Status().Patch(ctx, &a, patch, client.FieldOwner(v1alpha1.FieldOwner)); client.IgnoreNotFound(err) != nil {
		return fmt.Errorf("write the status of ApiKey %s/%s: %w", ref.Namespace, ref.Name, err)
	}
	return nil
}
