package connection

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"maps"
	"slices"
	"sync"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/fields"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/metadata"
	"k8s.io/client-go/metadata/metadatainformer"
	"k8s.io/client-go/tools/cache"

	"github.com/betterdataco/terraform-provider-betterdata/operator/api/v1alpha1"
	"github.com/betterdataco/terraform-provider-betterdata/operator/internal/tenant"
)

// tokenWatches watches the Secrets that hold tokens: each by its name, once, for all connections that name it. A watch
// ends with the last of them. Only metadata crosses the wire, and of that little is kept.
//
// A watch that fails, for want of rights or of an API server, is tried again by the reflector, with a delay that grows
// to half a minute; meanwhile a change is found by the poll, for which the pool reads the Secret.
type tokenWatches struct {
	secrets metadata.Interface
	log     *slog.Logger
	changed func(users []tenant.Key) // called on a goroutine of the watch

	mu      sync.Mutex
	ctx     context.Context //nolint:containedctx // the controller's: watches that begin later end with it
	watches map[types.NamespacedName]*tokenWatch
	named   map[tenant.Key]types.NamespacedName
}

// tokenWatch is one watch and who it is for.
type tokenWatch struct {
	cancel context.CancelFunc
	users  map[tenant.Key]bool
	failed bool // since the last success, so that a failure is logged once
	marked bool // the Secret carries our finalizer
}

func newTokenWatches(ctx context.Context, secrets metadata.Interface, log *slog.Logger, changed func(users []tenant.Key)) *tokenWatches {
	return &tokenWatches{
		ctx: ctx, secrets: secrets, log: log, changed: changed,
		watches: map[types.NamespacedName]*tokenWatch{}, named: map[tenant.Key]types.NamespacedName{},
	}
}

// use makes sure that the Secret is watched for the connection, and no other Secret is. The context is the one that
// watches live in, not that of the call.
func (t *tokenWatches) use(key tenant.Key, secret types.NamespacedName) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if now, ok := t.named[key]; ok && now == secret {
		return
	}
	t.leave(key)
	t.named[key] = secret
	w := t.watches[secret]
	if w == nil {
		ctx, cancel := context.WithCancel(t.ctx)
		w = &tokenWatch{cancel: cancel, users: map[tenant.Key]bool{}}
		t.watches[secret] = w
		go t.run(ctx, secret)
	}
	w.users[key] = true
}

// forget ends what is watched for the connection.
func (t *tokenWatches) forget(key tenant.Key) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.leave(key)
}

func (t *tokenWatches) leave(key tenant.Key) {
	secret, ok := t.named[key]
	if !ok {
		return
	}
	delete(t.named, key)
	w := t.watches[secret]
	delete(w.users, key)
	if len(w.users) == 0 {
		w.cancel()
		delete(t.watches, secret)
	}
}

// run watches until ctx ends.
func (t *tokenWatches) run(ctx context.Context, secret types.NamespacedName) {
	byName := func(options *metav1.ListOptions) {
		options.FieldSelector = fields.OneTermEqualSelector(metav1.ObjectNameField, secret.Name).String()
	}
	informer := metadatainformer.NewFilteredMetadataInformer(t.secrets, corev1.SchemeGroupVersion.WithResource("secrets"),
		secret.Namespace, 0, cache.Indexers{}, byName).Informer()
	err := errors.Join(
		informer.SetTransform(onlyVersion),
		informer.SetWatchErrorHandlerWithContext(func(_ context.Context, _ *cache.Reflector, err error) { t.failed(secret, err) }),
	)
	if err == nil {
		_, err = informer.AddEventHandler(cache.ResourceEventHandlerFuncs{
			AddFunc: func(now any) { t.changed(t.saw(secret, now)) },
			UpdateFunc: func(before, now any) {
				if users := t.saw(secret, now); version(before) != version(now) {
					t.changed(users)
				}
			},
			DeleteFunc: func(any) { t.changed(t.saw(secret, nil)) },
		})
	}
	if err != nil {
		t.log.Error("the token Secret is not watched", "namespace", secret.Namespace, "name", secret.Name, "error", err)
		return
	}
	informer.RunWithContext(ctx)
}

// saw notes what the watch has seen, and returns who it is for. The first sight of a Secret counts as a change: it may
// have changed since the token was read.
func (t *tokenWatches) saw(secret types.NamespacedName, object any) []tenant.Key {
	t.mu.Lock()
	defer t.mu.Unlock()
	w := t.watches[secret]
	if w == nil {
		return nil
	}
	known, ok := object.(*metav1.PartialObjectMetadata)
	w.failed, w.marked = false, ok && slices.Contains(known.Finalizers, v1alpha1.FinalizerInUse)
	return slices.Collect(maps.Keys(w.users))
}

// marked reports that the Secret was last seen with our finalizer.
func (t *tokenWatches) marked(secret types.NamespacedName) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	w := t.watches[secret]
	return w != nil && w.marked
}

// failed logs the first of a row of failures. That a watch expires or ends is no failure.
func (t *tokenWatches) failed(secret types.NamespacedName, err error) {
	if errors.Is(err, io.EOF) || apierrors.IsResourceExpired(err) || apierrors.IsGone(err) {
		return
	}
	t.mu.Lock()
	w := t.watches[secret]
	first := w != nil && !w.failed
	if first {
		w.failed = true
	}
	t.mu.Unlock()
	if first {
		t.log.Warn("the token Secret cannot be watched, which is tried again", "namespace", secret.Namespace, "name", secret.Name, "error", err)
	}
}

// onlyVersion drops everything of the Secret but what tells one version from another, and whether our finalizer is there.
func onlyVersion(object any) (any, error) {
	secret, ok := object.(*metav1.PartialObjectMetadata)
	if !ok {
		return object, nil
	}
	return &metav1.PartialObjectMetadata{TypeMeta: secret.TypeMeta, ObjectMeta: metav1.ObjectMeta{
		Namespace: secret.Namespace, Name: secret.Name, UID: secret.UID, ResourceVersion: secret.ResourceVersion, Finalizers: secret.Finalizers,
	}}, nil
}

func version(object any) string {
	secret, ok := object.(*metav1.PartialObjectMetadata)
	if !ok {
		return ""
	}
	return string(secret.UID) + "/" + secret.ResourceVersion
}
