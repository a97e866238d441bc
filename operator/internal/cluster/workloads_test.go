package cluster

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/utils/ptr"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/betterdataco/terraform-provider-betterdata/operator/api/v1alpha1"
	"github.com/betterdataco/terraform-provider-betterdata/operator/internal/controller/apikey"
)

func deployment(wanted *int32, s appsv1.DeploymentStatus) func() bool {
	return func() bool {
		return deploymentRolled(&appsv1.Deployment{ObjectMeta: metav1.ObjectMeta{Generation: 3}, Spec: appsv1.DeploymentSpec{Replicas: wanted}, Status: s})
	}
}

func statefulSet(wanted *int32, s appsv1.StatefulSetStatus) func() bool {
	return func() bool {
		return statefulSetRolled(&appsv1.StatefulSet{ObjectMeta: metav1.ObjectMeta{Generation: 3}, Spec: appsv1.StatefulSetSpec{Replicas: wanted}, Status: s})
	}
}

func daemonSet(s appsv1.DaemonSetStatus) func() bool {
	return func() bool {
		return daemonSetRolled(&appsv1.DaemonSet{ObjectMeta: metav1.ObjectMeta{Generation: 3}, Status: s})
	}
}

func TestRolled(t *testing.T) {
	t.Parallel()
	two := ptr.To[int32](2)
	for name, c := range map[string]struct {
		rolled func() bool
		want   bool
	}{
		"deployment done":         {deployment(two, appsv1.DeploymentStatus{ObservedGeneration: 3, Replicas: 2, UpdatedReplicas: 2, AvailableReplicas: 2}), true},
		"deployment not seen":     {deployment(two, appsv1.DeploymentStatus{ObservedGeneration: 2, Replicas: 2, UpdatedReplicas: 2, AvailableReplicas: 2}), false},
		"deployment half updated": {deployment(two, appsv1.DeploymentStatus{ObservedGeneration: 3, Replicas: 2, UpdatedReplicas: 1, AvailableReplicas: 2}), false},
		"deployment old pods":     {deployment(two, appsv1.DeploymentStatus{ObservedGeneration: 3, Replicas: 3, UpdatedReplicas: 2, AvailableReplicas: 2}), false},
		"deployment crash loop":   {deployment(two, appsv1.DeploymentStatus{ObservedGeneration: 3, Replicas: 2, UpdatedReplicas: 2, AvailableReplicas: 1}), false},
		"deployment scaled to 0":  {deployment(ptr.To[int32](0), appsv1.DeploymentStatus{ObservedGeneration: 3}), true},
		"deployment default of 1": {deployment(nil, appsv1.DeploymentStatus{ObservedGeneration: 3}), false},
		"stateful set done":       {statefulSet(two, appsv1.StatefulSetStatus{ObservedGeneration: 3, Replicas: 2, UpdatedReplicas: 2, AvailableReplicas: 2}), true},
		"stateful set not seen":   {statefulSet(two, appsv1.StatefulSetStatus{ObservedGeneration: 2, Replicas: 2, UpdatedReplicas: 2, AvailableReplicas: 2}), false},
		"stateful set partition":  {statefulSet(two, appsv1.StatefulSetStatus{ObservedGeneration: 3, Replicas: 2, UpdatedReplicas: 1, AvailableReplicas: 2}), false},
		"stateful set not ready":  {statefulSet(two, appsv1.StatefulSetStatus{ObservedGeneration: 3, Replicas: 2, UpdatedReplicas: 2, AvailableReplicas: 1}), false},
		"stateful set shrinking":  {statefulSet(two, appsv1.StatefulSetStatus{ObservedGeneration: 3, Replicas: 3, UpdatedReplicas: 2, AvailableReplicas: 2}), false},
		"daemon set done":         {daemonSet(appsv1.DaemonSetStatus{ObservedGeneration: 3, DesiredNumberScheduled: 2, UpdatedNumberScheduled: 2, NumberAvailable: 2}), true},
		"daemon set not seen":     {daemonSet(appsv1.DaemonSetStatus{ObservedGeneration: 2, DesiredNumberScheduled: 2, UpdatedNumberScheduled: 2, NumberAvailable: 2}), false},
		"daemon set half updated": {daemonSet(appsv1.DaemonSetStatus{ObservedGeneration: 3, DesiredNumberScheduled: 2, UpdatedNumberScheduled: 1, NumberAvailable: 2}), false},
		"daemon set not ready":    {daemonSet(appsv1.DaemonSetStatus{ObservedGeneration: 3, DesiredNumberScheduled: 2, UpdatedNumberScheduled: 2, NumberAvailable: 1}), false},
	} {
		if got := c.rolled(); got != c.want {
			t.Errorf("%s: got %v", name, got)
		}
	}
}

// mustRun creates one workload of each kind, all named worker.
func (w *world) mustRun() []client.Object {
	w.Helper()
	labels := map[string]string{"app": "worker"}
	selector := &metav1.LabelSelector{MatchLabels: labels}
	template := corev1.PodTemplateSpec{ObjectMeta: metav1.ObjectMeta{Labels: labels}}
	template.Spec.Containers = []corev1.Container{{Name: "main", Image: "example.com/worker"}}
	meta := metav1.ObjectMeta{Name: "worker", Namespace: w.namespace}
	objects := []client.Object{
		&appsv1.Deployment{ObjectMeta: meta, Spec: appsv1.DeploymentSpec{Selector: selector, Template: template}},
		&appsv1.StatefulSet{ObjectMeta: meta, Spec: appsv1.StatefulSetSpec{Selector: selector, Template: template}},
		&appsv1.DaemonSet{ObjectMeta: meta, Spec: appsv1.DaemonSetSpec{Selector: selector, Template: template}},
	}
	for _, o := range objects {
		if err := w.people.Create(w.Context(), o); err != nil {
			w.Fatal(err)
		}
	}
	return objects
}

