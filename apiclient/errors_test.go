package apiclient

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"strings"
	"testing"
	"time"
)

// errorOf makes the *Error of an HTTP answer with the given status and body.
func errorOf(status int, body string) *Error {
	return newError(failedAnswer{op: OpRotate, keyID: "key_123", status: status, body: []byte(body)})
}

func TestErrorText(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		err  *Error
		want string
	}{
		"everything": {
			&Error{OpRotate, "key_123", 403, CodeInsufficientScope, "Key lacks required scope", json.RawMessage(`{"need": "admin:write"}`), "req_9", "use another token", nil},
			`rotate key key_123: HTTP 403 Forbidden, INSUFFICIENT_SCOPE: Key lacks required scope; details {"need":"admin:write"}; request req_9; use another token`,
		},
		"no key, no code":     {&Error{Op: OpList, Status: 500, Message: "boom"}, `list keys: HTTP 500 Internal Server Error: boom`},
		"nothing but status":  {&Error{Op: OpCreate, Status: 599}, `create key: HTTP 599`},
		"details say nothing": {&Error{Op: OpList, Status: 400, Details: json.RawMessage(`{}`)}, `list keys: HTTP 400 Bad Request`},
		"details are no JSON": {&Error{Op: OpList, Status: 400, Details: json.RawMessage(`{"a`)}, `list keys: HTTP 400 Bad Request`},
		"made by hand, on one line": {
			&Error{Op: OpRevoke, KeyID: "k\n1", Status: 409, Message: "a\r\nb", RequestID: "r\n1"},
			`revoke key k 1: HTTP 409 Conflict: a b; request r 1`,
		},
		"made by hand, redacted": {
			&Error{Op: OpRevoke, KeyID: "bdk_live_A_b", Status: 409, Code: "bdk_live_A_b", Message: "bdk_live_A_b", RequestID: "Bearer x",
				Details: json.RawMessage(`"bdk_live_A_b"`)},
			`revoke key [REDACTED]: HTTP 409 Conflict, [REDACTED]: [REDACTED]; details "[REDACTED]"; request Bearer [REDACTED]`,
		},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if got := test.err.Error(); got != test.want {
				t.Errorf("got  %s\nwant %s", got, test.want)
			}
		})
	}
}

func TestErrorLogValue(t *testing.T) {
	t.Parallel()
	retryAt := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	err := &Error{Op: OpUpdate, KeyID: "key_1", Status: 429, Code: "SLOW", Message: "with bdk_live_A_b", RequestID: "r1", Hint: "wait", RetryAt: &retryAt}
	var buf bytes.Buffer
	slog.New(slog.NewJSONHandler(&buf, nil)).Info("m", "err", err)
	var line struct{ Err map[string]any }
	if e := json.Unmarshal(buf.Bytes(), &line); e != nil {
		t.Fatal(e)
	}
	want := map[string]any{
		"op": "update key", "status": 429.0, "key_id": "key_1", "code": "SLOW", "message": "with [REDACTED]",
		"request_id": "r1", "hint": "wait", "retry_at": "2026-01-02T03:04:05Z",
	}
	if fmt.Sprint(line.Err) != fmt.Sprint(want) {
		t.Errorf("got  %v\nwant %v", line.Err, want)
	}
}

func TestPredicates(t *testing.T) {
	t.Parallel()
	wrap := func(err error) error { return fmt.Errorf("outer: %w", errors.Join(errors.New("other"), err)) }
	status := func(s int) error { return wrap(&Error{Status: s}) }
	tests := map[string]struct {
		is   func(error) bool
		yes  []error
		noes []error
	}{
		"IsUnauthorized": {IsUnauthorized, []error{status(401), &Error{Status: 401, Code: "ANY"}}, []error{status(403), status(200)}},
		"IsForbidden":    {IsForbidden, []error{status(403)}, []error{status(401), status(404)}},
		"IsNotFound":     {IsNotFound, []error{status(404)}, []error{status(410), status(403)}},
		"IsConflict":     {IsConflict, []error{status(409)}, []error{status(400)}},
		"IsRateLimited":  {IsRateLimited, []error{status(429), wrap(&QuotaError{}), &QuotaError{}}, []error{status(503)}},
		"HasCode": {
			func(err error) bool { return HasCode(err, CodeIPRestricted, CodeRevokedAPIKey) },
			[]error{wrap(&Error{Code: CodeRevokedAPIKey}), &Error{Code: CodeIPRestricted}},
			[]error{&Error{Code: CodeExpiredAPIKey}, &Error{}},
		},
	}
	var nilError *Error
	var nilQuota *QuotaError
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for _, err := range test.yes {
				if !test.is(err) {
					t.Errorf("false for %#v", err)
				}
			}
			for _, err := range append(test.noes, nil, errors.New("HTTP 401"), ErrOutcomeUnknown, nilError, nilQuota) {
				if test.is(err) {
					t.Errorf("true for %#v", err)
				}
			}
		})
	}
	if HasCode(&Error{Code: CodeIPRestricted}) {
		t.Error("HasCode without codes is true")
	}
}

