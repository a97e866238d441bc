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
	// Did is told of every action that was carried out or failed, for events, metrics and logs. It may be nil.
	Did func(r *Resource, action Action, err error)

	memories memories
}

// Outcome is what a reconcile ends in: the last observation, and why nothing more is to be done now.
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
	for range maxRounds {
		s, action, err := e.look(ctx, ref, Cached)
		if errors.Is(err, ErrNotFound) {
			return nil, nil //nolint:nilnil // documented: nothing to reconcile
		}
		if err != nil {
			return nil, err
		}
		if _, resting := action.(Rest); !resting || s.mustLook {
			if s, action, err = e.look(ctx, ref, Live); errors.Is(err, ErrNotFound) {
				return nil, nil //nolint:nilnil // as above
			} else if err != nil {
				return nil, err
			}
		}
		if rest, resting := action.(Rest); resting {
			return &Outcome{Resource: s.resource, Observation: s.seen, Rest: e.withRetry(s, rest)}, nil
		}
		if err := e.perform(ctx, s, action); err != nil {
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
func (e *Engine) perform(ctx context.Context, s *scene, action Action) error {
	err := e.act(ctx, s, action)
	if e.Did != nil {
		e.Did(s.resource, action, err)
	}
	switch {
	case err == nil:
		s.memory.succeeded(action)
	case errors.Is(err, ErrConflict):
		return err // somebody else was faster: look again, after the queue's own backoff
	default:
		s.memory.failed(action, err, e.Now())
	}
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	return nil
}

// withRetry makes a Rest that waits for the API look again by itself.
func (e *Engine) withRetry(s *scene, rest Rest) Rest {
	if s.seen.Listing == nil {
		rest.Until = earlier(rest.Until, e.Now().Add(time.Minute))
	}
	return rest
}
