package provider

import (
	"context"

	"github.com/hashicorp/terraform-plugin-framework/action"
	"github.com/hashicorp/terraform-plugin-framework/datasource"
	"github.com/hashicorp/terraform-plugin-framework/ephemeral"
	"github.com/hashicorp/terraform-plugin-framework/function"
	"github.com/hashicorp/terraform-plugin-framework/list"
	"github.com/hashicorp/terraform-plugin-framework/provider"
	"github.com/hashicorp/terraform-plugin-framework/resource"

	"github.com/betterdataco/terraform-provider-betterdata/provider/internal/apikey"
	"github.com/betterdataco/terraform-provider-betterdata/provider/internal/functions"
	"github.com/betterdataco/terraform-provider-betterdata/provider/internal/scopes"
)

var (
	_ provider.ProviderWithFunctions          = (*betterdata)(nil)
	_ provider.ProviderWithEphemeralResources = (*betterdata)(nil)
	_ provider.ProviderWithListResources      = (*betterdata)(nil)
	_ provider.ProviderWithActions            = (*betterdata)(nil)
)

// Resources lists the managed resources.
func (p *betterdata) Resources(context.Context) []func() resource.Resource {
	return []func() resource.Resource{apikey.NewResource}
}

// DataSources lists the data sources.
func (p *betterdata) DataSources(context.Context) []func() datasource.DataSource {
	return []func() datasource.DataSource{apikey.NewDataSource, apikey.NewKeysDataSource, scopes.NewDataSource}
}

// EphemeralResources lists the ephemeral resources, for Terraform 1.10 and OpenTofu 1.11 onwards.
func (p *betterdata) EphemeralResources(context.Context) []func() ephemeral.EphemeralResource {
	return []func() ephemeral.EphemeralResource{apikey.NewEphemeral}
}

// Functions lists the provider functions; they work without a configured provider.
func (p *betterdata) Functions(context.Context) []func() function.Function {
	return []func() function.Function{functions.NewMaskKey, functions.NewParseKey, functions.NewScopeAllows}
}

// ListResources lists what terraform query can list, from Terraform 1.14 on.
func (p *betterdata) ListResources(context.Context) []func() list.ListResource {
	return []func() list.ListResource{apikey.NewList}
}

// Actions lists the actions, for Terraform 1.14 onwards.
func (p *betterdata) Actions(context.Context) []func() action.Action {
	return []func() action.Action{apikey.NewRevokeAction, apikey.NewRevokePreviousAction}
}