func TestSentinelsBesideAnAnswer(t *testing.T) {
	t.Parallel()
	err := fmt.Errorf("%w: %w", ErrOutcomeUnknown, errorOf(502, "<html>"))
	if !errors.Is(err, ErrOutcomeUnknown) || errors.Is(err, ErrNotExecuted) {
		t.Error("the sentinel is not found")
	}
	if e, ok := errors.AsType[*Error](err); !ok || e.Status != 502 {
		t.Error("the answer is not found beside the sentinel")
	}
}

func TestNewErrorFillsEverything(t *testing.T) {
	t.Parallel()
	got := newError(failedAnswer{
		op: OpUpdate, keyID: "key_1", status: 403,
		header: http.Header{"X-Request-Id": {"req_1"}, "Cf-Ray": {"other"}},
		body:   []byte(`{"error":"IP_RESTRICTION","message":"Not from here","details":{"ip":"192.0.2.1"}}`),
	})
	want := Error{Op: OpUpdate, KeyID: "key_1", Status: 403, Code: CodeIPRestricted, Message: "Not from here", RequestID: "req_1"}
	if got.Op != want.Op || got.KeyID != want.KeyID || got.Status != want.Status || got.Code != want.Code ||
		got.Message != want.Message || got.RequestID != want.RequestID || string(got.Details) != `{"ip":"192.0.2.1"}` {
		t.Errorf("got %#v", got)
	}
	if !strings.Contains(got.Hint, "address") || got.RetryAt != nil {
		t.Errorf("hint %q, retry at %v", got.Hint, got.RetryAt)
	}
}

// Servers quote what they were sent. The very token is blanked whatever it looks like, wherever it stands.
func TestNewErrorBlanksTheRequestsToken(t *testing.T) {
	t.Parallel()
	const token = "open sesame"
	for name, body := range map[string]string{
		"message":     `{"message":"no such token: open sesame"}`,
		"error":       `{"error":"open sesame?"}`,
		"details":     `{"error":"no","details":{"sent":["open sesame"],"open sesame":1}}`,
		"escaped":     `{"message":"open\u0020sesame"}`,
		"code":        `{"code":"open sesame"}`,
		"field name":  `{"open sesame":true}`,
		"web page":    `<html><body>bad header: open sesame</body></html>`,
		"text":        `bad header: open sesame`,
		"JSON string": `"open sesame"`,
		"cut off":     `{"message":"open sesame`,
		"at the cut":  `{"message":"` + strings.Repeat("x ", 96) + `open sesame"}`,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for _, status := range []int{200, 401, 500} {
				err := newError(failedAnswer{
					op: OpCreate, status: status, body: []byte(body), token: NewSecret(token),
					header: http.Header{"X-Request-Id": {"for open sesame"}},
				})
				if all := fmt.Sprintf("%v %#v %s", err, *err, err.Details); strings.Contains(all, "sesame") || strings.Contains(all, "open") {
					t.Errorf("status %d: %s", status, all)
				}
			}
		})
	}
}

// A success that is not understood may be a new key in a shape nobody expects: its values stay out of the error.
func TestNewErrorOfASuccessShowsNoValues(t *testing.T) {
	t.Parallel()
	for name, body := range map[string]string{
		"plain text":      "my plain key",
		"JSON string":     `"my plain key"`,
		"array":           `["my plain key"]`,
		"unknown fields":  `{"value":"my plain key"}`,
		"cut off":         `{"apiKey":{"id":"key_1"},"value":"my plain key`,
		"details":         `{"details":{"value":"my plain key"}}`,
		"nested, no code": `{"error":{"value":"my plain key"}}`,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			err := errorOf(201, body)
			if all := fmt.Sprintf("%v %#v %s", err, *err, err.Details); strings.Contains(all, "plain key") {
				t.Error(all)
			}
			if err.Message == "" || err.Hint == "" {
				t.Errorf("message %q, hint %q", err.Message, err.Hint)
			}
		})
	}
}

func TestNewErrorOfASuccessThatFailed(t *testing.T) {
	t.Parallel()
	if err := errorOf(200, `{"success":false,"error":"Unauthorized"}`); err.Message != "Unauthorized" {
		t.Errorf("message %q", err.Message)
	}
	if err := errorOf(200, `<html><title>Sign in</title>`); err.Message != "Sign in" || err.Hint != webPageHint {
		t.Errorf("message %q, hint %q", err.Message, err.Hint)
	}
}

func TestRequestID(t *testing.T) {
	t.Parallel()
	for _, name := range requestIDHeaders {
		header := http.Header{}
		header.Set(name, "id-1")
		if got := requestID(header); got != "id-1" {
			t.Errorf("%s gives %q", name, got)
		}
	}
	if got := requestID(nil); got != "" {
		t.Errorf("no header gives %q", got)
	}
}
