package tenant

import (
	"context"
	"errors"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/interceptor"

	"github.com/betterdataco/terraform-provider-betterdata/apiclient"
	"github.com/betterdataco/terraform-provider-betterdata/operator/api/v1alpha1"
	"github.com/betterdataco/terraform-provider-betterdata/operator/internal/controller/apikey"
)

// replaceToken gives the Connection "default" another token.
func (w *world) replaceToken(value string) {
	w.t.Helper()
	w.secrets = append(w.secrets, value)
	mustChange(w, tokenSecret("shop", "default-token", ""), func(secret *corev1.Secret) {
		secret.Data = map[string][]byte{v1alpha1.DefaultTokenKey: []byte(value)}
	})
}

// dropTokenSecret deletes it as somebody does who does not care for finalizers.
func (w *world) dropTokenSecret() {
	w.t.Helper()
	mustChange(w, tokenSecret("shop", "default-token", ""), func(secret *corev1.Secret) { secret.Finalizers = nil })
	if err := w.kube.Delete(w.t.Context(), tokenSecret("shop", "default-token", "")); err != nil {
		w.t.Fatal(err)
	}
}

// A changed token is used by the very next request, failures of the old one are forgotten, and what was listed with it
// is not taken for the new one's tenant.
func TestChangedToken(t *testing.T) {
	inBubble(t, func(t *testing.T, w *world) {
		obj := w.connected()
		before := w.open(obj)
		w.mustView(before, time.Hour)
		was := w.mustState(before).TokenHeldBy
		w.api.RevokeSessionToken(w.api.SessionToken())
		if err := before.RevokeKey(t.Context(), "key_1"); !apiclient.IsUnauthorized(err) {
			t.Fatalf("got %v", err)
		}
		w.replaceToken(w.api.NewSessionToken())
		w.pool.TokenChanged(KeyOf(obj))

		// What was decided with the old token is not carried out with the new one.
		w.mustSend(0, func() {
			_, err := before.CreateKey(t.Context(), apiclient.CreateKeyRequest{Name: "n", Scopes: []string{"*"}})
			w.mustBeBusy(err)
			_, err = before.View(t.Context(), apiclient.Freshness{})
			w.mustBeBusy(err)
		})
		after := w.open(obj)
		if is := w.mustState(after).TokenHeldBy; is == was || is == "" {
			t.Errorf("the fingerprint is %q, was %q", is, was)
		}
		w.mustSend(1, func() { w.mustView(after, time.Hour) })
		w.mustMint(after)
	})
}

// The Secret is read once for a change, not for each request.
func TestUnchangedTokenIsNotReadAgain(t *testing.T) {
	inBubble(t, func(t *testing.T, w *world) {
		obj := w.connected()
		reads := 0
		w.pool.options.Live = countingReader{w.kube, &reads}
		for range 10 {
			w.mustView(w.open(obj), time.Hour)
		}
		if reads != 1 {
			t.Errorf("%d reads", reads)
		}
		w.pool.TokenChanged(KeyOf(obj)) // somebody edited a label, or the finalizer came
		w.mustSend(0, func() { w.mustView(w.open(obj), time.Hour) })
		w.mustPoll(obj, time.Hour) // no watch is relied upon
		if reads != 3 {
			t.Errorf("%d reads", reads)
		}
		w.replaceToken(w.api.NewSessionToken())
		was := w.mustState(w.open(obj)).TokenHeldBy
		if report := w.mustPoll(obj, time.Hour); report.TokenFingerprint == was {
			t.Error("a poll does not notice a changed token")
		}
	})
}

type countingReader struct {
	client.Reader
	reads *int
}

func (r countingReader) Get(ctx context.Context, key client.ObjectKey, obj client.Object, opts ...client.GetOption) error {
	*r.reads++
	return r.Reader.Get(ctx, key, obj, opts...)
}

