package apikey

import (
	"cmp"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/betterdataco/terraform-provider-betterdata/apiclient"
)

// memory is what one process remembers of one ApiKey. All of it can be lost: it then takes longer to revoke a stray
// or to believe in an absence, and never shorter.
type memory struct {
	uid       string
	strays    map[string]Stray
	absences  map[string]time.Time
	knownDead map[string]bool
	unknown   []time.Time
	patched   *PatchMemo
	patchedAt time.Time
	backoff   map[string]Failure
}

// memories holds the memory of each ApiKey.
type memories struct {
	mu    sync.Mutex
	byRef map[Ref]*memory
}

// of returns the memory of an ApiKey. One worker at a time handles it, so it needs no lock of its own. What an earlier
// ApiKey of that name left is not taken for its own.
func (m *memories) of(ref Ref, uid string) *memory {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.byRef == nil {
		m.byRef = map[Ref]*memory{}
	}
	if known := m.byRef[ref]; known == nil || known.uid != uid {
		m.byRef[ref] = &memory{
			uid: uid, strays: map[string]Stray{}, absences: map[string]time.Time{}, knownDead: map[string]bool{}, backoff: map[string]Failure{},
		}
	}
	return m.byRef[ref]
}

// forget drops the memory of an ApiKey that is gone.
func (m *memories) forget(ref Ref) {
	m.mu.Lock()
	defer m.mu.Unlock()
	delete(m.byRef, ref)
}

// sawListing notes which of the ledgers' keys the listing shows dead or lacks.
func (m *memory) sawListing(ledgers []Ledger, view View, mismatch bool, now time.Time) {
	lacking := map[string]time.Time{}
	for _, l := range ledgers {
		key, listed := view.Get(l.ID)
		switch {
		case l.ID == "" || mismatch:
		case listed && !key.Live():
			m.knownDead[l.ID] = true
		case !listed:
			lacking[l.ID] = now
			if first, known := m.absences[l.ID]; known {
				lacking[l.ID] = first
			}
		}
	}
	m.absences = lacking
}

// forgetStrays drops what is no longer listed as live. Unlike finding one, this needs no live read.
func (m *memory) forgetStrays(marked []apiclient.Key) {
	maps.DeleteFunc(m.strays, func(id string, _ Stray) bool {
		return !slices.ContainsFunc(marked, func(key apiclient.Key) bool { return key.ID == id })
	})
}

// sawStrays notes the live keys with our marker that a live list of ledgers, made after the listing, lacks. While a
// target holds one, its time does not begin. It returns the new ones.
func (m *memory) sawStrays(marked []apiclient.Key, o Observation, view View, now time.Time) (found []string) {
	seen := map[string]Stray{}
	for _, key := range marked {
		if o.recorded(key.ID) {
			continue
		}
		stray, known := m.strays[key.ID]
		if !known && !o.heldByTarget(key.ID) && !o.adopting(key.ID) {
			found = append(found, key.ID)
		}
		if !known || o.heldByTarget(key.ID) {
			aged := key.CreatedAt != nil && view.ServerTime().Sub(*key.CreatedAt) > time.Hour
			stray = Stray{ID: key.ID, FirstSeen: now, Restored: aged || key.CreatedAt == nil, Aged: aged}
		}
		seen[key.ID] = stray
	}
	m.strays = seen
	return found
}

// maxUnknown is how many unknown outcomes are worth remembering: only the last few are young enough to matter.
const maxUnknown = 16

// failed notes when an action may be tried again, and reports whether it failed in another way than before.
func (m *memory) failed(action Action, err error, circumstance string, now time.Time) bool {
	before := m.backoff[action.key()]
	failure := before.after(action, err, circumstance, now)
	m.backoff[action.key()] = failure
	return failure.Message != before.Message
}

// succeeded lets the action be tried again. That it had failed is forgotten when it is not wanted any more.
func (m *memory) succeeded(action Action) {
	failure, failed := m.backoff[action.key()]
	if !failed {
		return
	}
	failure.Until = time.Time{}
	if failure.Reason != Reverted { // which comes of success
		failure.Message = ""
	}
	m.backoff[action.key()] = failure
}

// forgetFailures drops, at the end of a reconcile, those that ended in success, and those of long ago. Others may still be
// wanted, and only not be tried now for another reason: their pauses go on growing.
func (m *memory) forgetFailures(now time.Time) {
	maps.DeleteFunc(m.backoff, func(_ string, f Failure) bool { return f.Until.IsZero() || now.After(f.Until.Add(refusedBackoff)) })
}

// fill copies what decide needs.
func (m *memory) fill(o *Observation) {
	o.Strays = slices.SortedFunc(maps.Values(m.strays), func(a, b Stray) int {
		return cmp.Or(a.FirstSeen.Compare(b.FirstSeen), cmp.Compare(a.ID, b.ID))
	})
	o.Absences = maps.Clone(m.absences)
	o.KnownDead = maps.Clone(m.knownDead)
	m.unknown = slices.DeleteFunc(m.unknown, func(at time.Time) bool { return o.LeaderSince.After(at) })
	if len(m.unknown) > maxUnknown {
		m.unknown = m.unknown[len(m.unknown)-maxUnknown:]
	}
	o.Unknown = slices.Clone(m.unknown)
	o.Backoff = maps.Clone(m.backoff)
	o.Patched = m.patched
}
