package apiclient

import (
	"cmp"
	"slices"
	"time"
)

// View is an immutable picture of the tenant's keys: one complete listing, with the writes that this client made
// after the listing had begun. It is safe for concurrent use; what it returns are copies.
type View struct {
	byID             map[string]Key
	sorted           []Key
	begun, completed Instant
	begunAt          time.Time
	serverTime       time.Time
	receivedAt       time.Time
	clock            Clock
}

// view returns the latest listing with the writes folded in. A write older than the listing's start adds nothing to
// it; a newer one wins, whatever the listing says. d.mu is held, and there is a listing.
func (d *Directory) view() *View {
	if d.merged != nil {
		return d.merged
	}
	s := d.latest
	v := &View{
		byID: make(map[string]Key, len(s.keys)), begun: s.begun, completed: s.completed, begunAt: s.begunAt,
		serverTime: s.serverTime, receivedAt: s.receivedAt, clock: d.clock,
	}
	for id, key := range s.keys {
		v.byID[id] = key
	}
	for id, w := range d.writes {
		if w.at <= s.begun {
			continue
		}
		base, listed := s.keys[id]
		if !listed {
			base = w.known
		}
		v.byID[id] = overlay(base, w.key)
	}
	for _, key := range v.byID {
		v.sorted = append(v.sorted, key)
	}
	slices.SortFunc(v.sorted, byAge)
	d.merged = v
	return v
}

// byAge orders by creation, then id. Keys without a readable time come first.
func byAge(a, b Key) int {
	return cmp.Or(createdAt(a).Compare(createdAt(b)), cmp.Compare(a.ID, b.ID))
}

func createdAt(k Key) time.Time {
	if k.CreatedAt == nil {
		return time.Time{}
	}
	return *k.CreatedAt
}

// Get returns the key with id, and whether there is one.
func (v *View) Get(id string) (Key, bool) {
	key, ok := v.byID[id]
	return key.clone(), ok
}

// Keys returns all keys, dead ones included if the API lists them, sorted by CreatedAt, then ID.
func (v *View) Keys() []Key {
	keys := make([]Key, len(v.sorted))
	for i, key := range v.sorted {
		keys[i] = key.clone()
	}
	return keys
}

// LiveWithMarker returns the live keys whose name holds m, sorted by CreatedAt, then ID.
func (v *View) LiveWithMarker(m Marker) []Key {
	var keys []Key
	for _, key := range v.sorted {
		if key.Live() && m.In(key.Name) {
			keys = append(keys, key.clone())
		}
	}
	return keys
}

// Begun returns when the listing under the view began.
func (v *View) Begun() Instant { return v.begun }

// BegunAt returns when the listing under the view began, by the client's clock.
func (v *View) BegunAt() time.Time { return v.begunAt }

// Completed returns when the listing under the view had all its pages.
func (v *View) Completed() Instant { return v.completed }

// ServerTime is the API's idea of now: the listing's Date header plus the local time passed since; the local clock
// if the header was absent or unreadable.
func (v *View) ServerTime() time.Time {
	return v.serverTime.Add(v.clock.Now().Sub(v.receivedAt))
}
