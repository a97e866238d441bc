package setup

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/go-logr/logr"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/util/wait"
	"k8s.io/client-go/rest"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/betterdataco/terraform-provider-betterdata/operator/api/v1alpha1"
)

// askAgain is how often a namespace without rights is asked for again.
const askAgain = 15 * time.Second

// errRightsAppeared ends the process: caches cannot be given another namespace while they run.
var errRightsAppeared = errors.New("there are rights now in a namespace that had none: starting again, to watch it too")

// leaveOut takes the watched namespaces in which there are no rights from the settings, and returns them. A cache that may
// not list one namespace never fills, and would hold up all others: a single one that was deleted would stop the operator
// at its next start.
func leaveOut(ctx context.Context, config *rest.Config, s *Settings, logger logr.Logger) (missing []string, err error) {
	if !s.Namespaced() {
		return nil, nil
	}
	live, err := client.New(config, client.Options{Scheme: newScheme()})
	if err != nil {
		return nil, err
	}
	var granted []string
	for _, namespace := range s.WatchNamespaces {
		may, err := mayWatch(ctx, live, namespace)
		switch {
		case err != nil:
			return nil, err
		case may:
			granted = append(granted, namespace)
		default:
			missing = append(missing, namespace)
			logger.Info("No rights in this namespace: leaving it out until there are", "namespace", namespace)
		}
	}
	if len(granted) == 0 {
		return nil, fmt.Errorf("no rights in any namespace of --watch-namespaces=%s: apply config/rbac/namespaced there", strings.Join(missing, ","))
	}
	s.WatchNamespaces = granted
	return missing, nil
}

// mayWatch reports whether the API server lets us list ApiKeys.
func mayWatch(ctx context.Context, live client.Reader, namespace string) (bool, error) {
	err := live.List(ctx, &v1alpha1.ApiKeyList{}, client.InNamespace(namespace), client.Limit(1))
	if apierrors.IsForbidden(err) {
		return false, nil
	}
	return err == nil, missingDefinitions(err)
}

// rightsWatch ends the manager when there are rights in one of the namespaces.
type rightsWatch struct {
	live       client.Reader
	namespaces []string
}

// Start implements manager.Runnable.
func (w rightsWatch) Start(ctx context.Context) error {
	err := wait.PollUntilContextCancel(ctx, askAgain, false, func(ctx context.Context) (bool, error) {
		for _, namespace := range w.namespaces {
			if may, err := mayWatch(ctx, w.live, namespace); err == nil && may {
				return true, nil
			}
		}
		return false, nil
	})
	if err != nil {
		return nil //nolint:nilerr // ctx has ended: the manager stops
	}
	return errRightsAppeared
}

// NeedLeaderElection implements manager.LeaderElectionRunnable: who waits is to watch the namespace, too.
func (w rightsWatch) NeedLeaderElection() bool { return false }

func watchRights(mgr ctrl.Manager, missing []string) error {
	if len(missing) == 0 {
		return nil
	}
	return mgr.Add(rightsWatch{live: mgr.GetAPIReader(), namespaces: missing})
}
