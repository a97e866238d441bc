package apikey

import (
	"slices"
	"strings"
	"time"

	"github.com/betterdataco/terraform-provider-betterdata/apiclient"
)

// patch corrects the newest key's name and scopes where they differ from the settings. The plaintext stays.
func patch(o Observation, now time.Time) Action {
	newest, ok := o.newest()
	if !ok {
		return Rest{}
	}
	key, listed := o.listed(newest.ID)
	if !listed || !key.Live() || o.Connection.TenantMismatch {
		return Rest{}
	}
	if !o.marked(newest.ID) {
		return stalls(MarkerMissing, "key %s no longer carries %q in its name: put it back, or request a rotation", newest.ID, o.Object.Marker)
	}
	if key.Name == o.Settings.KeyName && apiclient.SameCoverage(o.Settings.Scopes, key.Scopes) {
		return Rest{}
	}
	wanted := Patch{ID: newest.ID, Name: o.Settings.KeyName, Scopes: slices.Clone(o.Settings.Scopes)}
	if rest, stop := mayNotPatch(o); stop {
		return rest
	}
	if o.Patched != nil && *o.Patched == wanted.memo(key) {
		return waits(time.Time{}, NormalizedByAPI, "the API keeps scopes %v where %v were asked for", key.Scopes, wanted.Scopes)
	}
	return wanted
}

func mayNotPatch(o Observation) (Rest, bool) {
	switch {
	case o.Settings.Suspend:
		return stalls(Suspended, "spec.suspend is set: name and scopes are not corrected"), true
	case o.Connection.Refused != "":
		return stalls(o.Connection.RefusedReason, "%s", o.Connection.Refused), true
	}
	return o.blocked()
}

// memo identifies what was asked for and what the API made of it: while neither changes, asking again is useless.
func (a Patch) memo(got apiclient.Key) PatchMemo {
	scopes := func(s []string) string { return strings.Join(slices.Sorted(slices.Values(s)), " ") }
	return PatchMemo{ID: a.ID, Wanted: strings.Join([]string{a.Name, scopes(a.Scopes), got.Name, scopes(got.Scopes)}, "\n")}
}
