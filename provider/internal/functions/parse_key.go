package functions

import (
	"context"

	"github.com/hashicorp/terraform-plugin-framework/attr"
	"github.com/hashicorp/terraform-plugin-framework/function"
	"github.com/hashicorp/terraform-plugin-framework/types"
)

var _ function.Function = parseKey{}

type parseKey struct{}

// NewParseKey returns parse_key for registration.
func NewParseKey() function.Function { return parseKey{} }

// parsedKey is the result. Its names are those of the resource and of the data sources.
type parsedKey struct {
	KeyPrefix   types.String `tfsdk:"key_prefix"`
	Environment types.String `tfsdk:"environment"`
	Last4       types.String `tfsdk:"last4"`
}

// Metadata names the function.
func (parseKey) Metadata(_ context.Context, _ function.MetadataRequest, resp *function.MetadataResponse) {
	resp.Name = "parse_key"
}

// Definition describes the function.
func (parseKey) Definition(_ context.Context, _ function.DefinitionRequest, resp *function.DefinitionResponse) {
	resp.Definition = function.Definition{
		Summary: "Takes an API key apart, without its secret part",
		MarkdownDescription: "Returns what a plaintext says about its key, as an object that never holds the secret part:\n\n" +
			"- `key_prefix` (String) the beginning of the key, which listings show, such as `bdk_live_ABC123`;\n" +
			"- `environment` (String) the word after `bdk_`, such as `live`; null where the key names none;\n" +
			"- `last4` (String) the last four characters; null where the secret part has fewer than 12.\n\n" +
			"With `key_prefix` and `last4` a key that turned up somewhere can be found among those of the data source `betterdata_api_keys`. " +
			"Nothing is sent, and nothing is said about whether the key works. A text that is not of a key's form is an error, which does not repeat it.\n\n" +
			"Terraform marks the result as sensitive when the argument is; `nonsensitive()` around the call shows it.",
		Parameters: []function.Parameter{
			function.StringParameter{
				Name:                "plaintext",
				MarkdownDescription: "The key as it was issued, such as `plaintext_key` of the resource `betterdata_api_key`.",
			},
		},
		Return: function.ObjectReturn{AttributeTypes: map[string]attr.Type{
			"key_prefix": types.StringType, "environment": types.StringType, "last4": types.StringType,
		}},
	}
}

// Run parses.
func (parseKey) Run(ctx context.Context, req function.RunRequest, resp *function.RunResponse) {
	var plaintext string
	if resp.Error = req.Arguments.Get(ctx, &plaintext); resp.Error != nil {
		return
	}
	parts, problem := split(plaintext)
	if problem != "" {
		resp.Error = function.NewArgumentFuncError(0, problem)
		return
	}
	resp.Error = resp.Result.Set(ctx, parsedKey{
		KeyPrefix: types.StringValue(parts.prefix), Environment: nullIfEmpty(parts.environment), Last4: nullIfEmpty(parts.last4),
	})
}

func nullIfEmpty(s string) types.String {
	if s == "" {
		return types.StringNull()
	}
	return types.StringValue(s)
}
