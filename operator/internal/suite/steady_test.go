package suite

import (
	"context"
	"fmt"
	"testing"

	"github.com/betterdataco/terraform-provider-betterdata/apiclient/sandbox"
	"github.com/betterdataco/terraform-provider-betterdata/operator/internal/testenv"
)

const (
	steadyKeys  = 200
	steadyPolls = 10
)

// A cluster in which nothing happens costs nothing: no write to Kubernetes, and upstream one listing for each poll, which
// has two pages of 100 keys and perhaps an empty one.
func TestOperatorSteadyStateCostsNothing(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.connect(t, "mintsPerHour: 1000")
	w.start(t)
	var names []string
	for i := range steadyKeys {
		names = append(names, fmt.Sprintf("reader-%03d", i))
		w.newKey(t, names[i], "scopes: [inventory:read]", "rotation: {interval: 2160h}")
	}
	for _, name := range names {
		eventuallyWithin(t, 3*patience, func(ctx context.Context) error { return w.ready(ctx, name) }) // the first of them waits for all
	}
	w.awaitSettled(t, names...)
	w.awaitQuiet(t)

	mark, err := w.env.AuditMark(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	before, first := w.Stats(), w.polls.Load()
	w.awaitPolls(t, steadyPolls)
	after, polls := w.Stats(), int(w.polls.Load()-first)
	requests, err := w.env.AuditSince(t.Context(), mark)
	if err != nil {
		t.Fatal(err)
	}
	writes := requests.By(w.user).Writes().Where(func(r testenv.Request) bool { return r.Resource != "leases" })
	if len(writes) > 0 {
		t.Errorf("%d writes to Kubernetes in %d polls:\n%v", len(writes), polls, writes)
	}
	// Of the polls at both ends some pages may lie outside.
	listings := after.Requests[sandbox.OpList] - before.Requests[sandbox.OpList]
	if changes(after) != changes(before) || listings < 2*(polls-1) || listings > 3*(polls+1) {
		t.Errorf("%d listings in %d polls, want 2 or 3 each, and nothing else: before %+v, after %+v", listings, polls, before, after)
	}
}

// awaitQuiet waits for a poll in which the operator writes nothing: what it still had to write of what was done before, counts
// of keys and events above all, is written.
func (w *world) awaitQuiet(t *testing.T) {
	t.Helper()
	var writes testenv.Requests
	for range 10 {
		mark := w.auditMark(t)
		w.awaitPolls(t, 2) // the first of them may be about what was done before
		if writes = w.audited(t, mark).Writes(); len(writes) == 0 {
			return
		}
	}
	t.Fatalf("the operator does not come to rest:\n%v", writes)
}

// awaitPolls waits until the operator has listed the keys anew so many times, by the requests for a first page.
func (w *world) awaitPolls(t *testing.T, polls int) {
	t.Helper()
	until := w.polls.Load() + int64(polls)
	eventuallyWithin(t, patience*2, func(context.Context) error {
		return unless(w.polls.Load() >= until, "%d polls are still to come", until-w.polls.Load())
	})
}
