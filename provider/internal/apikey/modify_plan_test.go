package apikey

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/types"
)

func TestShortDuration(t *testing.T) {
	t.Parallel()
	for d, want := range map[time.Duration]string{
		0: "0s", time.Second: "1s", 10 * time.Second: "10s", time.Minute: "1m", 30 * time.Minute: "30m", time.Hour: "1h", 10 * time.Hour: "10h",
		24 * time.Hour: "24h", 20 * time.Minute: "20m", 90 * time.Minute: "1h30m", 100 * time.Minute: "1h40m",
		time.Hour + time.Second: "1h0m1s", time.Minute + 30*time.Second: "1m30s", 1500 * time.Millisecond: "1.5s",
	} {
		if got := shortDuration(d); got != want {
			t.Errorf("%s became %q, want %q", d, got, want)
		}
		if parsed, err := time.ParseDuration(shortDuration(d)); err != nil || parsed != d {
			t.Errorf("%q does not read back as %s", shortDuration(d), d)
		}
	}
}

// TestPlanUpdate: which attributes become unknown, and which warnings say why.
func TestPlanUpdate(t *testing.T) {
	t.Parallel()
	day := block(types.StringValue("24h"), types.StringValue("1h"), triggerMap("a", "1"))
	withDay := func(m *model) {
		m.Rotation = day.object()
		m.NextRotationAt = timeValue(issuedAt.Add(24 * time.Hour))
	}
	allOfKey := func(m *model) {
		unknown := types.StringUnknown()
		m.ID, m.PlaintextKey, m.KeyPrefix, m.Last4 = unknown, unknown, unknown, unknown
		m.Status, m.CreatedAt, m.NextRotationAt = unknown, unknown, unknown
		m.PreviousKeys = types.ListUnknown(previousKeyType())
	}
	noDueUnknown := func(m *model) { m.PreviousKeys = types.ListUnknown(previousKeyType()) }

	for name, tc := range map[string]struct {
		prior, plan, want func(*model)
		errors, warnings  int
		holds             []string
	}{
		"nothing": {},
		"rename keeps every result": {
			plan: func(m *model) { m.Name = types.StringValue("Other") },
		},
		"due": {
			prior:    func(m *model) { withDay(m); m.RotationDue = types.BoolValue(true) },
			want:     func(m *model) { allOfKey(m); m.RotationDue = types.BoolValue(false) },
			warnings: 1, holds: []string{"key_1 will be rotated", "older than rotation.interval (24h)", "keeps working for 1h"},
		},
		"overlap 0 is said": {
			prior: func(m *model) {
				withDay(m)
				m.Rotation = block(types.StringValue("24h"), types.StringValue("0s"), triggerMap("a", "1")).object()
				m.RotationDue = types.BoolValue(true)
			},
			want:     func(m *model) { allOfKey(m); m.RotationDue = types.BoolValue(false) },
			warnings: 1, holds: []string{"revoked in the same apply", "cut off at once"},
		},
		"overlap unknown is said": {
			prior: func(m *model) { withDay(m); m.RotationDue = types.BoolValue(true) },
			plan: func(m *model) {
				m.Rotation = block(types.StringValue("24h"), types.StringUnknown(), triggerMap("a", "1")).object()
			},
			want:     func(m *model) { allOfKey(m); m.RotationDue = types.BoolValue(false) },
			warnings: 1, holds: []string{"known after apply"},
		},
		"trigger, no interval": {
			prior: func(m *model) {
				m.Rotation = block(types.StringNull(), types.StringValue("1h"), triggerMap("a", "1")).object()
			},
			plan: func(m *model) {
				m.Rotation = block(types.StringNull(), types.StringValue("1h"), triggerMap("a", "2")).object()
			},
			want:     func(m *model) { allOfKey(m); m.NextRotationAt = types.StringNull() },
			warnings: 1, holds: []string{"rotation.triggers changed"},
		},
		"triggers unknown: perhaps": {
			prior: withDay,
			plan: func(m *model) {
				m.Rotation = block(types.StringValue("24h"), types.StringValue("1h"), types.MapUnknown(types.StringType)).object()
			},
			want: func(m *model) {
				allOfKey(m)
				m.RotationDue, m.EncryptedKey = types.BoolUnknown(), types.StringUnknown()
			},
		},
		"recipients appear": {
			plan: func(m *model) { m.AgeRecipients = scopeSet("age1a") },
			want: func(m *model) {
				allOfKey(m)
				m.NextRotationAt, m.PlaintextKey, m.EncryptedKey = types.StringNull(), types.StringNull(), types.StringUnknown()
			},
			warnings: 1, holds: []string{"age_recipients changed"},
		},
		"interval changed": {
			prior: withDay,
			plan: func(m *model) {
				m.Rotation = block(types.StringValue("48h"), types.StringValue("1h"), triggerMap("a", "1")).object()
			},
			want: func(m *model) {
				m.NextRotationAt, m.RotationDue = timeValue(issuedAt.Add(48*time.Hour)), types.BoolUnknown()
			},
		},
		"interval unknown": {
			prior: withDay,
			plan: func(m *model) {
				m.Rotation = block(types.StringUnknown(), types.StringValue("1h"), triggerMap("a", "1")).object()
			},
			want: func(m *model) { m.NextRotationAt, m.RotationDue = types.StringUnknown(), types.BoolUnknown() },
		},
		"block removed while due": {
			prior: func(m *model) { withDay(m); m.RotationDue = types.BoolValue(true) },
			plan:  func(m *model) { m.Rotation = types.ObjectNull(rotationTypes()) },
			want:  func(m *model) { m.NextRotationAt, m.RotationDue = types.StringNull(), types.BoolValue(false) },
		},
		"dead": {
			prior:    func(m *model) { m.Status = types.StringValue("REVOKED") },
			want:     func(m *model) { allOfKey(m); m.NextRotationAt = types.StringNull() },
			warnings: 1, holds: []string{"A new key will be issued in place of key_1", "REVOKED", "cut off already"},
		},
		"dead, on_revoked error": {
			prior: func(m *model) {
				m.Status = types.StringValue(statusAbsent)
				m.OnRevoked = types.StringValue(onRevokedError)
			},
			errors: 1, holds: []string{"key_1 is ABSENT", `on_revoked = "recreate"`},
		},
		"an overlap pending": {
			prior: func(m *model) {
				m.setPreviousKeys(t.Context(), []previousKey{predecessor("key_0", issuedAt, false)}, &diag.Diagnostics{})
			},
		},
		"an overlap ended": {
			prior: func(m *model) {
				m.setPreviousKeys(t.Context(), []previousKey{predecessor("key_0", issuedAt, true)}, &diag.Diagnostics{})
			},
			want:     noDueUnknown,
			warnings: 1, holds: []string{"key_0 will be revoked", "predecessor of key_1"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			prior := newState()
			for _, edit := range []func(*model){tc.prior} {
				if edit != nil {
					edit(&prior)
				}
			}
			plan := prior
			if tc.plan != nil {
				tc.plan(&plan)
			}
			want := plan
			if tc.want != nil {
				tc.want(&want)
			}
			diags := diag.Diagnostics{}
			planUpdate(t.Context(), &prior, &plan, &diags)
			expectDiagnostics(t, diags, tc.errors, tc.warnings, tc.holds...)
			if diff := cmp.Diff(want, plan); diff != "" {
				t.Errorf("plan (-want +got):\n%s", diff)
			}
		})
	}
}
