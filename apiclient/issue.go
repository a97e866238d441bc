package apiclient

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptrace"
	"sync/atomic"
	"time"
)

// issue sends a create or rotate. It reaches the server at most once: another attempt follows only an error before
// any connection was obtained, or a 429. Every error is one of three kinds: refused (*Error, 4xx), ErrNotExecuted,
// ErrOutcomeUnknown.
func (c *Client) issue(ctx context.Context, k *call) (*IssuedKey, error) {
	ctx, stop := spend(ctx)
	defer stop()
	for retry := 0; ; retry++ {
		issued, err := c.issueOnce(ctx, k)
		again := errors.Is(err, ErrNotExecuted) && transient(err) && ctx.Err() == nil
		if !again || retry >= c.config.retry.MaxRetries {
			return issued, err
		}
		if interrupted := sleep(ctx, c.config.retry.wait(retry)); interrupted != nil {
			return nil, fmt.Errorf("%w (%w)", err, interrupted)
		}
	}
}

// sleep waits for d or the end of ctx.
func sleep(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// issueOnce makes one attempt and says of which kind its outcome is.
func (c *Client) issueOnce(ctx context.Context, k *call) (*IssuedKey, error) {
	var conn connection
	got, err := c.paced(ctx, k, func(token Secret) (*reply, error) {
		return c.exchangeDetached(ctx, k, token, &conn)
	})
	if _, quota := errors.AsType[*QuotaError](err); quota {
		return nil, err
	}
	_, unsent := errors.AsType[*unsentError](err)
	switch {
	case got == nil && (unsent || !conn.mayHaveSent()):
		return nil, fmt.Errorf("%s: %w: %w", k, ErrNotExecuted, err)
	case got == nil:
		return nil, fmt.Errorf("%s: %w: %w", k, ErrOutcomeUnknown, err)
	case got.status >= 200 && got.status < 300:
		return c.issuedFrom(k, got, err)
	case refused(got.status):
		return nil, k.errorOf(got)
	}
	return nil, fmt.Errorf("%w: %w", ErrOutcomeUnknown, k.check(got))
}

// issuedFrom takes the plaintext out of a 2xx before anything else is looked at: whatever is wrong with the rest of
// the answer, or with reading it (readErr), a plaintext in hand is a key issued.
func (c *Client) issuedFrom(k *call, got *reply, readErr error) (*IssuedKey, error) {
	key, plaintext := decodeIssued(got.body)
	if !plaintext.IsZero() {
		return &IssuedKey{Key: key.without(got.token), Plaintext: plaintext, ServerTime: got.serverTime}, nil
	}
	err := k.check(got)
	if err == nil {
		err = k.notUnderstood(got, "the answer reports success but holds no plaintext")
	}
	if readErr != nil {
		err = fmt.Errorf("%w; %w", readErr, err)
	}
	return nil, fmt.Errorf("%w: %w", ErrOutcomeUnknown, err)
}

// exchangeDetached sends once, out of reach of the caller's cancellation: once the request is out, only its answer
// tells the plaintext. It has a deadline of its own.
func (c *Client) exchangeDetached(ctx context.Context, k *call, token Secret, conn *connection) (*reply, error) {
	detached, cancel := context.WithTimeout(context.WithoutCancel(ctx), c.config.exchangeTimeout)
	defer cancel()
	conn.reset()
	traced := httptrace.WithClientTrace(detached, conn.trace())
	req, err := http.NewRequestWithContext(traced, k.method, c.endpoint(k.elements, nil).String(), &oneShotBody{r: bytes.NewReader(k.payload)})
	if err != nil {
		return nil, &unsentError{err}
	}
	return c.exchange(c.single, req, k, token)
}

// oneShotBody hides the type of its reader: net/http would rewind a *bytes.Reader through GetBody and send the
// request a second time after a GOAWAY, a refused stream or a lost connection.
type oneShotBody struct{ r io.Reader }

func (b *oneShotBody) Read(p []byte) (int, error) { return b.r.Read(p) }

func (b *oneShotBody) Close() error { return nil }

// connection tells how far an exchange got. The line is drawn at the connection and not at the written header:
// HTTP/2 reports the header only after it is on the wire, from another goroutine.
type connection struct{ wanted, obtained atomic.Bool }

func (n *connection) reset() {
	n.wanted.Store(false)
	n.obtained.Store(false)
}

func (n *connection) trace() *httptrace.ClientTrace {
	return &httptrace.ClientTrace{
		GetConn: func(string) { n.wanted.Store(true) },
		GotConn: func(httptrace.GotConnInfo) { n.obtained.Store(true) },
	}
}

// mayHaveSent reports whether the request may be on the wire. A transport that reports nothing proves nothing.
func (n *connection) mayHaveSent() bool { return n.obtained.Load() || !n.wanted.Load() }

// singleUse returns base without keep-alives: an idle connection that the server closes at the wrong moment looks
// like a lost answer. A transport that is not net/http's own is used as it is.
func singleUse(base http.RoundTripper) http.RoundTripper {
	original, ok := base.(*http.Transport)
	if !ok {
		return base
	}
	single := original.Clone()
	single.DisableKeepAlives = true
	if _, http2 := single.TLSNextProto["h2"]; http2 {
		// This entry would lead to the connections of the original's pool.
		single.TLSNextProto = nil
		single.ForceAttemptHTTP2 = true
	}
	return single
}
