package apikey

import (
	"regexp"
	"slices"
	"testing"
	"time"

	"github.com/betterdataco/terraform-provider-betterdata/apiclient"
)

// audited is a tenant: a key for every kind of fact that a filter looks at. Its time is auditTime.
func audited() []apiclient.Key {
	ago := func(d time.Duration) *time.Time { t := auditTime().Add(-d); return &t }
	return []apiclient.Key{
		{ID: "old", Name: "Old", Scopes: []string{"inventory:read"}, Status: "ACTIVE", CreatedAt: ago(100 * day)},
		{ID: "used", Name: "Used", Scopes: []string{"inventory:*"}, Status: "ACTIVE", CreatedAt: ago(100 * day), LastUsedAt: ago(time.Hour)},
		{ID: "idle", Name: "Idle [tf:1a2b3c4d]", Scopes: []string{"*"}, Status: "ACTIVE", CreatedAt: ago(60 * day), LastUsedAt: ago(40 * day)},
		{ID: "new", Name: "New [k8s:01234567:0123456789ab]", Scopes: []string{"forecast:read"}, Status: "ACTIVE", CreatedAt: ago(day)},
		{ID: "revoked", Name: "Old", Scopes: []string{"*"}, Status: "REVOKED", CreatedAt: ago(200 * day), LastUsedAt: ago(150 * day)},
		{ID: "odd", Name: "Odd", Status: "SUSPENDED", CreatedAt: ago(2 * day), LastUsedAt: ago(time.Minute)},
		{ID: "ageless", Name: "Ageless", Scopes: []string{"reports:read"}, Status: "ACTIVE"},
	}
}

const day = 24 * time.Hour

func auditTime() time.Time { return time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC) }

func ids(keys []apiclient.Key) []string {
	var out []string
	for _, key := range keys {
		out = append(out, key.ID)
	}
	return out
}

func TestFilter(t *testing.T) {
	t.Parallel()
	yes, no := true, false
	at := func(d time.Duration) time.Time { return auditTime().Add(-d) }
	for name, c := range map[string]struct {
		filter           keyFilter
		want             []string
		noAge, noLastUse []string
	}{
		"none":               {want: []string{"old", "used", "idle", "new", "revoked", "odd", "ageless"}},
		"name":               {filter: keyFilter{name: regexp.MustCompile("^(Idle|Old)$")}, want: []string{"old", "idle", "revoked"}},
		"name sees no mark":  {filter: keyFilter{name: regexp.MustCompile("tf:|k8s:")}},
		"status":             {filter: keyFilter{status: "suspended"}, want: []string{"odd"}},
		"live":               {filter: keyFilter{live: &yes}, want: []string{"old", "used", "idle", "new", "odd", "ageless"}},
		"dead":               {filter: keyFilter{live: &no}, want: []string{"revoked"}},
		"scope":              {filter: keyFilter{scope: "inventory:write"}, want: []string{"used", "idle", "revoked"}},
		"everything":         {filter: keyFilter{scope: "*"}, want: []string{"idle", "revoked"}},
		"wildcard":           {filter: keyFilter{wildcard: &yes}, want: []string{"used", "idle", "revoked"}},
		"no wildcard":        {filter: keyFilter{wildcard: &no}, want: []string{"old", "new", "odd", "ageless"}},
		"terraform":          {filter: keyFilter{markedBy: markedByTerraform}, want: []string{"idle"}},
		"operator":           {filter: keyFilter{markedBy: markedByOperator}, want: []string{"new"}},
		"unmarked":           {filter: keyFilter{markedBy: markedByNone}, want: []string{"old", "used", "revoked", "odd", "ageless"}},
		"created before":     {filter: keyFilter{createdBefore: at(100 * day)}, want: []string{"revoked"}, noAge: []string{"ageless"}},
		"created after":      {filter: keyFilter{createdAfter: at(60 * day)}, want: []string{"new", "odd"}, noAge: []string{"ageless"}},
		"between":            {filter: keyFilter{createdAfter: at(150 * day), createdBefore: at(50 * day)}, want: []string{"old", "used", "idle"}, noAge: []string{"ageless"}},
		"older":              {filter: keyFilter{olderThan: 90 * day}, want: []string{"old", "used", "revoked"}, noAge: []string{"ageless"}},
		"exactly as old":     {filter: keyFilter{olderThan: 200 * day}, noAge: []string{"ageless"}},
		"unused":             {filter: keyFilter{unusedFor: 30 * day}, want: []string{"old", "idle", "revoked"}, noLastUse: []string{"ageless"}},
		"unused, but young":  {filter: keyFilter{unusedFor: 30 * day, name: regexp.MustCompile("New")}},
		"all of them":        {filter: keyFilter{live: &yes, scope: "inventory:read", olderThan: 50 * day, unusedFor: 30 * day}, want: []string{"old", "idle"}},
		"unknown, but other": {filter: keyFilter{status: "REVOKED", olderThan: 90 * day}, want: []string{"revoked"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got := c.filter.choose(audited(), auditTime())
			if !slices.Equal(ids(got.keys), c.want) {
				t.Errorf("chosen: %v, want %v", ids(got.keys), c.want)
			}
			if !slices.Equal(ids(got.ageUnknown), c.noAge) || !slices.Equal(ids(got.useUnknown), c.noLastUse) {
				t.Errorf("not judged: %v for age, %v for use; want %v and %v", ids(got.ageUnknown), ids(got.useUnknown), c.noAge, c.noLastUse)
			}
		})
	}
}

