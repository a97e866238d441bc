package setup

import (
	"context"
	"errors"
	"net/http"
	"sync/atomic"

	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/healthz"
)

// errNotSynced is what /readyz answers until all caches are filled.
var errNotSynced = errors.New("caches are not synced yet")

// syncedCheck is ready once the caches are filled, on the replica that works and on those that wait: one that could not
// take over at once is not ready.
type syncedCheck struct{ synced atomic.Bool }

// Start implements manager.Runnable. The manager starts it after its caches have synced.
func (c *syncedCheck) Start(ctx context.Context) error {
	c.synced.Store(true)
	<-ctx.Done()
	return nil
}

// NeedLeaderElection implements manager.LeaderElectionRunnable.
func (c *syncedCheck) NeedLeaderElection() bool { return false }

func (c *syncedCheck) check(*http.Request) error {
	if !c.synced.Load() {
		return errNotSynced
	}
	return nil
}

func addHealthChecks(mgr ctrl.Manager) error {
	caches := &syncedCheck{}
	return errors.Join(mgr.Add(caches), mgr.AddHealthzCheck("ping", healthz.Ping), mgr.AddReadyzCheck("caches", caches.check))
}
