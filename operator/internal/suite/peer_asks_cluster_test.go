package suite

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"strconv"
	"strings"
	"sync"
	"testing"

	authorizationv1 "k8s.io/api/authorization/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/betterdataco/terraform-provider-betterdata/operator/api/v1alpha1"
	"github.com/betterdataco/terraform-provider-betterdata/operator/internal/testenv"
)

// vault-secrets-operator/issues/425 and 644: what is rolled, and how often. It is who is named, once for each new key, however
// often Secret and ApiKey change otherwise.
func TestOperatorAsk09RestartsWhoIsNamedOnce(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for _, name := range []string{"forecaster", "stock", "bystander"} {
		w.deploy(t, name)
	}
	restart := "restart: [{kind: Deployment, name: forecaster}, {kind: Deployment, name: stock}]"
	w.inService(t, rotating[0], rotating[1], restart)
	for _, label := range []string{"one", "two", "three"} {
		w.newKey(t, "reader", rotating[0], rotating[1], restart, "secret: {labels: {team: "+label+"}}")
		w.awaitReady(t, "reader")
	}
	w.remove(t, &corev1.Secret{}, "reader")
	eventually(t, func(ctx context.Context) error { return w.settled(ctx, "reader") })
	generations := func() string {
		return fmt.Sprint(w.deployment(t, "forecaster").Generation, w.deployment(t, "stock").Generation, w.deployment(t, "bystander").Generation)
	}
	if got := generations(); got != "1 1 1" {
		t.Errorf("generations %s before there was a second key, want 1 1 1", got)
	}
	w.rotate(t, "now")
	w.awaitSettled(t, "reader") // the replaced key lives until all have rolled
	w.awaitPolls(t, 1)
	if got := generations(); got != "2 2 1" {
		t.Errorf("generations %s after a rotation, want 2 2 1", got)
	}
}

// opensearch-k8s-operator/issues/702: an operator that needs the Secrets of the whole cluster is not let in. With the
// manifests of config/namespaced it gets nothing beyond its namespace, asks for nothing else, and works.
func TestOperatorAsk10ClusterWideSecrets(t *testing.T) {
	t.Parallel()
	if manifests := shipped(t, testenv.Shared(t), "config/namespaced"); strings.Contains(manifests, "kind: ClusterRole") {
		t.Error("config/namespaced has a ClusterRole or a binding to one")
	}
	w := newWorld(t)
	mark := w.auditMark(t)
	w.inService(t)
	w.rotate(t, "now")
	w.awaitSettled(t, "reader")
	for _, namespace := range []string{metav1.NamespaceAll, metav1.NamespaceDefault, metav1.NamespaceSystem} {
		for _, verb := range []string{"get", "list", "watch", "create", "patch", "delete"} {
			review := &authorizationv1.SubjectAccessReview{Spec: authorizationv1.SubjectAccessReviewSpec{
				User:               w.user,
				ResourceAttributes: &authorizationv1.ResourceAttributes{Namespace: namespace, Verb: verb, Resource: "secrets"},
			}}
			if err := w.admin.Create(t.Context(), review); err != nil || review.Status.Allowed {
				t.Errorf("may %s secrets in %q: %v, %v", verb, namespace, review.Status.Allowed, err)
			}
		}
	}
	outside := w.audited(t, mark).Where(func(r testenv.Request) bool {
		return r.Resource == "secrets" && r.Namespace != w.namespace || r.Code == http.StatusForbidden
	})
	if len(outside) > 0 {
		t.Errorf("%d requests for Secrets elsewhere, or forbidden:\n%v", len(outside), outside)
	}
}

const (
	unrelatedSecrets = 2000
	unrelatedBytes   = 50 << 10
	mostGrowth       = 32 << 20 // of memory, a third of what these Secrets hold
)

// k8ssandra-operator/issues/1752: informers of Secrets take the memory of all Secrets there are. Here whatever is asked of
// Secrets carries a selector, and 100 MB of them make no difference.
func TestOperatorAsk11SecretsInMemory(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	mark := w.auditMark(t)
	o := w.inService(t)
	w.awaitPolls(t, 1)
	alone := o.mostMemory(t)
	o.kill()
	w.makeUnrelated(t)
	o = w.start(t)
	w.awaitPolls(t, 2)
	crowded := o.mostMemory(t)
	if crowded-alone > mostGrowth {
		t.Errorf("the operator took %d MB, and %d MB beside %d unrelated Secrets", alone>>20, crowded>>20, unrelatedSecrets)
	}
	asked := w.audited(t, mark).Where(func(r testenv.Request) bool {
		return r.Resource == "secrets" && (r.Verb == "list" || r.Verb == "watch")
	})
	open := asked.Where(func(r testenv.Request) bool { return r.Selector == "" })
	if len(asked) == 0 || len(open) > 0 {
		t.Errorf("of %d lists and watches of Secrets, %d carry no selector", len(asked), len(open))
	}
}

// makeUnrelated makes many Secrets that are no business of the operator, and removes them with the test.
func (w *world) makeUnrelated(t *testing.T) {
	t.Helper()
	labels := client.MatchingLabels{"unrelated": "true"}
	t.Cleanup(func() {
		ctx := context.WithoutCancel(t.Context()) // the test is over
		var err error
		for range 5 { // the API server ends a request after a minute, which a slow machine needs for fewer than all
			if err = w.admin.DeleteAllOf(ctx, &corev1.Secret{}, client.InNamespace(w.namespace), labels); err == nil {
				return
			}
		}
		t.Error(err)
	})
	const makers = 8
	errs := make([]error, makers)
	var wait sync.WaitGroup
	for maker := range makers {
		wait.Go(func() {
			for i := maker; i < unrelatedSecrets && errs[maker] == nil; i += makers {
				secret := &corev1.Secret{
					ObjectMeta: metav1.ObjectMeta{Namespace: w.namespace, Name: fmt.Sprintf("unrelated-%04d", i), Labels: labels},
					Data:       map[string][]byte{"blob": []byte(strings.Repeat("x", unrelatedBytes))},
				}
				errs[maker] = w.admin.Create(t.Context(), secret)
			}
		})
	}
	wait.Wait()
	if err := errors.Join(errs...); err != nil {
		t.Fatal(err)
	}
}

