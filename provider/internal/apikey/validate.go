package apikey

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"
	"unicode"

	"github.com/hashicorp/terraform-plugin-framework/path"
	"github.com/hashicorp/terraform-plugin-framework/resource"
	"github.com/hashicorp/terraform-plugin-framework/schema/validator"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/betterdataco/terraform-provider-betterdata/apiclient"
	"github.com/betterdataco/terraform-provider-betterdata/apiclient/rotation"
)

// nameValidator refuses names that the API would change or that would pass for somebody's marker.
type nameValidator struct{}

// Description implements validator.String.
func (nameValidator) Description(context.Context) string {
	return "not empty, no white space around it, no control characters, no [tf: or [k8s:"
}

// MarkdownDescription implements validator.String.
func (v nameValidator) MarkdownDescription(ctx context.Context) string { return v.Description(ctx) }

// ValidateString implements validator.String.
func (nameValidator) ValidateString(_ context.Context, req validator.StringRequest, resp *validator.StringResponse) {
	if req.ConfigValue.IsNull() || req.ConfigValue.IsUnknown() {
		return
	}
	if problem, remedy := nameProblem(req.ConfigValue.ValueString()); problem != "" {
		resp.Diagnostics.AddAttributeError(req.Path, "Invalid name", problem+". "+remedy)
	}
}

func nameProblem(name string) (problem, remedy string) {
	switch {
	case strings.TrimSpace(name) == "":
		return "The name is empty", "Give the key a name that says what it is for."
	case strings.TrimSpace(name) != name:
		return fmt.Sprintf("The name %q begins or ends with white space", name), "Remove it, for example with trimspace()."
	case strings.ContainsFunc(name, unicode.IsControl):
		return fmt.Sprintf("The name %q has a control character, such as a line break", name), "Remove it, for example with trimspace() or replace()."
	}
	for _, reserved := range []string{"[tf:", "[k8s:"} {
		if strings.Contains(name, reserved) {
			return fmt.Sprintf("The name %q contains %q", name, reserved),
				"That text marks keys which this provider or the Kubernetes operator made; a key with it could be taken for a leftover and revoked. Choose another name."
		}
	}
	return "", ""
}

// scopesValidator refuses what cannot be a scope and warns of what most likely is a typo. Scopes that the vendor's
// page does not list may exist all the same, so they are sent as given.
type scopesValidator struct {
	// brief leaves out advice on keys that are to live for long.
	brief bool
}

// Description implements validator.Set.
func (scopesValidator) Description(context.Context) string {
	return "scopes such as inventory:read, inventory:* or *"
}

// MarkdownDescription implements validator.Set.
func (v scopesValidator) MarkdownDescription(ctx context.Context) string { return v.Description(ctx) }

// ValidateSet implements validator.Set.
func (v scopesValidator) ValidateSet(_ context.Context, req validator.SetRequest, resp *validator.SetResponse) {
	for _, element := range req.ConfigValue.Elements() {
		scope, ok := element.(types.String)
		if !ok || scope.IsUnknown() {
			continue
		}
		at, text := req.Path.AtSetValue(element), scope.ValueString()
		if scope.IsNull() {
			resp.Diagnostics.AddAttributeError(at, "Invalid scope", "A scope is null. Remove it, for example with compact().")
			continue
		}
		if problem, bad := apiclient.MalformedScope(text); bad {
			resp.Diagnostics.AddAttributeError(at, "Invalid scope", problem+". A scope looks like inventory:read, inventory:* or *.")
			continue
		}
		if !v.brief {
			guideScope(at, text, &resp.Diagnostics)
		}
		if apiclient.KnownScope(text) {
			continue
		}
		resp.Diagnostics.AddAttributeWarning(at, "Unknown scope", unknownScope(text))
	}
}

func unknownScope(scope string) string {
	text := fmt.Sprintf("%q is not among the scopes that the vendor documents.", scope)
	if suggestion, ok := apiclient.SuggestScope(scope); ok {
		text += fmt.Sprintf(" Did you mean %q?", suggestion)
	}
	return text + " It is sent as written; the API decides."
}

// durationValidator gives the remedy that time.ParseDuration does not: Go durations have no days.
type durationValidator struct{}

// Description implements validator.String.
func (durationValidator) Description(context.Context) string {
	return "a Go duration, such as 24h or 90m"
}

// MarkdownDescription implements validator.String.
func (v durationValidator) MarkdownDescription(ctx context.Context) string { return v.Description(ctx) }

// ValidateString implements validator.String.
func (durationValidator) ValidateString(_ context.Context, req validator.StringRequest, resp *validator.StringResponse) {
	if req.ConfigValue.IsNull() || req.ConfigValue.IsUnknown() {
		return
	}
	text := req.ConfigValue.ValueString()
	if _, err := time.ParseDuration(text); err != nil {
		resp.Diagnostics.AddAttributeError(req.Path, "Invalid duration",
			fmt.Sprintf("%s is %q, which is not a duration. Write hours, minutes and seconds, such as 24h or 90m30s; days have no unit of their own: 90 days are 2160h.", req.Path, text))
	}
}

// ValidateConfig checks what concerns more than one attribute. Values that are not known yet are checked when they are.
func (r *Resource) ValidateConfig(ctx context.Context, req resource.ValidateConfigRequest, resp *resource.ValidateConfigResponse) {
	var config model
	resp.Diagnostics.Append(req.Config.Get(ctx, &config)...)
	if resp.Diagnostics.HasError() || config.Rotation.IsNull() || config.Rotation.IsUnknown() {
		return
	}
	block := config.rotation(ctx, &resp.Diagnostics)
	if block.Interval.IsUnknown() || block.Overlap.IsUnknown() || !parses(block.Interval) || !parses(block.Overlap) {
		return
	}
	addRotationErrors(resp, block)
	if !resp.Diagnostics.HasError() {
		guideRotation(block, &resp.Diagnostics)
	}
}

func parses(s types.String) bool {
	if s.IsNull() {
		return true
	}
	_, err := time.ParseDuration(s.ValueString())
	return err == nil
}

func addRotationErrors(resp *resource.ValidateConfigResponse, block rotationModel) {
	if !block.Interval.IsNull() && block.policy().Interval == 0 {
		resp.Diagnostics.AddAttributeError(path.Root("rotation").AtName("interval"), "Invalid rotation",
			"interval is zero. Set it to at least 1m, or remove it to rotate by triggers only.")
		return
	}
	err := block.policy().Validate()
	for _, problem := range fieldErrors(err) {
		resp.Diagnostics.AddAttributeError(path.Root("rotation").AtName(problem.Field), "Invalid rotation", problem.Error())
	}
}

// fieldErrors takes a joined error apart.
func fieldErrors(err error) []*rotation.FieldError {
	if err == nil {
		return nil
	}
	if joined, ok := err.(interface{ Unwrap() []error }); ok {
		var all []*rotation.FieldError
		for _, e := range joined.Unwrap() {
			all = append(all, fieldErrors(e)...)
		}
		return all
	}
	var problem *rotation.FieldError
	if errors.As(err, &problem) {
		return []*rotation.FieldError{problem}
	}
	return nil
}
