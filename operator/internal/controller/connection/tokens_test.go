package connection

import (
	"bytes"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"testing"

	corev1 "k8s.io/api/core/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/metadata"
	"k8s.io/client-go/rest"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/betterdataco/terraform-provider-betterdata/operator/api/v1alpha1"
	"github.com/betterdataco/terraform-provider-betterdata/operator/internal/tenant"
	"github.com/betterdataco/terraform-provider-betterdata/operator/internal/testenv"
)

// watcher is a tokenWatches on a real API server, and what it told.
type watcher struct {
	*tokenWatches

	t           *testing.T
	environment *testenv.Environment
	admin       client.Client
	namespace   string
	userAgent   string

	mu   sync.Mutex
	told map[tenant.Key]int
	log  bytes.Buffer
}

func (w *watcher) Write(p []byte) (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.log.Write(p)
}

// logged is the number of lines that contain the text.
func (w *watcher) logged(text string) int {
	w.mu.Lock()
	defer w.mu.Unlock()
	return strings.Count(w.log.String(), text)
}

func newWatcher(t *testing.T, environment *testenv.Environment, user *rest.Config) *watcher {
	t.Helper()
	admin, err := client.New(environment.Admin, client.Options{Scheme: mustScheme(t)})
	if err != nil {
		t.Fatal(err)
	}
	w := &watcher{t: t, environment: environment, admin: admin, namespace: environment.Namespace(t, nil), told: map[tenant.Key]int{}}
	w.userAgent = "watcher-of-" + w.namespace
	user = rest.CopyConfig(user)
	user.UserAgent = w.userAgent
	secrets, err := metadata.NewForConfig(user)
	if err != nil {
		t.Fatal(err)
	}
	w.tokenWatches = newTokenWatches(t.Context(), secrets, slog.New(slog.NewTextHandler(w, nil)), func(users []tenant.Key) {
		w.mu.Lock()
		defer w.mu.Unlock()
		for _, key := range users {
			w.told[key]++
		}
	})
	return w
}

func (w *watcher) key(name string) tenant.Key {
	return tenant.Key{Kind: v1alpha1.KindConnection, Namespace: w.namespace, Name: name}
}

func (w *watcher) secret(name string) types.NamespacedName {
	return types.NamespacedName{Namespace: w.namespace, Name: name}
}

// write creates or changes a Secret.
func (w *watcher) write(name, token string) {
	w.t.Helper()
	secret := &corev1.Secret{ObjectMeta: metav1.ObjectMeta{Namespace: w.namespace, Name: name}, StringData: map[string]string{"token": token}}
	err := w.admin.Create(w.t.Context(), secret)
	if err != nil {
		secret.StringData = map[string]string{"token": token}
		err = w.admin.Update(w.t.Context(), secret)
	}
	if err != nil {
		w.t.Fatal(err)
	}
}

// awaitTold waits until the connection was told of n changes, in all.
func (w *watcher) awaitTold(name string, n int) {
	w.t.Helper()
	await(w.t, "told "+name, func() string {
		w.mu.Lock()
		defer w.mu.Unlock()
		if told := w.told[w.key(name)]; told != n {
			return fmt.Sprintf("%d times, want %d", told, n)
		}
		return ""
	})
}

// watched counts the watches of Secrets that began since the mark, by namespace.
func (w *watcher) watched(mark testenv.AuditMark) int {
	w.t.Helper()
	requests, err := w.environment.AuditSince(w.t.Context(), mark)
	if err != nil {
		w.t.Fatal(err)
	}
	return len(requests.Where(func(r testenv.Request) bool {
		return r.UserAgent == w.userAgent && r.Verb == "watch" && r.Resource == "secrets"
	}))
}

