package apiclient

// This file is the agreed surface; each declaration moves to the file named beside it.

import (
	"context"
	"iter"
	"log/slog"
	"net/http"
	"time"
)

// ---- keys.go ----

type Status string

const (
	StatusActive  Status = "ACTIVE"
	StatusRevoked Status = "REVOKED"
	StatusExpired Status = "EXPIRED"
)

// Dead: REVOKED or EXPIRED, case-insensitively. Unknown values are not dead (facts G14).
func (s Status) Dead() bool { panic("todo") }

// Key is one API key without its plaintext. Status is upper-cased on decoding; scopes as the server sent them.
type Key struct {
	ID, Name, KeyPrefix, Last4                  string
	Scopes                                      []string
	Status                                      Status
	CreatedAt, ExpiresAt, RevokedAt, LastUsedAt *time.Time // nil: not sent, null or unreadable
}

// Live reports that the key is not dead.
func (k Key) Live() bool { return !k.Status.Dead() }

// IssuedKey is the answer of create and rotate. Plaintext is never empty. ID may be empty when the answer held
// a plaintext but no readable key: find the key by the marker in its name. ServerTime is the answer's Date
// header, or the local clock.
type IssuedKey struct {
	Key
	Plaintext  Secret
	ServerTime time.Time
}

type CreateKeyRequest struct {
	Name   string
	Scopes []string
}

// UpdateKeyRequest: both fields are always sent (facts G8).
type UpdateKeyRequest struct {
	Name   string
	Scopes []string
}

// UpdateResult: Echoed tells whether the answer held the key. When not, Key holds the id and what was sent.
type UpdateResult struct {
	Key    Key
	Echoed bool
}

type ListOptions struct{ Page, Limit int }

type KeyPage struct {
	Keys       []Key
	ServerTime time.Time // Date header, or local clock
	// paging evidence, as parsed (fields up to the implementer)
}

func (c *Client) ListKeys(ctx context.Context, opts ListOptions) (*KeyPage, error) { panic("todo") }
func (c *Client) AllKeys(ctx context.Context) iter.Seq2[Key, error]                { panic("todo") }
func (c *Client) CreateKey(ctx context.Context, req CreateKeyRequest) (*IssuedKey, error) {
	panic("todo")
}
func (c *Client) UpdateKey(ctx context.Context, id string, req UpdateKeyRequest) (*UpdateResult, error) {
	panic("todo")
}

// RevokeKey: 404/409/"already revoked" counts as success only once a complete listing begun afterwards says the
// key is absent or dead (facts G7); RevokeKey does that check itself.
func (c *Client) RevokeKey(ctx context.Context, id string) error { panic("todo") }

// RotateKey always sends revokeOld false (P1): the caller revokes the old id once the new plaintext is durable.
// The answer's id may equal id: then there is nothing to revoke.
func (c *Client) RotateKey(ctx context.Context, id string) (*IssuedKey, error) { panic("todo") }

// ---- client.go ----

type Client struct{ directory *Directory }

type Option func(*config) error
type config struct{}

func New(opts ...Option) (*Client, error)                       { panic("todo") }
func WithBaseURL(u string) Option                               { panic("todo") } // default DefaultBaseURL
func WithInsecureHTTP() Option                                  { panic("todo") } // allow http:// beyond loopback
func WithTokenSource(ts TokenSource) Option                     { panic("todo") }
func WithHTTPClient(hc *http.Client) Option                     { panic("todo") } // copied, never modified
func WithUserAgent(ua string) Option                            { panic("todo") }
func WithRetry(p RetryPolicy) Option                            { panic("todo") }
func WithQuota(q Quota) Option                                  { panic("todo") }
func WithNonBlockingQuota() Option                              { panic("todo") } // a wait becomes *QuotaError
func WithClock(c Clock) Option                                  { panic("todo") }
func WithLogger(l *slog.Logger) Option                          { panic("todo") } // never bodies, headers, query values
func WithPageCap(pages int) Option                              { panic("todo") } // default 1000
func WithPageSize(keys int) Option                              { panic("todo") } // default 100
func WithWaitNotify(f func(ctx context.Context, w Wait)) Option { panic("todo") }
func (c *Client) BaseURL() string                               { panic("todo") }
func (c *Client) Directory() *Directory                         { return c.directory }

