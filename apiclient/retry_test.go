package apiclient

import (
	"bufio"
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

// repeatables are the operations that may be executed twice without harm.
func repeatables() map[string]func(context.Context, *Client) error {
	return map[string]func(context.Context, *Client) error{
		"list":   func(ctx context.Context, c *Client) error { _, err := c.ListKeys(ctx, ListOptions{}); return err },
		"revoke": func(ctx context.Context, c *Client) error { return c.RevokeKey(ctx, "key_1") },
		"update": func(ctx context.Context, c *Client) error {
			_, err := c.UpdateKey(ctx, "key_1", UpdateKeyRequest{Name: "n", Scopes: []string{"*"}})
			return err
		},
	}
}

const anyBody = `{"apiKeys":[],"success":true}`

func TestRepeatablesAreRepeated(t *testing.T) {
	t.Parallel()
	for operation, call := range repeatables() {
		var rec recorder
		client := clientOf(t, func(w http.ResponseWriter, r *http.Request) {
			rec.note(r)
			if rec.count() < 3 {
				w.WriteHeader(http.StatusBadGateway)
				_, _ = io.WriteString(w, "<html><title>502 Bad Gateway</title></html>")
				return
			}
			_, _ = io.WriteString(w, anyBody)
		})
		if err := call(t.Context(), client); err != nil || rec.count() != 3 {
			t.Errorf("%s: got %v after %d requests", operation, err, rec.count())
		}
		for _, req := range rec.all() {
			if operation == "update" && req.body != `{"name":"n","scopes":["*"]}` {
				t.Errorf("a repeated update carries %q", req.body)
			}
		}
	}
}

// Retries that do not help end with the last answer as a typed error.
func TestRetriesEnd(t *testing.T) {
	t.Parallel()
	for status, attempts := range map[int]int{
		500: 1 + quick.MaxRetries, 502: 1 + quick.MaxRetries, 503: 1 + quick.MaxRetries, 501: 1,
		400: 1, 401: 1, 403: 1, 408: 1, 422: 1,
	} {
		for operation, call := range repeatables() {
			var rec recorder
			client := clientOf(t, rec.answering(status, `{"code":"SOME_CODE","message":"m"}`))
			err := call(t.Context(), client)
			if e := errorWith(t, err, status); e.Code != "SOME_CODE" || e.Message != "m" {
				t.Errorf("%s %d: got %+v", operation, status, e)
			}
			want := attempts
			if status == 400 && operation != "update" {
				want = 2 // list: again without limit; revoke: the listing that may confirm it, and again without limit
			}
			if operation == "revoke" && status == 400 {
				want = 3
			}
			if rec.count() != want {
				t.Errorf("%s %d: %d attempts, want %d", operation, status, rec.count(), want)
			}
		}
	}
}

func TestNoRetries(t *testing.T) {
	t.Parallel()
	var rec recorder
	client := clientOf(t, rec.answering(500, ""), WithRetry(RetryPolicy{MaxRetries: -1}))
	mustBeStatus(t, client.RevokeKey(t.Context(), "key_1"), 500)
	if rec.count() != 1 {
		t.Errorf("%d attempts", rec.count())
	}
}

func TestConnectionErrorsAreRepeated(t *testing.T) {
	t.Parallel()
	for name, lose := range map[string]string{
		"cut before the answer": "",
		"cut in the body":       "HTTP/1.1 200 OK\r\nContent-Length: 300\r\n\r\n{\"apiKeys\":[",
	} {
		for operation, call := range repeatables() {
			server := playServer(t, func(s *wireServer, conn net.Conn) {
				if s.readRequest(bufio.NewReader(conn)) != nil {
					return
				}
				answer := lose
				if s.requests.Load() == 3 {
					answer = fmt.Sprintf("HTTP/1.1 200 OK\r\nContent-Length: %d\r\nConnection: close\r\n\r\n%s", len(anyBody), anyBody)
				}
				_, _ = io.WriteString(conn, answer)
			})
			// net/http repeats a GET by itself only on a connection used before; here each is fresh.
			if err := call(t.Context(), newTestClient(t, server.base)); err != nil || server.requests.Load() != 3 {
				t.Errorf("%s, %s: got %v after %d requests", name, operation, err, server.requests.Load())
			}
		}
	}
}

func TestConnectionErrorText(t *testing.T) {
	t.Parallel()
	client := newTestClient(t, refusing(t)+"/secret-path")
	err := client.RevokeKey(t.Context(), "key_1")
	if _, ok := errors.AsType[*net.OpError](err); !ok || !strings.HasPrefix(err.Error(), "revoke key key_1: ") || strings.Contains(err.Error(), "secret-path") {
		t.Errorf("got %v", err)
	}
}

func TestRetryWait(t *testing.T) {
	t.Parallel()
	p, err := RetryPolicy{}.withDefaults()
	if err != nil || p.MaxRetries != 4 {
		t.Fatalf("got %+v, %v", p, err)
	}
	for retry, want := range map[int]time.Duration{0: time.Second, 1: 2 * time.Second, 4: 16 * time.Second, 5: 30 * time.Second, 29: 30 * time.Second, 1000: 30 * time.Second} {
		for range 100 {
			if got := p.wait(retry); got < want/2 || got > want {
				t.Fatalf("retry %d: waits %s, want %s to %s", retry, got, want/2, want)
			}
		}
	}
	huge := RetryPolicy{MinWait: 24 * time.Hour, MaxWait: 48 * time.Hour}
	if got := huge.wait(29); got < 24*time.Hour {
		t.Errorf("overflow: waits %s", got)
	}
}

// A 503 that says when to come back is believed, up to MaxWait.
func TestRetryAfterOf503(t *testing.T) {
	t.Parallel()
	for asked, want := range map[string]time.Duration{"7": 7 * time.Second, "3600": 30 * time.Second} {
		synctest.Test(t, func(t *testing.T) {
			requests := 0
			client := bubbleClient(t, func(w http.ResponseWriter, _ *http.Request) {
				if requests++; requests == 1 {
					w.Header().Set("Retry-After", asked)
					w.WriteHeader(http.StatusServiceUnavailable)
				}
			}, WithRetry(RetryPolicy{}))
			begun := time.Now()
			if err := client.RevokeKey(t.Context(), "key_1"); err != nil || time.Since(begun) != want {
				t.Errorf("%s: got %v after %s", asked, err, time.Since(begun))
			}
		})
	}
}

func TestErrorTellsWhenToComeBack(t *testing.T) {
	t.Parallel()
	client := clientOf(t, func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Retry-After", "60")
		w.WriteHeader(http.StatusForbidden)
	})
	_, err := client.ListKeys(t.Context(), ListOptions{})
	if e := errorWith(t, err, 403); e.RetryAt == nil || time.Until(*e.RetryAt) < 50*time.Second {
		t.Errorf("got %+v", e)
	}
}

