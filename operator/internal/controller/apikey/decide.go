package apikey

import (
	"cmp"
	"time"

	"github.com/betterdataco/terraform-provider-betterdata/operator/api/v1alpha1"
)

// phase looks at one concern. It returns an action, or a Rest that says why there is none.
type phase func(o Observation, now time.Time) Action

// phases in their order. What keeps consumers served comes before what mints, and what mints before what tidies up;
// a phase that cannot go on does not hold up the others.
var phases = []phase{sealLost, correctSuccessor, publish, publishFormer, mint, revokeStrays, retire, patch, restart}

// decide returns the one thing to do now. It is pure and total; the promises that the package makes are made here.
func decide(o Observation, now time.Time) Action {
	if !o.Object.DeletedAt.IsZero() {
		return o.unlessFailed(decideDelete(o, now), now)
	}
	if !o.Object.Finalizer {
		return o.unlessFailed(AddFinalizer{}, now)
	}
	action := o.firstOf(phases, Rest{}, now)
	rest, resting := action.(Rest)
	if !resting {
		return action
	}
	// Said even where nothing is wanted: what is known may be out of date, and whether a rotation is due is not known.
	if blocked, stop := o.blocked(); stop {
		rest = rest.orSay(blocked)
	}
	if o.Settings.Invalid != "" {
		rest = rest.orSay(o.invalidWindow())
	}
	return rest
}

// firstOf returns the first action of the phases, or the sum of their Rests.
func (o Observation) firstOf(phases []phase, rest Rest, now time.Time) Action {
	for _, next := range phases {
		action := o.unlessFailed(next(o, now), now)
		pause, resting := action.(Rest)
		if !resting {
			return action
		}
		rest = rest.and(pause)
	}
	return rest
}

// unlessFailed turns an action that failed lately into a Rest until its time comes.
func (o Observation) unlessFailed(action Action, now time.Time) Action {
	failed, ok := o.Backoff[action.key()]
	if !ok || failed.over(o, now) {
		return action
	}
	return failed.note(action)
}

// blocked says why nothing may be changed upstream at all. Revoking and patching need no more than this.
func (o Observation) blocked() (Rest, bool) {
	switch {
	case o.Connection.Missing:
		return waits(time.Time{}, WaitingForConnection, "%s: create it, or delete this ApiKey and create it with another connectionRef", o.Connection.Problem), true
	case o.Connection.TenantMismatch:
		return stalls(TenantMismatch, "the connection's list of keys holds none of those issued through it: "+
			"restore its baseURL and token, or set its annotation %s to a new value to accept the new tenant", v1alpha1.AnnotationAcceptTenant), true
	case o.Listing == nil:
		return waits(o.Connection.ProblemUntil, cmp.Or(o.Connection.ProblemReason, APIUnavailable), "%s", o.Connection.Problem), true
	}
	return Rest{}, false
}

func (o Observation) invalidWindow() Rest {
	return stalls(InvalidWindow, "%s", o.Settings.Invalid)
}
