package tenant

import (
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/betterdataco/terraform-provider-betterdata/operator/internal/controller/apikey"
)

// mustReserve takes a mint that must be free.
func mustReserve(t *testing.T, m *mintLog, uid string, first bool, limit int) {
	t.Helper()
	if until, ok := m.reserve(time.Now(), uid, first, limit); !ok {
		t.Errorf("capped until %s", until)
	}
}

func TestMintCap(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var m mintLog
		mustReserve(t, &m, "a", false, 2)
		elapse(10 * time.Minute)
		mustReserve(t, &m, "b", false, 2)
		want := time.Now().Add(50 * time.Minute)
		if until, ok := m.reserve(time.Now(), "c", false, 2); ok || !until.Equal(want) {
			t.Errorf("capped until %s, want %s", until, want)
		}
		if until := m.cappedUntil(time.Now(), 3); !until.IsZero() {
			t.Errorf("a higher cap is reached until %s", until)
		}
		elapse(50 * time.Minute)
		mustReserve(t, &m, "c", false, 2)
		if until := m.cappedUntil(time.Now(), 2); time.Until(until) != 10*time.Minute {
			t.Errorf("capped until %s", until)
		}
		if until := m.cappedUntil(time.Now(), 1); time.Until(until) != time.Hour {
			t.Errorf("a lower cap is reached until %s", until)
		}
	})
}

// The first key of an ApiKey is above the cap, once an hour.
func TestFirstMintIsAboveTheCap(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var m mintLog
		for _, uid := range []string{"a", "b", "c"} {
			mustReserve(t, &m, uid, true, 1)
		}
		mustReserve(t, &m, "a", true, 1) // again: it counts
		if _, ok := m.reserve(time.Now(), "b", true, 1); ok {
			t.Error("a second first key is above the cap")
		}
		elapse(time.Hour)
		mustReserve(t, &m, "b", true, 1)
	})
}

func TestMintsGivenBack(t *testing.T) {
	t.Parallel()
	var m mintLog
	now := time.Now()
	m.reserve(now, "a", true, 1)
	m.giveBack(reservation{now, "a"})
	if m.made("a") {
		t.Error("the first key counts as made")
	}
	m.reserve(now, "a", false, 1)
	m.giveBack(reservation{now, "a"})
	m.giveBack(reservation{now, "a"}) // nothing left to give
	mustReserve(t, &m, "a", false, 1)
}

// What ledgers tell of the time before this process counts too.
func TestMintsAreSeeded(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var m mintLog
		now := time.Now()
		asked := 0
		known := func() ([]apikey.Known, error) {
			asked++
			if asked == 1 {
				return nil, errors.New("not synced")
			}
			return []apikey.Known{
				{OwnerUID: "a", IssuedAt: now.Add(-10 * time.Minute)},
				{OwnerUID: "b", IssuedAt: now.Add(-30 * time.Minute)},
				{OwnerUID: "c", IssuedAt: now.Add(-time.Hour)},
				{OwnerUID: "d", IssuedAt: now.Add(-time.Minute), First: true},
				{OwnerUID: "e", IssuedAt: now.Add(24 * time.Hour)}, // a clock that was set back
			}, nil
		}
		if m.seed(now, known) == nil {
			t.Error("no error")
		}
		for range 3 {
			if err := m.seed(now, known); err != nil {
				t.Fatal(err)
			}
		}
		if asked != 2 {
			t.Errorf("asked %d times", asked)
		}
		if until := m.cappedUntil(now, 3); until.Sub(now) != 30*time.Minute {
			t.Errorf("capped until %s", until)
		}
		if until := m.cappedUntil(now, 4); !until.IsZero() || !m.made("d") || m.made("a") {
			t.Errorf("capped until %s", until)
		}
	})
}
