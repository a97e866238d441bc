package provider

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/path"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/betterdataco/terraform-provider-betterdata/apiclient"
)

// setEnvironment sets exactly these of the provider's variables.
func setEnvironment(t *testing.T, set map[string]string) {
	t.Helper()
	for _, name := range []string{EnvBaseURL, EnvToken, EnvTokenFile} {
		t.Setenv(name, set[name])
	}
}

func tokenFile(t *testing.T, content string) string {
	t.Helper()
	name := filepath.Join(t.TempDir(), "token")
	if err := os.WriteFile(name, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
	return name
}

func text(diags diag.Diagnostics) string {
	var b strings.Builder
	for _, d := range diags {
		b.WriteString(d.Summary() + ": " + d.Detail() + "\n")
	}
	return b.String()
}

// TestToken: configuration before environment, and never a guess between two.
func TestToken(t *testing.T) {
	null := types.StringNull()
	file := tokenFile(t, "from-file\n")
	other := tokenFile(t, "from-environment-file")
	for name, tc := range map[string]struct {
		token, file types.String
		environment map[string]string
		want        string   // the token that is used; empty: an error
		at          string   // the attribute that the error is about
		holds       []string // in the error
	}{
		"configured token":      {types.StringValue("configured"), null, nil, "configured", "", nil},
		"configured file":       {null, types.StringValue(file), nil, "from-file", "", nil},
		"token before all else": {types.StringValue("configured"), null, map[string]string{EnvToken: "environment", EnvTokenFile: other}, "configured", "", nil},
		"file before all else":  {null, types.StringValue(file), map[string]string{EnvToken: "environment", EnvTokenFile: other}, "from-file", "", nil},
		"environment token":     {null, null, map[string]string{EnvToken: "environment"}, "environment", "", nil},
		"environment file":      {null, null, map[string]string{EnvTokenFile: other}, "from-environment-file", "", nil},

		"both configured": {types.StringValue("configured"), types.StringValue(file), nil, "", "token_file", []string{"token and token_file are both set"}},
		"both in environment": {
			null, null, map[string]string{EnvToken: "environment", EnvTokenFile: other}, "", "",
			[]string{EnvToken, EnvTokenFile, "Unset one"},
		},
		"empty token": {types.StringValue(""), null, map[string]string{EnvToken: "environment"}, "", "token", []string{"empty"}},
		"empty file":  {null, types.StringValue(""), map[string]string{EnvToken: "environment"}, "", "token_file", []string{"empty"}},
		"nothing at all": {
			null, null, nil, "", "",
			[]string{"token or token_file in the provider block", EnvToken, EnvTokenFile, "admin:write"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			setEnvironment(t, tc.environment)
			diags := diag.Diagnostics{}
			source := tokenSource(model{Token: tc.token, TokenFile: tc.file}, &diags)
			if tc.want == "" {
				expectError(t, diags, tc.at, tc.holds)
				return
			}
			if diags.HasError() {
				t.Fatal(text(diags))
			}
			got, err := source.Token(t.Context())
			if err != nil || got.Reveal() != tc.want {
				t.Errorf("another token than expected is used (error %v)", err)
			}
		})
	}
}

func expectError(t *testing.T, diags diag.Diagnostics, at string, holds []string) {
	t.Helper()
	if diags.ErrorsCount() != 1 {
		t.Fatalf("%d errors, want 1:\n%s", diags.ErrorsCount(), text(diags))
	}
	for _, want := range holds {
		if !strings.Contains(text(diags), want) {
			t.Errorf("the error lacks %q:\n%s", want, text(diags))
		}
	}
	located, ok := diags[0].(diag.DiagnosticWithPath)
	switch {
	case at == "" && ok:
		t.Errorf("the error is about %s, want it to be about the whole", located.Path())
	case at != "" && (!ok || !located.Path().Equal(path.Root(at))):
		t.Errorf("the error is not about %s", at)
	}
}

// TestBaseURL: configuration, environment, default, in this order.
func TestBaseURL(t *testing.T) {
	null := types.StringNull()
	for name, tc := range map[string]struct {
		configured  types.String
		environment string
		want        string // empty: an error
	}{
		"default":                         {null, "", apiclient.DefaultBaseURL},
		"environment":                     {null, "https://env.example.com/api", "https://env.example.com/api"},
		"configured":                      {types.StringValue("https://conf.example.com/api/"), "https://env.example.com/api", "https://conf.example.com/api"},
		"configured empty, environment":   {types.StringValue(""), "https://env.example.com/api", "https://env.example.com/api"},
		"unencrypted beyond this machine": {types.StringValue("http://conf.example.com/api"), "", ""},
		"unencrypted on this machine":     {types.StringValue("http://127.0.0.1:8080/api"), "", "http://127.0.0.1:8080/api"},
		"no scheme":                       {types.StringValue("app.betterdata.co/api"), "", ""},
		"with a password":                 {types.StringValue("https://user:hunter22@app.betterdata.co/api"), "", ""},
	} {
		t.Run(name, func(t *testing.T) {
			setEnvironment(t, map[string]string{EnvBaseURL: tc.environment})
			diags := diag.Diagnostics{}
			p := &betterdata{version: "test"}
			client := p.client(model{BaseURL: tc.configured, Token: types.StringValue("configured"), TokenFile: null}, "1.11.4", &diags)
			if tc.want == "" {
				expectError(t, diags, "base_url", []string{EnvBaseURL, apiclient.DefaultBaseURL})
				if strings.Contains(text(diags), "hunter22") {
					t.Error("the error quotes a password")
				}
				return
			}
			if diags.HasError() {
				t.Fatal(text(diags))
			}
			if got := client.BaseURL(); got != tc.want {
				t.Errorf("base URL %s, want %s", got, tc.want)
			}
		})
	}
}

// TestTokenIsBlamed: a token that cannot be sent is an error about the token, not about the address, and is not quoted.
func TestTokenIsBlamed(t *testing.T) {
	setEnvironment(t, nil)
	diags := diag.Diagnostics{}
	p := &betterdata{version: "test"}
	p.client(model{BaseURL: types.StringNull(), Token: types.StringValue("two\nlines"), TokenFile: types.StringNull()}, "1.11.4", &diags)
	expectError(t, diags, "token", []string{EnvToken})
	if strings.Contains(text(diags), "lines") && strings.Contains(text(diags), "two\nlines") {
		t.Error("the error quotes the token")
	}
}

func TestUnknownPaths(t *testing.T) {
	t.Parallel()
	known, unknown := types.StringValue("x"), types.StringUnknown()
	for name, tc := range map[string]struct {
		config model
		want   path.Paths
	}{
		"none":  {model{BaseURL: known, Token: known, TokenFile: types.StringNull()}, nil},
		"token": {model{BaseURL: known, Token: unknown, TokenFile: types.StringNull()}, path.Paths{path.Root("token")}},
		"all":   {model{BaseURL: unknown, Token: unknown, TokenFile: unknown}, path.Paths{path.Root("base_url"), path.Root("token"), path.Root("token_file")}},
	} {
		got := unknownPaths(tc.config)
		if got.String() != tc.want.String() {
			t.Errorf("%s: unknown %s, want %s", name, got, tc.want)
		}
	}
}
