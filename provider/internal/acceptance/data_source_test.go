package acceptance

import (
	"fmt"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/hashicorp/terraform-plugin-testing/helper/resource"
	"github.com/hashicorp/terraform-plugin-testing/knownvalue"
	"github.com/hashicorp/terraform-plugin-testing/statecheck"
	"github.com/hashicorp/terraform-plugin-testing/tfjsonpath"

	"github.com/betterdataco/terraform-provider-betterdata/apiclient/sandbox"
)

// data is the configuration of one data source.
func data(kind, name, arguments string) string {
	return fmt.Sprintf("data %q %q {\n  %s\n}\n", kind, name, strings.ReplaceAll(arguments, "; ", "\n  "))
}

// editKey changes a key behind everybody's back.
func (w *world) editKey(id string, edit func(*sandbox.Key)) {
	w.t.Helper()
	if err := w.api.EditKey(id, edit); err != nil {
		w.t.Fatal(err)
	}
}

// TestAccDataAPIKey: a key by id and by name, with all that the API tells and without anything secret.
func TestAccDataAPIKey(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	id := w.seed("Forecast reader", "forecast:read", "inventory:*")
	w.editKey(w.seed("Forecast reader", "forecast:read"), func(k *sandbox.Key) { k.Status = sandbox.StatusRevoked })
	w.editKey(id, func(k *sandbox.Key) {
		expires, used := k.CreatedAt.Add(time.Hour), k.CreatedAt.Add(time.Minute)
		k.Name, k.ExpiresAt, k.LastUsedAt = "Forecast reader [tf:1a2b3c4d]", &expires, &used
	})
	listed := w.api.LiveKeys()[0]
	var checks []statecheck.StateCheck
	for _, address := range []string{"data.betterdata_api_key.by_id", "data.betterdata_api_key.by_name"} {
		for name, want := range map[string]knownvalue.Check{
			"id": knownvalue.StringExact(id), "name": knownvalue.StringExact("Forecast reader"),
			"raw_name": knownvalue.StringExact("Forecast reader [tf:1a2b3c4d]"),
			"marker":   knownvalue.StringExact("tf:1a2b3c4d"), "marked_by": knownvalue.StringExact("terraform"),
			"key_prefix": knownvalue.StringExact(listed.KeyPrefix), "last4": knownvalue.StringExact(listed.Last4),
			"scopes": knownvalue.SetExact([]knownvalue.Check{knownvalue.StringExact("forecast:read"), knownvalue.StringExact("inventory:*")}),
			"status": knownvalue.StringExact("ACTIVE"), "live": knownvalue.Bool(true),
			"created_at": knownvalue.StringExact(seconds(listed.CreatedAt)), "expires_at": knownvalue.StringExact(seconds(*listed.ExpiresAt)),
			"last_used_at": knownvalue.StringExact(seconds(*listed.LastUsedAt)), "revoked_at": knownvalue.Null(),
		} {
			checks = append(checks, statecheck.ExpectKnownValue(address, tfjsonpath.New(name), want))
		}
	}
	resource.UnitTest(t, resource.TestCase{
		ProtoV6ProviderFactories: w.factories(),
		Steps: []resource.TestStep{{
			Config: w.providerBlock() + data("betterdata_api_key", "by_id", `id = "`+id+`"`) +
				data("betterdata_api_key", "by_name", `name = "Forecast reader"; timeouts = { read = "1m" }`),
			ConfigStateChecks: checks,
		}},
	})
}

func seconds(t time.Time) string { return t.UTC().Truncate(time.Second).Format(time.RFC3339) }

