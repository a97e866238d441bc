package apiclient

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// P2, P3: each answer to create and rotate has exactly one meaning, and reaches the server exactly once.
func TestIssueOutcomes(t *testing.T) {
	t.Parallel()
	const refusedKind, unknownKind, issuedKind = "refused", "unknown", "issued"
	want := map[int]string{200: issuedKind, 201: issuedKind, 202: issuedKind, 408: unknownKind, 409: unknownKind, 499: unknownKind}
	for _, status := range []int{400, 401, 402, 403, 404, 405, 406, 410, 413, 415, 418, 422, 423, 425, 428, 431, 451, 498} {
		want[status] = refusedKind
	}
	for _, status := range []int{300, 301, 302, 303, 304, 307, 308, 500, 501, 502, 503, 504, 520, 599} {
		want[status] = unknownKind
	}
	for status, kind := range want {
		for operation, issue := range issuers() {
			t.Run(fmt.Sprintf("%s %d", operation, status), func(t *testing.T) {
				t.Parallel()
				var rec recorder
				body := `{"message":"m"}`
				if kind == issuedKind {
					body = issuedBody
				}
				issued, err := issue(t.Context(), clientOf(t, rec.answering(status, body)))
				if rec.count() != 1 {
					t.Errorf("%d requests", rec.count())
				}
				switch kind {
				case issuedKind:
					if err != nil || issued.Plaintext.Reveal() != issuedPlaintext {
						t.Errorf("got %v, %v", issued, err)
					}
				case refusedKind:
					mustBeStatus(t, err, status)
					if errors.Is(err, ErrOutcomeUnknown) || errors.Is(err, ErrNotExecuted) {
						t.Errorf("got %v, want a refusal", err)
					}
				case unknownKind:
					mustBeStatus(t, err, status)
					mustBe(t, err, ErrOutcomeUnknown)
				}
			})
		}
	}
}

// A 2xx without a plaintext may have issued a key. The error does not show the body: it may hold the plaintext under
// a name nobody knows.
func TestIssueWithoutPlaintext(t *testing.T) {
	t.Parallel()
	for _, body := range []string{
		``, `{}`, `null`, `[]`, `"radioactive"`, `{"success":true}`, `{"plaintextKey":""}`, `{"plaintextKey":null}`, `{"plaintextKey":7}`,
		`{"apiKey":{"id":"key_1"}}`, `{"value":"radioactive"}`, `{"details":{"x":"radioactive"}}`, `radioactive`, `{"apiKey":{"id":"key_1`,
		`<html>radioactive radioactive</html>`[:6],
	} {
		for operation, issue := range issuers() {
			var rec recorder
			_, err := issue(t.Context(), clientOf(t, rec.answering(200, body)))
			mustBe(t, err, ErrOutcomeUnknown)
			mustBeStatus(t, err, 200)
			if strings.Contains(err.Error(), "radioactive") || rec.count() != 1 {
				t.Errorf("%s, %s: got %v after %d requests", operation, body, err, rec.count())
			}
		}
	}
}

// refusing is an address where nobody listens.
func refusing(t *testing.T) string {
	t.Helper()
	listener, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = listener.Close() }()
	return "http://" + listener.Addr().String()
}

func TestConnectionRefusedIsNotExecuted(t *testing.T) {
	t.Parallel()
	address := refusing(t)
	for operation, issue := range issuers() {
		dials := 0
		transport := &http.Transport{DialContext: func(ctx context.Context, network, addr string) (net.Conn, error) {
			dials++
			return (&net.Dialer{}).DialContext(ctx, network, addr)
		}}
		client := newTestClient(t, address, WithHTTPClient(&http.Client{Transport: transport}))
		_, err := issue(t.Context(), client)
		mustBe(t, err, ErrNotExecuted)
		if errors.Is(err, ErrOutcomeUnknown) || dials != 1+quick.MaxRetries {
			t.Errorf("%s: got %v after %d attempts", operation, err, dials)
		}
	}
}

// A connection that is obtained after some failures still issues one key.
func TestIssueAfterRefusedConnections(t *testing.T) {
	t.Parallel()
	for operation, issue := range issuers() {
		var rec recorder
		dials := 0
		transport := &http.Transport{DialContext: func(ctx context.Context, network, addr string) (net.Conn, error) {
			if dials++; dials < 3 {
				return nil, &net.DNSError{Err: "no such host", Name: addr, IsTemporary: true}
			}
			return (&net.Dialer{}).DialContext(ctx, network, addr)
		}}
		client := clientOf(t, rec.answering(200, issuedBody), WithHTTPClient(&http.Client{Transport: transport}))
		if _, err := issue(t.Context(), client); err != nil || rec.count() != 1 {
			t.Errorf("%s: got %v after %d requests", operation, err, rec.count())
		}
	}
}

