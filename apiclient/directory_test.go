package apiclient

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// listings is the lister under a Directory: each listing takes a minute and shows what the tenant had when it began.
type listings struct {
	mu    sync.Mutex
	keys  map[string]Key
	err   error
	begun int
	ended int
	takes time.Duration
}

func newListings(ids ...string) *listings {
	l := &listings{keys: map[string]Key{}, takes: time.Minute}
	for _, id := range ids {
		l.set(Key{ID: id, Name: "listed", Status: StatusActive, Scopes: []string{"a:read"}})
	}
	return l
}

func (l *listings) set(key Key) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.keys[key.ID] = key
}

func (l *listings) drop(id string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	delete(l.keys, id)
}

func (l *listings) list(ctx context.Context) (*listing, error) {
	l.mu.Lock()
	l.begun++
	err := l.err
	got := &listing{}
	for _, key := range l.keys {
		got.keys = append(got.keys, key)
	}
	l.mu.Unlock()
	elapse(ctx, l.takes)
	l.mu.Lock()
	l.ended++
	l.mu.Unlock()
	got.serverTime, got.receivedAt = time.Now().Add(24*time.Hour), time.Now()
	if ctx.Err() != nil {
		return nil, ctx.Err()
	}
	return got, err
}

// inBubble runs test with a Directory over l.
func inBubble(t *testing.T, l *listings, test func(t *testing.T, d *Directory)) {
	t.Helper()
	t.Parallel()
	synctest.Test(t, func(t *testing.T) { test(t, newDirectory(l.list, systemClock{})) })
}

func mustView(t *testing.T, d *Directory, f Freshness) *View {
	t.Helper()
	view, err := d.View(t.Context(), f)
	if err != nil {
		t.Fatal(err)
	}
	return view
}

func TestReadersShareAListing(t *testing.T) {
	l := newListings("key_1", "key_2")
	inBubble(t, l, func(t *testing.T, d *Directory) {
		var wg sync.WaitGroup
		for i := range 200 {
			wg.Go(func() {
				elapse(t.Context(), time.Duration(i)*time.Second/2)
				if view := mustView(t, d, Freshness{}); len(view.Keys()) != 2 {
					t.Errorf("got %v", view.Keys())
				}
			})
		}
		wg.Wait()
		if l.begun != 1 {
			t.Errorf("%d listings", l.begun)
		}
	})
}

func TestFreshness(t *testing.T) {
	l := newListings("key_1")
	inBubble(t, l, func(t *testing.T, d *Directory) {
		first := mustView(t, d, Freshness{})
		elapse(t.Context(), time.Minute) // its listing began two minutes ago
		mustView(t, d, Freshness{MaxAge: 2 * time.Minute})
		if l.begun != 1 {
			t.Fatalf("%d listings", l.begun)
		}
		mustView(t, d, Freshness{MaxAge: 2*time.Minute - 1})
		if l.begun != 2 {
			t.Fatalf("%d listings", l.begun)
		}
		now := d.Now()
		second := mustView(t, d, Freshness{})
		third := mustView(t, d, Freshness{BegunAfter: now})
		if l.begun != 3 || second.Begun() > now || third.Begun() <= now || third.Completed() <= third.Begun() || second.Begun() <= first.Completed() {
			t.Errorf("%d listings; begun %d, %d, %d", l.begun, first.Begun(), second.Begun(), third.Begun())
		}
	})
}

// A reader who needs a listing begun later does not take the one on its way, and those who need it share the next.
func TestListingOnItsWayMayBeTooOld(t *testing.T) {
	l := newListings("key_1")
	inBubble(t, l, func(t *testing.T, d *Directory) {
		var wg sync.WaitGroup
		wg.Go(func() { mustView(t, d, Freshness{}) })
		synctest.Wait()
		now := d.Now()
		for range 100 {
			wg.Go(func() {
				if view := mustView(t, d, Freshness{BegunAfter: now}); view.Begun() <= now {
					t.Error("the listing had begun before")
				}
			})
		}
		wg.Wait()
		if l.begun != 2 {
			t.Errorf("%d listings", l.begun)
		}
	})
}

func TestListingErrorsAreShared(t *testing.T) {
	l := newListings("key_1")
	l.err = errors.New("boom")
	inBubble(t, l, func(t *testing.T, d *Directory) {
		var wg sync.WaitGroup
		for range 10 {
			wg.Go(func() {
				_, err := d.View(t.Context(), Freshness{})
				mustBe(t, err, l.err)
			})
		}
		wg.Wait()
		if l.begun != 1 {
			t.Errorf("%d listings", l.begun)
		}
		// P3: an error leaves no view behind, and the next reader asks again.
		_, err := d.View(t.Context(), Freshness{})
		mustBe(t, err, l.err)
		if l.begun != 2 {
			t.Errorf("%d listings", l.begun)
		}
	})
}

