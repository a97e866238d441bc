package connection

import (
	"context"
	"fmt"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/equality"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/betterdataco/terraform-provider-betterdata/operator/api/v1alpha1"
	"github.com/betterdataco/terraform-provider-betterdata/operator/internal/metrics"
)

// tell writes the status if it differs, and an event if Ready changed its reason. What moves by itself goes to the metrics,
// so that a steady connection costs no write.
func (r *Reconciler) tell(ctx context.Context, s *scene, f facts) error {
	before := s.obj.ConnectionStatus().DeepCopy()
	after := statusOf(f, *before)
	r.measure(s, after)
	if equality.Semantic.DeepEqual(*before, after) {
		return nil
	}
	base, ok := s.obj.DeepCopyObject().(client.Object)
	if !ok {
		return fmt.Errorf("%T is no object", s.obj)
	}
	*s.obj.ConnectionStatus() = after
	if err := r.Client.Status().Patch(ctx, s.obj, client.MergeFrom(base)); err != nil {
		return client.IgnoreNotFound(fmt.Errorf("writing the status: %w", err))
	}
	r.announce(s.obj, before.Conditions, after.Conditions)
	return nil
}

// measure tells the metrics. What only a listing can tell has no series while there is none to go by.
func (r *Reconciler) measure(s *scene, status v1alpha1.ConnectionStatus) {
	m := metrics.ConnectionFacts{Keys: -1, Orphans: -1}
	if ready := meta.FindStatusCondition(status.Conditions, v1alpha1.ConditionReady); ready != nil {
		m.Ready, m.Reason = ready.Status == metav1.ConditionTrue, ready.Reason
	}
	m.QuotaMinute, m.QuotaHour = quotaLeft(s.report)
	if s.listing != nil {
		m.Keys = s.listing.live
		if s.listing.orphansJudged {
			m.Orphans = len(s.listing.orphans)
		}
	}
	r.Metrics.Connection(s.key.String(), m)
}

// announce makes an event of a change of Ready.
func (r *Reconciler) announce(obj client.Object, before, after []metav1.Condition) {
	was := meta.FindStatusCondition(before, v1alpha1.ConditionReady)
	is := meta.FindStatusCondition(after, v1alpha1.ConditionReady)
	if is == nil || is.Reason == v1alpha1.ReasonConnecting || was != nil && was.Status == is.Status && was.Reason == is.Reason {
		return
	}
	kind := corev1.EventTypeNormal
	if is.Status != metav1.ConditionTrue && is.Reason != v1alpha1.ReasonInUse {
		kind = corev1.EventTypeWarning
	}
	r.Recorder.Eventf(obj, nil, kind, is.Reason, "Poll", "%s", is.Message)
	log := r.Logger.Info
	if kind == corev1.EventTypeWarning {
		log = r.Logger.Warn
	}
	log(is.Reason, "connection", client.ObjectKeyFromObject(obj).String(), "note", is.Message)
}
