package connection

import (
	"fmt"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/betterdataco/terraform-provider-betterdata/apiclient/sandbox"
	"github.com/betterdataco/terraform-provider-betterdata/operator/api/v1alpha1"
	"github.com/betterdataco/terraform-provider-betterdata/operator/internal/tenant"
)

// Connections of the same interval come apart, by a twentieth of it at most, and each always by the same.
func TestLag(t *testing.T) {
	t.Parallel()
	const interval = 5 * time.Minute
	lags := map[time.Duration]bool{}
	for i := range 100 {
		c := &v1alpha1.Connection{ObjectMeta: metav1.ObjectMeta{UID: types.UID(fmt.Sprintf("uid-%d", i))}}
		d := lag(c, interval)
		if d < 0 || d > interval/20 || d != lag(c, interval) {
			t.Errorf("lag %s", d)
		}
		lags[d.Truncate(time.Second)] = true
	}
	if len(lags) < 10 {
		t.Errorf("100 connections list in %d different seconds", len(lags))
	}
}

func TestNextLook(t *testing.T) {
	t.Parallel()
	const interval = 5 * time.Minute
	failure := fmt.Errorf("down")
	tests := map[string]struct {
		facts    tenant.Facts
		min, max time.Duration
	}{
		"no listing, no failure":     {tenant.Facts{}, interval, interval + interval/20},
		"failure, retry":             {tenant.Facts{Failure: failure, RetryAt: epoch.Add(time.Minute)}, time.Minute, time.Minute},
		"failure, retry is over":     {tenant.Facts{Failure: failure, RetryAt: epoch.Add(-time.Minute)}, time.Second, time.Second},
		"failure, only a change":     {tenant.Facts{Failure: failure}, interval, interval + interval/20},
		"failure, longer than usual": {tenant.Facts{Failure: failure, RetryAt: epoch.Add(time.Hour)}, time.Hour, time.Hour},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := &Reconciler{Now: func() time.Time { return epoch }}
			s := &scene{obj: &v1alpha1.Connection{}, report: &tenant.Report{Facts: test.facts}}
			if got := r.next(s, interval); got < test.min || got > test.max {
				t.Errorf("looks again after %s, want %s to %s", got, test.min, test.max)
			}
		})
	}
}

// A listing that takes long leaves a new connection with conditions to wait for, and is waited for by one worker at most.
func TestOperatorSlowListing(t *testing.T) {
	t.Parallel()
	w := newWorld(t, settings{})
	w.api.AddFault(sandbox.Fault{Operation: sandbox.OpList, Kind: sandbox.FaultLatency, Latency: 12 * time.Second})
	w.secret("default", w.api.SessionToken())
	c := w.connection("default")
	w.awaitReason(c, v1alpha1.ReasonConnecting)
	w.awaitReason(c, v1alpha1.ReasonConnected)
	if listed := w.api.Stats().Requests[sandbox.OpList]; listed != 1 {
		t.Errorf("%d listings, want 1", listed)
	}
}

// Hundreds of ApiKeys that come together are gathered: their connection is not written once for each.
func TestOperatorManyApiKeysAtOnce(t *testing.T) {
	t.Parallel()
	const many = 60
	w := newWorld(t, settings{})
	c := w.connected("default")
	mark, began := w.mark(), time.Now()
	for i := range many {
		w.apiKey(fmt.Sprintf("k%02d", i), c)
	}
	w.awaitObject(c, "all counted", func() string {
		if c.Status.APIKeys == nil || *c.Status.APIKeys != many {
			return fmt.Sprintf("%v", c.Status.APIKeys)
		}
		return ""
	})
	// Where it takes long to create them they do not come together, and are gathered as far as they do.
	most := max(many/2, 2*int(time.Since(began)/gather))
	if writes := w.since(mark).Writes(); len(writes) > most {
		t.Errorf("%d writes for %d ApiKeys, want at most %d:\n%s", len(writes), many, most, writes)
	}
}
