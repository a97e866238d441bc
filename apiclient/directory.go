package apiclient

import (
	"context"
	"maps"
	"sync"
	"time"
)

// Directory is a shared view of the tenant's keys. It holds the last complete listings and this client's own writes,
// and makes a new listing only when a reader needs a fresher one; readers who need it at the same time share it.
// There is one per Client, made by New.
type Directory struct {
	list  func(ctx context.Context) (*listing, error)
	clock Clock

	mu       sync.Mutex
	now      Instant
	latest   *snapshot // the last complete listing
	previous *snapshot // the one before it
	writes   map[string]write
	flight   *flight // the listing on its way
	merged   *View   // latest with writes; nil when either changed
}

// Instant is a position in a Directory's own logical time: it orders writes and listings without a clock.
type Instant uint64

// Freshness says which listing will do. The zero value accepts any complete listing already held.
type Freshness struct {
	MaxAge     time.Duration // since the listing began; 0: any age
	BegunAfter Instant       // the listing must have begun after this
}

// snapshot is one complete listing as it was fetched.
type snapshot struct {
	keys             map[string]Key
	begun, completed Instant
	begunAt          time.Time
	serverTime       time.Time
	receivedAt       time.Time
}

// write is what this client has changed of one key. Fields of key that are empty are as the listing says, or, when it
// lacks the key, as known before.
type write struct {
	at         Instant
	key, known Key
}

func newDirectory(list func(ctx context.Context) (*listing, error), clock Clock) *Directory {
	return &Directory{list: list, clock: clock, writes: map[string]write{}}
}

// Now returns an Instant after every write and listing so far.
func (d *Directory) Now() Instant {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.tick()
}

func (d *Directory) tick() Instant {
	d.now++
	return d.now
}

// View returns a complete, consistent picture of the tenant's keys, or an error; never a partial one. A caller whose
// ctx ends leaves; the listing goes on for the others, and ends when nobody waits for it.
func (d *Directory) View(ctx context.Context, f Freshness) (*View, error) {
	for {
		if ctx.Err() != nil {
			return nil, context.Cause(ctx)
		}
		view, waiting := d.viewOrJoin(ctx, f)
		if view != nil {
			return view, nil
		}
		if err := waiting.wait(ctx); err != nil || waiting.serves {
			return d.landed(waiting, err)
		}
		// That listing began too early for this caller. Now another can begin.
	}
}

// viewOrJoin returns the view held, if it is fresh enough, or else a place in the listing that is on its way.
func (d *Directory) viewOrJoin(ctx context.Context, f Freshness) (*View, *passenger) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.latest != nil && d.fresh(f, d.latest.begun, d.latest.begunAt) {
		return d.view(), nil
	}
	if d.flight == nil {
		d.takeOff(ctx)
		return nil, d.board(true)
	}
	return nil, d.board(d.fresh(f, d.flight.begun, d.flight.begunAt))
}

func (d *Directory) landed(p *passenger, err error) (*View, error) {
	if err == nil {
		err = p.flight.err
	}
	if err != nil {
		return nil, err
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.view(), nil
}

func (d *Directory) fresh(f Freshness, begun Instant, begunAt time.Time) bool {
	return begun > f.BegunAfter && (f.MaxAge == 0 || d.clock.Now().Sub(begunAt) <= f.MaxAge)
}

// Absent reports whether two complete listings, the second begun after the first ended, both lack id (P3). When it
// is present after all, the key is returned. f is about the first of the two. Callers share listings: any number of
// them cost two at most, and none if the two last ones held will do. This client's own last write to id must be
// older than both.
func (d *Directory) Absent(ctx context.Context, id string, f Freshness) (absent bool, key Key, err error) {
	f.BegunAfter = max(f.BegunAfter, d.lastWrite(id))
	first, err := d.View(ctx, f)
	if err != nil {
		return false, Key{}, err
	}
	if key, listed := first.Get(id); listed {
		return false, key, nil
	}
	if d.bothLack(id, f) {
		return true, Key{}, nil
	}
	second, err := d.View(ctx, Freshness{BegunAfter: first.Completed()})
	if err != nil {
		return false, Key{}, err
	}
	key, listed := second.Get(id)
	return !listed, key, nil
}

func (d *Directory) lastWrite(id string) Instant {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.writes[id].at
}

// bothLack asks the two last listings. The later always began after the earlier ended: there is one at a time.
func (d *Directory) bothLack(id string, f Freshness) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.previous == nil || !d.fresh(f, d.previous.begun, d.previous.begunAt) || d.writes[id].at > d.previous.begun {
		return false
	}
	_, before := d.previous.keys[id]
	_, after := d.latest.keys[id]
	return !before && !after
}

// record folds in a successful write of this client. Empty fields of key are left as they are known.
func (d *Directory) record(key Key) {
	if key.ID == "" {
		return
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	w := d.writes[key.ID]
	if d.latest != nil {
		w.known = overlay(w.known, d.latest.keys[key.ID])
	}
	d.writes[key.ID] = write{at: d.tick(), key: overlay(w.key, key.clone()), known: w.known}
	d.merged = nil
}

// overlay returns base with the fields that over has.
func overlay(base, over Key) Key {
	pick(&base.ID, over.ID)
	pick(&base.Name, over.Name)
	pick(&base.KeyPrefix, over.KeyPrefix)
	pick(&base.Last4, over.Last4)
	pick(&base.Status, over.Status)
	pick(&base.CreatedAt, over.CreatedAt)
	pick(&base.ExpiresAt, over.ExpiresAt)
	pick(&base.RevokedAt, over.RevokedAt)
	pick(&base.LastUsedAt, over.LastUsedAt)
	if over.Scopes != nil {
		base.Scopes = over.Scopes
	}
	return base
}

func pick[T comparable](base *T, over T) {
	var zero T
	if over != zero {
		*base = over
	}
}

// publish makes a finished listing the latest. Writes that both listings held are newer than are forgotten: no
// later listing can be older than they are.
func (d *Directory) publish(s *snapshot) {
	d.previous, d.latest, d.merged = d.latest, s, nil
	if d.previous == nil {
		return
	}
	maps.DeleteFunc(d.writes, func(_ string, w write) bool { return w.at < d.previous.begun })
}
