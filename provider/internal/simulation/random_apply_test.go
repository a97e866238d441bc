package simulation

import (
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/betterdataco/terraform-provider-betterdata/apiclient/sandbox"
)

// run is one apply or destroy, perhaps with a fault, perhaps killed before it could write the state.
func (s *simulation) run(a *actor, destroying bool) {
	others := s.others(a)
	clean := s.faulty(a.next(destroying), func() {
		p := a.planWith(nil, destroying)
		switch {
		case p.said.failed():
			s.note("%s: plan failed: %s", a.name, firstError(p.said))
		case s.chance(15):
			s.kill(a, p)
		default:
			s.carryOut(a, p)
		}
	})
	s.expectUntouched(a, others)
	if clean && s.last == applied {
		s.expectNothingLeft(a)
		s.expectSettled(a)
	}
	s.last = ""
}

const applied = "applied"

// next is the request that matters most to the next apply.
func (a *actor) next(destroying bool) sandbox.Operation {
	switch {
	case destroying:
		return sandbox.OpRevoke
	case a.id() == "" || a.attribute("status") != "ACTIVE":
		return sandbox.OpCreate
	}
	return sandbox.OpRotate
}

func (s *simulation) carryOut(a *actor, p planned) {
	before := s.api.Stats()
	prior := p.change.prior
	a.giveUp(p, false)
	known := s.ids()
	o := a.applyPlan(p)
	s.adopt(a, p, known, false)
	s.note("%s: applied %s: id %s, previous %v, tainted %t, failed %t: %s", a.name, o.action, a.id(), a.previous(), a.state != nil && a.state.tainted, o.said.failed(), firstError(o.said))
	if o.said.failed() {
		s.expectListedFirst(before, o)
		return
	}
	s.last = applied
	if o.action != destroy {
		return
	}
	if id := text(prior.value, "id"); id != "" && text(prior.value, "on_destroy") == "retain" {
		a.kept[id] = true
	}
}

// kill lets some requests through and throws the result away, as if the process had died.
func (s *simulation) kill(a *actor, p planned) {
	left := a.state
	if s.chance(50) {
		left = p.change.prior // what the refresh found was written before
	}
	requests := s.random.IntN(6)
	a.giveUp(p, true)
	known := s.ids()
	s.killAfter(requests)
	a.applyPlan(p)
	s.revive()
	s.adopt(a, p, known, true)
	a.state = left
	s.note("%s: killed after %d requests of %s; state has id %s, previous %v", a.name, requests, p.change.action, a.id(), a.previous())
}

// giveUp notes which keys the user has agreed to lose by this apply.
func (a *actor) giveUp(p planned, killed bool) {
	prior := p.change.prior
	if prior == nil {
		return
	}
	id := text(prior.value, "id")
	switch {
	case p.change.action == destroy || p.change.action == replace:
		if text(prior.value, "on_destroy") != "retain" {
			a.given[id] = true
		}
		for _, key := range elements(attribute(prior.value, "previous_keys")) {
			a.given[text(key, "id")] = true
		}
	case killed && a.config.rotation != nil && a.config.rotation.overlap == "0s":
		a.given[id] = true
	}
}

func (s *simulation) ids() map[string]bool {
	ids := map[string]bool{}
	for _, key := range s.api.Keys() {
		ids[key.ID] = true
	}
	return ids
}

// adopt takes note of what an apply has issued, and of what nobody can attribute any more.
func (s *simulation) adopt(a *actor, p planned, known map[string]bool, killed bool) {
	for _, key := range s.api.LiveKeys() {
		if known[key.ID] {
			continue
		}
		a.made[key.ID] = true
		inState := !killed && (key.ID == a.id() || slices.Contains(a.previous(), key.ID))
		nameless := !strings.Contains(key.Name, "[tf:")
		stateless := p.change.action == create || p.change.action == replace
		if !inState && (killed && (stateless || nameless) || nameless && a.config.nameMarker == "none") {
			a.orphans[key.ID] = true
			s.note("%s: nothing can tell whose %s %q is", a.name, key.ID, key.Name)
		}
	}
}

// expectListedFirst: a destroy that could not list has revoked nothing (P3).
func (s *simulation) expectListedFirst(before sandbox.Stats, o outcome) {
	if strings.Contains(o.said.String(), "Cannot look for keys to revoke") && s.api.Stats().Revoked != before.Revoked {
		s.t.Error("P3: a destroy whose listing failed revoked a key")
	}
}

// others are the keys that an apply of a must leave as they are.
func (s *simulation) others(a *actor) map[string]sandbox.Key {
	keys := map[string]sandbox.Key{}
	for _, key := range s.api.Keys() {
		if !a.made[key.ID] || a.orphans[key.ID] {
			keys[key.ID] = key
		}
	}
	return keys
}

func (s *simulation) expectUntouched(a *actor, others map[string]sandbox.Key) {
	now := map[string]sandbox.Key{}
	for _, key := range s.api.Keys() {
		now[key.ID] = key
	}
	for id, was := range others {
		is, found := now[id]
		if !found || is.Name != was.Name || is.Status != was.Status || !slices.Equal(is.Scopes, was.Scopes) {
			s.t.Errorf("P2: %s touched a key that is not its own: %+v became %+v", a.name, was, is)
		}
	}
}

