package metrics

import (
	"os"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// described reads a metric's name, help and labels from how it describes itself: prometheus.Desc has no other way.
var described = regexp.MustCompile(`^Desc\{fqName: "([^"]*)", help: "([^"]*)", .*variableLabels: \{([^}]*)\}`)

// The page lists exactly the metrics that are registered, with their labels and the words of their help.
func TestMetricsPageIsUpToDate(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile("../../../docs/operator/metrics.md")
	if err != nil {
		t.Fatal(err)
	}
	listed := map[string]bool{}
	for _, row := range regexp.MustCompile("(?m)^\\| `betterdata_.*$").FindAllString(string(text), -1) {
		listed[row] = true
	}
	for _, want := range rows(t) {
		if !listed[want] {
			t.Errorf("docs/operator/metrics.md lacks the row\n%s", want)
		}
		delete(listed, want)
	}
	for row := range listed {
		t.Errorf("docs/operator/metrics.md has a row of no metric:\n%s", row)
	}
}

// rows are those of the page's table.
func rows(t *testing.T) (all []string) {
	t.Helper()
	descriptions := make(chan *prometheus.Desc, 100)
	for _, collector := range New(time.Now).Collectors() {
		collector.Describe(descriptions)
	}
	close(descriptions)
	for desc := range descriptions {
		found := described.FindStringSubmatch(desc.String())
		if found == nil {
			t.Fatalf("%s", desc)
		}
		var labels []string
		for _, label := range strings.FieldsFunc(found[3], func(r rune) bool { return r == ',' || r == ' ' }) {
			labels = append(labels, "`"+label+"`")
		}
		all = append(all, "| `"+found[1]+"` | "+strings.Join(labels, ", ")+" | "+found[2]+" |")
	}
	return all
}
