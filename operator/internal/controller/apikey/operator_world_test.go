package apikey_test

import (
	"context"
	"maps"
	"net/http/httptest"
	"os"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/go-logr/logr"
	corev1 "k8s.io/api/core/v1"
	eventsv1 "k8s.io/api/events/v1"
	apimeta "k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/util/wait"
	clientgoscheme "k8s.io/client-go/kubernetes/scheme"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/cache"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/config"
	"sigs.k8s.io/controller-runtime/pkg/log"
	metricsserver "sigs.k8s.io/controller-runtime/pkg/metrics/server"

	"github.com/betterdataco/terraform-provider-betterdata/apiclient"
	"github.com/betterdataco/terraform-provider-betterdata/apiclient/sandbox"
	"github.com/betterdataco/terraform-provider-betterdata/operator/api/v1alpha1"
	"github.com/betterdataco/terraform-provider-betterdata/operator/internal/cluster"
	"github.com/betterdataco/terraform-provider-betterdata/operator/internal/controller/apikey"
	"github.com/betterdataco/terraform-provider-betterdata/operator/internal/testenv"
)

// TestMain ends the control plane that the TestOperator tests share. It runs the shipped manifests of cluster mode.
func TestMain(m *testing.M) {
	log.SetLogger(logr.Discard())
	os.Exit(testenv.Main(m, testenv.Options{Manifests: []string{"../../../../config/default"}}))
}

// world is a namespace of a real API server in which the controller runs, as the operator's ServiceAccount with the
// roles that are shipped, over a sandbox of the API.
type world struct {
	*testing.T

	env       *testenv.Environment
	namespace string
	people    client.Client
	api       *sandbox.Server
	client    *apiclient.Client
	inbox     *apikey.Inbox
	counts    *counts
}

func newWorld(t *testing.T) *world {
	t.Helper()
	env := testenv.Shared(t)
	w := &world{T: t, env: env, namespace: env.Namespace(t, nil), inbox: apikey.NewInbox(), counts: &counts{}}
	scheme := runtime.NewScheme()
	for _, add := range []func(*runtime.Scheme) error{clientgoscheme.AddToScheme, v1alpha1.AddToScheme} {
		if err := add(scheme); err != nil {
			t.Fatal(err)
		}
	}
	w.people = must(client.New(env.Admin, client.Options{Scheme: scheme}))(t)
	w.api = must(sandbox.New(sandbox.WithRateLimits()))(t)
	server := httptest.NewServer(w.api.API())
	t.Cleanup(func() { server.Close(); _ = w.api.Close() })
	w.client = must(apiclient.New(
		apiclient.WithBaseURL(server.URL+"/api"), apiclient.WithTokenSource(apiclient.StaticToken(apiclient.NewSecret(w.api.SessionToken()))),
	))(t)
	w.run(w.manager(scheme))
	return w
}

func must[T any](value T, err error) func(t *testing.T) T {
	return func(t *testing.T) T {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return value
	}
}

