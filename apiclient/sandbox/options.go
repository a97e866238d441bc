package sandbox

import (
	"errors"
	"log/slog"
	"time"
)

// Option configures a [Server].
type Option func(*config)

type config struct {
	storePath    string
	dialect      Dialect
	clock        func() time.Time
	limits       []RateLimit
	seed         uint64
	faults       []Fault
	sessionToken string
	logger       *slog.Logger
	issueHook    func(id, plaintext string)
}

func newConfig(opts []Option) (config, error) {
	c := config{clock: time.Now, limits: DefaultRateLimits(), logger: slog.New(slog.DiscardHandler)}
	for _, opt := range opts {
		opt(&c)
	}
	var errs []error
	var err error
	c.dialect, err = c.dialect.normalized()
	errs = append(errs, err)
	for _, l := range c.limits {
		errs = append(errs, l.validate())
	}
	for _, f := range c.faults {
		errs = append(errs, f.Validate())
	}
	return c, errors.Join(errs...)
}

// WithStore keeps keys, session tokens (both as hashes), organisation state and clock offset in a bbolt file, synced
// at every commit. Without it everything is in memory. Quota windows, statistics, faults and business data are always
// in memory.
func WithStore(path string) Option { return func(c *config) { c.storePath = path } }

// WithDialect chooses the shapes of answers; the vendor's page, read literally, without it.
func WithDialect(d Dialect) Option { return func(c *config) { c.dialect = d } }

// WithClock replaces time.Now. The clock offset is added to it. It must not call the server.
func WithClock(now func() time.Time) Option { return func(c *config) { c.clock = now } }

// WithRateLimits replaces [DefaultRateLimits]; without arguments nothing is limited.
func WithRateLimits(limits ...RateLimit) Option { return func(c *config) { c.limits = limits } }

// WithSeed makes ids, plaintexts, the session token and faults repeatable. 0 means unpredictable.
func WithSeed(seed uint64) Option { return func(c *config) { c.seed = seed } }

// WithFaults adds rules that are in force from the start.
func WithFaults(rules ...Fault) Option {
	return func(c *config) { c.faults = append(c.faults, rules...) }
}

// WithSessionToken sets the first session token; a random one without it.
func WithSessionToken(tok string) Option { return func(c *config) { c.sessionToken = tok } }

// WithLogger logs each request by operation, endpoint, caller and outcome: never a token, a plaintext, a body or a path
// as sent. Nothing is logged without it.
func WithLogger(l *slog.Logger) Option { return func(c *config) { c.logger = l } }

// WithIssueHook has f see each plaintext once, before the issuing answer is sent, also when a fault keeps it from the
// answer. For leak tests and demos: the sandbox stores no plaintext. f may call the server.
func WithIssueHook(f func(id, plaintext string)) Option { return func(c *config) { c.issueHook = f } }
