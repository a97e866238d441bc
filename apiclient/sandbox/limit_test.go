package sandbox_test

import (
	"fmt"
	"net/http"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/betterdataco/terraform-provider-betterdata/apiclient/sandbox"
)

// quotaOf is limit, remaining and reset as the headers tell.
func quotaOf(r reply) [3]string {
	return [3]string{r.header.Get("X-RateLimit-Limit"), r.header.Get("X-RateLimit-Remaining"), r.header.Get("X-RateLimit-Reset")}
}

// TestDocumentedQuota: 100 a minute and 1,000 an hour; the headers tell the tighter one; waiting as long as told helps.
func TestDocumentedQuota(t *testing.T) {
	a := start(t)
	list := func() reply { return a.mustSend(t, http.MethodGet, keysPath, "") }
	second := func(s int) string { return fmt.Sprint(epoch.Unix() + int64(s)) }
	for minute := range 10 {
		for used := 1; used <= 100; used++ {
			r := list()
			expectStatus(t, r, http.StatusOK)
			want := [3]string{"100", fmt.Sprint(100 - used), second(60 * (minute + 1))}
			if minute == 9 { // as many left in the minute as in the hour: the hour lasts longer
				want = [3]string{"1000", fmt.Sprint(100 - used), second(3600)}
			}
			if diff := cmp.Diff(want, quotaOf(r)); diff != "" {
				t.Fatalf("minute %d, request %d (-want +got):\n%s", minute, used, diff)
			}
		}
		if minute < 9 {
			r := list()
			expectStatus(t, r, http.StatusTooManyRequests)
			if r.header.Get("Retry-After") != "60" || r.header.Get("X-RateLimit-Remaining") != "0" || r.textAt(t, "error") == "" {
				t.Fatalf("429: %v %s", r.header, r.text)
			}
			a.AdvanceClock(time.Minute)
		}
	}
	r := list()
	expectStatus(t, r, http.StatusTooManyRequests)
	if got := r.header.Get("Retry-After"); got != "3060" {
		t.Errorf("Retry-After %s, want the rest of the hour", got)
	}
	a.AdvanceClock(3060 * time.Second)
	expectStatus(t, list(), http.StatusOK)
}

func TestQuotaIsPerCredential(t *testing.T) {
	a := start(t, sandbox.WithRateLimits(sandbox.RateLimit{Requests: 2, Per: time.Minute}))
	_, plaintext := a.mustCreate(t, "service", "inventory:read")
	a.mustSend(t, http.MethodGet, keysPath, "")
	expectStatus(t, a.mustSend(t, http.MethodGet, keysPath, ""), http.StatusTooManyRequests)
	expectStatus(t, a.mustSendAs(t, a.NewSessionToken(), http.MethodGet, keysPath, ""), http.StatusOK)
	expectWorks(t, a, plaintext)
	t.Run("unauthenticated requests use none", func(t *testing.T) {
		for range 5 {
			expectStatus(t, a.mustSendAs(t, "unknown", http.MethodGet, keysPath, ""), http.StatusUnauthorized)
		}
	})
	t.Run("a refused scope does", func(t *testing.T) {
		expectCode(t, a.mustSendAs(t, plaintext, http.MethodGet, keysPath, ""), http.StatusForbidden, "INSUFFICIENT_SCOPE")
		expectStatus(t, a.use(t, plaintext), http.StatusTooManyRequests)
	})
	t.Run("setting the clock back ends a window too", func(t *testing.T) {
		a.SetClockOffset(-time.Hour)
		expectWorks(t, a, plaintext)
	})
}

func TestQuotaOfTheOrganisation(t *testing.T) {
	a := start(t, sandbox.WithRateLimits(sandbox.RateLimit{Requests: 2, Per: time.Minute, Organisation: true}))
	_, plaintext := a.mustCreate(t, "service", "inventory:read")
	expectWorks(t, a, plaintext)
	expectStatus(t, a.use(t, plaintext), http.StatusTooManyRequests)
	expectStatus(t, a.mustSend(t, http.MethodGet, keysPath, ""), http.StatusTooManyRequests)
}

func TestNoQuota(t *testing.T) {
	a := start(t, sandbox.WithRateLimits())
	for range 150 {
		r := a.mustSend(t, http.MethodGet, keysPath, "")
		expectStatus(t, r, http.StatusOK)
		if quotaOf(r) != [3]string{} {
			t.Fatalf("headers %v", r.header)
		}
	}
}

func TestParseRateLimits(t *testing.T) {
	got, err := sandbox.ParseRateLimits("100/1m, 1000/1h/organisation")
	want := []sandbox.RateLimit{{Requests: 100, Per: time.Minute}, {Requests: 1000, Per: time.Hour, Organisation: true}}
	if !cmp.Equal(want, got) || err != nil {
		t.Errorf("%+v, %v", got, err)
	}
	if got, err := sandbox.ParseRateLimits("off"); got != nil || err != nil {
		t.Errorf("off: %+v, %v", got, err)
	}
	for _, bad := range []string{"", "100", "x/1m", "100/soon", "0/1m", "5/0s", "100/1m,"} {
		if got, err := sandbox.ParseRateLimits(bad); err == nil {
			t.Errorf("%q was read as %+v", bad, got)
		}
	}
	if _, err := sandbox.New(sandbox.WithRateLimits(sandbox.RateLimit{})); err == nil {
		t.Error("a limit of nothing was accepted")
	}
}

// TestWaitsAreRoundedUp: a window that began at a fraction of a second is over when a client that was told a whole
// number of seconds comes back, never later by more than a second and never earlier.
func TestWaitsAreRoundedUp(t *testing.T) {
	for name, want := range map[string]struct{ reset, retryAfter string }{
		"page":                                  {"1704067261", "60"},
		"reset=milliseconds":                    {"1704067260400", "60"},
		"reset=delta,retry-after=date":          {"60", "Mon, 01 Jan 2024 00:01:01 GMT"},
		"retry-after=none":                      {"1704067261", ""},
		"reset=milliseconds, retry-after=date,": {"1704067260400", "Mon, 01 Jan 2024 00:01:01 GMT"},
	} {
		t.Run(name, func(t *testing.T) {
			d, err := sandbox.ParseDialect(name)
			if err != nil {
				t.Fatal(err)
			}
			a := start(t, sandbox.WithDialect(d), sandbox.WithRateLimits(sandbox.RateLimit{Requests: 1, Per: time.Minute}))
			a.AdvanceClock(400 * time.Millisecond)
			expectStatus(t, a.mustSend(t, http.MethodGet, keysPath, ""), http.StatusOK)
			r := a.mustSend(t, http.MethodGet, keysPath, "")
			expectStatus(t, r, http.StatusTooManyRequests)
			if got := r.header.Get("X-RateLimit-Reset"); got != want.reset {
				t.Errorf("reset %s, want %s", got, want.reset)
			}
			if got := r.header.Get("Retry-After"); got != want.retryAfter {
				t.Errorf("Retry-After %q, want %q", got, want.retryAfter)
			}
		})
	}
}