// An error does not take away the complete listing held.
func TestErrorKeepsWhatIsHeld(t *testing.T) {
	l := newListings("key_1")
	inBubble(t, l, func(t *testing.T, d *Directory) {
		mustView(t, d, Freshness{})
		l.err = errors.New("boom")
		_, err := d.View(t.Context(), Freshness{BegunAfter: d.Now()})
		mustBe(t, err, l.err)
		if view := mustView(t, d, Freshness{}); len(view.Keys()) != 1 {
			t.Errorf("got %v", view.Keys())
		}
	})
}

func TestReadersLeave(t *testing.T) {
	l := newListings("key_1")
	inBubble(t, l, func(t *testing.T, d *Directory) {
		impatient, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		var wg sync.WaitGroup
		wg.Go(func() {
			_, err := d.View(impatient, Freshness{})
			mustBe(t, err, context.DeadlineExceeded)
		})
		wg.Go(func() { mustView(t, d, Freshness{}) })
		wg.Wait()
		if l.begun != 1 {
			t.Errorf("%d listings", l.begun)
		}
	})
}

func TestEndedContextBeginsNothing(t *testing.T) {
	l := newListings("key_1")
	inBubble(t, l, func(t *testing.T, d *Directory) {
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		_, err := d.View(ctx, Freshness{})
		mustBe(t, err, context.Canceled)
		if l.begun != 0 {
			t.Error("a listing was begun")
		}
	})
}

// A listing that nobody waits for is cancelled; whoever comes then has a new one.
func TestAbandonedListing(t *testing.T) {
	l := newListings("key_1")
	inBubble(t, l, func(t *testing.T, d *Directory) {
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		var wg sync.WaitGroup
		wg.Go(func() {
			_, err := d.View(ctx, Freshness{})
			mustBe(t, err, context.DeadlineExceeded)
		})
		synctest.Wait()
		now := d.Now()
		wg.Go(func() { mustView(t, d, Freshness{BegunAfter: now}) }) // waits for its end, but does not need it
		begun := time.Now()
		wg.Wait()
		if took := time.Since(begun); took != time.Second+time.Minute || l.begun != 2 || l.ended != 2 {
			t.Errorf("%d begun, %d ended, in %s", l.begun, l.ended, took)
		}
	})
}

// The writes of this client show at once; a listing begun before a write never undoes it.
func TestWritesAreFoldedIn(t *testing.T) {
	l := newListings("renamed", "revoked", "vanished", "other")
	inBubble(t, l, func(t *testing.T, d *Directory) {
		mustView(t, d, Freshness{})
		check := func(when string) {
			t.Helper()
			view := mustView(t, d, Freshness{})
			renamed, _ := view.Get("renamed")
			revoked, _ := view.Get("revoked")
			vanished, _ := view.Get("vanished")
			created, _ := view.Get("created")
			if renamed.Name != "new" || renamed.Status != StatusActive || revoked.Status != StatusRevoked || revoked.Name != "listed" ||
				created.Name != "mine" || vanished.Status != StatusRevoked || vanished.Name != "listed" || len(view.Keys()) != 5 {
				t.Errorf("%s: got %+v", when, view.Keys())
			}
		}
		done := make(chan struct{})
		go func() {
			defer close(done)
			mustView(t, d, Freshness{BegunAfter: d.Now()}) // sees the tenant as it was
		}()
		synctest.Wait()
		d.record(Key{ID: "renamed", Name: "new", Scopes: []string{"b:read"}})
		d.record(Key{ID: "revoked", Status: StatusRevoked})
		d.record(Key{ID: "vanished", Status: StatusRevoked})
		d.record(Key{ID: "created", Name: "mine", Status: StatusActive})
		d.record(Key{Name: "an issued key without id is no entry"})
		check("before the listing ends")
		<-done
		check("after a listing begun before the writes")
		l.drop("created")
		l.drop("vanished")
		view := mustView(t, d, Freshness{BegunAfter: d.Now()})
		if _, ok := view.Get("created"); ok {
			t.Error("a listing begun after the write does not win")
		}
		if renamed, _ := view.Get("renamed"); renamed.Name != "listed" {
			t.Error("a listing begun after the write does not win")
		}
		mustView(t, d, Freshness{BegunAfter: d.Now()})
		if len(d.writes) != 0 {
			t.Errorf("%d writes are kept for ever", len(d.writes))
		}
	})
}

// A key revoked while a listing is on its way that no longer shows dead keys: dead, and not unknown.
func TestRevokedKeyHiddenByAListing(t *testing.T) {
	l := newListings("key_1")
	inBubble(t, l, func(t *testing.T, d *Directory) {
		mustView(t, d, Freshness{})
		l.drop("key_1")
		done := make(chan struct{})
		go func() {
			defer close(done)
			mustView(t, d, Freshness{BegunAfter: d.Now()})
		}()
		synctest.Wait()
		d.record(Key{ID: "key_1", Status: StatusRevoked})
		<-done
		if key, ok := mustView(t, d, Freshness{}).Get("key_1"); !ok || key.Live() || key.Name != "listed" {
			t.Errorf("got %+v, %v", key, ok)
		}
	})
}

