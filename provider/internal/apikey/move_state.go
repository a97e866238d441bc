package apikey

import (
	"context"
	"encoding/json"
	"strings"

	"github.com/hashicorp/terraform-plugin-framework/path"
	"github.com/hashicorp/terraform-plugin-framework/resource"
	"github.com/hashicorp/terraform-plugin-framework/types"
)

// The generic REST provider, by which keys are managed where there is no provider for them.
const (
	restProvider = "/mastercard/restapi"
	restType     = "restapi_object"
)

// MoveState takes keys over from restapi_object by a moved block, without replacing them.
func (r *Resource) MoveState(context.Context) []resource.StateMover {
	return []resource.StateMover{{StateMover: moveFromREST}}
}

// restObject is what is of use in the state of a restapi_object. Its create_response is the API's answer as it was,
// plaintext included: the one place where a plaintext can be had from without a rotation.
type restObject struct {
	ID             string `json:"id"`
	CreateResponse string `json:"create_response"`
}

func moveFromREST(ctx context.Context, req resource.MoveStateRequest, resp *resource.MoveStateResponse) {
	if req.SourceTypeName != restType || !strings.HasSuffix(strings.ToLower(req.SourceProviderAddress), restProvider) {
		return
	}
	var source restObject
	if err := json.Unmarshal(req.SourceRawState.JSON, &source); err != nil || source.ID == "" {
		resp.Diagnostics.AddError("Cannot take over the "+restType,
			"Its state has no readable id, so it is not known which key it managed. Import the key by its id instead.")
		return
	}
	resp.Diagnostics.Append(resp.TargetState.SetAttribute(ctx, path.Root("id"), source.ID)...)
	setDefaults(ctx, &resp.TargetState, &resp.Diagnostics)
	setIdentity(ctx, resp.TargetIdentity, types.StringValue(source.ID), &resp.Diagnostics)
	newIssuance(&resp.Diagnostics).save(ctx, resp.TargetPrivate, &resp.Diagnostics)
	if plaintext := source.plaintext(); plaintext != "" {
		resp.Diagnostics.Append(resp.TargetState.SetAttribute(ctx, path.Root("plaintext_key"), plaintext)...)
		return
	}
	resp.Diagnostics.AddWarning("The plaintext of "+source.ID+" is not known",
		"The state of the "+restType+" does not hold it. To obtain one, set rotate_on_import = true: the next apply rotates the key, "+
			"and the old one lives on for rotation.overlap.")
}

// plaintext is that of the answer to the create, if the answer is about this very key: it may have been replaced since.
func (o restObject) plaintext() string {
	type answer struct {
		APIKey       struct{ ID string } `json:"apiKey"`
		PlaintextKey string              `json:"plaintextKey"`
	}
	var found struct {
		answer
		Data answer `json:"data"`
	}
	if json.Unmarshal([]byte(o.CreateResponse), &found) != nil {
		return ""
	}
	for _, a := range []answer{found.answer, found.Data} {
		if a.APIKey.ID == o.ID {
			return a.PlaintextKey
		}
	}
	return ""
}
