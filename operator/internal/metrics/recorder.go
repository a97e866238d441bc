// Package metrics counts what the operator does and tells how each ApiKey and connection is, for Prometheus. It owns the
// names, labels and meaning of all betterdata_ metrics; docs/operator/metrics.md lists them.
//
// Labels are bounded: by the number of ApiKeys and connections, whose series vanish with them, and by short lists.
package metrics

import (
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/betterdataco/terraform-provider-betterdata/apiclient"
	"github.com/betterdataco/terraform-provider-betterdata/operator/internal/controller/apikey"
	"github.com/betterdataco/terraform-provider-betterdata/operator/internal/tenant"
)

var (
	_ apikey.Observer = &Recorder{}
	_ tenant.Observer = &Recorder{}
)

// Recorder takes down what happens, and is asked by Prometheus for it. Its methods may be called by several goroutines.
type Recorder struct {
	reconciles *prometheus.CounterVec
	rotations  *prometheus.CounterVec
	revoked    *prometheus.CounterVec
	strays     prometheus.Counter
	requests   *prometheus.CounterVec

	keys        *keyCollector
	connections *connectionCollector
}

// New makes a Recorder. Ages are told by the clock.
func New(now func() time.Time) *Recorder {
	counter := func(name, help string, labels ...string) *prometheus.CounterVec {
		return prometheus.NewCounterVec(prometheus.CounterOpts{Name: name, Help: help}, labels)
	}
	r := &Recorder{
		reconciles: counter("betterdata_reconcile_total", "Reconciles of ApiKeys, by how they ended: ready, waiting, stalled, gone, busy, conflict or error.", "outcome"),
		rotations:  counter("betterdata_apikey_rotations_total", "Keys issued and made durable, by cause: First, Scheduled, Forced, Reissue (in place of a dead key) or Adopt.", "cause"),
		revoked:    counter("betterdata_revocations_total", "Keys revoked, by reason: OverlapEnded, Stray, Deleted or Orphan.", "reason"),
		strays: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "betterdata_strays_found_total", Help: "Live keys found whose plaintext never became durable.",
		}),
		requests: counter("betterdata_api_requests_total",
			"Requests to the Better Data API, by operation, HTTP status (or error: no answer) and connection.", "operation", "code", "connection"),
		keys:        newKeyCollector(now),
		connections: newConnectionCollector(),
	}
	r.beginAtZero()
	return r
}

// beginAtZero makes the series of the short lists. A counter that appears with its first event hides that event from
// increase() and rate().
func (r *Recorder) beginAtZero() {
	for _, cause := range []apikey.Cause{apikey.CauseFirst, apikey.CauseReissue, apikey.CauseForced, apikey.CauseScheduled, apikey.CauseAdopt} {
		r.rotations.WithLabelValues(string(cause))
	}
	for _, why := range []apikey.Why{apikey.WhyOverlapEnded, apikey.WhyStray, apikey.WhyDeleted, apikey.WhyOrphan} {
		r.revoked.WithLabelValues(string(why))
	}
}

// Collectors are all that Prometheus is to ask.
func (r *Recorder) Collectors() []prometheus.Collector {
	return []prometheus.Collector{r.reconciles, r.rotations, r.revoked, r.strays, r.requests, r.keys, r.connections}
}

// Register makes the metrics known to a registry.
func (r *Recorder) Register(registry prometheus.Registerer) error {
	for _, collector := range r.Collectors() {
		if err := registry.Register(collector); err != nil {
			return err
		}
	}
	return nil
}

// Reconciled implements apikey.Observer.
func (r *Recorder) Reconciled(outcome string) { r.reconciles.WithLabelValues(outcome).Inc() }

// Minted implements apikey.Observer.
func (r *Recorder) Minted(cause string) { r.rotations.WithLabelValues(cause).Inc() }

// Revoked implements apikey.Observer.
func (r *Recorder) Revoked(why string) { r.revoked.WithLabelValues(why).Inc() }

// StrayFound implements apikey.Observer.
func (r *Recorder) StrayFound() { r.strays.Inc() }

// ApiKey implements apikey.Observer.
func (r *Recorder) ApiKey(namespace, name string, f apikey.KeyFacts) {
	r.keys.set(apikey.Ref{Namespace: namespace, Name: name}, f)
}

// ForgetApiKey implements apikey.Observer.
func (r *Recorder) ForgetApiKey(namespace, name string) {
	r.keys.forget(apikey.Ref{Namespace: namespace, Name: name})
}

// Request implements tenant.Observer.
func (r *Recorder) Request(k tenant.Key, op apiclient.Operation, code string) {
	r.requests.WithLabelValues(string(op), code, k.String()).Inc()
}
