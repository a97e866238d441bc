package connection

import (
	"context"
	"fmt"
	"testing"
	"time"

	"k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/apimachinery/pkg/util/wait"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/betterdataco/terraform-provider-betterdata/apiclient/sandbox"
	"github.com/betterdataco/terraform-provider-betterdata/operator/api/v1alpha1"
	"github.com/betterdataco/terraform-provider-betterdata/operator/internal/testenv"
)

const (
	patience = 3 * time.Minute // two cores, and many tests at once
	between  = 25 * time.Millisecond
)

// await polls until the function reports no problem.
func await(t *testing.T, what string, problem func() string) {
	t.Helper()
	last := ""
	err := wait.PollUntilContextTimeout(t.Context(), between, patience, true, func(context.Context) (bool, error) {
		last = problem()
		return last == "", nil
	})
	if err != nil {
		t.Fatalf("%s: %s", what, last)
	}
}

// awaitObject polls the API server's object.
func (w *world) awaitObject(object client.Object, what string, problem func() string) {
	w.t.Helper()
	await(w.t, what, func() string {
		if err := w.admin.Get(w.t.Context(), client.ObjectKeyFromObject(object), object); err != nil {
			return err.Error()
		}
		return problem()
	})
}

// awaitReason waits for the reason of Ready, of the present generation.
func (w *world) awaitReason(c v1alpha1.ConnectionObject, reason string) {
	w.t.Helper()
	w.awaitObject(c, "reason "+reason, func() string {
		status := c.ConnectionStatus()
		ready := meta.FindStatusCondition(status.Conditions, v1alpha1.ConditionReady)
		if ready == nil || ready.Reason != reason || status.ObservedGeneration != c.GetGeneration() {
			return fmt.Sprintf("generation %d: %+v", c.GetGeneration(), status)
		}
		return ""
	})
}

// awaitFinalizer waits until our in-use finalizer is there, or is not.
func (w *world) awaitFinalizer(object client.Object, held bool) {
	w.t.Helper()
	w.awaitObject(object, "in-use finalizer", func() string {
		if hasFinalizer(object) != held {
			return fmt.Sprintf("%T %s: finalizers %v, want ours: %t", object, object.GetName(), object.GetFinalizers(), held)
		}
		return ""
	})
}

func hasFinalizer(object client.Object) bool {
	for _, f := range object.GetFinalizers() {
		if f == v1alpha1.FinalizerInUse {
			return true
		}
	}
	return false
}

// awaitGone waits until the object does not exist.
func (w *world) awaitGone(object client.Object) {
	w.t.Helper()
	await(w.t, "gone", func() string {
		err := w.admin.Get(w.t.Context(), client.ObjectKeyFromObject(object), object)
		switch {
		case client.IgnoreNotFound(err) != nil:
			return err.Error()
		case err == nil:
			return fmt.Sprintf("%T %s is there, finalizers %v", object, object.GetName(), object.GetFinalizers())
		}
		return ""
	})
}

// poke makes an event of the connection, so that it is looked at although its time has not come. The clock is what it
// goes by.
func (w *world) poke(c v1alpha1.ConnectionObject) {
	w.t.Helper()
	w.patch(c, func() { annotate(c, "example.com/poke", w.now().Format(time.RFC3339Nano)) })
}

func annotate(object client.Object, name, value string) {
	annotations := object.GetAnnotations()
	if annotations == nil {
		annotations = map[string]string{}
	}
	annotations[name] = value
	object.SetAnnotations(annotations)
}

// advance moves the clock and has the connection looked at.
func (w *world) advance(c v1alpha1.ConnectionObject, d time.Duration) {
	w.t.Helper()
	w.shift.Add(int64(d))
	w.poke(c)
}

// anotherPoll waits for the next listing, which the moved clock brings about.
func (w *world) anotherPoll(c v1alpha1.ConnectionObject) {
	w.t.Helper()
	before := w.api.Stats().Requests[sandbox.OpList]
	w.advance(c, v1alpha1.DefaultPollInterval)
	await(w.t, "another listing", func() string {
		if w.api.Stats().Requests[sandbox.OpList] == before {
			return "none"
		}
		return ""
	})
}

// mark and since count the manager's requests to the API server.
func (w *world) mark() testenv.AuditMark {
	w.t.Helper()
	mark, err := w.environment.AuditMark(w.t.Context())
	w.must(err)
	return mark
}

func (w *world) since(mark testenv.AuditMark) testenv.Requests {
	w.t.Helper()
	requests, err := w.environment.AuditSince(w.t.Context(), mark)
	w.must(err)
	return requests.Where(func(r testenv.Request) bool { return r.UserAgent == w.userAgent })
}
