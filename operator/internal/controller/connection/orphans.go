package connection

import (
	"slices"
	"strings"
	"time"

	"github.com/betterdataco/terraform-provider-betterdata/apiclient"
)

// OrphanPolicy says what happens to live keys with this cluster's marker that no ApiKey stands for.
type OrphanPolicy string

// An orphan is told of in the status of its connection, or told of and revoked.
const (
	OrphansReported OrphanPolicy = "report"
	OrphansRevoked  OrphanPolicy = "revoke"
)

// clusterPrefix is what the markers of a cluster begin with.
func clusterPrefix(clusterID string) string {
	const anyUID = "000000000000"
	return strings.TrimSuffix(string(apiclient.KubernetesMarker(clusterID, anyUID)), anyUID)
}

// orphansAmong returns the live keys that carry markers of this cluster of which none belongs to an ApiKey, sorted by id.
// A key with two markers, which only a person can make, is nobody's orphan as long as one of them is in use.
func orphansAmong(keys []apiclient.Key, prefix string, exists func(apiclient.Marker) bool) []apiclient.Key {
	var orphans []apiclient.Key
	for _, key := range keys {
		if !key.Live() {
			continue
		}
		ours := slices.DeleteFunc(apiclient.MarkersIn(key.Name), func(m apiclient.Marker) bool {
			return !strings.HasPrefix(string(m), prefix)
		})
		if len(ours) > 0 && !slices.ContainsFunc(ours, exists) {
			orphans = append(orphans, key)
		}
	}
	slices.SortFunc(orphans, func(a, b apiclient.Key) int { return strings.Compare(a.ID, b.ID) })
	return orphans
}

// sightings remembers by id when this process first saw an orphan, by our clock.
type sightings map[string]time.Time

// saw notes the orphans of a listing that began at begunAt and returns those whose time has come: two listings, begun
// at least the grace after the first sighting, showed them. An orphan that was not seen in between begins anew.
func (s sightings) saw(orphans []apiclient.Key, begunAt, now time.Time, grace time.Duration) (due []apiclient.Key) {
	seen := map[string]bool{}
	for _, orphan := range orphans {
		seen[orphan.ID] = true
		first, known := s[orphan.ID]
		switch {
		case !known:
			s[orphan.ID] = now
		case !begunAt.Before(first.Add(grace)):
			due = append(due, orphan)
		}
	}
	for id := range s {
		if !seen[id] {
			delete(s, id)
		}
	}
	return due
}
