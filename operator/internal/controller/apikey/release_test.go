package apikey

import (
	"context"
	"fmt"
	"testing"
	"time"
)

// TestDeletedWhileIssuing: a key that is sealed while its ApiKey is being deleted is taken back by whoever issued it,
// because the process that deletes may be done before it sees the ledger.
func TestDeletedWhileIssuing(t *testing.T) {
	t.Parallel()
	for _, when := range []string{"create key", "answer of create key", "create ledger"} {
		s, c := directed(t, 1)
		s.on(when, func() fault { remove(c); return noFault })
		p := c.processes[0]
		p.ref = c.refs0()
		revoked := 0
		did := p.engine.Did
		p.engine.Did = func(d Deed) {
			did(d)
			if mint, ok := d.Action.(Mint); ok && d.Err == nil && mint.Cause == CauseFirst {
				for _, k := range s.keys {
					if !k.now().Live() {
						revoked++
					}
				}
			}
		}
		p.settleOne(p.ref)
		if revoked != 1 {
			t.Errorf("deleted at %q: the key outlives its issue", when)
		}
		s.settleFor(time.Hour)
		s.mustEnd(t, when)
		if left := len(c.present().ledgers); left != 0 {
			t.Errorf("deleted at %q: %d ledgers are left", when, left)
		}
	}
}

// TestReleaseSeesLateLedger: a ledger that another process writes during the release holds the finalizer.
func TestReleaseSeesLateLedger(t *testing.T) {
	t.Parallel()
	s, c := directed(t, 1)
	s.settleFor(10 * time.Minute)
	uid := ""
	for _, r := range c.present().apiKeys {
		uid = r.UID
	}
	remove(c)
	s.on("delete ledger", func() fault {
		k := s.issue(s.tenants["A"], "late ["+string(marker(c, uid))+"]", nil)
		k.owner, k.cluster = uid, c
		c.commit(func(e *etcd) {
			e.ledgers["late"] = LedgerRecord{Name: "late", UID: "late", OwnerUID: uid, Sequence: 9, ID: k.id, Plaintext: k.plaintext, IssuedAt: s.now}
		})
		return noFault
	})
	s.settleFor(time.Hour)
	s.mustEnd(t, "late ledger")
	if left := len(c.present().ledgers); left != 0 {
		t.Errorf("%d ledgers are left", left)
	}
}

// damagedCluster has a ledger that cannot be read.
type damagedCluster struct{ Cluster }

func (d damagedCluster) Ledgers(ctx context.Context, r *Resource, read Read) ([]LedgerRecord, error) {
	ledgers, err := d.Cluster.Ledgers(ctx, r, read)
	for i, l := range ledgers {
		ledgers[i] = LedgerRecord{Name: l.Name, UID: l.UID, OwnerUID: l.OwnerUID}
		err = fmt.Errorf("Secret %s: %w", l.Name, ErrLedgerDamaged)
	}
	return ledgers, err
}

// TestDamagedLedger: nothing happens on its word, and deleting the ApiKey, as the condition advises, revokes its key by
// the marker and lets the ledger go.
func TestDamagedLedger(t *testing.T) {
	t.Parallel()
	s, c := directed(t, 1)
	s.settleFor(10 * time.Minute)
	issued := s.counts["issued"]
	p := c.processes[0]
	p.engine.Cluster = damagedCluster{p}
	s.settleFor(time.Hour)
	if s.counts["issued"] != issued || len(c.present().ledgers) != 1 {
		t.Errorf("%d keys issued, %d ledgers", s.counts["issued"], len(c.present().ledgers))
	}
	remove(c)
	s.settleFor(time.Hour)
	s.mustEnd(t, "damaged ledger")
	if left := len(c.present().ledgers); left != 0 {
		t.Errorf("%d ledgers are left", left)
	}
}

// TestReleaseRemovesTargets: also those that no owner reference ties to the ApiKey.
func TestReleaseRemovesTargets(t *testing.T) {
	t.Parallel()
	s, c := directed(t, 1)
	s.settleFor(10 * time.Minute)
	if len(c.present().targets) != 1 {
		t.Fatalf("%d targets", len(c.present().targets))
	}
	s.conf.gcOff = true // nothing but the release itself removes it
	remove(c)
	s.settleFor(time.Hour)
	s.mustEnd(t, "release")
	if left := len(c.present().targets); left != 0 {
		t.Errorf("%d targets are left", left)
	}
}
