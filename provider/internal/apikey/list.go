package apikey

import (
	"context"
	"regexp"
	"slices"

	"github.com/hashicorp/terraform-plugin-framework-validators/stringvalidator"
	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/list"
	"github.com/hashicorp/terraform-plugin-framework/list/schema"
	"github.com/hashicorp/terraform-plugin-framework/path"
	"github.com/hashicorp/terraform-plugin-framework/resource"
	"github.com/hashicorp/terraform-plugin-framework/schema/validator"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/betterdataco/terraform-provider-betterdata/apiclient"
	"github.com/betterdataco/terraform-provider-betterdata/provider/internal/connection"
)

var (
	_ list.ListResource              = (*List)(nil)
	_ list.ListResourceWithConfigure = (*List)(nil)
)

// List implements list resource betterdata_api_key: what "terraform query" finds, to be imported or only looked at.
type List struct {
	connection *connection.Connection
}

// NewList returns the list resource for registration.
func NewList() list.ListResource { return &List{} }

// Metadata names the list resource as the resource that it lists.
func (l *List) Metadata(_ context.Context, req resource.MetadataRequest, resp *resource.MetadataResponse) {
	resp.TypeName = req.ProviderTypeName + "_api_key"
}

// Configure takes over the provider's connection.
func (l *List) Configure(_ context.Context, req resource.ConfigureRequest, resp *resource.ConfigureResponse) {
	l.connection = connection.Of(req.ProviderData, &resp.Diagnostics)
}

type listModel struct {
	NameRegex types.String `tfsdk:"name_regex"`
	Status    types.String `tfsdk:"status"`
	Scope     types.String `tfsdk:"scope"`
}

// ListResourceConfigSchema describes the filters.
func (l *List) ListResourceConfigSchema(_ context.Context, _ list.ListResourceSchemaRequest, resp *list.ListResourceSchemaResponse) {
	resp.Schema = schema.Schema{
		MarkdownDescription: "Lists API keys of the tenant, oldest first, for `terraform query`. A key has to pass every filter that is set. " +
			"Listing costs the pages of one complete listing, whatever the filters and the limit.",
		Attributes: map[string]schema.Attribute{
			"name_regex": schema.StringAttribute{
				Optional: true,
				MarkdownDescription: "Only keys whose name, as the API lists it, matches this [RE2](https://github.com/google/re2/wiki/Syntax) " +
					"expression anywhere. Default: every name.",
				Validators: []validator.String{regexValidator{}},
			},
			"status": schema.StringAttribute{
				Optional: true,
				MarkdownDescription: "Only keys of this status: `ACTIVE` (default), `REVOKED` or `EXPIRED`. The default leaves dead keys out, because " +
					"importing one would have the next apply issue a key in its place.",
				Validators: []validator.String{stringvalidator.OneOf(
					string(apiclient.StatusActive), string(apiclient.StatusRevoked), string(apiclient.StatusExpired))},
			},
			"scope": schema.StringAttribute{
				Optional: true,
				MarkdownDescription: "Only keys that grant this scope, be it by a wildcard: `inventory:read` finds keys with `inventory:*` and `*`, too. " +
					"Default: any scopes.",
				Validators: []validator.String{stringvalidator.LengthAtLeast(1)},
			},
		},
	}
}

// List streams the keys that pass the filters out of one complete listing.
func (l *List) List(ctx context.Context, req list.ListRequest, stream *list.ListResultsStream) {
	var config listModel
	diags := req.Config.Get(ctx, &config)
	if diags.HasError() || !l.connection.RequireReady(&diags, "listing keys") {
		stream.Results = list.ListResultsStreamDiagnostics(diags)
		return
	}
	view, err := l.connection.Client.Directory().View(apiclient.WithTimeBudget(ctx, defaultTimeout), viewOfThisRun)
	if err != nil {
		addAPIError(&diags, "Cannot list API keys", err, "Only a complete listing counts, so no key is shown.")
		stream.Results = list.ListResultsStreamDiagnostics(diags)
		return
	}
	keys := slices.DeleteFunc(view.Keys(), func(key apiclient.Key) bool { return !config.matches(key) })
	if req.Limit > 0 && int64(len(keys)) > req.Limit {
		keys = keys[:req.Limit]
	}
	stream.Results = func(push func(list.ListResult) bool) {
		for _, key := range keys {
			if !push(listed(ctx, req, key)) {
				return
			}
		}
	}
}

// matches applies the filters. A key whose status the API does not tell counts as active.
func (m *listModel) matches(key apiclient.Key) bool {
	switch status := apiclient.Status(m.Status.ValueString()); {
	case status == "" || status == apiclient.StatusActive:
		if !key.Live() {
			return false
		}
	case status != key.Status:
		return false
	}
	if scope := m.Scope.ValueString(); scope != "" && !apiclient.Allows(key.Scopes, scope) {
		return false
	}
	matched, err := regexp.MatchString(m.NameRegex.ValueString(), key.Name)
	return err == nil && matched
}

// listed is one result. With the resource come the defaults of every setting, as after an import.
func listed(ctx context.Context, req list.ListRequest, key apiclient.Key) list.ListResult {
	result := req.NewListResult(ctx)
	result.DisplayName = displayName(key)
	setIdentity(ctx, result.Identity, types.StringValue(key.ID), &result.Diagnostics)
	if req.IncludeResource {
		setListed(ctx, &result, key)
	}
	return result
}

func displayName(key apiclient.Key) string {
	text := key.Name + " (" + key.KeyPrefix + "..." + key.Last4
	if !key.Live() {
		text += ", " + string(key.Status)
	}
	return text + ")"
}

func setListed(ctx context.Context, result *list.ListResult, key apiclient.Key) {
	var m model
	m.setScopes(key.Scopes)
	m.setKey(key)
	values := map[string]any{
		"id": m.ID, "name": key.Name, "scopes": m.Scopes,
		"key_prefix": m.KeyPrefix, "last4": m.Last4, "status": m.Status, "created_at": m.CreatedAt,
		"on_destroy": onDestroyRevoke, "on_revoked": onRevokedRecreate, "name_marker": markerTemporary,
		"rotate_on_import": false, "rotation_due": false, "previous_keys": []previousKey{},
	}
	for name, value := range values {
		result.Diagnostics.Append(result.Resource.SetAttribute(ctx, path.Root(name), value)...)
	}
}

// regexValidator refuses what does not compile.
type regexValidator struct{}

// Description implements validator.String.
func (regexValidator) Description(context.Context) string { return "an RE2 regular expression" }

// MarkdownDescription implements validator.String.
func (v regexValidator) MarkdownDescription(ctx context.Context) string { return v.Description(ctx) }

// ValidateString implements validator.String.
func (regexValidator) ValidateString(_ context.Context, req validator.StringRequest, resp *validator.StringResponse) {
	if _, err := regexp.Compile(req.ConfigValue.ValueString()); err != nil {
		resp.Diagnostics.Append(diag.NewAttributeErrorDiagnostic(req.Path, "Invalid regular expression",
			err.Error()+". Text that is to match literally needs a backslash before each of . + * ? ( ) | [ ] { } ^ $."))
	}
}
