package apikey

import (
	"time"

	"github.com/betterdataco/terraform-provider-betterdata/apiclient"
)

func do(edits ...func(o *Observation)) []func(o *Observation) { return edits }

// absent makes k1 missing from listings for an hour.
func absent(o *Observation) {
	unlisted("k1")(o)
	o.Absences["k1"] = now.Add(-time.Hour)
}

// missed makes the first listing without k1 begin so long before the present one.
func missed(before time.Duration) func(o *Observation) {
	return func(o *Observation) { o.Absences["k1"] = o.Listing.BegunAt.Add(-before) }
}

func aged(age time.Duration) func(o *Observation) {
	return func(o *Observation) { o.Ledgers[0].IssuedAt = o.Listing.BegunAt.Add(-age) }
}

func hold(o *Observation) { o.Settings.Hold = true }
func refused(o *Observation) {
	o.Connection.Refused, o.Connection.RefusedReason = "scopes beyond allowedScopes", ScopesNotAllowed
}
func gone(o *Observation) { o.Target = Target{Name: "reader"} }

func owned(ownership Ownership) func(o *Observation) {
	return func(o *Observation) { o.Target.Ownership = ownership }
}

func scoped(id string) func(o *Observation) {
	return func(o *Observation) {
		key := o.Listing.Keys[id]
		key.Scopes = []string{"reports:read"}
		o.Listing.Keys[id] = key
	}
}

func drifted(o *Observation) { scoped("k1")(o) }

func patched(o *Observation) {
	memo := Patch{ID: "k1", Name: name, Scopes: o.Settings.Scopes}.memo(o.Listing.Keys["k1"])
	o.Patched = &memo
}

func called(id, name string) func(o *Observation) {
	return func(o *Observation) {
		key := o.Listing.Keys[id]
		key.Name = name
		o.Listing.Keys[id] = key
	}
}

// stray is a live marked key without a ledger, first seen so long ago.
func stray(id string, ago time.Duration) func(o *Observation) {
	return func(o *Observation) {
		listed(id, apiclient.StatusActive)(o)
		o.Strays = append(o.Strays, Stray{ID: id, FirstSeen: now.Add(-ago)})
	}
}

func restoredStray(o *Observation) { o.Strays[0].Restored = true }

func restoredStrays(o *Observation) {
	for i := range o.Strays {
		o.Strays[i].Restored, o.Strays[i].Aged = true, true
	}
}

// datelessStrays are strays of an API that does not tell when keys were created.
func datelessStrays(o *Observation) {
	for i := range o.Strays {
		o.Strays[i].Restored = true
	}
}

// unknown is an answer that was lost a minute ago.
func unknown(o *Observation) { o.Unknown = append(o.Unknown, now.Add(-time.Minute)) }

// many is six live keys, the last one published for an hour.
func many(o *Observation) {
	for i := 2; i <= 6; i++ {
		id := "k" + string(rune('0'+i))
		sealed(i, id, 10*24*time.Hour)(o)
		listed(id, apiclient.StatusActive)(o)
	}
	published(6, time.Hour)(o)
}

func adopting(o *Observation) {
	o.Settings.Adopt, o.Connection.AllowAdoption = "a1", true
	o.Listing.Keys["a1"] = apiclient.Key{ID: "a1", Name: "made by hand", Scopes: []string{"inventory:read"}, Status: apiclient.StatusActive}
}

func adopted(o *Observation) {
	adopting(o)
	called("a1", "made by hand ["+string(ours)+"]")(o)
	o.Ledgers[0].Adopted = "a1"
	o.Strays = []Stray{{ID: "a1", FirstSeen: now.Add(-time.Hour)}}
}

func restartPending(o *Observation) { o.Target.RestartPending = true }

func failed(key string) func(o *Observation) {
	return func(o *Observation) {
		o.Backoff = map[string]Failure{key: {Until: now.Add(time.Second), Reason: APIUnavailable, Message: "503"}}
	}
}

// sealedOnly is a successor that is not published.
func sealedOnly(o *Observation) {
	sealed(2, "k2", time.Minute)(o)
	o.Ledgers[1].Cause = CauseScheduled
	listed("k2", apiclient.StatusActive)(o)
}

func showsPrevious(o *Observation) {
	o.Settings.PublishPrevious = true
	if o.Target.Entries != nil {
		o.Target.Entries[previousPrefix+"api-key"] = "print-k1"
	}
}

// inPlace is a rotation whose answer had the id of the old key.
func inPlace(o *Observation) {
	sealed(2, "k1", time.Hour)(o)
	o.Ledgers[1].Fingerprint = "print-new"
	o.Ledgers[1].Entries = map[string]string{"api-key": "print-new"}
	published(2, time.Minute)(o)
}

// tombstoned puts a tombstone below the newest key.
func tombstoned(age time.Duration) func(o *Observation) {
	return func(o *Observation) {
		o.Ledgers[0].Sequence, o.Target.Sequence = 2, 2
		o.Ledgers = append([]Ledger{{Sequence: 1, IssuedAt: now.Add(-age)}}, o.Ledgers...)
	}
}

// lost takes the ledger of the published key away.
func lost(o *Observation) { o.Ledgers = o.Ledgers[:len(o.Ledgers)-1] }

// holdsUnknown is a target whose key neither ledgers nor listing know, issued so long ago.
func holdsUnknown(ago time.Duration) func(o *Observation) {
	return func(o *Observation) {
		o.Target = Target{
			Name: "reader", Ownership: Ours, Sequence: 1, IssuedAt: now.Add(-ago), PublishedAt: now.Add(-ago),
			Entries: map[string]string{"api-key": "print-x"},
		}
	}
}

// former adds a Secret under the name before, with ledger 1.
func former(o *Observation) {
	o.Former = []Target{{
		Name: "before", Ownership: Ours, UID: "f", Sequence: 1, MetaInSync: true, PublishedAt: now.Add(-9 * 24 * time.Hour),
		Entries: map[string]string{"api-key": "print-k1"},
	}}
}

// leaked is a rotation without overlap, as for a key that has become known.
func leaked(o *Observation) { o.Ledgers[1].Overlap = 0 }

// formerInUse is a former Secret, its time over, from which a connection takes its token.
func formerInUse(o *Observation) {
	o.Former[0].PublishedAt, o.Former[0].InUse = now.Add(-48*time.Hour), true
}

func ownToken(o *Observation) {
	o.Connection.TokenHeldBy, o.Connection.TokenRevoked = "print-k1", true
}

func retained(o *Observation) { o.Settings.Retain = true }

// immutable is a former Secret that cannot be written.
func immutable(o *Observation) { o.Former[0].Ownership = Unusable }

// notListedYet is a key in the target that listings do not show.
func notListedYet(o *Observation) { o.Target.HoldsListed = "" }
