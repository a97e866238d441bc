package cluster

import (
	"context"
	"errors"
	"io"
	"net/http"
	"os"
	"sync"
	"testing"
	"time"

	"github.com/go-logr/logr"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/util/wait"
	clientgoscheme "k8s.io/client-go/kubernetes/scheme"
	"k8s.io/client-go/rest"
	"sigs.k8s.io/controller-runtime/pkg/cache"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/log"

	"github.com/betterdataco/terraform-provider-betterdata/apiclient"
	"github.com/betterdataco/terraform-provider-betterdata/operator/api/v1alpha1"
	"github.com/betterdataco/terraform-provider-betterdata/operator/internal/controller/apikey"
	"github.com/betterdataco/terraform-provider-betterdata/operator/internal/testenv"
)

// TestMain ends the control plane that the TestOperator tests share. It runs the shipped manifests of cluster mode.
func TestMain(m *testing.M) {
	log.SetLogger(logr.Discard())
	os.Exit(testenv.Main(m, testenv.Options{Manifests: []string{"../../../config/default"}}))
}

// world is a namespace of a real API server. The Cluster under test acts as the operator's ServiceAccount, with the
// roles that are shipped and nothing more; people act as administrator.
type world struct {
	*testing.T
	*Cluster

	env       *testenv.Environment
	namespace string
	people    client.Client
	wire      *wire
}

func newWorld(t *testing.T) *world {
	t.Helper()
	return newWorldOn(t, testenv.Shared(t))
}

func newWorldOn(t *testing.T, env *testenv.Environment) *world {
	t.Helper()
	w := &world{T: t, env: env, namespace: env.Namespace(t, nil), wire: &wire{}}
	w.people = must(client.New(env.Admin, client.Options{Scheme: mustScheme(t)}))(t)
	config := must(env.ServiceAccount(t.Context(), "betterdata-system", "betterdata-operator"))(t)
	config.Wrap(func(next http.RoundTripper) http.RoundTripper { w.wire.next = next; return w.wire })
	w.Cluster = w.process(config)
	return w
}

// process is the operator's view of the world: live reads, and caches as setup makes them.
func (w *world) process(config *rest.Config) *Cluster {
	w.Helper()
	scheme := mustScheme(w.T)
	secrets := func(selector cache.ByObject) cache.Options {
		return cache.Options{
			Scheme: scheme, ByObject: map[client.Object]cache.ByObject{&corev1.Secret{}: selector},
			DefaultNamespaces: map[string]cache.Config{w.namespace: {}}, ReaderFailOnMissingInformer: true,
			DefaultTransform: cache.TransformStripManagedFields(),
		}
	}
	main := must(cache.New(config, secrets(TargetSelector())))(w.T)
	ledgers := must(cache.New(config, secrets(LedgerSelector())))(w.T)
	if err := IndexLedgers(w.Context(), ledgers); err != nil {
		w.Fatal(err)
	}
	w.run(main, &corev1.Secret{}, &v1alpha1.ApiKey{}, &v1alpha1.Connection{})
	w.run(ledgers, &corev1.Secret{})
	return New(Options{
		Client:    must(client.New(config, client.Options{Scheme: scheme, Cache: &client.CacheOptions{Reader: main}}))(w.T),
		Live:      must(client.New(config, client.Options{Scheme: scheme}))(w.T),
		Ledgers:   ledgers,
		ClusterID: "cluster",
	})
}

func (w *world) run(c cache.Cache, kinds ...client.Object) {
	w.Helper()
	ctx, cancel := context.WithCancel(w.Context())
	var running sync.WaitGroup
	running.Go(func() {
		if err := c.Start(ctx); err != nil {
			w.Error(err)
		}
	})
	w.Cleanup(func() { cancel(); running.Wait() })
	for _, kind := range kinds {
		if _, err := c.GetInformer(ctx, kind); err != nil {
			w.Fatal(err)
		}
	}
	if !c.WaitForCacheSync(ctx) {
		w.Fatal("the cache does not fill")
	}
}

// patience is how long anything may take that comes by itself, on a machine that is busy with other tests.
const patience = 3 * time.Minute

// apiKey creates an ApiKey and returns it as a live read resolves it. The cache has it by then: as long as it has not, there
// is no ApiKey for the engine.
func (w *world) apiKey(name string, edit func(*v1alpha1.ApiKey)) *apikey.Resource {
	w.Helper()
	a := &v1alpha1.ApiKey{
		ObjectMeta: metav1.ObjectMeta{Name: name, Namespace: w.namespace},
		Spec:       v1alpha1.ApiKeySpec{Scopes: []string{"inventory:read"}},
	}
	if edit != nil {
		edit(a)
	}
	if err := w.people.Create(w.Context(), a); err != nil {
		w.Fatal(err)
	}
	w.eventually("the cache has the ApiKey", func() bool {
		_, err := w.Resource(w.Context(), apikey.Ref{Namespace: w.namespace, Name: name}, apikey.Cached)
		return err == nil
	})
	return w.resource(name)
}

