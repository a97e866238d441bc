package tenant

import (
	"errors"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/betterdataco/terraform-provider-betterdata/apiclient"
	"github.com/betterdataco/terraform-provider-betterdata/apiclient/sandbox"
	"github.com/betterdataco/terraform-provider-betterdata/operator/api/v1alpha1"
	"github.com/betterdataco/terraform-provider-betterdata/operator/internal/controller/apikey"
)

// everybody has n ApiKeys ask for a listing, one after the other.
func (w *world) everybody(obj v1alpha1.ConnectionObject, n int) (last error) {
	for range n {
		conn, err := w.pool.Open(w.t.Context(), resource("reader", KeyOf(obj)))
		if err == nil {
			_, err = conn.View(w.t.Context(), apiclient.Freshness{MaxAge: time.Minute})
		}
		last = err
	}
	return last
}

// P6: a dead token costs one request per backoff, whatever number of ApiKeys ask, and everybody learns why.
func TestDeadTokenIsNoStorm(t *testing.T) {
	inBubble(t, func(t *testing.T, w *world) {
		obj := w.connected()
		w.mustView(w.open(obj), time.Minute)
		w.api.RevokeSessionToken(w.api.SessionToken())
		elapse(2 * time.Minute)
		for _, backoff := range []time.Duration{time.Minute, 2 * time.Minute, 4 * time.Minute, 8 * time.Minute, 10 * time.Minute, 10 * time.Minute} {
			w.mustSend(1, func() {
				err := w.everybody(obj, 200)
				if !apiclient.IsUnauthorized(err) {
					t.Errorf("got %v", err)
				}
			})
			report := w.mustPoll(obj, time.Minute)
			if report.View != nil || !apiclient.IsUnauthorized(report.Failure) || report.Authentication != v1alpha1.AuthenticationRejected {
				t.Errorf("reported %+v", report)
			}
			if wait := time.Until(report.RetryAt); wait != backoff {
				t.Errorf("come back in %s, want %s", wait, backoff)
			}
			elapse(backoff - time.Second)
			w.mustSend(0, func() { _ = w.everybody(obj, 5) })
			elapse(time.Second)
		}
	})
}

// A 403 on the listing waits as a 401 does, and has a name of its own.
func TestForbiddenToken(t *testing.T) {
	inBubble(t, func(t *testing.T, w *world) {
		obj := w.connected()
		w.api.SetOrganisationActive(false)
		w.mustSend(1, func() {
			report := w.mustPoll(obj, time.Minute)
			if !apiclient.IsForbidden(report.Failure) || report.Authentication != v1alpha1.AuthenticationForbidden || time.Until(report.RetryAt) != time.Minute {
				t.Errorf("reported %+v", report)
			}
			_ = w.everybody(obj, 20)
		})
		w.api.SetOrganisationActive(true)
		elapse(time.Minute)
		if report := w.mustPoll(obj, time.Minute); report.View == nil || report.Failure != nil || report.Authentication != v1alpha1.AuthenticationAccepted {
			t.Errorf("reported %+v", report)
		}
	})
}

// An API that is down, or not understood, is asked again after 5 s, doubling up to the poll interval; then all is well
// by itself.
func TestOutage(t *testing.T) {
	t.Parallel()
	for _, kind := range []sandbox.FaultKind{sandbox.FaultServerError, sandbox.FaultBadGateway, sandbox.FaultCutBefore, sandbox.FaultUnknownShape} {
		t.Run(string(kind), func(t *testing.T) {
			inBubble(t, func(t *testing.T, w *world) {
				obj := w.connected()
				mustChange(w, obj, func(obj *v1alpha1.Connection) { obj.Spec.PollInterval = "30s" })
				w.api.AddFault(sandbox.Fault{Operation: sandbox.OpList, Kind: kind})
				for _, backoff := range []time.Duration{5 * time.Second, 10 * time.Second, 20 * time.Second, 30 * time.Second, 30 * time.Second} {
					_ = w.everybody(obj, 10)
					report := w.mustPoll(obj, time.Nanosecond)
					wait := time.Until(report.RetryAt)
					if report.View != nil || report.Failure == nil || wait > backoff || wait < backoff-time.Second {
						t.Errorf("reported %+v, come back in %s, want %s", report, wait, backoff)
					}
					w.mustSend(0, func() { _ = w.everybody(obj, 10) })
					elapse(wait)
				}
				w.api.ClearFaults()
				if report := w.mustPoll(obj, time.Nanosecond); report.View == nil || report.Failure != nil || !report.RetryAt.IsZero() {
					t.Errorf("reported %+v", report)
				}
			})
		})
	}
}

