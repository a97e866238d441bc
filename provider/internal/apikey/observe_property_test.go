package apikey

import (
	"fmt"
	"math/rand/v2"
	"os"
	"strconv"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/betterdataco/terraform-provider-betterdata/apiclient"
)

// seedVariable repeats a failed run of a property test.
const seedVariable = "BETTERDATA_TEST_SEED"

func seeded(t *testing.T) *rand.Rand {
	t.Helper()
	seed := uint64(time.Now().UnixNano())
	if text := os.Getenv(seedVariable); text != "" {
		var err error
		if seed, err = strconv.ParseUint(text, 10, 64); err != nil {
			t.Fatal(err)
		}
	}
	t.Logf("repeat with %s=%d", seedVariable, seed)
	return rand.New(rand.NewPCG(seed, 0))
}

// TestFoldTwiceIsFoldOnce: refreshing again, without any change at the API, changes nothing. Otherwise a refresh-only
// plan would never be empty.
func TestFoldTwiceIsFoldOnce(t *testing.T) {
	t.Parallel()
	random := seeded(t)
	for i := range 5_000 {
		state, previous, listing := randomState(random), randomPrevious(random), randomListing(random)
		marker := pick(random, testMarker, testMarker, testMarker, apiclient.Marker(""))
		policy := pick(random, noBlock(), block(types.StringValue("24h"), types.StringNull(), types.MapNull(types.StringType)))
		now := issuedAt.Add(time.Duration(random.IntN(72)) * time.Hour)
		missing := pick(random, sightingYoung, sightingAbsent)
		issuing := issuance{Marker: marker}

		once, onceKeys := fold(state, policy, previous, issuing, look(listing, state, previous, marker, now, missing))
		twice, twiceKeys := fold(once, policy, onceKeys, issuing, look(listing, once, onceKeys, marker, now, missing))
		if diff := cmp.Diff(once, twice); diff != "" {
			t.Fatalf("round %d: state (-once +twice):\n%s", i, diff)
		}
		if diff := cmp.Diff(onceKeys, twiceKeys); diff != "" {
			t.Fatalf("round %d: previous keys (-once +twice):\n%s", i, diff)
		}
		if !once.PlaintextKey.Equal(state.PlaintextKey) {
			t.Fatalf("round %d: a refresh changed the plaintext", i)
		}
	}
}

func pick[T any](random *rand.Rand, from ...T) T { return from[random.IntN(len(from))] }

func maybe(random *rand.Rand, edit func()) {
	if random.IntN(3) == 0 {
		edit()
	}
}

func randomState(random *rand.Rand) model {
	m := newState()
	maybe(random, func() { m.Name = types.StringValue(pick(random, "Other", testMarker.Append("Forecast"))) })
	maybe(random, func() {
		m.Scopes = pick(random, types.SetNull(types.StringType), scopeSet(), scopeSet("*"), scopeSet("inventory:*"))
	})
	maybe(random, func() { m.ID = pick(random, types.StringNull(), types.StringValue("key_2")) })
	maybe(random, func() { m.PlaintextKey = types.StringNull() })
	maybe(random, func() { m.NameMarker = types.StringValue(pick(random, markerPermanent, markerNone)) })
	maybe(random, func() {
		m.Status = pick(random, types.StringNull(), types.StringValue(statusAbsent), types.StringValue("REVOKED"))
	})
	maybe(random, func() { m.CreatedAt = pick(random, types.StringNull(), types.StringValue("foreign")) })
	maybe(random, func() { m.KeyPrefix, m.Last4 = types.StringNull(), types.StringNull() })
	maybe(random, func() { m.RotationDue = types.BoolValue(true) })
	return m
}

func randomPrevious(random *rand.Rand) []previousKey {
	var keys []previousKey
	for i := range random.IntN(3) {
		revokeAfter := issuedAt.Add(time.Duration(random.IntN(96)-12) * time.Hour)
		keys = append(keys, predecessor(fmt.Sprintf("key_%d", 3+i), revokeAfter, random.IntN(2) == 0))
	}
	return keys
}

func randomListing(random *rand.Rand) []apiclient.Key {
	var keys []apiclient.Key
	for i := range 7 {
		maybe(random, func() {
			keys = append(keys, keyInListing(fmt.Sprintf("key_%d", i), pick(random, "Forecast", testMarker.Append("Forecast"), "Other"), func(k *apiclient.Key) {
				maybe(random, func() { k.Status = pick(random, apiclient.StatusRevoked, apiclient.StatusExpired, "", "SUSPENDED") })
				maybe(random, func() { k.Scopes = pick(random, nil, []string{"*"}, []string{"inventory:read", "inventory:write"}) })
				maybe(random, func() { k.KeyPrefix, k.Last4 = "", "" })
				maybe(random, func() {
					at := issuedAt.Add(time.Duration(random.IntN(100)) * time.Hour)
					k.CreatedAt = pick(random, nil, &at)
				})
			}))
		})
	}
	return keys
}
