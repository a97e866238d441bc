package apikey

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/betterdataco/terraform-provider-betterdata/apiclient"
)

// mint issues a key and makes it durable. Everything that can be refused is tried first, because a key whose plaintext
// cannot be stored is worth nothing.
func (e *Engine) mint(ctx context.Context, s *scene, a Mint) error {
	if err := e.rehearse(ctx, s, a); err != nil {
		return err
	}
	if err := s.conn.ReserveMint(ctx, s.resource.UID, a.Cause.IsFirst()); err != nil {
		return err
	}
	sent := e.Now()
	issued, err := issue(ctx, s, a)
	if err == nil && issued.ID == "" {
		err = e.identify(ctx, s, issued)
	}
	if errors.Is(err, apiclient.ErrOutcomeUnknown) {
		s.memory.unknown = append(s.memory.unknown, e.Now())
	}
	if err != nil {
		return &exchangeError{err}
	}
	if err := e.mark(ctx, s, issued); err != nil {
		return e.takeBack(ctx, s, a, issued.ID, fmt.Sprintf("key %s came without %q in its name and cannot be given it: %v", issued.ID, s.resource.Marker, err))
	}
	record := s.draft(a)
	record.ID, record.Prefix, record.Last4 = issued.ID, issued.KeyPrefix, issued.Last4
	record.Plaintext, record.IssuedAt = issued.Plaintext, sent
	sealed, err := e.seal(ctx, s, a, record)
	if err != nil || !sealed {
		return err
	}
	return e.afterSeal(ctx, s, a, record)
}

// mark gives a successor that came without its marker name and scopes, before it is sealed: whatever ends this process
// after that leaves a key that is found by its marker, and never a ledger of a key that nothing shows to be ours.
func (e *Engine) mark(ctx context.Context, s *scene, issued *apiclient.IssuedKey) error {
	if s.resource.Marker.In(issued.Name) {
		return nil
	}
	ctx, cancel := detached(ctx)
	defer cancel()
	s.conn.NamesDropped(ctx)
	_, err := s.conn.UpdateKey(ctx, issued.ID, apiclient.UpdateKeyRequest{Name: s.resource.Settings.KeyName, Scopes: s.resource.Settings.Scopes})
	return err
}

// draft is the ledger of a key before there is one.
func (s *scene) draft(a Mint) LedgerRecord {
	return LedgerRecord{
		Name: LedgerName(s.resource.Name, s.resource.UID, a.Sequence), OwnerUID: s.resource.UID, Sequence: a.Sequence,
		Cause: a.Cause, Token: a.Token, Overlap: a.Overlap, Adopted: a.Adopted, Connection: s.seen.Connection.Identity,
		Credential: s.seen.Connection.TokenHeldBy,
	}
}

// placeholderLength is more than that of most keys: what fits into the Secret with it fits with the key, too.
const placeholderLength = 256

// placeholder stands for the key that is to come.
func (s *scene) placeholder() apiclient.Secret {
	length := placeholderLength
	if newest, ok := s.seen.newest(); ok {
		record, _ := s.record(newest.Sequence)
		length = max(length, len(record.Plaintext.Reveal()))
	}
	return apiclient.NewSecret(strings.Repeat("x", length))
}

// rehearse has the API server judge the ledger and the target without writing them.
func (e *Engine) rehearse(ctx context.Context, s *scene, a Mint) error {
	record := s.draft(a)
	record.ID, record.Plaintext = "placeholder", s.placeholder()
	if err := e.Cluster.CreateLedger(ctx, s.resource, record, true); err != nil {
		return fmt.Errorf("the ledger could not be written: %w", err)
	}
	write, err := s.resource.write(s.seen.Target, record, apiclient.Secret{})
	if err != nil {
		return err
	}
	if err := e.Cluster.ApplyTarget(ctx, s.resource, write, true); err != nil {
		return fmt.Errorf("Secret %s could not be written: %w", write.Name, err) //nolint:staticcheck // Secret is the kind's name
	}
	return nil
}

// issue is the one exchange that issues a key. It goes on when ctx ends.
func issue(ctx context.Context, s *scene, a Mint) (*apiclient.IssuedKey, error) {
	ctx, cancel := detached(ctx)
	defer cancel()
	if a.RotateID != "" {
		return s.conn.RotateKey(ctx, a.RotateID)
	}
	return s.conn.CreateKey(ctx, apiclient.CreateKeyRequest{Name: s.resource.Settings.KeyName, Scopes: s.resource.Settings.Scopes})
}

