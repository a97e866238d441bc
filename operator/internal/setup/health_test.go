package setup

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
)

// Ready is who could work at once: after the caches are filled, whether it leads or not.
func TestReadyOnceCachesAreSynced(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		c := &syncedCheck{}
		if err := c.check(nil); !errors.Is(err, errNotSynced) {
			t.Errorf("before the start: got %v", err)
		}
		if c.NeedLeaderElection() {
			t.Error("a replica that waits would never be ready")
		}
		ctx, stop := context.WithCancel(t.Context())
		ended := make(chan error)
		go func() { ended <- c.Start(ctx) }()
		synctest.Wait()
		if err := c.check(nil); err != nil {
			t.Errorf("after the start: got %v", err)
		}
		stop()
		if err := <-ended; err != nil {
			t.Errorf("at the end: got %v", err)
		}
	})
}