// expectNothingLeft: after an undisturbed apply without errors what lives is what the state knows (P2).
func (s *simulation) expectNothingLeft(a *actor) {
	known := append(a.previous(), a.id())
	for _, key := range s.api.LiveKeys() {
		if a.made[key.ID] && !a.orphans[key.ID] && !a.kept[key.ID] && !slices.Contains(known, key.ID) {
			s.t.Errorf("P2: %s left a live key that its state does not know: %+v", a.name, key)
		}
	}
	if a.state != nil && a.id() == "" {
		s.t.Errorf("%s has no id after an undisturbed apply", a.name)
	}
}

// expectSettled: the plan after an undisturbed apply is empty, unless a shortened interval has just made the key due.
func (s *simulation) expectSettled(a *actor) {
	if a.state == nil || truth(a.state.value, "rotation_due") {
		return
	}
	a.expectEmptyPlan()
}

// check: whatever happened, what the states hold works (P1).
func (s *simulation) check() {
	live := map[string]bool{}
	for _, id := range s.live() {
		live[id] = true
	}
	for _, a := range s.actors {
		if id := s.held(a); id != "" && !live[id] && !s.gone[id] && !a.given[id] {
			s.t.Errorf("P1: %s, which %s holds, was revoked", id, a.name)
		}
		for id := range maps.Keys(a.kept) {
			if !live[id] && !s.gone[id] && !a.given[id] {
				s.t.Errorf("P1: %s was to be retained by %s, and is dead", id, a.name)
			}
		}
		s.checkPrevious(a, live)
		s.checkSecret(a)
	}
}

// checkSecret: what a state has once held of a key it holds as long as that is its key, unless the key was rotated
// under the same id.
func (s *simulation) checkSecret(a *actor) {
	if a.id() == "" {
		return
	}
	secret := a.plaintext() + a.attribute("encrypted_key")
	if was := a.secret[a.id()]; was != "" && (secret == "" || secret != was && !s.sameID) {
		s.t.Errorf("P1: %s forgot the plaintext of %s", a.name, a.id())
	}
	a.secret[a.id()] = secret
}

// held is the id of the key that a state holds, in clear or encrypted.
func (s *simulation) held(a *actor) string {
	if a.attribute("encrypted_key") != "" {
		return a.id()
	}
	id := s.owner[a.plaintext()]
	if id != "" && a.id() != "" && id != a.id() {
		s.t.Errorf("P1: %s holds the plaintext of %s under the id %s", a.name, id, a.id())
	}
	return id
}

// checkPrevious: a predecessor lives until its time.
func (s *simulation) checkPrevious(a *actor, live map[string]bool) {
	if a.state == nil {
		return
	}
	for _, key := range elements(attribute(a.state.value, "previous_keys")) {
		id := text(key, "id")
		until, err := time.Parse(time.RFC3339Nano, text(key, "revoke_after"))
		s.must(err)
		if until.After(s.clock.Now()) && !live[id] && !s.gone[id] && !a.given[id] {
			s.t.Errorf("P1: %s, a predecessor in %s, was revoked before %s", id, a.name, text(key, "revoke_after"))
		}
	}
}

func firstError(said diagnostics) string {
	for _, one := range said {
		if one.Severity == 1 {
			return one.Summary
		}
	}
	return ""
}

// interfere does what people and other tools do to keys behind Terraform's back.
func (s *simulation) interfere(a *actor) {
	if s.chance(25) {
		name := pick(s.random, "Forecast", "Reader", "Forecast [tf:00000000]", "Forecast [k8s:00000000:000000000000]")
		s.note("somebody makes %s %q", s.seed(name, "inventory:read"), name)
		return
	}
	ids := append(a.previous(), a.id(), a.id())
	id := ids[s.random.IntN(len(ids))]
	if id == "" || s.gone[id] {
		return
	}
	switch n := s.random.IntN(5); n {
	case 0:
		s.note("somebody renames %s", id)
		_ = s.api.EditKey(id, func(k *sandbox.Key) { k.Name = pick(s.random, "Hijacked", "Forecast", "Forecast [tf:00000000]") })
	case 1:
		s.note("somebody changes the scopes of %s", id)
		_ = s.api.EditKey(id, func(k *sandbox.Key) { k.Scopes = pick(s.random, []string{"*"}, []string{"reports:read"}) })
	case 2:
		s.note("somebody revokes %s", id)
		s.gone[id] = true
		_ = s.api.EditKey(id, func(k *sandbox.Key) { k.Status = sandbox.StatusRevoked })
	case 3:
		s.note("somebody deletes %s", id)
		s.gone[id] = true
		_ = s.api.DeleteKey(id)
	default:
		s.note("%s expires", id)
		s.gone[id] = true
		_ = s.api.EditKey(id, func(k *sandbox.Key) { at := s.clock.Now(); k.ExpiresAt = &at })
	}
}
