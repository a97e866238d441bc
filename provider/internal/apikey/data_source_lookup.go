package apikey

import (
	"fmt"
	"strings"

	"github.com/betterdataco/terraform-provider-betterdata/apiclient"
)

// lookup is what the data source of a single key searches for: an id, or else a name.
type lookup struct {
	id, name    string
	includeDead bool // dead keys answer to the name when no live one does
}

// find returns the keys that answer to the lookup: one if it is clear which is meant. It is pure.
func (l lookup) find(keys []apiclient.Key) []apiclient.Key {
	if l.id != "" {
		return only(keys, func(k apiclient.Key) bool { return k.ID == l.id })
	}
	named := only(keys, func(k apiclient.Key) bool { return apiclient.StripMarkers(k.Name) == l.name })
	live := only(named, apiclient.Key.Live)
	if len(live) == 0 && l.includeDead {
		return meant(named)
	}
	return meant(live)
}

// meant narrows several keys of one name down to the one in use, where that is certain enough. During the overlap of
// a rotation the old key lives on under the same name with a marker, and a lookup that failed for that time would
// make every plan fail after every rotation.
func meant(keys []apiclient.Key) []apiclient.Key {
	// The only one without a marker has the very name that was asked for.
	if exact := only(keys, func(k apiclient.Key) bool { return markerOf(k) == "" }); len(exact) > 0 {
		return exact
	}
	// One marker is one resource: these are versions of its key, and keys come in order of age.
	for _, key := range keys {
		if markerOf(key) != markerOf(keys[0]) || key.CreatedAt == nil {
			return keys
		}
	}
	return keys[max(0, len(keys)-1):]
}

func only(keys []apiclient.Key, wanted func(apiclient.Key) bool) []apiclient.Key {
	var chosen []apiclient.Key
	for _, key := range keys {
		if wanted(key) {
			chosen = append(chosen, key)
		}
	}
	return chosen
}

// missing says that nothing answers to the lookup.
func (l lookup) missing() (summary, detail string) {
	if l.id != "" {
		return fmt.Sprintf("There is no API key %s", l.id),
			"A complete listing of the tenant's keys lacks this id. Check it, and that the provider's credential belongs to the right tenant; " +
				"a rotation gives a key another id."
	}
	detail = "Names are compared exactly, without the markers of this provider and of the operator. "
	if !l.includeDead {
		detail += "Revoked and expired keys count only with include_dead = true. "
	}
	return fmt.Sprintf("No API key is named %q", l.name), detail + "data.betterdata_api_keys lists all there are."
}

// ambiguous lists the candidates, oldest first.
func (l lookup) ambiguous(candidates []apiclient.Key) (summary, detail string) {
	lines := make([]string, 0, len(candidates))
	for _, key := range candidates {
		lines = append(lines, "  - "+describe(key))
	}
	return fmt.Sprintf("%d API keys are named %q", len(candidates), l.name),
		"Names need not be unique. Look the key up by its id instead:\n" + strings.Join(lines, "\n")
}
