// Package scopes is the data source betterdata_scopes: the scopes that the vendor documents.
//
// It needs no connection and so does not implement Configure: it works in any plan, also in one whose provider
// configuration is not known yet.
package scopes

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/hashicorp/terraform-plugin-framework/datasource"
	"github.com/hashicorp/terraform-plugin-framework/datasource/schema"
	"github.com/hashicorp/terraform-plugin-framework/path"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/betterdataco/terraform-provider-betterdata/apiclient"
)

var _ datasource.DataSource = (*DataSource)(nil)

// DataSource implements betterdata_scopes.
type DataSource struct{}

// NewDataSource returns the data source for registration.
func NewDataSource() datasource.DataSource { return &DataSource{} }

type model struct {
	Area   types.String `tfsdk:"area"`
	Names  []string     `tfsdk:"names"`
	Areas  []string     `tfsdk:"areas"`
	Scopes []scopeModel `tfsdk:"scopes"`
}

type scopeModel struct {
	Name        string `tfsdk:"name"`
	Area        string `tfsdk:"area"`
	Action      string `tfsdk:"action"`
	Description string `tfsdk:"description"`
	Wildcard    bool   `tfsdk:"wildcard"`
}

// Metadata names the data source.
func (d *DataSource) Metadata(_ context.Context, req datasource.MetadataRequest, resp *datasource.MetadataResponse) {
	resp.TypeName = req.ProviderTypeName + "_scopes"
}

// Schema describes the data source.
func (d *DataSource) Schema(_ context.Context, _ datasource.SchemaRequest, resp *datasource.SchemaResponse) {
	resp.Schema = schema.Schema{
		MarkdownDescription: "The scopes that the vendor documents, for validating input and for building documentation. It is the catalogue that this version of the " +
			"provider knows: nothing is sent, and the API may know more. A scope that is missing here is no error in a key, only a warning.",
		Attributes: map[string]schema.Attribute{
			"area": schema.StringAttribute{
				Optional:            true,
				MarkdownDescription: "Only scopes of this area, such as `inventory`; `*` itself belongs to none. Default: all of them.",
			},
			"names": schema.SetAttribute{
				Computed: true, ElementType: types.StringType,
				MarkdownDescription: "The names of `scopes`, wildcards included, for `contains()`.",
			},
			"areas": schema.ListAttribute{
				Computed: true, ElementType: types.StringType,
				MarkdownDescription: "The areas there are, in the vendor's order, whatever `area` says.",
			},
			"scopes": schema.ListNestedAttribute{
				Computed:            true,
				MarkdownDescription: "The scopes in the vendor's order, then one wildcard per area, then `*`.",
				NestedObject: schema.NestedAttributeObject{Attributes: map[string]schema.Attribute{
					"name":        schema.StringAttribute{Computed: true, MarkdownDescription: "The scope as it is given to a key, such as `inventory:read`."},
					"area":        schema.StringAttribute{Computed: true, MarkdownDescription: "What stands before the colon, such as `inventory`; `*` for `*` itself."},
					"action":      schema.StringAttribute{Computed: true, MarkdownDescription: "What stands after the colon, such as `read`; `*` for a wildcard."},
					"description": schema.StringAttribute{Computed: true, MarkdownDescription: "What it allows, in English."},
					"wildcard":    schema.BoolAttribute{Computed: true, MarkdownDescription: "Whether it grants more than one action, those of the future included."},
				}},
			},
		},
	}
}

// Read returns the catalogue.
func (d *DataSource) Read(ctx context.Context, req datasource.ReadRequest, resp *datasource.ReadResponse) {
	var data model
	resp.Diagnostics.Append(req.Config.Get(ctx, &data)...)
	if resp.Diagnostics.HasError() {
		return
	}
	data.Areas = areas()
	if area := data.Area.ValueString(); !data.Area.IsNull() && !slices.Contains(data.Areas, area) {
		resp.Diagnostics.AddAttributeError(path.Root("area"), "Unknown area",
			fmt.Sprintf("%q is not an area of the catalogue. The areas are %s.", area, strings.Join(data.Areas, ", ")))
		return
	}
	data.Names, data.Scopes = []string{}, []scopeModel{}
	for _, scope := range all() {
		if data.Area.IsNull() || data.Area.ValueString() == scope.Area {
			data.Names = append(data.Names, scope.Name)
			data.Scopes = append(data.Scopes, scope)
		}
	}
	resp.Diagnostics.Append(resp.State.Set(ctx, &data)...)
}

func areas() []string {
	var names []string
	for _, info := range apiclient.Catalogue() {
		if info.Area != "*" && !slices.Contains(names, info.Area) {
			names = append(names, info.Area)
		}
	}
	return names
}

// all returns the catalogue with a wildcard for every area: its page names inventory:* alone, but the API documents
// wildcards of other areas elsewhere, and the client takes them all for known.
func all() []scopeModel {
	var single, everything []scopeModel
	wildcards := map[string]scopeModel{}
	for _, info := range apiclient.Catalogue() {
		scope := scopeModel{Name: info.Name, Area: info.Area, Action: info.Action, Description: info.Description, Wildcard: info.Action == "*"}
		switch {
		case info.Area == "*":
			everything = append(everything, scope)
		case scope.Wildcard:
			wildcards[info.Area] = scope
		default:
			single = append(single, scope)
		}
	}
	for _, area := range areas() {
		wildcard, documented := wildcards[area]
		if !documented {
			wildcard = scopeModel{Name: area + ":*", Area: area, Action: "*", Description: "All " + area + " operations", Wildcard: true}
		}
		single = append(single, wildcard)
	}
	return append(single, everything...)
}
