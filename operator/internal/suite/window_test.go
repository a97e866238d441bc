package suite

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/betterdataco/terraform-provider-betterdata/operator/api/v1alpha1"
)

// windowed is the spec of a key that lives for 90 days and rotates in the last window of a year's before their end. The
// window began so long ago, and its schedule is in a time zone without summer time that is not the machine's.
func windowed(began time.Duration) []string {
	start := time.Now().In(time.FixedZone("Asia/Kolkata", 5*3600+1800)).Add(-began)
	return []string{"scopes: [inventory:read]", fmt.Sprintf(
		`rotation: {interval: %v, overlap: 1h, window: {schedule: "%d %d %d %d *", timeZone: Asia/Kolkata, duration: 3h}}`,
		ninetyDays, start.Minute(), start.Hour(), start.Day(), int(start.Month()))}
}

const ninetyDays = 90 * 24 * time.Hour

// Of two keys whose interval ends in ten hours, that one is rotated whose window is open. The one whose window is over waits for
// the end of the interval, although without a window it would rotate up to an hour earlier. Past that end a key rotates, window
// or not.
func TestOperatorRotatesInWindows(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.connect(t)
	first := w.start(t)
	specs := map[string][]string{"open": windowed(time.Hour), "closed": windowed(24 * time.Hour), "overdue": windowed(24 * time.Hour)}
	var names []string
	for name, spec := range specs {
		names = append(names, name)
		w.newKey(t, name, spec...)
	}
	w.awaitReady(t, names...)
	w.awaitSettled(t, names...)
	keys := map[string]string{}
	for _, name := range names {
		keys[name] = w.entry(t.Context(), name)
	}
	first.kill()
	w.age(t, ninetyDays-10*time.Hour, "open", "closed")
	w.age(t, ninetyDays+time.Minute, "overdue")
	w.start(t)

	for _, name := range []string{"open", "overdue"} {
		eventually(t, func(ctx context.Context) error { return w.replaced(ctx, name, keys[name]) })
	}
	// The status tells when it will be: at the end, as no window is left before it.
	eventually(t, func(ctx context.Context) error {
		closed := &v1alpha1.ApiKey{}
		if err := w.get(ctx, "closed", closed); err != nil {
			return err
		}
		status := closed.Status
		return unless(status.NextRotationTime != nil && status.NextRotationTime.Time.Equal(issuedAt(status).Add(ninetyDays)) &&
			time.Since(issuedAt(status)) > ninetyDays/2, "closed: %+v", status)
	})
	w.awaitPolls(t, 2)
	if w.entry(t.Context(), "closed") != keys["closed"] {
		t.Error("a key was rotated although its window is closed")
	}
	w.mustHaveIssued(t, 3, 2)
	w.awaitCondition(t, &v1alpha1.ApiKey{}, "closed", v1alpha1.ConditionReady, "True", v1alpha1.ReasonPublished)
}
