package apikey

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"

	"github.com/betterdataco/terraform-provider-betterdata/apiclient"
)

var errUnclear = errors.New("the API server did not answer")

// read is a step that changes nothing.
func (p *process) read(ctx context.Context, what string, read Read) (*etcd, error) {
	if read == Cached {
		// An informer's store: no request, and never newer than the present.
		if !p.s.quiet && p.s.chance(0.7) || p.cached >= len(p.c.history) {
			p.cached = min(p.cached+p.s.rng.IntN(4), len(p.c.history)-1)
		} else {
			p.cached = len(p.c.history) - 1
		}
		return p.c.history[p.cached], nil
	}
	p.pause(what)
	if ctx.Err() != nil {
		return nil, ctx.Err()
	}
	if p.fault() != noFault {
		return nil, errUnclear
	}
	p.cached = len(p.c.history) - 1
	p.justified = p.justified || p.c.wantsKey(p.c.present().apiKeys[p.ref.Name].UID)
	return p.c.present(), nil
}

// write is a step whose effect may be refused, lost, carried out without an answer, or carried out later.
func (p *process) write(ctx context.Context, what string, effect func() error) error {
	p.pause(what)
	if ctx.Err() != nil {
		return ctx.Err()
	}
	switch p.fault() {
	case notReached:
		return errUnclear
	case lostAnswer:
		_ = effect()
		return errUnclear
	case lateWrite:
		p.c.late = append(p.c.late, lateEffect{p.s.now, func() { _ = effect() }})
		return errUnclear
	case noFault:
	}
	return effect()
}

// Resource implements Cluster.
func (p *process) Resource(ctx context.Context, ref Ref, read Read) (*Resource, error) {
	e, err := p.read(ctx, "get apikey", read)
	if err != nil {
		return nil, err
	}
	r, ok := e.apiKeys[ref.Name]
	if !ok {
		return nil, ErrNotFound
	}
	r.NamespaceTerminating = e.terminating
	if read == Live {
		p.retained = r.Settings.Retain
	}
	return &r, nil
}

// AddFinalizer implements Cluster.
func (p *process) AddFinalizer(ctx context.Context, r *Resource) error {
	return p.write(ctx, "add finalizer", func() error {
		return p.c.updateApiKey(r, func(now *Resource) { now.Finalizer = true })
	})
}

// RemoveFinalizer implements Cluster.
func (p *process) RemoveFinalizer(ctx context.Context, r *Resource) error {
	return p.write(ctx, "remove finalizer", func() error {
		if now, ok := p.c.byUID(r.UID); ok && now.Version == r.Version {
			p.onRelease(now)
			p.c.removeApiKey(now)
			return nil
		}
		return ErrConflict
	})
}

func (c *simCluster) updateApiKey(r *Resource, change func(r *Resource)) error {
	now, ok := c.present().apiKeys[r.Name]
	if !ok || now.UID != r.UID {
		return ErrNotFound
	}
	if now.Version != r.Version {
		return ErrConflict
	}
	c.commit(func(e *etcd) {
		change(&now)
		now.Version = fmt.Sprint(e.rv)
		e.apiKeys[r.Name] = now
	})
	return nil
}

// removeApiKey is what the API server and, unless it is off, the garbage collector do when the finalizer is gone.
func (c *simCluster) removeApiKey(r Resource) {
	c.commit(func(e *etcd) {
		delete(e.apiKeys, r.Name)
		if !c.s.conf.gcOff {
			c.collect(e)
		}
	})
}

// collect removes targets whose controller is gone.
func (c *simCluster) collect(e *etcd) {
	for name, t := range e.targets {
		if _, alive := e.apiKeys[t.Labels["owner"]]; t.Labels["uid"] != "" && (!alive || e.apiKeys[t.Labels["owner"]].UID != t.Labels["uid"]) {
			delete(e.targets, name)
		}
	}
}

// Ledgers implements Cluster.
func (p *process) Ledgers(ctx context.Context, r *Resource, read Read) ([]LedgerRecord, error) {
	e, err := p.read(ctx, "list ledgers", read)
	if err != nil {
		return nil, err
	}
	return e.ledgersOf(r.UID), nil
}

// Known implements Cluster.
func (p *process) Known(ctx context.Context, connection string) ([]Known, error) {
	e, err := p.read(ctx, "", Cached)
	if err != nil {
		return nil, err
	}
	var known []Known
	for _, l := range e.ledgers {
		if l.ID != "" && l.Connection == connection {
			known = append(known, Known{ID: l.ID, IssuedAt: l.IssuedAt, Credential: l.Credential})
		}
	}
	return known, nil
}

// Ledger implements Cluster.
func (p *process) Ledger(ctx context.Context, _ Ref, name string) (LedgerRecord, error) {
	e, err := p.read(ctx, "get ledger", Live)
	if err != nil {
		return LedgerRecord{}, err
	}
	l, ok := e.ledgers[name]
	if !ok {
		return LedgerRecord{}, ErrNotFound
	}
	return l, nil
}

