package apikey

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/betterdataco/terraform-provider-betterdata/apiclient"
)

// detachedFor is how long an exchange may take that goes on when the caller ends: a POST that issues a key, and what
// makes its answer durable or takes it back.
const detachedFor = 20 * time.Second

// notYetError asks to come back at a time, without counting as a failure of anything.
type notYetError struct {
	until time.Time
	why   string
}

func (e *notYetError) Error() string { return e.why }

func detached(ctx context.Context) (context.Context, context.CancelFunc) {
	return context.WithTimeout(context.WithoutCancel(ctx), detachedFor)
}

// act carries out an action that was decided from live reads.
func (e *Engine) act(ctx context.Context, s *scene, action Action) error {
	switch a := action.(type) {
	case AddFinalizer:
		return e.Cluster.AddFinalizer(ctx, s.resource)
	case Mint:
		return e.mint(ctx, s, a)
	case Seal:
		return e.sealLost(ctx, s, a)
	case Patch:
		return e.patch(ctx, s, a)
	case Publish:
		return e.publish(ctx, s, a)
	case Revoke:
		return s.conn.RevokeKey(ctx, a.ID)
	case DeleteLedger:
		return e.deleteLedger(ctx, s, a.Sequence)
	case DeleteTarget:
		return e.Cluster.DeleteTarget(ctx, s.resource, a.Target.Name, a.Target.UID, a.Target.Version)
	case Restart:
		return e.restart(ctx, s, a)
	case Release:
		return e.release(ctx, s, a)
	}
	return fmt.Errorf("%T is no action", action)
}

func (e *Engine) patch(ctx context.Context, s *scene, a Patch) error {
	before, _ := s.seen.listed(a.ID)
	if _, err := s.conn.UpdateKey(ctx, a.ID, apiclient.UpdateKeyRequest{Name: a.Name, Scopes: a.Scopes}); err != nil {
		return err
	}
	if !s.seen.recorded(a.ID) {
		s.memory.unknown = append(s.memory.unknown, e.Now()) // an adopted key: listings may not show its marker yet
	}
	memo := a.memo(before)
	s.memory.patched, s.memory.patchedAt = &memo, e.Now()
	return nil
}

func (e *Engine) deleteLedger(ctx context.Context, s *scene, sequence int) error {
	for _, l := range s.ledgers {
		if l.Sequence == sequence {
			return e.Cluster.DeleteLedger(ctx, l)
		}
	}
	return nil
}

// sealLost writes a lost ledger from the target. The rotate token of now counts as handled: losing a ledger must not
// issue a key.
func (e *Engine) sealLost(ctx context.Context, s *scene, a Seal) error {
	key, _ := s.seen.listed(a.ID)
	record := LedgerRecord{
		Name: LedgerName(s.resource.Name, s.resource.UID, a.Sequence), OwnerUID: s.resource.UID, Sequence: a.Sequence,
		ID: a.ID, Prefix: key.KeyPrefix, Last4: key.Last4, IssuedAt: a.Target.IssuedAt, Cause: CauseRecovered,
		Token: s.resource.RotateToken, Overlap: s.resource.Settings.Rotation.Overlap, Connection: s.seen.Connection.Identity,
		Credential: s.seen.Connection.TokenHeldBy,
	}
	if record.IssuedAt.IsZero() {
		record.IssuedAt = e.Now()
	}
	for _, t := range s.targets {
		if t.Name == a.Target.Name {
			record.Plaintext = t.Data[a.Target.HoldsEntry]
		}
	}
	return e.Cluster.CreateLedger(ctx, s.resource, record, false)
}

// release lets go of a deleted ApiKey, the finalizer last: whatever stops in between is done again.
func (e *Engine) release(ctx context.Context, s *scene, a Release) error {
	letGo := e.deleteTargets
	if a.Retain {
		letGo = func(ctx context.Context, s *scene) error { return e.detach(ctx, s, a.KeepID) }
	}
	if err := letGo(ctx, s); err != nil {
		return err
	}
	for _, l := range s.ledgers {
		if err := e.Cluster.DeleteLedger(ctx, l); err != nil {
			return err
		}
	}
	// Another process may have been issuing a key until now. What it seals later than this it takes back, see afterSeal.
	left, err := e.Cluster.Ledgers(ctx, s.resource, Live)
	if err != nil {
		return err
	}
	for _, l := range left {
		if !slices.ContainsFunc(s.ledgers, func(known LedgerRecord) bool { return known.UID == l.UID }) {
			return fmt.Errorf("ledger %s appeared: %w", l.Name, ErrConflict)
		}
	}
	return e.Cluster.RemoveFinalizer(ctx, s.resource)
}

// deleteTargets removes the Secrets of keys that are revoked. The garbage collector would miss one that was written
// while deletionPolicy was Retain, because it has no owner reference.
func (e *Engine) deleteTargets(ctx context.Context, s *scene) error {
	for _, t := range s.targets {
		if !t.Controlled {
			continue
		}
		if err := e.Cluster.DeleteTarget(ctx, s.resource, t.Name, t.UID, t.Version); err != nil {
			return err
		}
	}
	return nil
}

// detach makes the targets nobody's, and takes the marker off the name of the key that stays. The latter is an attempt
// only: an API that is down must not hold up a release.
func (e *Engine) detach(ctx context.Context, s *scene, keepID string) error {
	for _, t := range s.targets {
		if !t.Controlled {
			continue
		}
		if err := e.Cluster.DetachTarget(ctx, s.resource, t); err != nil {
			return err
		}
	}
	key, _ := s.seen.listed(keepID)
	if scopes := s.seen.scopesOf(key); s.seen.marked(keepID) && s.conn != nil && len(scopes) > 0 {
		_, _ = s.conn.UpdateKey(ctx, keepID, apiclient.UpdateKeyRequest{Name: apiclient.StripMarkers(key.Name), Scopes: scopes})
	}
	return nil
}

// scopesOf are those that the key keeps when its name changes. Where listings do not tell them, they are those of the
// settings, if these may be asked for at all. A PATCH without any would take every right from a key in use.
func (o Observation) scopesOf(key apiclient.Key) []string {
	if len(key.Scopes) > 0 {
		return key.Scopes
	}
	if _, stop := mayNotPatch(o); stop {
		return nil
	}
	return o.Settings.Scopes
}
