package acceptance

import (
	"net/http"
	"regexp"
	"testing"

	"github.com/hashicorp/terraform-plugin-testing/helper/resource"
	"github.com/hashicorp/terraform-plugin-testing/knownvalue"
	"github.com/hashicorp/terraform-plugin-testing/plancheck"
	"github.com/hashicorp/terraform-plugin-testing/statecheck"
	"github.com/hashicorp/terraform-plugin-testing/tfjsonpath"

	"github.com/betterdataco/terraform-provider-betterdata/apiclient/sandbox"
)

// TestAccAPIKey is the life of a key: created, found unchanged, renamed and rescoped in place, imported, destroyed.
func TestAccAPIKey(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	var id, plaintext string
	resource.UnitTest(t, resource.TestCase{
		ProtoV6ProviderFactories: w.factories(),
		Steps: []resource.TestStep{
			{
				Config: w.key("Forecast reader", `scopes = ["inventory:read", "forecast:read"]`),
				ConfigStateChecks: []statecheck.StateCheck{
					statecheck.ExpectKnownValue(address, tfjsonpath.New("status"), knownvalue.StringExact("ACTIVE")),
					statecheck.ExpectKnownValue(address, tfjsonpath.New("previous_keys"), knownvalue.ListSizeExact(0)),
					statecheck.ExpectKnownValue(address, tfjsonpath.New("next_rotation_at"), knownvalue.Null()),
					statecheck.ExpectSensitiveValue(address, tfjsonpath.New("plaintext_key")),
				},
				Check: resource.ComposeAggregateTestCheckFunc(
					remember("id", &id), remember("plaintext_key", &plaintext),
					check("the key works", func() bool { return w.use(w.issued()[0]) == http.StatusOK }),
					check("the API shows the exact name", func() bool { return w.api.LiveKeys()[0].Name == "Forecast reader" }),
				),
			},
			{
				Config: w.key("Inventory reader", `scopes = ["inventory:*"]`),
				ConfigPlanChecks: resource.ConfigPlanChecks{PreApply: []plancheck.PlanCheck{
					plancheck.ExpectResourceAction(address, plancheck.ResourceActionUpdate),
					plancheck.ExpectKnownValue(address, tfjsonpath.New("id"), knownvalue.NotNull()),
				}},
				Check: resource.ComposeAggregateTestCheckFunc(
					same("id", &id), same("plaintext_key", &plaintext),
					check("the API has name and scopes", func() bool {
						key := w.api.LiveKeys()[0]
						return key.Name == "Inventory reader" && len(key.Scopes) == 1 && key.Scopes[0] == "inventory:*"
					}),
				),
			},
			{
				ResourceName: address, ImportState: true, ImportStateVerify: true,
				ImportStateVerifyIgnore: []string{"plaintext_key"},
			},
		},
	})
	w.expectLive(0)
	if got := w.use(plaintext); got != http.StatusUnauthorized {
		t.Errorf("after destroy the key answers %d, want 401", got)
	}
}

// TestAccAPIKeySettings: a change of settings alone sends no request to change anything.
func TestAccAPIKeySettings(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	resource.UnitTest(t, resource.TestCase{
		ProtoV6ProviderFactories: w.factories(),
		Steps: []resource.TestStep{
			{Config: w.key("Settings"), Check: check("one rename", func() bool { return w.api.Stats().Updated == 1 })},
			{
				Config: w.key("Settings", `on_revoked = "error"`, `rotate_on_import = true`, `timeouts = { create = "1m" }`,
					`rotation = { interval = "2160h", triggers = { release = "1" } }`),
				Check: check("nothing changed at the API", func() bool {
					s := w.api.Stats()
					return s.Updated == 1 && s.Created == 1 && s.Rotated == 0 && s.Revoked == 0
				}),
			},
			{
				Config: w.key("Settings"),
				Check:  check("removing rotation rotates nothing", func() bool { return w.api.Stats().Rotated == 0 }),
			},
		},
	})
}

// TestAccAPIKeyMarkers: what each mode costs and shows.
func TestAccAPIKeyMarkers(t *testing.T) {
	t.Parallel()
	for mode, want := range map[string]struct {
		renames int
		name    *regexp.Regexp
	}{
		"temporary": {renames: 1, name: regexp.MustCompile(`^Marked$`)},
		"permanent": {renames: 0, name: regexp.MustCompile(`^Marked \[tf:[0-9a-f]{8}\]$`)},
		"none":      {renames: 0, name: regexp.MustCompile(`^Marked$`)},
	} {
		t.Run(mode, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			resource.UnitTest(t, resource.TestCase{
				ProtoV6ProviderFactories: w.factories(),
				Steps: []resource.TestStep{{
					Config: w.key("Marked", `name_marker = "`+mode+`"`),
					Check: resource.ComposeAggregateTestCheckFunc(
						resource.TestCheckResourceAttr(address, "name", "Marked"),
						check("renames", func() bool { return w.api.Stats().Updated == want.renames }),
						check("name at the API", func() bool { return want.name.MatchString(w.api.LiveKeys()[0].Name) }),
					),
				}},
			})
			w.expectLive(0)
		})
	}
}

