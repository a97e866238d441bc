package sandbox

import (
	"slices"
	"strings"
	"time"
)

// Status values that the sandbox itself gives to keys. Edits may set any other.
const (
	StatusActive  = "ACTIVE"
	StatusRevoked = "REVOKED"
	StatusExpired = "EXPIRED"
)

// Key is an API key as its owner may see it: without plaintext, which the sandbox keeps nowhere.
type Key struct {
	ID         string     `json:"id"`
	Name       string     `json:"name"`
	KeyPrefix  string     `json:"keyPrefix"`
	Last4      string     `json:"last4"`
	Scopes     []string   `json:"scopes"`
	Status     string     `json:"status"` // ACTIVE, REVOKED, EXPIRED, or what an edit has set
	CreatedAt  time.Time  `json:"createdAt"`
	ExpiresAt  *time.Time `json:"expiresAt,omitempty"`
	RevokedAt  *time.Time `json:"revokedAt,omitempty"`
	LastUsedAt *time.Time `json:"lastUsedAt,omitempty"`
	// AllowedIPs holds addresses and CIDR prefixes from which the key may be used; empty means any (IP_RESTRICTED).
	AllowedIPs []string `json:"allowedIPs,omitempty"`
}

// statusAt is the status at a time: an active key whose expiry has passed is EXPIRED.
func (k Key) statusAt(now time.Time) string {
	if k.ExpiresAt != nil && !now.Before(*k.ExpiresAt) && strings.EqualFold(k.Status, StatusActive) {
		return StatusExpired
	}
	return k.Status
}

// deadAt reports that the key is revoked or expired at a time.
func (k Key) deadAt(now time.Time) bool {
	status := k.statusAt(now)
	return strings.EqualFold(status, StatusRevoked) || strings.EqualFold(status, StatusExpired)
}

// viewAt is a deep copy with the status of the time.
func (k Key) viewAt(now time.Time) Key {
	k.Status = k.statusAt(now)
	k.Scopes = slices.Clone(k.Scopes)
	k.AllowedIPs = slices.Clone(k.AllowedIPs)
	k.ExpiresAt, k.RevokedAt, k.LastUsedAt = copyTime(k.ExpiresAt), copyTime(k.RevokedAt), copyTime(k.LastUsedAt)
	return k
}

func copyTime(t *time.Time) *time.Time {
	if t == nil {
		return nil
	}
	c := *t
	return &c
}

// record is a key as kept: what is listed, and the hashes of the plaintexts that authenticate it. Records are
// immutable once committed; a change commits a clone.
type record struct {
	Key
	Seq     uint64   `json:"seq"` // creation order
	Secrets []secret `json:"secrets"`
}

// secret is one plaintext of a key. A key has several only after a rotation that kept its id (Dialect.RotateID).
type secret struct {
	Hash    string `json:"hash"` // hex SHA-256
	Revoked bool   `json:"revoked,omitempty"`
}

func (r *record) clone() *record {
	c := *r
	c.Key = r.viewAt(time.Time{})
	c.Status = r.Status
	c.Secrets = slices.Clone(r.Secrets)
	return &c
}

// revoke marks the key and every plaintext of it as revoked.
func (r *record) revoke(now time.Time) {
	r.Status, r.RevokedAt = StatusRevoked, &now
}
