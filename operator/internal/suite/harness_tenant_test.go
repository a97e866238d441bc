package suite

import (
	"maps"
	"net"
	"net/http"
	"os"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"

	"github.com/betterdataco/terraform-provider-betterdata/apiclient/sandbox"
)

// tenant is a sandbox that listens, can be taken away, and remembers which plaintext belongs to which key.
type tenant struct {
	*sandbox.Server
	url     string // what baseURL is set to
	port    int
	arrived atomic.Int64 // requests that manage keys, whoever answered them
	polls   atomic.Int64 // those for the first page of a listing; a new key that is tried lists too, and is none of them

	mu     sync.Mutex
	server *http.Server
	outage http.HandlerFunc  // answers instead of the API, unless nil
	idOf   map[string]string // by plaintext
	tokens []string
}

// tenantOption changes the sandbox.
type tenantOption = sandbox.Option

// newTenant starts a sandbox without quotas, so that tests wait for the operator only; [sandbox.WithRateLimits] among the
// options sets them.
func newTenant(t *testing.T, options []tenantOption) *tenant {
	t.Helper()
	n := &tenant{idOf: map[string]string{}}
	remember := sandbox.WithIssueHook(func(id, plaintext string) {
		n.mu.Lock()
		defer n.mu.Unlock()
		n.idOf[plaintext] = id
	})
	var err error
	if n.Server, err = sandbox.New(append([]tenantOption{sandbox.WithRateLimits(), remember}, options...)...); err != nil {
		t.Fatal(err)
	}
	n.tokens = []string{n.SessionToken()}
	n.listen(t, n.bind(t))
	n.url = "http://127.0.0.1:" + portText(n.port) + "/api"
	t.Cleanup(func() {
		_ = n.server.Close()
		if err := n.Close(); err != nil {
			t.Error(err)
		}
	})
	return n
}

// newToken adds a session token. Tokens made so are searched for as the first one is.
func (n *tenant) newToken() string {
	token := n.NewSessionToken()
	n.mu.Lock()
	defer n.mu.Unlock()
	n.tokens = append(n.tokens, token)
	return token
}

// bind takes the tenant's port, or any the first time. A socket that is bound and does not listen refuses connections, and
// keeps the port from everybody else.
func (n *tenant) bind(t *testing.T) int {
	t.Helper()
	socket, err := syscall.Socket(syscall.AF_INET, syscall.SOCK_STREAM, 0)
	if err == nil {
		syscall.CloseOnExec(socket)
		err = syscall.SetsockoptInt(socket, syscall.SOL_SOCKET, syscall.SO_REUSEADDR, 1)
	}
	if err == nil {
		err = syscall.Bind(socket, &syscall.SockaddrInet4{Port: n.port, Addr: [4]byte{127, 0, 0, 1}})
	}
	if err != nil {
		t.Fatal(err)
	}
	return socket
}

// listen serves the API on a bound socket.
func (n *tenant) listen(t *testing.T, socket int) {
	t.Helper()
	if err := syscall.Listen(socket, syscall.SOMAXCONN); err != nil {
		t.Fatal(err)
	}
	file := os.NewFile(uintptr(socket), "tenant")
	listener, err := net.FileListener(file)
	if err != nil {
		t.Fatal(err)
	}
	_ = file.Close() // the listener has a copy
	address, _ := listener.Addr().(*net.TCPAddr)
	n.port = address.Port
	n.server = &http.Server{Handler: http.HandlerFunc(n.serve)}
	go func(server *http.Server) { _ = server.Serve(listener) }(n.server) // returns when the server is closed
}

func (n *tenant) serve(w http.ResponseWriter, r *http.Request) {
	n.mu.Lock()
	answer := n.outage
	n.mu.Unlock()
	if strings.Contains(r.URL.Path, "/admin/") {
		n.arrived.Add(1)
		trial := n.identify(strings.TrimPrefix(r.Header.Get("Authorization"), "Bearer ")) != ""
		if r.Method == http.MethodGet && r.URL.Query().Get("page") <= "1" && !trial {
			n.polls.Add(1)
		}
	}
	if answer == nil {
		answer = n.API().ServeHTTP
	}
	answer(w, r)
}

// refuse cuts all connections and refuses new ones, until the function that it returns is called.
func (n *tenant) refuse(t *testing.T) (end func()) {
	t.Helper()
	if err := n.server.Close(); err != nil {
		t.Fatal(err)
	}
	socket := n.bind(t)
	return func() { t.Helper(); n.listen(t, socket) }
}

// instead has every request answered by something else than the API, until the function that it returns is called.
func (n *tenant) instead(answer http.HandlerFunc) (end func()) {
	set := func(answer http.HandlerFunc) {
		n.mu.Lock()
		defer n.mu.Unlock()
		n.outage = answer
	}
	set(answer)
	return func() { set(nil) }
}

// hang lets every request wait for an answer that never comes, until the function that it returns is called.
func (n *tenant) hang() (end func()) {
	over := make(chan struct{})
	back := n.instead(func(_ http.ResponseWriter, r *http.Request) {
		select {
		case <-over:
		case <-r.Context().Done():
		}
		panic(http.ErrAbortHandler) // cuts the connection
	})
	return sync.OnceFunc(func() { back(); close(over) })
}

// secrets are all plaintexts and tokens that there have been.
func (n *tenant) secrets() []string {
	n.mu.Lock()
	defer n.mu.Unlock()
	return slices.Concat(slices.Sorted(maps.Keys(n.idOf)), n.tokens)
}

// identify is the id of the key with the plaintext, empty if the tenant has issued no such key.
func (n *tenant) identify(plaintext string) string {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.idOf[plaintext]
}

// liveKeys are the ids of the live keys that some operator made, sorted.
func (n *tenant) liveKeys() []string {
	var ids []string
	for _, key := range n.LiveKeys() {
		if strings.Contains(key.Name, "[k8s:") {
			ids = append(ids, key.ID)
		}
	}
	slices.Sort(ids)
	return ids
}
