package acceptance

import (
	"net/http"
	"regexp"
	"testing"
	"time"

	"github.com/hashicorp/terraform-plugin-testing/helper/resource"
	"github.com/hashicorp/terraform-plugin-testing/plancheck"
)

func unchanged() resource.ConfigPlanChecks {
	return resource.ConfigPlanChecks{PreApply: []plancheck.PlanCheck{plancheck.ExpectEmptyPlan()}}
}

func updated() resource.ConfigPlanChecks {
	return resource.ConfigPlanChecks{PreApply: []plancheck.PlanCheck{
		plancheck.ExpectResourceAction(address, plancheck.ResourceActionUpdate),
	}}
}

// TestAccRotationByInterval is the whole cycle: nothing before it is due, a rotation that leaves the old key working,
// nothing while the overlap lasts, and a revocation by exactly one apply after it (P1).
func TestAccRotationByInterval(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	config := w.key("Rotated", `rotation = { interval = "2160h", overlap = "24h" }`)
	var id, old, current string
	works := func(plaintext *string, want int) resource.TestCheckFunc {
		return check("status of a key", func() bool { return w.use(*plaintext) == want })
	}
	resource.UnitTest(t, resource.TestCase{
		ProtoV6ProviderFactories: w.factories(),
		Steps: []resource.TestStep{
			{Config: config, Check: resource.ComposeAggregateTestCheckFunc(remember("id", &id), remember("plaintext_key", &old))},
			{PreConfig: w.later(89 * 24 * time.Hour), Config: config, ConfigPlanChecks: unchanged(), Check: same("id", &id)},
			{
				PreConfig: w.later(2 * 24 * time.Hour), Config: config, ConfigPlanChecks: updated(),
				Check: resource.ComposeAggregateTestCheckFunc(
					changed("id", &id), changed("plaintext_key", &old), remember("plaintext_key", &current),
					resource.TestCheckResourceAttr(address, "previous_keys.#", "1"),
					resource.TestCheckResourceAttr(address, "previous_keys.0.due", "false"),
					resource.TestCheckResourceAttr(address, "rotation_due", "false"),
					works(&old, http.StatusOK), works(&current, http.StatusOK),
					check("the new key has the exact name, the old one a marker", func() bool {
						keys := w.api.LiveKeys()
						return keys[1].Name == "Rotated" && regexp.MustCompile(`^Rotated \[tf:`).MatchString(keys[0].Name)
					}),
				),
			},
			{PreConfig: w.later(23 * time.Hour), Config: config, ConfigPlanChecks: unchanged(), Check: works(&old, http.StatusOK)},
			{
				PreConfig: w.later(2 * time.Hour), Config: config, ConfigPlanChecks: updated(),
				Check: resource.ComposeAggregateTestCheckFunc(
					same("plaintext_key", &current),
					resource.TestCheckResourceAttr(address, "previous_keys.#", "0"),
					works(&old, http.StatusUnauthorized), works(&current, http.StatusOK),
				),
			},
			{Config: config, ConfigPlanChecks: unchanged()},
		},
	})
	w.expectLive(0)
}

// TestAccRotationByTrigger: a change of a recorded map rotates, its first appearance and its removal do not.
func TestAccRotationByTrigger(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	var plaintext string
	resource.UnitTest(t, resource.TestCase{
		ProtoV6ProviderFactories: w.factories(),
		Steps: []resource.TestStep{
			{Config: w.key("Triggered"), Check: remember("plaintext_key", &plaintext)},
			{Config: w.key("Triggered", `rotation = { triggers = { release = "1" } }`), Check: same("plaintext_key", &plaintext)},
			{Config: w.key("Triggered", `rotation = { triggers = { release = "2" } }`), Check: resource.ComposeAggregateTestCheckFunc(
				changed("plaintext_key", &plaintext), remember("plaintext_key", &plaintext))},
			{Config: w.key("Triggered", `rotation = { triggers = {} }`), Check: resource.ComposeAggregateTestCheckFunc(
				changed("plaintext_key", &plaintext), remember("plaintext_key", &plaintext))},
			{Config: w.key("Triggered", `rotation = { interval = "24h", overlap = "1h" }`), Check: same("plaintext_key", &plaintext)},
			{Config: w.key("Triggered"), Check: same("plaintext_key", &plaintext)},
		},
	})
	w.expectLive(0)
}

