package acceptance

import (
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/hashicorp/terraform-plugin-framework/providerserver"
	"github.com/hashicorp/terraform-plugin-go/tfprotov6"
	"github.com/hashicorp/terraform-plugin-go/tftypes"

	"github.com/betterdataco/terraform-provider-betterdata/apiclient/sandbox"
	"github.com/betterdataco/terraform-provider-betterdata/provider/internal/provider"
)

// TestAccPain10LargeSetsPlanInLinearRequests: elsewhere a plan takes minutes once there are hundreds of permissions or
// tokens (cloudflare PR #7012, framework #775 and #1314, couchbase-capella #700). Requests are counted here; what the
// provider computes is measured by TestAccPain10LargeSetsPlanWithoutQuadraticWork.
func TestAccPain10LargeSetsPlanInLinearRequests(t *testing.T) {
	t.Parallel()
	const n, pages = 110, 2
	w := newWorld(t)
	many := fmt.Sprintf(`locals { scopes = [for i in range(300) : "inventory:scope-${i}"] }
resource "betterdata_api_key" "many" {
  count       = %d
  name        = "Key ${count.index}"
  scopes      = count.index %% 55 == 0 ? local.scopes : ["inventory:read"]
  name_marker = "none"
}
`, n)
	ws := newWorkspace(t, w, many)
	ws.apply()
	w.api.ResetStats()
	expectActions(t, ws.plan(), map[string]string{})
	if s := w.api.Stats(); s.Total != pages {
		t.Errorf("a plan of %d keys made %v, want %d requests", n, s.Requests, pages)
	}
	// One scope of 300 changes: one request for each key that has it.
	w.api.ResetStats()
	ws.configure(strings.Replace(many, "range(300)", "range(1, 301)", 1))
	ws.apply()
	if s := w.api.Stats(); s.Requests["update"] != n/55 || s.Total > n/55+2*pages {
		t.Errorf("changing the scopes of %d keys made %v", n/55, s.Requests)
	}
	for _, key := range w.api.LiveKeys() {
		if got := len(key.Scopes); got != 1 && (got != 300 || slices.Contains(key.Scopes, "inventory:scope-0")) {
			t.Errorf("%s has %d scopes, or the one that was taken away", key.Name, got)
		}
	}
}

// TestAccPain10LargeSetsPlanWithoutQuadraticWork: the CLI's own work is left out here, and time, which depends on the
// machine. What the provider allocates for one plan does not: it shows when each scope is compared with each other. Four
// times the scopes may take up to ten times as much; linear would be four, and it was thirteen while every reading of
// the set looked for duplicates. It is six now, because terraform-plugin-go compares the plan with the state. Which of
// the object's attributes it begins with is random, so the least of several runs counts. BenchmarkPain10Plan has times.
//
//nolint:paralleltest // counts what this process allocates
func TestAccPain10LargeSetsPlanWithoutQuadraticWork(t *testing.T) {
	p := newPlanner(t)
	allocations := func(scopes int) float64 {
		least := math.Inf(1)
		for range 5 {
			least = min(least, testing.AllocsPerRun(1, func() { p.plan(t, scopes) }))
		}
		return least
	}
	few, many := allocations(100), allocations(400)
	t.Logf("%.0f allocations for 100 scopes, %.0f for 400", few, many)
	if many > 10*few {
		t.Errorf("planning a key with 400 scopes takes %.1f times the allocations of one with 100", many/few)
	}
}

// planner plans one key through the protocol, in this process, without a CLI and without a connection.
type planner struct {
	server tfprotov6.ProviderServer
	kind   tftypes.Object
}

func newPlanner(tb testing.TB) *planner {
	tb.Helper()
	server, err := providerserver.NewProtocol6WithError(provider.New("test")())()
	if err != nil {
		tb.Fatal(err)
	}
	schemas, err := server.GetProviderSchema(tb.Context(), &tfprotov6.GetProviderSchemaRequest{})
	if err != nil {
		tb.Fatal(err)
	}
	kind, ok := schemas.ResourceSchemas["betterdata_api_key"].ValueType().(tftypes.Object)
	if !ok {
		tb.Fatal("the schema is no object")
	}
	return &planner{server: server, kind: kind}
}

