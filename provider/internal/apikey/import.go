package apikey

import (
	"context"
	"fmt"

	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/path"
	"github.com/hashicorp/terraform-plugin-framework/resource"
	"github.com/hashicorp/terraform-plugin-framework/tfsdk"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/betterdataco/terraform-provider-betterdata/apiclient"
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
	if r.importable(ctx, id.ValueString(), &resp.Diagnostics) {
		warnUnknownPlaintext(id.ValueString(), &resp.Diagnostics)
	}
}

// importable looks the key up, so that what is said about it is true. Whether a missing key is an error is for Read to
// decide, as for every other key.
func (r *Resource) importable(ctx context.Context, id string, diags *diag.Diagnostics) bool {
	if !r.connection.Ready() {
		return true
	}
	view, err := r.connection.Client.Directory().View(ctx, viewOfThisRun)
	if err != nil {
		return true
	}
	key, listed := view.Get(id)
	if listed && !key.Live() {
		diags.AddWarning(fmt.Sprintf("%s is %s", id, key.Status),
			"The key cannot be used any more. With on_revoked = \""+onRevokedRecreate+"\", the default, the next apply issues a new key in its place.")
	}
	if listed {
		return key.Live()
	}
	for _, other := range view.Keys() {
		if other.Live() && apiclient.StripMarkers(other.Name) == id {
			diags.AddWarning(fmt.Sprintf("%q is a name, not an id", id), "A key is imported by its id. Of that name there is "+describe(other)+".")
		}
	}
	return false
}

func warnUnknownPlaintext(id string, diags *diag.Diagnostics) {
	diags.AddWarning("The plaintext of "+id+" is not known",
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
