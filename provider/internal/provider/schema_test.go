package provider

import (
	"context"
	"strings"
	"testing"

	"github.com/hashicorp/terraform-plugin-framework/providerserver"
	"github.com/hashicorp/terraform-plugin-go/tfprotov6"
	"github.com/hashicorp/terraform-plugin-go/tftypes"
)

const resourceName = "betterdata_api_key"

func newServer(t *testing.T) (tfprotov6.ProviderServer, *tfprotov6.GetProviderSchemaResponse) {
	t.Helper()
	server, err := providerserver.NewProtocol6WithError(New("test")())()
	if err != nil {
		t.Fatal(err)
	}
	schemas, err := server.GetProviderSchema(t.Context(), &tfprotov6.GetProviderSchemaRequest{})
	if err != nil || len(schemas.Diagnostics) != 0 {
		t.Fatalf("error %v, diagnostics %v", err, schemas.Diagnostics)
	}
	return server, schemas
}

// object makes a value of a schema's type; attributes that are not given are null.
func object(t *testing.T, schema *tfprotov6.Schema, given map[string]tftypes.Value) *tfprotov6.DynamicValue {
	t.Helper()
	of, ok := schema.ValueType().(tftypes.Object)
	if !ok {
		t.Fatal("the schema is no object")
	}
	values := map[string]tftypes.Value{}
	for name, kind := range of.AttributeTypes {
		values[name] = tftypes.NewValue(kind, nil)
	}
	for name, value := range given {
		values[name] = value
	}
	dynamic, err := tfprotov6.NewDynamicValue(of, tftypes.NewValue(of, values))
	if err != nil {
		t.Fatal(err)
	}
	return &dynamic
}

func str(s string) tftypes.Value { return tftypes.NewValue(tftypes.String, s) }

func strs(values ...string) tftypes.Value {
	elements := make([]tftypes.Value, 0, len(values))
	for _, s := range values {
		elements = append(elements, str(s))
	}
	return tftypes.NewValue(tftypes.Set{ElementType: tftypes.String}, elements)
}

func printed(diagnostics []*tfprotov6.Diagnostic) string {
	var b strings.Builder
	for _, d := range diagnostics {
		b.WriteString(d.Severity.String() + " " + d.Attribute.String() + " " + d.Summary + ": " + d.Detail + "\n")
	}
	return b.String()
}

// TestEveryAttributeIsDescribed walks the schemas that Terraform sees, nested attributes included.
func TestEveryAttributeIsDescribed(t *testing.T) {
	t.Parallel()
	_, schemas := newServer(t)
	var walk func(at string, attributes []*tfprotov6.SchemaAttribute)
	walk = func(at string, attributes []*tfprotov6.SchemaAttribute) {
		for _, attribute := range attributes {
			name := at + "." + attribute.Name
			if len(strings.TrimSpace(attribute.Description)) < 10 {
				t.Errorf("%s has no description", name)
			}
			if attribute.NestedType != nil {
				walk(name, attribute.NestedType.Attributes)
			}
		}
	}
	walk("provider", schemas.Provider.Block.Attributes)
	for kind, served := range map[string]map[string]*tfprotov6.Schema{
		"resource": schemas.ResourceSchemas, "data": schemas.DataSourceSchemas, "ephemeral": schemas.EphemeralResourceSchemas,
	} {
		if len(served) == 0 {
			t.Errorf("no %s is served", kind)
		}
		for name, schema := range served {
			if schema.Block.Description == "" {
				t.Errorf("%s.%s has no description", kind, name)
			}
			walk(kind+"."+name, schema.Block.Attributes)
		}
	}
}

