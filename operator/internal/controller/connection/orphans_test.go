package connection

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/betterdataco/terraform-provider-betterdata/apiclient"
)

func ids(keys []apiclient.Key) []string {
	var ids []string
	for _, key := range keys {
		ids = append(ids, key.ID)
	}
	return ids
}

func TestOrphansAmong(t *testing.T) {
	t.Parallel()
	markerA := apiclient.KubernetesMarker(testCluster, uidA)
	exists := func(m apiclient.Marker) bool { return m == markerA }
	tests := map[string]struct {
		key  apiclient.Key
		want bool
	}{
		"its ApiKey exists":             {key: marked("k", uidA)},
		"its ApiKey is gone":            {key: marked("k", uidGone), want: true},
		"marker in the middle":          {key: marked("k", uidGone, func(k *apiclient.Key) { k.Name += " renamed" }), want: true},
		"revoked":                       {key: marked("k", uidGone, revoked)},
		"unknown status counts as live": {key: marked("k", uidGone, func(k *apiclient.Key) { k.Status = "PAUSED" }), want: true},
		"two markers, one in use":       {key: marked("k", uidGone, func(k *apiclient.Key) { k.Name = markerA.Append(k.Name) })},
		"no marker":                     {key: apiclient.Key{ID: "k", Name: "by hand", Status: apiclient.StatusActive}},
		"another cluster":               {key: apiclient.Key{ID: "k", Name: apiclient.KubernetesMarker("elsewhere", uidGone).Append("k")}},
		"Terraform":                     {key: apiclient.Key{ID: "k", Name: "k [tf:1a2b3c4d]"}},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got := orphansAmong([]apiclient.Key{test.key}, clusterPrefix(testCluster), exists)
			if (len(got) == 1) != test.want {
				t.Errorf("orphans: %v, want one: %t", ids(got), test.want)
			}
		})
	}
}

// Two listings, the second begun at least the grace after the first sighting, are needed, whatever else is seen.
func TestOrphansAreDueAfterTheGrace(t *testing.T) {
	t.Parallel()
	const grace = 2 * time.Minute
	orphan, other := []apiclient.Key{{ID: "o1"}}, []apiclient.Key{{ID: "o2"}}
	at := func(d time.Duration) time.Time { return epoch.Add(d) }
	type look struct {
		begunAt, now time.Time
		orphans      []apiclient.Key
		due          []string
	}
	tests := map[string][]look{
		"first sighting": {{at(0), at(time.Hour), orphan, nil}},
		"too early":      {{at(0), at(0), orphan, nil}, {at(grace - 1), at(grace), orphan, nil}},
		"due":            {{at(0), at(0), orphan, nil}, {at(grace), at(grace), orphan, []string{"o1"}}},
		"still due":      {{at(0), at(0), orphan, nil}, {at(grace), at(grace), orphan, []string{"o1"}}, {at(2 * grace), at(2 * grace), orphan, []string{"o1"}}},
		"the listing counts, not the moment of judging": {
			{at(0), at(0), orphan, nil}, {at(time.Minute), at(time.Hour), orphan, nil},
		},
		"from the sighting, not from the listing that showed it": {
			{at(0), at(time.Minute), orphan, nil}, {at(grace), at(grace), orphan, nil}, {at(grace + time.Minute), at(grace + time.Minute), orphan, []string{"o1"}},
		},
		"an interruption begins anew": {
			{at(0), at(0), orphan, nil}, {at(grace), at(grace), other, nil}, {at(2 * grace), at(2 * grace), orphan, nil},
		},
	}
	for name, looks := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := sightings{}
			for i, l := range looks {
				if diff := cmp.Diff(l.due, ids(s.saw(l.orphans, l.begunAt, l.now, grace))); diff != "" {
					t.Errorf("look %d (-want +got):\n%s", i, diff)
				}
			}
		})
	}
}
