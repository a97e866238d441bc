package tenant

import (
	"context"
	"errors"
	"sync"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"

	"github.com/betterdataco/terraform-provider-betterdata/operator/api/v1alpha1"
)

// rereadAfter is when a token Secret that could not be read, or held no token, is read again without having changed.
const rereadAfter = 10 * time.Second

// entry is what belongs to one connection object, whatever becomes of its settings and its token.
type entry struct {
	pool      *Pool
	key       Key
	identity  string
	slots     slots
	mints     mintLog
	admission sync.Mutex    // held from judging maxKeys to taking a place
	reading   chan struct{} // holds one: who reads the token

	mu         sync.Mutex
	session    *session // nil: there never was a token
	generation int64
	wanted     wanted
	stale      bool        // the token must be read before the next request
	source     tokenSource // from where it was read last
	tokenErr   error       // why it could not be read last; the session then goes on with the last good one
	rereadAt   time.Time
	tenant     string // the stamp of address and token Secret, as last read
	dropsNames bool
}

func newEntry(p *Pool, obj v1alpha1.ConnectionObject) *entry {
	return &entry{pool: p, key: KeyOf(obj), identity: Identity(obj), reading: make(chan struct{}, 1), stale: true}
}

// wanted is what an object asks for, as far as its client depends on it.
type wanted struct {
	source        tokenSource
	configuration configuration
	poll          time.Duration
}

// adopt notes what the object asks for, unless a newer version of it was seen.
func (e *entry) adopt(obj v1alpha1.ConnectionObject) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if obj.GetGeneration() < e.generation {
		return
	}
	e.generation = obj.GetGeneration()
	e.wanted = wanted{sourceOf(obj), configurationOf(obj.Settings()), obj.Settings().Poll()}
	if e.session != nil {
		e.session.setPoll(e.wanted.poll)
	}
}

// refresh makes the session that of the settings that are wanted and of the token as it is now. It reads the Secret only
// if the token may have changed. What is wrong with the token is no error here: present tells it.
func (e *entry) refresh(ctx context.Context) error {
	if !e.outdated() {
		return nil
	}
	select {
	case e.reading <- struct{}{}:
		defer func() { <-e.reading }()
	case <-ctx.Done():
		return context.Cause(ctx)
	}
	if !e.outdated() {
		return nil // somebody else was faster
	}
	return e.read(ctx)
}

// outdated reports whether session and token may not be what is wanted.
func (e *entry) outdated() bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	switch {
	case e.stale, e.source != e.wanted.source:
		return true
	case e.tokenErr != nil:
		return !e.pool.options.Now().Before(e.rereadAt)
	}
	return e.session == nil || e.session.configuration != e.wanted.configuration
}

// read reads the token and takes settings and token over. A token that cannot be read leaves the session as it was, old
// settings included: the old token must not go to a new address on its own.
func (e *entry) read(ctx context.Context) error {
	e.mu.Lock()
	e.stale = false // a change from here on is a change again
	want := e.wanted
	e.mu.Unlock()
	found, secret, err := readToken(ctx, e.pool.options.Live, want.source)
	e.mu.Lock()
	defer e.mu.Unlock()
	if err != nil && !errors.Is(err, ErrTokenMissing) && !apierrors.IsForbidden(err) {
		e.stale = true // it may go better the next time
		return err
	}
	e.source, e.tokenErr, e.tenant = want.source, err, ""
	if err != nil {
		e.rereadAt = e.pool.options.Now().Add(rereadAfter)
		return nil
	}
	e.tenant = stampOf(secret, want.configuration.address)
	if s := e.session; s != nil && s.token.fingerprint == found.fingerprint && s.configuration == want.configuration {
		return nil
	}
	if e.session != nil {
		e.session.supersede()
	}
	e.session = e.pool.newSession(ctx, e.key, found, want)
	return nil
}

// tokenChanged has the token read again, and lets requests pass that a failure held back.
func (e *entry) tokenChanged() {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.stale = true
	if e.session != nil {
		e.session.reset()
	}
}

// markStale has the token read again before the next request.
func (e *entry) markStale() {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.stale = true
}

// rereadTime is when a token that could not be read is read again.
func (e *entry) rereadTime() time.Time {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.rereadAt
}

// close ends what would go on by itself.
func (e *entry) close() {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.session != nil {
		e.session.supersede()
	}
}

// present returns the session, nil if there never was a token, and what is wrong with the token now.
func (e *entry) present() (s *session, tokenErr error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.session, e.tokenErr
}

// stamp returns what stands for the tenant that address and token lead to now, empty if there is no token.
func (e *entry) stamp() string {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.tenant
}

func (e *entry) setStamp(stamp string) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.tenant = stamp
}

func (e *entry) noteNamesDropped() {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.dropsNames = true
}

func (e *entry) namesDropped() bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.dropsNames
}

// limit is how many workers the connection may hold: half of them, and one while its last request has failed.
func (e *entry) limit() int {
	if s, _ := e.present(); s != nil && s.suspect() {
		return 1
	}
	return max(1, e.pool.options.Workers/2)
}

// spared is how many workers no connection holds, so that Secrets are repaired, which takes no request, whatever servers
// do in however many namespaces.
const spared = 2

// heldByAll is how many workers all connections may hold together: always one more than those of a single namespace, which
// could otherwise keep the rest from every request.
func heldByAll(workers int) int { return min(workers, max(workers/2+1, workers-spared)) }

// take takes a worker's slot, or says that the connection, all those of its namespace together, or all there are, are busy.
func (e *entry) take() (release func(), err error) {
	now, workers := e.pool.options.Now(), e.pool.options.Workers
	leave, ok := e.pool.crowd(e.key).takeUnder(max(1, workers/2), now)
	if !ok {
		return nil, e.pool.busy(moment)
	}
	giveBack, ok := e.pool.all.takeUnder(heldByAll(workers), now)
	if !ok {
		leave()
		return nil, e.pool.busy(moment)
	}
	done, comeBack := e.slots.take(e.limit(), now)
	if comeBack > 0 {
		giveBack()
		leave()
		return nil, e.pool.busy(comeBack)
	}
	return func() { done(); giveBack(); leave() }, nil
}
