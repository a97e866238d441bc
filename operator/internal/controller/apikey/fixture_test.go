package apikey

import (
	"testing"
	"time"

	"github.com/betterdataco/terraform-provider-betterdata/apiclient"
	"github.com/betterdataco/terraform-provider-betterdata/apiclient/rotation"
)

// now is the present of the tables.
var now = time.Date(2026, 6, 1, 12, 0, 0, 0, time.UTC)

const ours = apiclient.Marker("k8s:0a1b2c3d:0123456789ab")

// seen makes an Observation of a steady ApiKey, key k1 in ledger 1, published and listed, and applies edits.
func seen(edits ...func(o *Observation)) Observation {
	o := Observation{
		Object: Object{Namespace: "shop", Name: "reader", UID: "uid", Marker: ours, Finalizer: true},
		Settings: Settings{
			KeyName: name, Scopes: []string{"inventory:read"}, TargetName: "reader", TargetKey: "api-key",
			Rotation: Schedule{Policy: rotation.Policy{Interval: 90 * 24 * time.Hour, Overlap: 24 * time.Hour}},
		},
		Target:      Target{Name: "reader"},
		Listing:     &Listing{BegunAt: now.Add(-time.Minute), Keys: map[string]apiclient.Key{}},
		Absences:    map[string]time.Time{},
		LeaderSince: now.Add(-24 * time.Hour),
		Policy:      Policy{StrayGrace: 2 * time.Minute},
	}
	sealed(1, "k1", 10*24*time.Hour)(&o)
	listed("k1", apiclient.StatusActive)(&o)
	published(1, 9*24*time.Hour)(&o)
	for _, edit := range edits {
		edit(&o)
	}
	return o
}

const name = "shop/reader [" + string(ours) + "]"

func listed(id string, status apiclient.Status) func(o *Observation) {
	return func(o *Observation) {
		o.Listing.Keys[id] = apiclient.Key{ID: id, Name: name, Scopes: []string{"inventory:read"}, Status: status}
	}
}

func unlisted(id string) func(o *Observation) {
	return func(o *Observation) { delete(o.Listing.Keys, id) }
}

// nameless takes the marker off k1.
func nameless(o *Observation) { called("k1", "somebody's")(o) }

func sealed(sequence int, id string, age time.Duration) func(o *Observation) {
	return func(o *Observation) {
		o.Ledgers = append(o.Ledgers, Ledger{
			Sequence: sequence, ID: id, Fingerprint: "print-" + id, IssuedAt: now.Add(-age), Overlap: 24 * time.Hour,
			Entries: map[string]string{"api-key": "print-" + id},
		})
	}
}

// published puts the ledger's key into the target.
func published(sequence int, age time.Duration) func(o *Observation) {
	return func(o *Observation) {
		for _, l := range o.Ledgers {
			if l.Sequence == sequence {
				o.Target = Target{
					Name: "reader", Ownership: Ours, UID: "t", Version: "1", Sequence: sequence, IssuedAt: l.IssuedAt,
					PublishedAt: now.Add(-age), Entries: map[string]string{"api-key": l.Fingerprint}, MetaInSync: true, HoldsListed: l.ID,
				}
			}
		}
	}
}

// rotated is ledger 2 with k2, live and published for the time given.
func rotated(publishedFor time.Duration) func(o *Observation) {
	return func(o *Observation) {
		sealed(2, "k2", publishedFor+time.Minute)(o)
		o.Ledgers[1].Cause = CauseScheduled
		listed("k2", apiclient.StatusActive)(o)
		published(2, publishedFor)(o)
	}
}

func fresh(o *Observation) {
	o.Ledgers, o.Target, o.Listing.Keys = nil, Target{Name: "reader"}, map[string]apiclient.Key{}
}

func deleted(o *Observation)     { o.Object.DeletedAt = now.Add(-time.Hour) }
func offline(o *Observation)     { o.Listing, o.Connection.Problem = nil, "503" }
func mismatch(o *Observation)    { o.Connection.TenantMismatch = true }
func suspended(o *Observation)   { o.Settings.Suspend = true }
func terminating(o *Observation) { o.Object.NamespaceTerminating = true }

func due(o *Observation) { o.Ledgers[len(o.Ledgers)-1].IssuedAt = now.Add(-91 * 24 * time.Hour) }

func asked(o *Observation) { o.Object.RotateToken = "new" }

// mustRest fails unless the action is a Rest with every reason.
func mustRest(t *testing.T, action Action, reasons ...Reason) {
	t.Helper()
	rest, ok := action.(Rest)
	if !ok {
		t.Fatalf("did %T %+v, should rest", action, action)
	}
	for _, reason := range reasons {
		if !rest.Has(reason) {
			t.Errorf("rests with %+v, should give %s", rest.Notes, reason)
		}
	}
}
