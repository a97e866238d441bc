package tenant

import (
	"context"
	"errors"
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
	inBubble(t, func(t *testing.T, w *world) {
		w.connected()
		w.mustCreate(connectionNamed("main"))
		away := errors.New("the API server is away")
		for _, kind := range []client.ObjectList{&v1alpha1.ApiKeyList{}, &v1alpha1.ConnectionList{}, &v1alpha1.ClusterConnectionList{}} {
			failing := interceptor.NewClient(w.kube.(client.WithWatch), interceptor.Funcs{ //nolint:forcetypeassert // the fake is one
				List: func(ctx context.Context, kube client.WithWatch, list client.ObjectList, opts ...client.ListOption) error {
					if sameType(list, kind) {
						return away
					}
					return kube.List(ctx, list, opts...)
				},
			})
			for _, from := range []func(){
				func() { w.pool.options.Client = failing },
				func() { w.pool.options.Client, w.pool.options.Live = w.kube, failing },
			} {
				from()
				r := admin("main-token")
				r.DeletedAt = time.Now()
				_, err := w.mustOpen(r).State(t.Context())
				if _, isApiKeys := kind.(*v1alpha1.ApiKeyList); err == nil && isApiKeys {
					t.Error("no error")
				}
				if err != nil {
					w.mustBe(err, away)
				}
				w.pool.options.Live = w.kube
			}
		}
	})
}

func sameType(a, b client.ObjectList) bool {
	switch a.(type) {
	case *v1alpha1.ApiKeyList:
		_, same := b.(*v1alpha1.ApiKeyList)
		return same
	case *v1alpha1.ConnectionList:
		_, same := b.(*v1alpha1.ConnectionList)
		return same
	case *v1alpha1.ClusterConnectionList:
		_, same := b.(*v1alpha1.ClusterConnectionList)
		return same
	}
	return false
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
