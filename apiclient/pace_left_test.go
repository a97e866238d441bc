package apiclient

import (
	"net/http"
	"testing"
	"testing/synctest"
	"time"
)

func mustLeave(t *testing.T, p *pacer, minute, hour Allowance) {
	t.Helper()
	if gotMinute, gotHour := p.left(); gotMinute != minute || gotHour != hour {
		t.Errorf("left %v and %v, want %v and %v", gotMinute, gotHour, minute, hour)
	}
}

func TestQuotaLeftUnknown(t *testing.T) {
	t.Parallel()
	p := newTestPacer(Quota{})
	mustLeave(t, p, unknownAllowance, unknownAllowance)
	mustAcquire(t, p).answered(rateReport{})
	mustLeave(t, p, unknownAllowance, unknownAllowance)
}

func TestQuotaLeftOfConfigured(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		p := newTestPacer(Quota{PerMinute: 10, PerHour: 12})
		for range 9 {
			mustAcquire(t, p).answered(rateReport{})
		}
		mustLeave(t, p, Allowance{1, 10}, Allowance{3, 12})
		elapse(t.Context(), time.Minute)
		mustLeave(t, p, Allowance{10, 10}, Allowance{3, 12})
		elapse(t.Context(), time.Hour)
		mustLeave(t, p, Allowance{10, 10}, Allowance{12, 12})
	})
}

// The headers do not say which window they are about; its length does, also in its last minute.
func TestQuotaLeftOfHeaders(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		p := newTestPacer(Quota{})
		mustAcquire(t, p).answered(left(99, 30*time.Second))
		mustLeave(t, p, Allowance{99, 100}, unknownAllowance)
		out := mustAcquire(t, p) // its request is on its way
		mustLeave(t, p, Allowance{98, 100}, unknownAllowance)
		out.answered(left(98, 30*time.Second))
		elapse(t.Context(), time.Minute)
		mustLeave(t, p, Allowance{100, 100}, unknownAllowance)

		mustAcquire(t, p).answered(left(40, 50*time.Minute))
		mustLeave(t, p, unknownAllowance, Allowance{40, 100})
		elapse(t.Context(), 49*time.Minute+30*time.Second)
		mustAcquire(t, p).answered(left(7, 30*time.Second))
		mustLeave(t, p, unknownAllowance, Allowance{7, 100})
	})
}

// Of the configured quota and what the API says, the tighter counts.
func TestQuotaLeftIsTheTighter(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		p := newTestPacer(Quota{PerMinute: 50})
		mustAcquire(t, p).answered(left(99, 30*time.Second))
		mustLeave(t, p, Allowance{49, 50}, unknownAllowance)
		mustAcquire(t, p).answered(left(20, 30*time.Second))
		mustLeave(t, p, Allowance{20, 100}, unknownAllowance)
	})
}

// A 429 leaves nothing, of the minute or, when the wait is longer than that, of the hour.
func TestQuotaLeftAfterRefusal(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		p := newTestPacer(Quota{})
		mustAcquire(t, p).answered(rateReport{refused: true, retryAfter: 30 * time.Second})
		mustLeave(t, p, Allowance{0, -1}, unknownAllowance)
		elapse(t.Context(), 31*time.Second)
		mustAcquire(t, p).answered(rateReport{refused: true, retryAfter: 30 * time.Minute})
		mustLeave(t, p, unknownAllowance, Allowance{0, -1})
	})
}

// A client that does not wait does for what asks it to; the others still do not.
func TestQuotaWait(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		api := (&tenant{size: 10}).fill(45)
		client := bubbleClient(t, api.list, WithNonBlockingQuota(), WithQuota(Quota{PerMinute: 2}))
		begun := time.Now()
		view, err := client.Directory().View(WithQuotaWait(t.Context()), Freshness{})
		if err != nil || len(view.Keys()) != 45 || time.Since(begun) != 2*time.Minute {
			t.Fatalf("%v after %s", err, time.Since(begun))
		}
		if _, err = client.ListKeys(t.Context(), ListOptions{}); err != nil {
			t.Error(err)
		}
		_, err = client.ListKeys(t.Context(), ListOptions{})
		mustBe(t, err, ErrNotExecuted)
	})
}

func TestQuotaLeftOfClient(t *testing.T) {
	t.Parallel()
	client := clientOf(t, func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("X-RateLimit-Limit", "100")
		w.Header().Set("X-RateLimit-Remaining", "42")
		_, _ = w.Write([]byte(`{"apiKeys":[]}`))
	})
	if _, err := client.ListKeys(t.Context(), ListOptions{}); err != nil {
		t.Fatal(err)
	}
	if minute, hour := client.QuotaLeft(); minute != (Allowance{42, 100}) || hour != unknownAllowance {
		t.Errorf("left %v and %v", minute, hour)
	}
}
