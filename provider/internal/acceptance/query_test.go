package acceptance

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/hashicorp/terraform-plugin-testing/helper/resource"
	"github.com/hashicorp/terraform-plugin-testing/knownvalue"
	"github.com/hashicorp/terraform-plugin-testing/querycheck"
	"github.com/hashicorp/terraform-plugin-testing/querycheck/queryfilter"
	"github.com/hashicorp/terraform-plugin-testing/tfjsonpath"
	"github.com/hashicorp/terraform-plugin-testing/tfversion"
)

// since1_14 gates tests of list resources and actions: no other command line has them. What they rest on is tested
// through the protocol, in package simulation, whichever command line there is.
func since1_14() []tfversion.TerraformVersionCheck {
	return []tfversion.TerraformVersionCheck{tfversion.SkipBelow(tfversion.Version1_14_0)}
}

// require1_14 ends a test that runs processes of its own where the command line is too old, and says so.
func (w *world) require1_14() {
	w.t.Helper()
	resource.UnitTest(w.t, resource.TestCase{
		TerraformVersionChecks:   since1_14(),
		ProtoV6ProviderFactories: w.factories(),
		Steps:                    []resource.TestStep{{Config: "output \"x\" {\n  value = 1\n}\n"}},
	})
}

// TestAccQuery: terraform query finds keys by each filter, with identity, display name and resource.
func TestAccQuery(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	reader, admin := w.seed("Reader", "inventory:read"), w.seed("Admin", "*")
	list := func(name, filters string) string {
		return fmt.Sprintf("\nlist \"betterdata_api_key\" %q {\n  provider = betterdata\n  include_resource = true\n  config {\n    %s\n  }\n}\n", name, filters)
	}
	id := func(id string) map[string]knownvalue.Check {
		return map[string]knownvalue.Check{"id": knownvalue.StringExact(id)}
	}
	resource.UnitTest(t, resource.TestCase{
		TerraformVersionChecks:   since1_14(),
		ProtoV6ProviderFactories: w.factories(),
		Steps: []resource.TestStep{
			{Config: w.key("Managed")},
			{
				Query: true,
				// The provider block of the step before is still there.
				Config: list("all", "") + list("named", `name_regex = "^Reader$"`) +
					list("mighty", `scope = "admin:write"`) + list("revoked", `status = "REVOKED"`),
				QueryResultChecks: []querycheck.QueryResultCheck{
					querycheck.ExpectLength("betterdata_api_key.all", 3),
					querycheck.ExpectLength("betterdata_api_key.named", 1),
					querycheck.ExpectLength("betterdata_api_key.mighty", 1),
					querycheck.ExpectNoIdentity("betterdata_api_key.mighty", id(reader)),
					querycheck.ExpectIdentity("betterdata_api_key.named", id(reader)),
					querycheck.ExpectIdentity("betterdata_api_key.mighty", id(admin)),
					querycheck.ExpectResourceDisplayName("betterdata_api_key.named", queryfilter.ByResourceIdentity(id(reader)), shape(`^Reader \(.+\.\.\..{4}\)$`)),
					querycheck.ExpectResourceKnownValues("betterdata_api_key.named", queryfilter.ByResourceIdentity(id(reader)), []querycheck.KnownValueCheck{
						{Path: tfjsonpath.New("name"), KnownValue: knownvalue.StringExact("Reader")},
						{Path: tfjsonpath.New("scopes"), KnownValue: knownvalue.SetExact([]knownvalue.Check{knownvalue.StringExact("inventory:read")})},
						{Path: tfjsonpath.New("plaintext_key"), KnownValue: knownvalue.Null()},
					}),
				},
			},
		},
	})
}

// TestAccQueryGeneratesConfiguration: what the query generates imports the keys as they are, and changes nothing.
func TestAccQueryGeneratesConfiguration(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.require1_14()
	ws := newWorkspace(t, w, "")
	w.seed("Reader", "inventory:read", "forecast:read")
	w.seed("Admin", "*")
	ws.write("find.tfquery.hcl", "list \"betterdata_api_key\" \"all\" {\n  provider = betterdata\n}\n")
	ws.must("query", "-no-color", "-generate-config-out=generated.tf")
	generated, err := os.ReadFile(filepath.Join(ws.dir, "generated.tf"))
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(string(generated), "import {") || strings.Contains(string(generated), "plaintext_key") {
		t.Errorf("generated:\n%s", generated)
	}
	// A query file stays a query file: plan and apply pass it over.
	ws.apply()
	if s := w.api.Stats(); s.Created != 2 || s.Requests["update"]+s.Requests["rotate"]+s.Requests["revoke"] != 0 {
		t.Errorf("importing changed something: %v", s.Requests)
	}
	ws.expectEmptyPlan()
}
