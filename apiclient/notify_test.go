package apiclient

import (
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// attempts collects what a client tells of its requests.
type attempts struct {
	mu   sync.Mutex
	told []RequestInfo
}

func (a *attempts) note(info RequestInfo) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.told = append(a.told, info)
}

func (a *attempts) statuses(op Operation) []int {
	a.mu.Lock()
	defer a.mu.Unlock()
	var statuses []int
	for _, info := range a.told {
		if info.Op == op {
			statuses = append(statuses, info.Status)
		}
	}
	return statuses
}

// Each attempt is told of once: retries, redirects and 429s included, and those without an answer.
func TestRequestNotify(t *testing.T) {
	t.Parallel()
	var told attempts
	status := []int{http.StatusBadGateway, http.StatusTooManyRequests, http.StatusFound, http.StatusOK}
	client := clientOf(t, func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodPost {
			panic(http.ErrAbortHandler)
		}
		now := status[0]
		status = status[1:]
		w.Header().Set("Location", r.URL.Path)
		w.Header().Set("Retry-After", "0.001")
		w.WriteHeader(now)
		_, _ = w.Write([]byte(`{"apiKeys":[]}`))
	}, WithRequestNotify(told.note))
	if _, err := client.ListKeys(t.Context(), ListOptions{}); err != nil {
		t.Fatal(err)
	}
	_, err := client.RotateKey(t.Context(), "key_1")
	mustBe(t, err, ErrOutcomeUnknown)
	if got := told.statuses(OpList); !slices.Equal(got, []int{502, 429, 302, 200}) {
		t.Errorf("told of listings with %v", got)
	}
	if got := told.statuses(OpRotate); !slices.Equal(got, []int{0}) || told.told[len(told.told)-1].Err == nil {
		t.Errorf("told of rotations with %v", told.told)
	}
}

// P5: what is told of a failure has been made safe, whatever the server echoes.
func TestRequestNotifyTellsNoSecret(t *testing.T) {
	t.Parallel()
	var told attempts
	client := newTestClient(t, refusing(t), WithRetry(RetryPolicy{MaxRetries: -1}), WithRequestNotify(told.note))
	_ = client.RevokeKey(t.Context(), "bdk_live_radioactive_radioactive")
	if len(told.told) != 1 || told.told[0].Err == nil || strings.Contains(told.told[0].Err.Error(), "radioactive") {
		t.Errorf("told %v", told.told)
	}
}

// A request that waits for quota is no attempt.
func TestRequestNotifyLeavesOutWhatIsNotSent(t *testing.T) {
	t.Parallel()
	var told attempts
	client := clientOf(t, (&tenant{}).list, WithRequestNotify(told.note), WithNonBlockingQuota(), WithQuota(Quota{PerMinute: 1}))
	_, _ = client.ListKeys(t.Context(), ListOptions{})
	_, err := client.ListKeys(t.Context(), ListOptions{})
	mustBe(t, err, ErrNotExecuted)
	if got := told.statuses(OpList); !slices.Equal(got, []int{200}) {
		t.Errorf("told %v", got)
	}
}

// The exchange timeout bounds every operation, and cuts a create off with an unknown outcome.
func TestExchangeTimeoutBoundsAll(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		client := bubbleClient(t, func(_ http.ResponseWriter, r *http.Request) { elapse(r.Context(), time.Hour) },
			WithExchangeTimeout(20*time.Second), WithRetry(RetryPolicy{MaxRetries: -1}))
		begun := time.Now()
		_, err := client.CreateKey(t.Context(), CreateKeyRequest{"n", []string{"*"}})
		mustBe(t, err, ErrOutcomeUnknown)
		_, err = client.ListKeys(t.Context(), ListOptions{})
		if took := time.Since(begun); err == nil || took != 40*time.Second {
			t.Errorf("%v after %s", err, took)
		}
	})
}

func TestNotifyOptionsRefuse(t *testing.T) {
	t.Parallel()
	for name, option := range map[string]Option{
		"no function": WithRequestNotify(nil),
		"no time":     WithExchangeTimeout(0),
	} {
		if _, err := New(WithTokenSource(StaticToken(NewSecret(testToken))), option); err == nil {
			t.Errorf("%s: accepted", name)
		}
	}
}

func TestViewTellsWhenItsListingBegan(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		api := &tenant{}
		client := bubbleClient(t, func(w http.ResponseWriter, r *http.Request) {
			elapse(r.Context(), time.Second)
			api.list(w, r)
		})
		begun := time.Now()
		mustView(t, client.Directory(), Freshness{})
		elapse(t.Context(), time.Minute)
		if got := mustView(t, client.Directory(), Freshness{}).BegunAt(); !got.Equal(begun) {
			t.Errorf("began at %s, want %s", got, begun)
		}
	})
}
