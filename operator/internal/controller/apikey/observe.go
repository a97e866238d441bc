package apikey

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/betterdataco/terraform-provider-betterdata/apiclient"
)

// scene is an Observation with what act needs to carry a decision out.
type scene struct {
	seen     Observation
	resource *Resource
	ledgers  []LedgerRecord
	targets  []TargetRecord
	conn     Connection // nil: there is none
	memory   *memory
	mustLook bool // seen from the cache, and there is something that only live reads may judge
}

// observe reads both servers. The order matters: the listing first, then the targets, then the ledgers. A key that is
// sealed or published meanwhile then shows as recorded, never as a stray; and a target that was read before the
// ledgers cannot be overwritten by an older key, because a newer one would have changed its version.
func (e *Engine) observe(ctx context.Context, ref Ref, read Read) (*scene, error) {
	r, err := e.Cluster.Resource(ctx, ref, read)
	if err != nil {
		return nil, err
	}
	s := &scene{resource: r, memory: e.memories.of(ref, r.UID)}
	state, view, err := e.observeConnection(ctx, s)
	if err != nil {
		return nil, err
	}
	if s.targets, err = e.Cluster.Targets(ctx, r, read); err != nil {
		return nil, err
	}
	s.ledgers, err = e.Cluster.Ledgers(ctx, r, read)
	if errors.Is(err, ErrLedgerDamaged) && !r.DeletedAt.IsZero() {
		err = nil // its key has our marker, by which it is found and revoked
	}
	if err != nil {
		return nil, err
	}
	slices.SortFunc(s.ledgers, func(a, b LedgerRecord) int { return a.Sequence - b.Sequence })
	s.seen = Observation{
		Object: r.Object, Settings: r.Settings, Connection: state.ConnectionState,
		LeaderSince: e.LeaderSince(), Policy: e.Policy,
	}
	for _, record := range s.ledgers {
		s.seen.Ledgers = append(s.seen.Ledgers, r.ledger(record))
	}
	if err := e.observeListing(ctx, s, state, view, read); err != nil {
		return nil, err
	}
	s.memory.fill(&s.seen)
	if s.seen.Workloads, err = e.Cluster.Rollout(ctx, r, s.seen.Target.Sequence); err != nil {
		return nil, err
	}
	return s, e.unchanged(ctx, s, read)
}

// unchanged reads the ApiKey live once more, after the ledgers: a rotate token that was read before another process
// handled a newer one would look like one that is still to be handled.
func (e *Engine) unchanged(ctx context.Context, s *scene, read Read) error {
	if read == Cached {
		return nil
	}
	now, err := e.Cluster.Resource(ctx, s.resource.Ref(), Live)
	if err == nil && (now.UID != s.resource.UID || now.Version != s.resource.Version) {
		return fmt.Errorf("the ApiKey: %w", ErrConflict)
	}
	return err
}

// observeConnection returns the Connection's state and a listing, which is nil where there is none to go by. Whatever is
// wrong with the Connection is part of what is observed: the target is kept in step all the same.
func (e *Engine) observeConnection(ctx context.Context, s *scene) (State, View, error) {
	conn, err := e.Connections.Open(ctx, s.resource)
	if errors.Is(err, ErrNotFound) {
		return State{ConnectionState: ConnectionState{Missing: true, Problem: err.Error()}}, nil, nil
	}
	if err != nil {
		return e.noListing(ctx, State{}, err, WaitingForConnection)
	}
	s.conn = conn
	state, err := conn.State(ctx)
	if err != nil {
		return e.noListing(ctx, State{}, err, WaitingForConnection)
	}
	view, err := conn.View(ctx, e.freshness(s, state.PollInterval))
	if err != nil {
		state.TokenRevoked = apiclient.IsUnauthorized(err) && apiclient.HasCode(err, apiclient.CodeRevokedAPIKey)
		return e.noListing(ctx, state, err, APIUnavailable)
	}
	return state, view, nil
}

// noListing notes in the state why there is no listing. A Connection that is busy, and the end of ctx, end the reconcile.
func (e *Engine) noListing(ctx context.Context, state State, err error, otherwise Reason) (State, View, error) {
	if _, busy := errors.AsType[*BusyError](err); busy || ctx.Err() != nil {
		return State{}, nil, err
	}
	state.Problem, state.ProblemReason, state.ProblemUntil = describe(err), otherwise, e.Now().Add(time.Minute)
	if reason, upstream := upstreamReason(err); upstream && reason != RequestRefused {
		state.ProblemReason = reason
	}
	if quota, ok := errors.AsType[*apiclient.QuotaError](err); ok {
		state.ProblemUntil = quota.RetryAt
	}
	return state, nil, nil
}

