package tenant

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/betterdataco/terraform-provider-betterdata/apiclient"
	"github.com/betterdataco/terraform-provider-betterdata/operator/api/v1alpha1"
	"github.com/betterdataco/terraform-provider-betterdata/operator/internal/controller/apikey"
)

// connection is what one ApiKey sees of a connection in one look. It keeps to one session: what was decided on the
// listing of one tenant must not be carried out in another.
type connection struct {
	pool     *Pool
	entry    *entry
	session  *session // nil: there never was a token
	obj      v1alpha1.ConnectionObject
	resource *apikey.Resource

	mu       sync.Mutex
	reserved *reservation // of the mint that is to come
}

var _ apikey.Connection = &connection{}

// View implements apikey.Connection. It holds a worker for a moment only, and not more than half of them.
func (c *connection) View(ctx context.Context, f apiclient.Freshness) (apikey.View, error) {
	if err := c.current(ctx); err != nil {
		return nil, err
	}
	if view := c.session.heldView(ctx, f); view != nil {
		return view, nil
	}
	release, err := c.entry.take()
	if err != nil {
		return nil, err
	}
	defer release()
	view, err := c.session.view(ctx, f)
	if err != nil {
		return nil, err
	}
	return view, nil
}

// current reports why the session is not one to go by: there is none, or token or settings have changed since it was
// opened.
func (c *connection) current(ctx context.Context) error {
	if err := c.entry.refresh(ctx); err != nil {
		return err
	}
	present, tokenErr := c.entry.present()
	switch {
	case present == nil:
		return tokenErr
	case present != c.session:
		return &apikey.BusyError{RetryAt: c.pool.options.Now()}
	}
	return nil
}

// CreateKey implements apikey.Connection.
func (c *connection) CreateKey(ctx context.Context, req apiclient.CreateKeyRequest) (*apiclient.IssuedKey, error) {
	return c.mint(ctx, func(ctx context.Context) (*apiclient.IssuedKey, error) { return c.session.client.CreateKey(ctx, req) })
}

// RotateKey implements apikey.Connection.
func (c *connection) RotateKey(ctx context.Context, id string) (*apiclient.IssuedKey, error) {
	return c.mint(ctx, func(ctx context.Context) (*apiclient.IssuedKey, error) { return c.session.client.RotateKey(ctx, id) })
}

// mint sends a create or rotate, and gives its reservation back where nothing can have been issued.
func (c *connection) mint(ctx context.Context, send func(context.Context) (*apiclient.IssuedKey, error)) (*apiclient.IssuedKey, error) {
	var issued *apiclient.IssuedKey
	err := c.exchange(ctx, func(ctx context.Context) (err error) {
		issued, err = send(ctx)
		return err
	})
	if reserved := c.takeReservation(); reserved != nil && err != nil && !errors.Is(err, apiclient.ErrOutcomeUnknown) {
		c.entry.mints.giveBack(*reserved)
	}
	return issued, err
}

// UpdateKey implements apikey.Connection.
func (c *connection) UpdateKey(ctx context.Context, id string, req apiclient.UpdateKeyRequest) (*apiclient.UpdateResult, error) {
	var result *apiclient.UpdateResult
	err := c.exchange(ctx, func(ctx context.Context) (err error) {
		result, err = c.session.client.UpdateKey(ctx, id, req)
		return err
	})
	return result, err
}

// RevokeKey implements apikey.Connection.
func (c *connection) RevokeKey(ctx context.Context, id string) error {
	return c.exchange(ctx, func(ctx context.Context) error { return c.session.client.RevokeKey(ctx, id) })
}

// exchange sends a request, unless the connection has changed, is held back by a failure, or holds as many workers as
// it may. None of these errors leaves open whether something was executed.
func (c *connection) exchange(ctx context.Context, send func(context.Context) error) error {
	if err := c.current(ctx); err != nil {
		return err
	}
	if err := c.session.heldBack(); err != nil {
		return fmt.Errorf("%w: %w", apiclient.ErrNotExecuted, err)
	}
	release, err := c.entry.take()
	if err != nil {
		return err
	}
	defer release()
	err = send(apiclient.WithTimeBudget(ctx, exchangeTimeout))
	c.session.settle(err)
	return err
}

// Verify implements apikey.Connection. It says nothing about the connection: the key is another credential, and a young
// one. A 403 passes: the key works, and may not list keys.
func (c *connection) Verify(ctx context.Context, plaintext apiclient.Secret) error {
	if !c.obj.Settings().Verifies() || c.session == nil || c.session.invalid != nil {
		return nil
	}
	options := append(c.pool.clientOptions(c.session.configuration, c.session.transport, plaintext),
		apiclient.WithRetry(apiclient.RetryPolicy{MaxRetries: -1}),
		apiclient.WithRequestNotify(func(info apiclient.RequestInfo) { c.pool.count(c.entry.key, opVerify, info.Status) }))
	trial, err := apiclient.New(options...)
	if err != nil {
		return fmt.Errorf("trying the new key: %w", err)
	}
	defer c.entry.slots.force(c.pool.options.Now())()
	defer c.pool.all.force(c.pool.options.Now())()
	_, err = trial.ListKeys(apiclient.WithTimeBudget(ctx, verifyTimeout), apiclient.ListOptions{Limit: 1})
	if apiclient.IsForbidden(err) {
		return nil
	}
	return err
}

// verifyTimeout is short: what does not answer is no reason not to publish.
const verifyTimeout = 5 * time.Second

// NamesDropped implements apikey.Connection.
func (c *connection) NamesDropped(context.Context) { c.entry.noteNamesDropped() }