// A transport that does not say how far it got leaves everything possible.
func TestErrorOfForeignTransportIsUnknown(t *testing.T) {
	t.Parallel()
	boom := errors.New("boom")
	for _, issue := range issuers() {
		client := newTestClient(t, "https://h", WithHTTPClient(&http.Client{Transport: failing{boom}}))
		_, err := issue(t.Context(), client)
		mustBe(t, err, ErrOutcomeUnknown)
		mustBe(t, err, boom)
	}
}

// P1: once the request is out, the caller's cancellation does not lose the plaintext.
func TestIssueSurvivesCancellation(t *testing.T) {
	t.Parallel()
	for operation, issue := range issuers() {
		synctest.Test(t, func(t *testing.T) {
			ctx, cancel := context.WithCancel(t.Context())
			client := bubbleClient(t, func(w http.ResponseWriter, r *http.Request) {
				cancel()
				elapse(r.Context(), 30*time.Second)
				_, _ = io.WriteString(w, issuedBody)
			})
			issued, err := issue(ctx, client)
			if err != nil || issued.Plaintext.Reveal() != issuedPlaintext {
				t.Errorf("%s: got %v, %v", operation, issued, err)
			}
		})
	}
}

func TestIssueHasADeadline(t *testing.T) {
	t.Parallel()
	for operation, issue := range issuers() {
		synctest.Test(t, func(t *testing.T) {
			requests := 0
			client := bubbleClient(t, func(_ http.ResponseWriter, r *http.Request) {
				requests++
				elapse(r.Context(), time.Hour)
			})
			begun := time.Now()
			_, err := issue(t.Context(), client)
			mustBe(t, err, ErrOutcomeUnknown)
			mustBe(t, err, context.DeadlineExceeded)
			if took := time.Since(begun); took != exchangeTimeout || requests != 1 {
				t.Errorf("%s: %d requests in %s", operation, requests, took)
			}
		})
	}
}

// Cancelled before the exchange: nothing is sent.
func TestIssueCancelledBefore(t *testing.T) {
	t.Parallel()
	for _, issue := range issuers() {
		var rec recorder
		client := clientOf(t, rec.answering(200, issuedBody))
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		_, err := issue(ctx, client)
		mustBe(t, err, ErrNotExecuted)
		mustBe(t, err, context.Canceled)
		if rec.count() != 0 {
			t.Error("the request was sent")
		}
	}
}

// Cancelled while the token is fetched: the pacer's slot is given back, and nothing is sent.
func TestIssueCancelledWhileFetchingTheToken(t *testing.T) {
	t.Parallel()
	var rec recorder
	ctx, cancel := context.WithCancel(t.Context())
	client := clientOf(t, rec.answering(200, issuedBody), WithTokenSource(TokenFunc(func(context.Context) (Secret, error) {
		cancel()
		return NewSecret("t"), nil
	})))
	_, err := client.RotateKey(ctx, "key_1")
	mustBe(t, err, ErrNotExecuted)
	mustBe(t, err, context.Canceled)
	if rec.count() != 0 {
		t.Error("the request was sent")
	}
	if _, err := client.RotateKey(t.Context(), "key_1"); err != nil {
		t.Errorf("the next request: %v", err)
	}
}

// A 429 has executed nothing, however often it comes, also when the wait after it is cancelled.
func TestIssueWaitsOut429(t *testing.T) {
	t.Parallel()
	for operation, issue := range issuers() {
		synctest.Test(t, func(t *testing.T) {
			requests := 0
			client := bubbleClient(t, func(w http.ResponseWriter, _ *http.Request) {
				if requests++; requests%10 != 0 {
					w.Header().Set("Retry-After", "7")
					w.WriteHeader(http.StatusTooManyRequests)
					return
				}
				_, _ = io.WriteString(w, issuedBody)
			})
			if _, err := issue(t.Context(), client); err != nil || requests != 10 {
				t.Errorf("%s: got %v after %d requests", operation, err, requests)
			}
			ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
			defer cancel()
			_, err := issue(ctx, client)
			mustBe(t, err, ErrNotExecuted)
			mustBe(t, err, context.DeadlineExceeded)
			if errors.Is(err, ErrOutcomeUnknown) {
				t.Errorf("%s: got %v", operation, err)
			}
		})
	}
}

func TestIssueReadsThroughALimit(t *testing.T) {
	t.Parallel()
	padding := strings.Repeat(" ", objectLimit)
	for name, test := range map[string]struct {
		body   string
		issued bool
	}{
		"plaintext within the limit": {issuedBody + padding, true},
		"plaintext beyond the limit": {padding + issuedBody, false},
	} {
		var rec recorder
		issued, err := clientOf(t, rec.answering(200, test.body)).RotateKey(t.Context(), "key_1")
		if test.issued && (err != nil || issued.Plaintext.Reveal() != issuedPlaintext) {
			t.Errorf("%s: got %v, %v", name, issued, err)
		}
		if !test.issued {
			mustBe(t, err, ErrOutcomeUnknown)
			mustBeStatus(t, err, 200)
		}
	}
}
