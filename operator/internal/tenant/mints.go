package tenant

import (
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/betterdataco/terraform-provider-betterdata/operator/internal/controller/apikey"
)

// mintWindow is the time that the cap of mints counts over.
const mintWindow = time.Hour

// mintLog counts the mints of the last hour. The first key of each ApiKey is above the cap, once: an ApiKey whose ledgers
// vanish again and again is what the cap is for.
type mintLog struct {
	mu     sync.Mutex
	seeded bool
	counts []time.Time          // mints that count for the cap, ascending
	firsts map[string]time.Time // by uid of the ApiKey: its first key, if it was made in this window
}

// seed takes over what ledgers tell of the time before this process. It happens once.
func (m *mintLog) seed(now time.Time, known func() ([]apikey.Known, error)) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.seeded {
		return nil
	}
	keys, err := known()
	if err != nil {
		return err
	}
	m.seeded, m.firsts = true, map[string]time.Time{}
	for _, key := range keys {
		switch {
		case !key.IssuedAt.After(now.Add(-mintWindow)):
		case key.First:
			m.firsts[key.OwnerUID] = key.IssuedAt
		default:
			m.counts = append(m.counts, earlier(key.IssuedAt, now))
		}
	}
	slices.SortFunc(m.counts, time.Time.Compare)
	return nil
}

// cappedUntil returns when a mint that counts may be made again; zero if one may now.
func (m *mintLog) cappedUntil(now time.Time, limit int) time.Time {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.cappedUntilLocked(now, limit)
}

func (m *mintLog) cappedUntilLocked(now time.Time, limit int) time.Time {
	m.counts = slices.DeleteFunc(m.counts, func(at time.Time) bool { return !at.After(now.Add(-mintWindow)) })
	maps.DeleteFunc(m.firsts, func(_ string, at time.Time) bool { return !at.After(now.Add(-mintWindow)) })
	if len(m.counts) < limit {
		return time.Time{}
	}
	return m.counts[len(m.counts)-limit].Add(mintWindow)
}

// reserve takes a mint, or returns when there will be one.
func (m *mintLog) reserve(now time.Time, uid string, first bool, limit int) (until time.Time, ok bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	until = m.cappedUntilLocked(now, limit)
	if _, again := m.firsts[uid]; first && !again {
		if m.firsts == nil {
			m.firsts = map[string]time.Time{}
		}
		m.firsts[uid] = now
		return time.Time{}, true
	}
	if !until.IsZero() {
		return until, false
	}
	m.counts = append(m.counts, now)
	return time.Time{}, true
}

// made reports whether the ApiKey's first key was made or is being made. Its ledger may not be in the cache yet.
func (m *mintLog) made(uid string) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	_, ok := m.firsts[uid]
	return ok
}

// giveBack undoes a reservation of which it is certain that nothing was issued.
func (m *mintLog) giveBack(r reservation) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if first, ok := m.firsts[r.uid]; ok && first.Equal(r.at) {
		delete(m.firsts, r.uid)
		return
	}
	if i := slices.IndexFunc(m.counts, r.at.Equal); i >= 0 {
		m.counts = slices.Delete(m.counts, i, i+1)
	}
}
