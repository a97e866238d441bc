package apikey

import (
	"context"

	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/path"
	"github.com/hashicorp/terraform-plugin-framework/resource"
	"github.com/hashicorp/terraform-plugin-framework/tfsdk"
	"github.com/hashicorp/terraform-plugin-framework/types"
)

// ImportState takes a key over by its id or identity, with the defaults of every setting, so that the plan after it is
// empty for a configuration that matches. Read fills in the rest.
func (r *Resource) ImportState(ctx context.Context, req resource.ImportStateRequest, resp *resource.ImportStateResponse) {
	resource.ImportStatePassthroughWithIdentity(ctx, path.Root("id"), path.Root("id"), req, resp)
	var id types.String
	resp.Diagnostics.Append(resp.State.GetAttribute(ctx, path.Root("id"), &id)...)
	if resp.Diagnostics.HasError() {
		return
	}
	if id.ValueString() == "" {
		resp.Diagnostics.AddError("The import id is empty", "Import a key by the id that the API lists, such as key_123.")
		return
	}
	setIdentity(ctx, resp.Identity, id, &resp.Diagnostics)
	setDefaults(ctx, &resp.State, &resp.Diagnostics)
	// Drawn now, not at the first rotation: the marker must be in the state before a key is born with it.
	newIssuance(&resp.Diagnostics).save(ctx, resp.Private, &resp.Diagnostics)
	resp.Diagnostics.AddWarning("The plaintext of "+id.ValueString()+" is not known",
		"The API shows a plaintext only once, so plaintext_key is null after an import. Everything else works. To obtain a plaintext, rotate the key: "+
			"set rotate_on_import = true, and the next apply replaces it while the old one lives on for rotation.overlap.")
}

// setDefaults records the default of every setting for a key that was not created here.
func setDefaults(ctx context.Context, state *tfsdk.State, diags *diag.Diagnostics) {
	for name, value := range map[string]any{
		"on_destroy":       onDestroyRevoke,
		"on_revoked":       onRevokedRecreate,
		"name_marker":      markerTemporary,
		"rotate_on_import": false,
		"rotation_due":     false,
	} {
		diags.Append(state.SetAttribute(ctx, path.Root(name), value)...)
	}
}
