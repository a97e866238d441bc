package apikey

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/betterdataco/terraform-provider-betterdata/apiclient"
)

func TestRotationOfModel(t *testing.T) {
	t.Parallel()
	full := block(types.StringValue("48h"), types.StringValue("1h"), triggerMap("a", "1"))
	unknown := block(types.StringUnknown(), types.StringUnknown(), types.MapUnknown(types.StringType))
	for name, tc := range map[string]struct {
		rotation types.Object
		want     rotationModel
	}{
		"null":    {types.ObjectNull(rotationTypes()), noBlock()},
		"unknown": {types.ObjectUnknown(rotationTypes()), unknown},
		"full":    {full.object(), full},
		"empty":   {noBlock().object(), noBlock()},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			diags := diag.Diagnostics{}
			m := newState(func(m *model) { m.Rotation = tc.rotation })
			got := m.rotation(t.Context(), &diags)
			mustNot(t, diags)
			if diff := cmp.Diff(tc.want, got); diff != "" {
				t.Errorf("rotation (-want +got):\n%s", diff)
			}
		})
	}
}

func TestPreviousKeysOfModel(t *testing.T) {
	t.Parallel()
	two := []previousKey{predecessor("key_b", issuedAt, true), predecessor("key_a", issuedAt.Add(time.Hour), false)}
	for name, tc := range map[string]struct {
		list types.List
		keys []previousKey
	}{
		"null":    {types.ListNull(previousKeyType()), nil},
		"unknown": {types.ListUnknown(previousKeyType()), nil},
	} {
		m := newState(func(m *model) { m.PreviousKeys = tc.list })
		if got := m.previousKeys(t.Context(), &diag.Diagnostics{}); len(got) != 0 {
			t.Errorf("%s: %v, want none", name, got)
		}
	}
	for name, keys := range map[string][]previousKey{"nil": nil, "none": {}, "two, in their order": two} {
		diags := diag.Diagnostics{}
		m := newState()
		m.setPreviousKeys(t.Context(), keys, &diags)
		got := m.previousKeys(t.Context(), &diags)
		mustNot(t, diags)
		if m.PreviousKeys.IsNull() {
			t.Errorf("%s: the list is null; it is always known, empty at least", name)
		}
		if len(got) != len(keys) || (len(keys) > 0 && cmp.Diff(keys, got) != "") {
			t.Errorf("%s: got %v, want %v", name, got, keys)
		}
	}
}

func TestScopesAreSorted(t *testing.T) {
	t.Parallel()
	m := newState(func(m *model) { m.Scopes = scopeSet("planning:read", "*", "inventory:read") })
	got := m.scopes(t.Context(), &diag.Diagnostics{})
	if diff := cmp.Diff([]string{"*", "inventory:read", "planning:read"}, got); diff != "" {
		t.Errorf("scopes (-want +got):\n%s", diff)
	}
}

// TestSetIssued: the plaintext is taken over whatever else the answer lacks.
func TestSetIssued(t *testing.T) {
	t.Parallel()
	later := issuedAt.Add(time.Hour)
	for name, tc := range map[string]struct {
		key  apiclient.Key
		want func(*model)
	}{
		"whole": {
			key: keyInListing("key_2", "ignored", func(k *apiclient.Key) { k.Last4 = "tnew" }),
			want: func(m *model) {
				m.ID, m.Last4, m.CreatedAt = types.StringValue("key_2"), types.StringValue("tnew"), timeValue(issuedAt)
			},
		},
		"nothing but a plaintext": {
			want: func(m *model) {
				m.ID, m.KeyPrefix, m.Last4 = types.StringNull(), types.StringNull(), types.StringNull()
				m.CreatedAt = timeValue(later)
			},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, want := newState(), newState()
			tc.want(&want)
			want.PlaintextKey = types.StringValue("bdk_live_new")
			if err := got.setIssued(&apiclient.IssuedKey{Key: tc.key, Plaintext: apiclient.NewSecret("bdk_live_new"), ServerTime: later}, sealer{}); err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("state (-want +got):\n%s", diff)
			}
		})
	}
}

func TestSetNoKey(t *testing.T) {
	t.Parallel()
	diags := diag.Diagnostics{}
	m := newState()
	m.setNoKey(t.Context(), &diags)
	mustNot(t, diags)
	for name, value := range map[string]types.String{
		"id": m.ID, "plaintext_key": m.PlaintextKey, "key_prefix": m.KeyPrefix, "last4": m.Last4,
		"status": m.Status, "created_at": m.CreatedAt, "next_rotation_at": m.NextRotationAt,
	} {
		if !value.IsNull() {
			t.Errorf("%s = %s, want null", name, value)
		}
	}
	if m.RotationDue.IsUnknown() || m.RotationDue.ValueBool() || m.PreviousKeys.IsUnknown() {
		t.Error("an unknown value in a state is a defect that Terraform reports")
	}
}

func TestTimesRoundTrip(t *testing.T) {
	t.Parallel()
	for _, at := range []time.Time{
		issuedAt, issuedAt.Add(123456789 * time.Nanosecond),
		issuedAt.In(time.FixedZone("east", 5*3600)),
	} {
		got, ok := timeOf(timeValue(at))
		if !ok || !got.Equal(at) {
			t.Errorf("%s became %s (%t)", at, got, ok)
		}
	}
	if timeValue(issuedAt) != timeValue(issuedAt.In(time.FixedZone("east", 5*3600))) {
		t.Error("the same moment in two zones gives two texts, and so a diff")
	}
	for _, s := range []types.String{types.StringNull(), types.StringUnknown(), types.StringValue(""), types.StringValue("2026-03-01")} {
		if _, ok := timeOf(s); ok {
			t.Errorf("%s was read as a time", s)
		}
	}
}

func TestDead(t *testing.T) {
	t.Parallel()
	for status, want := range map[string]bool{"ACTIVE": false, "": false, "SUSPENDED": false, "REVOKED": true, "EXPIRED": true, "expired": true, statusAbsent: true} {
		m := newState(func(m *model) { m.Status = types.StringValue(status) })
		if got := m.dead(); got != want {
			t.Errorf("dead with status %q = %t, want %t", status, got, want)
		}
	}
}
