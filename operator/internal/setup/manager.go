package setup

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"time"

	"github.com/go-logr/logr"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/client-go/rest"
	"k8s.io/klog/v2"
	"k8s.io/utils/ptr"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/cache"
	"sigs.k8s.io/controller-runtime/pkg/client"
	kubeconfig "sigs.k8s.io/controller-runtime/pkg/client/config"
	managerconfig "sigs.k8s.io/controller-runtime/pkg/config"
	"sigs.k8s.io/controller-runtime/pkg/log/zap"
	"sigs.k8s.io/controller-runtime/pkg/metrics/filters"
	metricsserver "sigs.k8s.io/controller-runtime/pkg/metrics/server"

	"github.com/betterdataco/terraform-provider-betterdata/operator/api/v1alpha1"
	"github.com/betterdataco/terraform-provider-betterdata/operator/internal/cluster"
)

// shutdownGrace is how long a stopping manager waits for what is under way: a POST that creates a key and the write that
// makes it durable, 20 s each. The pod's terminationGracePeriodSeconds is longer.
const shutdownGrace = 50 * time.Second

// manage runs the manager until ctx ends.
func (p Program) manage(ctx context.Context, s *Settings) error {
	if s.ShowVersion {
		_, err := fmt.Fprintln(p.Out, p.Version)
		return err
	}
	if err := s.validate(); err != nil {
		return err
	}
	config, err := kubeconfig.GetConfig()
	if err != nil {
		return err
	}
	config.UserAgent = p.userAgent()
	config.WarningHandler = rest.NoWarnings{} // an admission policy that warns may quote a Secret
	logger := zap.New(zap.UseFlagOptions(&s.Log), zap.WriteTo(p.Err))
	ctrl.SetLogger(logger)
	klog.SetLogger(logger.WithName("client-go"))

	missing, err := leaveOut(ctx, config, s, logger)
	if err != nil {
		return err
	}
	mgr, err := newManager(config, s, logger)
	if err != nil {
		return err
	}
	if err := errors.Join(addHealthChecks(mgr), watchRights(mgr, missing)); err != nil {
		return err
	}
	if err := p.wire(ctx, mgr, s, logger); err != nil {
		return err
	}
	logger.Info("Starting", "version", p.Version, "namespaces", s.WatchNamespaces, "leaderElection", s.LeaderElect)
	return mgr.Start(ctx)
}

// userAgent is what the API server and the Better Data API see.
func (p Program) userAgent() string { return v1alpha1.ManagedBy + "/" + p.Version }

func newManager(config *rest.Config, s *Settings, logger logr.Logger) (ctrl.Manager, error) {
	return ctrl.NewManager(config, ctrl.Options{
		Scheme:                        newScheme(),
		Logger:                        logger,
		Cache:                         cacheOptions(s, cluster.TargetSelector()),
		Client:                        client.Options{FieldOwner: v1alpha1.FieldOwner},
		Controller:                    managerconfig.Controller{EnableWarmup: ptr.To(true)},
		Metrics:                       metricsOptions(s),
		HealthProbeBindAddress:        s.HealthAddress,
		LeaderElection:                s.LeaderElect,
		LeaderElectionID:              LeaderElectionID,
		LeaderElectionNamespace:       s.LeaderElectionNamespace,
		LeaderElectionReleaseOnCancel: true, // the process ends with the manager
		GracefulShutdownTimeout:       ptr.To(shutdownGrace),
	})
}

// metricsOptions serve metrics to whom the API server admits. HTTP/2 is off: one scrape a minute gains nothing by it, and
// its attacks by streams that are reset at once come before any authentication.
func metricsOptions(s *Settings) metricsserver.Options {
	o := metricsserver.Options{BindAddress: s.MetricsAddress, SecureServing: s.MetricsSecure}
	if s.MetricsSecure {
		o.FilterProvider = filters.WithAuthenticationAndAuthorization
		o.TLSOpts = []func(*tls.Config){func(c *tls.Config) { c.NextProtos = []string{"http/1.1"} }}
	}
	return o
}

// cacheOptions are those of a cache whose Secrets are chosen by the selector. A read of a kind that has no informer is
// an error: it would start to watch all objects of that kind, Secrets of others among them.
func cacheOptions(s *Settings, secrets cache.ByObject) cache.Options {
	o := cache.Options{
		ReaderFailOnMissingInformer: true,
		DefaultTransform:            cache.TransformStripManagedFields(),
		ByObject:                    map[client.Object]cache.ByObject{&corev1.Secret{}: secrets},
	}
	for _, namespace := range s.WatchNamespaces {
		if o.DefaultNamespaces == nil {
			o.DefaultNamespaces = map[string]cache.Config{}
		}
		o.DefaultNamespaces[namespace] = cache.Config{}
	}
	return o
}
