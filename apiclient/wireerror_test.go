package apiclient

import (
	"bufio"
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
)

// syncBuffer is a log that several goroutines write.
type syncBuffer struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (b *syncBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.Write(p)
}

func (b *syncBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.String()
}

// accept hands each connection of l to serve, until the test ends.
func accept(t *testing.T, l net.Listener, serve func(net.Conn)) {
	t.Helper()
	var wg sync.WaitGroup
	t.Cleanup(func() { _ = l.Close(); wg.Wait() })
	wg.Go(func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			wg.Go(func() {
				defer func() { _ = conn.Close() }()
				serve(conn)
			})
		}
	})
}

// rawServer answers each request with the same bytes and closes the connection.
func rawServer(t *testing.T, answer string) string {
	t.Helper()
	l, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	accept(t, l, func(conn net.Conn) {
		req, err := http.ReadRequest(bufio.NewReader(conn))
		if err != nil {
			return
		}
		_, _ = io.Copy(io.Discard, req.Body)
		_, _ = io.WriteString(conn, answer)
	})
	return "http://" + l.Addr().String() + basePath
}

// everyCall runs every operation and returns the errors.
func everyCall(ctx context.Context, client *Client) map[string]error {
	got := map[string]error{}
	for name, call := range repeatables() {
		got[name] = call(ctx, client)
	}
	for name, issue := range issuers() {
		_, got[name] = issue(ctx, client)
	}
	return got
}

// checkRadioactive looks for canaries in every rendering of the errors and in the log.
func checkRadioactive(t *testing.T, canaries []string, got map[string]error, log string) {
	t.Helper()
	for name, err := range got {
		if err == nil {
			continue
		}
		for at := err; at != nil; at = errors.Unwrap(at) {
			log += fmt.Sprintf("%s: %#v\n", name, at)
			if _, wire := at.(*wireError); wire { //nolint:errorlint // the chain is walked
				break // below is the cause, for programs alone
			}
		}
		log += fmt.Sprintf("%s: %v %+v %s %q\n", name, err, err, err.Error(), err)
	}
	for _, canary := range canaries {
		if strings.Contains(strings.ToLower(log), strings.ToLower(canary)) {
			t.Errorf("%s shows in\n%s", canary, log)
		}
	}
}

// canaryTokens are one token of a known shape and one of none.
var canaryTokens = []string{"bdk_live_CanaryToken123", "canary-tokenwithoutshape"}

// P5: net/http quotes the server in its errors; neither an error of the client's nor its log repeats that.
func TestBrokenAnswersAreNotQuoted(t *testing.T) {
	t.Parallel()
	const plaintext = "canary-plaintext"
	body := `{"plaintextKey":"` + plaintext + `"}`
	for name, answer := range map[string]string{
		"status line":       "TOKEN " + body + "\r\n\r\n",
		"version":           "HTTP/TOKEN 200 OK\r\n\r\n" + body,
		"status code":       "HTTP/1.1 TOKEN\r\n\r\n" + body,
		"content length":    "HTTP/1.1 200 OK\r\nContent-Length: TOKEN" + body + "\r\n\r\n",
		"content lengths":   "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: TOKEN\r\n\r\n",
		"transfer encoding": "HTTP/1.1 200 OK\r\nTransfer-Encoding: TOKEN\r\n\r\n" + body,
		"no colon":          "HTTP/1.1 200 OK\r\nX: y\r\nTOKEN\r\n\r\n",
		"body for header":   "HTTP/1.1 200 OK\r\n" + `{"plaintextKey" "` + plaintext + `TOKEN"}` + "\r\n\r\n",
		"chunk size":        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nTOKEN\r\n" + body,
		"trailer":           "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\nTOKEN " + plaintext + "\r\n\r\n",
		"location":          "HTTP/1.1 302 Found\r\nLocation: https://TOKEN/x\r\nContent-Length: 0\r\n\r\n",
		"location's scheme": "HTTP/1.1 302 Found\r\nLocation: TOKEN://host/x\r\nContent-Length: 0\r\n\r\n",
		"short":             "HTTP/1.1 200 OK\r\nContent-Length: 900\r\nX-Request-Id: TOKEN\r\n\r\nTOKEN",
		"nothing":           "",
	} {
		for _, token := range canaryTokens {
			var out syncBuffer
			client := newTestClient(t, rawServer(t, strings.ReplaceAll(answer, "TOKEN", token)),
				WithTokenSource(StaticToken(NewSecret(token))), WithRetry(RetryPolicy{MaxRetries: -1}),
				WithLogger(slog.New(slog.NewJSONHandler(&out, &slog.HandlerOptions{Level: slog.LevelDebug}))))
			got := everyCall(t.Context(), client)
			for call, err := range got {
				if err == nil {
					t.Errorf("%s, %s: no error", name, call)
				}
			}
			checkRadioactive(t, []string{token, plaintext}, got, out.String())
		}
	}
}

