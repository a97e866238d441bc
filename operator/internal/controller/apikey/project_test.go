package apikey

import (
	"testing"
	"time"
)

// P1: times on a Secret are what somebody else may have written, too. One that cannot be is not gone by: a publication
// before the key was issued would end the overlap before it began, one far ahead would never end it, and a key that was
// issued far ahead would keep a Secret from being repaired. What publish writes must always be believed, whatever the
// clocks: else it would be written again and again.
func TestTimesOnATarget(t *testing.T) {
	t.Parallel()
	issued := now.Add(-time.Hour)
	ahead := now.Add(20 * time.Minute) // a ledger of a process whose clock was wrong
	ledgers := []Ledger{{Sequence: 1, ID: "k1", IssuedAt: now.Add(-48 * time.Hour)}, {Sequence: 2, ID: "k2", IssuedAt: issued}, {Sequence: 3, ID: "k3", IssuedAt: ahead}}
	for title, test := range map[string]struct {
		target                Target
		published, issuedTime bool // believed
	}{
		"as written":                         {Target{Sequence: 2, IssuedAt: issued, PublishedAt: issued.Add(time.Minute)}, true, true},
		"published the moment it was issued": {Target{Sequence: 2, IssuedAt: issued, PublishedAt: issued}, true, true},
		"the last key's publication":         {Target{Sequence: 2, IssuedAt: issued, PublishedAt: now.Add(-47 * time.Hour)}, false, true},
		"that key's publication":             {Target{Sequence: 1, IssuedAt: now.Add(-48 * time.Hour), PublishedAt: now.Add(-47 * time.Hour)}, true, true},
		"another process's clock":            {Target{Sequence: 2, IssuedAt: now.Add(4 * time.Minute), PublishedAt: now.Add(4 * time.Minute)}, true, true},
		"far ahead":                          {Target{Sequence: 2, IssuedAt: now.Add(time.Hour), PublishedAt: now.Add(time.Hour)}, false, false},
		"as its ledger is ahead":             {Target{Sequence: 3, IssuedAt: ahead, PublishedAt: ahead}, true, true},
		"no ledger, long ago":                {Target{Sequence: 7, IssuedAt: now.Add(-time.Hour), PublishedAt: now.Add(-2 * time.Hour)}, true, true},
		"no ledger, far ahead":               {Target{Sequence: 7, IssuedAt: now.Add(6 * time.Minute), PublishedAt: now.Add(6 * time.Minute)}, false, false},
		"nothing known":                      {Target{Sequence: 2}, false, false},
	} {
		got := test.target.credible(ledgers, now)
		if got.PublishedAt.IsZero() == test.published || got.IssuedAt.IsZero() == test.issuedTime {
			t.Errorf("%s: published at %v, issued at %v", title, got.PublishedAt, got.IssuedAt)
		}
	}
	for _, l := range ledgers {
		written := Target{Sequence: l.Sequence, PublishedAt: later(now, l.IssuedAt)}
		for _, clock := range []time.Time{now, now.Add(time.Second), now.Add(-4 * time.Minute)} {
			if written.credible(ledgers, clock).PublishedAt.IsZero() {
				t.Errorf("ledger %d: what publish writes is not believed at %s", l.Sequence, clock)
			}
		}
	}
}
