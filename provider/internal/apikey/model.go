package apikey

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/hashicorp/terraform-plugin-framework-timeouts/resource/timeouts"
	"github.com/hashicorp/terraform-plugin-framework/attr"
	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/types"
	"github.com/hashicorp/terraform-plugin-framework/types/basetypes"

	"github.com/betterdataco/terraform-provider-betterdata/apiclient"
)

// statusAbsent is our own word for a key that is proven to be missing from the API (P3).
const statusAbsent = "ABSENT"

// model is the resource as Terraform carries it in configuration, plan and state.
type model struct {
	Name           types.String   `tfsdk:"name"`
	Scopes         types.Set      `tfsdk:"scopes"`
	Rotation       types.Object   `tfsdk:"rotation"`
	AgeRecipients  types.Set      `tfsdk:"age_recipients"`
	OnDestroy      types.String   `tfsdk:"on_destroy"`
	OnRevoked      types.String   `tfsdk:"on_revoked"`
	NameMarker     types.String   `tfsdk:"name_marker"`
	RotateOnImport types.Bool     `tfsdk:"rotate_on_import"`
	Timeouts       timeouts.Value `tfsdk:"timeouts"`

	ID             types.String `tfsdk:"id"`
	PlaintextKey   types.String `tfsdk:"plaintext_key"`
	EncryptedKey   types.String `tfsdk:"encrypted_key"`
	KeyPrefix      types.String `tfsdk:"key_prefix"`
	Last4          types.String `tfsdk:"last4"`
	Status         types.String `tfsdk:"status"`
	CreatedAt      types.String `tfsdk:"created_at"`
	RotationDue    types.Bool   `tfsdk:"rotation_due"`
	NextRotationAt types.String `tfsdk:"next_rotation_at"`
	PreviousKeys   types.List   `tfsdk:"previous_keys"`
}

type rotationModel struct {
	Interval types.String `tfsdk:"interval"`
	Overlap  types.String `tfsdk:"overlap"`
	Triggers types.Map    `tfsdk:"triggers"`
}

type previousKey struct {
	ID          types.String `tfsdk:"id"`
	KeyPrefix   types.String `tfsdk:"key_prefix"`
	Last4       types.String `tfsdk:"last4"`
	RevokeAfter types.String `tfsdk:"revoke_after"`
	Due         types.Bool   `tfsdk:"due"`
}

func rotationTypes() map[string]attr.Type {
	return map[string]attr.Type{
		"interval": types.StringType,
		"overlap":  types.StringType,
		"triggers": types.MapType{ElemType: types.StringType},
	}
}

func previousKeyType() types.ObjectType {
	return types.ObjectType{AttrTypes: map[string]attr.Type{
		"id": types.StringType, "key_prefix": types.StringType, "last4": types.StringType,
		"revoke_after": types.StringType, "due": types.BoolType,
	}}
}

// rotation returns the rotation block, with null members when the block is null or unknown.
func (m *model) rotation(ctx context.Context, diags *diag.Diagnostics) rotationModel {
	block := rotationModel{Triggers: types.MapNull(types.StringType)}
	if m.Rotation.IsNull() {
		return block
	}
	if m.Rotation.IsUnknown() {
		return rotationModel{Interval: types.StringUnknown(), Overlap: types.StringUnknown(), Triggers: types.MapUnknown(types.StringType)}
	}
	diags.Append(m.Rotation.As(ctx, &block, basetypes.ObjectAsOptions{})...)
	return block
}

// scopes returns the scopes sorted, so that requests do not depend on the order of a set.
func (m *model) scopes(ctx context.Context, diags *diag.Diagnostics) []string {
	var scopes []string
	diags.Append(m.Scopes.ElementsAs(ctx, &scopes, false)...)
	slices.Sort(scopes)
	return scopes
}

func (m *model) setScopes(scopes []string) {
	values := make([]attr.Value, 0, len(scopes))
	for _, s := range scopes {
		values = append(values, types.StringValue(s))
	}
	m.Scopes = types.SetValueMust(types.StringType, values)
}

func (m *model) previousKeys(ctx context.Context, diags *diag.Diagnostics) []previousKey {
	if m.PreviousKeys.IsNull() || m.PreviousKeys.IsUnknown() {
		return nil
	}
	var keys []previousKey
	diags.Append(m.PreviousKeys.ElementsAs(ctx, &keys, false)...)
	return keys
}

