package apikey

import (
	"slices"
	"strings"
	"time"

	"github.com/hashicorp/terraform-plugin-framework/datasource/schema"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/betterdataco/terraform-provider-betterdata/apiclient"
)

// Who a marker in a key's name says made the key.
const (
	markedByTerraform = "terraform"
	markedByOperator  = "operator"
	markedByNone      = "none"
)

// listedKey is a key as the data sources show it: what a listing tells, and never a plaintext.
type listedKey struct {
	ID         types.String `tfsdk:"id"`
	Name       types.String `tfsdk:"name"`
	RawName    types.String `tfsdk:"raw_name"`
	Marker     types.String `tfsdk:"marker"`
	MarkedBy   types.String `tfsdk:"marked_by"`
	KeyPrefix  types.String `tfsdk:"key_prefix"`
	Last4      types.String `tfsdk:"last4"`
	Scopes     []string     `tfsdk:"scopes"`
	Status     types.String `tfsdk:"status"`
	Live       types.Bool   `tfsdk:"live"`
	CreatedAt  types.String `tfsdk:"created_at"`
	ExpiresAt  types.String `tfsdk:"expires_at"`
	RevokedAt  types.String `tfsdk:"revoked_at"`
	LastUsedAt types.String `tfsdk:"last_used_at"`
}

// newListedKey translates. What the API did not tell is null.
func newListedKey(key apiclient.Key) listedKey {
	scopes := append([]string{}, key.Scopes...)
	slices.Sort(scopes)
	return listedKey{
		ID:        types.StringValue(key.ID),
		Name:      types.StringValue(apiclient.StripMarkers(key.Name)),
		RawName:   types.StringValue(key.Name),
		Marker:    nullIfEmpty(string(markerOf(key))),
		MarkedBy:  types.StringValue(markedBy(key)),
		KeyPrefix: nullIfEmpty(key.KeyPrefix), Last4: nullIfEmpty(key.Last4),
		Scopes: slices.Compact(scopes),
		Status: nullIfEmpty(string(key.Status)), Live: types.BoolValue(key.Live()),
		CreatedAt: nullableTime(key.CreatedAt), ExpiresAt: nullableTime(key.ExpiresAt),
		RevokedAt: nullableTime(key.RevokedAt), LastUsedAt: nullableTime(key.LastUsedAt),
	}
}

// markerOf returns the first marker in the key's name, or none.
func markerOf(key apiclient.Key) apiclient.Marker {
	if markers := apiclient.MarkersIn(key.Name); len(markers) > 0 {
		return markers[0]
	}
	return ""
}

func markedBy(key apiclient.Key) string {
	switch marker := string(markerOf(key)); {
	case strings.HasPrefix(marker, "tf:"):
		return markedByTerraform
	case strings.HasPrefix(marker, "k8s:"):
		return markedByOperator
	default:
		return markedByNone
	}
}

func nullableTime(t *time.Time) types.String {
	if t == nil {
		return types.StringNull()
	}
	return timeValue(*t)
}

// listedKeyAttributes describes a listedKey.
func listedKeyAttributes() map[string]schema.Attribute {
	text := func(description string) schema.Attribute {
		return schema.StringAttribute{Computed: true, MarkdownDescription: description}
	}
	return map[string]schema.Attribute{
		"id":       text("The key's id, assigned by the API. A rotation gives the successor another."),
		"name":     text("The key's name without a marker."),
		"raw_name": text("The name as the API has it, with its marker if there is one."),
		"marker": text("What stands in the brackets of a marker in the name, such as `tf:1a2b3c4d`; null without one. Keys of one resource have the same marker for life, " +
			"but with `name_marker = \"temporary\"`, the default, only while they are issued or retired."),
		"marked_by":  text("Whose marker is in the name: `terraform`, `operator` or `none`. `none` does not mean made by hand: see `marker`."),
		"key_prefix": text("The beginning of the plaintext, which the API shows in listings, such as `bdk_live_ABC123`; null if it does not."),
		"last4":      text("The last four characters of the plaintext; null if the API does not show them."),
		"scopes": schema.SetAttribute{
			Computed: true, ElementType: types.StringType,
			MarkdownDescription: "The key's permissions as the API tells them, such as `inventory:read`, `inventory:*` or `*`.",
		},
		"status": text("Status as the API tells it, in upper case, such as `ACTIVE`, `REVOKED` or `EXPIRED`; null if it does not."),
		"live": schema.BoolAttribute{
			Computed:            true,
			MarkdownDescription: "Whether the key is neither revoked nor expired. A status that is not known counts as live.",
		},
		"created_at":   text("When the key was issued, as an RFC 3339 time in UTC; null if the API does not tell."),
		"expires_at":   text("When the key expires, as an RFC 3339 time in UTC; null if it never does or the API does not tell."),
		"revoked_at":   text("When the key was revoked, as an RFC 3339 time in UTC; null if it was not or the API does not tell."),
		"last_used_at": text("When the key was last used, as an RFC 3339 time in UTC. The vendor does not document this: null means never used, or not told."),
	}
}
