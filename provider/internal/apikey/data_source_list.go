package apikey

import (
	"context"
	"fmt"
	"regexp"
	"strings"
	"time"

	"github.com/hashicorp/terraform-plugin-framework-timeouts/datasource/timeouts"
	"github.com/hashicorp/terraform-plugin-framework/datasource"
	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/path"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/betterdataco/terraform-provider-betterdata/apiclient"
	"github.com/betterdataco/terraform-provider-betterdata/provider/internal/connection"
)

var (
	_ datasource.DataSource              = (*KeysDataSource)(nil)
	_ datasource.DataSourceWithConfigure = (*KeysDataSource)(nil)
)

// KeysDataSource implements data source betterdata_api_keys: the tenant's keys, filtered.
type KeysDataSource struct {
	connection *connection.Connection
}

// NewKeysDataSource returns the data source for registration.
func NewKeysDataSource() datasource.DataSource { return &KeysDataSource{} }

// keysModel is the data source as Terraform carries it.
type keysModel struct {
	NameRegex     types.String   `tfsdk:"name_regex"`
	Status        types.String   `tfsdk:"status"`
	Live          types.Bool     `tfsdk:"live"`
	Scope         types.String   `tfsdk:"scope"`
	HasWildcard   types.Bool     `tfsdk:"has_wildcard"`
	MarkedBy      types.String   `tfsdk:"marked_by"`
	CreatedBefore types.String   `tfsdk:"created_before"`
	CreatedAfter  types.String   `tfsdk:"created_after"`
	OlderThan     types.String   `tfsdk:"older_than"`
	UnusedFor     types.String   `tfsdk:"unused_for"`
	Timeouts      timeouts.Value `tfsdk:"timeouts"`

	IDs  []string    `tfsdk:"ids"`
	Keys []listedKey `tfsdk:"keys"`
}

// filter translates. The validators have seen every value, but not those that were unknown then.
func (m keysModel) filter(diags *diag.Diagnostics) keyFilter {
	return keyFilter{
		name:          parsed(diags, "name_regex", m.NameRegex, regexp.Compile),
		status:        m.Status.ValueString(),
		live:          m.Live.ValueBoolPointer(),
		scope:         m.Scope.ValueString(),
		wildcard:      m.HasWildcard.ValueBoolPointer(),
		markedBy:      m.MarkedBy.ValueString(),
		createdBefore: parsed(diags, "created_before", m.CreatedBefore, parseTime),
		createdAfter:  parsed(diags, "created_after", m.CreatedAfter, parseTime),
		olderThan:     parsed(diags, "older_than", m.OlderThan, time.ParseDuration),
		unusedFor:     parsed(diags, "unused_for", m.UnusedFor, time.ParseDuration),
	}
}

func parseTime(text string) (time.Time, error) { return time.Parse(time.RFC3339, text) }

// parsed returns the zero value for null.
func parsed[T any](diags *diag.Diagnostics, attribute string, value types.String, parse func(string) (T, error)) (result T) {
	if value.IsNull() {
		return result
	}
	result, err := parse(value.ValueString())
	if err != nil {
		diags.AddAttributeError(path.Root(attribute), "Invalid filter", err.Error())
	}
	return result
}

// Metadata names the data source.
func (d *KeysDataSource) Metadata(_ context.Context, req datasource.MetadataRequest, resp *datasource.MetadataResponse) {
	resp.TypeName = req.ProviderTypeName + "_api_keys"
}

// Configure takes over the provider's connection.
func (d *KeysDataSource) Configure(_ context.Context, req datasource.ConfigureRequest, resp *datasource.ConfigureResponse) {
	d.connection = connection.Of(req.ProviderData, &resp.Diagnostics)
}

// Read filters the listing that everything in the run shares (P6).
func (d *KeysDataSource) Read(ctx context.Context, req datasource.ReadRequest, resp *datasource.ReadResponse) {
	var data keysModel
	resp.Diagnostics.Append(req.Config.Get(ctx, &data)...)
	timeout, diags := data.Timeouts.Read(ctx, defaultTimeout)
	resp.Diagnostics.Append(diags...)
	filter := data.filter(&resp.Diagnostics)
	if resp.Diagnostics.HasError() || !d.connection.RequireReady(&resp.Diagnostics, "listing API keys") {
		return
	}
	view, err := d.connection.Client.Directory().View(apiclient.WithTimeBudget(ctx, timeout), viewOfThisRun)
	if err != nil {
		addAPIError(&resp.Diagnostics, "Cannot list API keys", err, "A list is complete or an error, never cut short.")
		return
	}
	chosen := filter.choose(view.Keys(), view.ServerTime())
	chosen.warn(&resp.Diagnostics)
	data.IDs, data.Keys = []string{}, []listedKey{}
	for _, key := range chosen.keys {
		data.IDs = append(data.IDs, key.ID)
		data.Keys = append(data.Keys, newListedKey(key))
	}
	resp.Diagnostics.Append(resp.State.Set(ctx, &data)...)
}

// warn names the keys that could not be judged: an audit that silently leaves keys out is worse than none.
func (c choice) warn(diags *diag.Diagnostics) {
	if len(c.ageUnknown) > 0 {
		diags.AddWarning(fmt.Sprintf("The age of %s is not known", count(c.ageUnknown)),
			"The API does not tell when they were created, so created_before, created_after and older_than cannot be judged. They are left out of the result: "+
				someOf(c.ageUnknown))
	}
	if len(c.useUnknown) > 0 {
		diags.AddWarning(fmt.Sprintf("The last use of %s is not known", count(c.useUnknown)),
			"The API tells no last use, neither of them nor of another key, or no time of creation, so unused_for cannot be judged. They are left out of the result: "+
				someOf(c.useUnknown))
	}
}

func count(keys []apiclient.Key) string {
	if len(keys) == 1 {
		return "1 API key"
	}
	return fmt.Sprintf("%d API keys", len(keys))
}

// someOf names the first keys; a tenant may have thousands.
func someOf(keys []apiclient.Key) string {
	const most = 10
	var ids []string
	for _, key := range keys[:min(most, len(keys))] {
		ids = append(ids, key.ID)
	}
	text := strings.Join(ids, ", ")
	if len(keys) > most {
		text += fmt.Sprintf(" and %d more", len(keys)-most)
	}
	return text + "."
}
