package apiclient

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"syscall"
)

// wireError is an error of an exchange whose text is safe to show. net/http's own errors quote what the server sent: a
// malformed header line, a trailer, the debug data of a GOAWAY; any of these may hold the token or a new key's
// plaintext. The cause is there for errors.Is and errors.As alone.
type wireError struct {
	text  string
	cause error
}

func (e *wireError) Error() string { return e.text }

func (e *wireError) Unwrap() error { return e.cause }

// GoString keeps %#v from showing the cause.
func (e *wireError) GoString() string { return e.text }

// safeError wraps an error of the exchange that ran under ctx with token.
func safeError(ctx context.Context, err error, token Secret) error {
	shown := knownError(err)
	if ctx.Err() != nil {
		shown = context.Cause(ctx)
	}
	text := fmt.Sprintf("the connection broke, or the server's answer is not valid HTTP (%T)", innermost(err))
	if shown != nil {
		text = redact(blankerFor(token)(oneLine(shown.Error())))
	}
	return &wireError{text: text, cause: err}
}

// knownError returns the part of err whose text comes from this machine, from the network or from a certificate, and
// not from what was sent as HTTP; nil if there is none.
func knownError(err error) error {
	for _, plain := range []error{context.Canceled, context.DeadlineExceeded, io.ErrUnexpectedEOF, io.EOF} {
		if errors.Is(err, plain) {
			return plain
		}
	}
	for _, as := range []func(error) error{
		knownAs[*net.OpError], knownAs[*net.DNSError], knownAs[syscall.Errno], knownAs[*tls.CertificateVerificationError], knownAs[tls.RecordHeaderError],
		knownAs[tls.AlertError], knownAs[x509.UnknownAuthorityError], knownAs[x509.HostnameError], knownAs[x509.CertificateInvalidError],
	} {
		if known := as(err); known != nil {
			return known
		}
	}
	if timeout, ok := errors.AsType[net.Error](err); ok && timeout.Timeout() {
		return timeout
	}
	return nil
}

func knownAs[E error](err error) error {
	if known, ok := errors.AsType[E](err); ok {
		return known
	}
	return nil
}

func innermost(err error) error {
	for {
		inner := errors.Unwrap(err)
		if inner == nil {
			return err
		}
		err = inner
	}
}