// TestAccDataAPIKeyErrors: what cannot be found, or not told apart, and input that could find nothing.
func TestAccDataAPIKeyErrors(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	first := w.seed("Twin", "inventory:read")
	w.api.AdvanceClock(time.Minute)
	second := w.seed("Twin", "inventory:read")
	w.editKey(w.seed("Dead", "inventory:read"), func(k *sandbox.Key) { k.Status = sandbox.StatusRevoked })
	for arguments, want := range map[string]string{
		`name = "Twin"`:                   `(?s)2\s+API\s+keys\s+are\s+named\s+"Twin".*` + first + `.*bdk_live_.*\.\.\..*created.*` + second,
		`name = "twin"`:                   `(?s)No\s+API\s+key\s+is\s+named\s+"twin"`,
		`name = "Dead"`:                   `(?s)No\s+API\s+key\s+is\s+named\s+"Dead".*include_dead`,
		`id = "key_nobody"`:               `(?s)There\s+is\s+no\s+API\s+key\s+key_nobody`,
		`id = "key_1"; name = "x"`:        `(?s)Exactly one of these attributes must be configured`,
		`include_dead = true`:             `(?s)Exactly one of these attributes must be configured`,
		`name = " "`:                      `(?s)name\s+is\s+empty`,
		`name = "Twin [tf:1a2b3c4d]"`:     `(?s)names\s+are\s+compared\s+without\s+markers.*"Twin"`,
		`id = "x"; timeouts = {read="d"}`: `(?s)Time Duration`,
	} {
		t.Run(arguments, func(t *testing.T) {
			t.Parallel()
			resource.UnitTest(t, resource.TestCase{
				ProtoV6ProviderFactories: w.factories(),
				Steps:                    []resource.TestStep{{Config: w.providerBlock() + data("betterdata_api_key", "x", arguments), ExpectError: regexp.MustCompile(want)}},
			})
		})
	}
}

// TestAccDataAPIKeyOverlap: while the old key lives on after a rotation, the name means the new one.
func TestAccDataAPIKeyOverlap(t *testing.T) {
	t.Parallel()
	for _, mode := range []string{"temporary", "permanent", "none"} {
		t.Run(mode, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			config := func(n string) string {
				return w.key("Rotated", `name_marker = "`+mode+`"`, `rotation = { triggers = { n = "`+n+`" } }`)
			}
			lookup := data("betterdata_api_key", "x", `name = "Rotated"`)
			after := resource.TestStep{Config: config("2") + lookup, Check: resource.TestCheckResourceAttrPair("data.betterdata_api_key.x", "id", address, "id")}
			if mode == "none" {
				// Two exact names: nothing tells which is in use.
				after = resource.TestStep{Config: config("2") + lookup, ExpectError: regexp.MustCompile(`2\s+API\s+keys\s+are\s+named`)}
			}
			resource.UnitTest(t, resource.TestCase{
				ProtoV6ProviderFactories: w.factories(),
				Steps: []resource.TestStep{
					{Config: config("1")},
					{PreConfig: w.later(time.Minute), Config: config("2"), Check: check("both keys live", func() bool { return len(w.live()) == 2 })},
					after,
				},
			})
		})
	}
}

// TestAccDataAPIKeys: what each filter finds, among it the audits "older than 90 days" and "may do everything".
func TestAccDataAPIKeys(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	old := w.seed("Old", "inventory:read")
	dead := w.seed("Dead", "*")
	w.editKey(dead, func(k *sandbox.Key) { k.Status = sandbox.StatusRevoked })
	w.api.AdvanceClock(2161 * time.Hour)
	powerful := w.seed("Powerful", "*")
	used := w.seed("Used", "inventory:*")
	now := w.api.Now()
	w.editKey(used, func(k *sandbox.Key) { k.LastUsedAt = &now })
	marked := w.seed("Marked [tf:1a2b3c4d]", "forecast:read")

	for name, c := range map[string]struct {
		arguments string
		want      []string
	}{
		"no filter":      {"", []string{old, dead, powerful, used, marked}},
		"live":           {"live = true", []string{old, powerful, used, marked}},
		"dead":           {"live = false", []string{dead}},
		"status":         {`status = "revoked"`, []string{dead}},
		"older":          {`older_than = "2160h"; live = true`, []string{old}},
		"everything":     {`scope = "*"; live = true`, []string{powerful}},
		"may write":      {`scope = "inventory:write"; live = true`, []string{powerful, used}},
		"wildcards":      {`has_wildcard = true; live = true`, []string{powerful, used}},
		"no wildcards":   {`has_wildcard = false`, []string{old, marked}},
		"name":           {`name_regex = "^(Old|Marked)$"`, []string{old, marked}},
		"marker":         {`marked_by = "terraform"`, []string{marked}},
		"created before": {`created_before = "` + seconds(now.Add(-time.Hour)) + `"; live = true`, []string{old}},
		"created after":  {`created_after = "` + seconds(now.Add(-time.Hour)) + `"`, []string{powerful, used, marked}},
		"unused":         {`unused_for = "720h"; live = true`, []string{old}},
		"nothing":        {`name_regex = "Nobody"`, nil},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var ids []knownvalue.Check
			for _, id := range c.want {
				ids = append(ids, knownvalue.StringExact(id))
			}
			resource.UnitTest(t, resource.TestCase{
				ProtoV6ProviderFactories: w.factories(),
				Steps: []resource.TestStep{{
					Config: w.providerBlock() + data("betterdata_api_keys", "x", c.arguments),
					ConfigStateChecks: []statecheck.StateCheck{
						statecheck.ExpectKnownValue("data.betterdata_api_keys.x", tfjsonpath.New("keys"), knownvalue.ListSizeExact(len(ids))),
						// As a set: the API tells whole seconds, and within one the order is by id.
						statecheck.ExpectKnownValue("data.betterdata_api_keys.x", tfjsonpath.New("ids"), knownvalue.SetExact(ids)),
					},
				}},
			})
		})
	}
}

