package sandbox

import (
	"cmp"
	"maps"
	"slices"
	"time"
)

// maxVersions bounds the history of one key, which serves FaultListingLag only.
const maxVersions = 32

// tenant is the state of the one organisation that a sandbox holds. It has no lock of its own: Server.mu guards it.
type tenant struct {
	store        store
	records      map[string]*record
	byHash       map[string]string // hash of a plaintext -> key id
	sessions     map[string]bool   // hash of a session token -> valid; false: revoked
	organisation organisation
	lastSeq      uint64
	history      map[string][]version
	touched      map[string]bool // ids whose LastUsedAt is newer than the store's
}

// version is what a key was from a time on; a nil record means deleted.
type version struct {
	at     time.Time
	record *record
}

func openTenant(s store) (*tenant, error) {
	content, err := s.load()
	if err != nil {
		return nil, err
	}
	t := &tenant{
		store:        s,
		records:      map[string]*record{},
		byHash:       map[string]string{},
		sessions:     map[string]bool{},
		history:      map[string][]version{},
		touched:      map[string]bool{},
		organisation: organisation{Active: true},
	}
	for _, r := range content.records {
		t.put(r, r.CreatedAt)
	}
	for _, known := range content.sessions {
		t.sessions[known.hash] = known.valid
	}
	if content.organisation != nil {
		t.organisation = *content.organisation
	}
	return t, nil
}

// commit makes a change durable, then visible. After an error nothing has happened.
func (t *tenant) commit(c change, now time.Time) error {
	if err := t.store.save(c); err != nil {
		return err
	}
	for _, r := range c.put {
		t.put(r, now)
	}
	for _, id := range c.drop {
		t.remove(id, now)
	}
	if c.session != nil {
		t.sessions[c.session.hash] = c.session.valid
	}
	if c.organisation != nil {
		t.organisation = *c.organisation
	}
	return nil
}

func (t *tenant) put(r *record, now time.Time) {
	t.records[r.ID] = r
	t.lastSeq = max(t.lastSeq, r.Seq)
	for _, s := range r.Secrets {
		t.byHash[s.Hash] = r.ID
	}
	t.remember(r.ID, version{at: now, record: r})
	delete(t.touched, r.ID)
}

func (t *tenant) remove(id string, now time.Time) {
	for _, s := range t.records[id].Secrets {
		delete(t.byHash, s.Hash)
	}
	delete(t.records, id)
	delete(t.touched, id)
	t.remember(id, version{at: now})
}

func (t *tenant) remember(id string, v version) {
	versions := append(t.history[id], v)
	if len(versions) > maxVersions {
		versions[1].at = versions[0].at // the oldest one kept stands for all before it
		versions = slices.Delete(versions, 0, 1)
	}
	t.history[id] = versions
}

// touch notes a use of a key. It is written with the next change of the key or when the sandbox closes: syncing a
// file for each use would make uses as slow as writes.
func (t *tenant) touch(id string, now time.Time) {
	r := t.records[id].clone()
	r.LastUsedAt = &now
	t.records[id] = r
	t.touched[id] = true
}

// bySecret finds a key by one of its plaintexts.
func (t *tenant) bySecret(hash string) (*record, secret, bool) {
	r, ok := t.records[t.byHash[hash]]
	if !ok {
		return nil, secret{}, false
	}
	i := slices.IndexFunc(r.Secrets, func(s secret) bool { return s.Hash == hash })
	return r, r.Secrets[i], true
}

// all returns the keys in creation order.
func (t *tenant) all() []*record {
	return inOrder(slices.Collect(maps.Values(t.records)))
}

// asOf returns the keys as they were at a time, in creation order.
func (t *tenant) asOf(when time.Time) []*record {
	var then []*record
	for _, versions := range t.history {
		for _, v := range slices.Backward(versions) {
			if v.at.After(when) {
				continue
			}
			if v.record != nil {
				then = append(then, v.record)
			}
			break
		}
	}
	return inOrder(then)
}

func inOrder(records []*record) []*record {
	slices.SortFunc(records, func(a, b *record) int { return cmp.Compare(a.Seq, b.Seq) })
	return records
}

func (t *tenant) close() error {
	var c change
	for id := range t.touched {
		c.put = append(c.put, t.records[id])
	}
	if len(c.put) > 0 {
		if err := t.store.save(c); err != nil {
			return err
		}
	}
	return t.store.close()
}
