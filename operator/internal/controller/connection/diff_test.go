package connection

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/betterdataco/terraform-provider-betterdata/apiclient"
	"github.com/betterdataco/terraform-provider-betterdata/operator/api/v1alpha1"
	"github.com/betterdataco/terraform-provider-betterdata/operator/internal/controller/apikey"
)

const (
	testCluster = "test-cluster"
	uidA        = "aaaaaaaa-aaaa-4aaa-8aaa-aaaaaaaaaaaa"
	uidB        = "bbbbbbbb-bbbb-4bbb-8bbb-bbbbbbbbbbbb"
	uidGone     = "cccccccc-cccc-4ccc-8ccc-cccccccccccc"
)

var (
	epoch = time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	refA  = apikey.Ref{Namespace: "shop", Name: "a"}
	refB  = apikey.Ref{Namespace: "shop", Name: "b"}
)

func user(name, uid string, edits ...func(*v1alpha1.ApiKey)) v1alpha1.ApiKey {
	a := v1alpha1.ApiKey{ObjectMeta: metav1.ObjectMeta{Namespace: "shop", Name: name, UID: types.UID(uid)}}
	for _, edit := range edits {
		edit(&a)
	}
	return a
}

// marked is a live key with the marker of an ApiKey.
func marked(id, uid string, edits ...func(*apiclient.Key)) apiclient.Key {
	key := apiclient.Key{
		ID: id, Name: apiclient.KubernetesMarker(testCluster, uid).Append(id), Scopes: []string{"inventory:read", "forecast:read"},
		Status: apiclient.StatusActive, KeyPrefix: "bd_live_" + id, Last4: "0000",
	}
	for _, edit := range edits {
		edit(&key)
	}
	return key
}

func revoked(key *apiclient.Key) { key.Status = apiclient.StatusRevoked }

func known(id, uid string) apikey.Known {
	return apikey.Known{ID: id, OwnerUID: uid, Namespace: "shop", IssuedAt: epoch}
}

func TestConcernedApiKeys(t *testing.T) {
	t.Parallel()
	users := []v1alpha1.ApiKey{user("b", uidB), user("a", uidA)}
	ledgers := []apikey.Known{known("a1", uidA), known("b1", uidB)}
	steady := []apiclient.Key{marked("a1", uidA), marked("b1", uidB)}
	tests := map[string]struct {
		reason string
		before []apiclient.Key // nil: there was no listing
		after  []apiclient.Key
		users  []v1alpha1.ApiKey
		known  []apikey.Known
		want   []apikey.Ref
	}{
		"first": {
			reason: "without a listing before, everybody looks", after: steady, want: []apikey.Ref{refA, refB},
		},
		"steady": {reason: "nothing differs", before: steady, after: steady},
		"use and order of scopes": {
			reason: "these change by themselves", before: steady,
			after: []apiclient.Key{marked("a1", uidA, func(k *apiclient.Key) {
				now := epoch
				k.LastUsedAt, k.Scopes = &now, []string{"forecast:read", "inventory:read"}
			}), steady[1]},
		},
		"revoked":  {before: steady, after: []apiclient.Key{steady[0], marked("b1", uidB, revoked)}, want: []apikey.Ref{refB}},
		"vanished": {before: steady, after: steady[1:], want: []apikey.Ref{refA}},
		"renamed with its marker": {
			before: steady, after: []apiclient.Key{marked("a1", uidA, func(k *apiclient.Key) { k.Name = "other " + k.Name }), steady[1]},
			want: []apikey.Ref{refA},
		},
		"renamed without its marker": {
			reason: "the ledger still knows whose it is",
			before: steady, after: []apiclient.Key{marked("a1", uidA, func(k *apiclient.Key) { k.Name = "stolen" }), steady[1]},
			want: []apikey.Ref{refA},
		},
		"marker of another ApiKey": {
			reason: "who had it and who has it both look",
			before: steady, after: []apiclient.Key{marked("a1", uidB), steady[1]}, want: []apikey.Ref{refA, refB},
		},
		"scopes": {
			before: steady, after: []apiclient.Key{marked("a1", uidA, func(k *apiclient.Key) { k.Scopes = []string{"*"} }), steady[1]},
			want: []apikey.Ref{refA},
		},
		"stray appears": {before: steady, after: append(steady, marked("s1", uidB)), want: []apikey.Ref{refB}},
		"stray stays": {
			reason: "it takes two listings to prove a stray",
			before: append(steady, marked("s1", uidB)), after: append(steady, marked("s1", uidB)), want: []apikey.Ref{refB},
		},
		"dead stray": {
			before: append(steady, marked("s1", uidB, revoked)), after: append(steady, marked("s1", uidB, revoked)),
		},
		"still absent": {
			reason: "it takes two listings to prove an absence",
			before: steady[1:], after: steady[1:], want: []apikey.Ref{refA},
		},
		"key of somebody else": {before: steady, after: append(steady, apiclient.Key{ID: "x", Name: "x", Status: apiclient.StatusActive})},
		"key of another cluster": {
			before: steady, after: append(steady, apiclient.Key{ID: "x", Name: apiclient.KubernetesMarker("elsewhere", uidA).Append("x")}),
		},
		"ledger of an ApiKey that is gone": {before: steady, after: steady, known: append(ledgers, known("g1", uidGone))},
		"key to adopt appears": {
			before: steady, after: append(steady, apiclient.Key{ID: "old", Name: "by hand"}),
			users: []v1alpha1.ApiKey{users[0], user("a", uidA, func(a *v1alpha1.ApiKey) { a.Spec.Adopt = &v1alpha1.Adoption{KeyID: "old"} })},
			want:  []apikey.Ref{refA},
		},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if test.users == nil {
				test.users = users
			}
			if test.known == nil {
				test.known = ledgers
			}
			r := newRoster(testCluster, test.users, test.known)
			var before *listing
			if test.before != nil {
				before = r.remember(epoch, test.before)
			}
			got := r.concerned(before, r.remember(epoch.Add(time.Minute), test.after))
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Errorf("%s (-want +got):\n%s", test.reason, diff)
			}
		})
	}
}

// What concerns no ApiKey is not kept between listings: a tenant may have many keys.
func TestListingRemembersOnlyWhatConcernsApiKeys(t *testing.T) {
	t.Parallel()
	r := newRoster(testCluster, []v1alpha1.ApiKey{user("a", uidA)}, []apikey.Known{known("a1", uidA)})
	l := r.remember(epoch, []apiclient.Key{marked("a1", uidA), marked("b1", uidB), {ID: "x", Name: "x"}})
	if len(l.keys) != 1 || l.keys["a1"].ID != "a1" {
		t.Errorf("remembered %v, want a1 alone", l.keys)
	}
}
