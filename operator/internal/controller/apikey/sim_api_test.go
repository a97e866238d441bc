package apikey

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/betterdataco/terraform-provider-betterdata/apiclient"
)

// simTenant is one tenant of the Better Data API.
type simTenant struct {
	name string
	keys []*simKey
}

// simKey is a key with its past, because listings may lag.
type simKey struct {
	id        string
	plaintext apiclient.Secret
	tenant    *simTenant
	owner     string // uid of the ApiKey it was issued for
	cluster   *simCluster
	past      []keyVersion
}

type keyVersion struct {
	at  time.Time
	key apiclient.Key
}

func (k *simKey) now() apiclient.Key { return k.past[len(k.past)-1].key }

func (k *simKey) change(at time.Time, edit func(key *apiclient.Key)) {
	key := k.now()
	edit(&key)
	k.past = append(k.past, keyVersion{at, key})
}

func (s *sim) live(id string) bool {
	k := s.keys[id]
	return k != nil && k.now().Live()
}

func (s *sim) byPlaintext(value apiclient.Secret) *simKey {
	if id, ok := strings.CutPrefix(value.Reveal(), "bdk_live_"); ok {
		return s.keys[strings.Split(id, "_")[0]]
	}
	return nil
}

func (s *sim) issue(t *simTenant, name string, scopes []string) *simKey {
	s.serial++
	id := fmt.Sprintf("k%04d", s.serial)
	created := s.now.Add(s.conf.skew)
	k := &simKey{id: id, tenant: t, plaintext: apiclient.NewSecret("bdk_live_" + id + "_secret" + id[1:])}
	k.past = []keyVersion{{s.now, apiclient.Key{
		ID: id, Name: name, KeyPrefix: "bdk_live_" + id, Last4: id[1:], Scopes: scopes, Status: apiclient.StatusActive, CreatedAt: &created,
	}}}
	t.keys = append(t.keys, k)
	s.keys[id] = k
	return k
}

// simDirectory behaves as apiclient.Directory: listings, with this client's writes that are newer than their begin.
type simDirectory struct {
	listing *simView
	writes  map[string]simWrite
	clock   int
}

type simWrite struct {
	at  int
	key apiclient.Key
}

type simView struct {
	begunAt, server time.Time
	begun           int
	keys            map[string]apiclient.Key
}

func (v *simView) Get(id string) (apiclient.Key, bool) { k, ok := v.keys[id]; return k, ok }
func (v *simView) BegunAt() time.Time                  { return v.begunAt }
func (v *simView) ServerTime() time.Time               { return v.server }

func (v *simView) LiveWithMarker(m apiclient.Marker) []apiclient.Key {
	var keys []apiclient.Key
	for _, id := range slices.Sorted(maps.Keys(v.keys)) {
		if k := v.keys[id]; k.Live() && m.In(k.Name) {
			keys = append(keys, k)
		}
	}
	return keys
}

// simConnection is a client with one token.
type simConnection struct {
	p     *process
	r     *Resource
	token string
}

func (c *simConnection) directory() *simDirectory {
	if c.p.dirs[c.token] == nil {
		c.p.dirs[c.token] = &simDirectory{writes: map[string]simWrite{}}
	}
	return c.p.dirs[c.token]
}

// tenant is whom the token belongs to, or the error that the API answers.
func (c *simConnection) tenant(op apiclient.Operation) (*simTenant, error) {
	if name, ok := strings.CutPrefix(c.token, "session-"); ok {
		return c.p.s.tenants[name], nil
	}
	k := c.p.s.byPlaintext(apiclient.NewSecret(c.token))
	if k == nil {
		return nil, &apiclient.Error{Op: op, Status: http.StatusUnauthorized, Code: apiclient.CodeInvalidAPIKey}
	}
	if !k.now().Live() {
		return nil, &apiclient.Error{Op: op, Status: http.StatusUnauthorized, Code: apiclient.CodeRevokedAPIKey}
	}
	return k.tenant, nil
}

