package apikey

import "time"

// Observer is told what happens to ApiKeys, for metrics.
type Observer interface {
	// Reconciled counts one reconcile: "settled", "busy", "conflict" or "error".
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
	Sequence             int
}
