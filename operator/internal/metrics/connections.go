package metrics

import (
	"strconv"
	"sync"

	"github.com/prometheus/client_golang/prometheus"
)

// ConnectionFacts is what metrics tell of a Connection or ClusterConnection. What is not known, as a number below
// zero, has no series.
type ConnectionFacts struct {
	Ready                  bool
	Reason                 string // of the condition Ready; empty: not known
	QuotaMinute, QuotaHour int    // requests left
	Keys                   int    // live keys of the tenant
	Orphans                int    // live keys with this cluster's marker that no ApiKey stands for
}

type connectionCollector struct {
	info, quota, keys, orphans *prometheus.Desc

	mu          sync.Mutex
	connections map[string]ConnectionFacts
}

func newConnectionCollector() *connectionCollector {
	desc := func(name, help string, labels ...string) *prometheus.Desc {
		return prometheus.NewDesc(name, help, append([]string{"connection"}, labels...), nil)
	}
	return &connectionCollector{
		info:        desc("betterdata_connection_info", "Always 1: each connection, and its condition Ready.", "ready", "reason"),
		quota:       desc("betterdata_connection_quota_remaining", "Requests left in the window, as far as the API or the settings tell.", "window"),
		keys:        desc("betterdata_connection_keys", "Live keys of the connection's tenant, whoever made them."),
		orphans:     desc("betterdata_connection_orphans", "Live keys with this cluster's marker that no ApiKey stands for. Not judged in namespaced mode."),
		connections: map[string]ConnectionFacts{},
	}
}

// Connection sets what is known of a connection.
func (r *Recorder) Connection(connection string, f ConnectionFacts) {
	r.connections.mu.Lock()
	defer r.connections.mu.Unlock()
	r.connections.connections[connection] = f
}

// ForgetConnection drops all series of a connection once there is none of that name.
func (r *Recorder) ForgetConnection(connection string) {
	r.connections.mu.Lock()
	delete(r.connections.connections, connection)
	r.connections.mu.Unlock()
	r.requests.DeletePartialMatch(prometheus.Labels{"connection": connection})
}

// Describe implements prometheus.Collector.
func (c *connectionCollector) Describe(to chan<- *prometheus.Desc) {
	to <- c.info
	to <- c.quota
	to <- c.keys
	to <- c.orphans
}

// Collect implements prometheus.Collector.
func (c *connectionCollector) Collect(to chan<- prometheus.Metric) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for connection, f := range c.connections {
		if f.Reason != "" {
			to <- prometheus.MustNewConstMetric(c.info, prometheus.GaugeValue, 1, connection, strconv.FormatBool(f.Ready), f.Reason)
		}
		known := func(desc *prometheus.Desc, value int, labels ...string) {
			if value >= 0 {
				to <- prometheus.MustNewConstMetric(desc, prometheus.GaugeValue, float64(value), append([]string{connection}, labels...)...)
			}
		}
		known(c.quota, f.QuotaMinute, "minute")
		known(c.quota, f.QuotaHour, "hour")
		known(c.keys, f.Keys)
		known(c.orphans, f.Orphans)
	}
}
