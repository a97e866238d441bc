package apikey

import (
	"slices"
	"testing"
	"time"
)

// TestTenancy: what a listing lacks proves something only if it is the tenant's in which the key was issued.
func TestTenancy(t *testing.T) {
	t.Parallel()
	key := func(id, credential string, age time.Duration) Known {
		return Known{ID: id, IssuedAt: now.Add(-age), Credential: credential}
	}
	for title, test := range map[string]struct {
		own, others []Known
		listed      []string
		accepted    bool
		mismatch    bool
	}{
		"nothing issued":                          {},
		"own key listed":                          {own: []Known{key("a", "now", time.Hour)}, listed: []string{"a"}},
		"young, listing lags":                     {own: []Known{key("a", "now", time.Minute)}},
		"young, but of a former token":            {own: []Known{key("a", "before", time.Minute)}, mismatch: true},
		"nothing known is listed":                 {own: []Known{key("a", "now", time.Hour)}, others: []Known{key("b", "now", time.Hour)}, mismatch: true},
		"another of the same token is listed":     {own: []Known{key("a", "now", time.Hour)}, others: []Known{key("b", "now", time.Hour)}, listed: []string{"b"}},
		"another of its former token is listed":   {own: []Known{key("a", "before", time.Hour)}, others: []Known{key("b", "before", time.Hour)}, listed: []string{"b"}},
		"only keys of another token are listed":   {own: []Known{key("a", "before", time.Hour)}, others: []Known{key("b", "now", time.Hour)}, listed: []string{"b"}, mismatch: true},
		"first key here, others' keys are absent": {others: []Known{key("b", "before", time.Hour)}, mismatch: true},
		"accepted by a person":                    {own: []Known{key("a", "before", time.Hour)}, accepted: true},
	} {
		t.Run(title, func(t *testing.T) {
			t.Parallel()
			judge := tenancy{
				state: State{ConnectionState: ConnectionState{TokenHeldBy: "now"}, TenantAccepted: test.accepted},
				known: slices.Concat(test.own, test.others), begunAt: now,
				listed: func(id string) bool { return slices.Contains(test.listed, id) },
			}
			if got := judge.mismatched(test.own); got != test.mismatch {
				t.Errorf("mismatch: %t", got)
			}
		})
	}
}
