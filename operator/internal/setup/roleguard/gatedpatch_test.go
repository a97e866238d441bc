package roleguard

import (
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"k8s.io/client-go/rest"
)

func mustPatch(t *testing.T, url string, askedWithin time.Duration) *gatedPatch {
	t.Helper()
	patch, err := newGatedPatch(&rest.Config{Host: url, BearerToken: "token", UserAgent: "test"}, askedWithin)
	if err != nil {
		t.Fatal(err)
	}
	return patch
}

func TestBodyIsSentAfterAuthorized(t *testing.T) {
	t.Parallel()
	authorized := false
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Authorization") != "Bearer token" || r.Method != http.MethodPatch || r.URL.Path != "/prefix/path" {
			t.Errorf("got %s %s as %q", r.Method, r.URL, r.Header.Get("Authorization"))
		}
		if authorized {
			t.Error("authorized before the server read anything")
		}
		body, err := io.ReadAll(r.Body) // this is what sends 100 Continue
		if err != nil || string(body) != "body" || !authorized {
			t.Errorf("got %q %v, authorized %v", body, err, authorized)
		}
		w.WriteHeader(http.StatusOK)
	}))
	defer server.Close()
	err := mustPatch(t, server.URL+"/prefix", time.Minute).do(t.Context(), "/path", []byte("body"), func() error { authorized = true; return nil })
	if err != nil || !authorized {
		t.Errorf("got %v, authorized %v", err, authorized)
	}
}

func TestRefusalIsNotAuthorized(t *testing.T) {
	t.Parallel()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		http.Error(w, "not for you", http.StatusForbidden)
	}))
	defer server.Close()
	err := mustPatch(t, server.URL, time.Minute).do(t.Context(), "/path", []byte("body"), func() error { t.Error("authorized"); return nil })
	if err == nil || err.Error() != "HTTP 403: not for you" {
		t.Errorf("got %v", err)
	}
}

// Somebody in between who swallows the Expect header: silence is no permission.
func TestSilenceIsNotAuthorized(t *testing.T) {
	t.Parallel()
	listener, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = listener.Close() }()
	go func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			go func() { _, _ = io.Copy(io.Discard, conn) }()
		}
	}()
	err = mustPatch(t, "http://"+listener.Addr().String(), time.Millisecond).do(t.Context(), "/path", []byte("body"), func() error { t.Error("authorized"); return nil })
	if !errors.Is(err, errNotAsked) {
		t.Errorf("got %v, want %v", err, errNotAsked)
	}
}
