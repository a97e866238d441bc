package apikey

import (
	"fmt"
	"testing"
	"time"
)

// deleteNow marks the ApiKey for deletion.
func (c *simCluster) deleteNow(name string) {
	c.commit(func(e *etcd) {
		r := e.apiKeys[name]
		r.DeletedAt, r.Version = c.s.now, fmt.Sprint(e.rv)
		e.apiKeys[name] = r
	})
}

// P6: whoever may make ApiKeys can delete them again and again, also where the Connection admits none of them. Their
// deletions share listings; each still waits for one that was begun after it, and is over soon.
func TestDeletionsShareListings(t *testing.T) {
	t.Parallel()
	s, c := directed(t, 1)
	s.settleFor(10 * time.Minute)
	c.refused = true
	listings, listedAt := 0, time.Time{}
	s.before = func(_ *process, _ int, what string) fault {
		if what == "list keys" {
			listings++
			listedAt = s.now
		}
		return noFault
	}
	p := c.processes[0]
	begun := s.now
	pending := map[string]time.Time{} // by name: when it was deleted
	for i := 1; i <= 100; i++ {
		name := apiKeyName(i)
		p.ref = Ref{"shop", name}
		c.createApiKey(i)
		p.settleOne(p.ref)
		c.deleteNow(name)
		pending[name] = s.now
		p.settleOne(p.ref)
		s.now = s.now.Add(time.Second)
		for name, at := range pending {
			if outcome := p.outcomes[name]; outcome != nil && !outcome.Rest.Until.IsZero() && outcome.Rest.Until.After(s.now) {
				continue
			}
			p.ref = Ref{"shop", name}
			p.settleOne(p.ref)
			if _, there := c.present().apiKeys[name]; there {
				if s.now.Sub(at) > releaseApart+2*time.Second {
					t.Fatalf("%s is still there after %s: %+v", name, s.now.Sub(at), p.outcomes[name].Rest)
				}
				continue
			}
			if listedAt.Before(at) {
				t.Errorf("%s, deleted at %s, was let go on a listing of %s", name, stamp(at), stamp(listedAt))
			}
			delete(pending, name)
		}
	}
	if most := int(s.now.Sub(begun)/releaseApart) + 2; listings == 0 || listings > most {
		t.Errorf("%d listings in %s, want at most %d", listings, s.now.Sub(begun), most)
	}
	if len(pending) > 12 {
		t.Errorf("%d deletions are pending", len(pending))
	}
}

// Where the listing at hand is of before the deletion, what it shows is revoked at once and the rest waits for the next
// one, with a time to look again: without it nobody would.
func TestDeletionWaitsForItsListing(t *testing.T) {
	t.Parallel()
	just := func(o *Observation) { o.Object.DeletedAt = o.Listing.BegunAt.Add(time.Second) }
	if revoke, ok := decide(seen(just), now).(Revoke); !ok || revoke.ID != "k1" {
		t.Errorf("a listed key: %+v", decide(seen(just), now))
	}
	for title, edits := range map[string][]func(o *Observation){
		"no key":                   do(fresh, just),
		"a key not listed yet":     do(unlisted("k1"), just),
		"a key without our marker": do(nameless, just),
	} {
		o := seen(edits...)
		o.LeaderSince = time.Time{}
		rest, resting := decide(o, now).(Rest)
		if want := o.Listing.BegunAt.Add(releaseApart); !resting || !rest.Until.Equal(want) {
			t.Errorf("%s: %+v, want to look again at %s", title, decide(o, now), want)
		}
	}
}
