package functions

import (
	"context"

	"github.com/hashicorp/terraform-plugin-framework/function"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/betterdataco/terraform-provider-betterdata/apiclient"
)

var _ function.Function = scopeAllows{}

type scopeAllows struct{}

// NewScopeAllows returns scope_allows for registration.
func NewScopeAllows() function.Function { return scopeAllows{} }

// Metadata names the function.
func (scopeAllows) Metadata(_ context.Context, _ function.MetadataRequest, resp *function.MetadataResponse) {
	resp.Name = "scope_allows"
}

// Definition describes the function.
func (scopeAllows) Definition(_ context.Context, _ function.DefinitionRequest, resp *function.DefinitionResponse) {
	resp.Definition = function.Definition{
		Summary: "Tells whether granted scopes allow a wanted one",
		MarkdownDescription: "Returns true when a key with the granted scopes may do what the wanted scope names. `*` grants everything and `inventory:*` everything of its area. " +
			"A wildcard is granted only by itself or a wider one, because it also covers actions that do not exist yet: " +
			"`inventory:read` and `inventory:write` together do not grant `inventory:*`. Case matters. Nothing is sent.",
		Parameters: []function.Parameter{
			function.SetParameter{
				Name: "granted", ElementType: types.StringType,
				MarkdownDescription: "The scopes of a key, as a list or set of strings; may be empty.",
			},
			function.StringParameter{
				Name:                "wanted",
				MarkdownDescription: "The scope that is asked for, such as `inventory:read`.",
			},
		},
		Return: function.BoolReturn{},
	}
}

// Run compares. What cannot be a scope is an error and not false: a caller who joins scopes with a comma would else
// learn that nothing is granted.
func (scopeAllows) Run(ctx context.Context, req function.RunRequest, resp *function.RunResponse) {
	var granted []types.String
	var wanted string
	if resp.Error = req.Arguments.Get(ctx, &granted, &wanted); resp.Error != nil {
		return
	}
	scopes := make([]string, 0, len(granted))
	for _, scope := range granted {
		if scope.IsNull() {
			resp.Error = function.NewArgumentFuncError(0, "A granted scope is null. Remove it, for example with compact().")
			return
		}
		if resp.Error = malformed(0, "A granted scope", scope.ValueString()); resp.Error != nil {
			return
		}
		scopes = append(scopes, scope.ValueString())
	}
	if resp.Error = malformed(1, "The wanted scope", wanted); resp.Error != nil {
		return
	}
	resp.Error = resp.Result.Set(ctx, apiclient.Allows(scopes, wanted))
}

// malformed does not repeat the text: arguments may be mixed up, and one of them be a key.
func malformed(argument int64, what, scope string) *function.FuncError {
	problem, bad := apiclient.MalformedScope(scope)
	if !bad {
		return nil
	}
	return function.NewArgumentFuncError(argument, what+" "+problem+". A scope looks like inventory:read, inventory:* or *.")
}