// Cancellation ends the backoff at once and says what was answered before.
func TestBackoffObeysCancellation(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		client := bubbleClient(t, func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusBadGateway) },
			WithRetry(RetryPolicy{MinWait: time.Hour, MaxWait: time.Hour}))
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		begun := time.Now()
		err := client.RevokeKey(ctx, "key_1")
		mustBe(t, err, context.DeadlineExceeded)
		mustBeStatus(t, err, 502)
		if time.Since(begun) != time.Second {
			t.Errorf("took %s", time.Since(begun))
		}
	})
}

func TestExchangeTimeout(t *testing.T) {
	t.Parallel()
	for timeout, want := range map[time.Duration]time.Duration{0: exchangeTimeout, 5 * time.Second: 5 * time.Second} {
		synctest.Test(t, func(t *testing.T) {
			hang := inProcess(func(_ http.ResponseWriter, r *http.Request) { elapse(r.Context(), time.Hour) })
			client := newTestClient(t, "https://h", WithRetry(RetryPolicy{MaxRetries: -1}), WithHTTPClient(&http.Client{Transport: hang, Timeout: timeout}))
			begun := time.Now()
			err := client.RevokeKey(t.Context(), "key_1")
			mustBe(t, err, context.DeadlineExceeded)
			if time.Since(begun) != want {
				t.Errorf("took %s, want %s", time.Since(begun), want)
			}
		})
	}
}
