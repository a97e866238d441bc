package sandbox

import (
	"net"
	"net/netip"
	"strings"
)

// credential is who calls: a session token, which stands for a tenant admin and has every scope, or an API key.
type credential struct {
	name    string // the key's id, or a short hash of the session token: the quota's key, fit for logs
	session bool
	scopes  []string
}

// authenticate finds out who calls and whether the organisation, and the address called from, let them.
func (s *Server) authenticate(c *call) *problem {
	scheme, token, _ := strings.Cut(strings.TrimSpace(c.authorization), " ")
	token = strings.TrimSpace(token)
	if scheme == "" || strings.EqualFold(scheme, "Bearer") && token == "" {
		return errMissingAuthorization
	}
	if !strings.EqualFold(scheme, "Bearer") {
		return errInvalidAPIKey
	}
	hash := hashOf(token)
	if s.tenant.sessions[hash] {
		c.caller = credential{name: "session_" + hash[:8], session: true}
		return s.admitCaller(c, nil)
	}
	r, used, found := s.tenant.bySecret(hash)
	if !found {
		return errInvalidAPIKey
	}
	if p := usable(r, used, c); p != nil {
		return p
	}
	c.caller = credential{name: r.ID, scopes: r.Scopes}
	if p := s.admitCaller(c, r.AllowedIPs); p != nil {
		return p
	}
	s.tenant.touch(r.ID, c.now)
	return nil
}

// usable tells whether a key, found by one of its plaintexts, still opens anything.
func usable(r *record, used secret, c *call) *problem {
	switch status := strings.ToUpper(r.statusAt(c.now)); {
	case used.Revoked || status == StatusRevoked:
		return errRevokedAPIKey
	case status == StatusExpired:
		return errExpiredAPIKey
	case status != StatusActive:
		return errInvalidAPIKey
	default:
		return nil
	}
}

// admitCaller checks what stands above scopes: the organisation and the address. X-Forwarded-For is not believed.
func (s *Server) admitCaller(c *call, keyIPs []string) *problem {
	if !s.tenant.organisation.Active {
		return errInactiveOrganization
	}
	if !addressAllowed(s.tenant.organisation.AllowedIPs, c.remoteAddr) || !addressAllowed(keyIPs, c.remoteAddr) {
		return errIPRestricted
	}
	return nil
}

// addressAllowed reports that a list is empty or holds the remote address.
func addressAllowed(allowed []string, remoteAddr string) bool {
	if len(allowed) == 0 {
		return true
	}
	host, _, err := net.SplitHostPort(remoteAddr)
	if err != nil {
		host = remoteAddr
	}
	address, err := netip.ParseAddr(host)
	if err != nil {
		return false
	}
	prefixes, err := parseAddresses(allowed)
	if err != nil {
		return false // lists are checked when they are set
	}
	for _, prefix := range prefixes {
		if prefix.Contains(address.Unmap()) {
			return true
		}
	}
	return false
}

// parseAddresses reads addresses and CIDR prefixes.
func parseAddresses(list []string) ([]netip.Prefix, error) {
	prefixes := make([]netip.Prefix, 0, len(list))
	for _, entry := range list {
		if address, err := netip.ParseAddr(entry); err == nil {
			prefixes = append(prefixes, netip.PrefixFrom(address, address.BitLen()))
			continue
		}
		prefix, err := netip.ParsePrefix(entry)
		if err != nil {
			return nil, err
		}
		prefixes = append(prefixes, prefix)
	}
	return prefixes, nil
}
