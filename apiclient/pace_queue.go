package apiclient

import (
	"container/heap"
	"context"
	"fmt"
	"time"
)

// Priority orders requests that wait for the same quota; a higher one goes first.
type Priority int

// The operations' own priorities. PriorityRecover is for requests that look for keys whose plaintext was lost.
const (
	PriorityList Priority = iota
	PriorityUpdate
	PriorityRotate
	PriorityCreate
	PriorityRecover
	PriorityRevoke
)

// WithPriority overrides the operation's own priority for requests under ctx.
func WithPriority(ctx context.Context, p Priority) context.Context {
	return context.WithValue(ctx, priorityKey{}, p)
}

type priorityKey struct{}

func priorityOf(ctx context.Context, op Operation) Priority {
	if p, ok := ctx.Value(priorityKey{}).(Priority); ok {
		return p
	}
	switch op {
	case OpRevoke:
		return PriorityRevoke
	case OpCreate:
		return PriorityCreate
	case OpRotate:
		return PriorityRotate
	case OpUpdate:
		return PriorityUpdate
	default:
		return PriorityList
	}
}

// WithQuotaWait makes requests under ctx wait for quota although their client was made WithNonBlockingQuota: for a listing
// that has more pages than the quota leaves at once, and would else fail for ever.
func WithQuotaWait(ctx context.Context) context.Context {
	return context.WithValue(ctx, quotaWaitKey{}, true)
}

type quotaWaitKey struct{}

func waitsForQuota(ctx context.Context) bool {
	waits, _ := ctx.Value(quotaWaitKey{}).(bool)
	return waits
}

// waiter is one request in the queue.
type waiter struct {
	op       Operation
	priority Priority
	arrival  uint64
	index    int
	granted  chan struct{} // closed once slot is set
	slot     *slot
}

// waitQueue is a heap: highest priority first, then first come, first served.
type waitQueue []*waiter //nolint:recvcheck // heap.Interface wants it so: Push and Pop change the slice, the rest does not

func (q waitQueue) Len() int { return len(q) }

func (q waitQueue) Less(i, j int) bool {
	if q[i].priority != q[j].priority {
		return q[i].priority > q[j].priority
	}
	return q[i].arrival < q[j].arrival
}

func (q waitQueue) Swap(i, j int) {
	q[i], q[j] = q[j], q[i]
	q[i].index, q[j].index = i, j
}

func (q *waitQueue) Push(x any) {
	w, ok := x.(*waiter)
	if !ok {
		return
	}
	w.index = len(*q)
	*q = append(*q, w)
}

func (q *waitQueue) Pop() any {
	old := *q
	last := old[len(old)-1]
	old[len(old)-1] = nil
	*q = old[:len(old)-1]
	return last
}

// acquire returns once the request may be sent. The wait obeys ctx.
func (p *pacer) acquire(ctx context.Context, op Operation) (*slot, error) {
	if err := ctx.Err(); err != nil {
		return nil, context.Cause(ctx)
	}
	p.mu.Lock()
	w := p.enqueue(ctx, op)
	p.mu.Unlock()
	return p.wait(ctx, w)
}

// tryAcquire is acquire that does not wait but says when to come back.
func (p *pacer) tryAcquire(ctx context.Context, op Operation) (*slot, error) {
	if err := ctx.Err(); err != nil {
		return nil, context.Cause(ctx)
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	w := p.enqueue(ctx, op)
	if w.slot != nil {
		return w.slot, nil
	}
	heap.Remove(&p.queue, w.index)
	return nil, p.quotaError(op)
}

// quotaError says when the present hold ends. p.mu is held.
func (p *pacer) quotaError(op Operation) *QuotaError {
	at := p.hold.until
	if at.IsZero() {
		at = p.clock.Now().Add(probeWait)
	}
	return &QuotaError{Op: op, RetryAt: at, Reason: p.hold.reason}
}

func (p *pacer) enqueue(ctx context.Context, op Operation) *waiter {
	p.arrivals++
	w := &waiter{op: op, priority: priorityOf(ctx, op), arrival: p.arrivals, granted: make(chan struct{})}
	heap.Push(&p.queue, w)
	p.dispatch(p.clock.Now())
	return w
}

// dispatch admits from the head of the queue as many as may go, and records why the rest may not. p.mu is held.
// It is called whenever something changed; there is no goroutine of the pacer's own to leak.
func (p *pacer) dispatch(now time.Time) {
	next := hold{}
	for p.queue.Len() > 0 {
		ok, why := p.judge(now)
		if !ok {
			next = why
			break
		}
		w, _ := heap.Pop(&p.queue).(*waiter)
		w.slot = p.admit(now)
		close(w.granted)
	}
	if next != p.hold {
		p.hold = next
		close(p.changed)
		p.changed = make(chan struct{})
	}
}

// wait sleeps until w is admitted. Each waiter keeps its own alarm, so whoever wakes first moves the queue.
func (p *pacer) wait(ctx context.Context, w *waiter) (*slot, error) {
	var told time.Time
	for {
		p.mu.Lock()
		why, changed, granted := p.hold, p.changed, w.slot
		p.mu.Unlock()
		if granted != nil {
			return granted, nil
		}
		told = p.announce(ctx, w, why, told)
		alarm, stop := p.alarm(why.until)
		select {
		case <-w.granted:
		case <-changed:
		case <-alarm:
			p.mu.Lock()
			p.dispatch(p.clock.Now())
			p.mu.Unlock()
		case <-ctx.Done():
			stop()
			p.withdraw(w)
			return nil, why.interrupted(context.Cause(ctx))
		}
		stop()
	}
}

// interrupted says what was being waited for when the caller gave up.
func (h hold) interrupted(cause error) error {
	if h.reason == "" {
		return cause
	}
	if h.until.IsZero() {
		return fmt.Errorf("interrupted while waiting for %s: %w", h.reason, cause)
	}
	return fmt.Errorf("interrupted while waiting for %s until %s: %w", h.reason, h.until.UTC().Format(time.RFC3339), cause)
}

// alarm rings at until, never if that is zero.
func (p *pacer) alarm(until time.Time) (<-chan time.Time, func() bool) {
	if until.IsZero() {
		return nil, func() bool { return false }
	}
	return p.clock.NewTimer(max(0, until.Sub(p.clock.Now())))
}

// announce tells about a wait whose end is known, and again when the end moves by more than a second.
func (p *pacer) announce(ctx context.Context, w *waiter, why hold, told time.Time) time.Time {
	if why.until.IsZero() || why.until.Sub(told).Abs() <= time.Second {
		return told
	}
	p.tell(ctx, Wait{Op: w.op, Reason: why.reason, Until: why.until})
	return why.until
}

// withdraw takes a waiter out whose context has ended, also if it was admitted at the same moment.
func (p *pacer) withdraw(w *waiter) {
	p.mu.Lock()
	admitted := w.slot
	if admitted == nil {
		heap.Remove(&p.queue, w.index)
		p.dispatch(p.clock.Now())
	}
	p.mu.Unlock()
	if admitted != nil {
		admitted.unused()
	}
}
