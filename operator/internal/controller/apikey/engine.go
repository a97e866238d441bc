package apikey

import (
	"context"
	"errors"
	"time"
)

// Engine reconciles ApiKeys, each by one goroutine at a time.
type Engine struct {
	Cluster     Cluster
	Connections Connections
	Now         func() time.Time
	LeaderSince func() time.Time // when this process began to act
	Policy      Policy
	// Did is told of everything that was done or failed, for events, metrics and logs. It may be nil.
	Did func(Deed)

	memories memories
}

// Deed is an action that was carried out, or failed.
type Deed struct {
	Resource   *Resource
	Connection string // identity
	Action     Action
	Err        error // nil: it is done
	Again      bool  // it fails in the same way as when it was last tried
}

// Outcome is what a reconcile ends in: the last observation, and why nothing more is to be done now. Without a Resource
// it is not at an end, and only wants to be called again.
type Outcome struct {
	Resource    *Resource
	Observation Observation
	Rest        Rest
}

// maxRounds bounds one reconcile: beyond it other ApiKeys have their turn.
const maxRounds = 12

// Reconcile observes, decides and acts until there is nothing to do. A decision that was made from the cache is made
// again from live reads before anything is done. The Outcome is nil if the ApiKey does not exist.
func (e *Engine) Reconcile(ctx context.Context, ref Ref) (*Outcome, error) {
	done := efforts{}
	for range maxRounds {
		s, action, err := e.look(ctx, ref, Cached)
		if _, resting := action.(Rest); err == nil && (!resting || s.mustLook) {
			s, action, err = e.look(ctx, ref, Live)
		}
		if errors.Is(err, ErrNotFound) {
			e.memories.forget(ref)
			return nil, nil //nolint:nilnil // documented: nothing to reconcile
		}
		if err != nil {
			return nil, err
		}
		if rest, resting := action.(Rest); resting {
			s.memory.forgetFailures(e.Now())
			return &Outcome{Resource: s.resource, Observation: s.seen, Rest: e.withRetry(s, rest)}, nil
		}
		if err := e.perform(ctx, s, action, done); err != nil {
			return nil, err
		}
	}
	return &Outcome{Rest: Rest{Until: e.Now()}}, nil
}

func (e *Engine) look(ctx context.Context, ref Ref, read Read) (*scene, Action, error) {
	s, err := e.observe(ctx, ref, read)
	if err != nil {
		return nil, nil, err
	}
	return s, decide(s.seen, e.Now()), nil
}

// perform carries out the action and remembers a failure, so that it neither repeats at once nor holds up others. Only
// the end of ctx ends the reconcile.
func (e *Engine) perform(ctx context.Context, s *scene, action Action, done efforts) error {
	err := done.spent(action)
	if err == nil {
		err = e.act(ctx, s, action)
	}
	_, busy := errors.AsType[*BusyError](err)
	deed := Deed{Resource: s.resource, Connection: s.seen.Connection.Identity, Action: action, Err: err}
	switch {
	case err == nil:
		s.memory.succeeded(action)
		done[effortOf(action)]++
	case errors.Is(err, ErrConflict) || busy:
		return err // somebody else was faster: look again, after the queue's own backoff
	default:
		deed.Again = !s.memory.failed(action, err, s.seen.circumstance(), e.Now())
	}
	e.tell(deed)
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	return nil
}

func (e *Engine) tell(deed Deed) {
	if e.Did != nil {
		e.Did(deed)
	}
}

// withRetry makes a Rest look again by itself where nobody tells when what it waits for has come: the API, or a Secret in
// the way to go, which is not ours and so in no cache.
func (e *Engine) withRetry(s *scene, rest Rest) Rest {
	if s.seen.Listing == nil || rest.Has(SecretConflict) {
		rest.Until = earlier(rest.Until, e.Now().Add(time.Minute))
	}
	return rest
}
