package connection

import (
	"context"
	"errors"
	"hash/fnv"
	"time"

	"k8s.io/apimachinery/pkg/api/meta"

	"github.com/betterdataco/terraform-provider-betterdata/apiclient"
	"github.com/betterdataco/terraform-provider-betterdata/operator/api/v1alpha1"
	"github.com/betterdataco/terraform-provider-betterdata/operator/internal/controller/apikey"
	"github.com/betterdataco/terraform-provider-betterdata/operator/internal/tenant"
)

const (
	// soon is a wait that is not worth a status: a listing that is on its way, or requests that queue for the quota.
	soon = 15 * time.Second
	// shortestRetry keeps a time that has just passed from becoming a loop.
	shortestRetry = 100 * time.Millisecond
)

// poll asks the pool for a listing of this interval, and tells when to come back. Without a report there is nothing new to
// tell, or err says why.
func (r *Reconciler) poll(ctx context.Context, s *scene) (retry time.Duration, err error) {
	interval := s.obj.Settings().Poll()
	maxAge := interval
	if s.memory.doubted {
		maxAge = time.Nanosecond
	}
	report, err := r.Pool.Poll(ctx, s.obj, maxAge)
	if busy, ok := errors.AsType[*apikey.BusyError](err); ok {
		return r.wait(busy.RetryAt), r.tellFirst(ctx, s)
	}
	if err != nil {
		return 0, err
	}
	quota, ok := errors.AsType[*apiclient.QuotaError](report.Failure)
	s.memory.waited(ok && report.View == nil, r.Now())
	if ok {
		if report.View == nil && quota.RetryAt.Before(s.memory.waitingSince.Add(soon)) {
			return r.wait(quota.RetryAt), r.tellFirst(ctx, s)
		}
		if report.View != nil {
			report.Failure = nil // requests wait, but the listing of this interval is there
		}
	}
	s.report = report
	// The listing at hand serves beside a failure whose time is over: only a new one can tell whether it is.
	s.memory.doubted = report.Failure != nil && !report.RetryAt.IsZero() && !report.RetryAt.After(r.Now())
	return r.next(s, interval), nil
}

// next is when the connection is looked at again by itself: at the end of the interval that the listing began, or when a
// failure may be tried again.
func (r *Reconciler) next(s *scene, interval time.Duration) time.Duration {
	due := r.Now().Add(interval)
	if s.report.View != nil {
		due = s.report.View.BegunAt().Add(interval)
	}
	due = due.Add(lag(s.obj, interval))
	if retry := s.report.RetryAt; s.report.Failure != nil && !retry.IsZero() && (s.report.View == nil || retry.Before(due)) {
		due = later(retry, r.Now().Add(time.Second)) // whatever the pool says, a failure is no loop
	}
	return r.wait(due)
}

func (r *Reconciler) wait(until time.Time) time.Duration {
	return max(until.Sub(r.Now()), shortestRetry)
}

func later(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}

// lag is up to a twentieth of the interval, always the same for a connection: connections that began together, as they do
// when the operator starts, drift apart and do not list in the same second for ever.
func lag(obj v1alpha1.ConnectionObject, interval time.Duration) time.Duration {
	h := fnv.New32a()
	_, _ = h.Write([]byte(obj.GetUID())) // never fails
	return interval / 20 * time.Duration(h.Sum32()%1000) / 1000
}

// tellFirst gives a connection that has no conditions yet its first ones: tools that wait for Ready need something to look
// at.
func (r *Reconciler) tellFirst(ctx context.Context, s *scene) error {
	if meta.FindStatusCondition(s.obj.ConnectionStatus().Conditions, v1alpha1.ConditionReady) != nil {
		return nil
	}
	return r.tell(ctx, s, r.facts(s))
}

// quotaLeft is what the metrics tell, -1 where it is not known.
func quotaLeft(report *tenant.Report) (minute, hour int) {
	if report == nil {
		return -1, -1
	}
	return report.QuotaMinute, report.QuotaHour
}
