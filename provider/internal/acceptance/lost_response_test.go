package acceptance

import (
	"net/http"
	"regexp"
	"testing"

	"github.com/hashicorp/terraform-plugin-testing/helper/resource"

	"github.com/betterdataco/terraform-provider-betterdata/apiclient/sandbox"
)

// TestAccLostCreate: the API issues the key and the answer is lost. The apply fails and says so; the next one leaves
// exactly one live key, whatever else goes wrong in between, and touches nobody else's (P2).
func TestAccLostCreate(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		arguments []string
		between   func(w *world)
	}{
		"plain": {},
		"the listing fails too": {between: func(w *world) {
			w.api.AddFault(sandbox.Fault{Operation: "list", Kind: "502-html", Times: 2})
		}},
		"on_destroy is retain":      {arguments: []string{`on_destroy = "retain"`}},
		"the marker is permanent":   {arguments: []string{`name_marker = "permanent"`}},
		"a namesake of another one": {between: func(w *world) { w.seed("Lost", "inventory:read") }},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			config := w.key("Lost", c.arguments...)
			namesakes := 0
			resource.UnitTest(t, resource.TestCase{
				ProtoV6ProviderFactories: w.factories(),
				Steps: []resource.TestStep{
					{
						PreConfig: func() {
							w.fault("create", "cut-after-commit")()
						},
						Config:      config,
						ExpectError: regexp.MustCompile(`(?s)Unknown whether API key "Lost" was created.*next\s+apply\s+revokes\s+it`),
					},
					{
						PreConfig: func() {
							w.expectLive(1)
							before := len(w.live())
							if c.between != nil {
								c.between(w)
							}
							namesakes = len(w.live()) - before
						},
						Config: config,
						Check: resource.ComposeAggregateTestCheckFunc(
							check("exactly one key of ours lives", func() bool { return len(w.live()) == 1+namesakes }),
							check("it is the one in the state", func() bool {
								issued := w.issued()
								return w.use(issued[len(issued)-1]) == http.StatusOK && w.use(issued[0]) == http.StatusUnauthorized
							}),
						),
					},
				},
			})
			want := namesakes
			if name == "on_destroy is retain" {
				want++
			}
			w.expectLive(want)
		})
	}
}

// TestAccLostCreateWithoutMarker: with name_marker = "none" the error names the candidates, and none is touched.
func TestAccLostCreateWithoutMarker(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	config := w.key("Lost", `name_marker = "none"`)
	resource.UnitTest(t, resource.TestCase{
		ProtoV6ProviderFactories: w.factories(),
		Steps: []resource.TestStep{
			{
				PreConfig:   w.fault("create", "cut-after-commit"),
				Config:      config,
				ExpectError: regexp.MustCompile(`(?s)Unknown whether.*Live\s+keys\s+of\s+that\s+name:.*key_\w+.*Revoke`),
			},
			{Config: config, Check: check("the stray and the new one live", func() bool { return len(w.live()) == 2 })},
		},
	})
	w.expectLive(1)
}

// TestAccLostRotate: the successor is issued and the answer is lost. The key in use stays valid all along, and the
// next apply revokes the successor that nobody has and rotates again (P1, P2).
func TestAccLostRotate(t *testing.T) {
	t.Parallel()
	for _, mode := range []string{"temporary", "permanent"} {
		t.Run(mode, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			config := func(n string) string {
				return w.key("Lost", `name_marker = "`+mode+`"`, `rotation = { triggers = { n = "`+n+`" } }`)
			}
			inUse := func() bool { return w.use(w.issued()[0]) == http.StatusOK }
			resource.UnitTest(t, resource.TestCase{
				ProtoV6ProviderFactories: w.factories(),
				Steps: []resource.TestStep{
					{Config: config("1"), Check: check("the first key works", inUse)},
					{
						PreConfig:   w.fault("rotate", "cut-after-commit"),
						Config:      config("2"),
						ExpectError: regexp.MustCompile(`(?s)Unknown whether API key key_\w+ was rotated.*stays\s+in\s+use`),
					},
					{
						PreConfig: func() {
							w.expectLive(2)
							if !inUse() {
								t.Error("the key in use does not work after the lost rotation")
							}
						},
						Config: config("2"),
						Check: resource.ComposeAggregateTestCheckFunc(
							check("the old key works during the overlap", inUse),
							check("the stray is dead, the successor works", func() bool {
								issued := w.issued()
								return len(issued) == 3 && w.use(issued[1]) == http.StatusUnauthorized && w.use(issued[2]) == http.StatusOK
							}),
							resource.TestCheckResourceAttr(address, "previous_keys.#", "1"),
						),
					},
				},
			})
			w.expectLive(0)
		})
	}
}

// TestAccRefusedCreate: a refusal mints nothing and leaves nothing in the state.
func TestAccRefusedCreate(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.api.SetOrganisationActive(false)
	resource.UnitTest(t, resource.TestCase{
		ProtoV6ProviderFactories: w.factories(),
		Steps: []resource.TestStep{
			{Config: w.key("Refused"), ExpectError: regexp.MustCompile(`INACTIVE_ORGANIZATION`)},
			{
				PreConfig: func() { w.api.SetOrganisationActive(true) },
				Config:    w.key("Refused"),
				Check:     check("one key", func() bool { return len(w.live()) == 1 && w.api.Stats().Created == 1 }),
			},
		},
	})
}

// TestAccFollowUpFails: what fails after the plaintext is held is a warning, the key stays, and the next apply
// corrects the name (P1).
func TestAccFollowUpFails(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	var id, plaintext string
	resource.UnitTest(t, resource.TestCase{
		ProtoV6ProviderFactories: w.factories(),
		Steps: []resource.TestStep{
			{
				PreConfig:          func() { w.api.AddFault(sandbox.Fault{Operation: "update", Kind: "500", Times: 1 + retries}) },
				Config:             w.key("Follow"),
				Check:              resource.ComposeAggregateTestCheckFunc(remember("id", &id), remember("plaintext_key", &plaintext)),
				ExpectNonEmptyPlan: true,
			},
			{
				Config: w.key("Follow"),
				Check: resource.ComposeAggregateTestCheckFunc(same("id", &id), same("plaintext_key", &plaintext),
					check("exact name", func() bool { return w.api.LiveKeys()[0].Name == "Follow" })),
			},
		},
	})
}
