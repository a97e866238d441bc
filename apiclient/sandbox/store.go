package sandbox

import "time"

// organisation is what the sandbox keeps about its one tenant.
type organisation struct {
	Active      bool          `json:"active"`
	AllowedIPs  []string      `json:"allowedIPs,omitempty"`
	ClockOffset time.Duration `json:"clockOffset,omitempty"`
}

// session is a session token. A revoked one is remembered, so that a seed cannot issue it again.
type session struct {
	hash  string
	valid bool
}

// change is what one commit writes, all or nothing.
type change struct {
	put          []*record
	drop         []string // key ids
	session      *session
	organisation *organisation
}

// saved is the content of a store when it is opened.
type saved struct {
	records      []*record
	sessions     []session
	organisation *organisation
}

// store makes changes durable. The tenant keeps the truth in memory and reads a store only once, when it opens.
type store interface {
	load() (saved, error)
	save(change) error // durable when it returns nil, without effect otherwise
	close() error
}

// noStore is the store of a sandbox in memory.
type noStore struct{}

func (noStore) load() (saved, error) { return saved{}, nil }
func (noStore) save(change) error    { return nil }
func (noStore) close() error         { return nil }
