package apikey

import (
	"cmp"
	"errors"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/betterdataco/terraform-provider-betterdata/apiclient"
)

// memory is what one process remembers of one ApiKey. All of it can be lost: it then takes longer to revoke a stray
// or to believe in an absence, and never shorter.
type memory struct {
	strays    map[string]Stray
	absences  map[string]time.Time
	knownDead map[string]bool
	unknown   []time.Time
	patched   *PatchMemo
	patchedAt time.Time
	backoff   map[string]Failure
}

// memories holds the memory of each ApiKey by uid.
type memories struct {
	mu    sync.Mutex
	byUID map[string]*memory
}

// of returns the memory of an ApiKey. One worker at a time handles it, so it needs no lock of its own.
func (m *memories) of(uid string) *memory {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.byUID == nil {
		m.byUID = map[string]*memory{}
	}
	if m.byUID[uid] == nil {
		m.byUID[uid] = &memory{
			strays: map[string]Stray{}, absences: map[string]time.Time{}, knownDead: map[string]bool{}, backoff: map[string]Failure{},
		}
	}
	return m.byUID[uid]
}

func (m *memories) forget(uid string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	delete(m.byUID, uid)
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
// target holds one, its time does not begin.
func (m *memory) sawStrays(marked []apiclient.Key, o Observation, view View, now time.Time) {
	seen := map[string]Stray{}
	for _, key := range marked {
		if o.recorded(key.ID) {
			continue
		}
		stray, known := m.strays[key.ID]
		if !known || o.heldByTarget(key.ID) {
			restored := key.CreatedAt == nil || view.ServerTime().Sub(*key.CreatedAt) > time.Hour
			stray = Stray{ID: key.ID, FirstSeen: now, Restored: restored}
		}
		seen[key.ID] = stray
	}
	m.strays = seen
}

// maxUnknown is how many unknown outcomes are worth remembering: only the last few are young enough to matter.
const maxUnknown = 16

const (
	firstBackoff = 5 * time.Second
	maxBackoff   = 5 * time.Minute
)

// failed notes when an action may be tried again.
func (m *memory) failed(action Action, err error, now time.Time) {
	failure := m.backoff[action.key()]
	failure.Count++
	failure.Message = err.Error()
	failure.Until = now.Add(min(firstBackoff<<min(failure.Count-1, 10), maxBackoff))
	if quota, ok := errors.AsType[*apiclient.QuotaError](err); ok {
		failure.Until = quota.RetryAt
	}
	if early, ok := errors.AsType[*notYetError](err); ok {
		failure.Until = early.until
	}
	m.backoff[action.key()] = failure
}

func (m *memory) succeeded(action Action) { delete(m.backoff, action.key()) }

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
