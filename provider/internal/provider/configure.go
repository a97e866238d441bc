package provider

import (
	"os"

	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/path"

	"github.com/betterdataco/terraform-provider-betterdata/apiclient"
)

// The environment variables that stand in for configuration.
const (
	EnvBaseURL   = "BETTERDATA_BASE_URL"
	EnvToken     = "BETTERDATA_TOKEN"
	EnvTokenFile = "BETTERDATA_TOKEN_FILE"
)

func unknownPaths(config model) path.Paths {
	var unknown path.Paths
	if config.BaseURL.IsUnknown() {
		unknown = append(unknown, path.Root("base_url"))
	}
	if config.Token.IsUnknown() {
		unknown = append(unknown, path.Root("token"))
	}
	if config.TokenFile.IsUnknown() {
		unknown = append(unknown, path.Root("token_file"))
	}
	return unknown
}

func (p *betterdata) client(config model, terraformVersion string, diags *diag.Diagnostics) *apiclient.Client {
	source := tokenSource(config, diags)
	if diags.HasError() {
		return nil
	}
	options := append([]apiclient.Option{
		apiclient.WithTokenSource(source),
		apiclient.WithUserAgent(userAgent(p.version, terraformVersion)),
		apiclient.WithLogger(newLogger()),
	}, p.options...)
	// Without a base URL only the credential can be wrong: an error about it must not send the reader to base_url.
	if _, err := apiclient.New(options...); err != nil {
		diags.AddAttributeError(path.Root("token"), "Invalid credential",
			err.Error()+"\n\nCorrect token in the provider block, or "+EnvToken+" in the environment.")
		return nil
	}
	if url := baseURL(config); url != "" {
		options = append(options, apiclient.WithBaseURL(url))
	}
	client, err := apiclient.New(options...)
	if err != nil {
		diags.AddAttributeError(path.Root("base_url"), "Invalid provider configuration",
			err.Error()+"\n\nSet base_url in the provider block or "+EnvBaseURL+" in the environment to the address of the API, "+
				"for example "+apiclient.DefaultBaseURL+".")
		return nil
	}
	return client
}

func baseURL(config model) string {
	if url := config.BaseURL.ValueString(); url != "" {
		return url
	}
	return os.Getenv(EnvBaseURL)
}

// tokenSource takes the credential from the first level that sets one. Two within one level are an error, because
// which of them wins would be a guess about a credential.
func tokenSource(config model, diags *diag.Diagnostics) apiclient.TokenSource {
	if !config.Token.IsNull() || !config.TokenFile.IsNull() {
		return configuredToken(config, diags)
	}
	token, file := os.Getenv(EnvToken), os.Getenv(EnvTokenFile)
	switch {
	case token != "" && file != "":
		diags.AddError("Two credentials in the environment",
			"Both "+EnvToken+" and "+EnvTokenFile+" are set. Unset one of them.")
		return nil
	case token != "":
		return apiclient.StaticToken(apiclient.NewSecret(token))
	case file != "":
		return apiclient.TokenFile(file)
	}
	diags.AddError("No credential for the Better Data API",
		"Set one of:\n"+
			"  - token or token_file in the provider block,\n"+
			"  - "+EnvToken+" in the environment,\n"+
			"  - "+EnvTokenFile+" in the environment, the path of a file that holds the credential.\n\n"+
			"The credential is a session token, or an API key with the scopes admin:read and admin:write.")
	return nil
}

func configuredToken(config model, diags *diag.Diagnostics) apiclient.TokenSource {
	switch {
	case !config.Token.IsNull() && !config.TokenFile.IsNull():
		diags.AddAttributeError(path.Root("token_file"), "Two credentials in the provider block",
			"token and token_file are both set. Remove one of them.")
		return nil
	case !config.Token.IsNull():
		if config.Token.ValueString() == "" {
			diags.AddAttributeError(path.Root("token"), "The credential is empty",
				"token is set to an empty string. Remove it to use "+EnvToken+" or "+EnvTokenFile+", or give it a value.")
			return nil
		}
		return apiclient.StaticToken(apiclient.NewSecret(config.Token.ValueString()))
	}
	if config.TokenFile.ValueString() == "" {
		diags.AddAttributeError(path.Root("token_file"), "The path is empty",
			"token_file is set to an empty string. Remove it, or give it the path of a file that holds the credential.")
		return nil
	}
	return apiclient.TokenFile(config.TokenFile.ValueString())
}
