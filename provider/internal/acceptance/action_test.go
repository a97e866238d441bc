package acceptance

import (
	"fmt"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/hashicorp/terraform-plugin-testing/helper/resource"
)

// after is a resource that triggers an action whenever its input changes.
func after(action, input string) string {
	return fmt.Sprintf(`
resource "terraform_data" "after" {
  input = %q
  lifecycle {
    action_trigger {
      events  = [after_create, after_update]
      actions = [action.%s]
    }
  }
}
`, input, action)
}

// TestAccActionRevoke: an action revokes one key in an apply, and the provider's own credential never.
func TestAccActionRevoke(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	leaked, other := w.seed("Leaked", "inventory:read"), w.seed("Other", "inventory:read")
	revoke := func(id string) string {
		return w.providerBlock() + fmt.Sprintf("action \"betterdata_api_key_revoke\" \"x\" {\n  config {\n    id = %q\n  }\n}\n", id)
	}
	resource.UnitTest(t, resource.TestCase{
		TerraformVersionChecks:   since1_14(),
		ProtoV6ProviderFactories: w.factories(),
		Steps: []resource.TestStep{
			{
				Config: revoke(leaked) + after("betterdata_api_key_revoke.x", "1"),
				Check:  check("that key is dead, the other alive", func() bool { return slices.Equal(w.live(), []string{other}) }),
			},
			{
				Config: revoke(leaked) + after("betterdata_api_key_revoke.x", "2"),
				Check:  check("revoking it again is no error", func() bool { return slices.Equal(w.live(), []string{other}) }),
			},
		},
	})
}

// TestAccActionRevokeRefusals: what is refused, as a user of the command line sees it.
func TestAccActionRevokeRefusals(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	old, current := w.seed("Old", "inventory:read"), w.seed("Current", "inventory:read")
	previous := func(keep string) string {
		return w.providerBlock() + fmt.Sprintf(
			"action \"betterdata_api_key_revoke_previous\" \"x\" {\n  config {\n    ids  = [%q]\n    keep = %q\n  }\n}\n", old, keep)
	}
	const trigger = "betterdata_api_key_revoke_previous.x"
	resource.UnitTest(t, resource.TestCase{
		TerraformVersionChecks:   since1_14(),
		ProtoV6ProviderFactories: w.factories(),
		Steps: []resource.TestStep{
			{Config: previous(old) + after(trigger, "1"), ExpectError: regexp.MustCompile(`(?s)The key to keep is among the keys to revoke`)},
			{Config: previous("key_unheard_of") + after(trigger, "1"), ExpectError: regexp.MustCompile(`(?s)No API key key_unheard_of.*Nothing\s+was\s+revoked`)},
			{
				Config: previous(current) + after(trigger, "2"),
				Check:  check("the predecessor is dead", func() bool { return slices.Equal(w.live(), []string{current}) }),
			},
		},
	})
}

// TestAccActionAfterRollout: the overlap lasts as long as the rollout of the new key, all in one apply.
func TestAccActionAfterRollout(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	config := func(n string) string {
		return w.key("Rollout", fmt.Sprintf(`rotation = { overlap = "24h", triggers = { n = %q } }`, n)) + endOverlap +
			strings.Replace(after("betterdata_api_key_revoke_previous.end_overlap", "x"), `"x"`, "betterdata_api_key.test.id", 1)
	}
	resource.UnitTest(t, resource.TestCase{
		TerraformVersionChecks:   since1_14(),
		ProtoV6ProviderFactories: w.factories(),
		Steps: []resource.TestStep{
			{Config: config("1"), Check: check("one key", func() bool { return len(w.live()) == 1 })},
			{Config: config("2"), Check: check("the new key alone is alive", func() bool {
				return len(w.live()) == 1 && w.api.Stats().Rotated == 1 && w.use(w.issued()[1]) == http.StatusOK
			})},
		},
	})
}

// endOverlap ends the overlap of a rotation by hand.
const endOverlap = `
action "betterdata_api_key_revoke_previous" "end_overlap" {
  config {
    ids  = betterdata_api_key.test.previous_keys[*].id
    keep = betterdata_api_key.test.id
  }
}
`

// TestAccActionInvoked: terraform apply -invoke ends an overlap, shows its progress, and leaves a plan that is empty.
func TestAccActionInvoked(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.require1_14()
	rotated := func(n string) string {
		return fmt.Sprintf("resource \"betterdata_api_key\" \"test\" {\n  name = \"Overlap\"\n  scopes = [\"inventory:read\"]\n"+
			"  rotation = { overlap = \"24h\", triggers = { n = %q } }\n}\n", n) + endOverlap
	}
	ws := newWorkspace(t, w, rotated("1"))
	ws.apply()
	ws.configure(rotated("2"))
	ws.apply()
	w.expectLive(2)
	ws.expectEmptyPlan()
	output := ws.must("apply", "-auto-approve", "-no-color", "-invoke=action.betterdata_api_key_revoke_previous.end_overlap")
	for _, want := range []string{"Revoking 1 of 1", "is revoked"} {
		if !strings.Contains(output, want) {
			t.Errorf("the output lacks %q:\n%s", want, tail(output))
		}
	}
	w.expectLive(1)
	for _, plaintext := range ws.plaintexts() {
		if status := w.use(plaintext); status != http.StatusOK {
			t.Errorf("the key that was kept answers %d", status)
		}
	}
	ws.apply()
	ws.expectEmptyPlan()
	ws.destroy()
	w.expectLive(0)
}
