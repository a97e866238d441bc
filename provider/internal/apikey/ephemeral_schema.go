package apikey

import (
	"context"
	"slices"

	"github.com/hashicorp/terraform-plugin-framework-timeouts/ephemeral/timeouts"
	"github.com/hashicorp/terraform-plugin-framework-validators/setvalidator"
	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/ephemeral"
	"github.com/hashicorp/terraform-plugin-framework/ephemeral/schema"
	"github.com/hashicorp/terraform-plugin-framework/schema/validator"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/betterdataco/terraform-provider-betterdata/apiclient"
)

// Schema describes the ephemeral resource.
func (e *Ephemeral) Schema(ctx context.Context, _ ephemeral.SchemaRequest, resp *ephemeral.SchemaResponse) {
	resp.Schema = schema.Schema{
		MarkdownDescription: "A Better Data API key that lives as long as one run of Terraform and appears in neither state nor plan. " +
			"It is issued when Terraform opens it and revoked when Terraform closes it.\n\n" +
			"~> Terraform opens an ephemeral resource in **each plan and each apply**, also when nothing has changed. " +
			"Each opening issues a new key and costs two requests.",
		Attributes: map[string]schema.Attribute{
			"name": schema.StringAttribute{
				Required: true,
				MarkdownDescription: "What the key is for, such as `CI smoke test`. The API lists the key as `<name> (ephemeral) [tf:xxxxxxxx]`, " +
					"or as `<name> [tf:xxxxxxxx]` with `revoke_on_close = false`; the digits differ for each opening. " +
					"May not contain `[tf:` or `[k8s:`.",
				Validators: []validator.String{nameValidator{}},
			},
			"scopes": schema.SetAttribute{
				Required: true, CustomType: newScopesType(), ElementType: types.StringType,
				MarkdownDescription: "Permissions, at least one, such as `inventory:read`, `inventory:*` or `*`. " +
					"A scope that the vendor does not document gives a warning, not an error.",
				Validators: []validator.Set{setvalidator.SizeAtLeast(1), scopesValidator{brief: true}},
			},
			"revoke_on_close": schema.BoolAttribute{
				Optional: true, Computed: true,
				MarkdownDescription: "Whether the key is revoked when the run no longer needs it. Default: `true`. " +
					"With `false` the key lives on, and Terraform forgets it: set it to `!terraform.applying` to keep only the key of an apply.",
			},
			"timeouts": ephemeralTimeouts(ctx),
			"id": schema.StringAttribute{
				Computed:            true,
				MarkdownDescription: "Id of the key, such as `key_123`.",
			},
			"plaintext_key": schema.StringAttribute{
				Computed: true, Sensitive: true,
				MarkdownDescription: "The key itself. An ephemeral value: it can be used in provider blocks, in write-only arguments and in other " +
					"ephemeral resources, and nowhere else.",
			},
			"key_prefix": schema.StringAttribute{
				Computed:            true,
				MarkdownDescription: "Beginning of the key, by which it is recognised in listings and logs. Not secret.",
			},
			"last4": schema.StringAttribute{
				Computed:            true,
				MarkdownDescription: "Last characters of the key. Not secret.",
			},
			"created_at": schema.StringAttribute{
				Computed:            true,
				MarkdownDescription: "When the key was issued, by the API's clock (RFC 3339, UTC).",
			},
		},
	}
}

func ephemeralTimeouts(ctx context.Context) schema.Attribute {
	attribute := timeouts.AttributesWithOpts(ctx, timeouts.Opts{
		OpenDescription: "Time for the requests of opening the key, such as `90s`; waiting for the API's quota does not count. Default: `5m`.",
	})
	if nested, ok := attribute.(schema.SingleNestedAttribute); ok {
		nested.MarkdownDescription = "How long the requests of opening the key may take."
		return nested
	}
	return attribute
}

// ephemeralModel is the ephemeral resource as Terraform carries it in configuration and result.
type ephemeralModel struct {
	Name          types.String   `tfsdk:"name"`
	Scopes        types.Set      `tfsdk:"scopes"`
	RevokeOnClose types.Bool     `tfsdk:"revoke_on_close"`
	Timeouts      timeouts.Value `tfsdk:"timeouts"`

	ID           types.String `tfsdk:"id"`
	PlaintextKey types.String `tfsdk:"plaintext_key"`
	KeyPrefix    types.String `tfsdk:"key_prefix"`
	Last4        types.String `tfsdk:"last4"`
	CreatedAt    types.String `tfsdk:"created_at"`
}

// revokes is revoke_on_close with its default.
func (m *ephemeralModel) revokes() bool {
	return m.RevokeOnClose.IsNull() || m.RevokeOnClose.ValueBool()
}

// scopes returns the scopes sorted, so that requests do not depend on the order of a set.
func (m *ephemeralModel) scopes(ctx context.Context, diags *diag.Diagnostics) []string {
	var scopes []string
	diags.Append(m.Scopes.ElementsAs(ctx, &scopes, false)...)
	slices.Sort(scopes)
	return scopes
}

// setIssued takes over a key that was just issued, plaintext included.
func (m *ephemeralModel) setIssued(issued *apiclient.IssuedKey) {
	m.RevokeOnClose = types.BoolValue(m.revokes())
	m.ID = nullIfEmpty(issued.ID)
	m.PlaintextKey = types.StringValue(issued.Plaintext.Reveal())
	m.KeyPrefix = nullIfEmpty(issued.KeyPrefix)
	m.Last4 = nullIfEmpty(issued.Last4)
	m.CreatedAt = timeValue(issued.ServerTime)
	if issued.CreatedAt != nil {
		m.CreatedAt = timeValue(*issued.CreatedAt)
	}
}
