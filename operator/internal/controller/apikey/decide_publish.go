package apikey

import (
	"maps"
	"slices"
	"time"
)

// previousPrefix and the key's entry name the entry that shows the previous key during the overlap, where the settings
// ask for it.
const previousPrefix = "previous-"

// sealLost writes the ledger of a key again that a target holds and no ledger records: it is in service, and the
// ledger that could have restored it is gone.
func sealLost(o Observation, _ time.Time) Action {
	t, found := o.holderOfLost()
	if !found {
		return Rest{}
	}
	if o.Object.NamespaceTerminating {
		return waits(time.Time{}, NamespaceTerminating, "the namespace is being deleted: the lost ledger of %s cannot be written", t.HoldsListed)
	}
	sequence := t.Sequence
	if sequence <= 0 || o.sequenceTaken(sequence) {
		sequence = o.nextSequence()
	}
	return Seal{ID: t.HoldsListed, Sequence: sequence, Target: t}
}

// holderOfLost returns a target of ours with a live key that no ledger records.
func (o Observation) holderOfLost() (Target, bool) {
	for _, t := range o.targets() {
		if t.Ownership == Ours && t.HoldsListed != "" && !o.recorded(t.HoldsListed) {
			return t, true
		}
	}
	return Target{}, false
}

// holdsKnown reports whether a ledger records what the target holds.
func (o Observation) holdsKnown(t Target) bool {
	for _, l := range o.keyed() {
		for _, entry := range l.Entries {
			if t.Serves(entry) {
				return true
			}
		}
	}
	return false
}

// guarded reports that a target holds a key in service whose ledger is lost, or may hold one that listings do not show
// yet. Until that is settled, it is not overwritten, and no other key is issued.
func (o Observation) guarded(now time.Time) (Rest, bool) {
	if t, lost := o.holderOfLost(); lost {
		return waits(time.Time{}, StrayPending, "Secret %s holds key %s, whose ledger was lost and is written again first", t.Name, t.HoldsListed), true
	}
	newest, _ := o.newest()
	for _, t := range o.targets() {
		newer := t.Sequence > newest.Sequence || t.IssuedAt.After(newest.IssuedAt)
		if t.Ownership != Ours || !newer || len(t.Entries) == 0 || o.holdsKnown(t) {
			continue
		}
		if rest, wait := o.mayBeListedYet(t, now); wait {
			return rest, true
		}
	}
	return Rest{}, false
}

// mayBeListedYet reports that the key which the target holds, and no ledger records, may be one that listings lack only
// because they lag.
func (o Observation) mayBeListedYet(t Target, now time.Time) (Rest, bool) {
	until := t.IssuedAt.Add(youngAge)
	if o.Listing == nil || o.Connection.TenantMismatch {
		return waits(now.Add(time.Minute), WaitingForListing, "Secret %s holds a key that no ledger records: it is kept until the keys can be listed", t.Name), true
	}
	return waits(until, WaitingForListing, "Secret %s holds a key that no ledger records: it is kept until %s, as it may not be listed yet", t.Name, stamp(until)),
		o.Listing.BegunAt.Before(until)
}

// correctSuccessor patches a new key before it is published, if it was issued with another name or other scopes:
// consumers must not be moved to a key that may do less than their present one.
func correctSuccessor(o Observation, now time.Time) Action {
	newest, ok := o.newest()
	if !ok || o.Target.Serves(newest.Fingerprint) {
		return Rest{}
	}
	if _, serving := o.published(); !serving {
		return Rest{}
	}
	if correction, ok := patch(o, now).(Patch); ok {
		return correction
	}
	return Rest{}
}

// uncorrected reports a successor whose correction has failed and is to be tried again, or that lacks our marker: it
// cannot be corrected, and consumers stay with what they have, unless that is dead.
func (o Observation) uncorrected(successor Ledger, now time.Time) (Rest, bool) {
	newest, _ := o.newest()
	if present, serving := o.published(); !serving || o.standing(present) == dead || newest.ID != successor.ID {
		return Rest{}, false
	}
	switch correction := patch(o, now).(type) {
	case Patch:
		rest, failed := o.unlessFailed(correction, now).(Rest)
		return rest, failed
	case Rest:
		return correction, correction.Has(MarkerMissing)
	}
	return Rest{}, false
}

// publish brings the target up to date: the newest key that is not dead, the previous one where asked for, and every
// templated entry.
func publish(o Observation, now time.Time) Action {
	wanted, ok := o.candidate()
	if !ok {
		return Rest{}
	}
	if rest, stalled := targetProblem(o.Target); stalled {
		return rest
	}
	if wanted.RenderFailed != "" {
		return stalls(InvalidTemplate, "%s", wanted.RenderFailed)
	}
	if rest, wait := o.guarded(now); wait {
		return rest
	}
	previous := o.previous(wanted, now)
	if o.inSync(o.Target, wanted, previous) {
		return Rest{}
	}
	if o.Object.NamespaceTerminating && o.Target.Ownership == Absent {
		return waits(time.Time{}, NamespaceTerminating, "the namespace is being deleted: no Secret can be created in it")
	}
	// What consumers are moved to is verified; what they lost is given back at once.
	fresh := !o.Target.Serves(wanted.Fingerprint) && (o.Target.Sequence < wanted.Sequence || o.holdsKnown(o.Target))
	if rest, wait := o.uncorrected(wanted, now); wait && fresh {
		return rest
	}
	return Publish{Sequence: wanted.Sequence, Target: o.Target, Previous: previous, Fresh: fresh, Upkeep: o.Target.Serves(wanted.Fingerprint)}
}

