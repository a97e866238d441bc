package functions

import (
	"context"

	"github.com/hashicorp/terraform-plugin-framework/function"
)

var _ function.Function = maskKey{}

type maskKey struct{}

// NewMaskKey returns mask_key for registration.
func NewMaskKey() function.Function { return maskKey{} }

// Metadata names the function.
func (maskKey) Metadata(_ context.Context, _ function.MetadataRequest, resp *function.MetadataResponse) {
	resp.Name = "mask_key"
}

// Definition describes the function.
func (maskKey) Definition(_ context.Context, _ function.DefinitionRequest, resp *function.DefinitionResponse) {
	resp.Definition = function.Definition{
		Summary: "Shortens a key to what may be shown of it",
		MarkdownDescription: "Returns the beginning and the last four characters of an API key, `bdk_live_ABC123_...XYZ1`: what the API itself shows in listings, " +
			"enough to tell keys apart and not enough to use one. A text that is not recognised as a Better Data key is hidden altogether (`...`), " +
			"so that a session token given by mistake does not show.\n\n" +
			"The argument may not be null, as the plaintext of an imported key is: write `k == null ? null : provider::betterdata::mask_key(k)`.\n\n" +
			"Terraform marks the result as sensitive when the argument is; `nonsensitive()` around the call shows it.",
		Parameters: []function.Parameter{
			function.StringParameter{
				// Null is not allowed: OpenTofu 1.12 sends it as a value without content, which the framework calls a defect
				// of the provider.
				Name:                "plaintext",
				MarkdownDescription: "The key as it was issued, such as `plaintext_key` of the resource `betterdata_api_key`.",
			},
		},
		Return: function.StringReturn{},
	}
}

// Run masks.
func (maskKey) Run(ctx context.Context, req function.RunRequest, resp *function.RunResponse) {
	var plaintext string
	if resp.Error = req.Arguments.Get(ctx, &plaintext); resp.Error != nil {
		return
	}
	resp.Error = resp.Result.Set(ctx, mask(plaintext))
}