// State implements Connection.
func (c *simConnection) State(context.Context) (State, error) {
	cluster := c.p.c
	c.p.refused = cluster.refused
	return State{
		ConnectionState: ConnectionState{
			Identity: c.r.ConnectionRef, AllowAdoption: true, DropsNames: c.p.tokens["drops"] != "",
			OthersDepend: c.p.s.conf.admin && c.r.Name == apiKeyName(0) && cluster.mainInUse(),
			TokenHeldBy:  Fingerprint(apiclient.NewSecret(c.token)),
			Refused:      map[bool]string{true: "not admitted"}[cluster.refused], RefusedReason: NamespaceNotAllowed,
		},
		PollInterval: 5 * time.Minute, TenantAccepted: cluster.accepted[c.r.ConnectionRef],
	}, nil
}

func (c *simCluster) mainInUse() bool {
	for _, r := range c.present().apiKeys {
		if r.ConnectionRef == mainConnection && r.Finalizer {
			return true
		}
	}
	return false
}

// View implements Connection.
func (c *simConnection) View(ctx context.Context, f apiclient.Freshness) (View, error) {
	d, s := c.directory(), c.p.s
	if d.listing == nil || f.MaxAge > 0 && s.now.Sub(d.listing.begunAt) > f.MaxAge {
		d.clock++
		fresh := &simView{begun: d.clock, begunAt: s.now, keys: map[string]apiclient.Key{}}
		c.p.pause("list keys")
		t, err := c.tenant(apiclient.OpList)
		switch {
		case err != nil:
			return nil, err
		case ctx.Err() != nil:
			return nil, ctx.Err()
		case s.apiDown || c.p.fault() != noFault:
			return nil, errors.New("503")
		}
		c.read(t, fresh)
		d.listing = fresh
	}
	return c.merged(d), nil
}

// read takes a listing, as of some time ago if listings lag.
func (c *simConnection) read(t *simTenant, v *simView) {
	s := c.p.s
	asOf := s.now
	if s.conf.lag > 0 {
		asOf = asOf.Add(-time.Duration(s.rng.Int64N(int64(s.conf.lag))))
	}
	v.server = s.now.Add(s.conf.skew)
	for _, k := range t.keys {
		for _, version := range slices.Backward(k.past) {
			if version.at.After(asOf) {
				continue
			}
			if version.key.Live() || !s.conf.hideDead {
				v.keys[k.id] = version.key
			}
			break
		}
	}
}

func (c *simConnection) merged(d *simDirectory) *simView {
	v := &simView{begun: d.listing.begun, begunAt: d.listing.begunAt, server: d.listing.server, keys: maps.Clone(d.listing.keys)}
	for id, w := range d.writes {
		if w.at > v.begun {
			v.keys[id] = w.key
		}
	}
	return v
}

func (c *simConnection) wrote(key apiclient.Key) {
	d := c.directory()
	d.clock++
	d.writes[key.ID] = simWrite{d.clock, key}
}

// post is a create or a rotate.
func (c *simConnection) post(ctx context.Context, op apiclient.Operation, effect func(t *simTenant) (*simKey, error)) (*apiclient.IssuedKey, error) {
	c.p.onPost(op)
	c.p.pause(string(op))
	if ctx.Err() != nil {
		return nil, ctx.Err()
	}
	t, err := c.tenant(op)
	if err != nil {
		return nil, err
	}
	if c.p.s.apiDown {
		return nil, apiclient.ErrNotExecuted
	}
	switch c.p.fault() {
	case notReached:
		return nil, apiclient.ErrOutcomeUnknown
	case lostAnswer:
		_, _ = effect(t)
		return nil, apiclient.ErrOutcomeUnknown
	case lateWrite:
		c.p.c.late = append(c.p.c.late, lateEffect{c.p.s.now, func() { _, _ = effect(t) }})
		return nil, apiclient.ErrOutcomeUnknown
	case noFault:
	}
	k, err := effect(t)
	if err != nil {
		return nil, err
	}
	c.p.pause("answer of " + string(op))
	c.wrote(k.now())
	return &apiclient.IssuedKey{Key: k.now(), Plaintext: k.plaintext}, nil
}

