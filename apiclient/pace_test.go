package apiclient

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// newTestPacer has no jitter, so that times can be compared.
func newTestPacer(quota Quota) *pacer {
	p := newPacer(systemClock{}, quota, func(context.Context, Wait) {})
	p.jitter = func(time.Duration) time.Duration { return 0 }
	return p
}

// mustAcquire takes a slot that must be free now.
func mustAcquire(t *testing.T, p *pacer) *slot {
	t.Helper()
	s, err := p.tryAcquire(t.Context(), OpList)
	if err != nil {
		t.Fatalf("no room: %v", err)
	}
	return s
}

// mustHold checks that there is no room.
func mustHold(t *testing.T, p *pacer) {
	t.Helper()
	_ = holdOf(t, p)
}

// holdOf returns when there will be room, of which there must be none now.
func holdOf(t *testing.T, p *pacer) *QuotaError {
	t.Helper()
	s, err := p.tryAcquire(t.Context(), OpList)
	quota, ok := errors.AsType[*QuotaError](err)
	if !ok {
		t.Fatalf("got %v, %v; want no room", s, err)
	}
	return quota
}

// left is an answer that says how many requests are left, and for how long that holds.
func left(remaining int, reset time.Duration) rateReport {
	return rateReport{known: true, limit: 100, remaining: remaining, reset: time.Now().Add(reset)}
}

func TestFirstRequestGoesAlone(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		p := newTestPacer(Quota{})
		first := mustAcquire(t, p)
		if wait := time.Until(holdOf(t, p).RetryAt); wait != probeWait {
			t.Errorf("come back in %s", wait)
		}
		first.answered(rateReport{})
		for range 1000 { // no headers: nothing is known, so nothing is held back
			mustAcquire(t, p)
		}
	})
}

func TestFailedProbeIsReplaced(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		for _, end := range []func(*slot){(*slot).failed, (*slot).unused} {
			p := newTestPacer(Quota{})
			end(mustAcquire(t, p))
			next := mustAcquire(t, p)
			mustHold(t, p) // the next one is a probe too
			next.answered(left(5, time.Minute))
			mustAcquire(t, p)
		}
	})
}

func TestBudgetIsRemainingLessInFlight(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		p := newTestPacer(Quota{})
		mustAcquire(t, p).answered(left(3, time.Minute))
		a, b, c := mustAcquire(t, p), mustAcquire(t, p), mustAcquire(t, p)
		hold := holdOf(t, p)
		if wait := time.Until(hold.RetryAt); wait != time.Minute {
			t.Errorf("come back in %s, want a minute", wait)
		}
		if hold.Reason != "the API's rate limit (97 of 100 used)" {
			t.Errorf("reason %q", hold.Reason)
		}
		// Answers out of order never raise the count within one window.
		c.answered(left(0, time.Minute))
		b.answered(left(1, time.Minute))
		a.answered(left(2, time.Minute))
		mustHold(t, p)
	})
}

func TestAnswersWithoutHeadersSpend(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		p := newTestPacer(Quota{})
		mustAcquire(t, p).answered(left(2, time.Minute))
		mustAcquire(t, p).answered(rateReport{})
		mustAcquire(t, p).failed()
		mustHold(t, p)
	})
}

func TestWindowRenewsWithAProbe(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		p := newTestPacer(Quota{})
		mustAcquire(t, p).answered(left(1, time.Minute))
		late := mustAcquire(t, p)
		mustHold(t, p)
		<-time.After(time.Minute)
		probe := mustAcquire(t, p)
		mustHold(t, p)
		probe.answered(left(9, time.Minute))
		late.answered(rateReport{known: true, remaining: 0, reset: time.Now().Add(-time.Second)}) // of the window before
		mustAcquire(t, p)
	})
}

func TestRefusalBlocksThenProbes(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		p := newTestPacer(Quota{})
		mustAcquire(t, p).answered(left(50, time.Hour))
		a, b := mustAcquire(t, p), mustAcquire(t, p)
		a.answered(rateReport{refused: true, retryAfter: 10 * time.Second})
		b.answered(left(40, time.Hour)) // sent before the refusal: lifts nothing
		if wait := time.Until(holdOf(t, p).RetryAt); wait != 10*time.Second {
			t.Errorf("come back in %s", wait)
		}
		<-time.After(10 * time.Second)
		probe := mustAcquire(t, p)
		mustHold(t, p)
		probe.answered(rateReport{})
		mustAcquire(t, p)
		mustAcquire(t, p)
	})
}

// A 429 that says nothing is followed by longer and longer waits, a success by short ones again.
func TestRefusalBackoff(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		p := newTestPacer(Quota{})
		wait := func() time.Duration {
			mustAcquire(t, p).answered(rateReport{refused: true})
			d := time.Until(holdOf(t, p).RetryAt)
			<-time.After(d)
			return d
		}
		got := []time.Duration{wait(), wait(), wait(), wait()}
		if want := []time.Duration{time.Second / 2, time.Second, 2 * time.Second, 4 * time.Second}; !slices.Equal(got, want) {
			t.Errorf("got %v, want %v", got, want)
		}
		for range 10 {
			if d := wait(); d > refusalWaitMax {
				t.Errorf("waits %s", d)
			}
		}
		mustAcquire(t, p).answered(rateReport{})
		if d := wait(); d > time.Second {
			t.Errorf("waits %s after a success", d)
		}
	})
}

