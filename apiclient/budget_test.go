package apiclient

import (
	"context"
	"io"
	"net/http"
	"testing"
	"testing/synctest"
	"time"
)

func TestTimeBudgetCountsExchanges(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		client := bubbleClient(t, func(w http.ResponseWriter, r *http.Request) {
			elapse(r.Context(), 4*time.Second)
			_, _ = io.WriteString(w, issuedBody)
		})
		ctx := WithTimeBudget(t.Context(), 10*time.Second)
		for range 2 {
			if err := client.RevokeKey(ctx, "key_123"); err != nil {
				t.Fatal(err)
			}
			<-time.After(time.Hour) // between calls nothing is spent
		}
		begun := time.Now()
		err := client.RevokeKey(ctx, "key_1")
		mustBe(t, err, context.DeadlineExceeded)
		if time.Since(begun) != 2*time.Second {
			t.Errorf("took %s", time.Since(begun))
		}
		mustBe(t, client.RevokeKey(ctx, "key_1"), context.DeadlineExceeded)
		if ctx.Err() != nil {
			t.Error("the caller's context has ended with the budget")
		}
	})
}

func TestTimeBudgetCountsBackoff(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		client := bubbleClient(t, func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusInternalServerError) },
			WithRetry(RetryPolicy{MaxRetries: 100, MinWait: time.Minute, MaxWait: time.Minute}))
		begun := time.Now()
		err := client.RevokeKey(WithTimeBudget(t.Context(), 5*time.Minute), "key_1")
		mustBe(t, err, context.DeadlineExceeded)
		mustBeStatus(t, err, 500)
		if time.Since(begun) != 5*time.Minute {
			t.Errorf("took %s", time.Since(begun))
		}
	})
}

func TestTimeBudgetDoesNotCountQuota(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		requests := 0
		client := bubbleClient(t, func(w http.ResponseWriter, r *http.Request) {
			elapse(r.Context(), time.Second)
			if requests++; requests%2 == 1 {
				w.Header().Set("Retry-After", "600")
				w.WriteHeader(http.StatusTooManyRequests)
				return
			}
			_, _ = io.WriteString(w, issuedBody)
		})
		ctx := WithTimeBudget(t.Context(), 10*time.Second)
		begun := time.Now()
		if err := client.RevokeKey(ctx, "key_123"); err != nil {
			t.Error(err)
		}
		if _, err := client.RotateKey(ctx, "key_1"); err != nil {
			t.Error(err)
		}
		if time.Since(begun) < 20*time.Minute {
			t.Errorf("took %s only", time.Since(begun))
		}
	})
}

// P1: an exchange that may issue a key is counted, but not cut off.
func TestTimeBudgetDoesNotCutIssuing(t *testing.T) {
	t.Parallel()
	for _, issue := range issuers() {
		synctest.Test(t, func(t *testing.T) {
			client := bubbleClient(t, func(w http.ResponseWriter, r *http.Request) {
				elapse(r.Context(), 20*time.Second)
				_, _ = io.WriteString(w, issuedBody)
			})
			ctx := WithTimeBudget(t.Context(), 10*time.Second)
			if issued, err := issue(ctx, client); err != nil || issued.Plaintext.IsZero() {
				t.Errorf("got %v, %v", issued, err)
			}
			_, err := issue(ctx, client)
			mustBe(t, err, ErrNotExecuted)
			mustBe(t, err, context.DeadlineExceeded)
		})
	}
}

// Two callers wait for one listing. Each spends his own budget; the listing goes on for the other.
func TestTimeBudgetOfSharedListing(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		client := bubbleClient(t, func(w http.ResponseWriter, r *http.Request) {
			elapse(r.Context(), 30*time.Second)
			_, _ = io.WriteString(w, `{"apiKeys":[],"pagination":{"total":0}}`)
		})
		begun := time.Now()
		type outcome struct {
			err  error
			took time.Duration
		}
		view := func(ctx context.Context) chan outcome {
			done := make(chan outcome, 1)
			go func() {
				_, err := client.Directory().View(ctx, Freshness{})
				done <- outcome{err, time.Since(begun)}
			}()
			return done
		}
		poor := view(WithTimeBudget(t.Context(), 10*time.Second))
		<-time.After(5 * time.Second)
		late := view(WithTimeBudget(t.Context(), 10*time.Second))
		rich := view(WithTimeBudget(t.Context(), time.Minute))
		if got := <-poor; got.took != 10*time.Second {
			t.Errorf("poor: %v after %s", got.err, got.took)
		} else {
			mustBe(t, got.err, context.DeadlineExceeded)
		}
		if got := <-late; got.took != 15*time.Second {
			t.Errorf("late: %v after %s", got.err, got.took)
		}
		if got := <-rich; got.err != nil || got.took != 30*time.Second {
			t.Errorf("rich: %v after %s", got.err, got.took)
		}
	})
}

func TestBudgetOfConcurrentCalls(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := newBudget(10 * time.Second)
		b.resume()
		b.resume() // together, they spend once
		<-time.After(4 * time.Second)
		b.pause()
		<-time.After(4 * time.Second)
		b.pause()
		<-time.After(time.Hour)
		if b.spent().Err() != nil {
			t.Fatal("spent while nothing ran")
		}
		b.resume()
		<-time.After(2*time.Second + time.Millisecond)
		if b.spent().Err() == nil {
			t.Error("not spent")
		}
	})
}