// One watch serves all connections that name a Secret. It tells of that Secret alone, ends with the last connection, and
// keeps no data.
func TestOperatorOneWatchForEachTokenSecret(t *testing.T) {
	t.Parallel()
	environment := testenv.Shared(t)
	w := newWatcher(t, environment, environment.Admin)
	mark, err := environment.AuditMark(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	w.write("token", "1")
	w.use(w.key("a"), w.secret("token"))
	w.use(w.key("b"), w.secret("token"))
	w.use(w.key("a"), w.secret("token")) // again: nothing changes
	await(t, "first sight", func() string {
		w.mu.Lock()
		defer w.mu.Unlock()
		if w.told[w.key("a")] == 0 {
			return "not told"
		}
		return ""
	})
	w.mu.Lock()
	clear(w.told)
	w.mu.Unlock()

	w.write("other", "1")
	w.write("token", "2")
	w.awaitTold("a", 1)
	w.awaitTold("b", 1)
	if watches := w.watched(mark); watches != 1 {
		t.Errorf("%d watches, want 1", watches)
	}

	w.use(w.key("a"), w.secret("other"))
	w.awaitTold("a", 2)
	w.write("token", "3")
	w.awaitTold("b", 2)
	w.awaitTold("a", 2)

	w.forget(w.key("a"))
	w.forget(w.key("b"))
	if len(w.watches) != 0 || len(w.named) != 0 {
		t.Errorf("watches left: %v, %v", w.watches, w.named)
	}
}

func TestOnlyVersionKeepsNoData(t *testing.T) {
	t.Parallel()
	secret := &metav1.PartialObjectMetadata{ObjectMeta: metav1.ObjectMeta{
		Namespace: "shop", Name: "token", UID: "u", ResourceVersion: "7",
		Annotations: map[string]string{"kubectl.kubernetes.io/last-applied-configuration": `{"stringData":{"token":"secret"}}`},
		Finalizers:  []string{v1alpha1.FinalizerInUse},
	}}
	kept, err := onlyVersion(secret)
	if err != nil {
		t.Fatal(err)
	}
	if text := fmt.Sprintf("%+v", kept); strings.Contains(text, "stringData") || version(kept) != "u/7" {
		t.Errorf("kept %s", text)
	}
}

// Without the right to watch nothing is told and one line is logged; with the right it goes on by itself.
func TestOperatorTokenWatchOutlivesMissingRights(t *testing.T) {
	t.Parallel()
	environment := testenv.Shared(t)
	user, err := environment.User("watcher")
	if err != nil {
		t.Fatal(err)
	}
	w := newWatcher(t, environment, user)
	w.write("token", "1")
	w.use(w.key("a"), w.secret("token"))
	await(t, "refusals", func() string {
		requests, err := environment.AuditSince(t.Context(), 0)
		if err != nil {
			return err.Error()
		}
		refused := requests.Where(func(r testenv.Request) bool { return r.UserAgent == w.userAgent && r.Code == 403 })
		if len(refused) < 3 {
			return fmt.Sprintf("%d", len(refused))
		}
		return ""
	})
	if lines := w.logged("cannot be watched"); lines != 1 {
		t.Errorf("%d lines logged, want 1:\n%s", lines, w.log.String())
	}
	rule := rbacv1.PolicyRule{APIGroups: []string{""}, Resources: []string{"secrets"}, Verbs: []string{"list", "watch"}}
	subject := rbacv1.Subject{APIGroup: rbacv1.GroupName, Kind: rbacv1.UserKind, Name: "watcher"}
	if err := environment.Grant(t.Context(), w.namespace, subject, rule); err != nil {
		t.Fatal(err)
	}
	w.awaitTold("a", 1)
	w.write("token", "2")
	w.awaitTold("a", 2)
}

// An API server that goes away and comes back costs no change, neither one during nor one after.
func TestOperatorTokenWatchOutlivesTheAPIServer(t *testing.T) {
	t.Parallel()
	environment := testenv.Start(t, testenv.Options{})
	w := newWatcher(t, environment, environment.Admin)
	w.write("token", "1")
	w.use(w.key("a"), w.secret("token"))
	w.awaitTold("a", 1)
	environment.StopAPIServer()
	if err := environment.StartAPIServer(t.Context()); err != nil {
		t.Fatal(err)
	}
	w.write("token", "2")
	w.awaitTold("a", 2)
	if lines := w.logged("cannot be watched"); lines > 2 {
		t.Errorf("%d lines logged:\n%s", lines, w.log.String())
	}
}
