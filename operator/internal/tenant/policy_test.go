package tenant

import (
	"errors"
	"slices"
	"sync"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/betterdataco/terraform-provider-betterdata/operator/api/v1alpha1"
	"github.com/betterdataco/terraform-provider-betterdata/operator/internal/controller/apikey"
)

// platform is a world with a ClusterConnection that works.
func (w *world) platform(change func(*v1alpha1.ClusterConnectionSpec)) *v1alpha1.ClusterConnection {
	w.t.Helper()
	obj := clusterConnection()
	change(&obj.Spec)
	w.mustCreate(obj, tokenSecret("vault", "platform-token", w.api.SessionToken()))
	return obj
}

// apiKeyOf makes an ApiKey of the platform's connection that is minutes old.
func (w *world) apiKeyOf(namespace, name string, minutes int, scopes ...string) {
	w.t.Helper()
	w.mustCreate(&v1alpha1.ApiKey{
		ObjectMeta: metav1.ObjectMeta{
			Namespace: namespace, Name: name, UID: types.UID("uid-" + namespace + "-" + name),
			CreationTimestamp: metav1.NewTime(time.Now().Add(-time.Duration(minutes) * time.Minute)),
		},
		Spec: v1alpha1.ApiKeySpec{
			ConnectionRef: v1alpha1.ConnectionReference{Kind: v1alpha1.KindClusterConnection, Name: "platform"}, Scopes: scopes,
		},
	})
}

func TestPolicy(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		change    func(*v1alpha1.ClusterConnectionSpec)
		namespace string
		scopes    []string
		want      apikey.Reason
	}{
		"allowed":            {func(*v1alpha1.ClusterConnectionSpec) {}, "shop", []string{"*"}, ""},
		"allowed by pattern": {func(*v1alpha1.ClusterConnectionSpec) {}, "team-7", []string{"*"}, ""},
		"other namespace":    {func(*v1alpha1.ClusterConnectionSpec) {}, "shopping", []string{"*"}, v1alpha1.ReasonNamespaceNotAllowed},
		"scopes covered": {
			func(s *v1alpha1.ClusterConnectionSpec) { s.AllowedScopes = []string{"inventory:*", "forecast:read"} },
			"shop", []string{"inventory:read", "inventory:*", "forecast:read"}, "",
		},
		"scope beyond": {
			func(s *v1alpha1.ClusterConnectionSpec) { s.AllowedScopes = []string{"inventory:*"} },
			"shop", []string{"inventory:read", "admin:write"}, v1alpha1.ReasonScopesNotAllowed,
		},
		"wildcard beyond": {
			func(s *v1alpha1.ClusterConnectionSpec) {
				s.AllowedScopes = []string{"inventory:read", "inventory:write"}
			},
			"shop", []string{"inventory:*"}, v1alpha1.ReasonScopesNotAllowed,
		},
		"no keys at all": {
			func(s *v1alpha1.ClusterConnectionSpec) { s.MaxKeys = new(int32) },
			"shop", []string{"*"}, v1alpha1.ReasonMaxKeysReached,
		},
	} {
		t.Run(name, func(t *testing.T) {
			inBubble(t, func(t *testing.T, w *world) {
				obj := w.platform(test.change)
				r := resource("reader", KeyOf(obj))
				r.Namespace, r.Settings.Scopes = test.namespace, test.scopes
				state := w.mustState(w.mustOpen(r))
				if state.RefusedReason != test.want || (state.Refused == "") != (test.want == "") {
					t.Errorf("got %s: %s", state.RefusedReason, state.Refused)
				}
				if !slices.Equal(state.AllowedScopes, obj.Spec.AllowedScopes) {
					t.Errorf("allowed scopes %v", state.AllowedScopes)
				}
			})
		})
	}
}