// TestAccDataAPIKeysOrder: oldest first, whatever the order in which the API lists.
func TestAccDataAPIKeysOrder(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	var want []knownvalue.Check
	for _, name := range []string{"A", "B", "C"} {
		want = append(want, knownvalue.ObjectPartial(map[string]knownvalue.Check{"id": knownvalue.StringExact(w.seed(name, "*"))}))
		w.api.AdvanceClock(time.Minute)
	}
	resource.UnitTest(t, resource.TestCase{
		ProtoV6ProviderFactories: w.factories(),
		Steps: []resource.TestStep{{
			Config: w.providerBlock() + data("betterdata_api_keys", "x", ""),
			ConfigStateChecks: []statecheck.StateCheck{
				statecheck.ExpectKnownValue("data.betterdata_api_keys.x", tfjsonpath.New("keys"), knownvalue.ListExact(want)),
			},
		}},
	})
}

// TestAccDataAPIKeysErrors: a filter that means nothing is refused with the attribute and a remedy, before anything is
// sent (P7).
func TestAccDataAPIKeysErrors(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for arguments, want := range map[string]string{
		`name_regex = "("`:                         `(?s)name_regex.*missing\s+closing`,
		`created_before = "2024-01-31"`:            `(?s)created_before.*2024-01-31T00:00:00Z`,
		`created_after = "yesterday"`:              `(?s)created_after.*RFC\s+3339`,
		`older_than = "90d"`:                       `(?s)older_than.*2160h`,
		`older_than = "-1h"`:                       `(?s)older_than.*not\s+longer\s+than\s+zero`,
		`unused_for = "0s"`:                        `(?s)unused_for.*not\s+longer\s+than\s+zero`,
		`scope = "a b"`:                            `(?s)scope.*several\s+scopes`,
		`marked_by = "hand"`:                       `(?s)marked_by.*terraform`,
		`status = ""`:                              `(?s)status\s+is\s+empty`,
		`created_before = terraform_data.x.output`: `(?s)created_before.*yesterday`,
	} {
		t.Run(arguments, func(t *testing.T) {
			t.Parallel()
			later := "resource \"terraform_data\" \"x\" {\n  input = \"yesterday\"\n}\n"
			resource.UnitTest(t, resource.TestCase{
				ProtoV6ProviderFactories: w.factories(),
				Steps: []resource.TestStep{{
					Config: w.providerBlock() + later + data("betterdata_api_keys", "x", arguments), ExpectError: regexp.MustCompile(want),
				}},
			})
		})
	}
	t.Cleanup(func() {
		if total := w.api.Stats().Total; total != 0 {
			t.Errorf("%d requests were sent, want none", total)
		}
	})
}

// TestAccDataRequests: any number of data sources and resources costs the pages of one listing (P6).
func TestAccDataRequests(t *testing.T) {
	t.Parallel()
	const n, pages = 150, 2
	w := newWorld(t)
	for i := range n {
		w.seed(fmt.Sprintf("Key %d", i), "inventory:read")
	}
	ws := newWorkspace(t, w, `
data "betterdata_api_keys" "all" {
  count = 10
  live  = count.index % 2 == 0 ? true : null
}
data "betterdata_api_key" "by_name" {
  count = 150
  name  = "Key ${count.index}"
}
data "betterdata_api_key" "by_id" {
  count = 150
  id    = data.betterdata_api_keys.all[0].ids[count.index]
}
data "betterdata_scopes" "all" {
  count = 10
}
`)
	w.api.ResetStats()
	ws.must("plan", "-no-color")
	if s := w.api.Stats(); s.Total != pages {
		t.Errorf("320 data sources made %d requests (%v), want %d", s.Total, s.Requests, pages)
	}
}

