package tenant

import (
	"bytes"
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/types"
	clientgoscheme "k8s.io/client-go/kubernetes/scheme"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/fake"

	"github.com/betterdataco/terraform-provider-betterdata/apiclient"
	"github.com/betterdataco/terraform-provider-betterdata/apiclient/sandbox"
	"github.com/betterdataco/terraform-provider-betterdata/operator/api/v1alpha1"
	"github.com/betterdataco/terraform-provider-betterdata/operator/internal/controller/apikey"
)

// world is one Kubernetes cluster, one tenant of the API that is reached within the process, and a Pool between them.
type world struct {
	t       *testing.T
	api     *sandbox.Server
	kube    client.Client
	ledgers ledgers
	pool    *Pool
	metrics requests
	log     bytes.Buffer
	secrets []string // that must be seen nowhere

	mu   sync.Mutex
	hang bool
	down bool
	seen int // exchanges that reached the transport
}

// inBubble runs a test with a clock of its own, in which an hour takes no time.
func inBubble(t *testing.T, test func(t *testing.T, w *world), with ...sandbox.Option) {
	t.Helper()
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, with...)
		test(t, w)
		synctest.Wait() // listings that went on without their callers
		w.mustHideSecrets(w.log.String(), "the log")
	})
}

func newWorld(t *testing.T, with ...sandbox.Option) *world {
	t.Helper()
	w := &world{t: t, ledgers: ledgers{holders: map[string]bool{}}}
	api, err := sandbox.New(append([]sandbox.Option{sandbox.WithSeed(7), sandbox.WithIssueHook(func(_, plaintext string) {
		w.secrets = append(w.secrets, plaintext)
	})}, with...)...)
	if err != nil {
		t.Fatal(err)
	}
	w.api = api
	w.secrets = append(w.secrets, api.SessionToken())
	scheme := runtime.NewScheme()
	for _, add := range []func(*runtime.Scheme) error{clientgoscheme.AddToScheme, v1alpha1.AddToScheme} {
		if err := add(scheme); err != nil {
			t.Fatal(err)
		}
	}
	w.kube = fake.NewClientBuilder().WithScheme(scheme).
		WithIndex(&v1alpha1.ApiKey{}, IndexByConnection, connectionOf).
		WithStatusSubresource(&v1alpha1.Connection{}, &v1alpha1.ClusterConnection{}).Build()
	w.pool = w.newPool(8)
	return w
}

// newPool is another process, as it were.
func (w *world) newPool(workers int) *Pool {
	pool := New(Options{
		Client: w.kube, Live: w.kube, ClusterConnections: true, Ledgers: &w.ledgers, Now: time.Now, UserAgent: "test",
		Logger:  slog.New(slog.NewTextHandler(&w.log, &slog.HandlerOptions{Level: slog.LevelDebug})),
		Workers: workers, Metrics: &w.metrics,
	})
	pool.transport = func(*x509.CertPool) http.RoundTripper { return w }
	return pool
}

// RoundTrip implements http.RoundTripper without a network, so that it works in a bubble.
func (w *world) RoundTrip(req *http.Request) (*http.Response, error) {
	w.mu.Lock()
	w.seen++
	hang, down := w.hang, w.down
	w.mu.Unlock()
	if down {
		return nil, errors.New("connection refused")
	}
	if hang {
		<-req.Context().Done()
		return nil, context.Cause(req.Context())
	}
	req = req.Clone(req.Context())
	req.RemoteAddr = "127.0.0.1:1"
	if req.Body == nil {
		req.Body = http.NoBody
	}
	return served(w.api.API(), req)
}

// served turns the handler's way of cutting a connection into an error.
func served(handler http.Handler, req *http.Request) (resp *http.Response, err error) {
	defer func() {
		if recover() != nil {
			resp, err = nil, errors.New("the connection was cut")
		}
	}()
	recorder := httptest.NewRecorder()
	handler.ServeHTTP(recorder, req)
	return recorder.Result(), nil
}

func (w *world) set(flag *bool, value bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	*flag = value
}

// sent is the number of exchanges so far.
func (w *world) sent() int {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.seen
}

// mustSend checks how many exchanges act makes.
func (w *world) mustSend(want int, act func()) {
	w.t.Helper()
	before := w.sent()
	act()
	if got := w.sent() - before; got != want {
		w.t.Errorf("%d requests, want %d", got, want)
	}
}

// mustHideSecrets looks for tokens and plaintexts.
func (w *world) mustHideSecrets(text, where string) {
	w.t.Helper()
	for _, secret := range w.secrets {
		if strings.Contains(text, secret) {
			w.t.Errorf("%s holds a secret", where)
		}
	}
}

// elapse lets time pass.
func elapse(d time.Duration) { <-time.After(d) }

// mustCreate stores objects, with the uid that an API server would give.
func (w *world) mustCreate(objects ...client.Object) {
	w.t.Helper()
	for _, obj := range objects {
		if obj.GetUID() == "" {
			obj.SetUID(types.UID("uid-" + obj.GetNamespace() + "-" + obj.GetName()))
		}
		if err := w.kube.Create(w.t.Context(), obj); err != nil {
			w.t.Fatal(err)
		}
	}
}

func (w *world) mustGet(obj client.Object) {
	w.t.Helper()
	if err := w.kube.Get(w.t.Context(), client.ObjectKeyFromObject(obj), obj); err != nil {
		w.t.Fatal(err)
	}
}

