package sandbox

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math/rand/v2"
	"net/http"
	"slices"
	"sync"
	"time"
)

// Server is one sandbox: an organisation with its keys, session tokens, quota, faults and counters. It listens on
// nothing itself: [Server.API] and [Server.Management] are handlers for two listeners. Safe for concurrent use.
type Server struct {
	dialect      Dialect
	routes       []route
	clock        func() time.Time
	logger       *slog.Logger
	issueHook    func(id, plaintext string)
	sessionToken string

	// One lock for everything below: a request is carried out under it from authentication to commit, so requests take
	// effect one after the other. With a store, that includes the sync to disk.
	mu          sync.Mutex
	tenant      *tenant
	limiter     limiter
	faults      faults
	stats       Stats
	random      io.Reader // ids, plaintexts, tokens
	collections map[string][]object
}

// New starts a sandbox. Errors: an option's value is invalid, or the store cannot be opened or read.
func New(opts ...Option) (*Server, error) {
	c, err := newConfig(opts)
	if err != nil {
		return nil, fmt.Errorf("sandbox: %w", err)
	}
	t, err := openStore(c.storePath)
	if err != nil {
		return nil, fmt.Errorf("sandbox: %w", err)
	}
	s := &Server{
		dialect: c.dialect, clock: c.clock, logger: c.logger, issueHook: c.issueHook,
		routes:      slices.Concat(managementRoutes, businessRoutes()),
		tenant:      t,
		limiter:     limiter{limits: slices.Clone(c.limits), windows: map[windowKey]*window{}},
		stats:       newStats(),
		random:      newSource(c.seed),
		collections: seedCollections(),
		faults:      faults{random: faultDice(c.seed)},
	}
	for _, f := range c.faults {
		s.faults.add(f)
	}
	if err := s.firstSession(c.sessionToken); err != nil {
		return nil, errors.Join(err, t.close())
	}
	return s, nil
}

func openStore(path string) (*tenant, error) {
	if path == "" {
		return openTenant(noStore{})
	}
	bolt, err := openBolt(path)
	if err != nil {
		return nil, err
	}
	t, err := openTenant(bolt)
	if err != nil {
		return nil, errors.Join(err, bolt.close())
	}
	return t, nil
}

func faultDice(seed uint64) *rand.Rand {
	var drawn [8]byte
	if _, err := io.ReadFull(newSource(seed), drawn[:]); err != nil {
		panic(err) // see randomText
	}
	return rand.New(rand.NewPCG(binary.LittleEndian.Uint64(drawn[:]), 0)) //nolint:gosec // dice for faults, not for secrets
}

// firstSession adds the session token to start with.
func (s *Server) firstSession(token string) error {
	if token == "" {
		token = s.randomSession()
	}
	s.sessionToken = token
	if err := s.tenant.commit(change{session: &session{hash: hashOf(token), valid: true}}, s.now()); err != nil {
		return fmt.Errorf("sandbox: %w", err)
	}
	return nil
}

// API returns the handler of /api/..., to be served at the root of a listener.
func (s *Server) API() http.Handler { return http.HandlerFunc(s.serveAPI) }

// Close writes what was put off and closes the store. Requests must have ended before.
func (s *Server) Close() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.tenant.close()
}

// Now is the sandbox's time: its clock plus the offset.
func (s *Server) Now() time.Time {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.now()
}

func (s *Server) now() time.Time { return s.clock().Add(s.tenant.organisation.ClockOffset) }