// goAway is an HTTP/2 server's whole part: its settings, then a GOAWAY about every stream, with debug data.
func goAway(debug string) []byte {
	frame := func(kind byte, payload []byte) []byte {
		head := binary.BigEndian.AppendUint32(nil, uint32(len(payload))<<8|uint32(kind))
		return append(append(head, 0, 0, 0, 0, 0), payload...)
	}
	const lastStream, protocolError = 1<<31 - 1, 1
	payload := binary.BigEndian.AppendUint32(binary.BigEndian.AppendUint32(nil, lastStream), protocolError)
	return append(frame(4, nil), frame(7, append(payload, debug...))...)
}

func TestGoAwayIsNotQuoted(t *testing.T) {
	t.Parallel()
	for _, token := range canaryTokens {
		known := httptest.NewTLSServer(nil)
		t.Cleanup(known.Close)
		l, err := tls.Listen("tcp", "127.0.0.1:0", &tls.Config{
			Certificates: known.TLS.Certificates, NextProtos: []string{"h2"}, MinVersion: tls.VersionTLS12,
		})
		if err != nil {
			t.Fatal(err)
		}
		accept(t, l, func(conn net.Conn) {
			_, _ = io.ReadFull(conn, make([]byte, 100)) // preface, settings and part of the request
			_, _ = conn.Write(goAway("canary-debug " + token))
			if half, ok := conn.(interface{ CloseWrite() error }); ok {
				_ = half.CloseWrite()
			}
			_, _ = io.Copy(io.Discard, conn)
		})
		roots := x509.NewCertPool()
		roots.AddCert(known.Certificate())
		transport := &http.Transport{ForceAttemptHTTP2: true, TLSClientConfig: &tls.Config{RootCAs: roots, MinVersion: tls.VersionTLS12}}
		var out syncBuffer
		client := newTestClient(t, "https://"+l.Addr().String()+basePath, WithHTTPClient(&http.Client{Transport: transport}),
			WithTokenSource(StaticToken(NewSecret(token))), WithRetry(RetryPolicy{MaxRetries: -1}),
			WithLogger(slog.New(slog.NewTextHandler(&out, &slog.HandlerOptions{Level: slog.LevelDebug}))))
		got := everyCall(t.Context(), client)
		transport.CloseIdleConnections()
		checkRadioactive(t, []string{token, "canary-debug"}, got, out.String())
		if !strings.Contains(fmt.Sprint(got), "GoAway") {
			t.Errorf("no GOAWAY was met: %v", got)
		}
	}
}

// A key that quotes the request's token does not take it into state, status or a log.
func TestKeysThatQuoteTheToken(t *testing.T) {
	t.Parallel()
	key := `{"id":"key_1","name":"x ` + testToken + `","keyPrefix":"` + testToken + `","last4":"` + testToken + `","scopes":["` + testToken + `"],"status":"` + testToken + `"}`
	var rec recorder
	client := clientOf(t, rec.answering(200, `{"apiKeys":[`+key+`],"apiKey":`+key+`,"plaintextKey":"p"}`))
	page, errList := client.ListKeys(t.Context(), ListOptions{})
	updated, errUpdate := client.UpdateKey(t.Context(), "key_1", UpdateKeyRequest{"n", []string{"*"}})
	issued, errIssue := client.RotateKey(t.Context(), "key_1")
	if err := errors.Join(errList, errUpdate, errIssue); err != nil {
		t.Fatal(err)
	}
	if got := fmt.Sprintf("%+v %+v %+v", page.Keys, updated, issued.Key); strings.Contains(strings.ToLower(got), testToken) || !strings.Contains(got, "key_1") {
		t.Errorf("got %s", got)
	}
}

// The kinds that say what to mend keep their texts, and the causes their identity.
func TestKnownErrorsKeepTheirText(t *testing.T) {
	t.Parallel()
	for want, err := range map[string]error{
		"lookup api.example.com: no such host": &net.DNSError{Err: "no such host", Name: "api.example.com"},
		"dial tcp: missing address":            &net.OpError{Op: "dial", Net: "tcp", Err: errors.New("missing address")},
		"unexpected EOF":                       fmt.Errorf("canary: %w", io.ErrUnexpectedEOF),
		"read x: [REDACTED]":                   &net.OpError{Op: "read", Net: "x", Err: errors.New(testToken)},
		"the connection broke, or the server's answer is not valid HTTP (*errors.errorString)": errors.New("canary"),
	} {
		got := safeError(t.Context(), fmt.Errorf("canary: %w", err), NewSecret(testToken))
		if got.Error() != want || !errors.Is(got, err) {
			t.Errorf("got %q, want %q", got, want)
		}
	}
}
