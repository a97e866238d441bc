package apikey

import (
	"context"
	"fmt"

	"github.com/hashicorp/terraform-plugin-framework/diag"

	"github.com/betterdataco/terraform-provider-betterdata/apiclient"
)

// useAnotherCredential is what to do about a refusal of refusesOwnKey, wherever it happens.
const useAnotherCredential = "Give the provider another credential first, for example a session token"

// refusesOwnKey reports an error when key is the one that the provider authenticates with, or when that cannot be
// told: revoking it would fail every request after it, in this run and in the next.
func refusesOwnKey(ctx context.Context, client *apiclient.Client, key apiclient.Key, remedy string, diags *diag.Diagnostics) bool {
	own, err := client.OwnsToken(ctx, key)
	if err != nil {
		addAPIError(diags, "Cannot read the provider's credential", err, "Nothing was changed.")
		return true
	}
	if own {
		diags.AddError(fmt.Sprintf("Refusing to revoke %s: the provider authenticates with it", key.ID),
			fmt.Sprintf("%s is the provider's own credential (its prefix %s and its last four characters %s agree). Revoking it would lock Terraform out. %s.",
				key.ID, key.KeyPrefix, key.Last4, remedy))
	}
	return own
}