// Writes to an API that does not answer are held back as listings are, and none of the errors leaves an outcome open
// that is none.
func TestOutageHoldsWritesBack(t *testing.T) {
	inBubble(t, func(t *testing.T, w *world) {
		obj := w.connected()
		w.mustView(w.open(obj), time.Hour)
		w.set(&w.down, true)
		_, err := w.open(obj).CreateKey(t.Context(), apiclient.CreateKeyRequest{Name: "n", Scopes: []string{"*"}})
		w.mustBe(err, apiclient.ErrOutcomeUnknown) // this transport tells nothing of connections
		w.mustSend(0, func() {
			if _, err := w.open(obj).RotateKey(t.Context(), "key_1"); err == nil || errors.Is(err, apiclient.ErrOutcomeUnknown) {
				t.Errorf("got %v", err)
			}
			if err := w.open(obj).RevokeKey(t.Context(), "key_1"); err == nil {
				t.Error("no error")
			}
			w.mustView(w.open(obj), time.Hour) // what is known is still known
		})
		w.set(&w.down, false)
		elapse(firstOutage)
		w.mustMint(w.open(obj))
		if of, _ := w.pool.Facts(KeyOf(obj)); of.Failure != nil {
			t.Errorf("still failing: %v", of.Failure)
		}
	})
}

// A refusal of one request may be about its key: others are not held back for it. A 401 is about everybody.
func TestRefusedWrites(t *testing.T) {
	inBubble(t, func(t *testing.T, w *world) {
		obj := w.connected()
		w.mustView(w.open(obj), time.Hour)
		for _, kind := range []sandbox.FaultKind{sandbox.FaultServerError, sandbox.FaultBadGateway} {
			w.api.AddFault(sandbox.Fault{Operation: sandbox.OpUpdate, Kind: kind, Times: 2})
			if _, err := w.open(obj).UpdateKey(t.Context(), "key_1", apiclient.UpdateKeyRequest{Name: "n", Scopes: []string{"*"}}); err == nil {
				t.Error("no error")
			}
			w.mustMint(w.open(obj))
		}
		if err := w.open(obj).RevokeKey(t.Context(), ".."); err == nil {
			t.Error("no error")
		}
		w.mustMint(w.open(obj))

		w.api.RevokeSessionToken(w.api.SessionToken())
		w.mustSend(1, func() {
			for range 5 {
				if err := w.open(obj).RevokeKey(t.Context(), "key_1"); !apiclient.IsUnauthorized(err) {
					t.Errorf("got %v", err)
				}
			}
		})
	})
}

// A hanging server holds a worker for moments at first and then not at all; and never more than half of them.
func TestHangingServer(t *testing.T) {
	inBubble(t, func(t *testing.T, w *world) {
		obj := w.connected()
		healthy := connectionNamed("healthy")
		w.mustCreate(healthy, tokenSecret("shop", "healthy-token", w.api.SessionToken()))
		w.mustView(w.open(healthy), time.Hour)
		w.set(&w.hang, true)

		errs := make(chan error)
		begun := time.Now()
		var opened []apikey.Connection // all of them before any has begun to wait
		for range 8 {
			opened = append(opened, w.open(obj))
		}
		for _, conn := range opened {
			go func() {
				_, err := conn.View(t.Context(), apiclient.Freshness{})
				errs <- err
			}()
		}
		waited := 0
		for range 8 {
			w.mustBeBusy(<-errs)
			if time.Since(begun) >= patience {
				waited++
			}
		}
		if took := time.Since(begun); waited != 4 || took != patience {
			t.Errorf("%d workers were held, for %s", waited, took)
		}
		for range 8 {
			_, err := w.open(obj).View(t.Context(), apiclient.Freshness{})
			w.mustBeBusy(err)
		}
		if took := time.Since(begun); took != patience {
			t.Errorf("workers were held for %s more", took-patience)
		}
		w.mustView(w.open(healthy), time.Hour) // its listing is at hand: the other's trouble is none of its
		elapse(2 * exchangeTimeout)
		if _, err := w.open(obj).View(t.Context(), apiclient.Freshness{}); err == nil || !strings.Contains(err.Error(), "deadline") {
			t.Errorf("got %v", err)
		}
	})
}

