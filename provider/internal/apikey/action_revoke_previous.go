package apikey

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/hashicorp/terraform-plugin-framework-validators/setvalidator"
	"github.com/hashicorp/terraform-plugin-framework-validators/stringvalidator"
	"github.com/hashicorp/terraform-plugin-framework/action"
	"github.com/hashicorp/terraform-plugin-framework/action/schema"
	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/path"
	"github.com/hashicorp/terraform-plugin-framework/schema/validator"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/betterdataco/terraform-provider-betterdata/apiclient"
)

var (
	_ action.ActionWithConfigure      = (*RevokePreviousAction)(nil)
	_ action.ActionWithValidateConfig = (*RevokePreviousAction)(nil)
)

// RevokePreviousAction implements action betterdata_api_key_revoke_previous: the overlap of a rotation ends now.
type RevokePreviousAction struct{ revoker }

// NewRevokePreviousAction returns the action for registration.
func NewRevokePreviousAction() action.Action { return &RevokePreviousAction{} }

// Metadata names the action.
func (a *RevokePreviousAction) Metadata(_ context.Context, req action.MetadataRequest, resp *action.MetadataResponse) {
	resp.TypeName = req.ProviderTypeName + "_api_key_revoke_previous"
}

// Schema describes the action.
func (a *RevokePreviousAction) Schema(_ context.Context, _ action.SchemaRequest, resp *action.SchemaResponse) {
	resp.Schema = schema.Schema{
		MarkdownDescription: "Ends the overlap of a rotation before its time: revokes the predecessors of a key, once everything uses the new one. " +
			"Nothing is revoked unless the key to keep is alive. Keys that are revoked already are no error. " +
			"The key that the provider authenticates with is refused.\n\n" +
			"~> There is no way back. Whatever still uses one of the predecessors is cut off.",
		Attributes: map[string]schema.Attribute{
			"ids": schema.SetAttribute{
				Required: true, ElementType: types.StringType,
				MarkdownDescription: "Ids of the keys to revoke, as a rule `betterdata_api_key.<name>.previous_keys[*].id`. May be empty.",
				Validators:          []validator.Set{setvalidator.ValueStringsAre(stringvalidator.LengthAtLeast(1))},
			},
			"keep": schema.StringAttribute{
				Required: true,
				MarkdownDescription: "Id of the key that has taken over, as a rule `betterdata_api_key.<name>.id`. " +
					"It has to be alive, and may not be among `ids`.",
				Validators: []validator.String{stringvalidator.LengthAtLeast(1)},
			},
		},
	}
}

type revokePreviousModel struct {
	IDs  types.Set    `tfsdk:"ids"`
	Keep types.String `tfsdk:"keep"`
}

// ValidateConfig refuses to revoke the key to keep, as far as both are known.
func (a *RevokePreviousAction) ValidateConfig(ctx context.Context, req action.ValidateConfigRequest, resp *action.ValidateConfigResponse) {
	var config revokePreviousModel
	resp.Diagnostics.Append(req.Config.Get(ctx, &config)...)
	if !resp.Diagnostics.HasError() {
		config.check(&resp.Diagnostics)
	}
}

func (m *revokePreviousModel) check(diags *diag.Diagnostics) {
	if !m.Keep.IsNull() && !m.Keep.IsUnknown() && slices.ContainsFunc(m.IDs.Elements(), m.Keep.Equal) {
		diags.AddAttributeError(path.Root("keep"), "The key to keep is among the keys to revoke",
			fmt.Sprintf("%s is in ids, too. Take it out of ids: revoking it would cut off everything that has moved to the new key.", m.Keep.ValueString()))
	}
}

// Invoke revokes the predecessors. Everything is looked up and checked before the first one is revoked.
func (a *RevokePreviousAction) Invoke(ctx context.Context, req action.InvokeRequest, resp *action.InvokeResponse) {
	var config revokePreviousModel
	resp.Diagnostics.Append(req.Config.Get(ctx, &config)...)
	config.check(&resp.Diagnostics)
	if resp.Diagnostics.HasError() || !a.connection.RequireReady(&resp.Diagnostics, "revoking keys") {
		return
	}
	ids := stringsOf(config.IDs)
	if len(ids) == 0 {
		tell(resp, "%s has no predecessors: nothing to do", config.Keep.ValueString())
		return
	}
	slices.Sort(ids)
	ctx = apiclient.WithTimeBudget(ctx, defaultTimeout)
	tell(resp, "Looking up %s, which is kept, and its predecessors %s", config.Keep.ValueString(), strings.Join(ids, ", "))
	if !a.keepIsAlive(ctx, config.Keep.ValueString(), resp) {
		return
	}
	var doomed []apiclient.Key
	for _, id := range ids {
		if key, ok := a.revocable(ctx, id, resp.Diagnostics.AddWarning, resp); ok {
			doomed = append(doomed, key)
		}
	}
	if !resp.Diagnostics.HasError() {
		a.revokeEach(ctx, doomed, resp)
	}
}

// keepIsAlive makes sure that revoking the predecessors leaves a key that works (P1).
func (a *RevokePreviousAction) keepIsAlive(ctx context.Context, id string, resp *action.InvokeResponse) bool {
	key, absent, err := a.lookUp(ctx, id)
	switch {
	case err != nil:
		addAPIError(&resp.Diagnostics, "Cannot look up API key "+id, err, "Nothing was revoked.")
		return false
	case absent:
		resp.Diagnostics.AddAttributeError(path.Root("keep"), "No API key "+id,
			"Two complete listings do not show the key to keep. Nothing was revoked: its predecessors may be all that works.")
		return false
	case !key.Live():
		resp.Diagnostics.AddAttributeError(path.Root("keep"), fmt.Sprintf("%s is %s", id, key.Status),
			"The key to keep does not work any more. Nothing was revoked: its predecessors may be all that works.")
		return false
	}
	return true
}

// revokeEach goes on after a failure: every predecessor that can be revoked is one less.
func (a *RevokePreviousAction) revokeEach(ctx context.Context, doomed []apiclient.Key, resp *action.InvokeResponse) {
	var revoked, failed []string
	for i, key := range doomed {
		tell(resp, "Revoking %d of %d: %s", i+1, len(doomed), describe(key))
		if err := a.connection.Client.RevokeKey(ctx, key.ID); err != nil {
			failed = append(failed, key.ID+": "+err.Error())
			continue
		}
		revoked = append(revoked, key.ID)
		tell(resp, "%s is revoked", key.ID)
	}
	if len(failed) == 0 {
		return
	}
	done := "None was revoked."
	if len(revoked) > 0 {
		done = "Revoked: " + strings.Join(revoked, ", ") + "."
	}
	resp.Diagnostics.AddError(fmt.Sprintf("%d of %d keys were not revoked", len(failed), len(doomed)),
		done+" May still be alive:\n  - "+strings.Join(failed, "\n  - ")+"\nInvoke the action again: what is revoked already is passed over.")
}
