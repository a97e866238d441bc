package metrics

import (
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"

	"github.com/betterdataco/terraform-provider-betterdata/apiclient"
	"github.com/betterdataco/terraform-provider-betterdata/operator/internal/controller/apikey"
	"github.com/betterdataco/terraform-provider-betterdata/operator/internal/tenant"
)

// clock is a clock that the test moves.
type clock struct{ now time.Time }

func (c *clock) Now() time.Time { return c.now }

func newRecorder(t *testing.T) (*Recorder, *prometheus.Registry, *clock) {
	t.Helper()
	c := &clock{now: time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)}
	r, registry := New(c.Now), prometheus.NewPedanticRegistry()
	if err := r.Register(registry); err != nil {
		t.Fatal(err)
	}
	return r, registry, c
}

func expect(t *testing.T, registry *prometheus.Registry, want string, names ...string) {
	t.Helper()
	if err := testutil.GatherAndCompare(registry, strings.NewReader(want), names...); err != nil {
		t.Error(err)
	}
}

func TestAgeAndRotationMoveByThemselves(t *testing.T) {
	t.Parallel()
	r, registry, c := newRecorder(t)
	r.ApiKey("shop", "reader", apikey.KeyFacts{
		Prefix: "bdk_live_A", Last4: "WXYZ", KeyID: "key_1", IssuedAt: c.now.Add(-time.Minute), NextRotation: c.now.Add(time.Hour), Ready: true, Reason: "Published", Sequence: 3,
	})
	c.now = c.now.Add(2 * time.Hour) // nothing was told meanwhile
	expect(t, registry, `
# HELP betterdata_apikey_age_seconds Age of the key in service.
# TYPE betterdata_apikey_age_seconds gauge
betterdata_apikey_age_seconds{name="reader",namespace="shop"} 7260
# HELP betterdata_apikey_info Always 1: the key in service of each ApiKey, and its condition Ready.
# TYPE betterdata_apikey_info gauge
betterdata_apikey_info{key_id="key_1",last4="WXYZ",name="reader",namespace="shop",prefix="bdk_live_A",ready="true",reason="Published",sequence="3"} 1
# HELP betterdata_apikey_seconds_to_rotation Time until the next scheduled rotation; negative: overdue. Absent without spec.rotation.
# TYPE betterdata_apikey_seconds_to_rotation gauge
betterdata_apikey_seconds_to_rotation{name="reader",namespace="shop"} -3600
`, "betterdata_apikey_age_seconds", "betterdata_apikey_info", "betterdata_apikey_seconds_to_rotation")
}

// An ApiKey without a key has no age; one without rotation has no time to it. Zero would be a lie that alerts.
func TestWhatIsNotKnownHasNoSeries(t *testing.T) {
	t.Parallel()
	r, registry, _ := newRecorder(t)
	r.ApiKey("shop", "new", apikey.KeyFacts{Reason: "Minting"})
	r.Connection("Connection/shop/default", ConnectionFacts{QuotaMinute: -1, QuotaHour: 900, Keys: -1, Orphans: -1, Reason: "APIUnavailable"})
	expect(t, registry, `
# HELP betterdata_apikey_info Always 1: the key in service of each ApiKey, and its condition Ready.
# TYPE betterdata_apikey_info gauge
betterdata_apikey_info{key_id="",last4="",name="new",namespace="shop",prefix="",ready="false",reason="Minting",sequence="0"} 1
# HELP betterdata_connection_info Always 1: each connection, and its condition Ready.
# TYPE betterdata_connection_info gauge
betterdata_connection_info{connection="Connection/shop/default",ready="false",reason="APIUnavailable"} 1
# HELP betterdata_connection_quota_remaining Requests left in the window, as far as the API or the settings tell.
# TYPE betterdata_connection_quota_remaining gauge
betterdata_connection_quota_remaining{connection="Connection/shop/default",window="hour"} 900
`, "betterdata_apikey_info", "betterdata_apikey_stalled", "betterdata_apikey_age_seconds", "betterdata_apikey_seconds_to_rotation",
		"betterdata_connection_info", "betterdata_connection_quota_remaining", "betterdata_connection_keys", "betterdata_connection_orphans")
}

// A key can be good and have no future: an ApiKey that waits for a person is told of beside Ready, and only while it waits.
func TestStalledWhileReady(t *testing.T) {
	t.Parallel()
	r, registry, _ := newRecorder(t)
	r.ApiKey("shop", "reader", apikey.KeyFacts{Ready: true, Reason: "Published", Stalled: "ScopesNotAllowed"})
	expect(t, registry, `
# HELP betterdata_apikey_stalled Always 1: an ApiKey that waits for a person, ready or not, and the reason of its condition Stalled.
# TYPE betterdata_apikey_stalled gauge
betterdata_apikey_stalled{name="reader",namespace="shop",reason="ScopesNotAllowed"} 1
`, "betterdata_apikey_stalled")
	r.ApiKey("shop", "reader", apikey.KeyFacts{Ready: true, Reason: "Published"})
	expect(t, registry, "", "betterdata_apikey_stalled")
}

