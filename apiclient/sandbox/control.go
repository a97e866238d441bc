package sandbox

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"
)

// ErrKeyNotFound means that no key has the id.
var ErrKeyNotFound = errors.New("sandbox: key not found")

// SessionToken returns the token that the sandbox started with.
func (s *Server) SessionToken() string { return s.sessionToken }

// NewSessionToken adds a session token and returns it; an empty string when the store fails, which is logged.
func (s *Server) NewSessionToken() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	token := s.randomSession()
	if s.control(change{session: &session{hash: hashOf(token), valid: true}}) != nil {
		return ""
	}
	return token
}

// RevokeSessionToken makes a session token invalid at once.
func (s *Server) RevokeSessionToken(tok string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if hash := hashOf(tok); s.tenant.sessions[hash] {
		_ = s.control(change{session: &session{hash: hash}})
	}
}

func (s *Server) randomSession() string {
	for {
		token := "session_" + randomText(s.random, alphanumeric, 40)
		if _, taken := s.tenant.sessions[hashOf(token)]; !taken {
			return token
		}
	}
}

// control commits a change that no API request asked for.
func (s *Server) control(c change) error {
	err := s.tenant.commit(c, s.now())
	if err != nil {
		s.logger.Error("commit", "error", err)
	}
	return err
}

// Keys returns copies of all keys in creation order, with the status that they have now.
func (s *Server) Keys() []Key {
	return s.keys(func(Key, time.Time) bool { return true })
}

// LiveKeys returns copies of the keys that are neither revoked nor expired.
func (s *Server) LiveKeys() []Key {
	return s.keys(func(k Key, now time.Time) bool { return !k.deadAt(now) })
}

func (s *Server) keys(keep func(Key, time.Time) bool) []Key {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := s.now()
	keys := []Key{}
	for _, r := range s.tenant.all() {
		if keep(r.Key, now) {
			keys = append(keys, r.viewAt(now))
		}
	}
	return keys
}

// EditKey changes a key behind the clients' backs and counts as no operation. The id cannot be changed. A status set
// to REVOKED without RevokedAt is revoked now. edit must not call the server. Errors: [ErrKeyNotFound], an address in
// AllowedIPs that cannot be read, a failing store.
func (s *Server) EditKey(id string, edit func(*Key)) error {
	_, err := s.editKey(id, edit)
	return err
}

// editKey returns the key as it is afterwards.
func (s *Server) editKey(id string, edit func(*Key)) (Key, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	r, found := s.tenant.records[id]
	if !found {
		return Key{}, ErrKeyNotFound
	}
	next, now := r.clone(), s.now()
	edit(&next.Key)
	next.ID = id
	if _, err := parseAddresses(next.AllowedIPs); err != nil {
		return Key{}, fmt.Errorf("sandbox: allowed IPs: %w", err)
	}
	if strings.EqualFold(next.Status, StatusRevoked) && next.RevokedAt == nil {
		next.RevokedAt = &now
	}
	next = next.clone() // edit may have kept what it was given
	return next.viewAt(now), s.control(change{put: []*record{next}})
}

// DeleteKey makes a key vanish from the listing; its plaintext is then INVALID_API_KEY. Errors: [ErrKeyNotFound], a
// failing store.
func (s *Server) DeleteKey(id string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if _, found := s.tenant.records[id]; !found {
		return ErrKeyNotFound
	}
	return s.control(change{drop: []string{id}})
}

// SetOrganisationActive sets whether the organisation is active; INACTIVE_ORGANIZATION answers everything if not.
func (s *Server) SetOrganisationActive(active bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	next := s.tenant.organisation
	next.Active = active
	_ = s.control(change{organisation: &next})
}

// SetOrganisationIPs limits the addresses that any credential may be used from (IP_RESTRICTED). Entries are addresses
// or CIDR prefixes; none means any. Errors: an entry that cannot be read, a failing store.
func (s *Server) SetOrganisationIPs(allowed ...string) error {
	if _, err := parseAddresses(allowed); err != nil {
		return fmt.Errorf("sandbox: allowed IPs: %w", err)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	next := s.tenant.organisation
	next.AllowedIPs = slices.Clone(allowed)
	return s.control(change{organisation: &next})
}

// SetClockOffset sets what is added to the clock. It moves everything: expiry, quota windows, the Date header.
func (s *Server) SetClockOffset(d time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.setClockOffset(d)
}

// AdvanceClock adds to the clock offset.
func (s *Server) AdvanceClock(d time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.setClockOffset(s.tenant.organisation.ClockOffset + d)
}

func (s *Server) setClockOffset(d time.Duration) {
	next := s.tenant.organisation
	next.ClockOffset = d
	_ = s.control(change{organisation: &next})
}
