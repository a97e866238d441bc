package tenant

import (
	"context"
	"errors"
	"reflect"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/interceptor"

	"github.com/betterdataco/terraform-provider-betterdata/operator/api/v1alpha1"
	"github.com/betterdataco/terraform-provider-betterdata/operator/internal/controller/apikey"
)

// user is an ApiKey that names a connection.
func (w *world) user(namespace, name string, ref v1alpha1.ConnectionReference, finalizers ...string) {
	w.t.Helper()
	w.mustCreate(&v1alpha1.ApiKey{
		ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: name, UID: types.UID("uid-" + namespace + "-" + name), Finalizers: finalizers},
		Spec:       v1alpha1.ApiKeySpec{ConnectionRef: ref},
	})
}

// admin is an ApiKey whose target is the token of other connections.
func admin(target string) *apikey.Resource {
	r := resource("admin", Key{v1alpha1.KindConnection, "shop", "default"})
	r.Settings.TargetName = target
	return r
}

func TestOthersDepend(t *testing.T) {
	t.Parallel()
	platform := v1alpha1.ConnectionReference{Kind: v1alpha1.KindClusterConnection, Name: "platform"}
	main := v1alpha1.ConnectionReference{Name: "main"}
	const held = v1alpha1.FinalizerApiKey
	for name, test := range map[string]struct {
		target string
		users  func(w *world)
		want   bool
	}{
		"nobody":                       {"main-token", func(*world) {}, false},
		"another, with a key":          {"main-token", func(w *world) { w.user("shop", "reader", main, held) }, true},
		"another, without a finalizer": {"main-token", func(w *world) { w.user("shop", "reader", main) }, false},
		"itself alone":                 {"main-token", func(w *world) { w.user("shop", "admin", main, held) }, false},
		"another of another":           {"main-token", func(w *world) { w.user("shop", "reader", v1alpha1.ConnectionReference{}, held) }, false},
		"another target":               {"elsewhere", func(w *world) { w.user("shop", "reader", main, held) }, false},
		"same names elsewhere":         {"main-token", func(w *world) { w.user("bakery", "reader", main, held) }, false},
		"ClusterConnection":            {"platform-token", func(w *world) { w.user("bakery", "reader", platform, held) }, true},
		"ClusterConnection, nobody":    {"platform-token", func(w *world) { w.user("bakery", "reader", platform) }, false},
	} {
		for _, deleted := range []time.Time{{}, time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC)} {
			t.Run(name, func(t *testing.T) {
				inBubble(t, func(t *testing.T, w *world) {
					w.connected()
					cluster := clusterConnection()
					cluster.Spec.TokenSecretRef.Namespace = "shop"
					w.mustCreate(connectionNamed("main"), cluster)
					test.users(w)
					r := admin(test.target)
					r.DeletedAt = deleted
					if state := w.mustState(w.mustOpen(r)); state.OthersDepend != test.want {
						t.Errorf("got %t, want %t", state.OthersDepend, test.want)
					}
				})
			})
		}
	}
}

// The last word on a deletion is a live read: the cache may not know yet of an ApiKey that has just been made.
func TestOthersDependIsReadLive(t *testing.T) {
	inBubble(t, func(t *testing.T, w *world) {
		w.connected()
		w.mustCreate(connectionNamed("main"))
		w.user("shop", "reader", v1alpha1.ConnectionReference{Name: "main"}, v1alpha1.FinalizerApiKey)
		w.pool.options.Client = interceptor.NewClient(w.kube.(client.WithWatch), interceptor.Funcs{ //nolint:forcetypeassert // the fake is one
			List: func(ctx context.Context, kube client.WithWatch, list client.ObjectList, opts ...client.ListOption) error {
				if _, stale := list.(*v1alpha1.ApiKeyList); stale {
					return nil
				}
				return kube.List(ctx, list, opts...)
			},
		})
		r := admin("main-token")
		if state := w.mustState(w.mustOpen(r)); state.OthersDepend {
			t.Error("the cache was not asked")
		}
		r.DeletedAt = time.Now()
		if state := w.mustState(w.mustOpen(r)); !state.OthersDepend {
			t.Error("the cache was believed")
		}
	})
}

// What cannot be read is an error and never "nobody".
func TestOthersDependUnknown(t *testing.T) {
	t.Parallel()
	away := errors.New("the API server is away")
	is := func(want client.ObjectList) func(client.ObjectList) bool {
		return func(list client.ObjectList) bool { return reflect.TypeOf(list) == reflect.TypeOf(want) }
	}
	for name, test := range map[string]struct {
		lacks func(client.ObjectList) bool
		live  bool
	}{
		"ApiKeys, cached":            {is(&v1alpha1.ApiKeyList{}), false},
		"ApiKeys, live":              {is(&v1alpha1.ApiKeyList{}), true},
		"Connections, cached":        {is(&v1alpha1.ConnectionList{}), false},
		"ClusterConnections, cached": {is(&v1alpha1.ClusterConnectionList{}), false},
	} {
		t.Run(name, func(t *testing.T) {
			inBubble(t, func(t *testing.T, w *world) {
				w.connected()
				w.mustCreate(connectionNamed("main"))
				r := admin("main-token")
				r.DeletedAt = time.Now()
				conn := w.mustOpen(r)
				failing := interceptor.NewClient(w.kube.(client.WithWatch), interceptor.Funcs{ //nolint:forcetypeassert // the fake is one
					List: func(ctx context.Context, kube client.WithWatch, list client.ObjectList, opts ...client.ListOption) error {
						if test.lacks(list) {
							return away
						}
						return kube.List(ctx, list, opts...)
					},
				})
				if test.live {
					w.pool.options.Live = failing
				} else {
					w.pool.options.Client = failing
				}
				_, err := conn.State(t.Context())
				w.mustBe(err, away)
			})
		})
	}
}

// In namespaced mode there is no informer of ClusterConnections to ask.
func TestOthersDependInNamespacedMode(t *testing.T) {
	inBubble(t, func(t *testing.T, w *world) {
		w.connected()
		cluster := clusterConnection()
		cluster.Spec.TokenSecretRef.Namespace = "shop"
		w.mustCreate(cluster)
		w.user("shop", "reader", v1alpha1.ConnectionReference{Kind: v1alpha1.KindClusterConnection, Name: "platform"}, v1alpha1.FinalizerApiKey)
		w.pool.options.ClusterConnections = false
		if state := w.mustState(w.mustOpen(admin("platform-token"))); state.OthersDepend {
			t.Error("ClusterConnections were asked for")
		}
	})
}
