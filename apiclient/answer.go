package apiclient

import (
	"fmt"
	"net/http"
	"net/url"
	"strings"
)

// check turns everything but an understandable 2xx into an *Error.
func (k *call) check(got *reply) error {
	switch {
	case got.status >= 300 && got.status < 400:
		return k.redirected(got)
	case got.status < 200 || got.status >= 300:
		return k.errorOf(got)
	case webPage(got):
		e := k.errorOf(got)
		e.Hint = webPageHint
		return e
	case deniesSuccess(got.body):
		e := k.errorOf(got)
		e.Hint = "the API's status says success and its body says failure: see its message"
		return e
	}
	return nil
}

// webPage recognises a sign-in page that a proxy or the vendor's own front end sends with status 200.
func webPage(got *reply) bool {
	return isWebPage(got.body) || strings.HasPrefix(got.header.Get("Content-Type"), "text/html")
}

// errorOf makes the *Error of an answer.
func (k *call) errorOf(got *reply) *Error {
	e := newError(failedAnswer{op: k.op, keyID: k.keyID, status: got.status, header: got.header, body: got.body, token: got.token})
	if wait, ok := retryAfter(got.header, got.serverTime); ok {
		at := got.receivedAt.Add(wait)
		e.RetryAt = &at
	}
	return e
}

// redirected names where a redirect points to, as far as that is no secret: scheme and host.
func (k *call) redirected(got *reply) *Error {
	e := k.errorOf(got)
	blank := blankerFor(got.token)
	to, err := url.Parse(blank(got.header.Get("Location")))
	switch {
	case err != nil || to.Host == "" && to.Path == "":
		e.Message = "the API redirects without a usable address"
	case to.Host == "":
		e.Message = "the API redirects to another path of the same host"
	default:
		e.Message = clip(redact(blank(oneLine(fmt.Sprintf("the API redirects to %s://%s", to.Scheme, to.Host)))), messageLimit)
	}
	e.Details = nil
	e.Hint = "the token is not sent after a redirect: if the new address is right, set base_url to it"
	return e
}

func (k *call) tooLarge(got *reply) *Error {
	return &Error{
		Op: k.op, KeyID: k.keyID, Status: got.status,
		RequestID: got.requestID(),
		Message:   fmt.Sprintf("the answer is larger than %d MiB", k.limit>>20),
		Hint:      "no answer of the API is that large: check the base URL, and what stands between",
	}
}

// requestID returns the server's id of the request, "" if there is none.
func (a *reply) requestID() string {
	return identifier(blankerFor(a.token)(requestID(a.header)))
}

// notUnderstood is a 2xx whose content cannot be used.
func (k *call) notUnderstood(got *reply, what string) *Error {
	e := k.errorOf(got)
	e.Code, e.Message = "", what
	e.Hint = "nothing was concluded from the answer: check the base URL, and whether the API has changed"
	return e
}

// refused reports whether a create or rotate with this status has certainly issued nothing. 408, 409 and 499 are
// excepted because gateways send them about requests that the API behind them may have executed.
func refused(status int) bool {
	switch status {
	case http.StatusRequestTimeout, http.StatusConflict, 499:
		return false
	}
	return status >= 400 && status < 500
}
