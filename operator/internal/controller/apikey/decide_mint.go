package apikey

import (
	"slices"
	"time"

	"github.com/betterdataco/terraform-provider-betterdata/apiclient"
	"github.com/betterdataco/terraform-provider-betterdata/operator/api/v1alpha1"
)

// maxPrevious is how many replaced keys may live on before scheduled rotations wait.
const maxPrevious = 5

// othersPause is how often an ApiKey that waits for others to go looks whether they have. Their end is no event of its own.
// Such a look takes no request while the listing is young enough.
const othersPause = time.Minute

// mint decides whether a key is to be issued. Every reason not to is looked at after the cause is known, so that a
// steady ApiKey shows none of them.
func mint(o Observation, now time.Time) Action {
	next, rest, wanted := wantedMint(o, now)
	if !wanted {
		return rest.keepingMint()
	}
	for _, hindrance := range []func(Observation, time.Time) (Rest, bool){cannotStore, mayNotMint, mustNotYetMint} {
		if why, hindered := hindrance(o, now); hindered {
			return rest.and(why).keepingMint()
		}
	}
	if next.Cause == CauseAdopt {
		return adopt(o, next)
	}
	return next
}

// wantedMint returns the key that is wanted by the settings and the state of the newest one, and in the Rest when
// that may change.
func wantedMint(o Observation, now time.Time) (Mint, Rest, bool) {
	next := Mint{
		Cause: CauseFirst, Sequence: o.nextSequence(), Token: o.Object.RotateToken, Overlap: o.Settings.Rotation.Overlap,
	}
	newest, exists := o.newest()
	if !exists {
		if o.Settings.Adopt != "" {
			next.Cause, next.Adopted = CauseAdopt, o.Settings.Adopt
		}
		return next, Rest{}, true
	}
	forced, rest := o.forced(newest)
	if !forced {
		next.Token = newest.Token // carried forward: a handled token that comes back is still handled
	} else if o.Object.RotateOverlap != nil {
		next.Overlap = max(*o.Object.RotateOverlap, 0)
	}
	if o.standing(newest) == dead {
		next.Cause = CauseReissue
		if o.Settings.Hold && !forced {
			return next, rest.and(stalls(KeyDead, "key %s is revoked, expired or gone, and onRevoked is Hold: set the annotation %s to a new value to replace it",
				newest.ID, v1alpha1.AnnotationRotateRequestedAt)), false
		}
		return next, rest, true
	}
	next, more, wanted := successor(o, newest, next, forced, now)
	return next, rest.and(more), wanted
}

// forced reports whether a token that is not handled yet asks for a rotation, and in the Rest what is wrong with it.
func (o Observation) forced(newest Ledger) (bool, Rest) {
	if o.Object.RotateToken == "" || o.Object.RotateToken == newest.Token {
		return false, Rest{}
	}
	if o.Object.InvalidOverlap != "" {
		return false, stalls(InvalidRotateOverlap, "the rotation that was asked for waits: %s", o.Object.InvalidOverlap)
	}
	return true, Rest{}
}

// successor is the key that replaces one which still works: asked for by a token, or due.
func successor(o Observation, newest Ledger, next Mint, forced bool, now time.Time) (Mint, Rest, bool) {
	due, at := o.Settings.Rotation.Due(newest.IssuedAt, now, o.Object.UID)
	if !forced && !due {
		return next, Rest{Until: at}, false
	}
	if serving, ok := o.published(); !ok || serving.Sequence != newest.Sequence && !o.markerless(newest.ID) {
		// The present successor first: rotating past it would leave its consumers behind. One without our marker has none.
		return next, waits(time.Time{}, Rotating, "a rotation waits until the Secret holds key %s", newest.ID), false
	}
	if !o.Connection.DropsNames && o.marked(newest.ID) {
		next.RotateID = newest.ID
	}
	next.Cause = CauseForced
	if forced {
		return next, Rest{}, true
	}
	next.Cause = CauseScheduled
	switch {
	case o.Listing != nil && o.standing(newest) == unproven:
		// It may be dead, which is not for the schedule to replace.
		return next, waits(now.Add(absenceApart), WaitingForListing, "key %s is not listed: the rotation waits until that is explained", newest.ID), false
	case len(o.keyed()) > maxPrevious:
		return next, waits(time.Time{}, TooManyPreviousKeys, "%d replaced keys still live: the scheduled rotation waits until one of them is revoked", maxPrevious), false
	}
	return next, Rest{}, true
}

