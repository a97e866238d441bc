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
		"its successor of this token is listed":   {own: []Known{key("a", "before", time.Hour), key("b", "now", time.Minute)}, listed: []string{"b"}},
		"its successor of this token is absent":   {own: []Known{key("a", "before", time.Hour), key("b", "now", 20*time.Minute)}, mismatch: true},
		"its successor is of a third token":       {own: []Known{key("a", "before", time.Hour), key("b", "then", time.Minute)}, listed: []string{"b"}, mismatch: true},
		"its predecessor of this token is listed": {own: []Known{key("a", "before", time.Minute), key("b", "now", time.Hour)}, listed: []string{"b"}, mismatch: true},
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

// The token was replaced by another of the same tenant, the key rotated with it, and the process ended between the
// revocation of the former key and the end of its ledger, at an API that lists no dead keys. No person is needed.
func TestTokenReplacedBeforeARotation(t *testing.T) {
	t.Parallel()
	s, c := directed(t, 1)
	s.conf.hideDead = true
	s.settleFor(20 * time.Minute)
	s.tenants["A2"] = s.tenants["A"]
	c.token[mainConnection], c.token[bootConnection] = "session-A2", "session-A2"
	s.settleFor(20 * time.Minute)
	rotate(c)
	s.settleFor(20 * time.Minute)
	s.on("delete ledger", func() fault { panic(errCrash) })
	p, crashed := c.processes[0], false
	for end := s.now.Add(3 * time.Hour); s.now.Before(end); s.now = s.now.Add(time.Minute) {
		func() {
			defer func() {
				if recover() != nil {
					crashed = true
					p.boot()
				}
			}()
			p.ref = c.refs0()
			p.settleOne(p.ref)
		}()
	}
	if !crashed {
		t.Fatal("no ledger was deleted")
	}
	if len(c.accepted) != 0 {
		t.Error("a person had to accept the tenant, which never changed")
	}
	s.mustEnd(t, "token replaced before a rotation")
}
