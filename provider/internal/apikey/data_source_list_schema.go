package apikey

import (
	"context"
	"maps"

	"github.com/hashicorp/terraform-plugin-framework-validators/stringvalidator"
	"github.com/hashicorp/terraform-plugin-framework/datasource"
	"github.com/hashicorp/terraform-plugin-framework/datasource/schema"
	"github.com/hashicorp/terraform-plugin-framework/schema/validator"
	"github.com/hashicorp/terraform-plugin-framework/types"
)

// Schema describes the data source.
func (d *KeysDataSource) Schema(ctx context.Context, _ datasource.SchemaRequest, resp *datasource.SchemaResponse) {
	attributes := map[string]schema.Attribute{
		"timeouts": readTimeouts(ctx),
		"ids": schema.ListAttribute{
			Computed: true, ElementType: types.StringType,
			MarkdownDescription: "The ids of `keys`, in the same order.",
		},
		"keys": schema.ListNestedAttribute{
			Computed:            true,
			MarkdownDescription: "The keys that meet all filters, oldest first.",
			NestedObject:        schema.NestedAttributeObject{Attributes: listedKeyAttributes()},
		},
	}
	maps.Copy(attributes, factFilters())
	maps.Copy(attributes, timeFilters())
	resp.Schema = schema.Schema{
		MarkdownDescription: "The tenant's API keys, or those that meet all of the filters given: for audits and for finding what nobody manages any more. " +
			"Without a filter it returns every key that the API lists, revoked and expired ones included. Plaintexts are not part of it.\n\n" +
			"Filters are combined with \"and\". For an \"or\", combine the `ids` of two data sources with `setunion()`: all data sources and resources of a run share one " +
			"listing of the tenant's keys, so that any number of them costs no more requests than one. That listing may be older than a key which another program makes during the run.",
		Attributes: attributes,
	}
}

// factFilters are those whose verdict changes only when a key does.
func factFilters() map[string]schema.Attribute {
	return map[string]schema.Attribute{
		"name_regex": schema.StringAttribute{
			Optional: true,
			MarkdownDescription: "Only keys whose name, without a marker, matches this regular expression (RE2) anywhere; `^` and `$` tie it to the beginning and the end. " +
				"Default: any name.",
			Validators: []validator.String{regexValidator{}},
		},
		"status": schema.StringAttribute{
			Optional:            true,
			MarkdownDescription: "Only keys of this status, such as `ACTIVE`, `REVOKED` or `EXPIRED`, in any case of letters. Default: any status. To find what still works, use `live`.",
			Validators:          []validator.String{notBlank{}},
		},
		"live": schema.BoolAttribute{
			Optional:            true,
			MarkdownDescription: "`true`: only keys that are neither revoked nor expired, those of an unknown status included. `false`: only revoked and expired ones. Default: both.",
		},
		"scope": schema.StringAttribute{
			Optional: true,
			MarkdownDescription: "Only keys that may do this, such as `inventory:write`: those with the scope itself, with the wildcard of its area or with `*`. " +
				"`scope = \"*\"` finds the keys that may do everything. Default: any scopes.",
			Validators: []validator.String{scopeValidator{}},
		},
		"has_wildcard": schema.BoolAttribute{
			Optional:            true,
			MarkdownDescription: "`true`: only keys with a wildcard among their scopes, such as `inventory:*` or `*`. `false`: only keys without one. Default: both.",
		},
		"marked_by": schema.StringAttribute{
			Optional: true,
			MarkdownDescription: "Only keys whose name has a marker of this provider (`terraform`), of the Kubernetes operator (`operator`), or none (`none`). Default: any. " +
				"With `name_marker = \"temporary\"`, the default, this provider's keys are marked only while they are issued or retired.",
			Validators: []validator.String{stringvalidator.OneOf(markedByTerraform, markedByOperator, markedByNone)},
		},
	}
}

// timeFilters are those about when a key was created and used.
func timeFilters() map[string]schema.Attribute {
	return map[string]schema.Attribute{
		"created_before": schema.StringAttribute{
			Optional: true,
			MarkdownDescription: "Only keys created before this RFC 3339 time, such as `2024-01-31T00:00:00Z`. Default: any time. Keys whose creation the API does not tell are left out, " +
				"with a warning; so for `created_after` and `older_than`.",
			Validators: []validator.String{timeValidator{}},
		},
		"created_after": schema.StringAttribute{
			Optional:            true,
			MarkdownDescription: "Only keys created after this RFC 3339 time. Default: any time.",
			Validators:          []validator.String{timeValidator{}},
		},
		"older_than": schema.StringAttribute{
			Optional: true,
			MarkdownDescription: "Only keys created longer ago than this Go duration, such as `2160h` for 90 days, by the API's clock at the time of reading. Default: any age. " +
				"The result changes as time passes: for one that does not, use `created_before`.",
			Validators: []validator.String{durationValidator{}, positiveValidator{}},
		},
		"unused_for": schema.StringAttribute{
			Optional: true,
			MarkdownDescription: "Only keys not used within the last this long, as a Go duration such as `720h` for 30 days, by the API's clock at the time of reading. Default: used or not. " +
				"The vendor does not document that the API tells a key's last use. A key without one counts as never used if the API tells the last use of at least one other key, " +
				"and then as unused for as long as it exists. If it tells none at all, nothing is known: all such keys are left out, with a warning. " +
				"Make sure in Better Data's own usage view before you revoke.",
			Validators: []validator.String{durationValidator{}, positiveValidator{}},
		},
	}
}
