package suite

import (
	"context"
	"fmt"
	"testing"

	"github.com/betterdataco/terraform-provider-betterdata/operator/api/v1alpha1"
)

// Two operators work on the same ApiKeys at the same time, as when a leader was cut off and does not know it yet. They
// may do too much, and it must come to one live key for each ApiKey; what consumers use is never revoked.
func TestOperatorTwoAtOnce(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.connect(t)
	w.start(t)
	w.start(t)
	var names []string
	var consumers []*consumer
	for i := range 10 {
		names = append(names, fmt.Sprintf("reader-%d", i))
		w.newKey(t, names[i], rotating...)
		consumers = append(consumers, w.consume(t, names[i]))
	}
	w.awaitReady(t, names...)
	w.awaitSettled(t, names...)

	for _, name := range names {
		w.annotate(t, name, v1alpha1.AnnotationRotateRequestedAt, "now")
	}
	eventually(t, func(ctx context.Context) error {
		for _, name := range names {
			apiKey := &v1alpha1.ApiKey{}
			if err := w.get(ctx, name, apiKey); err != nil {
				return err
			}
			if apiKey.Status.LastHandledRotateAt != "now" || apiKey.Status.Sequence < 2 {
				return fmt.Errorf("%s is not rotated: %+v", name, apiKey.Status)
			}
		}
		return w.settled(ctx, names...)
	})

	for _, name := range names {
		w.newKey(t, name, "scopes: [forecast:read, inventory:read]", rotating[1])
	}
	eventually(t, func(context.Context) error {
		for _, key := range w.LiveKeys() {
			if len(key.Scopes) != 2 {
				return fmt.Errorf("key %s has the scopes %v", key.ID, key.Scopes)
			}
		}
		return nil
	})
	w.awaitReady(t, names...)
	for _, c := range consumers {
		c.mustWork(t)
		c.mustNeverFail(t)
	}

	for _, name := range names {
		w.remove(t, &v1alpha1.ApiKey{}, name)
	}
	for _, name := range names {
		w.awaitGone(t, &v1alpha1.ApiKey{}, name)
	}
	w.awaitSettled(t)
}