// An exhausted limit without a reset is asked with one request at a time.
func TestExhaustedWithoutReset(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		p := newTestPacer(Quota{})
		none := rateReport{known: true, remaining: 0}
		mustAcquire(t, p).answered(none)
		for range 3 {
			s := mustAcquire(t, p)
			mustHold(t, p)
			s.answered(none)
		}
		mustAcquire(t, p).answered(rateReport{known: true, remaining: 2})
		mustAcquire(t, p)
		mustAcquire(t, p)
		mustHold(t, p)
	})
}

func TestConfiguredQuota(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		p := newTestPacer(Quota{PerMinute: 3, PerHour: 5})
		mustAcquire(t, p).answered(rateReport{})
		mustAcquire(t, p).unused() // was not sent: does not count
		<-time.After(10 * time.Second)
		mustAcquire(t, p)
		mustAcquire(t, p)
		hold := holdOf(t, p)
		if wait := time.Until(hold.RetryAt); wait != 50*time.Second || !strings.Contains(hold.Reason, "3 a minute") {
			t.Errorf("come back in %s because of %s", wait, hold.Reason)
		}
		<-time.After(50 * time.Second)
		mustAcquire(t, p)
		<-time.After(time.Minute)
		mustAcquire(t, p)
		hold = holdOf(t, p)
		if wait := time.Until(hold.RetryAt); wait != 58*time.Minute || !strings.Contains(hold.Reason, "5 an hour") {
			t.Errorf("come back in %s because of %s", wait, hold.Reason)
		}
	})
}

func TestQueueOrder(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		p := newTestPacer(Quota{})
		probe := mustAcquire(t, p)
		var mu sync.Mutex
		var order []string
		enter := func(ctx context.Context, name string, op Operation) {
			go func() {
				s, err := p.acquire(ctx, op)
				if err != nil {
					t.Error(err)
					return
				}
				mu.Lock()
				order = append(order, name)
				mu.Unlock()
				s.answered(left(1, time.Hour)) // lets one more through
			}()
			synctest.Wait()
		}
		ctx := t.Context()
		enter(ctx, "list 1", OpList)
		enter(ctx, "update", OpUpdate)
		enter(ctx, "rotate", OpRotate)
		enter(ctx, "create 1", OpCreate)
		enter(ctx, "create 2", OpCreate)
		enter(WithPriority(ctx, PriorityRecover), "recover", OpList)
		enter(ctx, "list 2", OpList)
		enter(ctx, "revoke", OpRevoke)
		probe.answered(left(1, time.Hour))
		synctest.Wait()
		if got, want := strings.Join(order, ", "), "revoke, recover, create 1, create 2, rotate, update, list 1, list 2"; got != want {
			t.Errorf("got  %s\nwant %s", got, want)
		}
	})
}

// Ctrl-C while waiting ends at once, leaves nothing behind, and does not hold up the others.
func TestWaitingObeysCancellation(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		p := newTestPacer(Quota{})
		mustAcquire(t, p).answered(rateReport{refused: true, retryAfter: time.Hour})
		ctx, cancel := context.WithCancel(t.Context())
		var wg sync.WaitGroup
		for range 50 {
			wg.Go(func() {
				if _, err := p.acquire(ctx, OpCreate); !errors.Is(err, context.Canceled) {
					t.Errorf("got %v", err)
				}
			})
		}
		synctest.Wait()
		begun := time.Now()
		cancel()
		wg.Wait()
		if time.Since(begun) != 0 || p.queue.Len() != 0 || p.inFlight != 0 {
			t.Errorf("took %s, %d waiting, %d in flight", time.Since(begun), p.queue.Len(), p.inFlight)
		}
		if _, err := p.acquire(ctx, OpList); !errors.Is(err, context.Canceled) {
			t.Errorf("with an ended context: %v", err)
		}
		if _, err := p.tryAcquire(ctx, OpList); !errors.Is(err, context.Canceled) {
			t.Errorf("with an ended context: %v", err)
		}
	})
}

// A caller whose context ends at the moment he is admitted gives his slot back.
func TestWithdrawAfterAdmission(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		p := newTestPacer(Quota{})
		p.mu.Lock()
		w := p.enqueue(t.Context(), OpList)
		p.mu.Unlock()
		p.withdraw(w)
		if p.inFlight != 0 || p.probing {
			t.Errorf("%d in flight", p.inFlight)
		}
		mustAcquire(t, p)
	})
}