// finish is what the workload controllers do, which do not run here.
func (w *world) finish(o client.Object) {
	w.Helper()
	if err := w.people.Get(w.Context(), client.ObjectKeyFromObject(o), o); err != nil {
		w.Fatal(err)
	}
	switch o := o.(type) {
	case *appsv1.Deployment:
		o.Status = appsv1.DeploymentStatus{ObservedGeneration: o.Generation, Replicas: 1, UpdatedReplicas: 1, ReadyReplicas: 1, AvailableReplicas: 1}
	case *appsv1.StatefulSet:
		o.Status = appsv1.StatefulSetStatus{ObservedGeneration: o.Generation, Replicas: 1, UpdatedReplicas: 1, ReadyReplicas: 1, AvailableReplicas: 1}
	case *appsv1.DaemonSet:
		o.Status = appsv1.DaemonSetStatus{
			ObservedGeneration: o.Generation, DesiredNumberScheduled: 1, CurrentNumberScheduled: 1, UpdatedNumberScheduled: 1, NumberReady: 1, NumberAvailable: 1,
		}
	}
	if err := w.people.Status().Update(w.Context(), o); err != nil {
		w.Fatal(err)
	}
}

func restarting(kinds ...string) func(*v1alpha1.ApiKey) {
	return func(a *v1alpha1.ApiKey) {
		for _, kind := range kinds {
			a.Spec.Restart = append(a.Spec.Restart, v1alpha1.RestartTarget{Kind: v1alpha1.WorkloadKind(kind), Name: "worker"})
		}
	}
}

func (w *world) mustRollout(r *apikey.Resource, sequence int, want apikey.Rollout) {
	w.Helper()
	if got := must(w.Rollout(w.Context(), r, sequence))(w.T); got != want {
		w.Errorf("sequence %d: got %+v, want %+v", sequence, got, want)
	}
}

func TestOperatorWorkloadsAreRolledOnce(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	r := w.apiKey("reader", restarting("Deployment", "StatefulSet", "DaemonSet"))
	done := apikey.Rollout{Configured: true, Done: true}
	lacking := func(kind, why string) apikey.Rollout {
		return apikey.Rollout{Configured: true, Lacks: kind + " worker " + why}
	}
	kinds := []string{"Deployment", "StatefulSet", "DaemonSet"}
	w.mustRollout(w.apiKey("other", nil), 1, apikey.Rollout{Done: true})
	w.mustRollout(r, 0, done)
	w.mustRollout(r, 3, lacking("Deployment", "does not exist")) // perhaps its name is misspelt
	if err := w.Restart(t.Context(), r, 3); !errors.Is(err, apikey.ErrNotFound) || !strings.Contains(err.Error(), "Deployment worker") {
		t.Errorf("restarting what does not exist: %v", err)
	}
	workloads := w.mustRun()
	for _, o := range workloads {
		w.finish(o)
	}
	w.mustRollout(r, 3, lacking("Deployment", "has not rolled yet"))
	if err := w.Restart(t.Context(), r, 3); err != nil {
		t.Fatal(err)
	}
	for i, o := range workloads {
		w.mustRollout(r, 3, lacking(kinds[i], "has not rolled yet"))
		w.finish(o)
	}
	w.mustRollout(r, 3, done)
	w.mustRollout(r, 4, lacking("Deployment", "has not rolled yet"))

	// Neither the same nor a lower sequence rolls anything.
	writes := w.wire.count()
	for _, sequence := range []int{3, 2} {
		if err := w.Restart(t.Context(), r, sequence); err != nil {
			t.Fatal(err)
		}
	}
	w.mustRollout(r, 2, done)
	if w.wire.count() != writes {
		t.Errorf("written again: %v", w.wire.writes[writes:])
	}
}

// The version changes with every status: a restart that loses a race tries again, and one that was overtaken by a newer
// one leaves it alone.
func TestOperatorRestartIsNeverLowered(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	r := w.apiKey("reader", restarting("Deployment"))
	d := w.mustRun()[0]
	w.wire.fail(fault{before: func() { w.finish(d) }})
	if err := w.Restart(t.Context(), r, 3); err != nil {
		t.Fatal(err)
	}
	w.mustHaveSequence(r, 3)
	other := *r
	w.wire.fail(fault{before: func() {
		if err := w.Restart(t.Context(), &other, 9); err != nil {
			t.Error(err)
		}
	}})
	if err := w.Restart(t.Context(), r, 4); err != nil {
		t.Fatal(err)
	}
	w.mustHaveSequence(r, 9)
}

func (w *world) mustHaveSequence(r *apikey.Resource, sequence int) {
	w.Helper()
	var d appsv1.Deployment
	if err := w.people.Get(w.Context(), client.ObjectKey{Namespace: w.namespace, Name: "worker"}, &d); err != nil {
		w.Fatal(err)
	}
	if got := d.Spec.Template.Annotations[v1alpha1.RestartAnnotation(r.UID)]; got != fmt.Sprint(sequence) {
		w.Errorf("the pod template has sequence %q, want %d", got, sequence)
	}
}

// One workload that cannot be patched keeps neither the others from their restart nor anything from being observed.
func TestOperatorOneWorkloadThatFails(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	r := w.apiKey("reader", restarting("StatefulSet", "Deployment"))
	w.mustRun()
	w.wire.fail(fault{})
	if err := w.Restart(t.Context(), r, 3); err == nil {
		t.Error("no error")
	}
	w.mustHaveSequence(r, 3)
	w.mustRollout(r, 3, apikey.Rollout{Configured: true, Lacks: "StatefulSet worker has not rolled yet"})
}