// The token Secret is gone: the last good token revokes and mints nothing, and its connection says so.
func TestVanishedTokenStillRevokes(t *testing.T) {
	inBubble(t, func(t *testing.T, w *world) {
		obj := w.connected()
		issued := w.mustMint(w.open(obj))
		w.mustView(w.open(obj), time.Hour)
		w.dropTokenSecret()
		w.pool.TokenChanged(KeyOf(obj))
		conn := w.open(obj)
		if state := w.mustState(conn); state.TokenMissing == "" || state.TokenHeldBy == "" {
			t.Errorf("got %+v", state)
		}
		elapse(time.Minute)
		report := w.mustPoll(obj, time.Second)
		if report.View == nil || !errors.Is(report.Failure, ErrTokenMissing) || report.RetryAt.IsZero() {
			t.Errorf("reported %+v", report)
		}
		w.mustSend(0, func() { w.mustBe(conn.ReserveMint(t.Context(), "uid", false), ErrTokenMissing) })
		if err := conn.RevokeKey(t.Context(), issued.ID); err != nil || len(w.api.LiveKeys()) != 0 {
			t.Errorf("not revoked: %v", err)
		}

		w.mustCreate(tokenSecret("shop", "default-token", w.api.SessionToken()))
		elapse(rereadAfter) // even if nobody tells of it
		if state := w.mustState(w.open(obj)); state.TokenMissing != "" {
			t.Error("still suspended")
		}
		if report := w.mustPoll(obj, time.Hour); report.Failure != nil {
			t.Errorf("reported %+v", report)
		}
	})
}

// P5: the last good token never goes to an address that was set after it had vanished.
func TestVanishedTokenStaysWithItsAddress(t *testing.T) {
	inBubble(t, func(t *testing.T, w *world) {
		obj := w.connected()
		w.mustView(w.open(obj), time.Hour)
		w.dropTokenSecret()
		mustChange(w, obj, func(obj *v1alpha1.Connection) { obj.Spec.BaseURL, obj.Generation = "http://127.0.0.2:1/api", 2 })
		w.pool.TokenChanged(KeyOf(obj))
		conn, ok := w.open(obj).(*connection)
		if !ok || conn.session.client.BaseURL() != "http://127.0.0.1:1/api" {
			t.Fatalf("the token goes to %s", conn.session.client.BaseURL())
		}
		w.mustView(conn, time.Nanosecond)
		w.mustCreate(tokenSecret("shop", "default-token", w.api.SessionToken()))
		w.pool.TokenChanged(KeyOf(obj))
		if conn, ok := w.open(obj).(*connection); !ok || conn.session.client.BaseURL() != "http://127.0.0.2:1/api" {
			t.Error("the new address is not used")
		}
	})
}

// Nothing can be asked without a token, and the error tells what is missing where.
func TestNoTokenEver(t *testing.T) {
	inBubble(t, func(t *testing.T, w *world) {
		obj := connectionNamed("default")
		w.mustCreate(obj)
		for _, prepare := range []func(){
			func() {},
			func() { w.mustCreate(tokenSecret("shop", "default-token", " \n")) },
			func() {
				mustChange(w, tokenSecret("shop", "default-token", ""), func(secret *corev1.Secret) { secret.Data = nil })
			},
		} {
			prepare()
			w.pool.TokenChanged(KeyOf(obj))
			w.mustSend(0, func() {
				conn := w.open(obj)
				if state := w.mustState(conn); state.TokenMissing == "" || state.TokenHeldBy != "" {
					t.Errorf("got %+v", state)
				}
				_, err := conn.View(t.Context(), apiclient.Freshness{})
				w.mustBe(err, ErrTokenMissing)
				w.mustBe(err, apikey.ErrConnectionNotReady)
				w.mustBe(conn.RevokeKey(t.Context(), "key_1"), ErrTokenMissing)
				if err := conn.Verify(t.Context(), apiclient.NewSecret("new")); err != nil {
					t.Errorf("got %v", err)
				}
				if report := w.mustPoll(obj, time.Hour); report.View != nil || !errors.Is(report.Failure, ErrTokenMissing) {
					t.Errorf("reported %+v", report)
				}
				_, err = w.pool.TenantStamp(t.Context(), obj)
				w.mustBe(err, ErrTokenMissing)
			})
		}
	})
}

