package schemajson_test

import (
	"bytes"
	"context"
	"encoding/json"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/hashicorp/terraform-plugin-go/tfprotov6"
	"github.com/hashicorp/terraform-plugin-go/tftypes"

	"github.com/betterdataco/terraform-provider-betterdata/provider/internal/schemajson"
)

// server answers the two questions that Write asks; any other call would panic on the nil interface.
type server struct {
	tfprotov6.ProviderServer

	schemas    tfprotov6.GetProviderSchemaResponse
	identities tfprotov6.GetResourceIdentitySchemasResponse
}

func (s server) GetProviderSchema(
	context.Context, *tfprotov6.GetProviderSchemaRequest,
) (*tfprotov6.GetProviderSchemaResponse, error) {
	return &s.schemas, nil
}

func (s server) GetResourceIdentitySchemas(
	context.Context, *tfprotov6.GetResourceIdentitySchemasRequest,
) (*tfprotov6.GetResourceIdentitySchemasResponse, error) {
	return &s.identities, nil
}

// blockOf wraps attributes into a schema.
func blockOf(attributes ...*tfprotov6.SchemaAttribute) *tfprotov6.Schema {
	return &tfprotov6.Schema{Version: 2, Block: &tfprotov6.SchemaBlock{Attributes: attributes}}
}

// mustWrite returns what Write wrote for the short name "toy", as plain maps.
func mustWrite(t *testing.T, s server) map[string]any {
	t.Helper()
	var out bytes.Buffer
	if err := schemajson.Write(t.Context(), &out, "toy", s); err != nil {
		t.Fatal(err)
	}
	var document struct {
		FormatVersion string                    `json:"format_version"`
		Schemas       map[string]map[string]any `json:"provider_schemas"`
	}
	if err := json.Unmarshal(out.Bytes(), &document); err != nil {
		t.Fatal(err)
	}
	if document.FormatVersion != "1.0" {
		t.Errorf("format_version = %q, want 1.0", document.FormatVersion)
	}
	return document.Schemas["toy"]
}

func TestWriteTranslatesEveryKindOfThing(t *testing.T) {
	t.Parallel()
	name := &tfprotov6.SchemaAttribute{Name: "name", Type: tftypes.String, Required: true}
	nameJSON := `"version": 2, "block": {"attributes": {"name": {"type": "string", "description_kind": "plain", "required": true}}, "description_kind": "plain"}`

	cases := map[string]struct {
		give server
		kind string
		want string
	}{
		"provider": {
			give: server{schemas: tfprotov6.GetProviderSchemaResponse{Provider: blockOf(name)}},
			kind: "provider", want: `{` + nameJSON + `}`,
		},
		"resource": {
			give: server{schemas: tfprotov6.GetProviderSchemaResponse{
				ResourceSchemas: map[string]*tfprotov6.Schema{"toy_a": blockOf(name)},
			}},
			kind: "resource_schemas", want: `{"toy_a": {` + nameJSON + `}}`,
		},
		"data source": {
			give: server{schemas: tfprotov6.GetProviderSchemaResponse{
				DataSourceSchemas: map[string]*tfprotov6.Schema{"toy_a": blockOf(name)},
			}},
			kind: "data_source_schemas", want: `{"toy_a": {` + nameJSON + `}}`,
		},
		"ephemeral resource": {
			give: server{schemas: tfprotov6.GetProviderSchemaResponse{
				EphemeralResourceSchemas: map[string]*tfprotov6.Schema{"toy_a": blockOf(name)},
			}},
			kind: "ephemeral_resource_schemas", want: `{"toy_a": {` + nameJSON + `}}`,
		},
		"list resource": {
			give: server{schemas: tfprotov6.GetProviderSchemaResponse{
				ListResourceSchemas: map[string]*tfprotov6.Schema{"toy_a": blockOf(name)},
			}},
			kind: "list_resource_schemas", want: `{"toy_a": {` + nameJSON + `}}`,
		},
		"action has no version": {
			give: server{schemas: tfprotov6.GetProviderSchemaResponse{
				ActionSchemas: map[string]*tfprotov6.ActionSchema{"toy_a": {Schema: blockOf()}},
			}},
			kind: "action_schemas", want: `{"toy_a": {"block": {"description_kind": "plain"}}}`,
		},
		"function": {
			give: server{schemas: tfprotov6.GetProviderSchemaResponse{Functions: map[string]*tfprotov6.Function{"f": {
				Summary: "does f",
				Return:  &tfprotov6.FunctionReturn{Type: tftypes.Bool},
				Parameters: []*tfprotov6.FunctionParameter{
					{Name: "x", Type: tftypes.Set{ElementType: tftypes.String}, AllowNullValue: true},
				},
				VariadicParameter: &tfprotov6.FunctionParameter{Name: "more", Type: tftypes.Number},
			}}}},
			kind: "functions",
			want: `{"f": {"summary": "does f", "return_type": "bool",
				"parameters": [{"name": "x", "is_nullable": true, "type": ["set", "string"]}],
				"variadic_parameter": {"name": "more", "type": "number"}}}`,
		},
		"identity": {
			give: server{identities: tfprotov6.GetResourceIdentitySchemasResponse{
				IdentitySchemas: map[string]*tfprotov6.ResourceIdentitySchema{"toy_a": {
					Version: 1,
					IdentityAttributes: []*tfprotov6.ResourceIdentitySchemaAttribute{
						{Name: "id", Type: tftypes.String, Description: "the id", RequiredForImport: true},
					},
				}},
			}},
			kind: "resource_identity_schemas",
			want: `{"toy_a": {"version": 1, "attributes": {
				"id": {"type": "string", "description": "the id", "required_for_import": true}}}}`,
		},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var want any
			if err := json.Unmarshal([]byte(tc.want), &want); err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(want, mustWrite(t, tc.give)[tc.kind]); diff != "" {
				t.Errorf("(-want +got)\n%s", diff)
			}
		})
	}
}

