package functions

import (
	"strings"
	"testing"

	"github.com/hashicorp/terraform-plugin-framework/attr"
	"github.com/hashicorp/terraform-plugin-framework/function"
	"github.com/hashicorp/terraform-plugin-framework/types"
)

// call runs a function as the framework does.
func call(t *testing.T, f function.Function, arguments ...attr.Value) (attr.Value, *function.FuncError) {
	t.Helper()
	var defined function.DefinitionResponse
	f.Definition(t.Context(), function.DefinitionRequest{}, &defined)
	result, err := defined.Definition.Return.NewResultData(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	resp := function.RunResponse{Result: result}
	f.Run(t.Context(), function.RunRequest{Arguments: function.NewArgumentsData(arguments)}, &resp)
	return resp.Result.Value(), resp.Error
}

func set(scopes ...string) attr.Value {
	values := make([]attr.Value, 0, len(scopes))
	for _, scope := range scopes {
		values = append(values, types.StringValue(scope))
	}
	return types.SetValueMust(types.StringType, values)
}

func TestScopeAllows(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		granted []string
		wanted  string
		want    bool
	}{
		"itself":                 {[]string{"inventory:read"}, "inventory:read", true},
		"another action":         {[]string{"inventory:read"}, "inventory:write", false},
		"wildcard of the area":   {[]string{"forecast:read", "inventory:*"}, "inventory:write", true},
		"wildcard of another":    {[]string{"forecast:*"}, "inventory:write", false},
		"everything":             {[]string{"*"}, "admin:write", true},
		"sum is no wildcard":     {[]string{"inventory:read", "inventory:write"}, "inventory:*", false},
		"wildcard of a wildcard": {[]string{"*"}, "inventory:*", true},
		"not in the catalogue":   {[]string{"transfers:*"}, "transfers:approve", true},
		"nothing granted":        {nil, "inventory:read", false},
		"case":                   {[]string{"Inventory:read"}, "inventory:read", false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, err := call(t, NewScopeAllows(), set(c.granted...), types.StringValue(c.wanted))
			if err != nil || !got.Equal(types.BoolValue(c.want)) {
				t.Errorf("got %v, %v; want %v", got, err, c.want)
			}
		})
	}
}

// TestArgumentErrors: errors name their argument and do not repeat it, since it may be a key in the wrong place.
func TestArgumentErrors(t *testing.T) {
	t.Parallel()
	key := types.StringValue("bdk_live_ABC123_" + secretPart + " ")
	good := types.StringValue("inventory:read")
	withNull := types.SetValueMust(types.StringType, []attr.Value{types.StringNull()})
	for name, c := range map[string]struct {
		f         function.Function
		arguments []attr.Value
		argument  int64
	}{
		"a key among the granted": {NewScopeAllows(), []attr.Value{types.SetValueMust(types.StringType, []attr.Value{key}), good}, 0},
		"null among the granted":  {NewScopeAllows(), []attr.Value{withNull, good}, 0},
		"a key as the wanted":     {NewScopeAllows(), []attr.Value{set("*"), key}, 1},
		"nothing wanted":          {NewScopeAllows(), []attr.Value{set("*"), types.StringValue("")}, 1},
		"a key with white space":  {NewParseKey(), []attr.Value{key}, 0},
		"no key":                  {NewParseKey(), []attr.Value{types.StringValue(secretPart)}, 0},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := call(t, c.f, c.arguments...)
			if err == nil || err.FunctionArgument == nil || *err.FunctionArgument != c.argument {
				t.Fatalf("error is %v, want one of argument %d", err, c.argument)
			}
			if strings.Contains(err.Text, secretPart) {
				t.Error("the error repeats the argument")
			}
		})
	}
}

func TestParseKeyResult(t *testing.T) {
	t.Parallel()
	got, err := call(t, NewParseKey(), types.StringValue("bdk_ABC123_short"))
	object, ok := got.(types.Object)
	if err != nil || !ok {
		t.Fatalf("got %v, %v", got, err)
	}
	for name, want := range map[string]attr.Value{
		"key_prefix": types.StringValue("bdk_ABC123"), "environment": types.StringNull(), "last4": types.StringNull(),
	} {
		if !object.Attributes()[name].Equal(want) {
			t.Errorf("%s is %v, want %v", name, object.Attributes()[name], want)
		}
	}
	if masked, err := call(t, NewMaskKey(), types.StringValue("bdk_ABC123_short")); err != nil || !masked.Equal(types.StringValue("bdk_ABC123_...")) {
		t.Errorf("masked is %v, %v", masked, err)
	}
}
