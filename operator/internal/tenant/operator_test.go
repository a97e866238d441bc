package tenant

import (
	"context"
	"crypto/x509"
	"log/slog"
	"net/http"
	"os"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/util/wait"
	clientgoscheme "k8s.io/client-go/kubernetes/scheme"
	"sigs.k8s.io/controller-runtime/pkg/cache"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/controller/controllerutil"

	"github.com/betterdataco/terraform-provider-betterdata/apiclient"
	"github.com/betterdataco/terraform-provider-betterdata/operator/api/v1alpha1"
	"github.com/betterdataco/terraform-provider-betterdata/operator/internal/controller/apikey"
	"github.com/betterdataco/terraform-provider-betterdata/operator/internal/testenv"
)

// TestMain ends the control plane that the TestOperator tests share.
func TestMain(m *testing.M) {
	os.Exit(testenv.Main(m, testenv.Options{Manifests: []string{"../../../config/crd"}}))
}

// realCluster is a namespace on the real API server, with a Pool that reads through a real cache.
type realCluster struct {
	*world
	live      client.WithWatch
	cached    client.Client
	namespace string
}

func newCluster(t *testing.T) *realCluster {
	t.Helper()
	environment := testenv.Shared(t)
	c := &realCluster{world: newWorld(t), namespace: environment.Namespace(t, nil)}
	scheme := runtime.NewScheme()
	for _, add := range []func(*runtime.Scheme) error{clientgoscheme.AddToScheme, v1alpha1.AddToScheme} {
		if err := add(scheme); err != nil {
			t.Fatal(err)
		}
	}
	var err error
	if c.live, err = client.NewWithWatch(environment.Admin, client.Options{Scheme: scheme}); err != nil {
		t.Fatal(err)
	}
	informers, err := cache.New(environment.Admin, cache.Options{Scheme: scheme, ReaderFailOnMissingInformer: true})
	if err != nil {
		t.Fatal(err)
	}
	if err := Index(t.Context(), informers); err != nil {
		t.Fatal(err)
	}
	for _, kind := range []client.Object{&v1alpha1.Connection{}, &v1alpha1.ClusterConnection{}} {
		if _, err := informers.GetInformer(t.Context(), kind, cache.BlockUntilSynced(false)); err != nil {
			t.Fatal(err)
		}
	}
	c.start(informers)
	c.cached, err = client.New(environment.Admin, client.Options{Scheme: scheme, Cache: &client.CacheOptions{Reader: informers}})
	if err != nil {
		t.Fatal(err)
	}
	c.pool = New(Options{
		Client: c.cached, Live: c.live, ClusterConnections: true, Ledgers: &c.ledgers, Now: time.Now, UserAgent: "test",
		Logger: slog.New(slog.NewTextHandler(&c.log, nil)), Workers: 8, Metrics: &c.metrics,
	})
	c.pool.transport = func(*x509.CertPool) http.RoundTripper { return c.world }
	return c
}

func (c *realCluster) start(informers cache.Cache) {
	c.t.Helper()
	ctx, cancel := context.WithCancel(context.WithoutCancel(c.t.Context()))
	ended := make(chan error, 1)
	go func() { ended <- informers.Start(ctx) }()
	c.t.Cleanup(func() {
		cancel()
		if err := <-ended; err != nil {
			c.t.Error(err)
		}
	})
	if !informers.WaitForCacheSync(c.t.Context()) {
		c.t.Fatal("the cache does not sync")
	}
}

// mustCome polls until the condition holds.
func (c *realCluster) mustCome(what string, condition func(ctx context.Context) bool) {
	c.t.Helper()
	err := wait.PollUntilContextTimeout(c.t.Context(), 20*time.Millisecond, 3*time.Minute, true, func(ctx context.Context) (bool, error) {
		return condition(ctx), nil
	})
	if err != nil {
		c.t.Fatalf("%s: %v", what, err)
	}
}

