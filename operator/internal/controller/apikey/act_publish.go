package apikey

import (
	"context"
	"fmt"
	"time"

	"github.com/betterdataco/terraform-provider-betterdata/apiclient"
)

const (
	verifyPatience = 60 * time.Second // how long a new key may be unknown to the API's own front ends
	verifyPause    = 5 * time.Second
)

// publish writes a ledger's key into a target.
func (e *Engine) publish(ctx context.Context, s *scene, a Publish) error {
	record, ok := s.record(a.Sequence)
	if !ok {
		return fmt.Errorf("ledger %d: %w", a.Sequence, ErrNotFound)
	}
	if a.Fresh && !e.Policy.NoVerify {
		if err := e.verify(ctx, s, record); err != nil {
			return err
		}
	}
	previous, _ := s.record(a.Previous)
	write, err := s.resource.write(a.Target, record, previous.Plaintext)
	if err != nil {
		return err
	}
	write.PublishedAt = publishedAt(a.Target, record, e.Now())
	write.RestartPending = write.RestartPending || s.seen.restartsAfter(a)
	return e.Cluster.ApplyTarget(ctx, s.resource, write, false)
}

// publishedAt is the time from which the overlap counts. It is written by a second apply, after a live read has shown
// the key in the target: a time taken before the first could be long past when that apply gets through, and the old
// key would be revoked the moment it leaves the target.
func publishedAt(t Target, record LedgerRecord, now time.Time) time.Time {
	switch {
	case t.Sequence != record.Sequence || !t.Serves(Fingerprint(record.Plaintext)):
		return time.Time{}
	case t.PublishedAt.IsZero():
		return later(now, record.IssuedAt) // a clock that was ahead when the key was issued: earlier would not be believed
	}
	return t.PublishedAt
}

func (s *scene) record(sequence int) (LedgerRecord, bool) {
	for _, l := range s.ledgers {
		if l.Sequence == sequence && l.ID != "" {
			return l, true
		}
	}
	return LedgerRecord{}, false
}

// verify tries a new key. A 401 is waited out while the key is young; later only one that says the key is dead stops
// the publication. Whatever else is wrong is not the key's fault.
func (e *Engine) verify(ctx context.Context, s *scene, record LedgerRecord) error {
	if s.conn == nil {
		return nil
	}
	err := s.conn.Verify(ctx, record.Plaintext)
	if !apiclient.IsUnauthorized(err) {
		return nil
	}
	now := e.Now()
	if now.Before(record.IssuedAt.Add(verifyPatience)) {
		return &notYetError{until: now.Add(verifyPause), why: fmt.Sprintf("key %s does not work yet: %s", record.ID, describe(err))}
	}
	if apiclient.HasCode(err, apiclient.CodeRevokedAPIKey, apiclient.CodeExpiredAPIKey) {
		return fmt.Errorf("key %s is not published: %w", record.ID, err)
	}
	return nil
}

// restart rolls the workloads and then notes in the target that it is done.
func (e *Engine) restart(ctx context.Context, s *scene, a Restart) error {
	if err := e.Cluster.Restart(ctx, s.resource, a.Target.Sequence); err != nil {
		return err
	}
	record, ok := s.record(a.Target.Sequence)
	if !ok {
		return fmt.Errorf("ledger %d: %w", a.Target.Sequence, ErrNotFound)
	}
	previous, _ := s.record(s.seen.previous(s.resource.ledger(record), e.Now()))
	target := a.Target
	target.RestartPending = false
	write, err := s.resource.write(target, record, previous.Plaintext)
	if err != nil {
		return err
	}
	return e.Cluster.ApplyTarget(ctx, s.resource, write, false)
}