// Writes that hang: half of the workers, then nobody is let in, and while nobody knows better one at a time.
func TestHangingWrites(t *testing.T) {
	inBubble(t, func(t *testing.T, w *world) {
		obj := w.connected()
		w.mustView(w.open(obj), time.Hour)
		w.set(&w.hang, true)
		errs := make(chan error)
		revoke := func(n int) {
			var opened []apikey.Connection // all of them before any has begun
			for range n {
				opened = append(opened, w.open(obj))
			}
			for _, conn := range opened {
				go func() { errs <- conn.RevokeKey(t.Context(), "key_1") }()
			}
		}
		revoke(8)
		for range 4 {
			if wait := w.mustBeBusy(<-errs); wait > 2*moment {
				t.Errorf("come back in %s", wait)
			}
		}
		elapse(patience + time.Second)
		_, err := w.pool.Open(t.Context(), resource("reader", KeyOf(obj)))
		if wait := w.mustBeBusy(err); wait < patience || wait > 2*patience {
			t.Errorf("come back in %s", wait)
		}
		begun := time.Now()
		for range 4 {
			if err := <-errs; err == nil || time.Since(begun) > exchangeTimeout {
				t.Errorf("got %v after %s", err, time.Since(begun))
			}
		}
		elapse(longestOutage)
		revoke(8)
		for range 7 {
			w.mustBeBusy(<-errs)
		}
		if err := <-errs; err == nil {
			t.Error("no error")
		}
	})
}

// What one tenant's quota lacks holds up nobody else, and nobody waits for it.
func TestExhaustedQuotaDelaysNobodyElse(t *testing.T) {
	inBubble(t, func(t *testing.T, w *world) {
		obj, other := w.connected(), connectionNamed("other")
		w.mustCreate(other, tokenSecret("shop", "other-token", w.api.NewSessionToken()))
		w.mustView(w.open(other), time.Hour)
		begun := time.Now()
		conn := w.open(obj)
		for range 10 {
			w.mustView(conn, time.Minute)
			if _, err := conn.UpdateKey(t.Context(), "none", apiclient.UpdateKeyRequest{Name: "n", Scopes: []string{"*"}}); err == nil {
				t.Error("no error")
			}
		}
		elapse(61 * time.Second) // the next window is only known to be full by asking
		w.mustSend(11, func() {
			for range 11 {
				_, _ = conn.UpdateKey(t.Context(), "none", apiclient.UpdateKeyRequest{Name: "n", Scopes: []string{"*"}})
			}
		})
		w.mustSend(0, func() {
			err := w.everybody(obj, 50)
			quota, ok := errors.AsType[*apiclient.QuotaError](err)
			if !ok || time.Until(quota.RetryAt) < 50*time.Second {
				t.Fatalf("got %v", err)
			}
			state := w.mustState(conn)
			if !state.QuotaUntil.Equal(quota.RetryAt) {
				t.Errorf("the quota is used up until %s, want %s", state.QuotaUntil, quota.RetryAt)
			}
			report := w.mustPoll(obj, time.Nanosecond)
			if report.View != nil || !errors.Is(report.Failure, quota) || report.Quota != v1alpha1.QuotaExhausted || report.QuotaMinute != 0 {
				t.Errorf("reported %+v", report)
			}
		})
		w.mustSend(2, func() {
			w.mustView(w.open(other), time.Nanosecond)
			w.mustMint(w.open(other))
		})
		elapse(61 * time.Second)
		w.mustView(w.open(obj), time.Minute)
		if state := w.mustState(conn); !state.QuotaUntil.IsZero() {
			t.Errorf("the quota is used up until %s", state.QuotaUntil)
		}
		if waited := time.Since(begun); waited != 122*time.Second {
			t.Errorf("somebody waited: %s", waited)
		}
	}, sandbox.WithRateLimits(sandbox.RateLimit{Requests: 11, Per: time.Minute}))
}