// key is a recorded key with so many scopes, one of which may be another.
func (p *planner) key(scopes int, last string) tftypes.Value {
	values := map[string]tftypes.Value{}
	for name, kind := range p.kind.AttributeTypes {
		values[name] = tftypes.NewValue(kind, nil)
	}
	set := make([]tftypes.Value, 0, scopes)
	for i := range scopes - 1 {
		set = append(set, tftypes.NewValue(tftypes.String, fmt.Sprintf("inventory:scope-%d", i)))
	}
	values["scopes"] = tftypes.NewValue(p.kind.AttributeTypes["scopes"], append(set, tftypes.NewValue(tftypes.String, last)))
	for name, value := range map[string]string{
		"name": "Large", "on_destroy": "revoke", "on_revoked": "recreate", "name_marker": "none",
		"id": "key_1", "status": "ACTIVE", "created_at": "2026-01-01T00:00:00Z",
	} {
		values[name] = tftypes.NewValue(tftypes.String, value)
	}
	values["rotate_on_import"], values["rotation_due"] = tftypes.NewValue(tftypes.Bool, false), tftypes.NewValue(tftypes.Bool, false)
	values["previous_keys"] = tftypes.NewValue(p.kind.AttributeTypes["previous_keys"], []tftypes.Value{})
	return tftypes.NewValue(p.kind, values)
}

// plan validates and plans a change of one scope.
func (p *planner) plan(tb testing.TB, scopes int) {
	tb.Helper()
	dynamic := func(v tftypes.Value) *tfprotov6.DynamicValue {
		d, err := tfprotov6.NewDynamicValue(p.kind, v)
		if err != nil {
			tb.Fatal(err)
		}
		return &d
	}
	ctx := tb.Context()
	prior, config := dynamic(p.key(scopes, "forecast:read")), dynamic(p.key(scopes, "forecast:write"))
	if _, err := p.server.ValidateResourceConfig(ctx, &tfprotov6.ValidateResourceConfigRequest{TypeName: "betterdata_api_key", Config: config}); err != nil {
		tb.Fatal(err)
	}
	if _, err := p.server.PlanResourceChange(ctx, &tfprotov6.PlanResourceChangeRequest{
		TypeName: "betterdata_api_key", PriorState: prior, ProposedNewState: config, Config: config,
	}); err != nil {
		tb.Fatal(err)
	}
}

// BenchmarkPain10Plan shows the time: the column per scope stays level if the work is linear.
func BenchmarkPain10Plan(b *testing.B) {
	p := newPlanner(b)
	for _, scopes := range []int{20, 100, 500, 1000, 2000} {
		b.Run(fmt.Sprintf("%d scopes", scopes), func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				p.plan(b, scopes)
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/float64(scopes), "ns/scope")
		})
	}
}

// TestAccPain11RateLimitDuringRefreshIsWaitedOut: elsewhere a refresh sends one request for each resource, runs into the
// rate limit, and fails for some of them (cloudflare #5505, auth0 #273, digitalocean #546, uptime-com #270).
func TestAccPain11RateLimitDuringRefreshIsWaitedOut(t *testing.T) {
	t.Parallel()
	const n, pages = 110, 2
	w := newWorld(t)
	ws := newWorkspace(t, w, manyKeys(n, `name_marker = "none"`)+`
data "betterdata_api_key" "each" {
  count = 20
  id    = betterdata_api_key.many[count.index].id
}
data "betterdata_api_keys" "all" { live = true }
`)
	ws.apply()
	w.api.AdvanceClock(24 * time.Hour)
	w.api.ResetStats()
	// The first request of the refresh and one in the middle of the listing; each says to come back in a second.
	w.api.AddFault(sandbox.Fault{Operation: "list", Kind: "429", Times: 1})
	w.api.AddFault(sandbox.Fault{Operation: "list", Kind: "429", Skip: 1, Times: 1})
	expectActions(t, ws.plan(), map[string]string{})
	if s := w.api.Stats(); s.Total != pages+2 || s.Outcomes["list"]["200"] != pages {
		t.Errorf("refreshing %d keys and 21 data sources made %v, want %d pages and the 2 requests that were refused", n, s.Outcomes, pages)
	}
}

// TestAccPain16ListingsOfManyPagesReplaceNothing: elsewhere a read that looked at the first page only took every key
// beyond it for deleted and replaced it (gitlab 18.8.1, with more than 20 tokens).
func TestAccPain16ListingsOfManyPagesReplaceNothing(t *testing.T) {
	t.Parallel()
	for _, paging := range []string{"page", "offset", "none", "silent-cut", "ignored", "limit-refused"} {
		t.Run(paging, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, sandbox.WithDialect(sandbox.Dialect{Paging: paging}))
			ws := newWorkspace(t, w, manyKeys(4, ""))
			w.seedMany(110)
			ws.apply()
			w.seedMany(110)
			w.api.AdvanceClock(24 * time.Hour)
			expectActions(t, ws.plan(), map[string]string{})
			w.api.ResetStats()
			ws.destroy()
			if s := w.api.Stats(); s.Revoked != 4 {
				t.Errorf("%d keys were revoked, want the 4 managed ones", s.Revoked)
			}
			w.expectLive(220)
		})
	}
}
