package tenant

import (
	"context"
	"errors"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/interceptor"
	"sigs.k8s.io/controller-runtime/pkg/controller/controllerutil"

	"github.com/betterdataco/terraform-provider-betterdata/apiclient"
	"github.com/betterdataco/terraform-provider-betterdata/apiclient/sandbox"
	"github.com/betterdataco/terraform-provider-betterdata/operator/api/v1alpha1"
	"github.com/betterdataco/terraform-provider-betterdata/operator/internal/controller/apikey"
)

func (w *world) mustHold(obj client.Object, want bool) {
	w.t.Helper()
	w.mustGet(obj)
	if got := controllerutil.ContainsFinalizer(obj, v1alpha1.FinalizerInUse); got != want {
		w.t.Errorf("in-use finalizer on %T %s: %t, want %t", obj, obj.GetName(), got, want)
	}
}

// Before a key can exist, nothing that its revocation needs can be deleted.
func TestReserveProtects(t *testing.T) {
	inBubble(t, func(t *testing.T, w *world) {
		obj := w.connected()
		if err := w.open(obj).ReserveMint(t.Context(), "uid-shop-reader", true); err != nil {
			t.Fatal(err)
		}
		w.mustHold(obj, true)
		w.mustHold(tokenSecret("shop", "default-token", ""), true)

		platform := w.platform(func(*v1alpha1.ClusterConnectionSpec) {})
		if err := w.open(platform).ReserveMint(t.Context(), "uid-shop-reader", true); err != nil {
			t.Fatal(err)
		}
		w.mustHold(platform, true)
		w.mustHold(tokenSecret("vault", "platform-token", ""), false) // not in the ApiKey's namespace
	})
}

// What differs from what was decided on, as a live read tells, stops the mint and leaves its place free. What is in deletion
// and cannot be held does not pass by looking again: as a conflict it would be tried twice a second, and nobody would be told.
func TestReserveReadsLive(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		change func(w *world, obj *v1alpha1.Connection)
		want   error
	}{
		"suspended": {func(w *world, obj *v1alpha1.Connection) {
			mustChange(w, obj, func(obj *v1alpha1.Connection) { obj.Spec.SuspendMinting = true })
		}, apikey.ErrConflict},
		"another address": {func(w *world, obj *v1alpha1.Connection) {
			mustChange(w, obj, func(obj *v1alpha1.Connection) { obj.Spec.BaseURL = "http://127.0.0.2:1/api" })
		}, apikey.ErrConflict},
		"another token": {func(w *world, _ *v1alpha1.Connection) { w.replaceToken(w.api.NewSessionToken()) }, apikey.ErrConflict},
		"no token":      {func(w *world, _ *v1alpha1.Connection) { w.dropTokenSecret() }, ErrTokenMissing},
		"deleted":       {func(w *world, obj *v1alpha1.Connection) { _ = w.kube.Delete(w.t.Context(), obj) }, apikey.ErrNotFound},
		"being deleted": {func(w *world, obj *v1alpha1.Connection) { w.beingDeleted(obj) }, apikey.ErrConnectionNotReady},
		"token being deleted": {func(w *world, _ *v1alpha1.Connection) {
			w.beingDeleted(tokenSecret("shop", "default-token", ""))
		}, apikey.ErrConnectionNotReady},
		"made anew": {func(w *world, obj *v1alpha1.Connection) {
			_ = w.kube.Delete(w.t.Context(), obj)
			again := connectionNamed("default")
			again.UID = "another"
			w.mustCreate(again)
		}, apikey.ErrConflict},
	} {
		t.Run(name, func(t *testing.T) {
			inBubble(t, func(t *testing.T, w *world) {
				obj := w.connected()
				conn := w.open(obj)
				test.change(w, obj)
				w.mustSend(0, func() { w.mustBe(conn.ReserveMint(t.Context(), "uid", true), test.want) })
				if c, ok := conn.(*connection); !ok || c.entry.mints.made("uid") || c.reserved != nil {
					t.Error("a mint was reserved")
				}
			})
		})
	}
}

// beingDeleted deletes an object that somebody else's finalizer holds.
func (w *world) beingDeleted(obj client.Object) {
	w.t.Helper()
	mustChange(w, obj, func(obj client.Object) { obj.SetFinalizers([]string{"example.com/other"}) })
	if err := w.kube.Delete(w.t.Context(), obj); err != nil {
		w.t.Fatal(err)
	}
}

// A connection in use that is being deleted still serves successors, and issues nothing to ApiKeys that have no key yet.
func TestReserveThroughDeletedConnectionInUse(t *testing.T) {
	inBubble(t, func(t *testing.T, w *world) {
		obj := w.connected()
		w.mustMint(w.open(obj))
		for _, held := range []client.Object{obj, tokenSecret("shop", "default-token", "")} {
			if err := w.kube.Delete(t.Context(), held); err != nil {
				t.Fatal(err)
			}
		}
		conn := w.open(obj)
		if err := conn.ReserveMint(t.Context(), "uid-shop-reader", false); err != nil {
			t.Errorf("a successor: %v", err)
		}
		w.mustBe(conn.ReserveMint(t.Context(), "uid-shop-new", true), apikey.ErrConnectionNotReady)
	})
}

