package setup

import (
	"context"

	ctrl "sigs.k8s.io/controller-runtime"

	"github.com/betterdataco/terraform-provider-betterdata/operator/internal/controller/apikey"
	"github.com/betterdataco/terraform-provider-betterdata/operator/internal/setup/roleguard"
)

// withRoleGuard keeps, in namespaced mode, the Role in each namespace as long as ApiKeys there need it.
func withRoleGuard(mgr ctrl.Manager, s *Settings, e effects) (effects, error) {
	if !s.Namespaced() {
		return e, nil
	}
	guard, err := roleguard.New(mgr.GetConfig(), mgr.GetAPIReader(), mgr.GetClient(), RoleName)
	if err != nil {
		return e, err
	}
	e.cluster = guardedCluster{e.cluster, guard}
	return e, guard.SetupWithManager(mgr, s.WatchNamespaces)
}

// guardedCluster holds the Role before an ApiKey gets its finalizer, which precedes its first key.
type guardedCluster struct {
	apikey.Cluster

	guard *roleguard.Guard
}

// AddFinalizer implements apikey.Cluster.
func (c guardedCluster) AddFinalizer(ctx context.Context, r *apikey.Resource) error {
	return c.guard.While(ctx, r.Namespace, func() error { return c.Cluster.AddFinalizer(ctx, r) })
}
