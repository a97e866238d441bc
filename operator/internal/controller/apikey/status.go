package apikey

import (
	"strings"
	"time"

	apimeta "k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/betterdataco/terraform-provider-betterdata/operator/api/v1alpha1"
)

// What the schema of ApiKeyStatus allows. The API's texts and people's annotations may be longer.
const (
	idLimit       = 128
	last4Limit    = 16
	nameLimit     = 256
	tokenLimit    = 256
	previousLimit = 16
)

// statusOf is the status of an ApiKey whose reconcile ended so. It is pure, and the same as long as the outcome is: now
// only dates the transitions of conditions, which settled gives back to those that did not change.
func statusOf(outcome *Outcome, now time.Time) v1alpha1.ApiKeyStatus {
	o := outcome.Observation
	status := v1alpha1.ApiKeyStatus{
		ObservedGeneration: o.Object.Generation,
		Conditions:         conditionsOf(outcome, now),
		KeyName:            within(o.Settings.KeyName, nameLimit),
		SecretName:         o.Settings.TargetName,
	}
	if newest, ok := o.newest(); ok {
		status.LastHandledRotateAt = handledToken(newest.Token)
		status.NextRotationTime = nextRotation(o, newest, now)
	}
	serving, ok := o.published()
	if !ok {
		return status
	}
	status.KeyID, status.KeyPrefix, status.Last4 = within(serving.ID, idLimit), within(serving.Prefix, idLimit), within(serving.Last4, last4Limit)
	status.Sequence, status.IssuedAt = int64(serving.Sequence), timeOrNil(serving.IssuedAt)
	if serving.Cause.replaces() {
		status.LastRotationTime = status.IssuedAt
	}
	status.PreviousKeys = previousKeys(o, serving)
	return status
}

// nextRotation is when the schedule asks for the next key, also where that is past and something hinders it.
func nextRotation(o Observation, newest Ledger, now time.Time) *metav1.Time {
	if o.Settings.Invalid != "" || !o.Object.DeletedAt.IsZero() {
		return nil
	}
	_, at := o.Settings.Rotation.Due(newest.IssuedAt, now, o.Object.UID)
	return timeOrNil(at)
}

// previousKeys are the keys that the serving one replaced and that still live, oldest first.
func previousKeys(o Observation, serving Ledger) []v1alpha1.PreviousKey {
	ids, ledgers := o.previousIDs(serving)
	var keys []v1alpha1.PreviousKey
	for _, id := range ids[:min(len(ids), previousLimit)] {
		if within(id, idLimit) == "" {
			continue
		}
		previous := v1alpha1.PreviousKey{ID: id, KeyPrefix: within(ledgers[id].Prefix, idLimit), Last4: within(ledgers[id].Last4, last4Limit)}
		if at, known := o.revokeAt(serving); known {
			previous.RevokeAt = timeOrNil(at)
		}
		keys = append(keys, previous)
	}
	return keys
}

// settled is next with the transition times of those conditions whose status was the same before.
func settled(previous, next v1alpha1.ApiKeyStatus) v1alpha1.ApiKeyStatus {
	for i, condition := range next.Conditions {
		before := apimeta.FindStatusCondition(previous.Conditions, condition.Type)
		if before != nil && before.Status == condition.Status {
			next.Conditions[i].LastTransitionTime = before.LastTransitionTime
		}
	}
	return next
}

// firstStatus is that of an ApiKey nobody has looked at yet. Without conditions, kstatus would take it for ready.
func firstStatus(generation int64, now time.Time) v1alpha1.ApiKeyStatus {
	const message = "the ApiKey is new: its key is being made"
	list := conditionList{generation: generation, now: now}
	list.add(v1alpha1.ConditionReady, metav1.ConditionUnknown, Minting, message)
	list.add(v1alpha1.ConditionReconciling, metav1.ConditionTrue, Minting, message)
	return v1alpha1.ApiKeyStatus{ObservedGeneration: generation, Conditions: list.conditions}
}

// damagedStatus keeps what was known, and says that it cannot be trusted before a person has helped.
func damagedStatus(previous v1alpha1.ApiKeyStatus, generation int64, message string, now time.Time) v1alpha1.ApiKeyStatus {
	list := conditionList{generation: generation, now: now}
	message = clip(message + ": restore that Secret from a backup, or delete the ApiKey")
	list.add(v1alpha1.ConditionReady, metav1.ConditionUnknown, LedgerDamaged, message)
	list.add(v1alpha1.ConditionStalled, metav1.ConditionTrue, LedgerDamaged, message)
	previous.ObservedGeneration, previous.Conditions = generation, list.conditions
	return previous
}

// interruptedStatus keeps everything, as nothing new was learnt, and says so. The generation was not observed.
func interruptedStatus(previous v1alpha1.ApiKeyStatus, generation int64, message string, now time.Time) v1alpha1.ApiKeyStatus {
	list := conditionList{generation: generation, now: now}
	if apimeta.FindStatusCondition(previous.Conditions, v1alpha1.ConditionReady) == nil {
		list.add(v1alpha1.ConditionReady, metav1.ConditionUnknown, KubernetesUnavailable, message)
	}
	for _, condition := range previous.Conditions {
		if condition.Type != v1alpha1.ConditionReconciling {
			list.conditions = append(list.conditions, condition)
		}
	}
	list.add(v1alpha1.ConditionReconciling, metav1.ConditionTrue, KubernetesUnavailable, message)
	previous.Conditions = list.conditions
	return previous
}

// within is text, or nothing if it is too long to be stored.
func within(text string, limit int) string {
	if len(text) > limit {
		return ""
	}
	return text
}

// handledToken shortens a token that is too long to be stored, with a hash that tells it from others.
func handledToken(token string) string {
	if len(token) <= tokenLimit {
		return token
	}
	tail := "-" + hash(token)[:8]
	return strings.ToValidUTF8(token[:tokenLimit-len(tail)], "") + tail
}

// timeOrNil is t as status stores it, in full seconds; nil if it is not known.
func timeOrNil(t time.Time) *metav1.Time {
	if t.IsZero() {
		return nil
	}
	return &metav1.Time{Time: t.UTC().Truncate(time.Second)}
}