func (c *realCluster) mustMake(objects ...client.Object) {
	c.t.Helper()
	for _, obj := range objects {
		if _, clusterWide := obj.(*v1alpha1.ClusterConnection); !clusterWide {
			obj.SetNamespace(c.namespace)
		}
		if err := c.live.Create(c.t.Context(), obj); err != nil {
			c.t.Fatal(err)
		}
		if _, isSecret := obj.(*corev1.Secret); isSecret {
			continue // none of them is cached
		}
		c.mustCome("seen by the cache", func(ctx context.Context) bool {
			seen, _ := obj.DeepCopyObject().(client.Object)
			return c.cached.Get(ctx, client.ObjectKeyFromObject(obj), seen) == nil
		})
	}
}

func (c *realCluster) apiKey(name string, ref v1alpha1.ConnectionReference) *v1alpha1.ApiKey {
	return &v1alpha1.ApiKey{
		ObjectMeta: metav1.ObjectMeta{Name: name, Namespace: c.namespace, Finalizers: []string{v1alpha1.FinalizerApiKey}},
		Spec:       v1alpha1.ApiKeySpec{Scopes: []string{"inventory:read"}, ConnectionRef: ref},
	}
}

// openAs opens the connection that the stored ApiKey names.
func (c *realCluster) openAs(a *v1alpha1.ApiKey) apikey.Connection {
	c.t.Helper()
	return c.mustOpen(&apikey.Resource{
		Object:        apikey.Object{Namespace: a.Namespace, Name: a.Name, UID: string(a.UID)},
		Settings:      apikey.Settings{Scopes: a.Spec.Scopes, TargetName: a.SecretName()},
		ConnectionRef: KeyFor(a).String(),
	})
}

// mustLinger deletes an object, which must then wait for the in-use finalizer.
func (c *realCluster) mustLinger(obj client.Object) {
	c.t.Helper()
	if err := c.live.Delete(c.t.Context(), obj); err != nil {
		c.t.Fatal(err)
	}
	if err := c.live.Get(c.t.Context(), client.ObjectKeyFromObject(obj), obj); err != nil {
		c.t.Fatalf("%T %s did not wait: %v", obj, obj.GetName(), err)
	}
	if obj.GetDeletionTimestamp().IsZero() || !controllerutil.ContainsFinalizer(obj, v1alpha1.FinalizerInUse) {
		c.t.Errorf("%T %s: %v", obj, obj.GetName(), obj.GetFinalizers())
	}
}

// Connection and token Secret outlive their deletion while a key needs them: the key is revoked through them, and only
// then do they go.
func TestOperatorConnectionInUseOutlivesItsDeletion(t *testing.T) {
	t.Parallel()
	c := newCluster(t)
	conn := connectionNamed("default")
	secret := tokenSecret(c.namespace, "default-token", c.api.SessionToken())
	reader := c.apiKey("reader", v1alpha1.ConnectionReference{})
	c.mustMake(conn, secret, reader)
	issued := c.mustMint(c.openAs(reader))
	c.mustLinger(conn)
	c.mustLinger(secret)
	c.pool.TokenChanged(KeyOf(conn))
	c.mustCome("the cache sees the deletion", func(ctx context.Context) bool {
		var seen v1alpha1.Connection
		return c.cached.Get(ctx, client.ObjectKeyFromObject(conn), &seen) == nil && !seen.DeletionTimestamp.IsZero()
	})
	open := c.openAs(reader)
	c.mustView(open, time.Nanosecond)
	if err := open.RevokeKey(t.Context(), issued.ID); err != nil || len(c.api.LiveKeys()) != 0 {
		t.Errorf("not revoked: %v", err)
	}
	for _, obj := range []client.Object{secret, conn} {
		controllerutil.RemoveFinalizer(obj, v1alpha1.FinalizerInUse)
		if err := c.live.Update(t.Context(), obj); err != nil {
			t.Fatal(err)
		}
		if err := c.live.Get(t.Context(), client.ObjectKeyFromObject(obj), obj); !apierrors.IsNotFound(err) {
			t.Errorf("%T lives on: %v", obj, err)
		}
	}
	c.mustHideSecrets(c.log.String(), "the log")
}

