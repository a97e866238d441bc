package apikey

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/hashicorp/terraform-plugin-framework/attr"
	"github.com/hashicorp/terraform-plugin-framework/types"
)

// TestDecideIssue has a row for every reason to issue a key, and rows for null, unknown and empty of what it looks at.
func TestDecideIssue(t *testing.T) {
	t.Parallel()
	unknown := types.StringUnknown()
	interval := types.StringValue("720h")
	none := types.MapNull(types.StringType)
	half := types.MapValueMust(types.StringType, map[string]attr.Value{"a": types.StringValue("1"), "b": types.StringUnknown()})
	due := func(m *model) { m.RotationDue = types.BoolValue(true) }
	imported := func(m *model) { m.PlaintextKey = types.StringNull() }
	recipients := func(values ...string) func(*model) {
		return func(m *model) { m.AgeRecipients = scopeSet(values...) }
	}
	encrypted := func(m *model) {
		m.PlaintextKey, m.EncryptedKey = types.StringNull(), types.StringValue("-----BEGIN AGE ENCRYPTED FILE-----")
		m.AgeRecipients = scopeSet("age1a")
	}
	unknownElement := func(m *model) {
		m.AgeRecipients = types.SetValueMust(types.StringType, []attr.Value{types.StringUnknown()})
	}
	askOnImport := func(m *model) { m.RotateOnImport = types.BoolValue(true) }

	for name, tc := range map[string]struct {
		edit        func(*model) // the state
		plan        func(*model) // on top, in the plan
		prior, next rotationModel
		want        issueKind
		reason      string
	}{
		"nothing changes":                        {prior: noBlock(), next: noBlock(), want: issueNone},
		"due":                                    {edit: due, prior: block(interval, unknown, none), next: block(interval, unknown, none), want: issueRotate, reason: "older than rotation.interval (720h)"},
		"due, interval lengthened":               {edit: due, prior: block(interval, unknown, none), next: block(types.StringValue("9000h"), unknown, none), want: issueNone},
		"due, interval shortened":                {edit: due, prior: block(interval, unknown, none), next: block(types.StringValue("1h"), unknown, none), want: issueNone},
		"due, interval unknown":                  {edit: due, prior: block(interval, unknown, none), next: block(unknown, unknown, none), want: issueMaybe},
		"due, interval removed":                  {edit: due, prior: block(interval, unknown, none), next: block(types.StringNull(), unknown, none), want: issueNone},
		"due, block removed":                     {edit: due, prior: block(interval, unknown, triggerMap("a", "1")), next: noBlock(), want: issueNone},
		"due, only the overlap changes":          {edit: due, prior: block(interval, types.StringValue("24h"), none), next: block(interval, types.StringValue("1h"), none), want: issueRotate, reason: "older than"},
		"due, overlap unknown":                   {edit: due, prior: block(interval, types.StringValue("24h"), none), next: block(interval, unknown, none), want: issueRotate, reason: "older than"},
		"due, interval changed and triggers too": {edit: due, prior: block(interval, unknown, triggerMap("a", "1")), next: block(types.StringValue("9000h"), unknown, triggerMap("a", "2")), want: issueRotate, reason: "triggers changed"},
		"interval appears":                       {prior: noBlock(), next: block(types.StringValue("1m"), unknown, none), want: issueNone},

		"trigger changed":                       {prior: block(interval, unknown, triggerMap("a", "1")), next: block(interval, unknown, triggerMap("a", "2")), want: issueRotate, reason: "triggers changed"},
		"trigger added":                         {prior: block(interval, unknown, triggerMap("a", "1")), next: block(interval, unknown, triggerMap("a", "1", "b", "1")), want: issueRotate, reason: "triggers changed"},
		"trigger removed, map stays":            {prior: block(interval, unknown, triggerMap("a", "1")), next: block(interval, unknown, triggerMap()), want: issueRotate, reason: "triggers changed"},
		"empty map gets its first entry":        {prior: block(interval, unknown, triggerMap()), next: block(interval, unknown, triggerMap("a", "1")), want: issueRotate, reason: "triggers changed"},
		"map null to empty":                     {prior: block(interval, unknown, none), next: block(interval, unknown, triggerMap()), want: issueNone},
		"map null to something":                 {prior: block(interval, unknown, none), next: block(interval, unknown, triggerMap("a", "1")), want: issueNone},
		"map something to null":                 {prior: block(interval, unknown, triggerMap("a", "1")), next: block(interval, unknown, none), want: issueNone},
		"map unknown":                           {prior: block(interval, unknown, triggerMap("a", "1")), next: block(interval, unknown, types.MapUnknown(types.StringType)), want: issueMaybe},
		"map unknown, null before":              {prior: noBlock(), next: block(interval, unknown, types.MapUnknown(types.StringType)), want: issueMaybe},
		"one value unknown":                     {prior: block(interval, unknown, triggerMap("a", "1")), next: block(interval, unknown, half), want: issueMaybe},
		"due and map unknown":                   {edit: due, prior: block(interval, unknown, none), next: block(interval, unknown, types.MapUnknown(types.StringType)), want: issueRotate, reason: "older than"},
		"imported, not asked":                   {edit: imported, prior: noBlock(), next: noBlock(), want: issueNone},
		"imported, asked":                       {edit: imported, plan: askOnImport, prior: noBlock(), next: noBlock(), want: issueRotate, reason: "rotate_on_import"},
		"asked, but the plaintext is known":     {plan: askOnImport, prior: noBlock(), next: noBlock(), want: issueNone},
		"imported, rotate_on_import unknown":    {edit: imported, plan: func(m *model) { m.RotateOnImport = types.BoolUnknown() }, prior: noBlock(), next: noBlock(), want: issueMaybe},
		"recipients appear":                     {plan: recipients("age1a"), prior: noBlock(), next: noBlock(), want: issueRotate, reason: "age_recipients changed"},
		"recipients change":                     {edit: encrypted, plan: recipients("age1b"), prior: noBlock(), next: noBlock(), want: issueRotate, reason: "age_recipients changed"},
		"recipients go":                         {edit: encrypted, plan: func(m *model) { m.AgeRecipients = types.SetNull(types.StringType) }, prior: noBlock(), next: noBlock(), want: issueRotate, reason: "age_recipients changed"},
		"recipients in another order":           {edit: func(m *model) { encrypted(m); m.AgeRecipients = scopeSet("age1a", "age1b") }, plan: recipients("age1b", "age1a"), prior: noBlock(), next: noBlock(), want: issueNone},
		"recipients unknown":                    {edit: encrypted, plan: func(m *model) { m.AgeRecipients = types.SetUnknown(types.StringType) }, prior: noBlock(), next: noBlock(), want: issueMaybe},
		"one recipient unknown":                 {edit: encrypted, plan: unknownElement, prior: noBlock(), next: noBlock(), want: issueMaybe},
		"recipients of an imported key":         {edit: imported, plan: recipients("age1a"), prior: noBlock(), next: noBlock(), want: issueNone},
		"asked on import, encrypted is known":   {edit: encrypted, plan: askOnImport, prior: noBlock(), next: noBlock(), want: issueNone},
		"rename alone":                          {plan: func(m *model) { m.Name = types.StringValue("Other") }, prior: noBlock(), next: noBlock(), want: issueNone},
		"scopes alone":                          {plan: func(m *model) { m.Scopes = scopeSet("*") }, prior: noBlock(), next: noBlock(), want: issueNone},
		"scopes unknown":                        {plan: func(m *model) { m.Scopes = types.SetUnknown(types.StringType) }, prior: noBlock(), next: noBlock(), want: issueNone},
		"unknown status is not dead":            {edit: func(m *model) { m.Status = types.StringValue("SUSPENDED") }, prior: noBlock(), next: noBlock(), want: issueNone},
		"null status is not dead":               {edit: func(m *model) { m.Status = types.StringNull() }, prior: noBlock(), next: noBlock(), want: issueNone},
		"dead and due: one key, not a rotation": {edit: func(m *model) { due(m); m.Status = types.StringValue("REVOKED") }, prior: block(interval, unknown, none), next: block(interval, unknown, none), want: issueReissue, reason: "REVOKED"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			prior := newState()
			if tc.edit != nil {
				tc.edit(&prior)
			}
			plan := prior
			if tc.plan != nil {
				tc.plan(&plan)
			}
			in := decide(&prior, &plan, plannedSettings{rotation: tc.next, priorRotation: tc.prior})
			if in.issue != tc.want {
				t.Errorf("issue = %d, want %d", in.issue, tc.want)
			}
			if !strings.Contains(in.reason, tc.reason) || (tc.reason == "") != (in.reason == "") {
				t.Errorf("reason = %q, want it to hold %q", in.reason, tc.reason)
			}
		})
	}
}

