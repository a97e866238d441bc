package apikey

import (
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/betterdataco/terraform-provider-betterdata/apiclient"
)

// look is what a refresh would observe of a listing, without the requests: Read fills observed in the same way.
func look(listing []apiclient.Key, state model, previous []previousKey, marker apiclient.Marker, now time.Time, missing sighting) observed {
	seen := observed{keys: map[string]apiclient.Key{}, now: now, current: missing}
	for _, key := range listing {
		if key.Live() && marker.In(key.Name) {
			seen.marked = append(seen.marked, key)
		}
		if key.ID == state.ID.ValueString() {
			seen.current = sightingListed
			seen.keys[key.ID] = key
		}
		if slices.Contains(idsOf(previous), key.ID) {
			seen.keys[key.ID] = key
		}
	}
	if state.ID.IsNull() {
		seen.current = sightingListed
	}
	return seen
}

// refreshed folds a listing into a state a day after the key was issued.
func refreshed(state model, previous []previousKey, listing ...apiclient.Key) (model, []previousKey) {
	now := issuedAt.Add(24 * time.Hour)
	seen := look(listing, state, previous, testMarker, now, sightingAbsent)
	return fold(state, noBlock(), previous, issuance{Marker: testMarker}, seen)
}

func TestFoldCurrent(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		state   func(*model)
		listing []apiclient.Key
		want    func(*model) // what changes
	}{
		"as recorded": {
			listing: []apiclient.Key{keyInListing("key_1", "Forecast")},
		},
		"renamed outside": {
			listing: []apiclient.Key{keyInListing("key_1", "Renamed")},
			want:    func(m *model) { m.Name = types.StringValue("Renamed") },
		},
		"a temporary marker that is still there shows as drift": {
			listing: []apiclient.Key{keyInListing("key_1", testMarker.Append("Forecast"))},
			want:    func(m *model) { m.Name = types.StringValue("Forecast [tf:1a2b3c4d]") },
		},
		"a permanent marker does not": {
			state:   func(m *model) { m.NameMarker = types.StringValue(markerPermanent) },
			listing: []apiclient.Key{keyInListing("key_1", testMarker.Append("Forecast"))},
		},
		"a permanent marker of somebody else shows": {
			state:   func(m *model) { m.NameMarker = types.StringValue(markerPermanent) },
			listing: []apiclient.Key{keyInListing("key_1", "Forecast [tf:99999999]")},
			want:    func(m *model) { m.Name = types.StringValue("Forecast [tf:99999999]") },
		},
		"a permanent marker taken off is no drift of the name": {
			state:   func(m *model) { m.NameMarker = types.StringValue(markerPermanent) },
			listing: []apiclient.Key{keyInListing("key_1", "Forecast")},
		},
		"scopes changed outside": {
			listing: []apiclient.Key{keyInListing("key_1", "Forecast", func(k *apiclient.Key) { k.Scopes = []string{"forecast:read"} })},
			want:    func(m *model) { m.Scopes = scopeSet("forecast:read") },
		},
		"scopes taken away outside": {
			listing: []apiclient.Key{keyInListing("key_1", "Forecast", func(k *apiclient.Key) { k.Scopes = []string{} })},
			want:    func(m *model) { m.Scopes = scopeSet() },
		},
		"a listing without name and scopes says nothing of them": {
			listing: []apiclient.Key{keyInListing("key_1", "", func(k *apiclient.Key) { k.Scopes = nil })},
			want:    func(*model) {},
		},
		"an expanded wildcard is no drift": {
			state: func(m *model) { m.Scopes = scopeSet("inventory:*") },
			listing: []apiclient.Key{keyInListing("key_1", "Forecast", func(k *apiclient.Key) {
				k.Scopes = []string{"inventory:read", "inventory:write"}
			})},
		},
		"a wildcard in place of its scopes is drift": {
			state:   func(m *model) { m.Scopes = scopeSet("inventory:read", "inventory:write") },
			listing: []apiclient.Key{keyInListing("key_1", "Forecast", func(k *apiclient.Key) { k.Scopes = []string{"inventory:*"} })},
			want:    func(m *model) { m.Scopes = scopeSet("inventory:*") },
		},
		"null scopes after an import": {
			state:   func(m *model) { m.Scopes = types.SetNull(types.StringType) },
			listing: []apiclient.Key{keyInListing("key_1", "Forecast")},
			want:    func(m *model) { m.Scopes = scopeSet("inventory:read") },
		},
		"revoked": {
			listing: []apiclient.Key{keyInListing("key_1", "Forecast", func(k *apiclient.Key) { k.Status = apiclient.StatusRevoked })},
			want:    func(m *model) { m.Status = types.StringValue("REVOKED") },
		},
		"expired": {
			listing: []apiclient.Key{keyInListing("key_1", "Forecast", func(k *apiclient.Key) { k.Status = apiclient.StatusExpired })},
			want:    func(m *model) { m.Status = types.StringValue("EXPIRED") },
		},
		"absent": {
			listing: []apiclient.Key{keyInListing("key_9", "Forecast")},
			want:    func(m *model) { m.Status = types.StringValue(statusAbsent) },
		},
		"absent before, listed now": {
			state:   func(m *model) { m.Status = types.StringValue(statusAbsent) },
			listing: []apiclient.Key{keyInListing("key_1", "Forecast")},
			want:    func(m *model) { m.Status = types.StringValue("ACTIVE") },
		},
		"absent before, listed now without a status": {
			state:   func(m *model) { m.Status = types.StringValue(statusAbsent) },
			listing: []apiclient.Key{keyInListing("key_1", "Forecast", func(k *apiclient.Key) { k.Status = "" })},
			want:    func(m *model) { m.Status = types.StringValue("ACTIVE") },
		},
		"a listing that leaves fields out takes none away": {
			listing: []apiclient.Key{{ID: "key_1", Name: "Forecast", Scopes: []string{"inventory:read"}}},
		},
		"a listing that prints the issue time otherwise changes nothing": {
			listing: []apiclient.Key{keyInListing("key_1", "Forecast", func(k *apiclient.Key) {
				at := issuedAt.Add(time.Millisecond)
				k.CreatedAt = &at
			})},
		},
		"issue time learnt after an import": {
			state:   func(m *model) { m.CreatedAt = types.StringNull() },
			listing: []apiclient.Key{keyInListing("key_1", "Forecast")},
			want:    func(m *model) { m.CreatedAt = timeValue(issuedAt) },
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			state := newState()
			if tc.state != nil {
				tc.state(&state)
			}
			want := state
			if tc.want != nil {
				tc.want(&want)
			}
			got, keys := refreshed(state, nil, tc.listing...)
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("state (-want +got):\n%s", diff)
			}
			if len(keys) != 0 {
				t.Errorf("previous keys %v, want none", keys)
			}
		})
	}
}

