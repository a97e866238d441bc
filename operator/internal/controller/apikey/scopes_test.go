package apikey

import (
	"context"
	"slices"
	"testing"
	"time"

	"github.com/betterdataco/terraform-provider-betterdata/apiclient"
)

// patches records what a PATCH asks for.
type patches struct {
	Connection

	sent []apiclient.UpdateKeyRequest
}

func (p *patches) UpdateKey(_ context.Context, _ string, req apiclient.UpdateKeyRequest) (*apiclient.UpdateResult, error) {
	p.sent = append(p.sent, req)
	return &apiclient.UpdateResult{}, nil
}

// silent takes the scopes out of what is listed.
func silent(id string) func(o *Observation) {
	return func(o *Observation) {
		key := o.Listing.Keys[id]
		key.Scopes = nil
		o.Listing.Keys[id] = key
	}
}

// P1: a PATCH without scopes would take every right from a key in use. A key that is let go keeps those that are listed;
// where none are, those of the settings, unless policy forbids these: nobody gets by deleting what he was refused.
func TestRetainedKeyKeepsItsScopes(t *testing.T) {
	t.Parallel()
	for title, test := range map[string]struct {
		edits []func(o *Observation)
		want  []string // nil: no PATCH
	}{
		"listed":                            {do(scoped("k1")), []string{"reports:read"}},
		"listed, policy forbids":            {do(scoped("k1"), refused), []string{"reports:read"}},
		"not told":                          {do(silent("k1")), []string{"inventory:read"}},
		"not told, policy forbids":          {do(silent("k1"), refused), nil},
		"not told, suspended":               {do(silent("k1"), suspended), nil},
		"not told, none in the settings":    {do(silent("k1"), func(o *Observation) { o.Settings.Scopes = nil }), nil},
		"the key to keep is listed no more": {do(unlisted("k1")), nil},
	} {
		o := seen(test.edits...)
		conn := &patches{}
		e := &Engine{Now: func() time.Time { return now }}
		if err := e.detach(t.Context(), &scene{seen: o, conn: conn, resource: &Resource{Settings: o.Settings}}, "k1"); err != nil {
			t.Fatal(err)
		}
		switch {
		case test.want == nil && len(conn.sent) != 0:
			t.Errorf("%s: sent %+v", title, conn.sent)
		case test.want != nil && (len(conn.sent) != 1 || !slices.Equal(conn.sent[0].Scopes, test.want) || conn.sent[0].Name != "shop/reader"):
			t.Errorf("%s: sent %+v, want scopes %v", title, conn.sent, test.want)
		}
	}
}

// A key whose scopes nobody knows is not taken over: the name would be set with no scopes at all, and none are too many
// for any Connection.
func TestScopesOfAnAdoptedKeyMustBeTold(t *testing.T) {
	t.Parallel()
	mustRest(t, decide(seen(fresh, adopting, silent("a1")), now), AdoptionRefused)
	limited := func(o *Observation) { o.Connection.AllowedScopes = []string{"inventory:read"} }
	mustRest(t, decide(seen(fresh, adopting, silent("a1"), limited), now), AdoptionRefused)
	if patch, ok := decide(seen(fresh, adopting, limited), now).(Patch); !ok || len(patch.Scopes) != 1 {
		t.Errorf("a key whose scopes are listed: %T", decide(seen(fresh, adopting, limited), now))
	}
}
