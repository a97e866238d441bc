package apikey

import (
	"fmt"
	"testing"
	"time"
)

// TestRestartsAfter: what moves consumers to a newer key restarts them, also where a person has deleted the Secret that
// remembered it; nothing else does.
func TestRestartsAfter(t *testing.T) {
	t.Parallel()
	for title, test := range map[string]struct {
		edits []func(o *Observation)
		want  bool
	}{
		"first key":                              {do(gone, func(o *Observation) { o.Ledgers[0].Cause = CauseFirst }), false},
		"repaired":                               {nil, false},
		"successor":                              {do(sealedOnly), true},
		"successor, no workloads":                {do(sealedOnly, func(o *Observation) { o.Workloads.Configured = false }), false},
		"deleted while the old key lives":        {do(rotated(time.Minute), gone), true},
		"deleted before the successor came":      {do(sealedOnly, gone), true},
		"deleted long after":                     {do(rotated(time.Hour), deadKey, gone), true},
		"deleted, made for a dead key":           {do(func(o *Observation) { o.Ledgers[0].Cause = CauseReissue }, gone), true},
		"sequence raised, replaced":              {do(sealedOnly, func(o *Observation) { o.Target.Sequence = 9 }), true},
		"sequence raised, the first key":         {do(func(o *Observation) { o.Target.Sequence, o.Ledgers[0].Cause = 9, CauseFirst }), false},
		"deleted, its ledger was lost before":    {do(gone, func(o *Observation) { o.Ledgers[0].Cause = CauseRecovered }), true},
		"sequence of a key it does not hold":     {do(sealedOnly, func(o *Observation) { o.Target.Sequence = 2 }), true},
		"taken over":                             {do(adopted, gone, func(o *Observation) { o.Ledgers[0].Cause = CauseAdopt }), true},
		"renamed, former one in step":            {do(rotated(time.Hour), gone, formerHolds(2, false)), false},
		"renamed, former one's restart pending":  {do(rotated(time.Hour), gone, formerHolds(2, true)), true},
		"renamed, former one's sequence raised":  {do(rotated(time.Hour), gone, formerHolds(1, false), func(o *Observation) { o.Former[0].Sequence = 9 }), true},
		"renamed before the successor published": {do(sealedOnly, gone, formerHolds(1, false)), true},
	} {
		o := seen(append([]func(o *Observation){rolling}, test.edits...)...)
		newest, _ := o.newest()
		if got := o.restartsAfter(Publish{Sequence: newest.Sequence, Target: o.Target}); got != test.want {
			t.Errorf("%s: restarts: %t", title, got)
		}
	}
	o := seen(rolling, rotated(time.Hour), former)
	if o.restartsAfter(Publish{Sequence: 2, Target: o.Former[0]}) {
		t.Error("a former Secret restarts workloads")
	}
}

func formerHolds(sequence int, pending bool) func(o *Observation) {
	return func(o *Observation) {
		former(o)
		o.Former[0].Sequence, o.Former[0].RestartPending = sequence, pending
		o.Former[0].Entries = map[string]string{"api-key": fmt.Sprint("print-k", sequence)}
	}
}

// Nothing tells when workloads have rolled, as they are not watched: they are looked at again and again.
func TestRolloutIsLookedAtAgain(t *testing.T) {
	t.Parallel()
	rest, resting := decide(seen(rotated(25*time.Hour), rolling), now).(Rest)
	if !resting || !rest.Has(AwaitingRollout) || !rest.Until.Equal(now.Add(rolloutPause)) {
		t.Errorf("got %+v", rest)
	}
}