// cannotStore says why the key could not be made durable or not be published.
func cannotStore(o Observation, now time.Time) (Rest, bool) {
	if o.Object.NamespaceTerminating {
		return waits(time.Time{}, NamespaceTerminating, "the namespace is being deleted: nothing is issued"), true
	}
	if rest, wait := o.guarded(now); wait {
		return rest, true
	}
	return targetProblem(o.Target)
}

// forbidden says why settings or policy forbid any new key, wanted or not.
func (o Observation) forbidden() (Rest, bool) {
	switch {
	case o.Settings.Invalid != "":
		return o.invalidWindow(), true
	case o.Settings.Suspend:
		return stalls(Suspended, "spec.suspend is set: nothing is issued"), true
	case o.Connection.SuspendMinting:
		return stalls(MintingSuspended, "suspendMinting is set on the connection: nothing is issued"), true
	case o.Connection.Refused != "":
		return stalls(o.Connection.RefusedReason, "%s", o.Connection.Refused), true
	}
	return Rest{}, false
}

// mayNotMint says why the settings or the Connection forbid it, for good or for now.
func mayNotMint(o Observation, now time.Time) (Rest, bool) {
	if rest, forbidden := o.forbidden(); forbidden {
		if rest.Has(MaxKeysReached) {
			rest.Until = now.Add(othersPause)
		}
		return rest, true
	}
	switch {
	case o.Connection.TokenMissing != "":
		return waits(time.Time{}, WaitingForConnection, "%s", o.Connection.TokenMissing), true
	case now.Before(o.Connection.CapUntil):
		return waits(o.Connection.CapUntil, MintLimitReached, "the connection's mintsPerHour is used up until %s", stamp(o.Connection.CapUntil)), true
	case now.Before(o.Connection.QuotaUntil):
		return waits(o.Connection.QuotaUntil, WaitingForQuota, "%s", quotaUsedUp(o.Connection.QuotaUntil)), true
	}
	return o.blocked()
}

// mustNotYetMint bounds how many keys without plaintext can pile up: with two strays, seen or to be feared, there is
// no third.
func mustNotYetMint(o Observation, now time.Time) (Rest, bool) {
	feared := 0
	for _, at := range o.Unknown {
		if now.Before(at.Add(o.Policy.StrayGrace)) {
			feared++
		}
	}
	astray := 0
	for _, stray := range o.Strays {
		if !o.adopting(stray.ID) && !stray.Aged { // those that a restore has brought live for the overlap, which may be long
			astray++
		}
	}
	until := now.Add(o.Policy.StrayGrace)
	switch {
	case astray > 1:
		return waits(until, StrayPending, "keys whose plaintext was lost are to be revoked first"), true
	case feared > 1:
		return waits(until, OutcomeUnknown, "answers were lost: what they made is being looked for, and nothing is issued meanwhile"), true
	}
	return Rest{}, false
}

// adopt takes over a key: first it gets our marker, which also tells other operators, then it is rotated, because
// nobody can read its plaintext.
func adopt(o Observation, next Mint) Action {
	key, listed := o.listed(next.Adopted)
	refuse := func(why string) Action {
		return stalls(AdoptionRefused, "key %s cannot be adopted: %s", next.Adopted, why)
	}
	markers := apiclient.MarkersIn(key.Name)
	ours := o.Object.Marker.In(key.Name)
	switch {
	case !o.Connection.AllowAdoption:
		return refuse("the Connection does not allow it; set allowAdoption there")
	case !listed:
		return refuse("no such key is listed; correct adopt.keyID")
	case !key.Live():
		return refuse("it is revoked or expired; remove adopt to issue a new key")
	case len(markers) > 0 && !ours:
		return refuse("its name shows that another ApiKey or Terraform manages it")
	case len(key.Scopes) == 0:
		return refuse("the API does not tell its scopes, so that it might lose them")
	case !covered(o.Connection.AllowedScopes, key.Scopes):
		return refuse("it has scopes that the Connection does not allow")
	case !ours:
		return Patch{ID: key.ID, Name: o.Settings.KeyName, Scopes: slices.Clone(key.Scopes)}
	}
	if !o.Connection.DropsNames {
		next.RotateID = next.Adopted
	}
	return next
}

// covered reports whether allowed grants every one of scopes. Nil allows all.
func covered(allowed, scopes []string) bool {
	for _, scope := range scopes {
		if allowed != nil && !apiclient.Allows(allowed, scope) {
			return false
		}
	}
	return true
}