// TestFilterUnusedWithoutUses: an API that tells no last use of any key says nothing about which are unused. Nothing
// is chosen, and the warning says so: what an audit finds is revoked.
func TestFilterUnusedWithoutUses(t *testing.T) {
	t.Parallel()
	keys := audited()
	for i := range keys {
		keys[i].LastUsedAt = nil
	}
	got := keyFilter{unusedFor: 30 * day}.choose(keys, auditTime())
	if len(got.keys) != 0 {
		t.Errorf("chosen: %v", ids(got.keys))
	}
	// new and odd are younger than that: they cannot have been unused for so long.
	if want := []string{"old", "used", "idle", "revoked", "ageless"}; !slices.Equal(ids(got.useUnknown), want) {
		t.Errorf("not judged: %v, want %v", ids(got.useUnknown), want)
	}
}

func TestLookup(t *testing.T) {
	t.Parallel()
	ago := func(d time.Duration) *time.Time { t := auditTime().Add(-d); return &t }
	key := func(id, name string, status apiclient.Status, age time.Duration) apiclient.Key {
		return apiclient.Key{ID: id, Name: name, Status: status, CreatedAt: ago(age)}
	}
	ageless := apiclient.Key{ID: "5", Name: "A [tf:1a2b3c4d]", Status: "ACTIVE"}
	for name, c := range map[string]struct {
		keys   []apiclient.Key
		lookup lookup
		want   []string
	}{
		"id":                        {[]apiclient.Key{key("1", "A", "ACTIVE", 2), key("2", "A", "ACTIVE", 1)}, lookup{id: "2"}, []string{"2"}},
		"id of a dead key":          {[]apiclient.Key{key("1", "A", "REVOKED", 2)}, lookup{id: "1"}, []string{"1"}},
		"no such id":                {[]apiclient.Key{key("1", "A", "ACTIVE", 2)}, lookup{id: "A"}, nil},
		"name":                      {[]apiclient.Key{key("1", "A", "ACTIVE", 2), key("2", "AA", "ACTIVE", 1)}, lookup{name: "A"}, []string{"1"}},
		"exact to the letter":       {[]apiclient.Key{key("1", "a", "ACTIVE", 2), key("2", "A ", "ACTIVE", 1)}, lookup{name: "A"}, nil},
		"other brackets are a name": {[]apiclient.Key{key("1", "A [eu]", "ACTIVE", 2)}, lookup{name: "A [eu]"}, []string{"1"}},
		"marked":                    {[]apiclient.Key{key("1", "A [tf:1a2b3c4d]", "ACTIVE", 2)}, lookup{name: "A"}, []string{"1"}},
		"dead":                      {[]apiclient.Key{key("1", "A", "REVOKED", 2)}, lookup{name: "A"}, nil},
		"dead asked for":            {[]apiclient.Key{key("1", "A", "EXPIRED", 2)}, lookup{name: "A", includeDead: true}, []string{"1"}},
		"live before dead":          {[]apiclient.Key{key("1", "A", "ACTIVE", 2), key("2", "A", "REVOKED", 1)}, lookup{name: "A", includeDead: true}, []string{"1"}},
		"twins":                     {[]apiclient.Key{key("1", "A", "ACTIVE", 2), key("2", "A", "ACTIVE", 1)}, lookup{name: "A"}, []string{"1", "2"}},
		"dead twins":                {[]apiclient.Key{key("1", "A", "REVOKED", 2), key("2", "A", "REVOKED", 1)}, lookup{name: "A", includeDead: true}, []string{"1", "2"}},
		"retiring key beside it":    {[]apiclient.Key{key("1", "A [tf:1a2b3c4d]", "ACTIVE", 2), key("2", "A", "ACTIVE", 1)}, lookup{name: "A"}, []string{"2"}},
		"versions of one key":       {[]apiclient.Key{key("1", "A [tf:1a2b3c4d]", "ACTIVE", 2), key("2", "A [tf:1a2b3c4d]", "ACTIVE", 1)}, lookup{name: "A"}, []string{"2"}},
		"two resources":             {[]apiclient.Key{key("1", "A [tf:1a2b3c4d]", "ACTIVE", 2), key("2", "A [tf:5e6f7a8b]", "ACTIVE", 1)}, lookup{name: "A"}, []string{"1", "2"}},
		"versions without an age":   {[]apiclient.Key{ageless, key("2", "A [tf:1a2b3c4d]", "ACTIVE", 1)}, lookup{name: "A"}, []string{"5", "2"}},
		"nothing":                   {nil, lookup{name: "A", includeDead: true}, nil},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if got := ids(c.lookup.find(c.keys)); !slices.Equal(got, c.want) {
				t.Errorf("found %v, want %v", got, c.want)
			}
		})
	}
}

