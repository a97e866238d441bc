package apikey

import "testing"

// Who waits for other ApiKeys to go must look for himself: that they are gone changes nothing that is his, and no event
// tells him. Without a time to look again he would wait for ever.
func TestWhoWaitsForOthersLooksAgain(t *testing.T) {
	t.Parallel()
	full := func(o *Observation) {
		o.Connection.Refused, o.Connection.RefusedReason = "as many come first", MaxKeysReached
	}
	for title, test := range map[string]struct {
		edits  []func(o *Observation)
		reason Reason
	}{
		"all places are taken":                  {do(fresh, full), MaxKeysReached},
		"the token of others, key live":         {do(deleted, func(o *Observation) { o.Connection.OthersDepend = true }), InUse},
		"the token of others, still in overlap": {do(rotated(0), deleted, func(o *Observation) { o.Connection.OthersDepend = true }), InUse},
	} {
		rest, resting := decide(seen(test.edits...), now).(Rest)
		if !resting || !rest.Has(test.reason) || rest.Until.IsZero() || rest.Until.After(now.Add(othersPause)) {
			t.Errorf("%s: %+v", title, decide(seen(test.edits...), now))
		}
	}
	// What only a change of the Connection ends needs no look.
	if rest, resting := decide(seen(fresh, refused), now).(Rest); !resting || !rest.Until.IsZero() {
		t.Errorf("refused scopes: %+v", rest)
	}
}
