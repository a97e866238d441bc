package setup

import (
	"context"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/go-logr/logr"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/meta"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/cache"
	"sigs.k8s.io/controller-runtime/pkg/client"
	ctrlmetrics "sigs.k8s.io/controller-runtime/pkg/metrics"

	"github.com/betterdataco/terraform-provider-betterdata/operator/api/v1alpha1"
	"github.com/betterdataco/terraform-provider-betterdata/operator/internal/cluster"
	"github.com/betterdataco/terraform-provider-betterdata/operator/internal/controller/apikey"
	"github.com/betterdataco/terraform-provider-betterdata/operator/internal/controller/connection"
	"github.com/betterdataco/terraform-provider-betterdata/operator/internal/metrics"
	"github.com/betterdataco/terraform-provider-betterdata/operator/internal/tenant"
)

// effects are the ways by which the operator changes anything.
type effects struct {
	cluster     apikey.Cluster
	connections apikey.Connections
	client      client.Client // writes of status
}

// wire makes the operator of its parts: API clients (tenant), Kubernetes (cluster), and the controllers over both.
func (p Program) wire(ctx context.Context, mgr ctrl.Manager, s *Settings, logger logr.Logger) error {
	if err := identify(ctx, mgr.GetAPIReader(), s); err != nil {
		return err
	}
	ledgers, err := newLedgerCache(mgr, s)
	if err != nil {
		return err
	}
	if err := prepareCaches(ctx, mgr, ledgers, s); err != nil {
		return err
	}
	recorder := metrics.New(time.Now)
	if err := recorder.Register(ctrlmetrics.Registry); err != nil {
		return err
	}
	kube := cluster.New(cluster.Options{Client: mgr.GetClient(), Live: mgr.GetAPIReader(), Ledgers: ledgers, ClusterID: s.ClusterID})
	apiLogger := slog.New(logr.ToSlogHandler(logger.WithName("api")))
	pool := tenant.New(tenant.Options{
		Client: mgr.GetClient(), Live: mgr.GetAPIReader(), ClusterConnections: !s.Namespaced(), Ledgers: kube, Now: time.Now,
		UserAgent: p.userAgent(), Logger: apiLogger, Workers: s.Workers, Metrics: recorder,
	})
	e, err := withFaults(effects{cluster: kube, connections: pool, client: mgr.GetClient()}, p.Err)
	if err != nil {
		return err
	}
	if e, err = withRoleGuard(mgr, s, e); err != nil {
		return err
	}
	return addControllers(mgr, s, parts{effects: e, kube: kube, pool: pool, ledgers: ledgers, recorder: recorder, logger: apiLogger})
}

// parts is what controllers are made of.
type parts struct {
	effects

	kube     *cluster.Cluster
	pool     *tenant.Pool
	ledgers  cache.Cache
	recorder *metrics.Recorder
	logger   *slog.Logger
}

func addControllers(mgr ctrl.Manager, s *Settings, p parts) error {
	inbox := apikey.NewInbox()
	keys := &apikey.Reconciler{
		Engine: &apikey.Engine{
			Cluster: p.cluster, Connections: p.connections, Now: time.Now,
			LeaderSince: sync.OnceValue(time.Now), // first asked by a reconcile, which only the leader runs
			Policy:      apikey.Policy{StrayGrace: s.StrayGrace},
		},
		Client: p.client, Recorder: mgr.GetEventRecorder(v1alpha1.ManagedBy), Metrics: p.recorder, Now: time.Now, Log: mgr.GetLogger().WithName("apikey"), StrayRevoked: p.pool.StrayRevoked,
	}
	connections := &connection.Reconciler{
		Client: mgr.GetClient(), Live: mgr.GetAPIReader(), Pool: p.pool, Ledgers: p.kube, Enqueue: inbox.Push,
		Recorder: mgr.GetEventRecorder(v1alpha1.ManagedBy), Metrics: p.recorder, Logger: p.logger, Now: time.Now,
		Options: connection.Options{
			ClusterID: s.ClusterID, ClusterConnections: !s.Namespaced(), OrphanPolicy: s.OrphanPolicy, StrayGrace: s.StrayGrace,
		},
	}
	if err := connections.SetupWithManager(mgr, s.Workers); err != nil {
		return err
	}
	return keys.SetupWithManager(mgr, apikey.ControllerOptions{
		Workers: s.Workers, Ledgers: p.ledgers, Inbox: inbox, OwnerOf: cluster.OwnerOf,
		ConnectionKey:      func(c v1alpha1.ConnectionObject) string { return tenant.KeyOf(c).String() },
		ClusterConnections: !s.Namespaced(),
	})
}

// identify gives the cluster its identity unless --cluster-id does: the UID of kube-system, which lasts as long as the
// cluster.
func identify(ctx context.Context, live client.Reader, s *Settings) error {
	if s.ClusterID != "" {
		return nil
	}
	var system corev1.Namespace
	if err := live.Get(ctx, client.ObjectKey{Name: "kube-system"}, &system); err != nil {
		return fmt.Errorf("reading the namespace kube-system, whose UID identifies the cluster (--cluster-id does as well): %w", err)
	}
	s.ClusterID = string(system.UID)
	return nil
}

// ledgerCache holds ledger Secrets and nothing else. A cache has one selector for each kind, and the manager's has
// that of the targets. As something with a cache the manager starts and fills it before any controller.
type ledgerCache struct{ cache.Cache }

// GetCache makes the manager treat it as a cache.
func (c ledgerCache) GetCache() cache.Cache { return c.Cache }

func newLedgerCache(mgr ctrl.Manager, s *Settings) (cache.Cache, error) {
	o := cacheOptions(s, cluster.LedgerSelector())
	o.Scheme, o.Mapper, o.HTTPClient = mgr.GetScheme(), mgr.GetRESTMapper(), mgr.GetHTTPClient()
	ledgers, err := cache.New(mgr.GetConfig(), o)
	if err != nil {
		return nil, err
	}
	return ledgers, mgr.Add(ledgerCache{ledgers})
}

// prepareCaches names everything that is cached and how it is found. What is not named here cannot be read from a cache.
func prepareCaches(ctx context.Context, mgr ctrl.Manager, ledgers cache.Cache, s *Settings) error {
	if err := tenant.Index(ctx, mgr.GetFieldIndexer()); err != nil {
		return missingDefinitions(err)
	}
	if err := cluster.IndexLedgers(ctx, ledgers); err != nil {
		return err
	}
	kinds := []client.Object{&v1alpha1.ApiKey{}, &v1alpha1.Connection{}, &corev1.Secret{}}
	if !s.Namespaced() {
		kinds = append(kinds, &v1alpha1.ClusterConnection{})
	}
	for _, kind := range kinds {
		if _, err := mgr.GetCache().GetInformer(ctx, kind, cache.BlockUntilSynced(false)); err != nil {
			return missingDefinitions(err)
		}
	}
	_, err := ledgers.GetInformer(ctx, &corev1.Secret{}, cache.BlockUntilSynced(false))
	return err
}

// missingDefinitions says what to do where the API server does not know our kinds.
func missingDefinitions(err error) error {
	if meta.IsNoMatchError(err) {
		return fmt.Errorf("%w: install the CustomResourceDefinitions first (kubectl apply -k config/crd)", err)
	}
	return err
}