func (w *world) resource(name string) *apikey.Resource {
	w.Helper()
	return must(w.Resource(w.Context(), apikey.Ref{Namespace: w.namespace, Name: name}, apikey.Live))(w.T)
}

// editApiKey is kubectl edit.
func (w *world) editApiKey(name string, edit func(*v1alpha1.ApiKey)) {
	w.Helper()
	a := &v1alpha1.ApiKey{ObjectMeta: metav1.ObjectMeta{Name: name, Namespace: w.namespace}}
	w.edit(a, func() { edit(a) })
}

// edit reads an object, changes it, and writes it as a person's kubectl would.
func (w *world) edit(o client.Object, change func()) {
	w.Helper()
	if err := w.people.Get(w.Context(), client.ObjectKeyFromObject(o), o); err != nil {
		w.Fatal(err)
	}
	change()
	if err := w.people.Update(w.Context(), o, client.FieldOwner("kubectl-edit")); err != nil {
		w.Fatal(err)
	}
}

func (w *world) editSecret(name string, change func(*corev1.Secret)) {
	w.Helper()
	s := &corev1.Secret{ObjectMeta: metav1.ObjectMeta{Name: name, Namespace: w.namespace}}
	w.edit(s, func() { change(s) })
}

// secret is a Secret as stored.
func (w *world) secret(name string) *corev1.Secret {
	w.Helper()
	var s corev1.Secret
	if err := w.people.Get(w.Context(), client.ObjectKey{Namespace: w.namespace, Name: name}, &s); err != nil {
		w.Fatal(err)
	}
	return &s
}

// awaitCached waits until the cache shows the Secret as it is stored now. One without our label is not in it.
func (w *world) awaitCached(name string) {
	w.Helper()
	w.eventually("the cache shows Secret "+name, func() bool {
		key := client.ObjectKey{Namespace: w.namespace, Name: name}
		var stored, cached corev1.Secret
		there := w.people.Get(w.Context(), key, &stored) == nil
		_, labelled := stored.Labels[v1alpha1.LabelApiKeyUID]
		err := w.client.Get(w.Context(), key, &cached)
		if !there || !labelled {
			return err != nil
		}
		return err == nil && cached.ResourceVersion == stored.ResourceVersion
	})
}

func (w *world) gone(o client.Object) bool {
	w.Helper()
	err := w.people.Get(w.Context(), client.ObjectKeyFromObject(o), o)
	if client.IgnoreNotFound(err) != nil {
		w.Fatal(err)
	}
	return err != nil
}

func (w *world) secretGone(name string) bool {
	w.Helper()
	return w.gone(&corev1.Secret{ObjectMeta: metav1.ObjectMeta{Name: name, Namespace: w.namespace}})
}

// foreign creates a Secret that is not ours.
func (w *world) foreign(name string, data map[string]string) {
	w.Helper()
	s := &corev1.Secret{ObjectMeta: metav1.ObjectMeta{Name: name, Namespace: w.namespace}, StringData: data}
	if err := w.people.Create(w.Context(), s, client.FieldOwner("somebody")); err != nil {
		w.Fatal(err)
	}
}

// target is what a live read shows of the Secret that the settings name.
func (w *world) target(r *apikey.Resource) apikey.TargetRecord {
	w.Helper()
	for _, t := range must(w.Targets(w.Context(), r, apikey.Live))(w.T) {
		if t.Name == r.Settings.TargetName {
			return t
		}
	}
	w.Fatalf("no target %s", r.Settings.TargetName)
	return apikey.TargetRecord{}
}

// write is what the controller would write for the resource, over what a live read shows now.
func (w *world) write(r *apikey.Resource, data map[string]string) apikey.TargetWrite {
	w.Helper()
	write := apikey.TargetWrite{
		Name: r.Settings.TargetName, Type: r.Secret.Type, Labels: r.Secret.Labels, Annotations: r.Secret.Annotations,
		Data: map[string]apiclient.Secret{}, KeyID: "key_1", Sequence: 1, IssuedAt: now, PublishedAt: now,
	}
	for name, value := range data {
		write.Data[name] = apiclient.NewSecret(value)
	}
	for _, t := range must(w.Targets(w.Context(), r, apikey.Live))(w.T) {
		if t.Name == write.Name {
			write.UID, write.Version = t.UID, t.Version
		}
	}
	return write
}

