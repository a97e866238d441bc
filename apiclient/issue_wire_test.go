package apiclient

import (
	"bufio"
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"sync/atomic"
	"testing"
	"time"

	"golang.org/x/net/http2"
)

// wireServer accepts connections and hands each to handle, which plays a server by hand.
type wireServer struct {
	base     string
	requests atomic.Int32
	conns    atomic.Int32
}

func playServer(t *testing.T, handle func(s *wireServer, conn net.Conn)) *wireServer {
	t.Helper()
	listener, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s := &wireServer{base: "http://" + listener.Addr().String() + basePath}
	t.Cleanup(func() { _ = listener.Close() })
	go func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			s.conns.Add(1)
			go func() {
				defer func() { _ = conn.Close() }()
				handle(s, conn)
			}()
		}
	}()
	return s
}

// readRequest reads one request with its body, and counts it.
func (s *wireServer) readRequest(in *bufio.Reader) error {
	req, err := http.ReadRequest(in)
	if err != nil {
		return err
	}
	if _, err := io.Copy(io.Discard, req.Body); err != nil {
		return err
	}
	s.requests.Add(1)
	return nil
}

// P2: a create or rotate whose answer is lost has reached the server exactly once, and its outcome is unknown.
func TestLostAnswers(t *testing.T) {
	t.Parallel()
	for name, lose := range map[string]func(conn net.Conn){
		"cut before the answer": func(net.Conn) {},
		"reset before the answer": func(conn net.Conn) {
			if tcp, ok := conn.(*net.TCPConn); ok {
				_ = tcp.SetLinger(0)
			}
		},
		"cut in the status line": func(conn net.Conn) { _, _ = io.WriteString(conn, "HTTP/1.1 20") },
		"cut in the headers":     func(conn net.Conn) { _, _ = io.WriteString(conn, "HTTP/1.1 200 OK\r\nContent-") },
		"cut before the body":    func(conn net.Conn) { _, _ = io.WriteString(conn, "HTTP/1.1 200 OK\r\nContent-Length: 300\r\n\r\n") },
		"cut before the plaintext": func(conn net.Conn) {
			_, _ = fmt.Fprintf(conn, "HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s", len(issuedBody), issuedBody[:len(issuedBody)-40])
		},
		"cut in the plaintext": func(conn net.Conn) {
			_, _ = fmt.Fprintf(conn, "HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s", len(issuedBody), issuedBody[:len(issuedBody)-4])
		},
		"no HTTP": func(conn net.Conn) { _, _ = io.WriteString(conn, "SSH-2.0-OpenSSH\r\n") },
		"cut chunked body": func(conn net.Conn) {
			_, _ = io.WriteString(conn, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n9\r\n{\"apiKey\"\r\n")
		},
	} {
		for operation, issue := range issuers() {
			t.Run(name+" "+operation, func(t *testing.T) {
				t.Parallel()
				server := playServer(t, func(s *wireServer, conn net.Conn) {
					if s.readRequest(bufio.NewReader(conn)) == nil {
						lose(conn)
					}
				})
				_, err := issue(t.Context(), newTestClient(t, server.base))
				mustBe(t, err, ErrOutcomeUnknown)
				if n := server.requests.Load(); n != 1 {
					t.Errorf("%d requests reached the server", n)
				}
			})
		}
	}
}

// P1: a plaintext that has arrived is a key issued, although the rest of the answer is lost.
func TestAnswerCutAfterThePlaintext(t *testing.T) {
	t.Parallel()
	for operation, issue := range issuers() {
		server := playServer(t, func(s *wireServer, conn net.Conn) {
			if s.readRequest(bufio.NewReader(conn)) == nil {
				_, _ = io.WriteString(conn, "HTTP/1.1 200 OK\r\nContent-Length: 300\r\n\r\n"+`{"plaintextKey":"bdk_live_A_b","apiKey":{"id":"key_9","na`)
			}
		})
		issued, err := issue(t.Context(), newTestClient(t, server.base))
		if err != nil || issued.Plaintext.Reveal() != "bdk_live_A_b" || issued.ID != "key_9" {
			t.Errorf("%s: got %+v, %v", operation, issued, err)
		}
	}
}

// A server that closes idle connections at the moment they are used again makes answers look lost. Each call has a
// connection of its own, so nothing is lost.
func TestIdleConnectionsAreNotReused(t *testing.T) {
	t.Parallel()
	for operation, issue := range issuers() {
		server := playServer(t, func(s *wireServer, conn net.Conn) {
			in := bufio.NewReader(conn)
			if s.readRequest(in) != nil {
				return
			}
			_, _ = fmt.Fprintf(conn, "HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s", len(issuedBody), issuedBody)
			_ = s.readRequest(in) // a second request on this connection is counted and gets no answer
		})
		client := newTestClient(t, server.base)
		for range 5 {
			if _, err := issue(t.Context(), client); err != nil {
				t.Errorf("%s: %v", operation, err)
			}
		}
		if requests, conns := server.requests.Load(), server.conns.Load(); requests != 5 || conns != 5 {
			t.Errorf("%s: %d requests on %d connections", operation, requests, conns)
		}
	}
}

func TestSlowAnswerIsUnknown(t *testing.T) {
	t.Parallel()
	for operation, issue := range issuers() {
		t.Run(operation, func(t *testing.T) {
			t.Parallel()
			done := make(chan struct{})
			server := playServer(t, func(s *wireServer, conn net.Conn) {
				_ = s.readRequest(bufio.NewReader(conn))
				<-done
			})
			// Long enough for a loaded machine to connect and send.
			client := newTestClient(t, server.base, WithExchangeTimeout(2*time.Second))
			_, err := issue(t.Context(), client)
			close(done)
			mustBe(t, err, ErrOutcomeUnknown)
			mustBe(t, err, context.DeadlineExceeded)
			if n := server.requests.Load(); n != 1 {
				t.Errorf("%d requests", n)
			}
		})
	}
}

// A certificate that is not trusted is found before anything is sent, and trying again would not help.
func TestUntrustedCertificateIsNotExecuted(t *testing.T) {
	t.Parallel()
	for operation, issue := range issuers() {
		var rec recorder
		server := httptest.NewUnstartedServer(rec.answering(200, issuedBody))
		var handshakes atomic.Int32
		server.Config.ConnState = func(_ net.Conn, state http.ConnState) {
			if state == http.StateNew {
				handshakes.Add(1)
			}
		}
		server.Config.ErrorLog = quiet
		server.StartTLS()
		t.Cleanup(server.Close)
		_, err := issue(t.Context(), newTestClient(t, server.URL))
		mustBe(t, err, ErrNotExecuted)
		if handshakes.Load() != 1 || rec.count() != 0 {
			t.Errorf("%s: %d handshakes, %d requests", operation, handshakes.Load(), rec.count())
		}
	}
}

// http2Server speaks HTTP/2 by hand: for each request it has read to its end it calls answer.
func http2Server(t *testing.T, answer func(framer *http2.Framer, stream uint32)) (*wireServer, *http.Client) {
	t.Helper()
	trusted := httptest.NewTLSServer(nil) // lends its certificate
	t.Cleanup(trusted.Close)
	server := playServer(t, func(s *wireServer, raw net.Conn) {
		conn := tls.Server(raw, &tls.Config{Certificates: trusted.TLS.Certificates, NextProtos: []string{"h2"}, MinVersion: tls.VersionTLS12})
		preface := make([]byte, len(http2.ClientPreface))
		if _, err := io.ReadFull(conn, preface); err != nil || !bytes.Equal(preface, []byte(http2.ClientPreface)) {
			return
		}
		s.serveFrames(http2.NewFramer(conn, conn), answer)
	})
	server.base = "https" + server.base[len("http"):]
	transport, _ := trusted.Client().Transport.(*http.Transport)
	transport = transport.Clone()
	transport.ForceAttemptHTTP2 = true
	return server, &http.Client{Transport: transport}
}

func (s *wireServer) serveFrames(framer *http2.Framer, answer func(*http2.Framer, uint32)) {
	if framer.WriteSettings() != nil {
		return
	}
	for {
		frame, err := framer.ReadFrame()
		if err != nil {
			return
		}
		switch f := frame.(type) {
		case *http2.SettingsFrame:
			if !f.IsAck() {
				_ = framer.WriteSettingsAck()
			}
		case *http2.HeadersFrame:
			s.requests.Add(1)
			if f.StreamEnded() {
				answer(framer, f.StreamID)
			}
		case *http2.DataFrame:
			if f.StreamEnded() {
				answer(framer, f.StreamID)
			}
		}
	}
}

// P2: Go's HTTP/2 stack resends what a server says it has not processed, if it can rewind the body. Ours cannot be
// rewound, because a proxy may say so of a request that it has passed on.
func TestHTTP2DoesNotResend(t *testing.T) {
	t.Parallel()
	for name, answer := range map[string]func(framer *http2.Framer, stream uint32){
		"GOAWAY before the stream": func(framer *http2.Framer, _ uint32) { _ = framer.WriteGoAway(0, http2.ErrCodeNo, nil) },
		"RST_STREAM REFUSED_STREAM": func(framer *http2.Framer, stream uint32) {
			_ = framer.WriteRSTStream(stream, http2.ErrCodeRefusedStream)
		},
		"RST_STREAM PROTOCOL_ERROR": func(framer *http2.Framer, stream uint32) {
			_ = framer.WriteRSTStream(stream, http2.ErrCodeProtocol)
		},
		"GOAWAY and refused": func(framer *http2.Framer, stream uint32) {
			_ = framer.WriteGoAway(0, http2.ErrCodeEnhanceYourCalm, nil)
			_ = framer.WriteRSTStream(stream, http2.ErrCodeRefusedStream)
		},
	} {
		for operation, issue := range issuers() {
			t.Run(name+" "+operation, func(t *testing.T) {
				t.Parallel()
				server, hc := http2Server(t, answer)
				client := newTestClient(t, server.base, WithHTTPClient(hc), WithExchangeTimeout(10*time.Second))
				_, err := issue(t.Context(), client)
				mustBe(t, err, ErrOutcomeUnknown)
				if errors.Is(err, context.DeadlineExceeded) {
					t.Errorf("the server's answer was not noticed: %v", err)
				}
				if n := server.requests.Load(); n != 1 {
					t.Errorf("%d requests reached the server", n)
				}
			})
		}
	}
}

// Over a healthy HTTP/2 server each call has a connection of its own too, also when the caller's transport has
// HTTP/2 connections in its pool, and when it was configured for HTTP/2 by hand.
func TestHTTP2UsesAFreshConnection(t *testing.T) {
	t.Parallel()
	for name, configure := range map[string]func(*http.Transport) error{
		"by net/http": func(*http.Transport) error { return nil },
		"by x/net":    http2.ConfigureTransport, //nolint:staticcheck // deprecated, and still what callers may have done
	} {
		var rec recorder
		server := httptest.NewUnstartedServer(rec.answering(200, issuedBody))
		server.EnableHTTP2 = true
		server.StartTLS()
		t.Cleanup(server.Close)
		transport, _ := server.Client().Transport.(*http.Transport)
		if err := configure(transport); err != nil {
			t.Fatal(err)
		}
		client := newTestClient(t, server.URL, WithHTTPClient(server.Client()))
		if err := client.RevokeKey(t.Context(), "key_123"); err != nil { // opens a connection that stays
			t.Fatal(err)
		}
		for range 3 {
			if _, err := client.RotateKey(t.Context(), "key_1"); err != nil {
				t.Fatal(err)
			}
		}
		connections := map[string]bool{}
		for _, request := range rec.all() {
			connections[request.from] = true
		}
		if len(connections) != 4 || rec.count() != 4 {
			t.Errorf("%s: %d requests on %d connections", name, rec.count(), len(connections))
		}
	}
}
