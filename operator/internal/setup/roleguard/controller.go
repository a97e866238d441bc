package roleguard

import (
	"context"
	"errors"
	"slices"
	"time"

	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/util/workqueue"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/builder"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/event"
	"sigs.k8s.io/controller-runtime/pkg/handler"
	"sigs.k8s.io/controller-runtime/pkg/predicate"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"
	"sigs.k8s.io/controller-runtime/pkg/source"

	"github.com/betterdataco/terraform-provider-betterdata/operator/api/v1alpha1"
)

// lookAgain is how often the finalizers are seen to without any event: whoever replaces the Role instead of applying it
// removes them.
const lookAgain = 10 * time.Minute

// SetupWithManager registers a controller whose requests are the watched namespaces.
func (g *Guard) SetupWithManager(mgr ctrl.Manager, namespaces []string) error {
	byNamespace := handler.EnqueueRequestsFromMapFunc(func(_ context.Context, object client.Object) []reconcile.Request {
		return []reconcile.Request{requestFor(object.GetNamespace())}
	})
	// What an earlier process left behind has no event of its own.
	all := source.Func(func(_ context.Context, queue workqueue.TypedRateLimitingInterface[reconcile.Request]) error {
		for _, namespace := range namespaces {
			queue.Add(requestFor(namespace))
		}
		return nil
	})
	return ctrl.NewControllerManagedBy(mgr).Named("roleguard").
		Watches(&v1alpha1.ApiKey{}, byNamespace, builder.WithPredicates(finalizersChange)).
		Watches(&v1alpha1.Connection{}, byNamespace, builder.WithPredicates(finalizersChange)).
		WatchesRawSource(all).
		Complete(g)
}

// finalizersChange lets through what can change whether the Role is needed. Each look costs two live lists, and status
// changes all the time while many keys are made.
var finalizersChange = predicate.Funcs{
	UpdateFunc: func(e event.UpdateEvent) bool {
		return !slices.Equal(e.ObjectOld.GetFinalizers(), e.ObjectNew.GetFinalizers())
	},
}

func requestFor(namespace string) reconcile.Request {
	return reconcile.Request{NamespacedName: types.NamespacedName{Name: namespace}}
}

// Reconcile holds the namespace's Role and RoleBinding while they are needed, and lets go of them after that.
func (g *Guard) Reconcile(ctx context.Context, request ctrl.Request) (ctrl.Result, error) {
	namespace := request.Name
	defer g.lock(namespace)()
	needed, err := g.needed(ctx, namespace)
	if errors.Is(err, errNoRights) {
		return ctrl.Result{RequeueAfter: lookAgain}, nil // nor could anything be changed
	}
	if err != nil {
		return ctrl.Result{}, err
	}
	if !needed {
		return ctrl.Result{RequeueAfter: lookAgain}, g.release(ctx, namespace)
	}
	return ctrl.Result{RequeueAfter: lookAgain}, g.hold(ctx, namespace)
}