// TestFoldYoung: a key missing from listings right after it was issued stays as recorded.
func TestFoldYoung(t *testing.T) {
	t.Parallel()
	state := newState()
	got, _ := fold(state, noBlock(), nil, issuance{Marker: testMarker}, observed{current: sightingYoung, now: issuedAt})
	if diff := cmp.Diff(state, got); diff != "" {
		t.Errorf("state (-want +got):\n%s", diff)
	}
}

func TestFoldRotationDue(t *testing.T) {
	t.Parallel()
	day := block(types.StringValue("24h"), types.StringNull(), types.MapNull(types.StringType))
	for name, tc := range map[string]struct {
		status string
		age    time.Duration
		block  rotationModel
		want   bool
	}{
		"younger":             {"ACTIVE", 24*time.Hour - time.Second, day, false},
		"exactly":             {"ACTIVE", 24 * time.Hour, day, true},
		"older":               {"ACTIVE", 90 * 24 * time.Hour, day, true},
		"no interval":         {"ACTIVE", 90 * 24 * time.Hour, noBlock(), false},
		"dead keys never are": {"REVOKED", 90 * 24 * time.Hour, day, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			state := newState()
			listing := []apiclient.Key{keyInListing("key_1", "Forecast", func(k *apiclient.Key) { k.Status = apiclient.Status(tc.status) })}
			seen := look(listing, state, nil, testMarker, issuedAt.Add(tc.age), sightingAbsent)
			got, _ := fold(state, tc.block, nil, issuance{Marker: testMarker}, seen)
			if got.RotationDue.ValueBool() != tc.want {
				t.Errorf("rotation_due = %s, want %t", got.RotationDue, tc.want)
			}
		})
	}
}

