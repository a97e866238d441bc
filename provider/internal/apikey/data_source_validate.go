package apikey

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/hashicorp/terraform-plugin-framework/schema/validator"

	"github.com/betterdataco/terraform-provider-betterdata/apiclient"
)

// notBlank refuses a text that is there and says nothing, such as an unset environment variable.
type notBlank struct{}

// Description implements validator.String.
func (notBlank) Description(context.Context) string { return "not empty" }

// MarkdownDescription implements validator.String.
func (v notBlank) MarkdownDescription(ctx context.Context) string { return v.Description(ctx) }

// ValidateString implements validator.String.
func (notBlank) ValidateString(_ context.Context, req validator.StringRequest, resp *validator.StringResponse) {
	if !settled(req) || strings.TrimSpace(req.ConfigValue.ValueString()) != "" {
		return
	}
	resp.Diagnostics.AddAttributeError(req.Path, "The value is empty", fmt.Sprintf("%s is empty. Give it a value, or remove it.", req.Path))
}

// noMarker refuses a name that could match nothing, because markers are left out on the other side.
type noMarker struct{}

// Description implements validator.String.
func (noMarker) Description(context.Context) string { return "without a marker such as [tf:1a2b3c4d]" }

// MarkdownDescription implements validator.String.
func (v noMarker) MarkdownDescription(ctx context.Context) string { return v.Description(ctx) }

// ValidateString implements validator.String.
func (noMarker) ValidateString(_ context.Context, req validator.StringRequest, resp *validator.StringResponse) {
	name := req.ConfigValue.ValueString()
	if !settled(req) || len(apiclient.MarkersIn(name)) == 0 {
		return
	}
	resp.Diagnostics.AddAttributeError(req.Path, "Invalid name",
		fmt.Sprintf("The name %q has a marker in it, and names are compared without markers. Write %q, or look the key up by its id.",
			name, apiclient.StripMarkers(name)))
}

// timeValidator refuses what is not an RFC 3339 time, a date alone above all.
type timeValidator struct{}

// Description implements validator.String.
func (timeValidator) Description(context.Context) string { return "an RFC 3339 time" }

// MarkdownDescription implements validator.String.
func (v timeValidator) MarkdownDescription(ctx context.Context) string { return v.Description(ctx) }

// ValidateString implements validator.String.
func (timeValidator) ValidateString(_ context.Context, req validator.StringRequest, resp *validator.StringResponse) {
	if !settled(req) {
		return
	}
	text := req.ConfigValue.ValueString()
	if _, err := time.Parse(time.RFC3339, text); err != nil {
		resp.Diagnostics.AddAttributeError(req.Path, "Invalid time",
			fmt.Sprintf("%q is not an RFC 3339 time. Write date, time and zone, such as 2024-01-31T00:00:00Z.", text))
	}
}

// positiveValidator refuses a duration of zero or less. What is no duration at all is the other validator's.
type positiveValidator struct{}

// Description implements validator.String.
func (positiveValidator) Description(context.Context) string { return "longer than zero" }

// MarkdownDescription implements validator.String.
func (v positiveValidator) MarkdownDescription(ctx context.Context) string { return v.Description(ctx) }

// ValidateString implements validator.String.
func (positiveValidator) ValidateString(_ context.Context, req validator.StringRequest, resp *validator.StringResponse) {
	if !settled(req) {
		return
	}
	if d, err := time.ParseDuration(req.ConfigValue.ValueString()); err == nil && d <= 0 {
		resp.Diagnostics.AddAttributeError(req.Path, "Invalid duration",
			fmt.Sprintf("%s is not longer than zero. Give it a length such as 2160h, or remove it.", req.Path))
	}
}

// scopeValidator refuses what cannot be a scope, and warns of what most likely is a typing error.
type scopeValidator struct{}

// Description implements validator.String.
func (scopeValidator) Description(context.Context) string {
	return "a scope such as inventory:read, inventory:* or *"
}

// MarkdownDescription implements validator.String.
func (v scopeValidator) MarkdownDescription(ctx context.Context) string { return v.Description(ctx) }

// ValidateString implements validator.String.
func (scopeValidator) ValidateString(_ context.Context, req validator.StringRequest, resp *validator.StringResponse) {
	if !settled(req) {
		return
	}
	scope := req.ConfigValue.ValueString()
	if problem, bad := apiclient.MalformedScope(scope); bad {
		resp.Diagnostics.AddAttributeError(req.Path, "Invalid scope", "The scope "+problem+". A scope looks like inventory:read, inventory:* or *.")
		return
	}
	if apiclient.KnownScope(scope) {
		return
	}
	text := fmt.Sprintf("%q is not among the scopes that the vendor documents.", scope)
	if suggestion, ok := apiclient.SuggestScope(scope); ok {
		text += fmt.Sprintf(" Did you mean %q?", suggestion)
	}
	resp.Diagnostics.AddAttributeWarning(req.Path, "Unknown scope", text)
}

func settled(req validator.StringRequest) bool {
	return !req.ConfigValue.IsNull() && !req.ConfigValue.IsUnknown()
}
