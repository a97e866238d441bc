package apikey

import (
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/betterdataco/terraform-provider-betterdata/apiclient"
	"github.com/betterdataco/terraform-provider-betterdata/apiclient/rotation"
)

// createApiKey is a person applying ApiKey number i.
func (c *simCluster) createApiKey(i int) {
	s := c.s
	s.serial++
	uid := fmt.Sprintf("%08x-0000-0000-0000-000000000000", s.serial*7919+len(c.uid)+int(c.uid[len(c.uid)-1])<<20)
	r := Resource{
		Object:        Object{Namespace: "shop", Name: apiKeyName(i), UID: uid, Marker: marker(c, uid)},
		ConnectionRef: mainConnection,
		Secret:        SecretSpec{Template: map[string]string{".env": "KEY={{ .Key }}"}},
		Settings: Settings{
			Scopes: []string{"inventory:read"}, TargetName: apiKeyName(i), TargetKey: "api-key",
			Rotation: Schedule{Policy: rotation.Policy{Interval: s.conf.interval, Overlap: s.conf.overlap}},
		},
	}
	r.Settings.KeyName = KeyName("shop/"+r.Name, r.Marker)
	if s.conf.admin && i == 0 {
		r.ConnectionRef = bootConnection
		r.Settings.Scopes = []string{"admin:write"}
	} else if s.chance(0.15) {
		k := s.issue(s.tenants["A"], "old key", []string{"inventory:read"})
		r.Settings.Adopt = k.id
		s.unmarked[k.id] = true
	}
	if s.chance(0.3) {
		r.Workloads = []Workload{{Kind: "Deployment", Name: r.Name}}
		c.workloads[uid] = &simWorkload{}
	}
	c.commit(func(e *etcd) { r.Version = fmt.Sprint(e.rv); e.apiKeys[r.Name] = r })
}

// someone does something.
func (s *sim) someone() {
	c := s.anyCluster()
	everyday := []func(c *simCluster){
		(*simCluster).editSpec, (*simCluster).editSpec, (*simCluster).editSpec, (*simCluster).requestRotation, (*simCluster).requestRotation,
		(*simCluster).deleteApiKey, (*simCluster).touchTarget, (*simCluster).touchTarget, (*simCluster).upstream,
		(*simCluster).upstream, (*simCluster).weather, (*simCluster).weather, (*simCluster).recreate, (*simCluster).policy,
	}
	if s.conf.chaos {
		everyday = append(everyday, (*simCluster).loseLedger, (*simCluster).restore, (*simCluster).switchTenant, (*simCluster).terminate)
	}
	everyday[s.rng.IntN(len(everyday))](c)
}

func (c *simCluster) anyApiKey() (Resource, bool) {
	names := slices.Sorted(maps.Keys(c.present().apiKeys))
	if len(names) == 0 {
		return Resource{}, false
	}
	return c.present().apiKeys[names[c.s.rng.IntN(len(names))]], true
}

func (c *simCluster) edit(what string, change func(r *Resource)) {
	if r, ok := c.anyApiKey(); ok {
		c.s.logf("%s: %s of %s", c.uid, what, r.Name)
		_ = c.updateApiKey(&r, change)
	}
}

func (c *simCluster) editSpec() {
	s := c.s
	edits := []func(r *Resource){
		func(r *Resource) { r.Settings.Scopes = []string{"inventory:read", "forecast:read"}[:1+s.rng.IntN(2)] },
		func(r *Resource) { r.Settings.KeyName = KeyName(fmt.Sprint("name ", s.rng.IntN(9)), r.Marker) },
		func(r *Resource) { r.Settings.Suspend = !r.Settings.Suspend },
		func(r *Resource) { r.Settings.Retain = !r.Settings.Retain },
		func(r *Resource) { r.Settings.Hold = !r.Settings.Hold },
		func(r *Resource) { r.Settings.PublishPrevious = !r.Settings.PublishPrevious },
		func(r *Resource) { r.Settings.TargetName = r.Name + []string{"", "-renamed"}[s.rng.IntN(2)] },
		func(r *Resource) { r.Settings.TargetKey = []string{"api-key", "token"}[s.rng.IntN(2)] },
		func(r *Resource) {
			r.Secret.Template = map[string]string{"cfg": fmt.Sprint(s.rng.IntN(9), "{{ .Key }}")}
		},
		func(r *Resource) { r.Secret.Labels = map[string]string{"team": fmt.Sprint(s.rng.IntN(9))} },
	}
	which := s.rng.IntN(len(edits))
	c.edit(fmt.Sprint("edit ", which), edits[which])
}

func (c *simCluster) requestRotation() {
	c.edit("rotation asked for", func(r *Resource) {
		c.s.serial++
		r.RotateToken, r.RotateOverlap = fmt.Sprint("token-", c.s.serial), nil
		if c.s.chance(0.4) {
			r.RotateOverlap = new(time.Duration)
		}
	})
}

func (c *simCluster) deleteApiKey() {
	if !c.s.chance(0.4) {
		return
	}
	c.edit("delete", func(r *Resource) {
		if r.DeletedAt.IsZero() {
			r.DeletedAt = c.s.now
		}
	})
	c.reap()
}

// reap removes deleted ApiKeys that have no finalizer.
func (c *simCluster) reap() {
	for _, r := range c.present().apiKeys {
		if !r.DeletedAt.IsZero() && !r.Finalizer {
			c.removeApiKey(r)
		}
	}
}