func (w *world) apply(r *apikey.Resource, data map[string]string) {
	w.Helper()
	if err := w.ApplyTarget(w.Context(), r, w.write(r, data), false); err != nil {
		w.Fatal(err)
	}
}

// ledger is a record of the resource, not written yet.
func ledger(r *apikey.Resource, sequence int) apikey.LedgerRecord {
	return apikey.LedgerRecord{
		Name: apikey.LedgerName(r.Name, r.UID, sequence), OwnerUID: r.UID, Sequence: sequence, ID: "key_1", Prefix: "bdk_live_AB",
		Last4: "WXYZ", Plaintext: apiclient.NewSecret(plaintext), IssuedAt: now, Cause: apikey.CauseFirst, Token: "once",
		Overlap: time.Hour, Connection: "Connection/shop/default/1", Credential: "f00d",
	}
}

// createLedger writes the first ledger of the resource.
func (w *world) createLedger(r *apikey.Resource) apikey.LedgerRecord {
	w.Helper()
	l := ledger(r, 1)
	if err := w.CreateLedger(w.Context(), r, l, false); err != nil {
		w.Fatal(err)
	}
	return must(w.Ledger(w.Context(), r.Ref(), l.Name))(w.T)
}

// plaintext is a key as the API gives it.
const plaintext = "bdk_live_AB_q7Jw2vN8xR4mT1cZ5kWXYZ"

var now = time.Date(2026, 11, 23, 18, 30, 0, 123456789, time.UTC)

// eventually fails the test if the condition does not become true.
func (w *world) eventually(what string, condition func() bool) {
	w.Helper()
	err := wait.PollUntilContextTimeout(w.Context(), 50*time.Millisecond, patience, true, func(context.Context) (bool, error) {
		return condition(), nil
	})
	if err != nil {
		w.Fatalf("%s: %v", what, err)
	}
}

func (w *world) expect(err, want error) {
	w.Helper()
	if !errors.Is(err, want) {
		w.Errorf("got error %v, want %v", err, want)
	}
}

func (w *world) deleteAs(o client.Object, policy metav1.DeletionPropagation) {
	w.Helper()
	if err := w.people.Delete(w.Context(), o, client.PropagationPolicy(policy)); err != nil {
		w.Fatal(err)
	}
}

func (w *world) kubectl(args ...string) {
	w.Helper()
	must(w.env.Kubectl(w.Context(), "", append(args, "-n", w.namespace)...))(w.T)
}

// wire is the network between the operator and the API server.
type wire struct {
	next http.RoundTripper

	mu     sync.Mutex
	faults []*fault
	writes []string // method and path of every request that is not a read
}

// fault meets one write.
type fault struct {
	reached bool   // the server carries it out, and only the answer is lost
	before  func() // runs before the server sees it
}

var errCut = errors.New("the connection was cut")

// fail makes the next write fail.
func (n *wire) fail(f fault) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.faults = append(n.faults, &f)
}

func (n *wire) take(r *http.Request) *fault {
	n.mu.Lock()
	defer n.mu.Unlock()
	if r.Method == http.MethodGet {
		return nil
	}
	n.writes = append(n.writes, r.Method+" "+r.URL.Path)
	if len(n.faults) == 0 {
		return nil
	}
	first := n.faults[0]
	n.faults = n.faults[1:]
	return first
}

// RoundTrip implements http.RoundTripper.
func (n *wire) RoundTrip(r *http.Request) (*http.Response, error) {
	f := n.take(r)
	if f == nil {
		return n.next.RoundTrip(r)
	}
	if f.before != nil {
		f.before()
		return n.next.RoundTrip(r)
	}
	if !f.reached {
		return nil, errCut
	}
	response, err := n.next.RoundTrip(r)
	if err != nil {
		return nil, err
	}
	_, _ = io.Copy(io.Discard, response.Body)
	return nil, errors.Join(errCut, response.Body.Close())
}

func mustScheme(t *testing.T) *runtime.Scheme {
	t.Helper()
	scheme := runtime.NewScheme()
	if err := errors.Join(clientgoscheme.AddToScheme(scheme), v1alpha1.AddToScheme(scheme)); err != nil {
		t.Fatal(err)
	}
	return scheme
}

// must is for calls with a result and an error.
func must[T any](value T, err error) func(*testing.T) T {
	return func(t *testing.T) T {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return value
	}
}

func revealed(data map[string]apiclient.Secret) map[string]string {
	out := map[string]string{}
	for name, value := range data {
		out[name] = value.Reveal()
	}
	return out
}

func texts(data map[string][]byte) map[string]string {
	out := map[string]string{}
	for name, value := range data {
		out[name] = string(value)
	}
	return out
}