// TestDecideDead crosses every way of being dead with both settings.
func TestDecideDead(t *testing.T) {
	t.Parallel()
	for _, status := range []string{"REVOKED", "EXPIRED", "revoked", statusAbsent} {
		for setting, want := range map[string]issueKind{onRevokedRecreate: issueReissue, onRevokedError: issueNone} {
			t.Run(fmt.Sprintf("%s, %s", status, setting), func(t *testing.T) {
				t.Parallel()
				prior := newState(func(m *model) { m.Status = types.StringValue(status) })
				plan := prior
				plan.OnRevoked = types.StringValue(setting)
				in := decide(&prior, &plan, plannedSettings{rotation: noBlock(), priorRotation: noBlock()})
				if in.issue != want {
					t.Errorf("issue = %d, want %d", in.issue, want)
				}
			})
		}
	}
}

func TestDecidePatch(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		plan func(*model)
		want bool
	}{
		"nothing":               {func(*model) {}, false},
		"name":                  {func(m *model) { m.Name = types.StringValue("Other") }, true},
		"name unknown":          {func(m *model) { m.Name = types.StringUnknown() }, true},
		"scopes":                {func(m *model) { m.Scopes = scopeSet("inventory:read", "*") }, true},
		"scopes unknown":        {func(m *model) { m.Scopes = types.SetUnknown(types.StringType) }, true},
		"scopes empty":          {func(m *model) { m.Scopes = scopeSet() }, true},
		"marker":                {func(m *model) { m.NameMarker = types.StringValue(markerPermanent) }, true},
		"on_destroy alone":      {func(m *model) { m.OnDestroy = types.StringValue(onDestroyRetain) }, false},
		"on_revoked alone":      {func(m *model) { m.OnRevoked = types.StringValue(onRevokedError) }, false},
		"rotate_on_import only": {func(m *model) { m.RotateOnImport = types.BoolValue(true) }, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			prior := newState()
			plan := prior
			tc.plan(&plan)
			in := decide(&prior, &plan, plannedSettings{rotation: noBlock(), priorRotation: noBlock()})
			if in.patch != tc.want {
				t.Errorf("patch = %t, want %t", in.patch, tc.want)
			}
		})
	}
}