// targetProblem says why a Secret cannot be written, and what to do.
func targetProblem(t Target) (Rest, bool) {
	switch t.Ownership {
	case Foreign:
		return stalls(SecretConflict, "Secret %s exists and is not of this ApiKey: set secret.name to another name, or delete the Secret if nothing else manages it", t.Name), true
	case Unusable:
		return stalls(SecretConflict, "Secret %s is immutable or of another type: delete it; it is made again with the same key", t.Name), true
	case Absent, Ours:
	}
	return Rest{}, false
}

func (o Observation) inSync(t Target, wanted Ledger, previous int) bool {
	return t.Ownership == Ours && t.MetaInSync && t.Sequence == wanted.Sequence && !t.PublishedAt.IsZero() &&
		maps.Equal(t.Entries, o.entries(wanted, previous))
}

// entries is what the target should hold.
func (o Observation) entries(wanted Ledger, previous int) map[string]string {
	entries := maps.Clone(wanted.Entries)
	for _, l := range o.Ledgers {
		if l.Sequence == previous && previous > 0 {
			entries[previousPrefix+o.Settings.TargetKey] = l.Fingerprint
		}
	}
	return entries
}

// previous is the sequence whose key is shown beside the wanted one; 0: none. Once the overlap has ended it is taken
// out of the target, because a key that the target shows is not revoked.
func (o Observation) previous(wanted Ledger, now time.Time) int {
	if !o.Settings.PublishPrevious || wanted.Overlap <= 0 {
		return 0
	}
	if at, known := o.revokeAt(wanted); known && !now.Before(at) {
		return 0
	}
	previous := 0
	for _, l := range o.keyed() {
		if l.Sequence < wanted.Sequence && o.standing(l) != dead {
			previous = l.Sequence
		}
	}
	return previous
}

// publishFormer keeps a Secret whose name the settings have left in step until the overlap, counted from when both
// held the key, has ended, and then deletes it.
func publishFormer(o Observation, now time.Time) Action {
	serving, ok := o.published()
	if !ok || len(o.Former) == 0 {
		return Rest{}
	}
	previous := o.previous(serving, now)
	var rest Rest
	for _, former := range o.Former {
		if former.Ownership != Ours || o.inSync(former, serving, previous) || o.standing(serving) != live {
			continue // where the key is perhaps dead, the former one may hold something better
		}
		publication := o.unlessFailed(Publish{
			Sequence: serving.Sequence, Target: former, Previous: previous, Upkeep: former.Serves(serving.Fingerprint),
		}, now)
		failure, resting := publication.(Rest)
		if !resting {
			return publication
		}
		rest = rest.and(failure)
	}
	at, known := o.revokeAt(serving)
	if !known {
		return rest
	}
	if end := at.Add(max(0, o.Settings.Rotation.Overlap-serving.Overlap)); now.Before(end) {
		return rest.and(Rest{Until: end})
	}
	return o.deleteFormer(rest, now)
}

// deleteFormer deletes the first former Secret that can go.
func (o Observation) deleteFormer(rest Rest, now time.Time) Action {
	for _, former := range o.Former {
		switch {
		case former.Terminating: // finalizers of others hold it
		case o.remembersRestart(former): // which comes first
		case former.InUse:
			rest = rest.and(stalls(InUse, "Secret %s, which secret.name no longer names, holds the token of a connection: set secret.name of its tokenSecretRef to %s",
				former.Name, o.Settings.TargetName))
		default:
			deletion := o.unlessFailed(DeleteTarget{Target: former}, now)
			failure, resting := deletion.(Rest)
			if !resting {
				return deletion
			}
			rest = rest.and(failure)
		}
	}
	return rest
}

// restart rolls the workloads once after a newer key was published. The target itself remembers that they are still
// to be rolled, so that neither a restart of the operator nor a new entry in the list rolls anything. A former one that
// holds the same key may remember it too, if it was the target for a while.
func restart(o Observation, _ time.Time) Action {
	for _, t := range o.targets() {
		if !o.remembersRestart(t) {
			continue
		}
		if o.Settings.Suspend {
			return stalls(Suspended, "spec.suspend is set: workloads are not restarted")
		}
		return Restart{Target: t}
	}
	return Rest{}
}

// remembersRestart reports whether workloads are to be rolled for the key in service. A sequence that is not its own is
// not believed: workloads that were told too high a number would be rolled for none of the next keys.
func (o Observation) remembersRestart(t Target) bool {
	serving, ok := o.published()
	return ok && t.Ownership == Ours && t.RestartPending && t.Sequence == serving.Sequence
}

// restartsAfter reports whether the workloads are to be restarted because of the publication: it moves consumers to a
// newer key. Where the target cannot tell what they have, because somebody has deleted it, raised its sequence, or
// written that of a key it does not hold, what tells is whether the key is the first. Workloads that were restarted for
// it already stay as they are.
func (o Observation) restartsAfter(a Publish) bool {
	i := slices.IndexFunc(o.Ledgers, func(l Ledger) bool { return l.Sequence == a.Sequence })
	if i < 0 {
		return false
	}
	wanted := o.Ledgers[i]
	switch held := a.Target.Sequence; {
	case !o.Workloads.Configured || a.Target.Name != o.Settings.TargetName || held == a.Sequence && a.Target.Serves(wanted.Fingerprint):
		return false
	case held > 0 && held < a.Sequence:
		return true
	case held == 0 && len(o.Former) > 0: // not deleted, but renamed
		return slices.ContainsFunc(o.Former, func(t Target) bool { return t.RestartPending || !t.Serves(wanted.Fingerprint) })
	}
	return wanted.Cause != CauseFirst
}