// P3: absence takes two listings, the second begun after the first ended.
func TestAbsent(t *testing.T) {
	l := newListings("present")
	inBubble(t, l, func(t *testing.T, d *Directory) {
		absent, key, err := d.Absent(t.Context(), "present", Freshness{})
		if absent || key.ID != "present" || err != nil || l.begun != 1 {
			t.Errorf("got %v, %+v, %v after %d listings", absent, key, err, l.begun)
		}
		var wg sync.WaitGroup
		for i := range 100 {
			wg.Go(func() {
				if absent, _, err := d.Absent(t.Context(), fmt.Sprintf("gone_%d", i), Freshness{}); !absent || err != nil {
					t.Errorf("got %v, %v", absent, err)
				}
			})
		}
		wg.Wait()
		if l.begun != 2 {
			t.Errorf("%d listings", l.begun)
		}
		if absent, _, _ := d.Absent(t.Context(), "gone_later", Freshness{}); !absent || l.begun != 2 {
			t.Errorf("the two listings held do not serve: %d listings", l.begun)
		}
		if absent, _, _ := d.Absent(t.Context(), "gone", Freshness{BegunAfter: d.Now()}); !absent || l.begun != 4 {
			t.Errorf("%d listings", l.begun)
		}
		elapse(t.Context(), time.Hour)
		if absent, _, _ := d.Absent(t.Context(), "gone", Freshness{MaxAge: 10 * time.Minute}); !absent || l.begun != 6 {
			t.Errorf("%d listings", l.begun)
		}
	})
}

func TestAbsentFromOneListingOnly(t *testing.T) {
	l := newListings()
	inBubble(t, l, func(t *testing.T, d *Directory) {
		mustView(t, d, Freshness{})
		l.set(Key{ID: "late"})
		if absent, key, err := d.Absent(t.Context(), "late", Freshness{}); absent || key.ID != "late" || err != nil {
			t.Errorf("got %v, %+v, %v", absent, key, err)
		}
	})
}

// P3: an error is not an absence, in whichever of the two listings it is.
func TestAbsentErrors(t *testing.T) {
	l := newListings()
	inBubble(t, l, func(t *testing.T, d *Directory) {
		l.err = errors.New("boom")
		absent, _, err := d.Absent(t.Context(), "gone", Freshness{})
		mustBe(t, err, l.err)
		l.err = nil
		mustView(t, d, Freshness{})
		l.err = errors.New("boom again")
		absentToo, _, err := d.Absent(t.Context(), "gone", Freshness{})
		mustBe(t, err, l.err)
		if absent || absentToo {
			t.Error("an error is taken for an absence")
		}
	})
}

// Listings from before this client's own write to a key say nothing about it: a listing may lag behind.
func TestAbsentAfterOwnWrite(t *testing.T) {
	l := newListings()
	inBubble(t, l, func(t *testing.T, d *Directory) {
		mustView(t, d, Freshness{})
		d.record(Key{ID: "mine", Name: "n"})
		if absent, key, err := d.Absent(t.Context(), "mine", Freshness{}); !absent || err != nil || l.begun != 3 {
			t.Errorf("got %v, %+v, %v after %d listings, want two listings begun after the write", absent, key, err, l.begun)
		}
	})
}

func TestViewIsImmutable(t *testing.T) {
	l := newListings("key_1", "key_2")
	inBubble(t, l, func(t *testing.T, d *Directory) {
		view := mustView(t, d, Freshness{})
		keys := view.Keys()
		keys[0].Name, keys[0].Scopes[0] = "changed", "changed"
		key, _ := view.Get("key_1")
		key.Scopes[0] = "changed"
		d.record(Key{ID: "key_3"})
		if again := view.Keys(); len(again) != 2 || again[0].Name != "listed" || again[0].Scopes[0] != "a:read" {
			t.Errorf("got %+v", again)
		}
	})
}

func TestViewOrderAndMarkers(t *testing.T) {
	l := newListings()
	early, late := time.Unix(1000, 0), time.Unix(2000, 0)
	marker := Marker("tf:1a2b3c4d")
	for _, key := range []Key{
		{ID: "b", CreatedAt: &late, Name: marker.Append("x")},
		{ID: "a", CreatedAt: &late, Name: "y"},
		{ID: "c", CreatedAt: &early, Name: marker.Append("z"), Status: "odd"},
		{ID: "d", Name: marker.Append("w"), Status: StatusRevoked},
	} {
		l.set(key)
	}
	inBubble(t, l, func(t *testing.T, d *Directory) {
		view := mustView(t, d, Freshness{})
		if got := ids(view.Keys()); got != "d c a b" {
			t.Errorf("got %s", got)
		}
		if got := ids(view.LiveWithMarker(marker)); got != "c b" {
			t.Errorf("got %s", got)
		}
		if _, ok := view.Get("nobody"); ok {
			t.Error("a key that is not there")
		}
	})
}

func TestViewServerTime(t *testing.T) {
	l := newListings()
	inBubble(t, l, func(t *testing.T, d *Directory) {
		view := mustView(t, d, Freshness{})
		elapse(t.Context(), time.Hour)
		if ahead := time.Until(view.ServerTime()); ahead != 24*time.Hour {
			t.Errorf("%s ahead", ahead)
		}
	})
}
