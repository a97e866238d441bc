package apikey

import (
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"
)

// further are what the table of all combinations leaves out, because it would be a million times as large. They are
// combined at random.
var further = []dimension{
	{"": nothing, "rolling": rolling, "rolled": func(o *Observation) { o.Workloads = Rollout{Configured: true, Done: true} }},
	{"": nothing, "restart pending": restartPending},
	{"": nothing, "previous published": func(o *Observation) { o.Settings.PublishPrevious = true }, "previous shown": showsPrevious},
	{"": nothing, "former": former, "former in step": func(o *Observation) { formerHolds(2, false)(o); o.Former[0].PublishedAt = now.Add(-30 * time.Hour) }, "former in use": func(o *Observation) { former(o); formerInUse(o) },
		"former terminating": func(o *Observation) { former(o); o.Former[0].Terminating = true }, "former immutable": func(o *Observation) { former(o); o.Former[0].Ownership = Unusable }},
	{"": nothing, "refused": refused},
	{"": nothing, "minting suspended": connection(paused)},
	{"": nothing, "capped": connection(capped)},
	{"": nothing, "quota used up": connection(func(c *ConnectionState) { c.QuotaUntil = now.Add(time.Minute) })},
	{"": nothing, "token missing": connection(func(c *ConnectionState) { c.TokenMissing = "no Secret" })},
	{"": nothing, "names dropped": connection(func(c *ConnectionState) { c.DropsNames = true })},
	{"": nothing, "others depend": connection(func(c *ConnectionState) { c.OthersDepend = true })},
	{"": nothing, "bad window": hasBadWindow},
	{"": nothing, "bad overlap": hasBadOverlap},
	{"": nothing, "young leader": func(o *Observation) { o.LeaderSince = now.Add(-time.Minute) }},
	{"": nothing, "answer lost": unknown},
	{"": nothing, "mint failed": failed("mint"), "publication failed": failed("publish/reader"), "revocation failed": failed("revoke/k1"), "patch failed": failed("patch/k1"),
		"deletion failed": failed("target/before"), "restart failed": failed("restart")},
}

// TestDecideSampled checks what must hold for any action in random combinations of everything.
func TestDecideSampled(t *testing.T) {
	t.Parallel()
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	rng := rand.New(rand.NewPCG(seed, 1))
	all := append([]dimension{keys}, slices.Concat(dimensions, further)...)
	names := make([][]string, len(all))
	for i, d := range all {
		for name := range d {
			names[i] = append(names[i], name)
		}
		slices.Sort(names[i]) // the seed repeats the order
	}
	counts := map[string]int{}
	for range 150_000 {
		var title []string
		var edits []func(o *Observation)
		for i, d := range all {
			name := names[i][rng.IntN(len(names[i]))]
			if i > 0 && rng.IntN(3) > 0 {
				name = "" // most of everything is as usual, or every other combination would rest
			}
			if name != "" {
				title = append(title, name)
			}
			edits = append(edits, d[name])
		}
		o := seen(edits...)
		action := decide(o, now)
		counts[strings.Split(action.key(), "/")[0]]++
		if broken := first(map[string]bool{promise(o, action): true, policyPromise(o, action): true}); broken != "" {
			t.Fatalf("seed %d, %s: %T %+v: %s", seed, strings.Join(title, ", "), action, action, broken)
		}
	}
	t.Logf("%v", counts)
	for _, kind := range []string{"mint", "publish", "revoke", "patch", "ledger", "target", "restart", "release", "seal"} {
		if counts[kind] == 0 {
			t.Errorf("no observation leads to %s", kind)
		}
	}
}

// policyPromise says which promise the action breaks that only the further dimensions put to the test.
func policyPromise(o Observation, action Action) string {
	if failure, ok := o.Backoff[action.key()]; ok && now.Before(failure.Until) {
		return "it has failed, and its time has not come"
	}
	c := o.Connection
	alive := o.Object.DeletedAt.IsZero()
	switch a := action.(type) {
	case Mint:
		return first(map[string]bool{
			"policy does not admit it":   c.Refused != "" || c.SuspendMinting,
			"no quota, no cap, no token": c.QuotaUntil.After(now) || c.CapUntil.After(now) || c.TokenMissing != "",
			"settings cannot be read":    o.Settings.Invalid != "" || a.Cause == CauseForced && o.Object.InvalidOverlap != "",
			"rotated where names go":     c.DropsNames && a.RotateID != "",
		})
	case Patch:
		return first(map[string]bool{"policy does not admit it": c.Refused != "" && a.ID != o.Settings.Adopt})
	case Seal:
		return first(map[string]bool{
			"its ledger is there":     o.recorded(a.ID) || o.sequenceTaken(a.Sequence) || a.Sequence < 1,
			"the namespace ends":      o.Object.NamespaceTerminating,
			"no Secret of ours, none": a.Target.Ownership != Ours || a.Target.HoldsListed != a.ID,
		})
	case DeleteTarget:
		serving, isServing := o.published()
		at, known := o.revokeAt(serving)
		return first(map[string]bool{
			"P1: the Secret in service":    a.Target.Name == o.Settings.TargetName,
			"P1: no other Secret serves":   !isServing || !known || now.Before(at),
			"others need it, or it goes":   a.Target.InUse || a.Target.Terminating,
			"deleted: the release does it": !alive,
		})
	case Restart:
		return first(map[string]bool{
			"suspended or deleted":  o.Settings.Suspend || !alive,
			"nothing was published": !a.Target.RestartPending || a.Target.Ownership != Ours,
		})
	}
	return ""
}
