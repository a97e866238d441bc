package sandbox

import (
	"net/http"
	"slices"
	"strconv"
	"strings"
)

// freshName is what a successor is called in the dialect rotate-name=fresh.
const freshName = "Rotated key"

// list answers GET /api/admin/api-keys.
func (s *Server) list(c *call) answer {
	page, p := s.dialect.readPaging(c.query)
	if p != nil {
		return p.answer(s.dialect)
	}
	records := s.listing(c)
	from, to := page.bounds(len(records))
	switch c.fault.Kind {
	case FaultEmptyPage:
		to = from
	case FaultDuplicatePage:
		earlier := page
		earlier.offset = max(0, page.offset-page.limit)
		from, to = earlier.bounds(len(records))
	default: // the other kinds leave pages alone
	}
	keys := make([]wireKey, 0, to-from)
	for _, r := range records[from:to] {
		keys = append(keys, s.dialect.wireKey(r.Key, c.now))
	}
	return s.dialect.listed(keys, s.dialect.metadata(page, len(records)))
}

// listing is every key that a listing shows, in creation order.
func (s *Server) listing(c *call) []*record {
	records := s.tenant.all()
	if c.fault.Kind == FaultListingLag {
		records = s.tenant.asOf(c.now.Add(-c.fault.Latency))
	}
	if s.dialect.Dead == "hidden" {
		records = slices.DeleteFunc(records, func(r *record) bool { return r.deadAt(c.now) })
	}
	return records
}

// create answers POST /api/admin/api-keys.
func (s *Server) create(c *call) answer {
	in, p := readKeyInput(c.body)
	if p == nil {
		p = in.require()
	}
	if p != nil {
		return p.answer(s.dialect)
	}
	r, plaintext := s.newRecord(in.name, s.dialect.normalised(in.scopes), c)
	if p := s.commit(c, change{put: []*record{r}}, &s.stats.Created); p != nil {
		return p.answer(s.dialect)
	}
	return s.issued(c, r, plaintext)
}

// update answers PATCH /api/admin/api-keys/{id}.
func (s *Server) update(c *call) answer {
	in, p := readKeyInput(c.body)
	switch {
	case p != nil:
	case s.dialect.Update == "full":
		p = in.require()
	case !in.hasName && !in.hasScopes:
		p = errValidation("body", "must hold name, scopes or both")
	}
	if p != nil {
		return p.answer(s.dialect)
	}
	r, p := s.changeable(c)
	if p != nil {
		return p.answer(s.dialect)
	}
	next := r.clone()
	if in.hasName {
		next.Name = in.name
	}
	if in.hasScopes {
		next.Scopes = s.dialect.normalised(in.scopes)
	}
	if p := s.commit(c, change{put: []*record{next}}, &s.stats.Updated); p != nil {
		return p.answer(s.dialect)
	}
	return s.dialect.written(s.dialect.wireKey(next.Key, c.now))
}

// revoke answers POST /api/admin/api-keys/{id}/revoke.
func (s *Server) revoke(c *call) answer {
	r, found := s.tenant.records[c.id]
	if !found {
		return errKeyNotFound.answer(s.dialect)
	}
	if strings.EqualFold(r.Status, StatusRevoked) {
		return s.revokeAgain(c, r)
	}
	next := r.clone()
	next.revoke(c.now)
	if p := s.commit(c, change{put: []*record{next}}, &s.stats.Revoked); p != nil {
		return p.answer(s.dialect)
	}
	return s.dialect.written(s.dialect.wireKey(next.Key, c.now))
}

func (s *Server) revokeAgain(c *call, r *record) answer {
	if s.dialect.Revoked == "ok" {
		return s.dialect.written(s.dialect.wireKey(r.Key, c.now))
	}
	if s.dialect.Revoked == "404" {
		return errKeyNotFound.answer(s.dialect)
	}
	status, _ := strconv.Atoi(s.dialect.Revoked) // 400 or 409: dialects are checked when they are set
	return (&problem{status: status, message: "API key is already revoked"}).answer(s.dialect)
}

// rotate answers POST /api/admin/api-keys/{id}/rotate.
func (s *Server) rotate(c *call) answer {
	revokeOld, p := readRevokeOld(c.body)
	if p != nil {
		return p.answer(s.dialect)
	}
	old, p := s.changeable(c)
	if p != nil {
		return p.answer(s.dialect)
	}
	next, plaintext := s.successor(old, c)
	ch, counters := change{put: []*record{next}}, []*int{&s.stats.Rotated}
	switch {
	case s.dialect.RotateID == "same":
		next = inPlace(old, next, revokeOld)
		ch.put[0] = next
	case revokeOld:
		dead := old.clone()
		dead.revoke(c.now)
		ch.put, counters = append(ch.put, dead), append(counters, &s.stats.Revoked)
	}
	if p := s.commit(c, ch, counters...); p != nil {
		return p.answer(s.dialect)
	}
	return s.issued(c, next, plaintext)
}

// successor is a new key after an old one: with its name, scopes and addresses, without its expiry.
func (s *Server) successor(old *record, c *call) (*record, string) {
	name, scopes := old.Name, slices.Clone(old.Scopes)
	if s.dialect.RotateName == "fresh" {
		name, scopes = freshName, nil
	}
	next, plaintext := s.newRecord(name, scopes, c)
	next.AllowedIPs = slices.Clone(old.AllowedIPs)
	return next, plaintext
}

// inPlace puts a successor's plaintext under the old id. Without revokeOld both plaintexts open the one key.
func inPlace(old, successor *record, revokeOld bool) *record {
	next := old.clone()
	next.Name, next.Scopes = successor.Name, successor.Scopes
	next.KeyPrefix, next.Last4 = successor.KeyPrefix, successor.Last4
	for i := range next.Secrets {
		next.Secrets[i].Revoked = next.Secrets[i].Revoked || revokeOld
	}
	next.Secrets = append(next.Secrets, successor.Secrets...)
	return next
}

// changeable finds the key of a path that is neither revoked nor expired.
func (s *Server) changeable(c *call) (*record, *problem) {
	r, found := s.tenant.records[c.id]
	if !found {
		return nil, errKeyNotFound
	}
	if r.deadAt(c.now) {
		return nil, errKeyDead
	}
	return r, nil
}

func (s *Server) newRecord(name string, scopes []string, c *call) (*record, string) {
	id, plaintext, prefix := s.issue()
	return &record{
		Key: Key{
			ID: id, Name: name, KeyPrefix: prefix, Last4: plaintext[len(plaintext)-4:],
			Scopes: scopes, Status: StatusActive, CreatedAt: c.now.UTC(),
		},
		Seq:     s.tenant.lastSeq + 1,
		Secrets: []secret{{Hash: hashOf(plaintext)}},
	}, plaintext
}

// commit carries a change out and counts it, unless a fault has the server only pretend.
func (s *Server) commit(c *call, ch change, counters ...*int) *problem {
	if c.fault.Kind == FaultIgnore {
		return nil
	}
	if err := s.tenant.commit(ch, c.now); err != nil {
		s.logger.Error("commit", "error", err)
		return errInternal
	}
	for _, counter := range counters {
		*counter++
	}
	return nil
}

func (s *Server) issued(c *call, r *record, plaintext string) answer {
	shown := plaintext
	if c.fault.Kind == FaultNoPlaintext {
		shown = ""
	}
	a := s.dialect.issued(s.dialect.wireKey(r.Key, c.now), shown)
	a.issued = &issuedKey{id: r.ID, plaintext: plaintext}
	return a
}

// ok is a plain 200.
func ok(body any) answer { return answer{status: http.StatusOK, body: body} }