// A finalizer that cannot be written stops the mint.
func TestReserveFailsWithTheFinalizer(t *testing.T) {
	t.Parallel()
	for name, lacks := range map[string]func(client.Object) bool{
		"token Secret": func(obj client.Object) bool { _, is := obj.(*corev1.Secret); return is },
		"Connection":   func(obj client.Object) bool { _, is := obj.(*v1alpha1.Connection); return is },
	} {
		t.Run(name, func(t *testing.T) {
			inBubble(t, func(t *testing.T, w *world) {
				obj := w.connected()
				conn := w.open(obj)
				broken := errors.New("the API server is away")
				w.pool.options.Client = interceptor.NewClient(w.kube.(client.WithWatch), interceptor.Funcs{ //nolint:forcetypeassert // the fake is one
					Patch: func(ctx context.Context, kube client.WithWatch, obj client.Object, patch client.Patch, opts ...client.PatchOption) error {
						if lacks(obj) {
							return broken
						}
						return kube.Patch(ctx, obj, patch, opts...)
					},
				})
				w.mustBe(conn.ReserveMint(t.Context(), "uid", true), broken)
				if c, ok := conn.(*connection); !ok || c.entry.mints.made("uid") {
					t.Error("the mint counts")
				}
			})
		})
	}
}

// A finalizer of ours on the token Secret is no change of the tenant that a person has accepted; an edit by somebody
// else may be one.
func TestReserveCarriesTheAcceptedTenant(t *testing.T) {
	inBubble(t, func(t *testing.T, w *world) {
		obj := w.connected()
		stamp, err := w.pool.TenantStamp(t.Context(), obj)
		if err != nil {
			t.Fatal(err)
		}
		obj.Status.AcceptedTenant = stamp
		if err := w.kube.Status().Update(t.Context(), obj); err != nil {
			t.Fatal(err)
		}
		w.mustMint(w.open(obj))
		w.pool.TokenChanged(KeyOf(obj)) // the watch tells of the finalizer
		if state := w.mustState(w.open(obj)); !state.TenantAccepted {
			t.Error("no longer accepted")
		}
		w.mustGet(obj)
		if obj.Status.AcceptedTenant == stamp {
			t.Error("the stamp does not tell of the change")
		}
	})
}

func TestMintsPerHour(t *testing.T) {
	inBubble(t, func(t *testing.T, w *world) {
		obj := w.connected()
		mustChange(w, obj, func(obj *v1alpha1.Connection) { obj.Spec.MintsPerHour = 3 })
		w.ledgers.known = []apikey.Known{{OwnerUID: "uid-before", IssuedAt: time.Now().Add(-30 * time.Minute)}}
		conn := w.open(obj)
		rotate := func() error {
			if err := conn.ReserveMint(t.Context(), "uid", false); err != nil {
				return err
			}
			_, err := conn.CreateKey(t.Context(), apiclient.CreateKeyRequest{Name: "n", Scopes: []string{"*"}})
			return err
		}
		w.api.AddFault(sandbox.Fault{Operation: sandbox.OpCreate, Kind: sandbox.FaultCutAfterCommit, Times: 1})
		w.mustBe(rotate(), apiclient.ErrOutcomeUnknown) // counts: a key may live
		w.api.ClearFaults()
		elapse(firstOutage)
		if err := rotate(); err != nil {
			t.Fatal(err)
		}
		w.mustBe(rotate(), apikey.ErrConflict)
		if until := w.mustState(conn).CapUntil; !until.IsZero() {
			t.Errorf("the first key of an ApiKey is capped until %s", until)
		}
		w.ledgers.holders["uid-shop-reader"] = true
		if until := w.mustState(conn).CapUntil; time.Until(until) != 30*time.Minute-firstOutage {
			t.Errorf("capped until %s", until)
		}
		if err := conn.ReserveMint(t.Context(), "uid-new", true); err != nil {
			t.Errorf("the first key of an ApiKey is capped: %v", err)
		}
		elapse(30 * time.Minute)
		if err := rotate(); err != nil {
			t.Error(err)
		}
	})
}

// A refused create has made no key, and takes nothing from the cap.
func TestRefusedMintIsGivenBack(t *testing.T) {
	inBubble(t, func(t *testing.T, w *world) {
		obj := w.connected()
		mustChange(w, obj, func(obj *v1alpha1.Connection) { obj.Spec.MintsPerHour = 1 })
		for range 5 {
			conn := w.open(obj)
			if err := conn.ReserveMint(t.Context(), "uid", false); err != nil {
				t.Fatal(err)
			}
			if _, err := conn.RotateKey(t.Context(), "none"); !apiclient.IsNotFound(err) {
				t.Fatalf("got %v", err)
			}
		}
	})
}