// The settings' own quota is kept, and told.
func TestConfiguredQuota(t *testing.T) {
	inBubble(t, func(t *testing.T, w *world) {
		obj := connectionNamed("default")
		obj.Spec.Quota = &v1alpha1.Quota{RequestsPerMinute: 20, RequestsPerHour: 300}
		w.mustCreate(obj, tokenSecret("shop", "default-token", w.api.SessionToken()))
		if report := w.mustPoll(obj, time.Minute); report.QuotaMinute != 19 || report.QuotaHour != 299 || report.Quota != v1alpha1.QuotaAmple {
			t.Errorf("reported %+v", report)
		}
		for range 18 {
			_ = w.open(obj).RevokeKey(t.Context(), "..") // sends nothing
			_, _ = w.open(obj).UpdateKey(t.Context(), "none", apiclient.UpdateKeyRequest{Name: "n", Scopes: []string{"*"}})
		}
		if of, _ := w.pool.Facts(KeyOf(obj)); of.QuotaMinute != 1 || of.Quota != v1alpha1.QuotaLow {
			t.Errorf("got %+v", of)
		}
	})
}

// A tenant with more pages of keys than the quota leaves at once is listed all the same, over several windows: nobody
// waits for it, everybody learns until when it waits.
func TestListingLongerThanTheQuota(t *testing.T) {
	inBubble(t, func(t *testing.T, w *world) {
		obj := w.connected()
		w.fill(45)
		if report := w.mustPoll(obj, time.Hour); report.View != nil || report.Quota != v1alpha1.QuotaExhausted {
			t.Errorf("reported %+v", report)
		}
		elapse(61 * time.Second)
		begun := time.Now()
		for {
			report, err := w.pool.Poll(t.Context(), obj, time.Hour)
			switch {
			case err == nil && report.View != nil:
				if got := len(report.View.Keys()); got != 45 {
					t.Errorf("%d keys", got)
				}
				return
			case err == nil:
				quota, waits := errors.AsType[*apiclient.QuotaError](report.Failure)
				if !waits || time.Until(quota.RetryAt) > 61*time.Second {
					t.Fatalf("reported %+v", report)
				}
				if state := w.mustState(w.open(obj)); !state.QuotaUntil.Equal(quota.RetryAt) {
					t.Errorf("the quota is used up until %s, want %s", state.QuotaUntil, quota.RetryAt)
				}
			default:
				w.mustBeBusy(err)
			}
			if elapse(patience); time.Since(begun) > 3*time.Minute {
				t.Fatal("the listing does not end")
			}
		}
	}, sandbox.WithRateLimits(sandbox.RateLimit{Requests: 2, Per: time.Minute}), sandbox.WithDialect(sandbox.Dialect{Paging: "silent-cut"}))
}

// fill makes keys behind the operator's back.
func (w *world) fill(n int) {
	w.t.Helper()
	other, err := apiclient.New(apiclient.WithBaseURL("http://127.0.0.1:1/api"), apiclient.WithHTTPClient(&http.Client{Transport: w}),
		apiclient.WithTokenSource(apiclient.StaticToken(apiclient.NewSecret(w.api.NewSessionToken()))))
	if err != nil {
		w.t.Fatal(err)
	}
	for range n {
		if _, err := other.CreateKey(w.t.Context(), apiclient.CreateKeyRequest{Name: "n", Scopes: []string{"inventory:read"}}); err != nil {
			w.t.Fatal(err)
		}
	}
}