// recreate applies a missing ApiKey again, as Git does.
func (c *simCluster) recreate() {
	if c.present().terminating {
		return
	}
	for i := range c.s.conf.apiKeys {
		if _, exists := c.present().apiKeys[apiKeyName(i)]; !exists {
			c.s.logf("%s: %s is created again", c.uid, apiKeyName(i))
			c.createApiKey(i)
		}
	}
}

// touchTarget deletes a target or changes what is in it.
func (c *simCluster) touchTarget() {
	names := slices.Sorted(maps.Keys(c.present().targets))
	if len(names) == 0 {
		return
	}
	s, name := c.s, names[c.s.rng.IntN(len(names))]
	tampering := s.rng.IntN(5)
	c.meddled = s.steps
	if tampering != 2 && tampering != 3 {
		c.spoiled[c.present().targets[name].Labels["uid"]] = s.now
	}
	s.logf("%s: target %s is touched (%d)", c.uid, name, tampering)
	c.commit(func(e *etcd) {
		t := e.targets[name]
		t.Data = maps.Clone(t.Data)
		switch tampering {
		case 0:
			delete(e.targets, name)
			c.deleted[t.Labels["uid"]] = s.now
			return
		case 1:
			t.Data["api-key"] = apiclient.NewSecret("garbage")
		case 2:
			t.Sequence = s.rng.IntN(9)
		case 3:
			t.PublishedAt = time.Time{}
		default:
			delete(t.Data, "api-key")
		}
		t.Version = fmt.Sprint(e.rv)
		e.targets[name] = t
	})
}

// upstream is somebody at the vendor's console.
func (c *simCluster) upstream() {
	s := c.s
	var ours []*simKey
	for _, k := range s.tenants["A"].keys {
		if k.now().Live() && k.cluster == c {
			ours = append(ours, k)
		}
	}
	if len(ours) == 0 {
		return
	}
	k := ours[s.rng.IntN(len(ours))]
	switch s.rng.IntN(4) {
	case 0:
		s.logf("console: %s is revoked", k.id)
		s.killed[k.id] = s.now
		k.change(s.now, func(key *apiclient.Key) { key.Status = apiclient.StatusRevoked })
	case 1:
		k.change(s.now, func(key *apiclient.Key) { key.Scopes = []string{"inventory:*"} })
	case 2:
		k.change(s.now, func(key *apiclient.Key) { key.Name = "renamed " + key.Name })
	default:
		if s.conf.chaos && s.chance(0.3) {
			s.logf("console: %s loses its marker", k.id)
			s.unmarked[k.id] = true
			k.change(s.now, func(key *apiclient.Key) { key.Name = "somebody's" })
		}
	}
}

func (c *simCluster) weather() {
	c.s.apiDown = !c.s.apiDown && c.s.chance(0.5)
	c.s.logf("API down: %t", c.s.apiDown)
}

func (c *simCluster) policy() { c.refused = c.s.chance(0.3) }

// loseLedger removes a ledger, finalizer and all.
func (c *simCluster) loseLedger() {
	names := slices.Sorted(maps.Keys(c.present().ledgers))
	if len(names) == 0 {
		return
	}
	name := names[c.s.rng.IntN(len(names))]
	c.meddled = c.s.steps
	c.s.tainted[c.present().ledgers[name].ID] = true
	c.s.logf("%s: ledger %s is destroyed", c.uid, name)
	c.commit(func(e *etcd) { delete(e.ledgers, name) })
}

// restore puts a former state of etcd back, with newer versions, and everything in the cluster starts again.
func (c *simCluster) restore() {
	back := min(1+c.s.rng.IntN(12), len(c.history)-1)
	if back == 0 {
		return
	}
	former := c.history[len(c.history)-1-back]
	c.s.logf("%s: etcd is set back by %d writes", c.uid, back)
	for _, k := range c.s.keys {
		if k.cluster == c {
			c.s.tainted[k.id] = true
		}
	}
	for _, r := range c.present().apiKeys {
		c.orphansOK[r.UID] = true
	}
	c.late = nil
	for _, w := range c.workloads {
		w.sequence = 0 // their annotations are set back too
	}
	c.commit(func(e *etcd) {
		e.ledgers, e.terminating = maps.Clone(former.ledgers), former.terminating
		e.apiKeys, e.targets = map[string]Resource{}, map[string]TargetRecord{}
		for name, r := range former.apiKeys {
			r.Version = fmt.Sprint(e.rv)
			e.apiKeys[name] = r
		}
		for name, t := range former.targets {
			t.Version = fmt.Sprint(e.rv)
			e.targets[name] = t
		}
	})
	for _, p := range c.processes {
		p.crash()
	}
}

// switchTenant puts another tenant's token into the Connection, or the right one back.
func (c *simCluster) switchTenant() {
	if c.s.conf.admin {
		return
	}
	next := map[string]string{"session-A": "session-B", "session-B": "session-A"}[c.token[mainConnection]]
	c.s.logf("%s: the token is now %s", c.uid, next)
	c.token[mainConnection] = next
}

// terminate deletes the namespace.
func (c *simCluster) terminate() {
	if c.present().terminating || !c.s.chance(0.3) {
		return
	}
	c.s.logf("%s: the namespace is deleted", c.uid)
	c.commit(func(e *etcd) {
		e.terminating = true
		for name, r := range e.apiKeys {
			if r.DeletedAt.IsZero() {
				r.DeletedAt = c.s.now
			}
			r.Version = fmt.Sprint(e.rv)
			e.apiKeys[name] = r
		}
		for name := range e.targets {
			if !c.s.conf.admin || name != apiKeyName(0) { // the token in use has a finalizer
				delete(e.targets, name)
			}
		}
	})
	c.reap()
}
