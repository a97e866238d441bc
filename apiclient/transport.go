package apiclient

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/hashicorp/go-retryablehttp"
)

const (
	// objectLimit and pageLimit bound how much of an answer is read, in bytes.
	objectLimit = 1 << 20
	pageLimit   = 16 << 20
	// redirectLimit is how many redirects a GET follows.
	redirectLimit = 5
)

// assemble wires the chains that requests pass, outermost link first:
//
//	list, update, revoke: spend -> retry -> redirects -> paced -> exchange -> the caller's transport
//	create, rotate:       spend -> issue ----------------> paced -> exchange -> a transport without keep-alives
//
// spend (budget.go) counts the time. retry (retry.go) repeats after connection errors and 5xx. redirects lets only a
// GET to the same origin pass. paced (below) asks pacer and token source before each attempt and waits out a 429, so
// that neither loop above it ever sees one. exchange sends once and reads the body through a limit. issue (issue.go)
// is the rule that a request which may have been executed is not sent again.
func (c *Client) assemble() {
	base := c.config.http.Transport
	if base == nil {
		base = http.DefaultTransport
	}
	c.repeating = c.config.retry.retrying(&http.Client{
		Transport:     &repeatable{client: c, next: base},
		Jar:           c.config.http.Jar,
		CheckRedirect: redirectWithinOrigin,
	})
	c.single = singleUse(base)
}

// call is one operation of the API, attempts included.
type call struct {
	op       Operation
	keyID    string // empty for list and create
	method   string
	template string // the path with {id} for the key, for logs
	elements []string
	query    url.Values
	payload  []byte // nil: no body
	limit    int64

	attempts int
	last     *reply // of the latest attempt, if it brought one
}

func (k *call) String() string {
	if k.keyID == "" {
		return string(k.op)
	}
	return string(k.op) + " " + identifier(k.keyID)
}

// reply is what the server sent, read as far as it could be.
type reply struct {
	status     int
	header     http.Header
	body       []byte
	receivedAt time.Time // by the client's clock
	serverTime time.Time // Date header, or the local clock
	token      Secret    // what the request carried
}

// repeat sends a request that may be executed more than once without harm.
func (c *Client) repeat(ctx context.Context, k *call) (*reply, error) {
	ctx, stop := spend(ctx)
	defer stop()
	var payload any
	if k.payload != nil {
		payload = k.payload
	}
	target := c.endpoint(k.elements, k.query).String()
	req, err := retryablehttp.NewRequestWithContext(context.WithValue(ctx, callKey{}, k), k.method, target, payload)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", k, err)
	}
	resp, err := c.repeating.Do(req)
	if err != nil {
		return nil, k.failure(ctx, err)
	}
	defer func() { _ = resp.Body.Close() }()
	return k.last, k.check(k.last)
}

// failure puts the call's name before an error that came without an answer, and says what the attempts before it
// were answered.
func (k *call) failure(ctx context.Context, err error) error {
	if wrapped, ok := errors.AsType[*url.Error](err); ok {
		err = wrapped.Err // its text repeats the URL
	}
	if _, typed := errors.AsType[*Error](err); typed {
		return err
	}
	if _, quota := errors.AsType[*QuotaError](err); quota {
		return err
	}
	if _, waiting := errors.AsType[*unsentError](err); ctx.Err() != nil && !waiting {
		err = context.Cause(ctx) // an interrupted wait says itself what it was for
	}
	if k.last != nil && k.last.status >= 500 {
		return fmt.Errorf("%s: %w (before that: %w)", k, err, k.errorOf(k.last))
	}
	return fmt.Errorf("%s: %w", k, err)
}

type callKey struct{}

// repeatable is the http.RoundTripper under the retry loop: one attempt, paced.
type repeatable struct {
	client *Client
	next   http.RoundTripper
}

// RoundTrip implements http.RoundTripper. The body of req is replaced, because an attempt answered 429 is made again
// here.
func (r *repeatable) RoundTrip(req *http.Request) (*http.Response, error) {
	if req.Body != nil {
		_ = req.Body.Close()
	}
	k, _ := req.Context().Value(callKey{}).(*call)
	got, err := r.client.paced(req.Context(), k, func(token Secret) (*reply, error) { //nolint:contextcheck // it has the request's
		ctx, cancel := context.WithTimeout(req.Context(), r.timeout())
		defer cancel()
		again := req.Clone(ctx)
		again.Body, again.GetBody = http.NoBody, nil
		if k.payload != nil {
			again.Body = io.NopCloser(bytes.NewReader(k.payload))
		}
		return r.client.exchange(r.next, again, k, token)
	})
	if err != nil {
		return nil, err
	}
	k.last = got
	return got.response(req), nil
}