// CreateLedger implements Cluster.
func (p *process) CreateLedger(ctx context.Context, _ *Resource, l LedgerRecord, dryRun bool) error {
	what := "create ledger"
	if dryRun {
		what = "rehearse ledger"
	}
	return p.write(ctx, what, func() error {
		if p.c.present().terminating {
			return ErrRefused
		}
		if _, exists := p.c.present().ledgers[l.Name]; exists {
			return ErrExists
		}
		if !dryRun {
			p.s.serial++
			l.UID = fmt.Sprint("ledger-", p.s.serial)
			p.c.commit(func(e *etcd) { e.ledgers[l.Name] = l })
		}
		return nil
	})
}

// DeleteLedger implements Cluster.
func (p *process) DeleteLedger(ctx context.Context, l LedgerRecord) error {
	return p.write(ctx, "delete ledger", func() error {
		now, ok := p.c.present().ledgers[l.Name]
		if !ok {
			return nil
		}
		if now.UID != l.UID {
			return ErrConflict
		}
		p.onDeleteLedger(now)
		p.c.commit(func(e *etcd) { delete(e.ledgers, l.Name) })
		return nil
	})
}

// Targets implements Cluster.
func (p *process) Targets(ctx context.Context, r *Resource, read Read) ([]TargetRecord, error) {
	e, err := p.read(ctx, "get targets", read)
	if err != nil {
		return nil, err
	}
	var found []TargetRecord
	for _, name := range slices.Sorted(maps.Keys(e.targets)) {
		t := e.targets[name]
		t.Controlled = t.Labels["uid"] == r.UID
		if t.Controlled || name == r.Settings.TargetName {
			found = append(found, t)
		}
	}
	return found, nil
}

// ApplyTarget implements Cluster.
func (p *process) ApplyTarget(ctx context.Context, r *Resource, w TargetWrite, dryRun bool) error {
	return p.write(ctx, "apply target", func() error {
		now, exists := p.c.present().targets[w.Name]
		switch {
		case exists && (w.UID != now.UID || w.Version != now.Version), !exists && w.UID != "":
			return ErrConflict
		case !exists && p.c.present().terminating:
			return ErrRefused
		case dryRun:
			return nil
		}
		p.onPublish(r, w, now)
		p.c.commit(func(e *etcd) {
			if !exists {
				p.s.serial++
				now = TargetRecord{Name: w.Name, UID: fmt.Sprint("target-", p.s.serial)}
			}
			now.Version, now.Data, now.Annotations = fmt.Sprint(e.rv), w.Data, w.Annotations
			now.Labels = map[string]string{"uid": r.UID, "owner": r.Name}
			maps.Copy(now.Labels, w.Labels)
			now.IssuedAt, now.Sequence, now.PublishedAt, now.RestartPending = w.IssuedAt, w.Sequence, w.PublishedAt, w.RestartPending
			e.targets[w.Name] = now
		})
		return nil
	})
}

// DetachTarget implements Cluster.
func (p *process) DetachTarget(ctx context.Context, _ *Resource, t TargetRecord) error {
	return p.write(ctx, "detach target", func() error {
		p.c.commit(func(e *etcd) {
			if now, ok := e.targets[t.Name]; ok && now.UID == t.UID {
				now.Labels = nil
				now.Version = fmt.Sprint(e.rv)
				e.targets[t.Name] = now
			}
		})
		return nil
	})
}

// DeleteTarget implements Cluster.
func (p *process) DeleteTarget(ctx context.Context, r *Resource, name, uid, version string) error {
	return p.write(ctx, "delete target", func() error {
		now, ok := p.c.present().targets[name]
		if !ok {
			return nil
		}
		if now.UID != uid || now.Version != version {
			return ErrConflict
		}
		if name == r.Settings.TargetName && r.DeletedAt.IsZero() {
			p.s.violatef("P1: %s deleted the target %s in service", p.name, name)
		}
		p.c.commit(func(e *etcd) { delete(e.targets, name) })
		return nil
	})
}

// Open implements Connections.
func (p *process) Open(_ context.Context, r *Resource) (Connection, error) {
	// Each look at the ApiKey opens its Connection once, after the ApiKey itself was read.
	p.lookStep, p.lookedAt, p.justified = p.s.steps, p.s.now, p.c.wantsKey(r.UID)
	token := p.c.token[r.ConnectionRef]
	if token == "" {
		token = p.c.adminToken()
	}
	if token == "" {
		token = p.tokens[r.ConnectionRef] // the Secret is gone: the last good one
	}
	p.tokens[r.ConnectionRef] = token
	return &simConnection{p: p, r: r, token: token}, nil
}

// adminToken is the plaintext in the target of ApiKey 0.
func (c *simCluster) adminToken() string {
	admin, ok := c.present().apiKeys[apiKeyName(0)]
	if !ok {
		return ""
	}
	held, ok := c.present().targets[admin.Settings.TargetName]
	if !ok {
		return ""
	}
	return held.Data[admin.Settings.TargetKey].Reveal()
}

func apiKeyName(i int) string { return fmt.Sprint("key", i) }

func marker(c *simCluster, uid string) apiclient.Marker {
	return apiclient.KubernetesMarker(c.uid, uid)
}
