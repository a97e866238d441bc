package apikey

import (
	"slices"
	"time"

	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/betterdataco/terraform-provider-betterdata/apiclient"
	"github.com/betterdataco/terraform-provider-betterdata/apiclient/rotation"
)

// youngAge is how long a key may be missing from complete listings without that meaning anything: listings can lag
// behind writes (P3).
const youngAge = 10 * time.Minute

// sighting is what complete listings tell of one key id.
type sighting int

const (
	sightingListed sighting = iota
	// sightingYoung: not listed, but issued too recently to conclude anything.
	sightingYoung
	// sightingAbsent: two complete listings in a row lack it.
	sightingAbsent
)

// observed is everything a refresh has learned from the API.
type observed struct {
	// current tells of the resource's own key, which keys holds when it is listed.
	current sighting
	// keys are the listed ones among the current key and its predecessors, by id.
	keys map[string]apiclient.Key
	// marked are the live keys that carry this resource's marker.
	marked []apiclient.Key
	// now is the API's clock, by which everything falls due.
	now time.Time
}

// fold applies what was observed to the state. It is pure. Whatever it writes changes only when a fact changes, never
// with the mere passing of time, so that refreshing twice gives the same state.
func fold(prior model, block rotationModel, previous []previousKey, issuing issuance, seen observed) (next model, keys []previousKey) {
	next = prior
	if prior.ID.IsNull() && prior.hasSecret() {
		adopt(&next, previous, seen)
	}
	foldCurrent(&next, issuing, seen)
	keys = foldPrevious(next.ID, previous, seen)
	if !next.ID.IsNull() {
		keys = append(keys, strays(next.ID.ValueString(), keys, seen)...)
	}
	policy := block.policy()
	next.NextRotationAt = nextRotation(next.CreatedAt, policy)
	next.RotationDue = types.BoolValue(!next.dead() && rotationDue(next.CreatedAt, policy, seen.now).ValueBool())
	return next, keys
}

// adopt finds the id of a key whose issuing answer held a plaintext but no readable id.
func adopt(next *model, previous []previousKey, seen observed) {
	known := listedAmong(idsOf(previous), func(id string) (apiclient.Key, bool) { key, ok := seen.keys[id]; return key, ok })
	if found := issuedKey(apiclient.NewSecret(next.PlaintextKey.ValueString()), known, seen.marked); found != nil {
		next.ID = types.StringValue(found.ID)
		seen.keys[found.ID] = *found
	}
}

func foldCurrent(next *model, issuing issuance, seen observed) {
	id := next.ID.ValueString()
	if next.ID.IsNull() {
		return
	}
	switch seen.current {
	case sightingYoung:
		return
	case sightingAbsent:
		next.Status = types.StringValue(statusAbsent)
		return
	case sightingListed:
	}
	key := seen.keys[id]
	if key.Name != "" || next.Name.IsNull() {
		next.Name = types.StringValue(issuing.shownName(key.Name, next.NameMarker.ValueString()))
	}
	foldScopes(next, key.Scopes)
	foldFacts(next, key)
}

// foldScopes keeps the state's own spelling while it grants the same: an API that expands inventory:* must not give
// a diff in every plan (docs/decisions/0007). A listing without scopes says nothing of them.
func foldScopes(next *model, got []string) {
	if got == nil && !next.Scopes.IsNull() {
		return
	}
	if next.Scopes.IsNull() || !apiclient.SameCoverage(stringsOf(next.Scopes), got) {
		next.setScopes(got)
	}
}

// foldFacts takes over what the listing tells and keeps what it leaves out. The issue time is written once: an
// issuing answer and a listing that print it differently must not change the state at each refresh.
func foldFacts(next *model, key apiclient.Key) {
	if key.KeyPrefix != "" {
		next.KeyPrefix = types.StringValue(key.KeyPrefix)
	}
	if key.Last4 != "" {
		next.Last4 = types.StringValue(key.Last4)
	}
	switch {
	case key.Status != "":
		next.Status = types.StringValue(string(key.Status))
	case next.Status.ValueString() == statusAbsent:
		// Listed after all. A listing without a status says nothing against the key.
		next.Status = types.StringValue(string(apiclient.StatusActive))
	}
	if next.CreatedAt.IsNull() && key.CreatedAt != nil {
		next.CreatedAt = timeValue(*key.CreatedAt)
	}
}

// foldPrevious drops predecessors that are dead and marks those whose overlap has ended. One that is merely missing
// stays: revoking it when it is due settles the question. While the id of the key in use is not known nothing is due,
// because any of them might be it (P1).
func foldPrevious(current types.String, previous []previousKey, seen observed) []previousKey {
	var keys []previousKey
	for _, key := range previous {
		if listed, ok := seen.keys[key.ID.ValueString()]; ok && !listed.Live() || key.ID.Equal(current) {
			continue
		}
		key.Due = types.BoolValue(!current.IsNull() && overlapEnded(key.RevokeAfter, seen.now))
		keys = append(keys, key)
	}
	return keys
}

// overlapEnded: a time that does not parse is ours and broken; revoking a key that nobody promised to keep is the
// safe side.
func overlapEnded(revokeAfter types.String, now time.Time) bool {
	at, ok := timeOf(revokeAfter)
	return !ok || rotation.OverlapEnded(at, now)
}

// strays are live keys with our marker that are neither the current key nor a known predecessor: issued by a create
// or rotate whose answer was lost, so nobody has their plaintext (P2).
func strays(currentID string, previous []previousKey, seen observed) []previousKey {
	var found []previousKey
	for _, key := range seen.marked {
		known := key.ID == currentID || slices.ContainsFunc(previous, func(p previousKey) bool { return p.ID.ValueString() == key.ID })
		if known {
			continue
		}
		// The issue time says how old the stray is. Never later than now: Date has whole seconds, and a stray issued
		// within this very second would be due, not due at the next refresh, and due again.
		revokeAfter := seen.now
		if key.CreatedAt != nil && key.CreatedAt.Before(seen.now) {
			revokeAfter = *key.CreatedAt
		}
		found = append(found, previousKey{
			ID: types.StringValue(key.ID), KeyPrefix: nullIfEmpty(key.KeyPrefix), Last4: nullIfEmpty(key.Last4),
			RevokeAfter: timeValue(revokeAfter), Due: types.BoolValue(true),
		})
	}
	return found
}

// nothingLives reports that neither the current key nor any predecessor can authenticate any more.
func nothingLives(m *model, previous []previousKey) bool {
	return m.Status.ValueString() == statusAbsent && len(previous) == 0
}

func stringsOf(set types.Set) []string {
	out := make([]string, 0, len(set.Elements()))
	for _, value := range set.Elements() {
		if s, ok := value.(types.String); ok {
			out = append(out, s.ValueString())
		}
	}
	return out
}
