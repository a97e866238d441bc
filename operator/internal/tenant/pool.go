package tenant

import (
	"context"
	"errors"
	"log/slog"
	"time"

	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/betterdataco/terraform-provider-betterdata/apiclient"
	"github.com/betterdataco/terraform-provider-betterdata/operator/api/v1alpha1"
	"github.com/betterdataco/terraform-provider-betterdata/operator/internal/controller/apikey"
)

// Ledgers tells what ledgers record, from their cache.
type Ledgers interface {
	// Known lists every key that ledgers record as issued through the connection.
	Known(ctx context.Context, identity string) ([]apikey.Known, error)
	// HasLedgers reports whether the ApiKey has any.
	HasLedgers(ctx context.Context, apiKeyUID string) bool
}

// Observer counts requests.
type Observer interface {
	// Request is told of each attempt on the wire. The code is the HTTP status, or "error" where there was no answer.
	Request(k Key, op apiclient.Operation, code string)
}

// Options is what a Pool needs. All of it is required.
type Options struct {
	Client             client.Client // cached reads of connections and ApiKeys; writes of in-use finalizers
	Live               client.Reader // token Secrets, and whatever must be true now
	ClusterConnections bool          // false in namespaced mode, which has no ClusterConnections
	Ledgers            Ledgers
	Now                func() time.Time
	UserAgent          string
	Logger             *slog.Logger
	Workers            int // ApiKeys that are reconciled at the same time
	Metrics            Observer
}

// Pool holds the API clients of all connections. It implements apikey.Connections and is safe for concurrent use.
type Pool struct {
	options Options
}

var errNotYet = errors.New("not yet")

// New makes an empty Pool.
func New(o Options) *Pool { return &Pool{options: o} }

// Open returns the connection that the ApiKey names, as it is now.
func (p *Pool) Open(ctx context.Context, r *apikey.Resource) (apikey.Connection, error) {
	return nil, errNotYet
}

// Poll brings the connection's client up to date, and returns a listing that is at most maxAge old. Its error is a
// *apikey.BusyError while a listing is on its way that takes long, or one of Kubernetes; what the API answered is in the
// Report.
func (p *Pool) Poll(ctx context.Context, obj v1alpha1.ConnectionObject, maxAge time.Duration) (*Report, error) {
	return nil, errNotYet
}

// RevokeKey revokes a key through the connection, for keys that no ApiKey stands for.
func (p *Pool) RevokeKey(ctx context.Context, obj v1alpha1.ConnectionObject, id string) error {
	return errNotYet
}

// TokenChanged has the token read again before the next request, and forgets failures.
func (p *Pool) TokenChanged(k Key) {}

// Forget drops the client of an object that is gone.
func (p *Pool) Forget(k Key) {}

// StrayRevoked counts a revoked stray.
func (p *Pool) StrayRevoked(identity string) {}

// TenantStamp stands for the address and the token Secret that are used now: it changes with either. It is made of the
// Secret's uid and resourceVersion, never of the token.
func (p *Pool) TenantStamp(ctx context.Context, obj v1alpha1.ConnectionObject) (string, error) {
	return "", errNotYet
}

// Facts returns what is known of the connection, and whether there is anything.
func (p *Pool) Facts(k Key) (Facts, bool) { return Facts{}, false }