// mustChange reads an object and writes it back.
func mustChange[T client.Object](w *world, obj T, change func(T)) {
	w.t.Helper()
	w.mustGet(obj)
	change(obj)
	if err := w.kube.Update(w.t.Context(), obj); err != nil {
		w.t.Fatal(err)
	}
}

// settings are those of a connection to the tenant.
func settings() v1alpha1.ConnectionSettings {
	return v1alpha1.ConnectionSettings{BaseURL: "http://127.0.0.1:1/api"}
}

func connectionNamed(name string) *v1alpha1.Connection {
	return &v1alpha1.Connection{
		ObjectMeta: metav1.ObjectMeta{Namespace: "shop", Name: name, Generation: 1},
		Spec: v1alpha1.ConnectionSpec{
			TokenSecretRef: v1alpha1.TokenSecretReference{Name: name + "-token"}, ConnectionSettings: settings(),
		},
	}
}

func clusterConnection() *v1alpha1.ClusterConnection {
	return &v1alpha1.ClusterConnection{
		ObjectMeta: metav1.ObjectMeta{Name: "platform", Generation: 1},
		Spec: v1alpha1.ClusterConnectionSpec{
			TokenSecretRef: v1alpha1.NamespacedTokenSecretReference{
				Namespace: "vault", TokenSecretReference: v1alpha1.TokenSecretReference{Name: "platform-token"},
			},
			AllowedNamespaces: []string{"shop", "team-*"}, ConnectionSettings: settings(),
		},
	}
}

func tokenSecret(namespace, name, value string) *corev1.Secret {
	return &corev1.Secret{
		ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: name},
		Data:       map[string][]byte{v1alpha1.DefaultTokenKey: []byte(value)},
	}
}

// connected is a world with a Connection that works.
func (w *world) connected() *v1alpha1.Connection {
	w.t.Helper()
	conn := connectionNamed("default")
	w.mustCreate(conn, tokenSecret("shop", "default-token", w.api.SessionToken()+"\n"))
	return conn
}

// resource is an ApiKey as the engine hands it over.
func resource(name string, k Key) *apikey.Resource {
	return &apikey.Resource{
		Object:        apikey.Object{Namespace: "shop", Name: name, UID: "uid-shop-" + name},
		Settings:      apikey.Settings{Scopes: []string{"inventory:read"}, TargetName: name},
		ConnectionRef: k.String(),
	}
}

func (w *world) mustOpen(r *apikey.Resource) apikey.Connection {
	w.t.Helper()
	conn, err := w.pool.Open(w.t.Context(), r)
	if err != nil {
		w.t.Fatal(err)
	}
	return conn
}

// open is a connection as the ApiKey "reader" sees it.
func (w *world) open(obj v1alpha1.ConnectionObject) apikey.Connection {
	w.t.Helper()
	return w.mustOpen(resource("reader", KeyOf(obj)))
}

func (w *world) mustView(conn apikey.Connection, maxAge time.Duration) apikey.View {
	w.t.Helper()
	view, err := conn.View(w.t.Context(), apiclient.Freshness{MaxAge: maxAge})
	if err != nil {
		w.t.Fatal(err)
	}
	return view
}

func (w *world) mustState(conn apikey.Connection) apikey.State {
	w.t.Helper()
	state, err := conn.State(w.t.Context())
	if err != nil {
		w.t.Fatal(err)
	}
	return state
}

func (w *world) mustPoll(obj v1alpha1.ConnectionObject, maxAge time.Duration) *Report {
	w.t.Helper()
	report, err := w.pool.Poll(w.t.Context(), obj, maxAge)
	if err != nil {
		w.t.Fatal(err)
	}
	return report
}

// mustMint makes a key through the connection.
func (w *world) mustMint(conn apikey.Connection) *apiclient.IssuedKey {
	w.t.Helper()
	if err := conn.ReserveMint(w.t.Context(), "uid-shop-reader", true); err != nil {
		w.t.Fatal(err)
	}
	issued, err := conn.CreateKey(w.t.Context(), apiclient.CreateKeyRequest{Name: "n", Scopes: []string{"inventory:read"}})
	if err != nil {
		w.t.Fatal(err)
	}
	return issued
}

// mustBe checks the kind of an error, and that it tells no secret.
func (w *world) mustBe(err, want error) {
	w.t.Helper()
	if !errors.Is(err, want) {
		w.t.Errorf("got error %v, want one that is %v", err, want)
	}
	w.mustHideSecrets(fmt.Sprintf("%v %+v", err, err), "an error")
}

// mustBeBusy returns when to come back.
func (w *world) mustBeBusy(err error) time.Duration {
	w.t.Helper()
	busy, ok := errors.AsType[*apikey.BusyError](err)
	if !ok {
		w.t.Fatalf("got error %v, want a BusyError", err)
	}
	return time.Until(busy.RetryAt)
}

// ledgers is what the cache of ledgers tells.
type ledgers struct {
	mu      sync.Mutex
	known   []apikey.Known
	holders map[string]bool // uids of ApiKeys that have any
	err     error
}

func (l *ledgers) Known(context.Context, string) ([]apikey.Known, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return slices.Clone(l.known), l.err
}

func (l *ledgers) HasLedgers(_ context.Context, uid string) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.holders[uid]
}

// requests counts what the metrics are told.
type requests struct {
	mu     sync.Mutex
	counts map[string]int
}

func (r *requests) Request(k Key, op apiclient.Operation, code string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.counts == nil {
		r.counts = map[string]int{}
	}
	r.counts[k.Name+" "+string(op)+" "+code]++
}

func (r *requests) all() map[string]int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return maps.Clone(r.counts)
}