// maxKeys: those with a key keep their place, then the oldest come first; who may not use the connection takes no place.
func TestMaxKeys(t *testing.T) {
	inBubble(t, func(t *testing.T, w *world) {
		three := int32(3)
		obj := w.platform(func(s *v1alpha1.ClusterConnectionSpec) { s.MaxKeys, s.AllowedScopes = &three, []string{"inventory:*"} })
		w.apiKeyOf("elsewhere", "intruder", 99)
		w.apiKeyOf("shop", "greedy", 98, "admin:write")
		for name, age := range map[string]int{"oldest": 50, "old": 40, "mid": 30, "young": 20, "youngest": 10} {
			w.apiKeyOf("shop", name, age)
		}
		admitted := func(want ...string) {
			t.Helper()
			var got []string
			for _, name := range []string{"oldest", "old", "mid", "young", "youngest"} {
				if w.mustState(w.mustOpen(resource(name, KeyOf(obj)))).Refused == "" {
					got = append(got, name)
				}
			}
			if !slices.Equal(got, want) {
				t.Errorf("admitted %v, want %v", got, want)
			}
		}
		admitted("oldest", "old", "mid")
		w.ledgers.holders["uid-shop-youngest"] = true
		admitted("oldest", "old", "youngest")
		w.ledgers.holders["uid-elsewhere-intruder"] = true // it was allowed once, and its key lives
		admitted("oldest", "youngest")
		one := int32(1)
		mustChange(w, obj, func(obj *v1alpha1.ClusterConnection) { obj.Spec.MaxKeys = &one })
		admitted("youngest")
		mustChange(w, obj, func(obj *v1alpha1.ClusterConnection) { obj.Spec.MaxKeys = nil })
		admitted("oldest", "old", "mid", "young", "youngest")
	})
}

// Two of the same age: the uid decides, and the last place is given once although no ledger is to be seen yet.
func TestLastPlaceIsGivenOnce(t *testing.T) {
	inBubble(t, func(t *testing.T, w *world) {
		one := int32(1)
		obj := w.platform(func(s *v1alpha1.ClusterConnectionSpec) { s.MaxKeys = &one })
		w.apiKeyOf("shop", "b", 5)
		first := w.mustOpen(resource("b", KeyOf(obj)))
		w.apiKeyOf("shop", "a", 5) // it comes first, and was seen second
		second := w.mustOpen(resource("a", KeyOf(obj)))
		if state := w.mustState(second); state.Refused != "" {
			t.Errorf("refused: %s", state.Refused)
		}
		// b was judged before a was there.
		f, ok := first.(*connection)
		if !ok {
			t.Fatal("no connection")
		}
		f.entry.mints.reserve(time.Now(), "uid-shop-b", true, 1)
		var wg sync.WaitGroup
		for range 4 {
			wg.Go(func() { w.mustBe(second.ReserveMint(t.Context(), "uid-shop-a", true), apikey.ErrConflict) })
		}
		wg.Wait()
		f.entry.mints.giveBack(reservation{time.Now(), "uid-shop-b"})
		if err := second.ReserveMint(t.Context(), "uid-shop-a", true); err != nil {
			t.Error(err)
		}
	})
}

func TestState(t *testing.T) {
	inBubble(t, func(t *testing.T, w *world) {
		obj := w.connected()
		conn := w.open(obj)
		w.pool.options.Live = nil // caches and memory must do
		state := w.mustState(conn)
		w.pool.options.Live = w.kube
		if state.Identity != "Connection/shop/default/uid-shop-default" || state.PollInterval != 5*time.Minute || state.SuspendMinting ||
			state.AllowAdoption || state.AllowedScopes != nil || state.DropsNames || state.OthersDepend || state.TenantAccepted ||
			state.Refused != "" || !state.CapUntil.IsZero() || !state.QuotaUntil.IsZero() || len(state.TokenHeldBy) != 32 {
			t.Errorf("got %+v", state)
		}
		mustChange(w, obj, func(obj *v1alpha1.Connection) {
			obj.Spec.SuspendMinting, obj.Spec.AllowAdoption, obj.Spec.PollInterval = true, true, "1m"
		})
		w.open(obj).NamesDropped(t.Context())
		if state = w.mustState(w.open(obj)); !state.SuspendMinting || !state.AllowAdoption || state.PollInterval != time.Minute || !state.DropsNames {
			t.Errorf("got %+v", state)
		}
		if of, _ := w.pool.Facts(KeyOf(obj)); !of.DropsNames {
			t.Error("not told that names are dropped")
		}
		obj.Status.SuccessorMethod = v1alpha1.SuccessorCreate // as an earlier process wrote it
		if err := w.kube.Status().Update(t.Context(), obj); err != nil {
			t.Fatal(err)
		}
		w.pool = w.newPool(8)
		if state = w.mustState(w.open(obj)); !state.DropsNames {
			t.Error("forgotten that names are dropped")
		}
		w.pool = w.newPool(8)
		w.ledgers.err = errors.New("not synced")
		if _, err := w.open(obj).State(t.Context()); !errors.Is(err, w.ledgers.err) {
			t.Errorf("got %v", err)
		}
	})
}
