package apiclient

import (
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"slices"
	"strings"
	"time"
)

// Operation names a request in errors, logs and waits.
type Operation string

// The operations of the API keys resource.
const (
	OpList   Operation = "list keys"
	OpCreate Operation = "create key"
	OpUpdate Operation = "update key"
	OpRevoke Operation = "revoke key"
	OpRotate Operation = "rotate key"
)

// ErrOutcomeUnknown says that a create or rotate may have been executed although no plaintext was received. Find it
// with errors.Is; where there was an answer, errors.As to *Error finds it.
var ErrOutcomeUnknown = errors.New("outcome unknown")

// ErrNotExecuted says that a create or rotate is known to have executed nothing: it was refused for its rate (429),
// or no connection or no complete request header was ever written. It may be sent again. Find it with errors.Is.
var ErrNotExecuted = errors.New("not executed")

// Error is every answer other than 2xx, 3xx included, and every 2xx that cannot be understood. All its texts have
// been through redaction: none holds a key or a token.
type Error struct {
	Op        Operation
	KeyID     string          // the key that the request was about; empty for list and create
	Status    int             // the HTTP status
	Code      Code            // the API's error code; empty when the answer had none
	Message   string          // the server's, or a snippet of a body that is not JSON; at most 200 characters
	Details   json.RawMessage // the server's, valid JSON of at most 16 KiB or nil
	RequestID string          // the server's; empty when the answer had none
	Hint      string          // what the reader should do; chosen by code, else by status
	RetryAt   *time.Time      // from Retry-After and its like; nil when the answer did not say
}

// Error returns one line: operation and key id, status, code, message, details, request id, hint. Parts that are
// empty are left out.
func (e *Error) Error() string {
	var b strings.Builder
	b.WriteString(string(e.Op))
	if e.KeyID != "" {
		b.WriteString(" " + identifier(e.KeyID))
	}
	fmt.Fprintf(&b, ": HTTP %d", e.Status)
	if text := http.StatusText(e.Status); text != "" {
		b.WriteString(" " + text)
	}
	if e.Code != "" {
		b.WriteString(", " + identifier(string(e.Code)))
	}
	if e.Message != "" {
		b.WriteString(": " + clip(redact(oneLine(e.Message)), messageLimit))
	}
	if details := detailsText(e.Details); details != "" {
		b.WriteString("; details " + details)
	}
	if e.RequestID != "" {
		b.WriteString("; request " + identifier(e.RequestID))
	}
	if e.Hint != "" {
		b.WriteString("; " + e.Hint)
	}
	return b.String()
}

// LogValue implements slog.LogValuer: the same parts as Error, as attributes.
func (e *Error) LogValue() slog.Value {
	attrs := []slog.Attr{slog.String("op", string(e.Op)), slog.Int("status", e.Status)}
	for _, part := range []struct{ name, text string }{
		{"key_id", identifier(e.KeyID)},
		{"code", identifier(string(e.Code))},
		{"message", clip(redact(oneLine(e.Message)), messageLimit)},
		{"details", detailsText(e.Details)},
		{"request_id", identifier(e.RequestID)},
		{"hint", e.Hint},
	} {
		if part.text != "" {
			attrs = append(attrs, slog.String(part.name, part.text))
		}
	}
	if e.RetryAt != nil {
		attrs = append(attrs, slog.Time("retry_at", *e.RetryAt))
	}
	return slog.GroupValue(attrs...)
}

// IsUnauthorized reports a 401 of any code. It is always about the caller's own credential, REVOKED_API_KEY
// included, never about the key that the request named.
func IsUnauthorized(err error) bool { return hasStatus(err, http.StatusUnauthorized) }

// IsForbidden reports a 403 of any code.
func IsForbidden(err error) bool { return hasStatus(err, http.StatusForbidden) }

// IsNotFound reports a 404. That is no proof that a key is gone: a wrong base URL answers the same.
func IsNotFound(err error) bool { return hasStatus(err, http.StatusNotFound) }

// IsConflict reports a 409.
func IsConflict(err error) bool { return hasStatus(err, http.StatusConflict) }

// IsRateLimited reports a 429, or a request that was not sent because its quota is used up (*QuotaError).
func IsRateLimited(err error) bool {
	if quota, ok := errors.AsType[*QuotaError](err); ok && quota != nil {
		return true
	}
	return hasStatus(err, http.StatusTooManyRequests)
}

// HasCode reports whether err is an *Error with one of codes.
func HasCode(err error, codes ...Code) bool {
	e, ok := errors.AsType[*Error](err)
	return ok && e != nil && slices.Contains(codes, e.Code)
}

func hasStatus(err error, status int) bool {
	e, ok := errors.AsType[*Error](err)
	return ok && e != nil && e.Status == status
}

// identifierLimit is longer than any id seen, and short enough for one line.
const identifierLimit = 128

// identifier makes an id or a code that came from a server fit for one line. It keeps what merely looks random,
// which ids do, and blanks keys and bearer tokens.
func identifier(s string) string { return clip(redactKeys(oneLine(s)), identifierLimit) }

// detailsText renders details that say something: not null, not empty.
func detailsText(details json.RawMessage) string {
	text := string(redactJSON(details, redact))
	switch text {
	case "", "null", "{}", "[]", `""`:
		return ""
	}
	return clip(oneLine(text), messageLimit)
}
