package apikey

import (
	"time"

	apimeta "k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/betterdataco/terraform-provider-betterdata/operator/api/v1alpha1"
)

// Observer is told what happens to ApiKeys, for metrics.
type Observer interface {
	// Reconciled counts one reconcile: "ready", "waiting", "stalled", "gone", "busy", "conflict" or "error".
	Reconciled(outcome string)
	// Minted counts a key that was issued and sealed, by Cause.
	Minted(cause string)
	// Revoked counts a key that was revoked, by Why.
	Revoked(why string)
	// StrayFound counts a stray when it is first seen.
	StrayFound()
	// ApiKey sets what is known of an ApiKey, and ForgetApiKey drops it once there is no such ApiKey.
	ApiKey(namespace, name string, f KeyFacts)
	ForgetApiKey(namespace, name string)
}

// KeyFacts is what metrics tell of the key in service.
type KeyFacts struct {
	Prefix, Last4, KeyID string
	IssuedAt             time.Time // zero: there is no key
	NextRotation         time.Time // zero: never
	Ready                bool
	Reason               string // of the condition Ready
	Stalled              string // reason of the condition Stalled; empty: it does not wait for a person
	Sequence             int
}

// factsOf is what metrics tell of the status and the key that it speaks of.
func factsOf(status v1alpha1.ApiKeyStatus) KeyFacts {
	f := KeyFacts{Prefix: status.KeyPrefix, Last4: status.Last4, KeyID: status.KeyID, Sequence: int(status.Sequence)}
	if status.IssuedAt != nil {
		f.IssuedAt = status.IssuedAt.Time
	}
	if status.NextRotationTime != nil {
		f.NextRotation = status.NextRotationTime.Time
	}
	if ready := apimeta.FindStatusCondition(status.Conditions, v1alpha1.ConditionReady); ready != nil {
		f.Ready, f.Reason = ready.Status == metav1.ConditionTrue, ready.Reason
	}
	if stalled := apimeta.FindStatusCondition(status.Conditions, v1alpha1.ConditionStalled); stalled != nil {
		f.Stalled = stalled.Reason
	}
	return f
}

// conclusion is how a reconcile ended that has such a status.
func conclusion(status v1alpha1.ApiKeyStatus) string {
	switch {
	case apimeta.IsStatusConditionTrue(status.Conditions, v1alpha1.ConditionStalled):
		return outcomeStalled
	case apimeta.IsStatusConditionTrue(status.Conditions, v1alpha1.ConditionReconciling):
		return outcomeWaiting
	}
	return outcomeReady
}
