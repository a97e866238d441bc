package apikey

import (
	"context"

	"github.com/hashicorp/terraform-plugin-framework-timeouts/resource/timeouts"
	"github.com/hashicorp/terraform-plugin-framework-validators/setvalidator"
	"github.com/hashicorp/terraform-plugin-framework-validators/stringvalidator"
	"github.com/hashicorp/terraform-plugin-framework/resource"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema/booldefault"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema/stringdefault"
	"github.com/hashicorp/terraform-plugin-framework/schema/validator"
	"github.com/hashicorp/terraform-plugin-framework/types"
)

// Values of the settings. A value not in a list is refused before anything is sent.
const (
	onDestroyRevoke = "revoke"
	onDestroyRetain = "retain"

	onRevokedRecreate = "recreate"
	onRevokedError    = "error"

	markerTemporary = "temporary"
	markerPermanent = "permanent"
	markerNone      = "none"

	defaultOverlap = "24h"
)

// Schema describes the resource. Plan values of computed attributes are decided in ModifyPlan, all in one place,
// and so no attribute has a plan modifier of its own.
func (r *Resource) Schema(ctx context.Context, _ resource.SchemaRequest, resp *resource.SchemaResponse) {
	attributes := settings(ctx)
	for name, attribute := range results() {
		attributes[name] = attribute
	}
	resp.Schema = schema.Schema{
		Version: schemaVersion,
		MarkdownDescription: "A Better Data API key. Its name and scopes are changed in place, the key and its plaintext stay. " +
			"A rotation, by age or by trigger, replaces the key in place and lets the old one live on for an overlap, so that " +
			"no consumer is cut off.\n\n" +
			"~> The plaintext is stored in the state, marked as sensitive. Keep the state where only those may read it who may use the key.",
		Attributes: attributes,
	}
}

func settings(ctx context.Context) map[string]schema.Attribute {
	return map[string]schema.Attribute{
		"name": schema.StringAttribute{
			Required: true,
			MarkdownDescription: "Descriptive name. A change renames the key in place. Names need not be unique; the key is known by its `id`. " +
				"May not contain `[tf:` or `[k8s:`, which mark keys that this provider or the Kubernetes operator made.",
			Validators: []validator.String{nameValidator{}},
		},
		"scopes": schema.SetAttribute{
			Required:   true,
			CustomType: newScopesType(), ElementType: types.StringType,
			MarkdownDescription: "Permissions, at least one, such as `inventory:read`, `inventory:*` or `*`. A change is made in place. " +
				"A scope that the vendor does not document gives a warning, not an error.",
			Validators: []validator.Set{setvalidator.SizeAtLeast(1), scopesValidator{}},
		},
		"rotation": rotationAttribute(),
		"age_recipients": schema.SetAttribute{
			Optional: true, ElementType: types.StringType,
			MarkdownDescription: "Public keys that the plaintext is encrypted to with [age](https://age-encryption.org), so that it is never in the state: " +
				"`age1...` recipients, or `ssh-ed25519` and `ssh-rsa` public keys. `plaintext_key` is then null and `encrypted_key` holds the ciphertext. Default: none, the plaintext is in the state. " +
				"A change rotates the key, since the plaintext is not there to be encrypted again; on an imported key, whose plaintext is unknown, it is only recorded.",
			Validators: []validator.Set{setvalidator.SizeAtLeast(1), recipientsValidator{}},
		},
		"on_destroy": schema.StringAttribute{
			Optional: true, Computed: true, Default: stringdefault.StaticString(onDestroyRevoke),
			MarkdownDescription: "What destroying the resource does to the key: `revoke` (default) or `retain`, which leaves the current key alive " +
				"and revokes only keys it replaced. A change sends no request.",
			Validators: []validator.String{stringvalidator.OneOf(onDestroyRevoke, onDestroyRetain)},
		},
		"on_revoked": schema.StringAttribute{
			Optional: true, Computed: true, Default: stringdefault.StaticString(onRevokedRecreate),
			MarkdownDescription: "What to plan when the key was revoked, expired or deleted outside of Terraform: `recreate` (default) issues a new key in place, " +
				"`error` stops the plan. A change sends no request.",
			Validators: []validator.String{stringvalidator.OneOf(onRevokedRecreate, onRevokedError)},
		},
		"name_marker": schema.StringAttribute{
			Optional: true, Computed: true, Default: stringdefault.StaticString(markerTemporary),
			MarkdownDescription: "How a key is recognised whose plaintext was lost on the way, for example when the connection broke. A marker such as ` [tf:1a2b3c4d]` is " +
				"put after the name while the key is issued. `temporary` (default) removes it right after, at the cost of one request more per new key and two more per rotation; " +
				"`permanent` leaves it; `none` never sets it, and a key whose plaintext was lost must then be found and revoked by hand. A change renames the key in place.",
			Validators: []validator.String{stringvalidator.OneOf(markerTemporary, markerPermanent, markerNone)},
		},
		"rotate_on_import": schema.BoolAttribute{
			Optional: true, Computed: true, Default: booldefault.StaticBool(false),
			MarkdownDescription: "Whether the first apply after an import rotates the key, since that is the only way to obtain a plaintext. Default `false`. " +
				"Without effect once a plaintext is known.",
		},
		"timeouts": timeoutsAttribute(ctx),
	}
}

