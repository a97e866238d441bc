package connection

import (
	"context"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/go-logr/logr"
	"github.com/prometheus/client_golang/prometheus"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/fields"
	"k8s.io/apimachinery/pkg/runtime"
	clientgoscheme "k8s.io/client-go/kubernetes/scheme"
	"k8s.io/client-go/rest"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/cache"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/config"
	metricsserver "sigs.k8s.io/controller-runtime/pkg/metrics/server"

	"github.com/betterdataco/terraform-provider-betterdata/apiclient"
	"github.com/betterdataco/terraform-provider-betterdata/apiclient/sandbox"
	"github.com/betterdataco/terraform-provider-betterdata/operator/api/v1alpha1"
	"github.com/betterdataco/terraform-provider-betterdata/operator/internal/controller/apikey"
	"github.com/betterdataco/terraform-provider-betterdata/operator/internal/metrics"
	"github.com/betterdataco/terraform-provider-betterdata/operator/internal/tenant"
	"github.com/betterdataco/terraform-provider-betterdata/operator/internal/testenv"
)

// TestMain ends the control plane that the TestOperator tests share.
func TestMain(m *testing.M) {
	ctrl.SetLogger(logr.Discard())
	os.Exit(testenv.Main(m, testenv.Options{Manifests: []string{"../../../../config/crd"}}))
}

// world is a manager with the connection controller alone, on a real API server, with the real pool and a sandbox. It is
// confined to a namespace, and to ClusterConnections of the namespace's name.
type world struct {
	t           *testing.T
	environment *testenv.Environment
	namespace   string
	admin       client.Client // the test's own hand
	userAgent   string        // of the manager
	api         *sandbox.Server
	url         string
	ledgers     *ledgers
	pool        *tenant.Pool
	metrics     *prometheus.Registry

	shift  atomic.Int64 // what the clock is ahead
	mu     sync.Mutex
	woken  []apikey.Ref
	bearer []string // of the requests to the API
}

// settings say how a world differs from the usual one.
type settings struct {
	namespaced bool
	policy     OrphanPolicy
	grace      time.Duration
	sandbox    []sandbox.Option
}

func newWorld(t *testing.T, s settings) *world {
	t.Helper()
	environment := testenv.Shared(t)
	w := &world{t: t, environment: environment, namespace: environment.Namespace(t, nil), ledgers: &ledgers{known: map[string][]apikey.Known{}}}
	w.userAgent = "manager-of-" + w.namespace
	w.api, w.url = w.serve(s.sandbox...)
	var err error
	if w.admin, err = client.New(environment.Admin, client.Options{Scheme: mustScheme(t)}); err != nil {
		t.Fatal(err)
	}
	w.start(s)
	return w
}

// serve makes a tenant and returns its base URL.
func (w *world) serve(options ...sandbox.Option) (*sandbox.Server, string) {
	w.t.Helper()
	api, err := sandbox.New(append([]sandbox.Option{sandbox.WithRateLimits()}, options...)...)
	if err != nil {
		w.t.Fatal(err)
	}
	server := httptest.NewServer(http.HandlerFunc(func(answer http.ResponseWriter, request *http.Request) {
		w.mu.Lock()
		w.bearer = append(w.bearer, request.Header.Get("Authorization"))
		w.mu.Unlock()
		api.API().ServeHTTP(answer, request)
	}))
	w.t.Cleanup(func() {
		server.Close()
		if err := api.Close(); err != nil {
			w.t.Error(err)
		}
	})
	return api, server.URL + "/api"
}

func mustScheme(t *testing.T) *runtime.Scheme {
	t.Helper()
	scheme := runtime.NewScheme()
	for _, add := range []func(*runtime.Scheme) error{clientgoscheme.AddToScheme, v1alpha1.AddToScheme} {
		if err := add(scheme); err != nil {
			t.Fatal(err)
		}
	}
	return scheme
}

func (w *world) now() time.Time { return time.Now().Add(time.Duration(w.shift.Load())) }

