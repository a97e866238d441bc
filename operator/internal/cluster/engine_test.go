package cluster

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/betterdataco/terraform-provider-betterdata/apiclient"
	"github.com/betterdataco/terraform-provider-betterdata/operator/internal/controller/apikey"
)

// tenant is an API that always answers: what goes wrong in these tests goes wrong in Kubernetes.
type tenant struct {
	mu      sync.Mutex
	keys    []apiclient.Key
	minted  int
	revoked []string
}

// engine reconciles ApiKeys of the world against the API server and a tenant.
type engine struct {
	*world
	*apikey.Engine
	tenant *tenant
	clock  time.Time
}

func (w *world) engine() *engine {
	e := &engine{world: w, tenant: &tenant{}, clock: now}
	since := now.Add(-time.Hour)
	e.Engine = &apikey.Engine{
		Cluster: w.Cluster, Connections: e.tenant, Now: func() time.Time { return e.clock },
		LeaderSince: func() time.Time { return since }, Policy: apikey.Policy{StrayGrace: 2 * time.Minute},
	}
	return e
}

// settle reconciles until nothing is written any more, and fails if that never comes. It returns the last outcome.
func (e *engine) settle(name string) *apikey.Outcome {
	e.Helper()
	for range 10 {
		before := e.wire.count()
		outcome, err := e.Reconcile(e.Context(), apikey.Ref{Namespace: e.namespace, Name: name})
		if errors.Is(err, apikey.ErrConflict) {
			continue // as the queue does
		}
		if err != nil {
			e.Fatal(err)
		}
		if e.wire.count() == before {
			return outcome
		}
	}
	e.Fatalf("%s is written again and again: %v", name, e.wire.writes)
	return nil
}

// mustMint checks how many keys were ever issued.
func (e *engine) mustMint(n int) {
	e.Helper()
	if e.tenant.minted != n {
		e.Errorf("%d keys were issued, want %d", e.tenant.minted, n)
	}
}

func (n *wire) count() int {
	n.mu.Lock()
	defer n.mu.Unlock()
	return len(n.writes)
}

// key is the plaintext of the nth key that was issued.
func key(n int) string { return fmt.Sprintf("bdk_live_%03d_q7Jw2vN8xR4mT1cZ5k%04d", n, n) }

func (t *tenant) issue(name string, scopes []string) (*apiclient.IssuedKey, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.minted++
	issued := apiclient.Key{
		ID: fmt.Sprintf("key_%d", t.minted), Name: name, KeyPrefix: fmt.Sprintf("bdk_live_%03d", t.minted), Last4: fmt.Sprintf("%04d", t.minted),
		Scopes: scopes, Status: apiclient.StatusActive,
	}
	t.keys = append(t.keys, issued)
	return &apiclient.IssuedKey{Key: issued, Plaintext: apiclient.NewSecret(key(t.minted))}, nil
}

// Open implements apikey.Connections.
func (t *tenant) Open(context.Context, *apikey.Resource) (apikey.Connection, error) { return t, nil }

// State implements apikey.Connection.
func (t *tenant) State(context.Context) (apikey.State, error) {
	return apikey.State{
		ConnectionState: apikey.ConnectionState{Identity: "Connection/shop/default/1", TokenHeldBy: "f00d"}, PollInterval: 5 * time.Minute,
	}, nil
}

// CreateKey implements apikey.Connection.
func (t *tenant) CreateKey(_ context.Context, req apiclient.CreateKeyRequest) (*apiclient.IssuedKey, error) {
	return t.issue(req.Name, req.Scopes)
}

// RotateKey implements apikey.Connection.
func (t *tenant) RotateKey(_ context.Context, id string) (*apiclient.IssuedKey, error) {
	old, _ := listing{t, slices.Clone(t.keys), time.Time{}}.Get(id)
	return t.issue(old.Name, old.Scopes)
}

// UpdateKey implements apikey.Connection.
func (t *tenant) UpdateKey(_ context.Context, id string, req apiclient.UpdateKeyRequest) (*apiclient.UpdateResult, error) {
	t.change(id, func(k *apiclient.Key) { k.Name, k.Scopes = req.Name, req.Scopes })
	return &apiclient.UpdateResult{}, nil
}

// RevokeKey implements apikey.Connection.
func (t *tenant) RevokeKey(_ context.Context, id string) error {
	t.change(id, func(k *apiclient.Key) { k.Status = apiclient.StatusRevoked })
	t.mu.Lock()
	defer t.mu.Unlock()
	t.revoked = append(t.revoked, id)
	return nil
}

func (t *tenant) change(id string, edit func(*apiclient.Key)) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for i := range t.keys {
		if t.keys[i].ID == id {
			edit(&t.keys[i])
		}
	}
}

// Verify implements apikey.Connection.
func (t *tenant) Verify(context.Context, apiclient.Secret) error { return nil }

// ReserveMint implements apikey.Connection.
func (t *tenant) ReserveMint(context.Context, string, bool) error { return nil }

// NamesDropped implements apikey.Connection.
func (t *tenant) NamesDropped(context.Context) {}

// View implements apikey.Connection.
func (t *tenant) View(context.Context, apiclient.Freshness) (apikey.View, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	return listing{t, slices.Clone(t.keys), now.Add(24 * time.Hour)}, nil
}

type listing struct {
	*tenant
	keys  []apiclient.Key
	begun time.Time
}

// Get implements apikey.View.
func (l listing) Get(id string) (apiclient.Key, bool) {
	for _, k := range l.keys {
		if k.ID == id {
			return k, true
		}
	}
	return apiclient.Key{}, false
}

// LiveWithMarker implements apikey.View.
func (l listing) LiveWithMarker(m apiclient.Marker) []apiclient.Key {
	return slices.DeleteFunc(slices.Clone(l.keys), func(k apiclient.Key) bool { return !k.Live() || !m.In(k.Name) })
}

// ServerTime implements apikey.View.
func (l listing) ServerTime() time.Time { return l.begun }

// BegunAt implements apikey.View.
func (l listing) BegunAt() time.Time { return l.begun }
