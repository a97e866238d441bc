package tenant

import (
	"testing"
	"time"

	"github.com/betterdataco/terraform-provider-betterdata/apiclient"
	"github.com/betterdataco/terraform-provider-betterdata/apiclient/sandbox"
	"github.com/betterdataco/terraform-provider-betterdata/operator/api/v1alpha1"
	"github.com/betterdataco/terraform-provider-betterdata/operator/internal/controller/apikey"
)

// A key is made, seen without another request, changed, tried and revoked.
func TestConnectionWorks(t *testing.T) {
	inBubble(t, func(t *testing.T, w *world) {
		obj := w.connected()
		conn := w.open(obj)
		w.mustView(conn, time.Minute)
		issued := w.mustMint(conn)
		if err := conn.Verify(t.Context(), issued.Plaintext); err != nil {
			t.Error(err)
		}
		w.mustSend(0, func() {
			if key, ok := w.mustView(w.open(obj), time.Minute).Get(issued.ID); !ok || !key.Live() {
				t.Errorf("got %v, %t", key, ok)
			}
		})
		if _, err := conn.UpdateKey(t.Context(), issued.ID, apiclient.UpdateKeyRequest{Name: "m", Scopes: issued.Scopes}); err != nil {
			t.Error(err)
		}
		rotated, err := conn.RotateKey(t.Context(), issued.ID)
		if err != nil {
			t.Fatal(err)
		}
		for _, id := range []string{issued.ID, rotated.ID} {
			if err := conn.RevokeKey(t.Context(), id); err != nil {
				t.Error(err)
			}
		}
		if live := w.api.LiveKeys(); len(live) != 0 {
			t.Errorf("%d keys live", len(live))
		}
		if got := w.metrics.all(); got["default list keys 200"] != 1 || got["default create key 201"] != 1 || got["default verify key 403"] != 1 ||
			got["default update key 200"] != 1 || got["default rotate key 201"] != 1 || got["default revoke key 200"] != 2 {
			t.Errorf("the metrics were told %v", got)
		}
	})
}

func TestOpenFindsNoConnection(t *testing.T) {
	inBubble(t, func(t *testing.T, w *world) {
		for _, ref := range []string{"Connection/shop/none", "ClusterConnection//none", "nonsense", "Connection/elsewhere/default"} {
			_, err := w.pool.Open(t.Context(), &apikey.Resource{ConnectionRef: ref})
			w.mustBe(err, apikey.ErrNotFound)
		}
		w.mustCreate(clusterConnection())
		w.pool.options.ClusterConnections = false
		_, err := w.pool.Open(t.Context(), resource("reader", Key{v1alpha1.KindClusterConnection, "", "platform"}))
		w.mustBe(err, apikey.ErrNotFound)
	})
}

// P6: any number of ApiKeys share one listing per interval.
func TestReadersShareAListing(t *testing.T) {
	inBubble(t, func(t *testing.T, w *world) {
		obj := w.connected()
		w.pool = w.newPool(400)
		w.mustSend(1, func() {
			errs := make(chan error)
			for range 200 {
				go func() {
					conn, err := w.pool.Open(t.Context(), resource("reader", KeyOf(obj)))
					if err == nil {
						_, err = conn.View(t.Context(), apiclient.Freshness{MaxAge: 5 * time.Minute})
					}
					errs <- err
				}()
			}
			for range 200 {
				if err := <-errs; err != nil {
					t.Error(err)
				}
			}
		})
		w.mustSend(0, func() { w.mustPoll(obj, 5*time.Minute) })
		elapse(6 * time.Minute)
		w.mustSend(1, func() {
			w.mustPoll(obj, 5*time.Minute)
			w.mustView(w.open(obj), 5*time.Minute)
		})
	})
}

// A listing that began after it was asked for is fresh enough, whatever age was allowed and however long it took.
func TestFreshnessCountsFromTheQuestion(t *testing.T) {
	inBubble(t, func(t *testing.T, w *world) {
		obj := w.connected()
		w.api.AddFault(sandbox.Fault{Operation: sandbox.OpList, Kind: sandbox.FaultLatency, Latency: time.Second})
		begun := time.Now()
		for i := range 3 {
			view := w.mustView(w.open(obj), time.Nanosecond)
			if want := begun.Add(time.Duration(i) * time.Second); !view.BegunAt().Equal(want) {
				t.Errorf("began at %s, want %s", view.BegunAt(), want)
			}
		}
	})
}

// Two connections to one tenant, with one token, share nothing: neither failures nor listings.
func TestTwoConnectionsToOneTenant(t *testing.T) {
	inBubble(t, func(t *testing.T, w *world) {
		one, other := w.connected(), connectionNamed("other")
		w.mustCreate(other, tokenSecret("shop", "other-token", w.api.SessionToken()))
		for _, obj := range []*v1alpha1.Connection{one, other} {
			w.mustSend(1, func() { w.mustView(w.open(obj), time.Minute) })
		}
		issued := w.mustMint(w.open(one))
		if _, ok := w.mustView(w.open(other), time.Minute).Get(issued.ID); ok {
			t.Error("the other knows the key without having listed it")
		}
		elapse(time.Second)
		if _, ok := w.mustView(w.open(other), time.Nanosecond).Get(issued.ID); !ok {
			t.Error("the other's listing lacks the key")
		}
		w.pool.StrayRevoked(Identity(one))
		if of, _ := w.pool.Facts(KeyOf(one)); of.StraysRevoked != 1 {
			t.Errorf("%d strays", of.StraysRevoked)
		}
		if of, _ := w.pool.Facts(KeyOf(other)); of.StraysRevoked != 0 {
			t.Errorf("%d strays of the other", of.StraysRevoked)
		}
	})
}

// Another object of the same name begins anew; one that is gone is forgotten.
func TestObjectsOfOneName(t *testing.T) {
	inBubble(t, func(t *testing.T, w *world) {
		obj := w.connected()
		w.mustView(w.open(obj), time.Hour)
		w.open(obj).NamesDropped(t.Context())
		if err := w.kube.Delete(t.Context(), obj); err != nil {
			t.Fatal(err)
		}
		again := connectionNamed("default")
		again.UID = "another"
		w.mustCreate(again)
		conn := w.open(again)
		if state := w.mustState(conn); state.Identity != Identity(again) || state.DropsNames {
			t.Errorf("got %+v", state)
		}
		w.mustSend(1, func() { w.mustView(conn, time.Hour) })
		w.pool.Forget(KeyOf(again))
		w.pool.TokenChanged(KeyOf(again))
		if _, known := w.pool.Facts(KeyOf(again)); known {
			t.Error("still known")
		}
	})
}

// A key that no ApiKey stands for is revoked through the object itself.
func TestPoolRevokesKey(t *testing.T) {
	inBubble(t, func(t *testing.T, w *world) {
		obj := w.connected()
		issued := w.mustMint(w.open(obj))
		if err := w.pool.RevokeKey(t.Context(), obj, issued.ID); err != nil {
			t.Fatal(err)
		}
		if live := w.api.LiveKeys(); len(live) != 0 {
			t.Errorf("%d keys live", len(live))
		}
	})
}
