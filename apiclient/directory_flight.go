package apiclient

import (
	"context"
	"errors"
	"time"
)

// flight is one listing on its way, shared by all who wait for it. There is one at a time, so that each begins after
// the one before it has ended.
type flight struct {
	begun   Instant
	begunAt time.Time
	aboard  int // callers whom this listing serves
	meters  *budgetGroup
	cancel  context.CancelFunc
	done    chan struct{} // closed at the end
	err     error         // set before done is closed
}

// passenger is one caller who waits for a flight: for its result, or, when it began too early to serve him, for its
// end.
type passenger struct {
	directory *Directory
	flight    *flight
	serves    bool
}

var errNobodyWaits = errors.New("the listing was given up because nobody waits for it")

// takeOff begins a listing. It outlives the caller who needed it first, but keeps the values of its context. d.mu is
// held.
func (d *Directory) takeOff(ctx context.Context) {
	fl := &flight{begun: d.tick(), begunAt: d.clock.Now(), meters: newBudgetGroup(), done: make(chan struct{})}
	ctx = context.WithValue(context.WithoutCancel(ctx), meterKey{}, meter(fl.meters))
	ctx, fl.cancel = context.WithCancel(ctx)
	d.flight = fl
	go d.fly(ctx, fl)
}

func (d *Directory) fly(ctx context.Context, fl *flight) {
	defer fl.cancel()
	all, err := d.list(ctx)
	d.mu.Lock()
	defer d.mu.Unlock()
	defer close(fl.done)
	if d.flight != fl { // given up meanwhile: another may have begun before this one ended
		fl.err = errNobodyWaits
		return
	}
	d.flight = nil
	if err != nil {
		fl.err = err
		return
	}
	s := &snapshot{
		keys: make(map[string]Key, len(all.keys)), begun: fl.begun, completed: d.tick(), begunAt: fl.begunAt,
		serverTime: all.serverTime, receivedAt: all.receivedAt,
	}
	for _, key := range all.keys {
		s.keys[key.ID] = key
	}
	d.publish(s)
}

// board gives the caller a place in the present flight. d.mu is held.
func (d *Directory) board(serves bool) *passenger {
	if serves {
		d.flight.aboard++
	}
	return &passenger{directory: d, flight: d.flight, serves: serves}
}

// wait returns when the flight has ended, or with an error when the caller's ctx or time budget has. The budget runs
// only while the listing exchanges, not while it waits for quota.
func (p *passenger) wait(ctx context.Context) error {
	m := meterOf(ctx)
	leave := p.flight.meters.join(m)
	defer leave()
	if p.serves {
		defer p.directory.leave(p.flight)
	}
	select {
	case <-p.flight.done:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	case <-m.spent().Done():
		return context.Cause(m.spent()) //nolint:contextcheck // not a context to work under, but the budget's end
	}
}

// leave gives a listing up when its last caller has left.
func (d *Directory) leave(fl *flight) {
	d.mu.Lock()
	defer d.mu.Unlock()
	fl.aboard--
	if fl.aboard == 0 && d.flight == fl {
		d.flight = nil
		fl.cancel()
	}
}
