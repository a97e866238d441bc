package cluster

import (
	"context"
	"errors"
	"fmt"
	"strconv"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/utils/ptr"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/betterdataco/terraform-provider-betterdata/operator/api/v1alpha1"
	"github.com/betterdataco/terraform-provider-betterdata/operator/internal/controller/apikey"
)

// workload is an object with pods made from a template.
type workload struct {
	object   client.Object
	template func() *corev1.PodTemplateSpec
	rolled   func() bool // as far as the status tells: all pods are of the present template, and available
}

// newWorkload returns a workload to be read, of a kind that the schema admits.
func newWorkload(kind string) workload {
	switch v1alpha1.WorkloadKind(kind) {
	case v1alpha1.WorkloadStatefulSet:
		s := &appsv1.StatefulSet{}
		return workload{s, func() *corev1.PodTemplateSpec { return &s.Spec.Template }, func() bool { return statefulSetRolled(s) }}
	case v1alpha1.WorkloadDaemonSet:
		s := &appsv1.DaemonSet{}
		return workload{s, func() *corev1.PodTemplateSpec { return &s.Spec.Template }, func() bool { return daemonSetRolled(s) }}
	case v1alpha1.WorkloadDeployment:
	}
	d := &appsv1.Deployment{}
	return workload{d, func() *corev1.PodTemplateSpec { return &d.Spec.Template }, func() bool { return deploymentRolled(d) }}
}

func deploymentRolled(d *appsv1.Deployment) bool {
	wanted, s := ptr.Deref(d.Spec.Replicas, 1), d.Status
	return s.ObservedGeneration >= d.Generation && s.UpdatedReplicas == wanted && s.Replicas == wanted && s.AvailableReplicas == wanted
}

func statefulSetRolled(d *appsv1.StatefulSet) bool {
	wanted, s := ptr.Deref(d.Spec.Replicas, 1), d.Status
	return s.ObservedGeneration >= d.Generation && s.UpdatedReplicas == wanted && s.Replicas == wanted && s.AvailableReplicas == wanted
}

func daemonSetRolled(d *appsv1.DaemonSet) bool {
	wanted, s := d.Status.DesiredNumberScheduled, d.Status
	return s.ObservedGeneration >= d.Generation && s.UpdatedNumberScheduled == wanted && s.NumberAvailable == wanted
}

func (w workload) sequence(r *apikey.Resource) int {
	return number(w.template().Annotations[v1alpha1.RestartAnnotation(r.UID)])
}

// Rollout implements apikey.Cluster. A workload that does not exist, whose name may be misspelt, or that cannot be read,
// counts as not rolled: previous keys then live on, though not for ever, and nothing else waits for it.
func (c *Cluster) Rollout(ctx context.Context, r *apikey.Resource, sequence int) (apikey.Rollout, error) {
	rollout := apikey.Rollout{Configured: len(r.Workloads) > 0, Done: true}
	if sequence == 0 {
		return rollout, nil // nothing was published
	}
	for _, named := range r.Workloads {
		w := newWorkload(named.Kind)
		err := c.live.Get(ctx, client.ObjectKey{Namespace: r.Namespace, Name: named.Name}, w.object)
		if err != nil || w.sequence(r) < sequence || !w.rolled() {
			rollout.Done, rollout.Lacks = false, lacking(named, err)
			break
		}
	}
	return rollout, ctx.Err()
}

// lacking says what is still awaited of a workload.
func lacking(named apikey.Workload, err error) string {
	name := named.Kind + " " + named.Name
	switch {
	case err == nil:
		return name + " has not rolled yet"
	case apierrors.IsNotFound(err):
		return name + " does not exist"
	}
	return name + " cannot be read"
}

// Restart implements apikey.Cluster. One workload that cannot be patched does not keep the others from it.
func (c *Cluster) Restart(ctx context.Context, r *apikey.Resource, sequence int) error {
	var failed []error
	for _, named := range r.Workloads {
		if err := c.restart(ctx, r, named, sequence); err != nil {
			failed = append(failed, fmt.Errorf("restart %s %s: %w", named.Kind, named.Name, err))
		}
	}
	return errors.Join(failed...)
}

// restart raises the annotation and never lowers it: the patch is bound to the version that was read. Status changes
// the version too, so that it is tried more than once.
func (c *Cluster) restart(ctx context.Context, r *apikey.Resource, named apikey.Workload, sequence int) error {
	const attempts = 4
	var err error
	for range attempts {
		w := newWorkload(named.Kind)
		if err = c.live.Get(ctx, client.ObjectKey{Namespace: r.Namespace, Name: named.Name}, w.object); err != nil {
			return translated(err)
		}
		if w.sequence(r) >= sequence {
			return nil
		}
		if err = c.raise(ctx, r, w, sequence); !errors.Is(err, apikey.ErrConflict) {
			return err
		}
	}
	return err
}

func (c *Cluster) raise(ctx context.Context, r *apikey.Resource, w workload, sequence int) error {
	before, ok := w.object.DeepCopyObject().(client.Object)
	if !ok {
		return fmt.Errorf("%T is no object", w.object)
	}
	template := w.template()
	if template.Annotations == nil {
		template.Annotations = map[string]string{}
	}
	template.Annotations[v1alpha1.RestartAnnotation(r.UID)] = strconv.Itoa(sequence)
	patch := client.MergeFromWithOptions(before, client.MergeFromWithOptimisticLock{})
	return translated(c.client.Patch(ctx, w.object, patch, client.FieldOwner(v1alpha1.FieldOwner)))
}
