package apikey

import (
	"slices"
	"time"
)

const (
	// tombstoneAge is far beyond any write that could still be on its way.
	tombstoneAge = time.Hour
	// rolloutPatience is how long, after the overlap, a revocation waits for workloads to roll.
	rolloutPatience = 24 * time.Hour
	// rolloutPause is how often workloads are looked at meanwhile: they are not watched, so nothing tells when they have rolled.
	rolloutPause = 15 * time.Second
)

// revokeStrays revokes live keys of ours that nobody has the plaintext of, once two listings, a grace apart, show them.
func revokeStrays(o Observation, now time.Time) Action {
	if len(o.Strays) == 0 {
		return Rest{}
	}
	if rest, stop := o.blocked(); stop {
		return rest
	}
	var rest Rest
	for _, stray := range o.Strays {
		if o.heldByTarget(stray.ID) || !o.marked(stray.ID) || o.adopting(stray.ID) {
			continue
		}
		due := stray.FirstSeen.Add(o.strayGrace(stray))
		if !o.Listing.BegunAt.Before(due) {
			revoke := o.unlessFailed(Revoke{ID: stray.ID, Why: WhyStray}, now)
			if pause, resting := revoke.(Rest); resting {
				rest = rest.and(pause)
				continue
			}
			return revoke
		}
		reason := PlaintextLost
		if stray.Restored {
			reason = RestoreSuspected
		}
		rest = rest.and(waits(due, reason, "key %s is recorded by no ledger and is revoked after %s", stray.ID, stamp(due)))
	}
	return rest
}

func (o Observation) heldByTarget(id string) bool {
	return slices.ContainsFunc(o.targets(), func(t Target) bool { return t.HoldsListed == id })
}

// strayGrace is the overlap for a key that existed long before it was first seen astray: after a restore of etcd,
// consumers may still use it.
func (o Observation) strayGrace(stray Stray) time.Duration {
	if stray.Restored {
		return max(o.Policy.StrayGrace, o.Settings.Rotation.Overlap)
	}
	return o.Policy.StrayGrace
}

// retire revokes the keys that the published one has replaced, when their overlap has ended, and then deletes their
// ledgers.
func retire(o Observation, now time.Time) Action {
	if action, found := deleteDeadLedger(o, now); found {
		return action
	}
	serving, ok := o.published()
	if !ok || !o.hasPrevious(serving) {
		return Rest{}
	}
	if rest, stop := o.blocked(); stop {
		return rest
	}
	if o.standing(serving) != live {
		return waits(time.Time{}, WaitingForListing, "the keys that %s replaced live on until it is listed", serving.ID)
	}
	at, known := o.revokeAt(serving)
	switch {
	case !known:
		return Rest{}
	case now.Before(at):
		return waits(at, Overlap, "previous keys live on until %s", stamp(at))
	case o.Workloads.Configured && !o.Workloads.Done && now.Before(at.Add(rolloutPatience)):
		return waits(earlier(now.Add(rolloutPause), at.Add(rolloutPatience)), AwaitingRollout, "previous keys live on until the workloads have rolled out, at most until %s%s",
			stamp(at.Add(rolloutPatience)), o.Workloads.lacking())
	}
	return revokePrevious(o, serving, now)
}

// previousIDs are the keys that the published one has replaced, each once, with the ledger of each (none for an adopted key).
func (o Observation) previousIDs(serving Ledger) (ids []string, ledgers map[string]Ledger) {
	ledgers = map[string]Ledger{}
	for _, l := range o.keyed() {
		if l.Sequence < serving.Sequence && l.ID != serving.ID && o.standing(l) != dead {
			ids = append(ids, l.ID)
			ledgers[l.ID] = l
		}
		if key, listed := o.listed(l.Adopted); listed && key.Live() && l.Sequence <= serving.Sequence && l.Adopted != serving.ID && !o.recorded(l.Adopted) {
			ids = append(ids, l.Adopted)
		}
	}
	return ids, ledgers
}

func (o Observation) hasPrevious(serving Ledger) bool {
	ids, _ := o.previousIDs(serving)
	return len(ids) > 0
}

func revokePrevious(o Observation, serving Ledger, now time.Time) Action {
	ids, ledgers := o.previousIDs(serving)
	var rest Rest
	for _, id := range ids {
		key, listed := o.listed(id)
		switch {
		case !listed: // a listing that lags will show it, or absence will be proven
		case o.shown(ledgers[id].Fingerprint) && ledgers[id].Fingerprint != "":
			rest = rest.and(o.stillShown(id, ledgers[id].Fingerprint))
		case !o.marked(id):
			rest = rest.and(stalls(MarkerMissing, "key %s (%s) no longer carries %q in its name: revoke it by hand, or put it back",
				id, key.KeyPrefix, o.Object.Marker))
		default:
			revoke := o.unlessFailed(Revoke{ID: id, Why: WhyOverlapEnded}, now)
			if pause, resting := revoke.(Rest); resting {
				rest = rest.and(pause)
				continue
			}
			return revoke
		}
	}
	return rest
}

// stillShown says which Secret keeps a replaced key from being revoked. One that can be written comes into step by itself.
func (o Observation) stillShown(id, fingerprint string) Rest {
	for _, t := range o.targets() {
		if t.Ownership == Unusable && t.Holds(fingerprint) {
			return stalls(SecretConflict, "key %s is not revoked while Secret %s shows it, which is immutable or of another type: delete that Secret", id, t.Name)
		}
	}
	return Rest{}
}

// deleteDeadLedger finds a ledger that is no longer needed: not the newest, its key dead and in no Secret, or replaced
// in place by a newer ledger; or a tombstone that nothing can collide with any more.
func deleteDeadLedger(o Observation, now time.Time) (Action, bool) {
	newest, ok := o.newest()
	if !ok {
		return nil, false
	}
	for _, l := range o.Ledgers {
		switch {
		case l.Sequence >= newest.Sequence:
		case l.ID == "" && now.Before(l.IssuedAt.Add(tombstoneAge)):
		case l.ID != "" && (o.shown(l.Fingerprint) || o.standing(l) != dead && !o.replacedInPlace(l)):
		case l.Adopted != "" && o.adoptedLives(l):
		default:
			if action, ok := o.unlessFailed(DeleteLedger{Sequence: l.Sequence}, now).(DeleteLedger); ok {
				return action, true
			}
		}
	}
	return nil, false
}

// adoptedLives reports whether the key that the ledger took over may still live. Only this ledger knows it.
func (o Observation) adoptedLives(l Ledger) bool {
	key, listed := o.listed(l.Adopted)
	return o.Listing == nil || listed && key.Live()
}

// replacedInPlace reports whether a published newer ledger has the same id: a rotation that kept it. The id is in use
// and must not be revoked; the older plaintext is void.
func (o Observation) replacedInPlace(l Ledger) bool {
	serving, ok := o.published()
	return ok && serving.Sequence > l.Sequence && serving.ID == l.ID
}
