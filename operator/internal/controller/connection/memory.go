package connection

import (
	"sync"
	"time"

	"k8s.io/apimachinery/pkg/types"

	"github.com/betterdataco/terraform-provider-betterdata/apiclient"
	"github.com/betterdataco/terraform-provider-betterdata/operator/internal/tenant"
)

// memory is what one process remembers of one connection. All of it can be lost: more ApiKeys are then looked at than
// needed, and an orphan is revoked later.
type memory struct {
	uid      types.UID
	before   *listing // the last listing; nil: there was none
	token    string   // fingerprint of the token that it was made with
	mismatch bool     // it was another tenant's
	failed   bool     // the last report told of a failure
	doubted  bool     // it may be over, so that only a new listing counts

	waitingSince time.Time // when listings began to wait for the quota; zero: they do not

	accepted *acceptance // by a person, in the time of this process

	orphans   []apiclient.Key // in the listing that began at orphansAt
	orphansAt time.Time
	seen      sightings

	straysBefore, orphansBefore int64 // counts in the status when this process began
	orphansRevoked              int64 // by this process
}

// waited notes since when listings wait for the quota without a break: one short wait after another is a long one.
func (m *memory) waited(waits bool, now time.Time) {
	switch {
	case !waits:
		m.waitingSince = time.Time{}
	case m.waitingSince.IsZero():
		m.waitingSince = now
	}
}

// memories holds the memory of each connection.
type memories struct {
	mu    sync.Mutex
	byKey map[tenant.Key]*memory
}

// of returns the memory of a connection, which one worker at a time handles. That of an earlier object of the same name
// does not count.
func (m *memories) of(key tenant.Key, uid types.UID) (_ *memory, isNew bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.byKey == nil {
		m.byKey = map[tenant.Key]*memory{}
	}
	if known := m.byKey[key]; known != nil && known.uid == uid {
		return known, false
	}
	fresh := &memory{uid: uid, seen: sightings{}}
	m.byKey[key] = fresh
	return fresh, true
}

func (m *memories) forget(key tenant.Key) {
	m.mu.Lock()
	defer m.mu.Unlock()
	delete(m.byKey, key)
}