// mostMemory is the most memory in bytes that the process has had.
func (o *operator) mostMemory(t *testing.T) int {
	t.Helper()
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", o.command.Process.Pid))
	if err != nil {
		t.Fatal(err)
	}
	_, after, _ := strings.Cut(string(status), "VmHWM:")
	fields := strings.Fields(after)
	if len(fields) < 2 || fields[1] != "kB" {
		t.Fatalf("no VmHWM in\n%s", status)
	}
	kilobytes, err := strconv.Atoi(fields[0])
	if err != nil {
		t.Fatal(err)
	}
	return kilobytes << 10
}

// external-secrets/issues/5426: a finalizer keeps a namespace for ever, because what it needs went first. Here token and
// Connection are deleted before the namespace is.
func TestOperatorAsk12NamespaceHangs(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.inService(t)
	w.remove(t, &corev1.Secret{}, "betterdata-token")
	w.remove(t, &v1alpha1.Connection{}, "default")
	w.deleteNamespace(t)
	w.awaitNamespaceGone(t)
	if live := w.liveKeys(); len(live) > 0 {
		t.Errorf("the keys %v are left", live)
	}
}

// external-secrets/issues/3579 and 6622: the same secret is wanted in several namespaces or clusters. Each gets a key of its
// own, under the same name, and nobody takes another's for a stray.
func TestOperatorAsk14SameKeyInSeveralPlaces(t *testing.T) {
	t.Parallel()
	for place, flag := range map[string]func(first *world) []string{
		"another cluster":                       func(*world) []string { return nil },
		"another namespace of the same cluster": func(first *world) []string { return []string{"--cluster-id=" + first.namespace} },
	} {
		t.Run(place, func(t *testing.T) {
			t.Parallel()
			one, two := newWorld(t), newWorld(t)
			two.tenant = one.tenant
			named := append([]string{"displayName: forecast reader"}, rotating...)
			one.inService(t, named...)
			first := one.held(t)
			two.connect(t)
			two.start(t, flag(one)...)
			two.newKey(t, "reader", named...)
			two.awaitReady(t, "reader")
			one.awaitPolls(t, 5) // of both
			second := two.held(t)
			if first == second || !one.alive(first) || !one.alive(second) || one.held(t) != first {
				t.Errorf("keys %s and %s live: %v, %v", first, second, one.alive(first), one.alive(second))
			}
			two.remove(t, &v1alpha1.ApiKey{}, "reader")
			two.awaitGone(t, &v1alpha1.ApiKey{}, "reader")
			if !one.alive(first) || one.alive(second) {
				t.Errorf("after the second ApiKey's deletion, keys %s and %s live: %v, %v", first, second, one.alive(first), one.alive(second))
			}
		})
	}
}

// external-secrets/issues/2416: the policy "Owner" wiped a Secret that was somebody else's.
func TestOperatorAsk17ForeignSecretWiped(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.connect(t)
	w.apply(t, "apiVersion: v1\nkind: Secret\nmetadata: {name: reader}\nstringData: {admin.password: theirs}\n")
	before := &corev1.Secret{}
	w.mustGet(t, "reader", before)
	w.start(t)
	w.newKey(t, "reader", rotating...)
	message := w.awaitConflict(t)
	if !strings.Contains(message, "reader") || !strings.Contains(message, "secret.name") {
		t.Errorf("the message does not say what to do: %s", message)
	}
	w.awaitPolls(t, 1)
	w.mustHaveIssued(t, 0, 0)
	w.remove(t, &v1alpha1.ApiKey{}, "reader")
	w.awaitGone(t, &v1alpha1.ApiKey{}, "reader")
	after := &corev1.Secret{}
	w.mustGet(t, "reader", after)
	if after.ResourceVersion != before.ResourceVersion || string(after.Data["admin.password"]) != "theirs" {
		t.Errorf("the Secret was changed: version %s is now %s", before.ResourceVersion, after.ResourceVersion)
	}
}

// awaitConflict waits until "reader" says that its Secret is somebody else's, and returns its words.
func (w *world) awaitConflict(t *testing.T) string {
	t.Helper()
	return w.awaitCondition(t, &v1alpha1.ApiKey{}, "reader", v1alpha1.ConditionReady, "False", v1alpha1.ReasonSecretConflict)
}

// external-secrets/issues/1272: a target that was renamed stays behind, with what it held, for good.
func TestOperatorAsk17RenamedTargetOrphaned(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.inService(t)
	key := w.entry(t.Context(), "reader")
	w.newKey(t, "reader", append(rotating[:2:2], "secret: {name: renamed}")...)
	eventually(t, func(ctx context.Context) error { return unless(w.entry(ctx, "renamed") == key, "not renamed") })
	w.awaitGone(t, &corev1.Secret{}, "reader")
	if w.entry(t.Context(), "renamed") != key {
		t.Error("the renamed Secret holds another key")
	}
	w.mustHaveIssued(t, 1, 0)
}
