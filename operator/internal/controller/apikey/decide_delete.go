package apikey

import (
	"cmp"
	"slices"
	"time"
)

// overdueAfter is when a revocation that does not get through becomes an alarm.
const overdueAfter = 24 * time.Hour

// releaseApart is how old a listing must be before a deletion asks for another one, which it needs to let go: all deletions
// of a connection within that time share one.
const releaseApart = 10 * time.Second

// decideDelete revokes every key of ledgers and marker, and lets go when a listing confirms that none lives. Nothing
// here can mint.
func decideDelete(o Observation, now time.Time) Action {
	switch {
	case !o.Object.Finalizer:
		return Rest{}
	case o.Settings.Retain:
		return retain(o, now)
	case o.Connection.OthersDepend && len(o.keyed()) > 0:
		return awaitDependents(o, now)
	case o.Connection.Missing && len(o.keyed()) == 0:
		return Release{}
	case o.onlyOwnTokenLeft():
		return Release{}
	}
	if rest, stop := o.blocked(); stop {
		return rest.and(o.pending(now))
	}
	until, hold := o.holdFinalizer()
	until = later(until, o.Listing.BegunAt.Add(releaseApart)) // when there will be a listing that may show more
	action, found := revokeRemaining(o, now)
	switch rest, resting := action.(Rest); {
	case found && resting && hold:
		rest.Until = earlier(rest.Until, until)
		return rest
	case found:
		return action
	case hold:
		return waits(until, Revoking, "all known keys are revoked; until %s one may still appear whose answer was lost", stamp(until))
	}
	return Release{}
}

// awaitDependents keeps everything in step but mints nothing: others need the token in the target until they are done.
func awaitDependents(o Observation, now time.Time) Action {
	rest := waits(now.Add(othersPause), InUse, "other ApiKeys still need the Connection whose token this one is")
	return o.firstOf([]phase{sealLost, publish, revokeStrays, retire}, rest, now)
}

// retain keeps the newest key that works, and the target. What of that key is not in the target yet is published first,
// because the ledger, which holds the only other copy, goes. Then strays are revoked, and replaced keys whose overlap has
// ended. Neither that nor a publication holds up the release when it fails.
func retain(o Observation, now time.Time) Action {
	kept, found := o.candidate()
	if found && o.standing(kept) != dead {
		switch publication := o.unlessFailed(publish(o, now), now).(type) {
		case Publish:
			return publication
		case Rest:
			// Its front ends may not know the key yet, which passes.
			if publication.Has(Verifying) && now.Before(kept.IssuedAt.Add(verifyPatience)) {
				return publication
			}
		}
	}
	// Only while the Secret is ours: what a release has let go of already looks like a stray.
	if _, serving := o.published(); serving {
		action := o.firstOf([]phase{revokeStrays, retire}, Rest{}, now)
		if _, resting := action.(Rest); !resting {
			return action
		}
	}
	left := o.leftAlive()
	if !o.shown(kept.Fingerprint) || o.standing(kept) == dead {
		return Release{Retain: true, Left: left}
	}
	return Release{Retain: true, KeepID: kept.ID, Left: left}
}

// leftAlive are the keys that live on and that no Secret of ours holds. What no ledger records may be the one in the Secret,
// if this or another process has let go of that already.
func (o Observation) leftAlive() []string {
	_, serving := o.published()
	return slices.DeleteFunc(o.remaining(), func(id string) bool {
		for _, l := range o.keyed() {
			if l.ID == id {
				return o.shown(l.Fingerprint)
			}
		}
		return !serving
	})
}

// onlyOwnTokenLeft reports that every key is known to be dead by the Connection's token being one of them: nothing
// can be listed with it any more.
func (o Observation) onlyOwnTokenLeft() bool {
	keyed := o.keyed()
	return o.Connection.TokenRevoked && o.Listing == nil && len(keyed) > 0 &&
		!slices.ContainsFunc(keyed, func(l Ledger) bool { return o.standing(l) != dead })
}

func (o Observation) pending(now time.Time) Rest {
	overdue := o.Object.DeletedAt.Add(overdueAfter)
	if now.Before(overdue) {
		return waits(overdue, RevocationPending, "the keys cannot be revoked now, which is tried again; deletionPolicy: Retain lets go and leaves them alive")
	}
	return waits(time.Time{}, RevocationOverdue, "the keys could not be revoked since %s; deletionPolicy: Retain lets go and leaves them alive", stamp(o.Object.DeletedAt))
}

// revokeRemaining returns what is still to be revoked, or the Rest of a key that cannot be. Strays come first and the
// Connection's own token last: after it nothing can be revoked.
func revokeRemaining(o Observation, now time.Time) (Action, bool) {
	var rest Rest
	waiting := false
	for _, id := range o.remaining() {
		switch _, listed := o.listed(id); {
		case !listed:
			waiting = true
			rest = rest.and(o.pending(now))
		case !o.marked(id):
			waiting = true
			rest = rest.and(stalls(MarkerMissing, "key %s no longer carries %q in its name: revoke it by hand, or put it back", id, o.Object.Marker))
		default:
			revoke := o.unlessFailed(Revoke{ID: id, Why: WhyDeleted}, now)
			if pause, resting := revoke.(Rest); resting {
				waiting = true
				rest = rest.and(pause).orSay(o.pending(now))
				continue
			}
			return revoke, true
		}
	}
	return rest, waiting
}

// remaining returns the ids that are not known to be dead: strays, then ledgers from the oldest on.
func (o Observation) remaining() []string {
	var ids []string
	if o.Listing != nil {
		for id, key := range o.Listing.Keys {
			if key.Live() && o.marked(id) && !o.recorded(id) {
				ids = append(ids, id)
			}
		}
	}
	slices.Sort(ids)
	keyed := o.keyed()
	slices.SortStableFunc(keyed, func(a, b Ledger) int { return cmp.Compare(o.isToken(a), o.isToken(b)) })
	for _, l := range keyed {
		if o.standing(l) != dead {
			ids = append(ids, l.ID)
		}
	}
	return ids
}

func (o Observation) isToken(l Ledger) int {
	if l.Fingerprint != "" && l.Fingerprint == o.Connection.TokenHeldBy {
		return 1
	}
	return 0
}

// holdFinalizer reports until when a key may still appear: one grace after an unknown outcome, and one after this
// process began to act, because its predecessor may have been minting. The listing must have begun after that.
func (o Observation) holdFinalizer() (time.Time, bool) {
	until := o.LeaderSince // a zero time is long past
	for _, at := range o.Unknown {
		if at.After(until) {
			until = at
		}
	}
	until = until.Add(o.Policy.StrayGrace)
	if o.Object.DeletedAt.After(until) {
		until = o.Object.DeletedAt
	}
	return until, o.Listing.BegunAt.Before(until)
}