// TestAccDataFailedListing: an API in trouble is an error, and never an empty list or a missing key (P3).
func TestAccDataFailedListing(t *testing.T) {
	t.Parallel()
	for _, kind := range []sandbox.FaultKind{"500", "502-html", "truncated-json", "broken-json", "unknown-shape", "cut-before"} {
		t.Run(string(kind), func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, sandbox.WithFaults(sandbox.Fault{Operation: "list", Kind: kind}))
			var steps []resource.TestStep
			for _, config := range []string{
				data("betterdata_api_keys", "x", ""), data("betterdata_api_key", "x", `id = "key_1"`), data("betterdata_api_key", "x", `name = "Any"`),
			} {
				steps = append(steps, resource.TestStep{Config: w.providerBlock() + config, ExpectError: regexp.MustCompile(`Cannot list API keys`)})
			}
			resource.UnitTest(t, resource.TestCase{ProtoV6ProviderFactories: w.factories(), Steps: steps})
		})
	}
}

// TestAccDataDialects: every plausible shape of a listing serves the data sources.
func TestAccDataDialects(t *testing.T) {
	t.Parallel()
	for name, dialect := range sandbox.Dialects() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, sandbox.WithDialect(dialect))
			id := w.seed("Dialect", "inventory:read")
			resource.UnitTest(t, resource.TestCase{
				ProtoV6ProviderFactories: w.factories(),
				Steps: []resource.TestStep{{
					Config: w.providerBlock() + data("betterdata_api_key", "x", `name = "Dialect"`) + data("betterdata_api_keys", "x", `live = true; status = "ACTIVE"`),
					Check: resource.ComposeAggregateTestCheckFunc(
						resource.TestCheckResourceAttr("data.betterdata_api_key.x", "id", id),
						resource.TestCheckResourceAttr("data.betterdata_api_keys.x", "ids.0", id),
					),
				}},
			})
		})
	}
}

// TestAccDataUnknownProvider: with a provider configuration that is known only after apply the catalogue is read all
// the same, and what needs the API names the attribute.
func TestAccDataUnknownProvider(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	provider := fmt.Sprintf("resource \"terraform_data\" \"token\" {\n  input = %q\n}\n", w.tokenFile) +
		strings.Replace(w.providerBlock(), fmt.Sprintf("%q", w.tokenFile), "terraform_data.token.output", 1)
	resource.UnitTest(t, resource.TestCase{
		ProtoV6ProviderFactories: w.factories(),
		Steps: []resource.TestStep{
			{
				Config:      provider + data("betterdata_api_keys", "x", ""),
				ExpectError: regexp.MustCompile(`(?s)Listing\s+API\s+keys\s+needs\s+the\s+provider's\s+token_file`),
			},
			{
				Config: provider + data("betterdata_scopes", "x", `area = "reports"`),
				Check:  resource.TestCheckResourceAttr("data.betterdata_scopes.x", "scopes.#", "2"),
			},
		},
	})
}

// TestAccDataScopes: the catalogue, without a request.
func TestAccDataScopes(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	resource.UnitTest(t, resource.TestCase{
		ProtoV6ProviderFactories: w.factories(),
		Steps: []resource.TestStep{
			{
				Config: w.providerBlock() + data("betterdata_scopes", "x", ""),
				Check: resource.ComposeAggregateTestCheckFunc(
					resource.TestCheckResourceAttr("data.betterdata_scopes.x", "areas.#", "7"),
					resource.TestCheckTypeSetElemAttr("data.betterdata_scopes.x", "names.*", "planning:*"),
					resource.TestCheckResourceAttr("data.betterdata_scopes.x", "scopes.0.description", "Read inventory data"),
				),
			},
			{Config: w.providerBlock() + data("betterdata_scopes", "x", `area = "inventories"`), ExpectError: regexp.MustCompile(`(?s)Unknown area.*inventory`)},
		},
	})
	if total := w.api.Stats().Total; total != 0 {
		t.Errorf("%d requests were sent, want none", total)
	}
}
