package tenant

import (
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"net/http"
	"sync"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
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
	options   Options
	transport func(trust *x509.CertPool) http.RoundTripper

	mu      sync.Mutex
	entries map[Key]*entry
	strays  map[string]int64  // revoked, by identity
	crowds  map[string]*slots // by namespace
	all     slots             // of all connections
}

var _ apikey.Connections = &Pool{}

// New makes an empty Pool.
func New(o Options) *Pool {
	return &Pool{options: o, transport: transportTo, entries: map[Key]*entry{}, strays: map[string]int64{}, crowds: map[string]*slots{}}
}

// Open returns the connection that the ApiKey names, as it is now: with one token and one tenant, which its requests
// and its listings have in common.
func (p *Pool) Open(ctx context.Context, r *apikey.Resource) (apikey.Connection, error) {
	k, ok := ParseKey(r.ConnectionRef)
	if !ok {
		return nil, fmt.Errorf("connection %q: %w", r.ConnectionRef, apikey.ErrNotFound)
	}
	obj, err := p.object(ctx, p.options.Client, k)
	if err != nil {
		return nil, err
	}
	e, err := p.refreshed(ctx, obj)
	if err != nil {
		return nil, err
	}
	if comeBack := e.slots.full(e.limit(), p.options.Now()); comeBack > 0 {
		return nil, p.busy(comeBack)
	}
	session, _ := e.present()
	return &connection{pool: p, entry: e, session: session, obj: obj, resource: r}, nil
}

// Poll brings the connection's client up to date, and returns a listing that is at most maxAge old. Its error is a
// *apikey.BusyError while a listing is on its way that takes long, or one of Kubernetes; what the API answered is in the
// Report.
func (p *Pool) Poll(ctx context.Context, obj v1alpha1.ConnectionObject, maxAge time.Duration) (*Report, error) {
	p.entryOf(obj).markStale() // once in each interval the Secret is read even if no watch told of a change
	e, err := p.refreshed(ctx, obj)
	if err != nil {
		return nil, err
	}
	report := &Report{}
	session, tokenErr := e.present()
	if session != nil {
		report.View, err = session.view(ctx, apiclient.Freshness{MaxAge: maxAge})
	}
	if busy, ok := errors.AsType[*apikey.BusyError](err); ok {
		return nil, busy
	}
	report.Facts = e.facts()
	if report.View == nil && tokenErr == nil {
		report.Failure = err // that of this listing, whatever has happened since
	}
	if quota, ok := errors.AsType[*apiclient.QuotaError](report.Failure); ok {
		report.RetryAt, report.Quota = quota.RetryAt, v1alpha1.QuotaExhausted
	}
	return report, nil
}

// RevokeKey revokes a key through the connection, for keys that no ApiKey stands for.
func (p *Pool) RevokeKey(ctx context.Context, obj v1alpha1.ConnectionObject, id string) error {
	e, err := p.refreshed(ctx, obj)
	if err != nil {
		return err
	}
	session, _ := e.present()
	return (&connection{pool: p, entry: e, session: session, obj: obj}).RevokeKey(ctx, id)
}

// TokenChanged has the token read again before the next request, and forgets failures.
func (p *Pool) TokenChanged(k Key) {
	if e := p.existing(k); e != nil {
		e.tokenChanged()
	}
}

// Forget drops the client of an object that is gone. Exchanges that are on their way come to their end.
func (p *Pool) Forget(k Key) {
	p.mu.Lock()
	e := p.entries[k]
	delete(p.entries, k)
	if e != nil {
		delete(p.strays, e.identity)
	}
	p.mu.Unlock()
	if e != nil {
		e.close()
	}
}

// StrayRevoked counts a revoked stray.
func (p *Pool) StrayRevoked(identity string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.strays[identity]++
}

func (p *Pool) straysRevoked(identity string) int64 {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.strays[identity]
}

// TenantStamp stands for the address and the token Secret that are used now: it changes with either. It is made of the
// Secret's uid and resourceVersion, never of the token.
func (p *Pool) TenantStamp(ctx context.Context, obj v1alpha1.ConnectionObject) (string, error) {
	p.entryOf(obj).markStale()
	e, err := p.refreshed(ctx, obj)
	if err != nil {
		return "", err
	}
	if _, err := e.present(); err != nil {
		return "", err
	}
	return e.stamp(), nil
}

// Facts returns what is known of the connection, and whether there is anything.
func (p *Pool) Facts(k Key) (Facts, bool) {
	e := p.existing(k)
	if e == nil {
		return Facts{}, false
	}
	return e.facts(), true
}

// crowd counts the workers that the connections of one namespace hold together: who may make Connections can make many,
// all to a server that hangs. A ClusterConnection is an administrator's, and counts for itself.
func (p *Pool) crowd(k Key) *slots {
	crowd := k.Namespace
	if crowd == "" {
		crowd = "/" + k.Name
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.crowds[crowd] == nil {
		p.crowds[crowd] = &slots{}
	}
	return p.crowds[crowd]
}

func (p *Pool) existing(k Key) *entry {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.entries[k]
}

// entryOf returns the object's entry. One of another object of the same name goes: nothing of it counts any more.
func (p *Pool) entryOf(obj v1alpha1.ConnectionObject) *entry {
	p.mu.Lock()
	defer p.mu.Unlock()
	e := p.entries[KeyOf(obj)]
	if e == nil || e.identity != Identity(obj) {
		if e != nil {
			e.close()
		}
		e = newEntry(p, obj)
		p.entries[e.key] = e
	}
	return e
}

func (p *Pool) refreshed(ctx context.Context, obj v1alpha1.ConnectionObject) (*entry, error) {
	e := p.entryOf(obj)
	e.adopt(obj)
	return e, e.refresh(ctx)
}

// object reads a connection object.
func (p *Pool) object(ctx context.Context, from client.Reader, k Key) (v1alpha1.ConnectionObject, error) {
	var obj v1alpha1.ConnectionObject = &v1alpha1.Connection{}
	if k.Kind == v1alpha1.KindClusterConnection {
		if !p.options.ClusterConnections {
			return nil, fmt.Errorf("%s: ClusterConnections are not served in namespaced mode: %w", k, apikey.ErrNotFound)
		}
		obj = &v1alpha1.ClusterConnection{}
	}
	err := from.Get(ctx, client.ObjectKey{Namespace: k.Namespace, Name: k.Name}, obj)
	if apierrors.IsNotFound(err) {
		return nil, fmt.Errorf("%s: %w", k, apikey.ErrNotFound)
	}
	return obj, err
}

// busy says when to come back; not all at the same moment.
func (p *Pool) busy(wait time.Duration) *apikey.BusyError {
	jitter := rand.N(wait) //nolint:gosec // spreading load needs no secrecy
	return &apikey.BusyError{RetryAt: p.options.Now().Add(wait + jitter)}
}
