package apikey

import (
	"maps"
	"slices"
	"time"

	"github.com/betterdataco/terraform-provider-betterdata/apiclient"
)

// render returns the entries that a target holds of a ledger. Its error never holds the key.
func (r *Resource) render(l LedgerRecord) (map[string]apiclient.Secret, error) {
	entries := map[string]apiclient.Secret{r.Settings.TargetKey: l.Plaintext}
	all := &rendering{data: templateData{l.Plaintext.Reveal(), l.ID, l.Prefix, l.Last4, r.Name, r.Namespace, r.BaseURL}}
	for _, name := range slices.Sorted(maps.Keys(r.Secret.Template)) {
		text, err := all.execute(name, r.Secret.Template[name])
		if err != nil {
			return nil, err
		}
		entries[name] = apiclient.NewSecret(text)
	}
	return entries, nil
}

// ledger is the record without its plaintext.
func (r *Resource) ledger(record LedgerRecord) Ledger {
	l := Ledger{
		Sequence: record.Sequence, ID: record.ID, Prefix: record.Prefix, Last4: record.Last4, Fingerprint: Fingerprint(record.Plaintext), IssuedAt: record.IssuedAt,
		Cause: record.Cause, Token: record.Token, Overlap: record.Overlap, Adopted: record.Adopted,
	}
	if record.ID == "" {
		return l
	}
	entries, err := r.render(record)
	if err != nil {
		l.RenderFailed = err.Error()
		return l
	}
	l.Entries = fingerprints(entries)
	return l
}

func fingerprints(entries map[string]apiclient.Secret) map[string]string {
	prints := make(map[string]string, len(entries))
	for name, value := range entries {
		prints[name] = Fingerprint(value)
	}
	return prints
}

// target is the record without its data.
func (r *Resource) target(record TargetRecord) Target {
	t := Target{
		Name: record.Name, Ownership: Ours, UID: record.UID, Version: record.Version, Sequence: record.Sequence,
		IssuedAt: record.IssuedAt, PublishedAt: record.PublishedAt, RestartPending: record.RestartPending, Entries: fingerprints(record.Data),
		Terminating: record.Terminating, InUse: record.InUse,
		MetaInSync: !record.Leftovers && holdsAll(record.Labels, r.Secret.Labels) && holdsAll(record.Annotations, r.Secret.Annotations),
	}
	switch {
	case !record.Controlled:
		t.Ownership = Foreign
	case record.Immutable || record.Type != r.Secret.Type:
		t.Ownership = Unusable
	}
	return t
}

// clockSlack is how far ahead of our clock that of another process may be.
const clockSlack = 5 * time.Minute

// credible is the target without times that cannot be: others may write our annotations. A publication before its key was
// issued, or far ahead, is one that has yet to be confirmed; a key that was issued far ahead is one of which it is not known
// when. What publish writes is never among them, whatever the clocks.
func (t Target) credible(ledgers []Ledger, now time.Time) Target {
	latest := now.Add(clockSlack)
	for _, l := range ledgers {
		if l.ID == "" || l.Sequence != t.Sequence {
			continue
		}
		latest = later(latest, l.IssuedAt)
		if t.PublishedAt.Before(l.IssuedAt) {
			t.PublishedAt = time.Time{}
		}
	}
	if t.PublishedAt.After(latest) {
		t.PublishedAt = time.Time{}
	}
	if t.IssuedAt.After(latest) {
		t.IssuedAt = time.Time{}
	}
	return t
}

func later(a, b time.Time) time.Time {
	if b.After(a) {
		return b
	}
	return a
}

func holdsAll(have, want map[string]string) bool {
	for name, value := range want {
		if got, ok := have[name]; !ok || got != value {
			return false
		}
	}
	return true
}

// write is what a target becomes when it holds the ledger's key, and beside it the previous one if there is one.
func (r *Resource) write(t Target, l LedgerRecord, previous apiclient.Secret) (TargetWrite, error) {
	entries, err := r.render(l)
	if err != nil {
		return TargetWrite{}, err
	}
	if !previous.IsZero() {
		entries[previousPrefix+r.Settings.TargetKey] = previous
	}
	return TargetWrite{
		Name: t.Name, UID: t.UID, Version: t.Version, Type: r.Secret.Type, Labels: r.Secret.Labels,
		Annotations: r.Secret.Annotations, Data: entries, KeyID: l.ID, Sequence: l.Sequence, IssuedAt: l.IssuedAt,
		PublishedAt: t.PublishedAt, RestartPending: t.RestartPending,
	}, nil
}