// TestAccRotationTriggerKnownAfterApply: a trigger that another resource computes neither breaks the plan nor rotates
// when it turns out to be the same.
func TestAccRotationTriggerKnownAfterApply(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	config := func(input, n string) string {
		return `resource "terraform_data" "release" {
  input            = "` + input + `"
  triggers_replace = "` + n + `"
}
` + w.key("Computed", `rotation = { triggers = { release = terraform_data.release.output } }`)
	}
	var plaintext string
	resource.UnitTest(t, resource.TestCase{
		ProtoV6ProviderFactories: w.factories(),
		Steps: []resource.TestStep{
			{Config: config("a", "1"), Check: remember("plaintext_key", &plaintext)},
			{Config: config("a", "2"), Check: same("plaintext_key", &plaintext)},
			{Config: config("b", "2"), Check: changed("plaintext_key", &plaintext)},
		},
	})
}

// TestAccRotationOverlapZero: the old key dies in the same apply.
func TestAccRotationOverlapZero(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	var old string
	config := func(n string) string {
		return w.key("Leaked", `rotation = { overlap = "0s", triggers = { n = "`+n+`" } }`)
	}
	resource.UnitTest(t, resource.TestCase{
		ProtoV6ProviderFactories: w.factories(),
		Steps: []resource.TestStep{
			{Config: config("1"), Check: remember("plaintext_key", &old)},
			{Config: config("2"), Check: resource.ComposeAggregateTestCheckFunc(
				resource.TestCheckResourceAttr(address, "previous_keys.#", "0"),
				check("the old key is dead", func() bool { return w.use(old) == http.StatusUnauthorized }),
			)},
		},
	})
}

// TestAccRotationIntervalChanged: a shorter interval is recorded by one apply and acted upon by the next; a longer one
// never rotates, even when the old one was due already.
func TestAccRotationIntervalChanged(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	var plaintext string
	interval := func(d string) string { return w.key("Interval", `rotation = { interval = "`+d+`", overlap = "1h" }`) }
	resource.UnitTest(t, resource.TestCase{
		ProtoV6ProviderFactories: w.factories(),
		Steps: []resource.TestStep{
			{Config: interval("240h"), Check: remember("plaintext_key", &plaintext)},
			{PreConfig: w.later(11 * 24 * time.Hour), Config: interval("480h"), Check: same("plaintext_key", &plaintext)},
			{
				Config: interval("24h"), ExpectNonEmptyPlan: true,
				Check: resource.ComposeAggregateTestCheckFunc(same("plaintext_key", &plaintext),
					resource.TestCheckResourceAttr(address, "rotation_due", "true")),
			},
			{Config: interval("24h"), Check: changed("plaintext_key", &plaintext)},
		},
	})
}

// TestAccRotationIntervalKnownAfterApply: an interval that another resource computes, and that turns out the same, lets a
// key that is due rotate without an inconsistent plan.
func TestAccRotationIntervalKnownAfterApply(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	config := func(n string) string {
		return `resource "terraform_data" "policy" {
  input            = "2160h"
  triggers_replace = "` + n + `"
}
` + w.key("Computed", `rotation = { interval = terraform_data.policy.output }`)
	}
	var plaintext string
	resource.UnitTest(t, resource.TestCase{
		ProtoV6ProviderFactories: w.factories(),
		Steps: []resource.TestStep{
			{Config: config("1"), Check: remember("plaintext_key", &plaintext)},
			{PreConfig: w.later(91 * 24 * time.Hour), Config: config("2"), Check: changed("plaintext_key", &plaintext)},
		},
	})
}
