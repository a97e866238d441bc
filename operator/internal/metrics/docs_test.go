package metrics

import (
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"sigs.k8s.io/yaml"
)

// described reads a metric's name, help and labels from how it describes itself: prometheus.Desc has no other way.
var described = regexp.MustCompile(`^Desc\{fqName: "([^"]*)", help: "([^"]*)", .*variableLabels: \{([^}]*)\}`)

// The page lists exactly the metrics that are registered, with their labels and the words of their help.
func TestMetricsPageIsUpToDate(t *testing.T) {
	t.Parallel()
	listed := map[string]bool{}
	for _, row := range regexp.MustCompile("(?m)^\\| `betterdata_.*$").FindAllString(mustRead(t, "metrics"), -1) {
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

// metric is what a metric says of itself.
type metric struct {
	name, help string
	labels     []string
}

// rows are those of the page's table.
func rows(t *testing.T) (all []string) {
	t.Helper()
	for _, m := range registered(t) {
		var labels []string
		for _, label := range m.labels {
			labels = append(labels, "`"+label+"`")
		}
		all = append(all, "| `"+m.name+"` | "+strings.Join(labels, ", ")+" | "+m.help+" |")
	}
	return all
}

func registered(t *testing.T) (all []metric) {
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
		labels := strings.FieldsFunc(found[3], func(r rune) bool { return r == ',' || r == ' ' })
		all = append(all, metric{found[1], found[2], labels})
	}
	return all
}

// alert is one rule of the page.
type alert struct {
	Alert, Expr string
	Annotations map[string]string
}

func alerts(t *testing.T, page string) (all []alert) {
	t.Helper()
	for _, block := range regexp.MustCompile("(?ms)^```yaml\n(groups:\n.*?)^```$").FindAllStringSubmatch(page, -1) {
		var file struct{ Groups []struct{ Rules []alert } }
		if err := yaml.Unmarshal([]byte(block[1]), &file); err != nil {
			t.Fatal(err)
		}
		for _, group := range file.Groups {
			all = append(all, group.Rules...)
		}
	}
	return all
}

var (
	inPromQL  = regexp.MustCompile(`(betterdata_\w+)(?:\{([^}]*)\})?`)
	matcher   = regexp.MustCompile(`(\w+)\s*(?:=~|!~|!=|=)\s*"([^"]*)"`)
	grouping  = regexp.MustCompile(`^(?:max|sum) by \(([^)]*)\)`)
	shown     = regexp.MustCompile(`\$labels\.(\w+)`)
	pageNames = regexp.MustCompile(`\bbetterdata_[a-z_]+`)
)

// The alerts speak of metrics, labels and reasons that exist, show labels that their results have, and are grouped so that
// a label that changes meanwhile does not begin their time anew.
func TestAlertsSpeakOfWhatExists(t *testing.T) {
	t.Parallel()
	page, reasons := mustRead(t, "metrics"), mustRead(t, "conditions")
	known := map[string][]string{}
	for _, m := range registered(t) {
		known[m.name] = m.labels
	}
	rules := alerts(t, page)
	if len(rules) < 5 {
		t.Fatalf("%d alerts found", len(rules))
	}
	for _, rule := range rules {
		var labels []string // of the result
		for _, use := range inPromQL.FindAllStringSubmatch(rule.Expr, -1) {
			labels = known[use[1]]
			if labels == nil {
				t.Errorf("%s: no metric %s with labels", rule.Alert, use[1])
			}
			for _, m := range matcher.FindAllStringSubmatch(use[2], -1) {
				expectLabels(t, rule, labels, m[1])
				for reason := range strings.SplitSeq(m[2], "|") {
					if m[1] == "reason" && !strings.Contains(reasons, "\n| `"+reason+"` |") {
						t.Errorf("%s: no reason %s", rule.Alert, reason)
					}
				}
			}
		}
		if by := grouping.FindStringSubmatch(rule.Expr); by != nil {
			expectLabels(t, rule, labels, strings.Split(by[1], ", ")...)
			labels = strings.Split(by[1], ", ")
		}
		if slices.Contains(labels, "reason") || slices.Contains(labels, "code") {
			t.Errorf("%s: %q is not grouped: its time begins anew whenever a label changes", rule.Alert, rule.Expr)
		}
		for _, text := range rule.Annotations {
			for _, label := range shown.FindAllStringSubmatch(text, -1) {
				expectLabels(t, rule, labels, label[1])
			}
		}
	}
}

func expectLabels(t *testing.T, rule alert, labels []string, wanted ...string) {
	t.Helper()
	for _, label := range wanted {
		if !slices.Contains(labels, label) {
			t.Errorf("%s: %q or what it tells of has no label %s", rule.Alert, rule.Expr, label)
		}
	}
}

// No page of the operator's names a metric that does not exist.
func TestPagesNameMetricsThatExist(t *testing.T) {
	t.Parallel()
	names := map[string]bool{}
	for _, m := range registered(t) {
		names[m.name] = true
	}
	pages, err := filepath.Glob("../../../docs/operator/*.md")
	if err != nil || len(pages) == 0 {
		t.Fatalf("no pages (%v)", err)
	}
	for _, page := range pages {
		base := strings.TrimSuffix(filepath.Base(page), ".md")
		for _, name := range pageNames.FindAllString(mustRead(t, base), -1) {
			if !names[name] && name != "betterdata_" {
				t.Errorf("%s: no metric %s", page, name)
			}
		}
	}
}

func mustRead(t *testing.T, page string) string {
	t.Helper()
	text, err := os.ReadFile("../../../docs/operator/" + page + ".md")
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}