// Nothing is minted through a connection, or with a token, whose end nothing could hold up any more.
func TestOperatorNoMintThroughWhatIsBeingDeleted(t *testing.T) {
	t.Parallel()
	c := newCluster(t)
	dying, orphaned := connectionNamed("dying"), connectionNamed("orphaned")
	dying.Finalizers = []string{"example.com/other"}
	secret := tokenSecret(c.namespace, "orphaned-token", c.api.SessionToken())
	secret.Finalizers = []string{"example.com/other"}
	c.mustMake(dying, orphaned, secret, tokenSecret(c.namespace, "dying-token", c.api.SessionToken()))
	for _, obj := range []client.Object{dying, secret} {
		if err := c.live.Delete(t.Context(), obj); err != nil {
			t.Fatal(err)
		}
	}
	for _, name := range []string{"dying", "orphaned"} {
		reader := c.apiKey("reader-"+name, v1alpha1.ConnectionReference{Name: name})
		c.mustMake(reader)
		c.mustBe(c.openAs(reader).ReserveMint(t.Context(), string(reader.UID), true), apikey.ErrConnectionNotReady)
	}
	for _, obj := range []client.Object{dying, secret} { // let them go
		if err := c.live.Get(t.Context(), client.ObjectKeyFromObject(obj), obj); err != nil {
			t.Fatal(err)
		}
		obj.SetFinalizers(nil)
		if err := c.live.Update(t.Context(), obj); err != nil {
			t.Fatal(err)
		}
	}
}

// Two writers of finalizers: the one that read an older version looks again and loses nobody's finalizer.
func TestOperatorFinalizersOfOthersStay(t *testing.T) {
	t.Parallel()
	c := newCluster(t)
	conn := connectionNamed("default")
	secret := tokenSecret(c.namespace, "default-token", c.api.SessionToken())
	reader := c.apiKey("reader", v1alpha1.ConnectionReference{})
	c.mustMake(conn, secret, reader)
	opened, ok := c.openAs(reader).(*connection)
	if !ok {
		t.Fatal("no connection")
	}
	stale := conn.DeepCopy()
	conn.Finalizers = []string{"example.com/other"}
	if err := c.live.Update(t.Context(), conn); err != nil {
		t.Fatal(err)
	}
	c.mustBe(opened.hold(t.Context(), stale), apikey.ErrConflict)
	if err := opened.ReserveMint(t.Context(), string(reader.UID), true); err != nil {
		t.Fatal(err)
	}
	if err := c.live.Get(t.Context(), client.ObjectKeyFromObject(conn), conn); err != nil {
		t.Fatal(err)
	}
	if !controllerutil.ContainsFinalizer(conn, "example.com/other") || !controllerutil.ContainsFinalizer(conn, v1alpha1.FinalizerInUse) {
		t.Errorf("finalizers %v", conn.Finalizers)
	}
}

// Policy and dependents are read through the index of the real cache.
func TestOperatorStateThroughTheCache(t *testing.T) {
	t.Parallel()
	c := newCluster(t)
	one := int32(1)
	platform := clusterConnection()
	platform.Name = c.namespace // they are cluster-wide
	platform.Spec.AllowedNamespaces, platform.Spec.MaxKeys = []string{c.namespace}, &one
	platform.Spec.TokenSecretRef.Namespace = c.namespace
	admin := c.apiKey("platform-token", v1alpha1.ConnectionReference{})
	ref := v1alpha1.ConnectionReference{Kind: v1alpha1.KindClusterConnection, Name: platform.Name}
	c.mustMake(connectionNamed("default"), tokenSecret(c.namespace, "default-token", c.api.SessionToken()),
		tokenSecret(c.namespace, "platform-token", c.api.SessionToken()), platform, admin)
	if state := c.mustState(c.openAs(admin)); state.OthersDepend {
		t.Error("somebody depends on a connection that nobody uses")
	}
	first, second := c.apiKey("first", ref), c.apiKey("second", ref)
	c.mustMake(first)
	c.ledgers.holders[string(first.UID)] = true
	c.mustMake(second)
	if state := c.mustState(c.openAs(first)); state.Refused != "" {
		t.Errorf("refused: %s", state.Refused)
	}
	if state := c.mustState(c.openAs(second)); state.RefusedReason != v1alpha1.ReasonMaxKeysReached {
		t.Errorf("got %+v", state)
	}
	if state := c.mustState(c.openAs(admin)); !state.OthersDepend {
		t.Error("nobody depends on a connection in use")
	}
	if _, err := c.openAs(first).View(t.Context(), apiclient.Freshness{}); err != nil {
		t.Error(err)
	}
}
