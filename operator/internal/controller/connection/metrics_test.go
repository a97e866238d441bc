package connection

import (
	"slices"
	"strings"
	"testing"

	"github.com/betterdataco/terraform-provider-betterdata/apiclient/sandbox"
	"github.com/betterdataco/terraform-provider-betterdata/operator/api/v1alpha1"
)

// A connection that does not work is seen in the metrics, and what only a listing could tell is not; with the connection all
// of its series vanish.
func TestOperatorMetricsOfAConnection(t *testing.T) {
	t.Parallel()
	w := newWorld(t, settings{})
	c := w.connected("default")
	const info, keys = "betterdata_connection_info", "betterdata_connection_keys"
	w.expectSeries(info, "ready=true reason=Connected")
	w.expectSeries(keys, "")
	w.api.AddFault(sandbox.Fault{Operation: sandbox.OpList, Kind: sandbox.FaultServerError})
	w.advance(c, v1alpha1.DefaultPollInterval)
	w.awaitReason(c, v1alpha1.ReasonAPIUnavailable)
	w.expectSeries(info, "ready=false reason=APIUnavailable")
	w.expectSeries(keys)
	w.must(w.admin.Delete(t.Context(), c))
	w.awaitGone(c)
	await(t, "the series vanish", func() string { return strings.Join(w.series(info), "; ") })
}

// expectSeries expects the labels of a metric's series, but for the connection's.
func (w *world) expectSeries(name string, want ...string) {
	w.t.Helper()
	if got := w.series(name); !slices.Equal(got, want) {
		w.t.Errorf("%s: %q, want %q", name, got, want)
	}
}

func (w *world) series(name string) (series []string) {
	w.t.Helper()
	families, err := w.metrics.Gather()
	w.must(err)
	for _, family := range families {
		if family.GetName() != name {
			continue
		}
		for _, metric := range family.GetMetric() {
			var labels []string
			for _, label := range metric.GetLabel() {
				if label.GetName() != "connection" {
					labels = append(labels, label.GetName()+"="+label.GetValue())
				}
			}
			series = append(series, strings.Join(labels, " "))
		}
	}
	return series
}