// TestAccAPIKeyRetain: on_destroy = "retain" leaves the current key alive, and only that.
func TestAccAPIKeyRetain(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	var old, current string
	config := func(trigger string) string {
		return w.key("Retained", `on_destroy = "retain"`, `name_marker = "permanent"`, `rotation = { triggers = { n = "`+trigger+`" } }`)
	}
	resource.UnitTest(t, resource.TestCase{
		ProtoV6ProviderFactories: w.factories(),
		Steps: []resource.TestStep{
			{Config: config("1"), Check: remember("plaintext_key", &old)},
			{Config: config("2"), Check: remember("plaintext_key", &current)},
		},
	})
	w.expectLive(1)
	if got := w.use(old); got != http.StatusUnauthorized {
		t.Errorf("the predecessor answers %d after destroy, want 401", got)
	}
	if got := w.use(current); got != http.StatusOK {
		t.Errorf("the retained key answers %d, want 200", got)
	}
	if name := w.api.LiveKeys()[0].Name; name != "Retained" {
		t.Errorf("the retained key is named %q, want its marker gone", name)
	}
}

// TestAccAPIKeyOwnCredential: the key that the provider authenticates with is not revoked.
func TestAccAPIKeyOwnCredential(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	config := func(arguments ...string) string {
		return w.key("Automation", append(arguments, `scopes = ["admin:read", "admin:write"]`)...)
	}
	resource.UnitTest(t, resource.TestCase{
		ProtoV6ProviderFactories: w.factories(),
		Steps: []resource.TestStep{
			{Config: config()},
			{
				PreConfig:   func() { w.useToken(w.issued()[0]) },
				Config:      config(),
				Destroy:     true,
				ExpectError: regexp.MustCompile(`(?s)Refusing to revoke.*authenticates with it`),
			},
			{Config: config(`on_destroy = "retain"`)},
		},
	})
	w.expectLive(1)
}

// TestAccAPIKeyImport: by id, with a warning instead of a plaintext, an empty plan after it, and a rotation to obtain
// a plaintext if asked for.
func TestAccAPIKeyImport(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	id := w.seed("Made by hand", "inventory:read")
	importing := func(arguments ...string) string {
		return w.key("Made by hand", arguments...) + "import {\n  to = " + address + "\n  id = \"" + id + "\"\n}\n"
	}
	resource.UnitTest(t, resource.TestCase{
		ProtoV6ProviderFactories: w.factories(),
		Steps: []resource.TestStep{
			{
				Config: importing(),
				ConfigPlanChecks: resource.ConfigPlanChecks{PreApply: []plancheck.PlanCheck{
					plancheck.ExpectResourceAction(address, plancheck.ResourceActionNoop),
				}},
				Check: resource.ComposeAggregateTestCheckFunc(
					resource.TestCheckNoResourceAttr(address, "plaintext_key"),
					resource.TestCheckResourceAttr(address, "id", id),
					check("nothing was sent but listings", func() bool {
						s := w.api.Stats()
						return s.Updated+s.Rotated+s.Revoked == 0 && s.Created == 1
					}),
				),
			},
			{
				Config: w.key("Made by hand", `rotate_on_import = true`),
				Check: resource.ComposeAggregateTestCheckFunc(
					changed("id", &id),
					resource.TestCheckResourceAttrSet(address, "plaintext_key"),
					check("both keys live", func() bool { return len(w.live()) == 2 }),
				),
			},
		},
	})
	w.expectLive(0)
}

// TestAccAPIKeyImportUnknown: an id that does not exist is an error, not an empty object.
func TestAccAPIKeyImportUnknown(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	resource.UnitTest(t, resource.TestCase{
		ProtoV6ProviderFactories: w.factories(),
		Steps: []resource.TestStep{{
			Config:       w.key("Nobody"),
			ResourceName: address, ImportState: true, ImportStateId: "key_nobody",
			ExpectError: regexp.MustCompile(`(?s)Cannot import non-existent remote object`),
		}},
	})
}

// TestAccAPIKeyDialects: every plausible shape of the API serves the whole life of a key.
func TestAccAPIKeyDialects(t *testing.T) {
	t.Parallel()
	for name, dialect := range sandbox.Dialects() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, sandbox.WithDialect(dialect))
			var first string
			resource.UnitTest(t, resource.TestCase{
				ProtoV6ProviderFactories: w.factories(),
				Steps: []resource.TestStep{
					{
						Config: w.key("Dialect", `rotation = { overlap = "0s", triggers = { n = "1" } }`),
						Check:  remember("plaintext_key", &first),
					},
					{Config: w.key("Renamed", `scopes = ["inventory:*"]`, `rotation = { overlap = "0s", triggers = { n = "1" } }`), Check: same("plaintext_key", &first)},
					{
						Config: w.key("Renamed", `scopes = ["inventory:*"]`, `rotation = { overlap = "0s", triggers = { n = "2" } }`),
						Check: resource.ComposeAggregateTestCheckFunc(
							changed("plaintext_key", &first),
							check("exactly one key lives", func() bool { return len(w.live()) == 1 }),
							check("it has the name and works", func() bool {
								issued := w.issued()
								return w.api.LiveKeys()[0].Name == "Renamed" && w.use(issued[len(issued)-1]) == http.StatusOK
							}),
						),
					},
				},
			})
			w.expectLive(0)
		})
	}
}