// manager has the controller under test and nothing else.
func (w *world) manager(scheme *runtime.Scheme) ctrl.Manager {
	w.Helper()
	account := must(w.env.ServiceAccount(w.Context(), "betterdata-system", "betterdata-operator"))(w.T)
	many := true
	secrets := func(selector cache.ByObject) cache.Options {
		return cache.Options{
			Scheme: scheme, ByObject: map[client.Object]cache.ByObject{&corev1.Secret{}: selector},
			DefaultNamespaces: map[string]cache.Config{w.namespace: {}}, ReaderFailOnMissingInformer: true,
		}
	}
	mgr := must(ctrl.NewManager(account, ctrl.Options{
		Scheme: scheme, Cache: secrets(cluster.TargetSelector()), Metrics: metricsserver.Options{BindAddress: "0"},
		Controller: config.Controller{SkipNameValidation: &many}, // one manager for each test
	}))(w.T)
	ledgers := must(cache.New(account, secrets(cluster.LedgerSelector())))(w.T)
	w.check(mgr.Add(ledgers))
	w.check(cluster.IndexLedgers(w.Context(), ledgers))
	w.check(mgr.GetFieldIndexer().IndexField(w.Context(), &v1alpha1.ApiKey{}, apikey.IndexByConnection, func(o client.Object) []string {
		_, namespace, name := o.(*v1alpha1.ApiKey).ConnectionKey() //nolint:forcetypeassert // the index is of ApiKeys
		return []string{namespace + "/" + name}
	}))
	for _, kind := range []client.Object{&v1alpha1.ApiKey{}, &v1alpha1.Connection{}, &v1alpha1.ClusterConnection{}, &corev1.Secret{}} {
		must(mgr.GetCache().GetInformer(w.Context(), kind, cache.BlockUntilSynced(false)))(w.T)
	}
	began := time.Now().Add(-time.Hour) // so that nothing waits for a grace after the start
	r := &apikey.Reconciler{
		Engine: &apikey.Engine{
			Cluster:     cluster.New(cluster.Options{Client: mgr.GetClient(), Live: mgr.GetAPIReader(), Ledgers: ledgers, ClusterID: w.namespace}),
			Connections: connections{w.client, mgr.GetClient()}, Now: time.Now, LeaderSince: func() time.Time { return began },
			Policy: apikey.Policy{StrayGrace: 2 * time.Minute},
		},
		Client: mgr.GetClient(), Recorder: mgr.GetEventRecorder("betterdata-operator"), Metrics: w.counts, Now: time.Now,
	}
	w.check(r.SetupWithManager(mgr, apikey.ControllerOptions{
		Workers: 2, Ledgers: ledgers, Inbox: w.inbox, OwnerOf: cluster.OwnerOf, ClusterConnections: true,
		ConnectionKey: func(c v1alpha1.ConnectionObject) string { return c.GetNamespace() + "/" + c.GetName() },
	}))
	return mgr
}

func (w *world) check(err error) {
	w.Helper()
	if err != nil {
		w.Fatal(err)
	}
}

func (w *world) run(mgr ctrl.Manager) {
	ctx, cancel := context.WithCancel(w.Context())
	var running sync.WaitGroup
	running.Go(func() {
		if err := mgr.Start(ctx); err != nil {
			w.Error(err)
		}
	})
	w.Cleanup(func() { cancel(); running.Wait() })
}

// connections leads every Connection that exists to one client.
type connections struct {
	*apiclient.Client

	reader client.Reader
}

func (c connections) Open(ctx context.Context, r *apikey.Resource) (apikey.Connection, error) {
	err := c.reader.Get(ctx, client.ObjectKey{Namespace: r.Namespace, Name: "default"}, &v1alpha1.Connection{})
	if client.IgnoreNotFound(err) == nil && err != nil {
		return nil, apikey.ErrNotFound
	}
	return c, err
}

func (c connections) State(context.Context) (apikey.State, error) {
	return apikey.State{ConnectionState: apikey.ConnectionState{Identity: "connection", TokenHeldBy: "token"}, PollInterval: time.Hour}, nil
}

func (c connections) View(ctx context.Context, f apiclient.Freshness) (apikey.View, error) {
	return c.Directory().View(ctx, f)
}
func (c connections) Verify(context.Context, apiclient.Secret) error  { return nil }
func (c connections) ReserveMint(context.Context, string, bool) error { return nil }
func (c connections) NamesDropped(context.Context)                    {}

// counts is an Observer.
type counts struct {
	mu    sync.Mutex
	what  map[string]int
	facts map[string]apikey.KeyFacts
}

func (c *counts) add(what string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.what == nil {
		c.what = map[string]int{}
	}
	c.what[what]++
}

func (c *counts) of(what string) int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.what[what]
}

func (c *counts) Reconciled(outcome string) { c.add("reconciled"); c.add(outcome) }
func (c *counts) Minted(cause string)       { c.add("minted " + cause) }
func (c *counts) Revoked(why string)        { c.add("revoked " + why) }
func (c *counts) StrayFound()               { c.add("stray") }
func (c *counts) ApiKey(_, name string, f apikey.KeyFacts) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.facts == nil {
		c.facts = map[string]apikey.KeyFacts{}
	}
	c.facts[name] = f
}
func (c *counts) ForgetApiKey(_, name string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	delete(c.facts, name)
}
func (c *counts) measured(name string) (apikey.KeyFacts, bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	f, ok := c.facts[name]
	return f, ok
}