func TestDecideRevoke(t *testing.T) {
	t.Parallel()
	pending := predecessor("key_0", issuedAt.Add(time.Hour), false)
	due := predecessor("key_00", issuedAt, true)
	for name, tc := range map[string]struct {
		previous []previousKey
		want     bool
	}{
		"none":            {nil, false},
		"pending":         {[]previousKey{pending}, false},
		"due":             {[]previousKey{due}, true},
		"pending and due": {[]previousKey{pending, due}, true},
		"due is null":     {[]previousKey{{ID: types.StringValue("key_0"), Due: types.BoolNull()}}, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			state := newState()
			in := decide(&state, &state, plannedSettings{rotation: noBlock(), priorRotation: noBlock(), previous: tc.previous})
			if in.revoke != tc.want {
				t.Errorf("revoke = %t, want %t", in.revoke, tc.want)
			}
		})
	}
}

func TestDecideReschedule(t *testing.T) {
	t.Parallel()
	null, unknown, none := types.StringNull(), types.StringUnknown(), types.MapNull(types.StringType)
	hours := func(s string) rotationModel { return block(types.StringValue(s), null, none) }
	for name, tc := range map[string]struct {
		prior, next rotationModel
		want        bool
	}{
		"same":                    {hours("24h"), hours("24h"), false},
		"same time, other words":  {hours("24h"), hours("1440m"), true},
		"changed":                 {hours("24h"), hours("48h"), true},
		"added":                   {noBlock(), hours("24h"), true},
		"removed":                 {hours("24h"), noBlock(), true},
		"unknown":                 {hours("24h"), block(unknown, null, none), true},
		"overlap changed":         {block(null, types.StringValue("1h"), none), block(null, types.StringValue("2h"), none), false},
		"overlap unknown":         {block(null, types.StringValue("1h"), none), block(null, unknown, none), false},
		"no block, then no block": {noBlock(), noBlock(), false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			state := newState()
			in := decide(&state, &state, plannedSettings{rotation: tc.next, priorRotation: tc.prior})
			if in.reschedule != tc.want {
				t.Errorf("reschedule = %t, want %t", in.reschedule, tc.want)
			}
		})
	}
}

