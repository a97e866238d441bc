package apikey

import (
	"strings"
	"testing"

	"github.com/hashicorp/terraform-plugin-framework/attr"
	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/path"
	"github.com/hashicorp/terraform-plugin-framework/resource"
	"github.com/hashicorp/terraform-plugin-framework/schema/validator"
	"github.com/hashicorp/terraform-plugin-framework/types"
)

// expectDiagnostics checks the number of errors and warnings, and that all texts together hold each of holds.
func expectDiagnostics(t *testing.T, diags diag.Diagnostics, errors, warnings int, holds ...string) {
	t.Helper()
	var text strings.Builder
	for _, d := range diags {
		text.WriteString(d.Summary() + ": " + d.Detail() + "\n")
	}
	if diags.ErrorsCount() != errors || diags.WarningsCount() != warnings {
		t.Errorf("%d errors and %d warnings, want %d and %d:\n%s", diags.ErrorsCount(), diags.WarningsCount(), errors, warnings, text.String())
	}
	for _, want := range holds {
		if !strings.Contains(text.String(), want) {
			t.Errorf("the diagnostics lack %q:\n%s", want, text.String())
		}
	}
}

func TestNameValidator(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		value types.String
		want  string // in the error; empty: none
	}{
		"good":               {types.StringValue("Production API Key"), ""},
		"brackets":           {types.StringValue("Forecast [eu]"), ""},
		"other scripts":      {types.StringValue("Prognose für Köln 預測"), ""},
		"null":               {types.StringNull(), ""},
		"unknown":            {types.StringUnknown(), ""},
		"empty":              {types.StringValue(""), "The name is empty"},
		"only space":         {types.StringValue(" \t"), "The name is empty"},
		"leading space":      {types.StringValue(" x"), "trimspace()"},
		"trailing newline":   {types.StringValue("x\n"), "white space"},
		"inner line break":   {types.StringValue("a\nb"), "control character"},
		"Terraform's marker": {types.StringValue("x [tf:1a2b3c4d]"), "[tf:"},
		"a half marker":      {types.StringValue("[tf:"), "[tf:"},
		"operator's marker":  {types.StringValue("x [k8s:1a2b3c4d:112233445566]"), "[k8s:"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			resp := validator.StringResponse{}
			nameValidator{}.ValidateString(t.Context(), validator.StringRequest{Path: path.Root("name"), ConfigValue: tc.value}, &resp)
			if tc.want == "" {
				expectDiagnostics(t, resp.Diagnostics, 0, 0)
				return
			}
			expectDiagnostics(t, resp.Diagnostics, 1, 0, tc.want)
			if at, ok := resp.Diagnostics[0].(diag.DiagnosticWithPath); !ok || !at.Path().Equal(path.Root("name")) {
				t.Error("the error does not name the attribute")
			}
		})
	}
}

func TestScopesValidator(t *testing.T) {
	t.Parallel()
	set := func(values ...attr.Value) types.Set { return types.SetValueMust(types.StringType, values) }
	for name, tc := range map[string]struct {
		value            types.Set
		errors, warnings int
		holds            []string
	}{
		"known":              {scopeSet("inventory:read", "planning:*"), 0, 0, nil},
		"everything":         {scopeSet("*"), 0, 1, []string{"The key may do everything"}},
		"null":               {types.SetNull(types.StringType), 0, 0, nil},
		"unknown":            {types.SetUnknown(types.StringType), 0, 0, nil},
		"empty":              {set(), 0, 0, nil}, // SizeAtLeast(1) stands beside it in the schema
		"an unknown element": {set(types.StringUnknown(), types.StringValue("reports:read")), 0, 0, nil},
		"a null element":     {set(types.StringNull()), 1, 0, []string{"A scope is null", "compact()"}},
		"typo":               {scopeSet("inventroy:read"), 0, 1, []string{`Did you mean "inventory:read"?`, "It is sent as written"}},
		"dots":               {scopeSet("forecast.write"), 0, 1, []string{`Did you mean "forecast:write"?`}},
		"far from anything":  {scopeSet("transfers:execute"), 0, 1, []string{"It is sent as written"}},
		"empty text":         {scopeSet(""), 1, 0, []string{"is empty"}},
		"several in one":     {scopeSet("inventory:read,forecast:read"), 1, 0, []string{"list each on its own"}},
		"space around":       {scopeSet(" inventory:read"), 1, 0, []string{"white space"}},
		"one of each":        {scopeSet("inventory:read", "inventroy:read", ""), 1, 1, nil},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			resp := validator.SetResponse{}
			scopesValidator{}.ValidateSet(t.Context(), validator.SetRequest{Path: path.Root("scopes"), ConfigValue: tc.value}, &resp)
			expectDiagnostics(t, resp.Diagnostics, tc.errors, tc.warnings, tc.holds...)
		})
	}
}

