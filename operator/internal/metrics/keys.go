package metrics

import (
	"strconv"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/betterdataco/terraform-provider-betterdata/operator/internal/controller/apikey"
)

// keyCollector computes what moves with time when it is asked: a gauge set by reconciles would stand still between them,
// which is hours.
type keyCollector struct {
	now                          func() time.Time
	info, stalled, age, rotation *prometheus.Desc

	mu   sync.Mutex
	keys map[apikey.Ref]apikey.KeyFacts
}

func newKeyCollector(now func() time.Time) *keyCollector {
	desc := func(name, help string, labels ...string) *prometheus.Desc {
		return prometheus.NewDesc(name, help, append([]string{"namespace", "name"}, labels...), nil)
	}
	return &keyCollector{
		now: now,
		info: desc("betterdata_apikey_info", "Always 1: the key in service of each ApiKey, and its condition Ready.",
			"key_id", "prefix", "last4", "sequence", "ready", "reason"),
		stalled:  desc("betterdata_apikey_stalled", "Always 1: an ApiKey that waits for a person, ready or not, and the reason of its condition Stalled.", "reason"),
		age:      desc("betterdata_apikey_age_seconds", "Age of the key in service."),
		rotation: desc("betterdata_apikey_seconds_to_rotation", "Time until the next scheduled rotation; negative: overdue. Absent without spec.rotation."),
		keys:     map[apikey.Ref]apikey.KeyFacts{},
	}
}

func (c *keyCollector) set(ref apikey.Ref, f apikey.KeyFacts) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.keys[ref] = f
}

func (c *keyCollector) forget(ref apikey.Ref) {
	c.mu.Lock()
	defer c.mu.Unlock()
	delete(c.keys, ref)
}

// Describe implements prometheus.Collector.
func (c *keyCollector) Describe(to chan<- *prometheus.Desc) {
	to <- c.info
	to <- c.stalled
	to <- c.age
	to <- c.rotation
}

// Collect implements prometheus.Collector.
func (c *keyCollector) Collect(to chan<- prometheus.Metric) {
	c.mu.Lock()
	defer c.mu.Unlock()
	now := c.now()
	for ref, f := range c.keys {
		to <- prometheus.MustNewConstMetric(c.info, prometheus.GaugeValue, 1, ref.Namespace, ref.Name,
			f.KeyID, f.Prefix, f.Last4, strconv.Itoa(f.Sequence), strconv.FormatBool(f.Ready), f.Reason)
		if f.Stalled != "" {
			to <- prometheus.MustNewConstMetric(c.stalled, prometheus.GaugeValue, 1, ref.Namespace, ref.Name, f.Stalled)
		}
		if !f.IssuedAt.IsZero() {
			to <- prometheus.MustNewConstMetric(c.age, prometheus.GaugeValue, now.Sub(f.IssuedAt).Seconds(), ref.Namespace, ref.Name)
		}
		if !f.NextRotation.IsZero() {
			to <- prometheus.MustNewConstMetric(c.rotation, prometheus.GaugeValue, f.NextRotation.Sub(now).Seconds(), ref.Namespace, ref.Name)
		}
	}
}