// start runs the manager until the test ends.
func (w *world) start(s settings) {
	w.t.Helper()
	kube := rest.CopyConfig(w.environment.Admin)
	kube.UserAgent = w.userAgent
	mgr, err := ctrl.NewManager(kube, ctrl.Options{
		Scheme: mustScheme(w.t), Logger: logr.Discard(), Metrics: metricsserver.Options{BindAddress: "0"},
		Controller: config.Controller{SkipNameValidation: new(true)},
		Cache: cache.Options{
			ReaderFailOnMissingInformer: true,
			DefaultNamespaces:           map[string]cache.Config{w.namespace: {}},
			ByObject: map[client.Object]cache.ByObject{
				&v1alpha1.ClusterConnection{}: {Field: fields.OneTermEqualSelector("metadata.name", w.namespace)},
			},
		},
	})
	if err != nil {
		w.t.Fatal(err)
	}
	if err := tenant.Index(w.t.Context(), mgr.GetFieldIndexer()); err != nil {
		w.t.Fatal(err)
	}
	recorder := metrics.New(w.now)
	w.metrics = prometheus.NewPedanticRegistry()
	w.must(recorder.Register(w.metrics))
	quiet := slog.New(slog.DiscardHandler)
	w.pool = tenant.New(tenant.Options{
		Client: mgr.GetClient(), Live: mgr.GetAPIReader(), ClusterConnections: !s.namespaced, Ledgers: w.ledgers,
		Now: w.now, UserAgent: w.userAgent, Logger: quiet, Workers: 4, Metrics: recorder,
	})
	r := &Reconciler{
		Client: mgr.GetClient(), Live: mgr.GetAPIReader(), Ledgers: w.ledgers, Enqueue: w.enqueue,
		Recorder: mgr.GetEventRecorder("betterdata-operator"), Metrics: recorder, Logger: quiet, Now: w.now,
		Options: Options{ClusterID: w.namespace, ClusterConnections: !s.namespaced, OrphanPolicy: s.policy, StrayGrace: s.grace},
		Pool:    w.pool,
	}
	if err := r.SetupWithManager(mgr, 4); err != nil {
		w.t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(w.t.Context())
	ended := make(chan error, 1)
	go func() { ended <- mgr.Start(ctx) }()
	w.t.Cleanup(func() {
		cancel()
		if err := <-ended; err != nil {
			w.t.Error(err)
		}
	})
}

func (w *world) enqueue(refs ...apikey.Ref) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.woken = append(w.woken, refs...)
}

// wokenSince returns the ApiKeys that were enqueued since it was last called, each once.
func (w *world) wokenSince() []apikey.Ref {
	w.mu.Lock()
	defer w.mu.Unlock()
	woken := sorted(w.woken)
	w.woken = nil
	return woken
}

// bearers returns the Authorization headers since it was last called.
func (w *world) bearers() []string {
	w.mu.Lock()
	defer w.mu.Unlock()
	bearers := w.bearer
	w.bearer = nil
	return bearers
}

// ledgers is what ledgers record, as the test says.
type ledgers struct {
	mu    sync.Mutex
	known map[string][]apikey.Known
}

func (l *ledgers) Known(_ context.Context, identity string) ([]apikey.Known, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return slices.Clone(l.known[identity]), nil
}

func (l *ledgers) HasLedgers(context.Context, string) bool { return false }

// record adds keys to the ledgers of a connection; none at all drops what is there.
func (l *ledgers) record(connection v1alpha1.ConnectionObject, keys ...apikey.Known) {
	l.mu.Lock()
	defer l.mu.Unlock()
	identity := tenant.Identity(connection)
	l.known[identity] = append(l.known[identity], keys...)
	if len(keys) == 0 {
		delete(l.known, identity)
	}
}

// holds makes a key for an ApiKey and records it in a ledger, as minted with the token that the connection has now.
func (w *world) holds(c v1alpha1.ConnectionObject, a *v1alpha1.ApiKey) *apiclient.IssuedKey {
	w.t.Helper()
	issued := w.mint(w.api, w.url, string(a.UID))
	w.ledgers.record(c, apikey.Known{
		ID: issued.ID, OwnerUID: string(a.UID), Namespace: w.namespace, IssuedAt: w.now(),
		Credential: apikey.Fingerprint(apiclient.NewSecret(w.api.SessionToken())),
	})
	return issued
}