func TestDurationValidator(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		value types.String
		bad   bool
	}{
		"hours":   {types.StringValue("2160h"), false},
		"mixed":   {types.StringValue("90m30s"), false},
		"zero":    {types.StringValue("0s"), false},
		"null":    {types.StringNull(), false},
		"unknown": {types.StringUnknown(), false},
		"days":    {types.StringValue("90d"), true},
		"number":  {types.StringValue("90"), true},
		"empty":   {types.StringValue(""), true},
		"words":   {types.StringValue("90 days"), true},
		"ISO":     {types.StringValue("P90D"), true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			resp := validator.StringResponse{}
			durationValidator{}.ValidateString(t.Context(), validator.StringRequest{Path: path.Root("rotation").AtName("interval"), ConfigValue: tc.value}, &resp)
			if !tc.bad {
				expectDiagnostics(t, resp.Diagnostics, 0, 0)
				return
			}
			expectDiagnostics(t, resp.Diagnostics, 1, 0, "90 days are 2160h")
		})
	}
}

// TestRotationErrors: what concerns interval and overlap together, with the path of the one at fault.
func TestRotationErrors(t *testing.T) {
	t.Parallel()
	null, none := types.StringNull(), types.MapNull(types.StringType)
	text := func(interval, overlap string) rotationModel {
		return block(types.StringValue(interval), types.StringValue(overlap), none)
	}
	for name, tc := range map[string]struct {
		block rotationModel
		at    string // the attribute at fault; empty: none
		holds string
	}{
		"good":                            {text("2160h", "24h"), "", ""},
		"triggers only":                   {noBlock(), "", ""},
		"overlap only":                    {block(null, types.StringValue("1000h"), none), "", ""},
		"overlap zero":                    {text("1m", "0s"), "", ""},
		"default overlap fits":            {block(types.StringValue("25h"), null, none), "", ""},
		"default overlap is too long":     {block(types.StringValue("24h"), null, none), "overlap", "24h"},
		"default overlap much too long":   {block(types.StringValue("1m"), null, none), "overlap", "shorter"},
		"interval zero":                   {text("0s", "0s"), "interval", "remove it to rotate by triggers only"},
		"interval zero, overlap default":  {block(types.StringValue("0s"), null, none), "interval", "interval is zero"},
		"interval below a minute":         {text("59s", "0s"), "interval", "1m"},
		"interval negative":               {text("-1h", "0s"), "interval", ""},
		"overlap negative":                {text("2160h", "-1s"), "overlap", "0s"},
		"overlap negative, no interval":   {block(null, types.StringValue("-1s"), none), "overlap", "0s"},
		"overlap equals interval":         {text("24h", "24h"), "overlap", "shorter"},
		"overlap longer than interval":    {text("24h", "48h"), "overlap", "shorter"},
		"overlap just below the interval": {text("24h", "23h59m59s"), "", ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			resp := resource.ValidateConfigResponse{}
			addRotationErrors(&resp, tc.block)
			if tc.at == "" {
				expectDiagnostics(t, resp.Diagnostics, 0, 0)
				return
			}
			expectDiagnostics(t, resp.Diagnostics, 1, 0, tc.holds)
			at, ok := resp.Diagnostics[0].(diag.DiagnosticWithPath)
			if want := path.Root("rotation").AtName(tc.at); !ok || !at.Path().Equal(want) {
				t.Errorf("the error does not name %s", want)
			}
		})
	}
}

func TestParses(t *testing.T) {
	t.Parallel()
	for value, want := range map[types.String]bool{
		types.StringNull(): true, types.StringValue("1h"): true, types.StringValue("90d"): false, types.StringValue(""): false,
	} {
		if got := parses(value); got != want {
			t.Errorf("parses(%s) = %t, want %t", value, got, want)
		}
	}
}