// freshness is how young the listing must be: younger than this process's leadership, than the last create or rotate
// whose outcome is unknown, and than the moment from which on it is to judge a stray or an absence. For a
// deletion it may be a little older: whoever may make ApiKeys can delete them as often as he likes, and a listing for each
// would use up the quota that he shares with others. The finalizer waits for a younger one all the same, see decideDelete.
func (e *Engine) freshness(s *scene, poll time.Duration) apiclient.Freshness {
	now := e.Now()
	age := poll
	atMost := func(moment time.Time, least time.Duration) {
		if !moment.IsZero() && !moment.After(now) {
			age = min(age, max(now.Sub(moment), least))
		}
	}
	since := func(moment time.Time) { atMost(moment, time.Nanosecond) } // zero would mean any age
	since(e.LeaderSince())
	for _, stray := range s.memory.strays {
		since(stray.FirstSeen.Add(Observation{Policy: e.Policy, Settings: s.resource.Settings}.strayGrace(stray)))
	}
	for _, at := range s.memory.unknown {
		since(at)
	}
	for _, first := range s.memory.absences {
		since(first.Add(absenceApart))
	}
	if deleted := s.resource.DeletedAt; !deleted.IsZero() {
		atMost(deleted, releaseApart-time.Nanosecond)
		hold, _ := Observation{
			Object: s.resource.Object, LeaderSince: e.LeaderSince(), Unknown: s.memory.unknown, Policy: e.Policy, Listing: &Listing{},
		}.holdFinalizer()
		atMost(hold, releaseApart-time.Nanosecond)
	}
	return apiclient.Freshness{MaxAge: age}
}

// observeListing takes what concerns this ApiKey out of the listing, and remembers what it shows.
func (e *Engine) observeListing(ctx context.Context, s *scene, state State, view View, read Read) error {
	if view == nil {
		s.observeTargets(e.Now())
		return nil
	}
	known, err := e.Cluster.Known(ctx, state.Identity)
	if err != nil {
		return err
	}
	var own []Known
	for _, l := range s.ledgers {
		if l.ID != "" {
			own = append(own, Known{ID: l.ID, IssuedAt: l.IssuedAt, Credential: l.Credential})
		}
	}
	tenant := newTenancy(state, view, slices.Concat(known, own)) // the cache may lack some yet
	s.seen.Connection.TenantMismatch = tenant.mismatched(own)
	marked := view.LiveWithMarker(s.resource.Marker)
	s.seen.Listing = &Listing{BegunAt: view.BegunAt(), Keys: map[string]apiclient.Key{}}
	for _, key := range marked {
		s.seen.Listing.Keys[key.ID] = key
		s.mustLook = s.mustLook || !s.seen.recorded(key.ID)
	}
	ids := []string{s.resource.Settings.Adopt}
	for _, l := range s.seen.Ledgers {
		ids = append(ids, l.ID, l.Adopted)
	}
	for _, id := range ids {
		if key, ok := view.Get(id); ok {
			s.seen.Listing.Keys[id] = key
		}
	}
	s.memory.sawListing(s.seen.Ledgers, view, s.seen.Connection.TenantMismatch, e.Now())
	s.forgetPatch(view.BegunAt())
	s.observeTargets(e.Now())
	s.memory.forgetStrays(marked)
	if read == Live {
		for _, id := range s.memory.sawStrays(marked, s.seen, view, e.Now()) {
			e.tell(Deed{Resource: s.resource, Connection: state.Identity, Action: FoundStray{ID: id}})
		}
	}
	return nil
}

// forgetPatch lets a PATCH be sent again for the same difference once a listing, begun after the last one, has shown
// that it had worked.
func (s *scene) forgetPatch(begunAt time.Time) {
	newest, ok := s.seen.newest()
	if !ok || s.memory.patched == nil || s.memory.patched.ID != newest.ID || !begunAt.After(s.memory.patchedAt) {
		return
	}
	key, listed := s.seen.listed(newest.ID)
	if listed && key.Name == s.seen.Settings.KeyName && apiclient.SameCoverage(s.seen.Settings.Scopes, key.Scopes) {
		s.memory.patched = nil
	}
}

// observeTargets comes after the listing, by which keys are recognized whose ledger is lost,
// and after the ledgers, by which it is known what their times can be.
func (s *scene) observeTargets(now time.Time) {
	s.seen.Target = Target{Name: s.resource.Settings.TargetName}
	for _, record := range s.targets {
		target := s.resource.target(record).credible(s.seen.Ledgers, now)
		target.HoldsListed, target.HoldsEntry = s.holder(record)
		if record.Name == s.resource.Settings.TargetName {
			s.seen.Target = target
		} else if record.Controlled {
			s.seen.Former = append(s.seen.Former, target)
		}
	}
}

// holder returns the id of the key that the Secret holds, by its ledger or by prefix and last4 of a live marked key,
// and the entry that holds it: the one for the key, or, where the settings have renamed that, whichever has it.
func (s *scene) holder(record TargetRecord) (id, entry string) {
	if !record.Controlled {
		return "", ""
	}
	own := s.resource.Settings.TargetKey
	if id := s.identify(record.Data[own]); id != "" {
		return id, own
	}
	for _, entry := range slices.Sorted(maps.Keys(record.Data)) {
		if id := s.identify(record.Data[entry]); id != "" && !strings.HasPrefix(entry, previousPrefix) {
			return id, entry
		}
	}
	return "", ""
}

func (s *scene) identify(held apiclient.Secret) string {
	for _, l := range s.ledgers {
		if l.ID != "" && l.Plaintext.Equal(held) {
			return l.ID
		}
	}
	if s.seen.Listing == nil {
		return ""
	}
	for id, key := range s.seen.Listing.Keys {
		if key.Live() && s.seen.marked(id) && !s.seen.recorded(id) && fits(key, held) {
			return id
		}
	}
	return ""
}

// fits reports whether the plaintext begins and ends as the key's prefix and last4 say.
func fits(key apiclient.Key, plaintext apiclient.Secret) bool {
	value := plaintext.Reveal()
	return key.KeyPrefix != "" && key.Last4 != "" && strings.HasPrefix(value, key.KeyPrefix) && strings.HasSuffix(value, key.Last4)
}