// TestSecretsAreSensitive: exactly these attributes hold secrets, and Terraform masks them.
func TestSecretsAreSensitive(t *testing.T) {
	t.Parallel()
	_, schemas := newServer(t)
	for _, attribute := range schemas.Provider.Block.Attributes {
		if want := attribute.Name == "token"; attribute.Sensitive != want {
			t.Errorf("provider.%s: sensitive = %t, want %t", attribute.Name, attribute.Sensitive, want)
		}
	}
	for _, served := range []map[string]*tfprotov6.Schema{schemas.ResourceSchemas, schemas.DataSourceSchemas, schemas.EphemeralResourceSchemas} {
		for name, schema := range served {
			for _, attribute := range schema.Block.Attributes {
				if want := attribute.Name == "plaintext_key"; attribute.Sensitive != want {
					t.Errorf("%s.%s: sensitive = %t, want %t", name, attribute.Name, attribute.Sensitive, want)
				}
			}
		}
	}
}

// TestValidateResourceConfig: bad input gets an error about its attribute before anything is sent (P7).
func TestValidateResourceConfig(t *testing.T) {
	t.Parallel()
	server, schemas := newServer(t)
	schema := schemas.ResourceSchemas[resourceName]
	rotationType := schema.ValueType().(tftypes.Object).AttributeTypes["rotation"].(tftypes.Object) //nolint:forcetypeassert // a panic is a failed test
	rotation := func(given map[string]tftypes.Value) tftypes.Value {
		values := map[string]tftypes.Value{}
		for name, kind := range rotationType.AttributeTypes {
			values[name] = tftypes.NewValue(kind, nil)
		}
		for name, value := range given {
			values[name] = value
		}
		return tftypes.NewValue(rotationType, values)
	}
	unknown := tftypes.NewValue(tftypes.String, tftypes.UnknownValue)
	for name, tc := range map[string]struct {
		given            map[string]tftypes.Value // on top of a good name and good scopes
		errors, warnings int
		holds            string
	}{
		"good":           {nil, 0, 0, ""},
		"everything set": {map[string]tftypes.Value{"rotation": rotation(map[string]tftypes.Value{"interval": str("2160h"), "overlap": str("24h")}), "on_destroy": str("retain"), "on_revoked": str("error"), "name_marker": str("permanent")}, 0, 0, ""},
		"everything unknown": {map[string]tftypes.Value{
			"name": unknown, "scopes": tftypes.NewValue(tftypes.Set{ElementType: tftypes.String}, tftypes.UnknownValue),
			"rotation": tftypes.NewValue(rotationType, tftypes.UnknownValue), "on_destroy": unknown, "on_revoked": unknown, "name_marker": unknown,
		}, 0, 0, ""},
		"no name":          {map[string]tftypes.Value{"name": tftypes.NewValue(tftypes.String, nil)}, 1, 0, "name"},
		"reserved name":    {map[string]tftypes.Value{"name": str("x [tf:1a2b3c4d]")}, 1, 0, "Choose another name"},
		"no scope":         {map[string]tftypes.Value{"scopes": strs()}, 1, 0, "at least 1"},
		"a typo":           {map[string]tftypes.Value{"scopes": strs("inventroy:read")}, 0, 1, `Did you mean "inventory:read"`},
		"a broken scope":   {map[string]tftypes.Value{"scopes": strs("inventory:read forecast:read")}, 1, 0, "list each on its own"},
		"on_destroy":       {map[string]tftypes.Value{"on_destroy": str("keep")}, 1, 0, "retain"},
		"on_revoked":       {map[string]tftypes.Value{"on_revoked": str("ignore")}, 1, 0, "recreate"},
		"name_marker":      {map[string]tftypes.Value{"name_marker": str("")}, 1, 0, "temporary"},
		"90d":              {map[string]tftypes.Value{"rotation": rotation(map[string]tftypes.Value{"interval": str("90d")})}, 1, 0, "2160h"},
		"short interval":   {map[string]tftypes.Value{"rotation": rotation(map[string]tftypes.Value{"interval": str("59s"), "overlap": str("0s")})}, 1, 0, "1m"},
		"default overlap":  {map[string]tftypes.Value{"rotation": rotation(map[string]tftypes.Value{"interval": str("12h")})}, 1, 0, "shorter"},
		"interval unknown": {map[string]tftypes.Value{"rotation": rotation(map[string]tftypes.Value{"interval": unknown, "overlap": str("9999h")})}, 0, 0, ""},
		"overlap unknown":  {map[string]tftypes.Value{"rotation": rotation(map[string]tftypes.Value{"interval": str("1h"), "overlap": unknown})}, 0, 0, ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			given := map[string]tftypes.Value{"name": str("Forecast"), "scopes": strs("inventory:read")}
			for k, v := range tc.given {
				given[k] = v
			}
			resp, err := server.ValidateResourceConfig(t.Context(), &tfprotov6.ValidateResourceConfigRequest{
				TypeName: resourceName, Config: object(t, schema, given),
				ClientCapabilities: &tfprotov6.ValidateResourceConfigClientCapabilities{},
			})
			if err != nil {
				t.Fatal(err)
			}
			errors, warnings := 0, 0
			for _, d := range resp.Diagnostics {
				switch d.Severity {
				case tfprotov6.DiagnosticSeverityError:
					errors++
				default:
					warnings++
				}
				if d.Attribute == nil {
					t.Errorf("a diagnostic names no attribute: %s", d.Summary)
				}
			}
			if errors != tc.errors || warnings != tc.warnings || !strings.Contains(printed(resp.Diagnostics), tc.holds) {
				t.Errorf("%d errors and %d warnings, want %d, %d and %q:\n%s", errors, warnings, tc.errors, tc.warnings, tc.holds, printed(resp.Diagnostics))
			}
		})
	}
}

