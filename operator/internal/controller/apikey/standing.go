package apikey

import (
	"time"

	"github.com/betterdataco/terraform-provider-betterdata/apiclient"
)

// standing is what is known of a key upstream.
type standing int

const (
	unproven standing = iota // no listing, or not in it without that being proof
	live
	dead // revoked, expired, or proven absent
)

const (
	// youngAge is how old, by our clock, a key must be before its absence from listings can mean anything: listings
	// may lag by minutes.
	youngAge = 15 * time.Minute
	// absenceApart is how far apart the two listings must be that prove an absence.
	absenceApart = 30 * time.Second
)

// standing tells what is known of the key of a ledger.
func (o Observation) standing(l Ledger) standing {
	if o.tokenIsDead(l) || o.KnownDead[l.ID] {
		return dead
	}
	if o.Listing == nil {
		return unproven
	}
	key, listed := o.Listing.Keys[l.ID]
	switch {
	case listed && key.Live():
		return live
	case listed:
		return dead
	case o.provenAbsent(l):
		return dead
	}
	return unproven
}

// tokenIsDead reports that the Connection's own token is this ledger's key and is refused as revoked: the one case in
// which a 401 says something about a key of ours.
func (o Observation) tokenIsDead(l Ledger) bool {
	return o.Connection.TokenRevoked && l.Fingerprint != "" && l.Fingerprint == o.Connection.TokenHeldBy
}

// provenAbsent is promise P3: two complete listings, far enough apart, lack the key, it is not young, and the tenant
// is the one that the key was issued in. What counts is the key's age when the listing began: the time since then may
// be long.
func (o Observation) provenAbsent(l Ledger) bool {
	first, missed := o.Absences[l.ID]
	return missed && !o.Connection.TenantMismatch &&
		!o.Listing.BegunAt.Before(first.Add(absenceApart)) &&
		!l.IssuedAt.IsZero() && !o.Listing.BegunAt.Before(l.IssuedAt.Add(youngAge))
}

// marked reports whether the key is listed under a name that carries this ApiKey's marker. Nothing is done to a key
// that does not: anybody who may write Secrets could have forged its ledger.
func (o Observation) marked(id string) bool {
	key, listed := o.listed(id)
	return listed && o.Object.Marker.In(key.Name)
}

// markerless reports whether the key is listed under a name without our marker. One that is not listed may have it.
func (o Observation) markerless(id string) bool {
	_, listed := o.listed(id)
	return listed && !o.marked(id)
}

func (o Observation) listed(id string) (apiclient.Key, bool) {
	if o.Listing == nil {
		return apiclient.Key{}, false
	}
	key, listed := o.Listing.Keys[id]
	return key, listed
}

// candidate returns the ledger that the target should hold: the newest whose key is not dead. If all are dead, the
// newest: what consumers have is not made worse, and the target is not left empty. Without a listing the target keeps
// the key it has, because the newest may be one that was found dead before this process began.
func (o Observation) candidate() (Ledger, bool) {
	if serving, ok := o.published(); ok && (o.Listing == nil || o.Connection.TenantMismatch) {
		return serving, true
	}
	keyed := o.keyed()
	for i := len(keyed) - 1; i >= 0; i-- {
		if o.standing(keyed[i]) != dead {
			return keyed[i], true
		}
	}
	return o.newest()
}

// published returns the ledger whose key the target holds in the entry that consumers read.
func (o Observation) published() (Ledger, bool) {
	held := o.Target.Entries[o.Settings.TargetKey]
	if o.Target.Ownership != Ours || held == "" {
		return Ledger{}, false
	}
	keyed := o.keyed()
	for i := len(keyed) - 1; i >= 0; i-- {
		if keyed[i].Fingerprint == held {
			return keyed[i], true
		}
	}
	return Ledger{}, false
}

// revokeAt is when the keys older than the published one may be revoked: when the overlap that its ledger gives ends,
// counted from the moment when the last Secret of ours came to hold it. It is not known while one does not.
func (o Observation) revokeAt(published Ledger) (time.Time, bool) {
	var since time.Time
	for _, t := range o.targets() {
		if t.Ownership != Ours {
			continue
		}
		if t.PublishedAt.IsZero() || t.Sequence != published.Sequence {
			return time.Time{}, false
		}
		if t.PublishedAt.After(since) {
			since = t.PublishedAt
		}
	}
	return since.Add(max(published.Overlap, 0)), !since.IsZero()
}

// adopting reports whether id is the key that is being taken over. It has our marker and no ledger of its own, and is
// no stray.
func (o Observation) adopting(id string) bool {
	if id == "" {
		return false
	}
	keyed := o.keyed()
	for _, l := range keyed {
		if l.Adopted == id {
			return true
		}
	}
	return len(keyed) == 0 && o.Settings.Adopt == id
}

// recorded reports whether a ledger names the id.
func (o Observation) recorded(id string) bool {
	for _, l := range o.Ledgers {
		if l.ID == id && id != "" {
			return true
		}
	}
	return false
}