func TestPolicyOfBlock(t *testing.T) {
	t.Parallel()
	null := types.StringNull()
	none := types.MapNull(types.StringType)
	for name, tc := range map[string]struct {
		block             rotationModel
		interval, overlap time.Duration
	}{
		"nothing set":        {noBlock(), 0, 24 * time.Hour},
		"overlap null":       {block(types.StringValue("48h"), null, none), 48 * time.Hour, 24 * time.Hour},
		"overlap zero":       {block(types.StringValue("48h"), types.StringValue("0s"), none), 48 * time.Hour, 0},
		"overlap unknown":    {block(types.StringValue("48h"), types.StringUnknown(), none), 48 * time.Hour, 24 * time.Hour},
		"interval unknown":   {block(types.StringUnknown(), types.StringValue("1h"), none), 0, time.Hour},
		"interval empty":     {block(types.StringValue(""), types.StringValue("1h"), none), 0, time.Hour},
		"overlap unreadable": {block(null, types.StringValue("soon"), none), 0, 24 * time.Hour},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got := tc.block.policy()
			if got.Interval != tc.interval || got.Overlap != tc.overlap {
				t.Errorf("policy = %v, want %v and %v", got, tc.interval, tc.overlap)
			}
		})
	}
}

func TestNextRotationAndDue(t *testing.T) {
	t.Parallel()
	day := block(types.StringValue("24h"), types.StringNull(), types.MapNull(types.StringType)).policy()
	never := noBlock().policy()
	due := issuedAt.Add(24 * time.Hour)
	if got := nextRotation(timeValue(issuedAt), day); !got.Equal(timeValue(due)) {
		t.Errorf("next rotation %s, want %s", got, due)
	}
	for name, created := range map[string]types.String{"null": types.StringNull(), "unknown": types.StringUnknown(), "foreign": types.StringValue("yesterday")} {
		if got := nextRotation(created, day); !got.IsNull() {
			t.Errorf("created_at %s: next rotation %s, want null", name, got)
		}
		if got := rotationDue(created, day, due.Add(time.Hour)); got.ValueBool() {
			t.Errorf("created_at %s: due, although nobody knows its age", name)
		}
	}
	if got := nextRotation(timeValue(issuedAt), never); !got.IsNull() {
		t.Errorf("without an interval: next rotation %s, want null", got)
	}
	for at, want := range map[time.Time]bool{due.Add(-time.Nanosecond): false, due: true, due.Add(time.Hour): true} {
		if got := rotationDue(timeValue(issuedAt), day, at).ValueBool(); got != want {
			t.Errorf("due at %s = %t, want %t", at, got, want)
		}
	}
	if rotationDue(timeValue(issuedAt), never, due.Add(1e6*time.Hour)).ValueBool() {
		t.Error("due without an interval")
	}
}
