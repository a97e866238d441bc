package apikey

import (
	"context"
	"fmt"
	"maps"

	"github.com/hashicorp/terraform-plugin-framework-timeouts/datasource/timeouts"
	"github.com/hashicorp/terraform-plugin-framework-validators/datasourcevalidator"
	"github.com/hashicorp/terraform-plugin-framework/datasource"
	"github.com/hashicorp/terraform-plugin-framework/datasource/schema"
	"github.com/hashicorp/terraform-plugin-framework/path"
	"github.com/hashicorp/terraform-plugin-framework/schema/validator"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/betterdataco/terraform-provider-betterdata/apiclient"
	"github.com/betterdataco/terraform-provider-betterdata/provider/internal/connection"
)

var (
	_ datasource.DataSource                     = (*DataSource)(nil)
	_ datasource.DataSourceWithConfigure        = (*DataSource)(nil)
	_ datasource.DataSourceWithConfigValidators = (*DataSource)(nil)
)

// DataSource implements data source betterdata_api_key: one key by id or by name.
type DataSource struct {
	connection *connection.Connection
}

// NewDataSource returns the data source for registration.
func NewDataSource() datasource.DataSource { return &DataSource{} }

// oneKeyModel is the data source as Terraform carries it.
type oneKeyModel struct {
	listedKey

	IncludeDead types.Bool     `tfsdk:"include_dead"`
	Timeouts    timeouts.Value `tfsdk:"timeouts"`
}

// Metadata names the data source.
func (d *DataSource) Metadata(_ context.Context, req datasource.MetadataRequest, resp *datasource.MetadataResponse) {
	resp.TypeName = req.ProviderTypeName + "_api_key"
}

// Schema describes the data source.
func (d *DataSource) Schema(ctx context.Context, _ datasource.SchemaRequest, resp *datasource.SchemaResponse) {
	attributes := listedKeyAttributes()
	maps.Copy(attributes, map[string]schema.Attribute{
		"id": schema.StringAttribute{
			Optional: true, Computed: true,
			MarkdownDescription: "The key's id. Exactly one of `id` and `name` is given; the other is read. A key found by its id may be revoked or expired: see `status`.",
			Validators:          []validator.String{notBlank{}},
		},
		"name": schema.StringAttribute{
			Optional: true, Computed: true,
			MarkdownDescription: "The key's name, compared exactly, without markers such as ` [tf:1a2b3c4d]`. Of several live keys of that name the only one without a marker is meant, " +
				"or the newest if all have the same marker, as during the overlap of a rotation; otherwise the error lists them.",
			Validators: []validator.String{notBlank{}, noMarker{}},
		},
		"include_dead": schema.BoolAttribute{
			Optional:            true,
			MarkdownDescription: "Whether revoked and expired keys answer to `name` when no live key does. Default `false`. Without effect on a lookup by `id`.",
		},
		"timeouts": readTimeouts(ctx),
	})
	resp.Schema = schema.Schema{
		MarkdownDescription: "One existing API key, looked up by id or by name. Its plaintext is not part of it: the API shows that only when a key is issued.\n\n" +
			"All data sources and resources of a run share one listing of the tenant's keys, so that any number of lookups costs no more requests than one.",
		Attributes: attributes,
	}
}

// ConfigValidators implements datasource.DataSourceWithConfigValidators.
func (d *DataSource) ConfigValidators(context.Context) []datasource.ConfigValidator {
	return []datasource.ConfigValidator{datasourcevalidator.ExactlyOneOf(path.MatchRoot("id"), path.MatchRoot("name"))}
}

// Configure takes over the provider's connection.
func (d *DataSource) Configure(_ context.Context, req datasource.ConfigureRequest, resp *datasource.ConfigureResponse) {
	d.connection = connection.Of(req.ProviderData, &resp.Diagnostics)
}

// Read looks the key up in the listing that everything in the run shares (P6).
func (d *DataSource) Read(ctx context.Context, req datasource.ReadRequest, resp *datasource.ReadResponse) {
	var data oneKeyModel
	resp.Diagnostics.Append(req.Config.Get(ctx, &data)...)
	timeout, diags := data.Timeouts.Read(ctx, defaultTimeout)
	resp.Diagnostics.Append(diags...)
	if resp.Diagnostics.HasError() || !d.connection.RequireReady(&resp.Diagnostics, "looking up an API key") {
		return
	}
	ctx = apiclient.WithTimeBudget(ctx, timeout)
	wanted := lookup{id: data.ID.ValueString(), name: data.Name.ValueString(), includeDead: data.IncludeDead.ValueBool()}
	candidates, err := wanted.in(ctx, d.connection.Client.Directory())
	switch {
	case err != nil:
		addAPIError(&resp.Diagnostics, "Cannot list API keys", err, "Whether the key exists is not known; a failed listing never counts as a missing key.")
		return
	case len(candidates) == 0:
		resp.Diagnostics.AddError(wanted.missing())
		return
	case len(candidates) > 1:
		resp.Diagnostics.AddError(wanted.ambiguous(candidates))
		return
	}
	data.listedKey = newListedKey(candidates[0])
	resp.Diagnostics.Append(resp.State.Set(ctx, &data)...)
}

// in searches the tenant's keys. When nothing is found the listing of this run may be older than the key, which another
// program may have made for a depends_on: a listing begun after this call settles it. Only misses cost that, and those
// that miss at the same time share it.
func (l lookup) in(ctx context.Context, directory *apiclient.Directory) ([]apiclient.Key, error) {
	begun := directory.Now()
	view, err := directory.View(ctx, viewOfThisRun)
	if err != nil {
		return nil, err
	}
	if found := l.find(view.Keys()); len(found) > 0 {
		return found, nil
	}
	view, err = directory.View(ctx, apiclient.Freshness{BegunAfter: begun})
	if err != nil {
		return nil, fmt.Errorf("a listing lacks the key, and a second one to make sure failed: %w", err)
	}
	return l.find(view.Keys()), nil
}

func readTimeouts(ctx context.Context) schema.Attribute {
	attribute := timeouts.AttributesWithOpts(ctx, timeouts.Opts{
		ReadDescription: "Time for the requests of a read, as a Go duration. Default `5m`. Waiting for the API's rate limit does not count.",
	})
	if nested, ok := attribute.(schema.SingleNestedAttribute); ok {
		nested.MarkdownDescription = "How long the requests of one operation may take."
		return nested
	}
	return attribute
}
