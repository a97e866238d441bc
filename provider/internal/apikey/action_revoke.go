package apikey

import (
	"context"

	"github.com/hashicorp/terraform-plugin-framework-validators/stringvalidator"
	"github.com/hashicorp/terraform-plugin-framework/action"
	"github.com/hashicorp/terraform-plugin-framework/action/schema"
	"github.com/hashicorp/terraform-plugin-framework/schema/validator"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/betterdataco/terraform-provider-betterdata/apiclient"
)

var _ action.ActionWithConfigure = (*RevokeAction)(nil)

// RevokeAction implements action betterdata_api_key_revoke: one key dies now, whoever made it.
type RevokeAction struct{ revoker }

// NewRevokeAction returns the action for registration.
func NewRevokeAction() action.Action { return &RevokeAction{} }

// Metadata names the action.
func (a *RevokeAction) Metadata(_ context.Context, req action.MetadataRequest, resp *action.MetadataResponse) {
	resp.TypeName = req.ProviderTypeName + "_api_key_revoke"
}

// Schema describes the action.
func (a *RevokeAction) Schema(_ context.Context, _ action.SchemaRequest, resp *action.SchemaResponse) {
	resp.Schema = schema.Schema{
		MarkdownDescription: "Revokes one API key at once, whoever made it: the answer to a leaked key. A key that is revoked already is no error; an id that the API " +
			"does not list is, since a mistyped id must not pass for a revoked key. " +
			"The key that the provider authenticates with is refused.\n\n" +
			"~> There is no way back. Whatever uses the key is cut off. A key that is managed by a `betterdata_api_key` " +
			"is replaced by the next apply, or reported, as its `on_revoked` says.",
		Attributes: map[string]schema.Attribute{
			"id": schema.StringAttribute{
				Required:            true,
				MarkdownDescription: "Id of the key to revoke, such as `key_123`.",
				Validators:          []validator.String{stringvalidator.LengthAtLeast(1)},
			},
		},
	}
}

// Invoke revokes the key.
func (a *RevokeAction) Invoke(ctx context.Context, req action.InvokeRequest, resp *action.InvokeResponse) {
	var config struct {
		ID types.String `tfsdk:"id"`
	}
	resp.Diagnostics.Append(req.Config.Get(ctx, &config)...)
	if resp.Diagnostics.HasError() || !a.connection.RequireReady(&resp.Diagnostics, "revoking a key") {
		return
	}
	ctx = apiclient.WithTimeBudget(ctx, defaultTimeout)
	id := config.ID.ValueString()
	tell(resp, "Looking up %s", id)
	key, ok := a.revocable(ctx, id, resp.Diagnostics.AddError, resp)
	if !ok {
		return
	}
	tell(resp, "Revoking %s", describe(key))
	if err := a.connection.Client.RevokeKey(ctx, id); err != nil {
		addAPIError(&resp.Diagnostics, "Cannot revoke API key "+id, err, "The key may still be alive: invoke the action again.")
		return
	}
	tell(resp, "%s is revoked", id)
}