func idsOf(previous []previousKey) []string {
	ids := make([]string, 0, len(previous)+1)
	for _, key := range previous {
		ids = append(ids, key.ID.ValueString())
	}
	return ids
}

func (m *model) setPreviousKeys(ctx context.Context, keys []previousKey, diags *diag.Diagnostics) {
	if keys == nil {
		keys = []previousKey{}
	}
	list, d := types.ListValueFrom(ctx, previousKeyType(), keys)
	diags.Append(d...)
	m.PreviousKeys = list
}

// setKey takes over what the API tells of the current key. Name and scopes are not among it: what they mean for a
// plan depends on the settings.
func (m *model) setKey(key apiclient.Key) {
	m.ID = nullIfEmpty(key.ID)
	m.KeyPrefix = nullIfEmpty(key.KeyPrefix)
	m.Last4 = nullIfEmpty(key.Last4)
	m.Status = nullIfEmpty(string(key.Status))
	if key.CreatedAt != nil {
		m.CreatedAt = timeValue(*key.CreatedAt)
	}
}

// setIssued takes over a key that was just issued, with its plaintext in clear or encrypted. A plaintext that cannot be
// encrypted is as good as lost, and the error says so: the key is a stray then.
func (m *model) setIssued(issued *apiclient.IssuedKey, seal sealer) error {
	sealed, err := seal.seal(issued.Plaintext)
	if err != nil {
		return fmt.Errorf("%w: the key was issued, but its plaintext could not be stored: %w", apiclient.ErrOutcomeUnknown, err)
	}
	m.ID = types.StringNull()
	m.CreatedAt = timeValue(issued.ServerTime)
	m.setKey(issued.Key)
	if m.Status.IsNull() {
		m.Status = types.StringValue(string(apiclient.StatusActive))
	}
	m.EncryptedKey, m.PlaintextKey = nullIfEmpty(sealed), types.StringNull()
	if !seal.enabled() {
		m.PlaintextKey = types.StringValue(issued.Plaintext.Reveal())
	}
	return nil
}

// hasSecret reports that the state holds the key itself, in clear or encrypted.
func (m *model) hasSecret() bool { return !m.PlaintextKey.IsNull() || !m.EncryptedKey.IsNull() }

// setNoKey sets every result to null: the state of a create whose outcome is not known.
func (m *model) setNoKey(ctx context.Context, diags *diag.Diagnostics) {
	m.ID, m.PlaintextKey, m.EncryptedKey = types.StringNull(), types.StringNull(), types.StringNull()
	m.KeyPrefix, m.Last4 = types.StringNull(), types.StringNull()
	m.Status, m.CreatedAt = types.StringNull(), types.StringNull()
	m.RotationDue, m.NextRotationAt = types.BoolValue(false), types.StringNull()
	m.setPreviousKeys(ctx, nil, diags)
}

// takeResults copies the computed attributes of prior.
func (m *model) takeResults(prior *model) {
	m.ID, m.PlaintextKey, m.EncryptedKey = prior.ID, prior.PlaintextKey, prior.EncryptedKey
	m.KeyPrefix, m.Last4 = prior.KeyPrefix, prior.Last4
	m.Status, m.CreatedAt = prior.Status, prior.CreatedAt
	m.RotationDue, m.NextRotationAt = prior.RotationDue, prior.NextRotationAt
	m.PreviousKeys = prior.PreviousKeys
}

// dead reports that the current key cannot authenticate any more, as far as the last refresh knew.
func (m *model) dead() bool {
	status := m.Status.ValueString()
	return status == statusAbsent || apiclient.Status(status).Dead()
}

func nullIfEmpty(s string) types.String {
	if s == "" {
		return types.StringNull()
	}
	return types.StringValue(s)
}

func timeValue(t time.Time) types.String {
	return types.StringValue(t.UTC().Format(time.RFC3339Nano))
}

// timeOf reads back what timeValue wrote; ok is false for null, unknown and foreign text.
func timeOf(s types.String) (t time.Time, ok bool) {
	t, err := time.Parse(time.RFC3339Nano, s.ValueString())
	return t, err == nil
}