// OwnsToken reports whether k is the API key this client authenticates with: the token starts with its prefix and
// ends with its last4 (both must be non-empty).
func (c *Client) OwnsToken(ctx context.Context, k Key) (bool, error) { panic("todo") }

// WithTimeBudget bounds the time spent in HTTP exchanges (retry backoff included) under ctx to d. Waiting for quota
// does not count.
func WithTimeBudget(ctx context.Context, d time.Duration) context.Context { panic("todo") }

// ---- auth.go ----

type TokenSource interface {
	Token(ctx context.Context) (Secret, error)
}

func StaticToken(s Secret) TokenSource                                  { panic("todo") }
func TokenFile(path string) TokenSource                                 { panic("todo") } // re-read when the file changes; trims one trailing newline/space
func TokenFunc(f func(ctx context.Context) (Secret, error)) TokenSource { panic("todo") }

// ---- retry.go ----

type RetryPolicy struct {
	MaxRetries       int           // default 4; 429 never counts
	MinWait, MaxWait time.Duration // default 1s, 30s
}

// ---- pace.go ----

type Clock interface {
	Now() time.Time
	// NewTimer returns a channel that receives once after d, and a stop function.
	NewTimer(d time.Duration) (<-chan time.Time, func() bool)
}

type Quota struct{ PerMinute, PerHour int } // 0: none

type Priority int

const (
	PriorityList Priority = iota
	PriorityUpdate
	PriorityRotate
	PriorityCreate
	PriorityRecover
	PriorityRevoke
)

// WithPriority overrides the operation's own priority for requests under ctx.
func WithPriority(ctx context.Context, p Priority) context.Context { panic("todo") }

// Wait tells what a request waits for. Reason is a sentence fragment such as "the API's rate limit (100 of 100 used)".
type Wait struct {
	Op     Operation
	Reason string
	Until  time.Time
}

// QuotaError is returned by the non-blocking form: nothing was sent; come back at RetryAt.
type QuotaError struct {
	Op      Operation
	RetryAt time.Time
	Reason  string
}

func (e *QuotaError) Error() string { panic("todo") }

// ---- directory.go ----

type Directory struct{}

// Instant is a position in a Directory's own logical time: it orders writes and listings without a clock.
type Instant uint64

// Freshness says which listing will do. The zero value accepts any complete listing already held.
type Freshness struct {
	MaxAge     time.Duration // 0: any age
	BegunAfter Instant       // the listing must have begun after this
}

// Now returns an Instant after every write and listing so far.
func (d *Directory) Now() Instant { panic("todo") }

// View returns a complete, consistent picture of the tenant's keys, or an error; never a partial one.
func (d *Directory) View(ctx context.Context, f Freshness) (*View, error) { panic("todo") }

// Absent reports whether two complete listings, the second begun after the first ended, both lack id (P3). When it
// is present after all, the key is returned. Many callers share the two listings.
func (d *Directory) Absent(ctx context.Context, id string, f Freshness) (absent bool, key Key, err error) {
	panic("todo")
}

type View struct{}

func (v *View) Get(id string) (Key, bool)     { panic("todo") }
func (v *View) Keys() []Key                   { panic("todo") } // sorted by CreatedAt, then id
func (v *View) LiveWithMarker(m Marker) []Key { panic("todo") }
func (v *View) Begun() Instant                { panic("todo") }
func (v *View) Completed() Instant            { panic("todo") }

// ServerTime is the API's idea of now: the listing's Date header plus the local time passed since; the local
// clock if the header is absent or unreadable.
func (v *View) ServerTime() time.Time { panic("todo") }