// patience is how long anything may take that comes by itself, on a machine that is busy with other tests.
const patience = 3 * time.Minute

// eventually polls until the condition holds.
func (w *world) eventually(what string, holds func() bool) {
	w.Helper()
	err := wait.PollUntilContextTimeout(w.Context(), 50*time.Millisecond, patience, true, func(context.Context) (bool, error) { return holds(), nil })
	if err != nil {
		w.Fatalf("%s: %v; last status %+v", what, err, w.lastStatus())
	}
}

const keyName = "reader"

func (w *world) object(name string) metav1.ObjectMeta {
	return metav1.ObjectMeta{Namespace: w.namespace, Name: name}
}

func (w *world) connect() {
	w.Helper()
	w.check(w.people.Create(w.Context(), &v1alpha1.Connection{
		ObjectMeta: w.object("default"), Spec: v1alpha1.ConnectionSpec{TokenSecretRef: v1alpha1.TokenSecretReference{Name: "token"}},
	}))
}

func (w *world) createKey() {
	w.Helper()
	w.check(w.people.Create(w.Context(), &v1alpha1.ApiKey{
		ObjectMeta: w.object(keyName), Spec: v1alpha1.ApiKeySpec{Scopes: []string{"inventory:read"}},
	}))
}

// ready is a world with one ApiKey in service, in which nothing more is to be done.
func ready(t *testing.T) *world {
	t.Helper()
	w := newWorld(t)
	w.connect()
	w.createKey()
	w.eventually("ready", func() bool { return w.reason(v1alpha1.ConditionReady) == v1alpha1.ReasonPublished })
	w.again()
	return w
}

// again has the ApiKey looked at once more, and returns when that has happened.
func (w *world) again() {
	w.Helper()
	before := w.counts.of("reconciled")
	w.inbox.Push(apikey.Ref{Namespace: w.namespace, Name: keyName})
	w.eventually("looked at again", func() bool { return w.counts.of("reconciled") > before })
}

func (w *world) lastStatus() v1alpha1.ApiKeyStatus {
	var a v1alpha1.ApiKey
	_ = w.people.Get(w.Context(), client.ObjectKey{Namespace: w.namespace, Name: keyName}, &a)
	return a.Status
}

func (w *world) reason(condition string) string {
	if found := apimeta.FindStatusCondition(w.lastStatus().Conditions, condition); found != nil {
		return found.Reason
	}
	return ""
}

// secret is the plaintext in the target; empty if there is none.
func (w *world) secret() string {
	var s corev1.Secret
	_ = w.people.Get(w.Context(), client.ObjectKey{Namespace: w.namespace, Name: keyName}, &s)
	return string(s.Data["api-key"])
}

func (w *world) ledgers() []corev1.Secret {
	w.Helper()
	var list corev1.SecretList
	w.check(w.people.List(w.Context(), &list, client.InNamespace(w.namespace), client.MatchingFields{"type": v1alpha1.SecretTypeLedger}))
	return list.Items
}

// events counts the events of the namespace by reason, repetitions included.
func (w *world) events() map[string]int {
	w.Helper()
	var list eventsv1.EventList
	w.check(w.people.List(w.Context(), &list, client.InNamespace(w.namespace)))
	reasons := map[string]int{}
	for _, e := range list.Items {
		reasons[e.Reason]++
		if e.Series != nil {
			reasons[e.Reason] += int(e.Series.Count) - 1
		}
	}
	return reasons
}

// mustHaveMinted fails unless exactly so many keys were ever made.
func (w *world) mustHaveMinted(keys int) {
	w.Helper()
	if stats := w.api.Stats(); stats.Created+stats.Rotated != keys {
		w.Errorf("%d keys were created and %d rotated, should be %d; %v", stats.Created, stats.Rotated, keys, slices.Sorted(maps.Keys(w.events())))
	}
}
