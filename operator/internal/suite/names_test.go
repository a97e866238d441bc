package suite

import (
	"context"
	"testing"

	"github.com/betterdataco/terraform-provider-betterdata/apiclient/sandbox"
	"github.com/betterdataco/terraform-provider-betterdata/operator/api/v1alpha1"
)

// An API whose rotate drops name and scopes, and then refuses to change them: the successor is revoked, consumers stay
// with their key, and the next successor is created under its name.
func TestOperatorRotateDropsNames(t *testing.T) {
	t.Parallel()
	w := newWorld(t, sandbox.WithDialect(sandbox.Dialect{RotateName: "fresh"}))
	w.connect(t)
	w.start(t)
	w.newKey(t, "reader", rotating...)
	w.awaitReady(t, "reader")
	before := w.entry(t.Context(), "reader")
	consumer := w.consume(t, "reader")
	consumer.mustWork(t)

	w.AddFault(sandbox.Fault{Operation: sandbox.OpUpdate, Kind: sandbox.FaultServerError})
	w.annotate(t, "reader", v1alpha1.AnnotationRotateRequestedAt, "now")
	eventually(t, func(ctx context.Context) error {
		if err := rotated(ctx, w, before); err != nil {
			return err
		}
		return w.settled(ctx, "reader")
	})
	consumer.mustWork(t)
	consumer.mustNeverFail(t)
	if live := w.LiveKeys(); len(live) != 1 {
		t.Errorf("live keys are %+v, want one", live)
	}
	if stats := w.Stats(); stats.Rotated != 1 || stats.Created != 2 {
		t.Errorf("%d rotated, %d created, want 1 and 2", stats.Rotated, stats.Created)
	}
	eventually(t, func(ctx context.Context) error {
		connection := &v1alpha1.Connection{}
		if err := w.get(ctx, "default", connection); err != nil {
			return err
		}
		method := connection.Status.SuccessorMethod
		return unless(method == v1alpha1.SuccessorCreate, "the connection's method is %q, want %q", method, v1alpha1.SuccessorCreate)
	})
}