func TestWriteKeepsEveryMarkOfAnAttribute(t *testing.T) {
	t.Parallel()
	s := server{schemas: tfprotov6.GetProviderSchemaResponse{Provider: &tfprotov6.Schema{Block: &tfprotov6.SchemaBlock{
		Description: "all of it", DescriptionKind: tfprotov6.StringKindMarkdown, Deprecated: true,
		Attributes: []*tfprotov6.SchemaAttribute{
			{Name: "marked", Type: tftypes.Map{ElementType: tftypes.String}, Description: "*m*", DescriptionKind: tfprotov6.StringKindMarkdown,
				Optional: true, Computed: true, Sensitive: true, WriteOnly: true, Deprecated: true},
			{Name: "nested", Required: true, NestedType: &tfprotov6.SchemaObject{
				Nesting:    tfprotov6.SchemaObjectNestingModeList,
				Attributes: []*tfprotov6.SchemaAttribute{{Name: "in", Type: tftypes.Bool, Computed: true}},
			}},
		},
		BlockTypes: []*tfprotov6.SchemaNestedBlock{{
			TypeName: "timeouts", Nesting: tfprotov6.SchemaNestedBlockNestingModeSingle, MinItems: 1, MaxItems: 2,
			Block: &tfprotov6.SchemaBlock{},
		}},
	}}}}
	want := map[string]any{
		"version": 0.0,
		"block": map[string]any{
			"description": "all of it", "description_kind": "markdown", "deprecated": true,
			"attributes": map[string]any{
				"marked": map[string]any{
					"type": []any{"map", "string"}, "description": "*m*", "description_kind": "markdown",
					"optional": true, "computed": true, "sensitive": true, "write_only": true, "deprecated": true,
				},
				"nested": map[string]any{
					"required": true, "description_kind": "plain",
					"nested_type": map[string]any{"nesting_mode": "list", "attributes": map[string]any{
						"in": map[string]any{"type": "bool", "description_kind": "plain", "computed": true},
					}},
				},
			},
			"block_types": map[string]any{"timeouts": map[string]any{
				"nesting_mode": "single", "min_items": 1.0, "max_items": 2.0,
				"block": map[string]any{"description_kind": "plain"},
			}},
		},
	}
	if diff := cmp.Diff(want, mustWrite(t, s)["provider"]); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
}

func TestWriteRefusesHalfASchema(t *testing.T) {
	t.Parallel()
	broken := []*tfprotov6.Diagnostic{{
		Severity: tfprotov6.DiagnosticSeverityError, Summary: "duplicate name", Detail: "toy_a is defined twice",
	}}
	cases := map[string]server{
		"schemas":    {schemas: tfprotov6.GetProviderSchemaResponse{Diagnostics: broken}},
		"identities": {identities: tfprotov6.GetResourceIdentitySchemasResponse{Diagnostics: broken}},
	}
	for name, s := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var out bytes.Buffer
			err := schemajson.Write(t.Context(), &out, "toy", s)
			if err == nil || !strings.Contains(err.Error(), "toy_a is defined twice") {
				t.Errorf("err = %v, want the provider's own words", err)
			}
			if out.Len() > 0 {
				t.Errorf("wrote %d bytes, want none", out.Len())
			}
		})
	}
}
