package apiclient

import (
	"context"
	"fmt"
	"sync"
	"time"
)

// WithTimeBudget bounds the time spent in HTTP exchanges, retry backoff included, under ctx to d. Waiting for quota
// does not count. The exchange of a create or rotate that has begun is never cut off, but it is counted. The error of
// a spent budget is errors.Is context.DeadlineExceeded. Of nested budgets the innermost counts.
func WithTimeBudget(ctx context.Context, d time.Duration) context.Context {
	return context.WithValue(ctx, meterKey{}, meter(newBudget(d)))
}

// meter is told when requests run and when they merely wait for quota.
type meter interface {
	resume()
	pause()
	spent() context.Context // ends when nothing is left
}

type meterKey struct{}

func meterOf(ctx context.Context) meter {
	if m, ok := ctx.Value(meterKey{}).(meter); ok {
		return m
	}
	return unmetered{}
}

// spend runs the meter of ctx until stop is called, and returns a context that ends with the budget.
func spend(ctx context.Context) (_ context.Context, stop func()) {
	m := meterOf(ctx)
	m.resume()
	ctx, cancel := context.WithCancelCause(ctx)
	end := func() { cancel(context.Cause(m.spent())) }
	unhook := context.AfterFunc(m.spent(), end)
	if m.spent().Err() != nil {
		end() // AfterFunc would, but only after a request may have gone out
	}
	return ctx, func() {
		m.pause()
		unhook()
		cancel(nil)
	}
}

type unmetered struct{}

func (unmetered) resume() {}

func (unmetered) pause() {}

func (unmetered) spent() context.Context { return context.Background() }

// budget is a stopwatch that counts down while at least one request of its context runs.
type budget struct {
	over   context.Context
	expire context.CancelCauseFunc

	mu      sync.Mutex
	left    time.Duration
	running int
	since   time.Time
	timer   *time.Timer
}

func newBudget(d time.Duration) *budget {
	over, expire := context.WithCancelCause(context.Background())
	b := &budget{over: over, left: d}
	spent := fmt.Errorf("the time allowed for requests (%s) is used up: %w", d, context.DeadlineExceeded)
	b.expire = func(error) { expire(spent) }
	return b
}

func (b *budget) spent() context.Context { return b.over }

func (b *budget) resume() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.running++
	if b.running > 1 {
		return
	}
	b.since = time.Now()
	if b.left <= 0 {
		b.expire(nil)
		return
	}
	b.timer = time.AfterFunc(b.left, func() { b.expire(nil) })
}

func (b *budget) pause() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.running--
	if b.running > 0 {
		return
	}
	b.left -= time.Since(b.since)
	if b.timer != nil {
		b.timer.Stop()
	}
}

// budgetGroup lets several callers who wait for one shared listing spend their budgets together.
type budgetGroup struct {
	mu      sync.Mutex
	running bool
	members map[meter]int
}

func newBudgetGroup() *budgetGroup { return &budgetGroup{members: map[meter]int{}} }

func (g *budgetGroup) spent() context.Context { return context.Background() }

func (g *budgetGroup) resume() {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.running = true
	for m := range g.members {
		m.resume()
	}
}

func (g *budgetGroup) pause() {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.running = false
	for m := range g.members {
		m.pause()
	}
}

// join adds a caller's budget and returns the function that takes it out again.
func (g *budgetGroup) join(m meter) (leave func()) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.members[m]++
	if g.running && g.members[m] == 1 {
		m.resume()
	}
	return func() { g.leave(m) }
}

func (g *budgetGroup) leave(m meter) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.members[m]--
	if g.members[m] > 0 {
		return
	}
	delete(g.members, m)
	if g.running {
		m.pause()
	}
}
