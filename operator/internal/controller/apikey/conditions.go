package apikey

import (
	"fmt"
	"slices"
	"strings"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/betterdataco/terraform-provider-betterdata/operator/api/v1alpha1"
)

// conditionList collects the conditions of one generation.
type conditionList struct {
	generation int64
	now        time.Time
	conditions []metav1.Condition
}

func (l *conditionList) add(kind string, status metav1.ConditionStatus, reason Reason, message string) {
	l.conditions = append(l.conditions, metav1.Condition{
		Type: kind, Status: status, Reason: string(reason), Message: clip(message),
		ObservedGeneration: l.generation, LastTransitionTime: metav1.NewTime(l.now.UTC().Truncate(time.Second)),
	})
}

// conditionsOf says how the ApiKey is. Ready speaks of the key in service alone: an API that is down does not make a
// good key a bad one. What hinders the operator is Stalled, or else Reconciling.
func conditionsOf(outcome *Outcome, now time.Time) []metav1.Condition {
	o, notes := outcome.Observation, outcome.Rest.Notes
	list := conditionList{generation: o.Object.Generation, now: now}
	status, ready := readiness(o, notes)
	list.add(v1alpha1.ConditionReady, status, ready.Reason, ready.Message)
	hindrance, hindered := hindranceOf(notes)
	switch {
	case hindered && hindrance.Stalled:
		list.add(v1alpha1.ConditionStalled, metav1.ConditionTrue, hindrance.Reason, hindrance.Message)
	case hindered:
		list.add(v1alpha1.ConditionReconciling, metav1.ConditionTrue, hindrance.Reason, hindrance.Message)
	case status != metav1.ConditionTrue:
		list.add(v1alpha1.ConditionReconciling, metav1.ConditionTrue, ready.Reason, ready.Message)
	}
	if note, blocked := mintingBlocked(o, notes); blocked && status == metav1.ConditionTrue {
		list.add(v1alpha1.ConditionMintingBlocked, metav1.ConditionTrue, note.Reason, note.Message)
	}
	if note, differ := firstNote(notes, NormalizedByAPI); differ {
		list.add(v1alpha1.ConditionScopesDiffer, metav1.ConditionTrue, note.Reason, note.Message)
	}
	if note, found := straysFound(o); found {
		list.add(v1alpha1.ConditionStrayFound, metav1.ConditionTrue, note.Reason, note.Message)
	}
	return list.conditions
}

// readiness is the condition Ready.
func readiness(o Observation, notes []Note) (metav1.ConditionStatus, Note) {
	if !o.Object.DeletedAt.IsZero() {
		return metav1.ConditionFalse, leaving(o, notes)
	}
	newest, exists := o.newest()
	serving, published := o.published()
	alive := exists && o.standing(newest) != dead
	if published && alive && serving.Sequence == newest.Sequence {
		return metav1.ConditionTrue, inService(o, serving, notes)
	}
	if hindrance, hindered := hindranceOf(notes); hindered {
		return metav1.ConditionFalse, hindrance
	}
	if alive {
		return metav1.ConditionFalse, Note{Reason: Publishing, Message: fmt.Sprintf("key %s is being written into Secret %s", newest.ID, o.Settings.TargetName)}
	}
	return metav1.ConditionFalse, Note{Reason: Minting, Message: "a key is being made"}
}

// inService tells of a key that works, and of those that it replaced.
func inService(o Observation, serving Ledger, notes []Note) Note {
	message := fmt.Sprintf("Secret %s holds key %s", o.Target.Name, serving.ID)
	if !o.hasPrevious(serving) {
		return Note{Reason: Published, Message: message}
	}
	if note, rolling := firstNote(notes, AwaitingRollout); rolling {
		return Note{Reason: AwaitingRollout, Message: message + "; " + note.Message}
	}
	if at, known := o.revokeAt(serving); known {
		message += "; the keys that it replaced live on until " + stamp(at)
	}
	return Note{Reason: Overlap, Message: message}
}

// leaving tells of an ApiKey that is being deleted.
func leaving(o Observation, notes []Note) Note {
	for _, reason := range []Reason{RevocationOverdue, RevocationPending} {
		if note, found := firstNote(notes, reason); found {
			return note
		}
	}
	hindrance, hindered := hindranceOf(notes)
	switch {
	case hindered:
		return hindrance
	case o.Settings.Retain:
		return Note{Reason: Retaining, Message: "the key and its Secret are being let go"}
	}
	return Note{Reason: Revoking, Message: "the keys are being revoked"}
}

// hindranceOf is the note that says most: what only a person can change, or else what comes first. Notes that go with a
// key in good service, or have a condition of their own, are none.
func hindranceOf(notes []Note) (Note, bool) {
	hindrances := slices.DeleteFunc(slices.Clone(notes), func(n Note) bool {
		switch n.Reason { //nolint:exhaustive // all others hinder
		case Overlap, AwaitingRollout, NormalizedByAPI, PlaintextLost, RestoreSuspected:
			return true
		}
		return false
	})
	if i := slices.IndexFunc(hindrances, func(n Note) bool { return n.Stalled }); i >= 0 {
		return hindrances[i], true
	}
	if len(hindrances) > 0 {
		return hindrances[0], true
	}
	return Note{}, false
}

// mintingBlocked is why the key in service can have no successor: what keeps a wanted one from being issued, or what
// would.
func mintingBlocked(o Observation, notes []Note) (Note, bool) {
	if i := slices.IndexFunc(notes, func(n Note) bool { return n.Mint }); i >= 0 {
		return notes[i], true
	}
	if rest, forbidden := o.forbidden(); forbidden {
		return rest.Notes[0], true
	}
	return Note{}, false
}

func firstNote(notes []Note, reason Reason) (Note, bool) {
	for _, note := range notes {
		if note.Reason == reason {
			return note, true
		}
	}
	return Note{}, false
}

// maxStraysNamed keeps the message short.
const maxStraysNamed = 5

// straysFound tells of the keys that nobody has the plaintext of. They come from what was observed and not from a note,
// because they are there also while the API is down.
func straysFound(o Observation) (Note, bool) {
	found := Note{Reason: PlaintextLost}
	var named []string
	for _, stray := range o.Strays {
		if o.heldByTarget(stray.ID) || o.adopting(stray.ID) || !o.Object.DeletedAt.IsZero() {
			continue
		}
		if stray.Restored {
			found.Reason = RestoreSuspected
		}
		named = append(named, fmt.Sprintf("%s, to be revoked after %s", stray.ID, stamp(stray.FirstSeen.Add(o.strayGrace(stray)))))
	}
	if len(named) > maxStraysNamed {
		named = append(named[:maxStraysNamed], fmt.Sprintf("and %d more", len(named)-maxStraysNamed))
	}
	found.Message = "keys of this ApiKey that no ledger records: " + strings.Join(named, "; ")
	return found, len(named) > 0
}
