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
	w.awaitPolls(t, 2)

	mark, err := w.env.AuditMark(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	before := w.Stats()
	w.awaitPolls(t, steadyPolls)
	requests, err := w.env.AuditSince(t.Context(), mark)
	if err != nil {
		t.Fatal(err)
	}
	writes := requests.By(w.user).Writes().Where(func(r testenv.Request) bool { return r.Resource != "leases" })
	if len(writes) > 0 {
		t.Errorf("%d writes to Kubernetes in %d polls:\n%v", len(writes), steadyPolls, writes)
	}
	after := w.Stats()
	listings := after.Requests[sandbox.OpList] - before.Requests[sandbox.OpList]
	if changes(after) != changes(before) || listings < 2*steadyPolls || listings > 3*(steadyPolls+1) {
		t.Errorf("%d listings in %d polls, want 2 or 3 each, and nothing else: before %+v, after %+v", listings, steadyPolls, before, after)
	}
}

// awaitPolls waits until the operator has listed the keys anew so many times, by the requests for a first page.
func (w *world) awaitPolls(t *testing.T, polls int) {
	t.Helper()
	until := w.polls.Load() + int64(polls)
	eventuallyWithin(t, patience*2, func(context.Context) error {
		return unless(w.polls.Load() >= until, "%d polls are still to come", until-w.polls.Load())
	})
}