func timeoutsAttribute(ctx context.Context) schema.Attribute {
	attribute := timeouts.Attributes(ctx, timeouts.Opts{
		Create: true, Read: true, Update: true, Delete: true,
		CreateDescription: "Time for the requests of a create, as a Go duration. Default `5m`. Waiting for the API's rate limit does not count.",
		ReadDescription:   "Time for the requests of a refresh, as a Go duration. Default `5m`. Waiting for the API's rate limit does not count.",
		UpdateDescription: "Time for the requests of an update or rotation, as a Go duration. Default `5m`. Waiting for the API's rate limit does not count.",
		DeleteDescription: "Time for the requests of a destroy, as a Go duration. Default `5m`. Waiting for the API's rate limit does not count.",
	})
	if nested, ok := attribute.(schema.SingleNestedAttribute); ok {
		nested.MarkdownDescription = "How long the requests of one operation may take. A change sends no request."
		return nested
	}
	return attribute
}

func rotationAttribute() schema.Attribute {
	return schema.SingleNestedAttribute{
		Optional: true,
		MarkdownDescription: "When the key is replaced by a new one. Without it the key is never rotated. Adding or removing the block rotates nothing by itself; " +
			"a key that is older than an added interval is rotated by the apply after.",
		Attributes: map[string]schema.Attribute{
			"interval": schema.StringAttribute{
				Optional: true,
				MarkdownDescription: "Age at which the key is rotated, as a Go duration of at least `1m`, such as `2160h` for 90 days. The first apply after that moment rotates. " +
					"Default: none, only `triggers` rotate. A change is recorded in place; if the key is older than the new interval, the apply says so and the next one rotates.",
				Validators: []validator.String{durationValidator{}},
			},
			"overlap": schema.StringAttribute{
				Optional: true, Computed: true, Default: stringdefault.StaticString(defaultOverlap),
				MarkdownDescription: "How long the old key keeps working after a rotation, as a Go duration. Default `" + defaultOverlap + "`; shorter than `interval`. " +
					"The first apply after that time revokes it. `0s` revokes it in the same apply. A change applies to the next rotation.",
				Validators: []validator.String{durationValidator{}},
			},
			"triggers": schema.MapAttribute{
				Optional: true, ElementType: types.StringType,
				MarkdownDescription: "Arbitrary values; any change of a recorded map rotates the key. Default: none, only `interval` rotates. Adding the first map, or removing it, rotates nothing.",
			},
		},
	}
}

func results() map[string]schema.Attribute {
	return map[string]schema.Attribute{
		"id": schema.StringAttribute{
			Computed:            true,
			MarkdownDescription: "The key's id, assigned by the API. A rotation changes it.",
		},
		"plaintext_key": schema.StringAttribute{
			Computed: true, Sensitive: true,
			MarkdownDescription: "The key itself, as sent in an `Authorization: Bearer` header. Known from the moment it was issued; null after an import, since the API never shows it again, and with `age_recipients`. " +
				"A rotation changes it; renaming and changing scopes do not.",
		},
		"encrypted_key": schema.StringAttribute{
			Computed: true,
			MarkdownDescription: "The key encrypted to `age_recipients`, armored; `age -d` with one of their identities prints it. Null without `age_recipients` and after an import. " +
				"A rotation changes it.",
		},
		"key_prefix": schema.StringAttribute{
			Computed:            true,
			MarkdownDescription: "The beginning of the plaintext, which the API shows in listings, such as `bdk_live_ABC123`. A rotation changes it.",
		},
		"last4": schema.StringAttribute{
			Computed:            true,
			MarkdownDescription: "The last four characters of the plaintext. A rotation changes them.",
		},
		"status": schema.StringAttribute{
			Computed:            true,
			MarkdownDescription: "Status as the API tells it, such as `ACTIVE`, `REVOKED` or `EXPIRED`; `ABSENT` when two complete listings in a row lacked the key.",
		},
		"created_at": schema.StringAttribute{
			Computed:            true,
			MarkdownDescription: "When the key was issued, as an RFC 3339 time in UTC. A rotation changes it.",
		},
		"rotation_due": schema.BoolAttribute{
			Computed:            true,
			MarkdownDescription: "Whether the key was older than `rotation.interval` when it was last refreshed, by the API's clock. The next apply rotates it.",
		},
		"next_rotation_at": schema.StringAttribute{
			Computed:            true,
			MarkdownDescription: "When the next rotation is due, as an RFC 3339 time in UTC. Null without `rotation.interval`.",
		},
		"previous_keys": schema.ListNestedAttribute{
			Computed: true,
			MarkdownDescription: "Keys that this one replaced and that are not revoked yet, oldest first, together with keys whose plaintext was lost on the way. " +
				"The first apply after `revoke_after` revokes them.",
			NestedObject: schema.NestedAttributeObject{Attributes: previousKeyAttributes()},
		},
	}
}

func previousKeyAttributes() map[string]schema.Attribute {
	return map[string]schema.Attribute{
		"id":           schema.StringAttribute{Computed: true, MarkdownDescription: "The key's id."},
		"key_prefix":   schema.StringAttribute{Computed: true, MarkdownDescription: "The beginning of its plaintext."},
		"last4":        schema.StringAttribute{Computed: true, MarkdownDescription: "The last four characters of its plaintext."},
		"revoke_after": schema.StringAttribute{Computed: true, MarkdownDescription: "When its overlap ends, as an RFC 3339 time in UTC."},
		"due":          schema.BoolAttribute{Computed: true, MarkdownDescription: "Whether the overlap had ended when the resource was last refreshed, by the API's clock. The next apply revokes the key."},
	}
}
