package apikey

import (
	"fmt"
	"time"

	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/path"
)

// advisedInterval is the vendor's advice: rotate keys periodically, e.g. every 90 days.
const advisedInterval = 90 * 24 * time.Hour

// guideScope warns of scopes that grant more than a job usually needs.
func guideScope(at path.Path, scope string, diags *diag.Diagnostics) {
	switch scope {
	case "*":
		diags.AddAttributeWarning(at, "The key may do everything",
			`"*" grants every operation, also those that the vendor adds later. Grant the scopes that the key's user needs, or a wildcard of one area such as "inventory:*".`)
	case "admin:write", "admin:*":
		diags.AddAttributeWarning(at, "The key may administer the tenant",
			fmt.Sprintf("With %q whoever holds this key can issue and revoke keys, itself included. Grant it to automation that manages keys, and to nothing else.", scope))
	}
}

// guideRotation warns of settings that are allowed and seldom meant.
func guideRotation(block rotationModel, diags *diag.Diagnostics) {
	at, policy := path.Root("rotation"), block.policy()
	if policy.Interval > advisedInterval {
		diags.AddAttributeWarning(at.AtName("interval"), "The key lives longer than advised",
			fmt.Sprintf("The vendor advises to rotate keys every 90 days (2160h); this one lives for %s.", shortDuration(policy.Interval)))
	}
	if policy.Overlap == 0 {
		diags.AddAttributeWarning(at.AtName("overlap"), "A rotation cuts consumers off",
			"With an overlap of 0s the old key is revoked in the apply that rotates it, and whatever still uses it fails until it has the new one. "+
				"That is right for a leaked key. For routine, leave time for consumers to change over.")
	}
}
