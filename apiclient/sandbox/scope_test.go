package sandbox_test

import (
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/betterdataco/terraform-provider-betterdata/apiclient/sandbox"
)

// pageScopes are the scopes of the vendor's page, written down once more: a scope lost in the code is missed here.
var pageScopes = []string{
	"inventory:read", "inventory:write", "forecast:read", "forecast:write", "planning:read", "planning:write",
	"procurement:read", "procurement:write", "shipping:read", "shipping:write", "reports:read", "admin:read", "admin:write",
}

// TestEveryScopeOpensAnEndpoint: no scope of the page is without an endpoint to use it on, and none is invented.
func TestEveryScopeOpensAnEndpoint(t *testing.T) {
	var used []string
	for _, e := range sandbox.Endpoints() {
		used = append(used, e.Scope)
	}
	slices.Sort(used)
	want := slices.Sorted(slices.Values(pageScopes))
	if got := slices.Compact(used); !slices.Equal(got, want) {
		t.Errorf("scopes of endpoints %v, want %v", got, want)
	}
}

// TestScopeTable tries every grant on every endpoint.
func TestScopeTable(t *testing.T) {
	a := start(t, sandbox.WithRateLimits())
	grants := append(slices.Clone(pageScopes), "inventory:*", "forecast:*", "planning:*", "procurement:*", "shipping:*",
		"reports:*", "admin:*", "*", "inventory.read", "inventory", "INVENTORY:READ", "in*")
	for _, grant := range grants {
		_, plaintext := a.mustCreate(t, grant, grant)
		target, _ := a.mustCreate(t, "target", "reports:read")
		for _, e := range sandbox.Endpoints() {
			path := strings.Replace(e.Pattern, "{id}", target, 1) + "?locationId=loc_1"
			r := a.mustSendAs(t, plaintext, e.Method, path, `{"name":"x","scopes":["reports:read"]}`)
			area, _, _ := strings.Cut(e.Scope, ":")
			switch allowed := grant == e.Scope || grant == area+":*" || grant == "*"; {
			case allowed && (r.status < 200 || r.status > 299):
				// Revoking the target first would make rotate a 409; endpoints come in the order update, revoke, rotate.
				if e.Operation != sandbox.OpRotate || r.status != http.StatusConflict {
					t.Errorf("%s on %s %s: %d %s", grant, e.Method, e.Pattern, r.status, r.text)
				}
			case !allowed:
				expectCode(t, r, http.StatusForbidden, "INSUFFICIENT_SCOPE")
				if got := r.at(t, "details", "requiredScope"); got != e.Scope {
					t.Errorf("required scope %v, want %s", got, e.Scope)
				}
			}
		}
	}
}

func TestBusinessEndpoints(t *testing.T) {
	a := start(t)
	t.Run("the matrix is the same every time and adds up", func(t *testing.T) {
		first := a.mustSend(t, http.MethodGet, inventoryPath, "")
		if second := a.mustSend(t, http.MethodGet, inventoryPath, ""); first.text != second.text {
			t.Error("two answers differ")
		}
		product := as[map[string]any](t, as[[]any](t, first.at(t, "products"))[0])
		for _, entry := range as[[]any](t, product["channels"]) {
			cell := as[map[string]any](t, entry)
			if as[float64](t, cell["atp"]) != as[float64](t, cell["onHand"])-as[float64](t, cell["reserved"]) || as[float64](t, cell["atp"]) < 0 {
				t.Errorf("cell %v", cell)
			}
		}
	})
	t.Run("pages cover every product once", func(t *testing.T) {
		seen := map[any]bool{}
		for _, page := range []string{"1", "2", "3"} {
			r := a.mustSend(t, http.MethodGet, "/api/inventory/channel-location?locationId=loc_9&limit=50&page="+page, "")
			for _, entry := range as[[]any](t, r.at(t, "products")) {
				seen[as[map[string]any](t, entry)["sku"]] = true
			}
		}
		if len(seen) != 120 {
			t.Errorf("%d products on three pages, want 120", len(seen))
		}
	})
	t.Run("a location is needed", func(t *testing.T) {
		expectStatus(t, a.mustSend(t, http.MethodGet, "/api/inventory/channel-location", ""), http.StatusBadRequest)
	})
	t.Run("what is posted is listed", func(t *testing.T) {
		r := a.mustSend(t, http.MethodPost, "/api/planning/scenarios", `{"name":"Peak","id":"mine"}`)
		expectStatus(t, r, http.StatusCreated)
		if r.at(t, "scenario", "id") != "scn_2" || r.at(t, "scenario", "name") != "Peak" {
			t.Errorf("created %s", r.text)
		}
		if n := len(as[[]any](t, a.mustSend(t, http.MethodGet, "/api/planning/scenarios", "").at(t, "scenarios"))); n != 2 {
			t.Errorf("%d scenarios, want 2", n)
		}
		expectStatus(t, a.mustSend(t, http.MethodPost, "/api/planning/scenarios", "[]"), http.StatusBadRequest)
	})
	t.Run("a collection does not grow without end", func(t *testing.T) {
		a := start(t, sandbox.WithRateLimits())
		for range 510 {
			a.mustSend(t, http.MethodPost, "/api/shipping/shipments", `{}`)
		}
		r := a.mustSend(t, http.MethodGet, "/api/shipping/shipments?page=5&limit=100", "")
		documents := as[[]any](t, r.at(t, "shipments"))
		if r.at(t, "pagination", "total") != 500.0 || as[map[string]any](t, documents[99])["carrier"] != nil {
			t.Errorf("%v documents", r.at(t, "pagination", "total"))
		}
	})
}