func TestWaitsAreTold(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		type key struct{}
		var told []Wait
		client := bubbleClient(t, func(w http.ResponseWriter, r *http.Request) {
			if len(told) < 2 {
				w.Header().Set("Retry-After", strconv.Itoa(60*(len(told)+1)))
				w.WriteHeader(http.StatusTooManyRequests)
				return
			}
			_, _ = w.Write([]byte(issuedBody))
		}, WithWaitNotify(func(ctx context.Context, w Wait) {
			if ctx.Value(key{}) != "caller" {
				t.Error("the caller's context is lost")
			}
			told = append(told, w)
		}))
		begun := time.Now()
		if _, err := client.RotateKey(context.WithValue(t.Context(), key{}, "caller"), "key_1"); err != nil {
			t.Fatal(err)
		}
		if len(told) != 2 || told[0].Op != OpRotate || told[0].Until.Sub(begun) < time.Minute || told[0].Reason == "" {
			t.Errorf("told %+v", told)
		}
	})
}

// limited is the API with a quota per fixed window, shared by everything that calls it.
type limited struct {
	mu       sync.Mutex
	quota    int
	window   time.Duration
	ends     time.Time
	used     int
	executed int
	refused  int
	headers  bool
}

func (l *limited) serve(w http.ResponseWriter, r *http.Request) {
	elapse(r.Context(), 20*time.Millisecond)
	l.mu.Lock()
	defer l.mu.Unlock()
	now := time.Now()
	if !now.Before(l.ends) {
		l.ends, l.used = now.Truncate(l.window).Add(l.window), 0
	}
	w.Header().Set("Date", now.UTC().Format(http.TimeFormat))
	if l.used++; l.used > l.quota {
		l.refused++
		w.Header().Set("Retry-After", strconv.Itoa(int(l.ends.Sub(now).Seconds())+1))
		w.WriteHeader(http.StatusTooManyRequests)
		return
	}
	if l.headers {
		w.Header().Set("X-RateLimit-Limit", strconv.Itoa(l.quota))
		w.Header().Set("X-RateLimit-Remaining", strconv.Itoa(l.quota-l.used))
		w.Header().Set("X-RateLimit-Reset", strconv.FormatInt(l.ends.Unix(), 10))
	}
	l.executed++
	_, _ = w.Write([]byte(issuedBody))
}

// P6: two processes share a credential with 30 requests in 3 seconds. Each makes 100 keys, 10 at a time, and none
// fails. Where the API tells what is left, hardly a request is refused.
func TestTwoProcessesShareAQuota(t *testing.T) {
	t.Parallel()
	for _, headers := range []bool{true, false} {
		t.Run(fmt.Sprintf("headers %v", headers), func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				api := &limited{quota: 30, window: 3 * time.Second, headers: headers}
				begun := time.Now()
				var wg sync.WaitGroup
				for range 2 {
					client := bubbleClient(t, api.serve)
					work := make(chan struct{}, 100)
					for range 100 {
						work <- struct{}{}
					}
					close(work)
					for range 10 {
						wg.Go(func() {
							for range work {
								if _, err := client.CreateKey(t.Context(), CreateKeyRequest{"n", []string{"*"}}); err != nil {
									t.Error(err)
								}
							}
						})
					}
				}
				wg.Wait()
				took := time.Since(begun)
				t.Logf("%d executed, %d refused, %s", api.executed, api.refused, took)
				if api.executed != 200 || took > 60*time.Second || headers && api.refused > 60 {
					t.Errorf("%d executed, %d refused, %s", api.executed, api.refused, took)
				}
			})
		})
	}
}

// Waiting never blocks a client made non-blocking: it is told when to come back, before and after sending.
func TestNonBlockingQuota(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		requests := 0
		client := bubbleClient(t, func(w http.ResponseWriter, _ *http.Request) {
			requests++
			w.Header().Set("Retry-After", "30")
			w.WriteHeader(http.StatusTooManyRequests)
		}, WithNonBlockingQuota())
		begun := time.Now()
		for _, call := range []func() error{
			func() error { _, err := client.RotateKey(t.Context(), "key_1"); return err },
			func() error { return client.RevokeKey(t.Context(), "key_1") },
			func() error { _, err := client.Directory().View(t.Context(), Freshness{}); return err },
			func() error { _, err := client.RotateKey(t.Context(), "key_1"); return err },
		} {
			err := call()
			quota, ok := errors.AsType[*QuotaError](err)
			if !ok || quota.RetryAt.Sub(begun) < 30*time.Second || !IsRateLimited(err) {
				t.Errorf("got %v", err)
			}
			mustBe(t, err, ErrNotExecuted)
		}
		if requests != 1 || time.Since(begun) != 0 {
			t.Errorf("%d requests, %s", requests, time.Since(begun))
		}
	})
}

func TestQuotaErrorText(t *testing.T) {
	t.Parallel()
	err := &QuotaError{Op: OpCreate, RetryAt: time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC), Reason: "the API's rate limit (100 of 100 used)"}
	want := "create key: not executed because of the API's rate limit (100 of 100 used); try again at 2026-01-02T03:04:05Z"
	if err.Error() != want {
		t.Errorf("got %s", err)
	}
}