// TestConfigureProvider goes through the server, as Terraform does.
func TestConfigureProvider(t *testing.T) {
	unknown := tftypes.NewValue(tftypes.String, tftypes.UnknownValue)
	for name, tc := range map[string]struct {
		given map[string]tftypes.Value
		holds []string // in the error; nil: none
	}{
		"token":                         {map[string]tftypes.Value{"token": str("configured")}, nil},
		"token unknown":                 {map[string]tftypes.Value{"token": unknown}, nil},
		"all unknown":                   {map[string]tftypes.Value{"token": unknown, "token_file": unknown, "base_url": unknown}, nil},
		"base_url unknown, no token":    {map[string]tftypes.Value{"base_url": unknown}, nil},
		"nothing":                       {nil, []string{"provider block", EnvToken, EnvTokenFile}},
		"both":                          {map[string]tftypes.Value{"token": str("configured"), "token_file": str("x")}, []string{"both set"}},
		"unencrypted, not this machine": {map[string]tftypes.Value{"token": str("configured"), "base_url": str("http://example.com/api")}, []string{"unencrypted"}},
	} {
		t.Run(name, func(t *testing.T) {
			setEnvironment(t, nil)
			server, schemas := newServer(t)
			resp, err := server.ConfigureProvider(context.WithoutCancel(t.Context()), &tfprotov6.ConfigureProviderRequest{
				TerraformVersion: "1.11.4", Config: object(t, schemas.Provider, tc.given),
				ClientCapabilities: &tfprotov6.ConfigureProviderClientCapabilities{},
			})
			if err != nil {
				t.Fatal(err)
			}
			if (len(resp.Diagnostics) == 0) != (tc.holds == nil) {
				t.Errorf("diagnostics:\n%s", printed(resp.Diagnostics))
			}
			for _, want := range tc.holds {
				if !strings.Contains(printed(resp.Diagnostics), want) {
					t.Errorf("the diagnostics lack %q:\n%s", want, printed(resp.Diagnostics))
				}
			}
			if strings.Contains(printed(resp.Diagnostics), "configured") {
				t.Error("the diagnostics quote the token")
			}
		})
	}
}
