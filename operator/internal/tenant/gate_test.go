package tenant

import (
	"errors"
	"testing"
	"time"

	"github.com/betterdataco/terraform-provider-betterdata/apiclient"
	"github.com/betterdataco/terraform-provider-betterdata/operator/internal/controller/apikey"
)

func TestGateBackoff(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	soon, late := now.Add(30*time.Second), now.Add(24*time.Hour)
	for name, test := range map[string]struct {
		err   error
		poll  time.Duration
		times int
		want  time.Duration
	}{
		"first outage":         {errors.New("EOF"), 5 * time.Minute, 1, 5 * time.Second},
		"third outage":         {errors.New("EOF"), 5 * time.Minute, 3, 20 * time.Second},
		"many outages":         {errors.New("EOF"), time.Hour, 100, 5 * time.Minute},
		"short polls":          {errors.New("EOF"), 10 * time.Second, 100, 10 * time.Second},
		"no poll known":        {errors.New("EOF"), 0, 100, 5 * time.Second},
		"first refusal":        {&apiclient.Error{Status: 401}, 10 * time.Second, 1, time.Minute},
		"many refusals":        {&apiclient.Error{Status: 403}, 10 * time.Second, 100, 10 * time.Minute},
		"server error":         {&apiclient.Error{Status: 503}, 5 * time.Minute, 1, 5 * time.Second},
		"server says when":     {&apiclient.Error{Status: 503, RetryAt: &soon}, 5 * time.Minute, 1, 30 * time.Second},
		"server exaggerates":   {&apiclient.Error{Status: 503, RetryAt: &late}, 5 * time.Minute, 1, 5 * time.Minute},
		"server says too soon": {&apiclient.Error{Status: 503, RetryAt: &now}, 5 * time.Minute, 1, 5 * time.Second},
	} {
		var g gate
		for range test.times {
			g.fail(test.err, now, test.poll)
		}
		if got := g.until.Sub(now); got != test.want || !g.suspect() {
			t.Errorf("%s: closed for %s, want %s", name, got, test.want)
		}
		if last := now.Add(test.want - 1); g.closed(last) == nil || g.closedToWrites(last) == nil || g.closed(now.Add(test.want)) != nil {
			t.Errorf("%s: closed at the wrong time", name)
		}
		if g.open(); g.closed(now) != nil || g.told() != nil || g.suspect() {
			t.Errorf("%s: not open", name)
		}
	}
}

func TestGatePause(t *testing.T) {
	t.Parallel()
	now := time.Now()
	quota := &apiclient.QuotaError{RetryAt: now.Add(time.Minute)}
	var g gate
	g.pause(quota, quota.RetryAt)
	if g.closed(now) == nil || g.closedToWrites(now) != nil || g.suspect() || !errors.Is(g.told(), quota) {
		t.Errorf("got %+v", g)
	}
	g.pause(&apikey.BusyError{RetryAt: now.Add(time.Second)}, now.Add(time.Second))
	if g.closed(now) == nil || g.told() != nil {
		t.Errorf("got %+v", g)
	}
}

func TestSlots(t *testing.T) {
	t.Parallel()
	now := time.Now()
	var s slots
	release, wait := s.take(2, now)
	if wait != 0 || s.full(2, now) != 0 || s.full(1, now) != moment {
		t.Errorf("one of two: %s", wait)
	}
	forced := s.force(now)
	if release, wait := s.take(2, now.Add(patience)); release != nil || wait != moment {
		t.Errorf("two of two: %s", wait)
	}
	if wait := s.full(9, now.Add(patience+1)); wait != patience {
		t.Errorf("hanging: %s", wait)
	}
	release()
	forced()
	release() // twice does no harm
	if wait := s.full(1, now.Add(time.Hour)); wait != 0 || len(s.begun) != 0 {
		t.Errorf("none: %s", wait)
	}
}
