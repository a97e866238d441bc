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
	arrived atomic.Int64 // requests, also those that hang

	mu      sync.Mutex
	server  *http.Server
	silence chan struct{}     // while not nil, requests wait until it is closed
	idOf    map[string]string // by plaintext
	tokens  []string
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
		n.speak()
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
	n.arrived.Add(1)
	n.mu.Lock()
	silence := n.silence
	n.mu.Unlock()
	if silence != nil {
		select {
		case <-silence:
		case <-r.Context().Done():
			return
		}
	}
	n.API().ServeHTTP(w, r)
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

// hush lets every request wait for an answer that does not come, until speak.
func (n *tenant) hush() {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.silence = make(chan struct{})
}

func (n *tenant) speak() {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.silence != nil {
		close(n.silence)
		n.silence = nil
	}
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