// One series for each ApiKey, whatever it goes through: labels that change replace the series of before.
func TestChangesLeaveNoSeriesBehind(t *testing.T) {
	t.Parallel()
	r, registry, _ := newRecorder(t)
	for sequence := range 100 {
		r.ApiKey("shop", "reader", apikey.KeyFacts{KeyID: "key", Sequence: sequence, Reason: "Published"})
	}
	if n, err := testutil.GatherAndCount(registry, "betterdata_apikey_info"); err != nil || n != 1 {
		t.Errorf("got %d series, %v", n, err)
	}
}

func TestDeletedObjectsHaveNoSeries(t *testing.T) {
	t.Parallel()
	r, registry, c := newRecorder(t)
	before, err := testutil.GatherAndCount(registry)
	if err != nil {
		t.Fatal(err)
	}
	gone, stays := tenant.Key{Kind: "Connection", Namespace: "shop", Name: "gone"}, tenant.Key{Kind: "ClusterConnection", Name: "stays"}
	r.ApiKey("shop", "reader", apikey.KeyFacts{KeyID: "key_1", IssuedAt: c.now, NextRotation: c.now, Stalled: "Suspended"})
	for _, k := range []tenant.Key{gone, stays} {
		r.Connection(k.String(), ConnectionFacts{Reason: "Connected"})
		r.Request(k, apiclient.OpList, "200")
		r.Request(k, apiclient.OpCreate, "error")
	}
	r.ForgetApiKey("shop", "reader")
	r.ForgetConnection(gone.String())
	const ofOneConnection = 5 + 2 // info, quota twice, keys, orphans; two kinds of requests
	if n, err := testutil.GatherAndCount(registry); err != nil || n != before+ofOneConnection {
		t.Errorf("got %d series, want %d; %v", n, before+ofOneConnection, err)
	}
}

func TestCounters(t *testing.T) {
	t.Parallel()
	r, registry, _ := newRecorder(t)
	r.Reconciled("ready")
	r.Reconciled("ready")
	r.Minted(string(apikey.CauseScheduled))
	r.Revoked(string(apikey.WhyStray))
	r.StrayFound()
	r.Request(tenant.Key{Kind: "ClusterConnection", Name: "eu"}, apiclient.OpRotate, "429")
	expect(t, registry, `
# HELP betterdata_api_requests_total Requests to the Better Data API, by operation, HTTP status (or error: no answer) and connection.
# TYPE betterdata_api_requests_total counter
betterdata_api_requests_total{code="429",connection="ClusterConnection//eu",operation="rotate key"} 1
# HELP betterdata_apikey_rotations_total Keys issued and made durable, by cause: First, Scheduled, Forced, Reissue (in place of a dead key) or Adopt.
# TYPE betterdata_apikey_rotations_total counter
betterdata_apikey_rotations_total{cause="Adopt"} 0
betterdata_apikey_rotations_total{cause="First"} 0
betterdata_apikey_rotations_total{cause="Forced"} 0
betterdata_apikey_rotations_total{cause="Reissue"} 0
betterdata_apikey_rotations_total{cause="Scheduled"} 1
# HELP betterdata_reconcile_total Reconciles of ApiKeys, by how they ended: ready, waiting, stalled, gone, busy, conflict or error.
# TYPE betterdata_reconcile_total counter
betterdata_reconcile_total{outcome="ready"} 2
# HELP betterdata_revocations_total Keys revoked, by reason: OverlapEnded, Stray, Deleted or Orphan.
# TYPE betterdata_revocations_total counter
betterdata_revocations_total{reason="Deleted"} 0
betterdata_revocations_total{reason="Orphan"} 0
betterdata_revocations_total{reason="OverlapEnded"} 0
betterdata_revocations_total{reason="Stray"} 1
# HELP betterdata_strays_found_total Live keys found whose plaintext never became durable.
# TYPE betterdata_strays_found_total counter
betterdata_strays_found_total 1
`, "betterdata_api_requests_total", "betterdata_apikey_rotations_total", "betterdata_reconcile_total", "betterdata_revocations_total", "betterdata_strays_found_total")
}

// Prometheus' own conventions.
func TestMetricsPassTheLinter(t *testing.T) {
	t.Parallel()
	r, registry, c := newRecorder(t)
	r.ApiKey("shop", "reader", apikey.KeyFacts{KeyID: "key_1", IssuedAt: c.now, NextRotation: c.now, Stalled: "Suspended"})
	r.Connection("Connection/shop/default", ConnectionFacts{Reason: "Connected"})
	r.Request(tenant.Key{}, apiclient.OpList, "200")
	r.Reconciled("ready")
	problems, err := testutil.GatherAndLint(registry)
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range problems {
		t.Errorf("%s: %s", p.Metric, p.Text)
	}
}