// TestListedKey: what the API did not tell is null, and nothing is made up.
func TestListedKey(t *testing.T) {
	t.Parallel()
	bare := newListedKey(apiclient.Key{ID: "1"})
	if !bare.Status.IsNull() || !bare.CreatedAt.IsNull() || !bare.LastUsedAt.IsNull() || !bare.KeyPrefix.IsNull() || !bare.Marker.IsNull() {
		t.Errorf("something is not null: %+v", bare)
	}
	if bare.Scopes == nil || len(bare.Scopes) != 0 || !bare.Live.ValueBool() || bare.MarkedBy.ValueString() != markedByNone {
		t.Errorf("scopes %v, live %v, marked by %v", bare.Scopes, bare.Live, bare.MarkedBy)
	}
	given := []string{"b:read", "a:read", "b:read"}
	whole := newListedKey(apiclient.Key{ID: "1", Name: "A [tf:1a2b3c4d]", Scopes: given})
	if whole.Name.ValueString() != "A" || whole.RawName.ValueString() != "A [tf:1a2b3c4d]" || whole.Marker.ValueString() != "tf:1a2b3c4d" {
		t.Errorf("name %v, raw %v, marker %v", whole.Name, whole.RawName, whole.Marker)
	}
	if !slices.Equal(whole.Scopes, []string{"a:read", "b:read"}) || given[0] != "b:read" {
		t.Errorf("scopes %v of %v", whole.Scopes, given)
	}
}
