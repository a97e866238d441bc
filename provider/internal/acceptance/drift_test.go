package acceptance

import (
	"net/http"
	"regexp"
	"testing"
	"time"

	"github.com/hashicorp/terraform-plugin-testing/helper/resource"
	"github.com/hashicorp/terraform-plugin-testing/plancheck"

	"github.com/betterdataco/terraform-provider-betterdata/apiclient/sandbox"
)

// first returns the id of the oldest live key.
func (w *world) first() string { return w.live()[0] }

func (w *world) edit(edit func(*sandbox.Key)) {
	w.t.Helper()
	if err := w.api.EditKey(w.first(), edit); err != nil {
		w.t.Fatal(err)
	}
}

// TestAccDriftInPlace: renamed or rescoped behind our back is put right in place; no key is issued (P4).
func TestAccDriftInPlace(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	config := w.key("Drifting", `scopes = ["inventory:read"]`)
	var id, plaintext string
	resource.UnitTest(t, resource.TestCase{
		ProtoV6ProviderFactories: w.factories(),
		Steps: []resource.TestStep{
			{Config: config, Check: resource.ComposeAggregateTestCheckFunc(remember("id", &id), remember("plaintext_key", &plaintext))},
			{
				PreConfig: func() {
					w.edit(func(k *sandbox.Key) { k.Name, k.Scopes = "Hijacked", []string{"*"} })
				},
				Config: config, ConfigPlanChecks: updated(),
				Check: resource.ComposeAggregateTestCheckFunc(same("id", &id), same("plaintext_key", &plaintext),
					check("put right", func() bool {
						key := w.api.LiveKeys()[0]
						return key.Name == "Drifting" && len(key.Scopes) == 1 && key.Scopes[0] == "inventory:read"
					})),
			},
		},
	})
}

// TestAccDriftDead: a key revoked, expired or deleted behind our back is issued anew, or stops the plan, as asked.
func TestAccDriftDead(t *testing.T) {
	t.Parallel()
	for name, kill := range map[string]func(w *world){
		"revoked": func(w *world) { w.edit(func(k *sandbox.Key) { k.Status = "REVOKED" }) },
		"expired": func(w *world) {
			past := w.api.Now().Add(-time.Hour)
			w.edit(func(k *sandbox.Key) { k.ExpiresAt = &past })
		},
		"deleted": func(w *world) {
			if err := w.api.DeleteKey(w.first()); err != nil {
				w.t.Fatal(err)
			}
			w.api.AdvanceClock(time.Hour)
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			config := func(onRevoked string) string { return w.key("Mortal", `on_revoked = "`+onRevoked+`"`) }
			var plaintext string
			resource.UnitTest(t, resource.TestCase{
				ProtoV6ProviderFactories: w.factories(),
				Steps: []resource.TestStep{
					{Config: config("error"), Check: remember("plaintext_key", &plaintext)},
					{
						PreConfig: func() { kill(w) }, Config: config("error"),
						ExpectError: regexp.MustCompile(`(?s)is (REVOKED|EXPIRED|ABSENT).*on_revoked`),
					},
					{
						Config: config("recreate"),
						Check: resource.ComposeAggregateTestCheckFunc(changed("plaintext_key", &plaintext),
							resource.TestCheckResourceAttr(address, "status", "ACTIVE"),
							check("one live key that works", func() bool {
								issued := w.issued()
								return len(w.live()) == 1 && w.use(issued[len(issued)-1]) == http.StatusOK
							})),
					},
				},
			})
			w.expectLive(0)
		})
	}
}

// TestAccDriftYoungAbsence: a listing that lags behind a create is no reason to issue another key (P3).
func TestAccDriftYoungAbsence(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	var id string
	resource.UnitTest(t, resource.TestCase{
		ProtoV6ProviderFactories: w.factories(),
		Steps: []resource.TestStep{
			{Config: w.key("Young"), Check: remember("id", &id)},
			{
				PreConfig: func() {
					w.api.AddFault(sandbox.Fault{Operation: "list", Kind: "listing-lag", Latency: time.Hour})
				},
				Config: w.key("Young"), ConfigPlanChecks: unchanged(), Check: same("id", &id),
			},
		},
	})
}

// TestAccReadErrors: a listing that fails, in whatever way, changes nothing in the state and says what happened (P3).
func TestAccReadErrors(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		fail func(w *world)
		heal func(w *world)
		want string
	}{
		"a 502 page of a proxy": {fail: listing("502-html"), want: `502`},
		"a truncated body":      {fail: listing("truncated-json"), want: `(?s)list keys`},
		"an unknown shape":      {fail: listing("unknown-shape"), want: `(?s)list keys`},
		"a redirect":            {fail: listing("redirect"), want: `(?s)base_url`},
		"a 401": {
			fail: func(w *world) { w.useToken("not-a-token") },
			heal: func(w *world) { w.useToken(w.api.SessionToken()) },
			want: `(?s)401.*INVALID_API_KEY`,
		},
		"a 403": {
			fail: func(w *world) { w.api.SetOrganisationActive(false) },
			heal: func(w *world) { w.api.SetOrganisationActive(true) },
			want: `(?s)403.*INACTIVE_ORGANIZATION`,
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			config := w.key("Steady")
			var id, plaintext string
			resource.UnitTest(t, resource.TestCase{
				ProtoV6ProviderFactories: w.factories(),
				Steps: []resource.TestStep{
					{Config: config, Check: resource.ComposeAggregateTestCheckFunc(remember("id", &id), remember("plaintext_key", &plaintext))},
					{PreConfig: func() { c.fail(w) }, Config: config, ExpectError: regexp.MustCompile(c.want)},
					{
						PreConfig: func() {
							w.api.ClearFaults()
							if c.heal != nil {
								c.heal(w)
							}
						},
						Config: config,
						ConfigPlanChecks: resource.ConfigPlanChecks{PreApply: []plancheck.PlanCheck{
							plancheck.ExpectEmptyPlan(),
						}},
						Check: resource.ComposeAggregateTestCheckFunc(same("id", &id), same("plaintext_key", &plaintext),
							check("nothing was issued or revoked", func() bool {
								s := w.api.Stats()
								return s.Created == 1 && s.Rotated == 0 && s.Revoked == 0
							})),
					},
				},
			})
		})
	}
}

// listing makes every listing fail in the given way until the faults are cleared.
func listing(kind sandbox.FaultKind) func(w *world) {
	return func(w *world) { w.api.AddFault(sandbox.Fault{Operation: "list", Kind: kind}) }
}