func TestFoldPrevious(t *testing.T) {
	t.Parallel()
	now := issuedAt.Add(24 * time.Hour)
	current := keyInListing("key_1", "Forecast")
	old := func(edits ...func(*apiclient.Key)) apiclient.Key {
		return keyInListing("key_0", testMarker.Append("Forecast"), edits...)
	}
	for name, tc := range map[string]struct {
		previous []previousKey
		listing  []apiclient.Key
		want     []previousKey
	}{
		"pending": {
			[]previousKey{predecessor("key_0", now.Add(time.Second), false)}, []apiclient.Key{current, old()},
			[]previousKey{predecessor("key_0", now.Add(time.Second), false)},
		},
		"overlap just ended": {
			[]previousKey{predecessor("key_0", now, false)}, []apiclient.Key{current, old()},
			[]previousKey{predecessor("key_0", now, true)},
		},
		"revoked already": {
			[]previousKey{predecessor("key_0", now, true)},
			[]apiclient.Key{current, old(func(k *apiclient.Key) { k.Status = apiclient.StatusRevoked })}, nil,
		},
		"expired already": {
			[]previousKey{predecessor("key_0", now.Add(time.Hour), false)},
			[]apiclient.Key{current, old(func(k *apiclient.Key) { k.Status = apiclient.StatusExpired })}, nil,
		},
		"merely missing, pending": {
			[]previousKey{predecessor("key_0", now.Add(time.Hour), false)}, []apiclient.Key{current},
			[]previousKey{predecessor("key_0", now.Add(time.Hour), false)},
		},
		"merely missing, due": {
			[]previousKey{predecessor("key_0", now.Add(-time.Hour), false)}, []apiclient.Key{current},
			[]previousKey{predecessor("key_0", now.Add(-time.Hour), true)},
		},
		"a stray with our marker": {
			nil, []apiclient.Key{current, keyInListing("key_2", testMarker.Append("Forecast"))},
			[]previousKey{{
				ID: types.StringValue("key_2"), KeyPrefix: types.StringValue("bdk_live_ABC123"), Last4: types.StringValue("cret"),
				RevokeAfter: timeValue(issuedAt), Due: types.BoolValue(true),
			}},
		},
		"a stray beside a predecessor": {
			[]previousKey{predecessor("key_0", now.Add(time.Hour), false)},
			[]apiclient.Key{current, old(), keyInListing("key_2", "Anything "+testMarker.Append(""))},
			[]previousKey{predecessor("key_0", now.Add(time.Hour), false), {
				ID: types.StringValue("key_2"), KeyPrefix: types.StringValue("bdk_live_ABC123"), Last4: types.StringValue("cret"),
				RevokeAfter: timeValue(issuedAt), Due: types.BoolValue(true),
			}},
		},
		"a stray that says nothing of itself": {
			nil, []apiclient.Key{current, {ID: "key_2", Name: testMarker.Append("Forecast")}},
			[]previousKey{{ID: types.StringValue("key_2"), RevokeAfter: timeValue(now), Due: types.BoolValue(true)}},
		},
		"a stray issued after the server's own idea of now": {
			nil, []apiclient.Key{current, keyInListing("key_2", testMarker.Append("Forecast"), func(k *apiclient.Key) {
				at := now.Add(300 * time.Millisecond) // the Date header has whole seconds, createdAt has fractions
				k.CreatedAt = &at
			})},
			[]previousKey{{
				ID: types.StringValue("key_2"), KeyPrefix: types.StringValue("bdk_live_ABC123"), Last4: types.StringValue("cret"),
				RevokeAfter: timeValue(now), Due: types.BoolValue(true),
			}},
		},
		"a dead stray": {
			nil, []apiclient.Key{current, keyInListing("key_2", testMarker.Append("Forecast"), func(k *apiclient.Key) { k.Status = apiclient.StatusRevoked })}, nil,
		},
		"a namesake without marker": {
			nil, []apiclient.Key{current, keyInListing("key_2", "Forecast")}, nil,
		},
		"a namesake with another marker": {
			nil, []apiclient.Key{current, keyInListing("key_2", "Forecast [tf:99999999]")}, nil,
		},
		"a time of ours that does not parse": {
			[]previousKey{{ID: types.StringValue("key_0"), RevokeAfter: types.StringValue("soon"), Due: types.BoolValue(false)}}, []apiclient.Key{current, old()},
			[]previousKey{{ID: types.StringValue("key_0"), RevokeAfter: types.StringValue("soon"), Due: types.BoolValue(true)}},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, got := refreshed(newState(), tc.previous, tc.listing...)
			if diff := cmp.Diff(tc.want, got); diff != "" {
				t.Errorf("previous keys (-want +got):\n%s", diff)
			}
		})
	}
}

