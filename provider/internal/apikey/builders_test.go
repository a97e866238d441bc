package apikey

import (
	"context"
	"testing"
	"time"

	"github.com/hashicorp/terraform-plugin-framework-timeouts/resource/timeouts"
	"github.com/hashicorp/terraform-plugin-framework/attr"
	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/betterdataco/terraform-provider-betterdata/apiclient"
)

// issuedAt is when the key of newState was issued; all times of these tests are relative to it.
var issuedAt = time.Date(2026, time.March, 1, 12, 0, 0, 0, time.UTC)

const testMarker = apiclient.Marker("tf:1a2b3c4d")

// newState is a key in good order: issued, known, with defaults, without a rotation block.
func newState(edits ...func(*model)) model {
	m := model{
		Name:           types.StringValue("Forecast"),
		Scopes:         scopeSet("inventory:read"),
		Rotation:       types.ObjectNull(rotationTypes()),
		AgeRecipients:  types.SetNull(types.StringType),
		OnDestroy:      types.StringValue(onDestroyRevoke),
		OnRevoked:      types.StringValue(onRevokedRecreate),
		NameMarker:     types.StringValue(markerTemporary),
		RotateOnImport: types.BoolValue(false),
		Timeouts:       timeouts.Value{Object: types.ObjectNull(timeoutTypes())},

		ID:             types.StringValue("key_1"),
		PlaintextKey:   types.StringValue("bdk_live_ABC123_secret"),
		EncryptedKey:   types.StringNull(),
		KeyPrefix:      types.StringValue("bdk_live_ABC123"),
		Last4:          types.StringValue("cret"),
		Status:         types.StringValue("ACTIVE"),
		CreatedAt:      timeValue(issuedAt),
		RotationDue:    types.BoolValue(false),
		NextRotationAt: types.StringNull(),
	}
	m.setPreviousKeys(context.Background(), nil, &diag.Diagnostics{})
	for _, edit := range edits {
		edit(&m)
	}
	return m
}

func timeoutTypes() map[string]attr.Type {
	return map[string]attr.Type{
		"create": types.StringType, "read": types.StringType, "update": types.StringType, "delete": types.StringType,
	}
}

func scopeSet(scopes ...string) types.Set {
	var m model
	m.setScopes(scopes)
	return m.Scopes
}

func triggerMap(pairs ...string) types.Map {
	values := map[string]attr.Value{}
	for i := 0; i+1 < len(pairs); i += 2 {
		values[pairs[i]] = types.StringValue(pairs[i+1])
	}
	return types.MapValueMust(types.StringType, values)
}

// block is a rotation block; triggers nil means null.
func block(interval, overlap types.String, triggers types.Map) rotationModel {
	return rotationModel{Interval: interval, Overlap: overlap, Triggers: triggers}
}

func noBlock() rotationModel {
	return block(types.StringNull(), types.StringNull(), types.MapNull(types.StringType))
}

func (r rotationModel) object() types.Object {
	return types.ObjectValueMust(rotationTypes(), map[string]attr.Value{
		"interval": r.Interval, "overlap": r.Overlap, "triggers": r.Triggers,
	})
}

func predecessor(id string, revokeAfter time.Time, due bool) previousKey {
	return previousKey{
		ID: types.StringValue(id), KeyPrefix: types.StringValue("bdk_live_OLD"), Last4: types.StringValue("oldk"),
		RevokeAfter: timeValue(revokeAfter), Due: types.BoolValue(due),
	}
}

func keyInListing(id, name string, edits ...func(*apiclient.Key)) apiclient.Key {
	at := issuedAt
	key := apiclient.Key{
		ID: id, Name: name, KeyPrefix: "bdk_live_ABC123", Last4: "cret",
		Scopes: []string{"inventory:read"}, Status: apiclient.StatusActive, CreatedAt: &at,
	}
	for _, edit := range edits {
		edit(&key)
	}
	return key
}

// mustNot fails the test when there are error diagnostics.
func mustNot(t *testing.T, diags diag.Diagnostics) {
	t.Helper()
	for _, d := range diags.Errors() {
		t.Fatalf("unexpected error: %s: %s", d.Summary(), d.Detail())
	}
}
