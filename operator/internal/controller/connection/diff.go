package connection

import (
	"cmp"
	"maps"
	"slices"
	"time"

	"github.com/betterdataco/terraform-provider-betterdata/apiclient"
	"github.com/betterdataco/terraform-provider-betterdata/operator/api/v1alpha1"
	"github.com/betterdataco/terraform-provider-betterdata/operator/internal/controller/apikey"
)

// listing is what of a complete listing is worth remembering until the next one: the keys that concern an ApiKey.
type listing struct {
	begunAt time.Time
	keys    map[string]apiclient.Key
}

// roster tells which ApiKeys of a connection a key concerns.
type roster struct {
	all      []apikey.Ref
	byMarker map[apiclient.Marker]apikey.Ref
	byID     map[string][]apikey.Ref // ids that ledgers record, or that an ApiKey wants to adopt
	recorded map[string]bool         // ids that ledgers record
}

// newRoster is made of the ApiKeys that use a connection and of the keys that ledgers record for it.
func newRoster(clusterID string, users []v1alpha1.ApiKey, known []apikey.Known) roster {
	r := roster{byMarker: map[apiclient.Marker]apikey.Ref{}, byID: map[string][]apikey.Ref{}, recorded: map[string]bool{}}
	byUID := map[string]apikey.Ref{}
	for i := range users {
		user := &users[i]
		ref := apikey.Ref{Namespace: user.Namespace, Name: user.Name}
		r.all = append(r.all, ref)
		r.byMarker[apiclient.KubernetesMarker(clusterID, string(user.UID))] = ref
		byUID[string(user.UID)] = ref
		if adopt := user.Spec.Adopt; adopt != nil {
			r.byID[adopt.KeyID] = append(r.byID[adopt.KeyID], ref)
		}
	}
	for _, key := range known {
		r.recorded[key.ID] = true
		if ref, ok := byUID[key.OwnerUID]; ok {
			r.byID[key.ID] = append(r.byID[key.ID], ref)
		}
	}
	return r
}

// owners returns the ApiKeys that the key concerns, by the markers in its name and by its id.
func (r roster) owners(key apiclient.Key) []apikey.Ref {
	owners := slices.Clone(r.byID[key.ID])
	for _, marker := range apiclient.MarkersIn(key.Name) {
		if ref, ok := r.byMarker[marker]; ok {
			owners = append(owners, ref)
		}
	}
	return owners
}

// remember takes out of a listing what concerns the ApiKeys.
func (r roster) remember(begunAt time.Time, keys []apiclient.Key) *listing {
	l := &listing{begunAt: begunAt, keys: map[string]apiclient.Key{}}
	for _, key := range keys {
		if len(r.owners(key)) > 0 {
			l.keys[key.ID] = key
		}
	}
	return l
}

// concerned returns the ApiKeys to look at after a listing: those with a key that differs from the listing before, those
// with a ledger whose key is not listed, and those with a live key that no ledger records. The last two are looked at
// after each listing, because it takes two to prove anything. Without a listing before it is all of them.
func (r roster) concerned(before, after *listing) []apikey.Ref {
	if before == nil {
		return sorted(r.all)
	}
	var refs []apikey.Ref
	for id, key := range after.keys {
		if was, listed := before.keys[id]; !listed || differs(was, key) {
			refs = append(refs, r.owners(was)...)
			refs = append(refs, r.owners(key)...)
		}
		if key.Live() && !r.recorded[id] {
			refs = append(refs, r.owners(key)...)
		}
	}
	for id, was := range before.keys {
		if _, listed := after.keys[id]; !listed {
			refs = append(refs, r.owners(was)...)
		}
	}
	for id := range r.recorded {
		if _, listed := after.keys[id]; !listed {
			refs = append(refs, r.byID[id]...)
		}
	}
	return sorted(refs)
}

// differs leaves out what moves by itself, such as when the key was last used.
func differs(a, b apiclient.Key) bool {
	return a.Name != b.Name || a.Status != b.Status || !maps.Equal(set(a.Scopes), set(b.Scopes))
}

func set(items []string) map[string]bool {
	s := make(map[string]bool, len(items))
	for _, item := range items {
		s[item] = true
	}
	return s
}

// sorted returns each of the refs once.
func sorted(refs []apikey.Ref) []apikey.Ref {
	refs = slices.SortedFunc(slices.Values(refs), func(a, b apikey.Ref) int {
		return cmp.Or(cmp.Compare(a.Namespace, b.Namespace), cmp.Compare(a.Name, b.Name))
	})
	return slices.Compact(refs)
}