// CreateKey implements Connection.
func (c *simConnection) CreateKey(ctx context.Context, req apiclient.CreateKeyRequest) (*apiclient.IssuedKey, error) {
	return c.post(ctx, apiclient.OpCreate, func(t *simTenant) (*simKey, error) { return c.issued(t, req.Name, req.Scopes), nil })
}

// RotateKey implements Connection.
func (c *simConnection) RotateKey(ctx context.Context, id string) (*apiclient.IssuedKey, error) {
	return c.post(ctx, apiclient.OpRotate, func(t *simTenant) (*simKey, error) {
		old := c.p.s.keys[id]
		if old == nil || old.tenant != t || !old.now().Live() {
			return nil, &apiclient.Error{Op: apiclient.OpRotate, Status: http.StatusNotFound}
		}
		name := old.now().Name
		if c.p.s.conf.dropNames {
			name = "rotated"
		}
		return c.issued(t, name, old.now().Scopes), nil
	})
}

func (c *simConnection) issued(t *simTenant, name string, scopes []string) *simKey {
	s := c.p.s
	k := s.issue(t, name, scopes)
	k.owner, k.cluster = c.r.UID, c.p.c
	s.unmarked[k.id] = !c.r.Marker.In(name)
	s.counts["issued"]++
	s.logf("%s %s: %s is issued", c.p.name, c.r.Name, k.id)
	return k
}

// change is an update or a revoke.
func (c *simConnection) change(ctx context.Context, op apiclient.Operation, id string, effect func(k *simKey)) error {
	c.p.pause(string(op) + " " + id)
	if ctx.Err() != nil {
		return ctx.Err()
	}
	t, err := c.tenant(op)
	if err != nil {
		return err
	}
	if c.p.s.apiDown {
		return errors.New("503")
	}
	k := c.p.s.keys[id]
	if k == nil || k.tenant != t {
		if op == apiclient.OpRevoke {
			return nil // 404, and a listing begun afterwards lacks it: what the client calls success
		}
		return &apiclient.Error{Op: op, Status: http.StatusNotFound}
	}
	switch c.p.fault() {
	case notReached, lateWrite:
		return errors.New("502")
	case lostAnswer:
		effect(k)
		return errors.New("502")
	case noFault:
	}
	effect(k)
	c.wrote(k.now())
	return nil
}

// UpdateKey implements Connection.
func (c *simConnection) UpdateKey(ctx context.Context, id string, req apiclient.UpdateKeyRequest) (*apiclient.UpdateResult, error) {
	err := c.change(ctx, apiclient.OpUpdate, id, func(k *simKey) {
		k.change(c.p.s.now, func(key *apiclient.Key) { key.Name, key.Scopes = req.Name, slices.Clone(req.Scopes) })
		c.p.s.unmarked[id] = !c.r.Marker.In(req.Name)
		if c.r.Marker.In(req.Name) && k.owner == "" {
			k.owner, k.cluster = c.r.UID, c.p.c
		}
	})
	return &apiclient.UpdateResult{}, err
}

// RevokeKey implements Connection.
func (c *simConnection) RevokeKey(ctx context.Context, id string) error {
	return c.change(ctx, apiclient.OpRevoke, id, func(k *simKey) {
		c.p.onRevoke(k)
		k.change(c.p.s.now, func(key *apiclient.Key) { key.Status = apiclient.StatusRevoked })
	})
}

// Verify implements Connection.
func (c *simConnection) Verify(_ context.Context, plaintext apiclient.Secret) error {
	c.p.pause("verify")
	k := c.p.s.byPlaintext(plaintext)
	switch {
	case k == nil || c.p.s.now.Sub(k.past[0].at) < time.Second:
		return &apiclient.Error{Op: apiclient.OpList, Status: http.StatusUnauthorized, Code: apiclient.CodeInvalidAPIKey}
	case !k.now().Live():
		return &apiclient.Error{Op: apiclient.OpList, Status: http.StatusUnauthorized, Code: apiclient.CodeRevokedAPIKey}
	}
	return nil
}

// ReserveMint implements Connection.
func (c *simConnection) ReserveMint(context.Context, string, bool) error { return nil }

// NamesDropped implements Connection.
func (c *simConnection) NamesDropped(context.Context) { c.p.tokens["drops"] = "yes" }
