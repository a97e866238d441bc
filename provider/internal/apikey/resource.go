// Package apikey is the Terraform side of a Better Data API key: resource betterdata_api_key.
//
// Reading order: schema.go (what the user writes), decide.go (what an update does to keys, pure), modify_plan.go,
// then create.go, read.go with observe.go (what a listing means for the state, pure), update.go, delete.go.
package apikey

import (
	"context"
	"fmt"
	"time"

	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/resource"

	"github.com/betterdataco/terraform-provider-betterdata/apiclient"
	"github.com/betterdataco/terraform-provider-betterdata/provider/internal/connection"
)

var (
	_ resource.Resource                   = (*Resource)(nil)
	_ resource.ResourceWithConfigure      = (*Resource)(nil)
	_ resource.ResourceWithIdentity       = (*Resource)(nil)
	_ resource.ResourceWithImportState    = (*Resource)(nil)
	_ resource.ResourceWithModifyPlan     = (*Resource)(nil)
	_ resource.ResourceWithMoveState      = (*Resource)(nil)
	_ resource.ResourceWithUpgradeState   = (*Resource)(nil)
	_ resource.ResourceWithValidateConfig = (*Resource)(nil)
)

// defaultTimeout bounds the requests of one operation on one resource; the retries of a struggling API fit into it.
const defaultTimeout = 5 * time.Minute

// viewOfThisRun accepts a listing made earlier in the same run: Terraform configures a provider anew for each walk,
// so its Directory is never older than the walk. The bound is for walks that wait long for something else.
//
//nolint:gochecknoglobals // a constant of struct type
var viewOfThisRun = apiclient.Freshness{MaxAge: 10 * time.Minute}

// Resource implements betterdata_api_key.
type Resource struct {
	connection *connection.Connection
}

// NewResource returns the resource for registration.
func NewResource() resource.Resource { return &Resource{} }

// Metadata names the resource.
func (r *Resource) Metadata(_ context.Context, req resource.MetadataRequest, resp *resource.MetadataResponse) {
	resp.TypeName = req.ProviderTypeName + "_api_key"
	resp.ResourceBehavior.MutableIdentity = true
}

// Configure takes over the provider's connection.
func (r *Resource) Configure(_ context.Context, req resource.ConfigureRequest, resp *resource.ConfigureResponse) {
	r.connection = connection.Of(req.ProviderData, &resp.Diagnostics)
}

// refuseOwnKey stops a revocation of the very key that the provider authenticates with: every request after it
// would fail, in this run and in the next.
func (r *Resource) refuseOwnKey(ctx context.Context, key apiclient.Key, diags *diag.Diagnostics) bool {
	remedy := fmt.Sprintf("%s, or set on_destroy = %q to leave the key alive", useAnotherCredential, onDestroyRetain)
	return refusesOwnKey(ctx, r.connection.Client, key, remedy, diags)
}

// addAPIError adds an error that says what failed, what that means for the state, and what to do.
func addAPIError(diags *diag.Diagnostics, summary string, err error, consequence string) {
	diags.AddError(summary, consequence+"\n\n"+err.Error())
}

// describe names a key in a message without anything secret.
func describe(key apiclient.Key) string {
	text := fmt.Sprintf("%s %q (%s...%s", key.ID, key.Name, key.KeyPrefix, key.Last4)
	if key.CreatedAt != nil {
		text += ", created " + key.CreatedAt.UTC().Format(time.RFC3339)
	}
	return text + ")"
}