// must fails the test for an error of the test's own hand.
func (w *world) must(err error) {
	w.t.Helper()
	if err != nil {
		w.t.Fatal(err)
	}
}

// secret creates a token Secret.
func (w *world) secret(name, token string) *corev1.Secret {
	w.t.Helper()
	secret := &corev1.Secret{
		ObjectMeta: metav1.ObjectMeta{Namespace: w.namespace, Name: name}, StringData: map[string]string{"token": token},
	}
	w.must(w.admin.Create(w.t.Context(), secret))
	return secret
}

// setToken writes another token into the Secret "default".
func (w *world) setToken(token string) {
	w.t.Helper()
	secret := &corev1.Secret{ObjectMeta: metav1.ObjectMeta{Namespace: w.namespace, Name: "default"}}
	w.patch(secret, func() { secret.Data = map[string][]byte{"token": []byte(token)} })
}

// patch reads the object, edits it and writes the difference.
func (w *world) patch(object client.Object, edit func()) {
	w.t.Helper()
	w.must(w.admin.Get(w.t.Context(), client.ObjectKeyFromObject(object), object))
	base, _ := object.DeepCopyObject().(client.Object)
	edit()
	w.must(w.admin.Patch(w.t.Context(), object, client.MergeFrom(base)))
}

// connection creates a Connection with the token Secret of the same name.
func (w *world) connection(name string, edits ...func(*v1alpha1.Connection)) *v1alpha1.Connection {
	w.t.Helper()
	c := &v1alpha1.Connection{ObjectMeta: metav1.ObjectMeta{Namespace: w.namespace, Name: name}}
	c.Spec.TokenSecretRef.Name = name
	c.Spec.BaseURL = w.url
	for _, edit := range edits {
		edit(c)
	}
	w.must(w.admin.Create(w.t.Context(), c))
	return c
}

// connected creates a Connection with a good token and waits until it is ready.
func (w *world) connected(name string, edits ...func(*v1alpha1.Connection)) *v1alpha1.Connection {
	w.t.Helper()
	w.secret(name, w.api.SessionToken())
	c := w.connection(name, edits...)
	w.awaitReason(c, v1alpha1.ReasonConnected)
	return c
}

// apiKey creates an ApiKey that uses the connection, with our finalizer, as its own controller would have put there.
func (w *world) apiKey(name string, connection v1alpha1.ConnectionObject) *v1alpha1.ApiKey {
	w.t.Helper()
	a := &v1alpha1.ApiKey{ObjectMeta: metav1.ObjectMeta{Namespace: w.namespace, Name: name, Finalizers: []string{v1alpha1.FinalizerApiKey}}}
	a.Spec.ConnectionRef = v1alpha1.ConnectionReference{Kind: v1alpha1.ConnectionKind(connection.ConnectionKind()), Name: connection.GetName()}
	a.Spec.Scopes = []string{"inventory:read"}
	w.must(w.admin.Create(w.t.Context(), a))
	return a
}

func (w *world) ref(name string) apikey.Ref { return apikey.Ref{Namespace: w.namespace, Name: name} }

// mint makes a key at the API with the marker of an ApiKey's uid, as the operator would.
func (w *world) mint(api *sandbox.Server, url, uid string) *apiclient.IssuedKey {
	w.t.Helper()
	c, err := apiclient.New(apiclient.WithBaseURL(url), apiclient.WithTokenSource(apiclient.StaticToken(apiclient.NewSecret(api.SessionToken()))))
	w.must(err)
	issued, err := c.CreateKey(w.t.Context(), apiclient.CreateKeyRequest{
		Name: apiclient.KubernetesMarker(w.namespace, uid).Append("key"), Scopes: []string{"inventory:read"},
	})
	w.must(err)
	return issued
}
