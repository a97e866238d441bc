package apikey

import (
	"context"

	"github.com/hashicorp/terraform-plugin-framework-timeouts/resource/timeouts"
	"github.com/hashicorp/terraform-plugin-framework/resource"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema"
	"github.com/hashicorp/terraform-plugin-framework/types"
)

// schemaVersion counts incompatible and notable changes of the schema. Version 0 knew no encryption.
const schemaVersion = 1

// UpgradeState reads states of earlier versions. An earlier schema is frozen here: it describes files that exist.
func (r *Resource) UpgradeState(ctx context.Context) map[int64]resource.StateUpgrader {
	prior := schemaV0(ctx)
	return map[int64]resource.StateUpgrader{0: {PriorSchema: &prior, StateUpgrader: upgradeV0}}
}

// modelV0 is the state as version 0 wrote it.
type modelV0 struct {
	Name           types.String   `tfsdk:"name"`
	Scopes         types.Set      `tfsdk:"scopes"`
	Rotation       types.Object   `tfsdk:"rotation"`
	OnDestroy      types.String   `tfsdk:"on_destroy"`
	OnRevoked      types.String   `tfsdk:"on_revoked"`
	NameMarker     types.String   `tfsdk:"name_marker"`
	RotateOnImport types.Bool     `tfsdk:"rotate_on_import"`
	Timeouts       timeouts.Value `tfsdk:"timeouts"`
	ID             types.String   `tfsdk:"id"`
	PlaintextKey   types.String   `tfsdk:"plaintext_key"`
	KeyPrefix      types.String   `tfsdk:"key_prefix"`
	Last4          types.String   `tfsdk:"last4"`
	Status         types.String   `tfsdk:"status"`
	CreatedAt      types.String   `tfsdk:"created_at"`
	RotationDue    types.Bool     `tfsdk:"rotation_due"`
	NextRotationAt types.String   `tfsdk:"next_rotation_at"`
	PreviousKeys   types.List     `tfsdk:"previous_keys"`
}

func schemaV0(ctx context.Context) schema.Schema {
	text := schema.StringAttribute{Computed: true}
	return schema.Schema{Attributes: map[string]schema.Attribute{
		"name":   schema.StringAttribute{Required: true},
		"scopes": schema.SetAttribute{Required: true, ElementType: types.StringType},
		"rotation": schema.SingleNestedAttribute{Optional: true, Attributes: map[string]schema.Attribute{
			"interval": schema.StringAttribute{Optional: true},
			"overlap":  schema.StringAttribute{Optional: true, Computed: true},
			"triggers": schema.MapAttribute{Optional: true, ElementType: types.StringType},
		}},
		"on_destroy": text, "on_revoked": text, "name_marker": text,
		"rotate_on_import": schema.BoolAttribute{Computed: true},
		"timeouts":         timeouts.AttributesAll(ctx),
		"id":               text, "plaintext_key": schema.StringAttribute{Computed: true, Sensitive: true},
		"key_prefix": text, "last4": text, "status": text, "created_at": text, "next_rotation_at": text,
		"rotation_due": schema.BoolAttribute{Computed: true},
		"previous_keys": schema.ListNestedAttribute{Computed: true, NestedObject: schema.NestedAttributeObject{Attributes: map[string]schema.Attribute{
			"id": text, "key_prefix": text, "last4": text, "revoke_after": text, "due": schema.BoolAttribute{Computed: true},
		}}},
	}}
}

func upgradeV0(ctx context.Context, req resource.UpgradeStateRequest, resp *resource.UpgradeStateResponse) {
	var old modelV0
	resp.Diagnostics.Append(req.State.Get(ctx, &old)...)
	if resp.Diagnostics.HasError() {
		return
	}
	upgraded := model{
		Name: old.Name, Scopes: old.Scopes, Rotation: old.Rotation, OnDestroy: old.OnDestroy, OnRevoked: old.OnRevoked,
		NameMarker: old.NameMarker, RotateOnImport: old.RotateOnImport, Timeouts: old.Timeouts,
		AgeRecipients: types.SetNull(types.StringType),
		ID:            old.ID, PlaintextKey: old.PlaintextKey, KeyPrefix: old.KeyPrefix, Last4: old.Last4, Status: old.Status,
		CreatedAt: old.CreatedAt, RotationDue: old.RotationDue, NextRotationAt: old.NextRotationAt, PreviousKeys: old.PreviousKeys,
	}
	resp.Diagnostics.Append(resp.State.Set(ctx, &upgraded)...)
}