// A Secret that may not be read is no reason to stop revoking, and is told of.
func TestUnreadableToken(t *testing.T) {
	inBubble(t, func(t *testing.T, w *world) {
		obj := w.connected()
		w.mustView(w.open(obj), time.Hour)
		w.pool.options.Live = interceptor.NewClient(w.kube.(client.WithWatch), interceptor.Funcs{ //nolint:forcetypeassert // the fake is one
			Get: func(context.Context, client.WithWatch, client.ObjectKey, client.Object, ...client.GetOption) error {
				return apierrors.NewForbidden(schema.GroupResource{Resource: "secrets"}, "default-token", errors.New("no"))
			},
		})
		w.pool.TokenChanged(KeyOf(obj))
		conn := w.open(obj)
		if state := w.mustState(conn); state.TokenMissing == "" {
			t.Error("mints with a token that cannot be read")
		}
		w.mustView(conn, time.Nanosecond)
		if of, _ := w.pool.Facts(KeyOf(obj)); !apierrors.IsForbidden(of.Failure) {
			t.Errorf("got %+v", of)
		}
	})
}

// An API server that is away for a moment says nothing about the token.
func TestTokenReadFails(t *testing.T) {
	inBubble(t, func(t *testing.T, w *world) {
		obj := w.connected()
		w.mustView(w.open(obj), time.Hour)
		away := errors.New("the API server is away")
		w.pool.options.Live = interceptor.NewClient(w.kube.(client.WithWatch), interceptor.Funcs{ //nolint:forcetypeassert // the fake is one
			Get: func(context.Context, client.WithWatch, client.ObjectKey, client.Object, ...client.GetOption) error {
				return away
			},
		})
		w.pool.TokenChanged(KeyOf(obj))
		_, err := w.pool.Open(t.Context(), resource("reader", KeyOf(obj)))
		w.mustBe(err, away)
		_, err = w.pool.Poll(t.Context(), obj, time.Hour)
		w.mustBe(err, away)
		w.pool.options.Live = w.kube
		if state := w.mustState(w.open(obj)); state.TokenMissing != "" {
			t.Error("minting is suspended")
		}
		w.mustSend(0, func() { w.mustView(w.open(obj), time.Hour) })
	})
}

// P5: a token that no header can carry is refused without being quoted.
func TestUnusableToken(t *testing.T) {
	inBubble(t, func(t *testing.T, w *world) {
		obj := w.connected()
		w.replaceToken("radioactive\nradioactive")
		w.secrets = append(w.secrets, "radioactive")
		_, err := w.open(obj).View(t.Context(), apiclient.Freshness{})
		invalid, ok := errors.AsType[*InvalidSettingsError](err)
		if !ok {
			t.Fatalf("got %v", err)
		}
		w.mustBe(invalid, apikey.ErrConnectionNotReady)
		if report := w.mustPoll(obj, time.Hour); !errors.Is(report.Failure, invalid) || report.View != nil {
			t.Errorf("reported %+v", report)
		}
	})
}

// The stamp changes with the address and with the Secret, and with nothing else.
func TestTenantStamp(t *testing.T) {
	inBubble(t, func(t *testing.T, w *world) {
		obj := w.connected()
		seen := map[string]bool{}
		stamp := func() string {
			t.Helper()
			got, err := w.pool.TenantStamp(t.Context(), obj)
			if err != nil || got == "" || len(got) > 64 {
				t.Fatalf("got %q, %v", got, err)
			}
			return got
		}
		first := stamp()
		w.mustView(w.open(obj), time.Hour)
		if again := stamp(); again != first {
			t.Errorf("%s became %s", first, again)
		}
		seen[first] = true
		w.replaceToken(w.api.NewSessionToken())
		seen[stamp()] = true
		mustChange(w, obj, func(obj *v1alpha1.Connection) { obj.Spec.BaseURL, obj.Generation = "http://127.0.0.2:1/api", 2 })
		seen[stamp()] = true
		if len(seen) != 3 {
			t.Errorf("%d stamps", len(seen))
		}
		if state := w.mustState(w.open(obj)); state.TenantAccepted {
			t.Error("nobody accepted it")
		}
		obj.Status.AcceptedTenant = stamp()
		if err := w.kube.Status().Update(t.Context(), obj); err != nil {
			t.Fatal(err)
		}
		if state := w.mustState(w.open(obj)); !state.TenantAccepted {
			t.Error("not accepted")
		}
		w.replaceToken(w.api.NewSessionToken())
		w.pool.TokenChanged(KeyOf(obj))
		if state := w.mustState(w.open(obj)); state.TenantAccepted {
			t.Error("the acceptance holds for another token")
		}
	})
}