// TestFoldAdoptsByMarker: an issuing answer without an id leaves a plaintext whose key the marker finds.
func TestFoldAdoptsByMarker(t *testing.T) {
	t.Parallel()
	nameless := newState(func(m *model) {
		m.ID, m.KeyPrefix, m.Last4 = types.StringNull(), types.StringNull(), types.StringNull()
	})
	born := keyInListing("key_7", testMarker.Append("Forecast"))
	other := func(k *apiclient.Key) { k.Last4 = "oldk" }
	for name, tc := range map[string]struct {
		previous []previousKey
		listing  []apiclient.Key
		want     types.String
		strays   int
	}{
		"one":                     {nil, []apiclient.Key{born}, types.StringValue("key_7"), 0},
		"none listed yet":         {nil, nil, types.StringNull(), 0},
		"two: a guess":            {nil, []apiclient.Key{born, keyInListing("key_8", testMarker.Append("Forecast"))}, types.StringNull(), 0},
		"its predecessor is not":  {[]previousKey{predecessor("key_0", issuedAt.AddDate(1, 0, 0), false)}, []apiclient.Key{keyInListing("key_0", testMarker.Append("Forecast"), other), born}, types.StringValue("key_7"), 1},
		"rotated in place":        {[]previousKey{predecessor("key_0", issuedAt, false)}, []apiclient.Key{keyInListing("key_0", testMarker.Append("Forecast"))}, types.StringValue("key_0"), 0},
		"unknown: nothing is due": {[]previousKey{predecessor("key_0", issuedAt, true)}, []apiclient.Key{keyInListing("key_0", testMarker.Append("Forecast"), other)}, types.StringNull(), 1},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, keys := refreshed(nameless, tc.previous, tc.listing...)
			if !got.ID.Equal(tc.want) {
				t.Errorf("id = %s, want %s", got.ID, tc.want)
			}
			if got.Status.ValueString() != "ACTIVE" || !got.PlaintextKey.Equal(nameless.PlaintextKey) {
				t.Errorf("status %s; the plaintext is kept: %t", got.Status, got.PlaintextKey.Equal(nameless.PlaintextKey))
			}
			if len(keys) != tc.strays {
				t.Errorf("previous keys %v, want %d", idsOf(keys), tc.strays)
			}
			for _, key := range keys {
				if got.ID.IsNull() && key.Due.ValueBool() {
					t.Errorf("%s is due, although it may be the key in use", key.ID)
				}
			}
		})
	}
}

func TestNothingLives(t *testing.T) {
	t.Parallel()
	absent := newState(func(m *model) { m.Status = types.StringValue(statusAbsent) })
	revoked := newState(func(m *model) { m.Status = types.StringValue("REVOKED") })
	alive := newState()
	old := []previousKey{predecessor("key_0", issuedAt, true)}
	for name, tc := range map[string]struct {
		state    model
		previous []previousKey
		want     bool
	}{
		"alive":                     {alive, nil, false},
		"absent":                    {absent, nil, true},
		"absent with a predecessor": {absent, old, false},
		"revoked":                   {revoked, nil, false},
	} {
		if got := nothingLives(&tc.state, tc.previous); got != tc.want {
			t.Errorf("%s: nothingLives = %t, want %t", name, got, tc.want)
		}
	}
}
