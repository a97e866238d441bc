// Package provider declares the Better Data provider: its configuration, and what it registers. Each kind of thing
// it serves has a package of its own beside this one.
package provider

import (
	"context"

	"github.com/hashicorp/terraform-plugin-framework/provider"
	"github.com/hashicorp/terraform-plugin-framework/provider/schema"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/betterdataco/terraform-provider-betterdata/apiclient"
	"github.com/betterdataco/terraform-provider-betterdata/provider/internal/connection"
)

// TypeName prefixes the name of everything the provider serves.
const TypeName = "betterdata"

var _ provider.Provider = (*betterdata)(nil)

type betterdata struct {
	version string
	options []apiclient.Option
	duties  connection.Duties
}

// New returns a factory for the provider of that version. The options are added to those of the configuration:
// tests use them to inject clocks.
func New(version string, options ...apiclient.Option) func() provider.Provider {
	return func() provider.Provider { return &betterdata{version: version, options: options} }
}

// Metadata names the provider.
func (p *betterdata) Metadata(_ context.Context, _ provider.MetadataRequest, resp *provider.MetadataResponse) {
	resp.TypeName = TypeName
	resp.Version = p.version
}

type model struct {
	BaseURL   types.String `tfsdk:"base_url"`
	Token     types.String `tfsdk:"token"`
	TokenFile types.String `tfsdk:"token_file"`
}

// Schema describes the provider's configuration.
func (p *betterdata) Schema(_ context.Context, _ provider.SchemaRequest, resp *provider.SchemaResponse) {
	resp.Schema = schema.Schema{
		MarkdownDescription: "Manages [Better Data](https://betterdata.co) API keys: creates, scopes, rotates and revokes them, " +
			"and keeps the plaintext, which the API shows only once, in sensitive state.\n\n" +
			"Each setting is taken from the configuration, else from the environment, else from its default.",
		Attributes: map[string]schema.Attribute{
			"base_url": schema.StringAttribute{
				Optional: true,
				MarkdownDescription: "Address of the API, up to and including `/api`. Environment: `BETTERDATA_BASE_URL`. " +
					"Default: `" + apiclient.DefaultBaseURL + "`. `http://` is accepted for loopback addresses only.",
			},
			"token": schema.StringAttribute{
				Optional:  true,
				Sensitive: true,
				MarkdownDescription: "Credential that manages keys: a session token, or an API key with `admin:read` and `admin:write`. " +
					"Environment: `BETTERDATA_TOKEN`. Conflicts with `token_file`.",
			},
			"token_file": schema.StringAttribute{
				Optional: true,
				MarkdownDescription: "Path of a file that holds the credential; read again whenever it changes. " +
					"Environment: `BETTERDATA_TOKEN_FILE`. Conflicts with `token`.",
			},
		},
	}
}

// Configure builds the one client that everything in this provider instance shares.
func (p *betterdata) Configure(ctx context.Context, req provider.ConfigureRequest, resp *provider.ConfigureResponse) {
	var config model
	resp.Diagnostics.Append(req.Config.Get(ctx, &config)...)
	if resp.Diagnostics.HasError() {
		return
	}
	conn := &connection.Connection{Unknown: unknownPaths(config), Duties: &p.duties}
	if len(conn.Unknown) == 0 {
		conn.Client = p.client(config, req.TerraformVersion, &resp.Diagnostics)
	}
	if resp.Diagnostics.HasError() {
		return
	}
	resp.ResourceData = conn
	resp.DataSourceData = conn
	resp.EphemeralResourceData = conn
	resp.ListResourceData = conn
	resp.ActionData = conn
}