// identify finds the id that an answer with a plaintext left out. Without it the key is like one whose answer was lost.
func (e *Engine) identify(ctx context.Context, s *scene, issued *apiclient.IssuedKey) error {
	ctx, cancel := detached(ctx)
	defer cancel()
	view, err := s.conn.View(ctx, apiclient.Freshness{MaxAge: time.Nanosecond})
	if err != nil {
		return fmt.Errorf("%w: %w", apiclient.ErrOutcomeUnknown, err)
	}
	for _, key := range view.LiveWithMarker(s.resource.Marker) {
		if !s.seen.recorded(key.ID) && fits(key, issued.Plaintext) {
			issued.Key = key
			return nil
		}
	}
	return fmt.Errorf("%w: the answer names no id", apiclient.ErrOutcomeUnknown)
}

// seal makes the key durable, or takes it back. It goes on when ctx ends, and returns whether the ledger is written.
func (e *Engine) seal(ctx context.Context, s *scene, a Mint, record LedgerRecord) (bool, error) {
	if e.Now().Sub(record.IssuedAt) > e.Policy.StrayGrace/2 {
		// Others may take it for a stray before it is sealed.
		return false, e.takeBack(ctx, s, a, record.ID, "it took too long to issue")
	}
	err := e.createLedger(ctx, s, record)
	if err == nil {
		return true, nil
	}
	if errors.Is(err, ErrRefused) {
		return false, e.takeBack(ctx, s, a, record.ID, err.Error())
	}
	return e.settle(ctx, s, a, record, err)
}

func (e *Engine) createLedger(ctx context.Context, s *scene, record LedgerRecord) error {
	ctx, cancel := detached(ctx)
	defer cancel()
	return e.Cluster.CreateLedger(ctx, s.resource, record, false)
}

// settle finds out what became of an unclear write. Where the ledger is not there, a tombstone takes its name, so that
// the write can no longer land; only then is the key taken back. What cannot be settled is left to the sweep.
func (e *Engine) settle(ctx context.Context, s *scene, a Mint, record LedgerRecord, unclear error) (bool, error) {
	const attempts = 3
	for range attempts {
		found, err := e.readLedger(ctx, s, record.Name)
		switch {
		case err == nil && found.ID == record.ID && found.Plaintext.Equal(record.Plaintext):
			return true, nil
		case err == nil:
			return false, e.takeBack(ctx, s, a, record.ID, "another key was sealed first")
		case !errors.Is(err, ErrNotFound):
			return false, errors.Join(unclear, err)
		}
		err = e.createLedger(ctx, s, tombstone(record))
		switch {
		case err == nil:
			return false, e.takeBack(ctx, s, a, record.ID, unclear.Error())
		case !errors.Is(err, ErrExists):
			return false, errors.Join(unclear, err)
		}
	}
	return false, unclear
}

func (e *Engine) readLedger(ctx context.Context, s *scene, name string) (LedgerRecord, error) {
	ctx, cancel := detached(ctx)
	defer cancel()
	return e.Cluster.Ledger(ctx, s.resource.Ref(), name)
}

// tombstone is the ledger of no key.
func tombstone(record LedgerRecord) LedgerRecord {
	return LedgerRecord{
		Name: record.Name, OwnerUID: record.OwnerUID, Sequence: record.Sequence, IssuedAt: record.IssuedAt,
		Cause: record.Cause, Connection: record.Connection,
	}
}

// takeBack revokes a key that was issued and did not become durable. An id that rotation kept is in use.
func (e *Engine) takeBack(ctx context.Context, s *scene, a Mint, id, why string) error {
	lost := fmt.Errorf("the key issued is not kept: %s", why)
	if id == a.RotateID {
		return lost
	}
	ctx, cancel := detached(ctx)
	defer cancel()
	if err := s.conn.RevokeKey(ctx, id); err != nil {
		return fmt.Errorf("%w; it is revoked later: %w", lost, err)
	}
	return lost
}

// afterSeal undoes a mint whose ApiKey vanished meanwhile, or is being deleted: nobody would find it any more.
func (e *Engine) afterSeal(ctx context.Context, s *scene, a Mint, record LedgerRecord) error {
	ctx, cancel := detached(ctx)
	defer cancel()
	now, err := e.Cluster.Resource(ctx, s.resource.Ref(), Live)
	if errors.Is(err, ErrNotFound) || err == nil && (now.UID != s.resource.UID || !now.DeletedAt.IsZero() && !now.Settings.Retain) {
		return e.undo(ctx, s, a, record)
	}
	return nil
}

// undo revokes a key that is sealed and was never published, and then removes its ledger.
func (e *Engine) undo(ctx context.Context, s *scene, a Mint, record LedgerRecord) error {
	if record.ID == a.RotateID {
		return nil
	}
	if err := s.conn.RevokeKey(ctx, record.ID); err != nil {
		return err
	}
	stored, err := e.Cluster.Ledger(ctx, s.resource.Ref(), record.Name)
	if errors.Is(err, ErrNotFound) || err == nil && stored.ID != record.ID {
		return nil // somebody has removed ours, and another process may have sealed another key under its name
	}
	if err != nil {
		return err
	}
	return e.Cluster.DeleteLedger(ctx, stored)
}
