package apiclient

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"
	"time"

	"github.com/hashicorp/go-retryablehttp"
)

// RetryPolicy says how often and how fast a request is repeated. List, update and revoke are repeated after
// connection errors and 5xx answers (501 excepted), create and rotate only while no connection was obtained.
type RetryPolicy struct {
	MaxRetries       int           // attempts after the first; 0 means the default 4, negative none; a 429 never counts
	MinWait, MaxWait time.Duration // bounds of the exponential backoff; default 1 s and 30 s
}

func (p RetryPolicy) withDefaults() (RetryPolicy, error) {
	switch {
	case p.MaxRetries == 0:
		p.MaxRetries = 4
	case p.MaxRetries < 0:
		p.MaxRetries = 0
	}
	if p.MinWait == 0 {
		p.MinWait = time.Second
	}
	if p.MaxWait == 0 {
		p.MaxWait = max(30*time.Second, p.MinWait)
	}
	if p.MinWait < 0 || p.MaxWait < p.MinWait {
		return p, fmt.Errorf("retry policy: MinWait %s and MaxWait %s are not in order", p.MinWait, p.MaxWait)
	}
	return p, nil
}

// wait returns the pause before attempt number retry+2. Half of it is random, so that clients which failed together
// do not come back together.
func (p RetryPolicy) wait(retry int) time.Duration {
	d := p.MaxWait
	if retry < 30 {
		d = min(d, p.MinWait<<retry)
	}
	if d < p.MinWait { // the shift overflowed
		d = p.MaxWait
	}
	return d/2 + rand.N(d/2+1) //nolint:gosec // spreading load needs no secrecy
}

// retrying wraps hc in the retry loop of list, update and revoke. The loop sees answers and errors but changes
// neither, so typed errors survive; it logs nothing, because its records would hold full URLs.
func (p RetryPolicy) retrying(hc *http.Client) *retryablehttp.Client {
	return &retryablehttp.Client{
		HTTPClient:   hc,
		RetryMax:     p.MaxRetries,
		RetryWaitMin: p.MinWait,
		RetryWaitMax: p.MaxWait,
		CheckRetry:   shouldRepeat,
		ErrorHandler: retryablehttp.PassthroughErrorHandler,
		Backoff: func(_, _ time.Duration, retry int, resp *http.Response) time.Duration {
			wait := p.wait(retry)
			if resp == nil {
				return wait
			}
			// A 503 may say when to come back; MaxWait still bounds what it can ask for.
			asked, _ := retryAfter(resp.Header, serverNow(resp.Header, time.Now()))
			return min(max(wait, asked), p.MaxWait)
		},
	}
}

// shouldRepeat decides for requests that may be executed twice without harm. A 429 never gets here: the pacer waits
// it out.
func shouldRepeat(ctx context.Context, resp *http.Response, err error) (bool, error) {
	if err != nil {
		return ctx.Err() == nil && transient(err), nil
	}
	return ctx.Err() == nil && resp.StatusCode >= 500 && resp.StatusCode != http.StatusNotImplemented, nil
}

// transient reports whether an error without an answer may go away by itself. A certificate that is not trusted,
// an answer that is too large, a token that cannot be read do not.
func transient(err error) bool {
	if _, typed := errors.AsType[*Error](err); typed {
		return false
	}
	if _, quota := errors.AsType[*QuotaError](err); quota {
		return false
	}
	if _, untrusted := errors.AsType[*tls.CertificateVerificationError](err); untrusted {
		return false
	}
	_, unsent := errors.AsType[*unsentError](err)
	return !unsent
}

// unsentError marks errors of the time before an exchange: a cancelled wait, a token that cannot be read.
type unsentError struct{ cause error }

func (e *unsentError) Error() string { return e.cause.Error() }

func (e *unsentError) Unwrap() error { return e.cause }