func (r *repeatable) timeout() time.Duration {
	if t := r.client.config.http.Timeout; t > 0 {
		return t
	}
	return r.client.config.exchangeTimeout
}

// response dresses the answer for the links above. A Location that cannot be parsed goes, or net/http would report
// an error that quotes it.
func (a *reply) response(req *http.Request) *http.Response {
	header := a.header.Clone()
	if _, err := url.Parse(header.Get("Location")); err != nil {
		header.Del("Location")
	}
	return &http.Response{
		Status:        strconv.Itoa(a.status) + " " + http.StatusText(a.status),
		StatusCode:    a.status,
		Proto:         "HTTP/1.1",
		ProtoMajor:    1,
		ProtoMinor:    1,
		Header:        header,
		Body:          io.NopCloser(bytes.NewReader(a.body)),
		ContentLength: int64(len(a.body)),
		Request:       req,
	}
}

// redirectWithinOrigin follows a GET to the same scheme, host and port. Everything else is left to check, which
// turns the 3xx into an error: followed, it could carry the token away or turn a POST into a GET.
func redirectWithinOrigin(req *http.Request, via []*http.Request) error {
	first := via[0]
	if first.Method != http.MethodGet || req.Method != http.MethodGet || len(via) > redirectLimit ||
		req.URL.Scheme != first.URL.Scheme || !strings.EqualFold(req.URL.Host, first.URL.Host) {
		return http.ErrUseLastResponse
	}
	return nil
}

// paced makes attempts until one is not answered 429. Before each it waits for the pacer, off the time budget, and
// then asks for the token, so that a token replaced during the wait is used.
func (c *Client) paced(ctx context.Context, k *call, send func(token Secret) (*reply, error)) (*reply, error) {
	for {
		slot, err := c.acquire(ctx, k.op)
		if err != nil {
			return nil, &unsentError{err}
		}
		token, err := c.token(ctx)
		if err == nil && ctx.Err() != nil {
			err = context.Cause(ctx)
		}
		if err != nil {
			slot.unused()
			return nil, &unsentError{err}
		}
		got, err := send(token)
		if got == nil {
			slot.failed()
			return nil, err
		}
		slot.answered(readRate(got, got.receivedAt))
		if got.status != http.StatusTooManyRequests {
			return got, err
		}
	}
}

func (c *Client) acquire(ctx context.Context, op Operation) (*slot, error) {
	if c.config.nonBlocking && !waitsForQuota(ctx) {
		return c.pacer.tryAcquire(ctx, op)
	}
	m := meterOf(ctx)
	m.pause()
	defer m.resume()
	return c.pacer.acquire(ctx, op)
}

// exchange sends req once. An answer whose body could not be read to its end comes with the error. No error of
// net/http leaves here with its own text.
func (c *Client) exchange(next http.RoundTripper, req *http.Request, k *call, token Secret) (*reply, error) {
	c.dress(req, k, token)
	k.attempts++
	begun := c.config.clock.Now()
	resp, err := next.RoundTrip(req)
	if err != nil {
		err = safeError(req.Context(), err, token)
		c.logAttempt(req.Context(), k, begun, nil, err)
		c.tellAttempt(k, nil, err)
		return nil, err
	}
	defer func() { _ = resp.Body.Close() }()
	body, err := io.ReadAll(io.LimitReader(resp.Body, k.limit+1))
	received := c.config.clock.Now()
	got := &reply{
		status: resp.StatusCode, header: resp.Header, body: body,
		receivedAt: received, serverTime: serverNow(resp.Header, received), token: token,
	}
	if got.header.Get("Date") != "" {
		c.clockAhead.Store(int64(got.serverTime.Sub(received)))
	}
	switch {
	case err != nil:
		err = fmt.Errorf("reading the answer (HTTP %d): %w", got.status, safeError(req.Context(), err, token))
	case int64(len(body)) > k.limit:
		got.body = body[:k.limit]
		err = k.tooLarge(got)
	}
	c.logAttempt(req.Context(), k, begun, got, err)
	c.tellAttempt(k, got, err)
	return got, err
}

// dress sets the headers. The token goes to the base URL's origin alone, whatever the links above let pass. There is
// no Idempotency-Key, ever: net/http takes it as leave to send a request twice.
func (c *Client) dress(req *http.Request, k *call, token Secret) {
	req.Header.Set("Accept", "application/json")
	req.Header.Set("User-Agent", c.config.userAgent)
	if k.payload != nil {
		req.Header.Set("Content-Type", "application/json")
		req.ContentLength = int64(len(k.payload))
	}
	if req.URL.Scheme == c.config.base.Scheme && strings.EqualFold(req.URL.Host, c.config.base.Host) {
		req.Header.Set("Authorization", "Bearer "+token.Reveal())
	}
}
