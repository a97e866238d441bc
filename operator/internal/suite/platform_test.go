package suite

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"testing"

	corev1 "k8s.io/api/core/v1"
	eventsv1 "k8s.io/api/events/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/betterdataco/terraform-provider-betterdata/operator/api/v1alpha1"
	"github.com/betterdataco/terraform-provider-betterdata/operator/internal/testenv"
)

// throughPlatform is the line of an ApiKey's spec that names the ClusterConnection "platform".
const throughPlatform = "connectionRef: {kind: ClusterConnection, name: platform}"

// A platform team's ClusterConnection, as the manifests of cluster mode install the operator: its token lies in a namespace
// that no ApiKey is in; namespaces, scopes and a number are its limits; no limit stops a rotation; what is refused is
// issued once the limit is raised; it goes when the last key has. The operator's role suffices for all of it.
func TestOperatorClusterConnection(t *testing.T) {
	t.Parallel()
	w := newClusterWorld(t)
	mark := w.auditMark(t)
	neighbour := w.neighbour(t)
	w.platform(t)
	w.start(t)
	w.awaitCondition(t, &v1alpha1.ClusterConnection{}, "platform", v1alpha1.ConditionReady, "True", v1alpha1.ReasonConnected)
	w.awaitClusterEvent(t, "platform", v1alpha1.ReasonConnected)

	users := []string{"reader", "second"}
	for _, name := range users {
		w.newKey(t, name, append([]string{throughPlatform}, rotating...)...)
		w.awaitReady(t, name)
	}
	w.newKey(t, "greedy", throughPlatform, "scopes: [inventory:read, forecast:read]")
	w.awaitRefused(t, "greedy", v1alpha1.ReasonScopesNotAllowed)
	neighbour.newKey(t, "stranger", throughPlatform, "scopes: [inventory:read]")
	neighbour.awaitRefused(t, "stranger", v1alpha1.ReasonNamespaceNotAllowed)
	w.newKey(t, "third", append([]string{throughPlatform}, rotating...)...)
	w.awaitRefused(t, "third", v1alpha1.ReasonMaxKeysReached)

	w.rotate(t, "at the limit")
	w.awaitSettled(t, users...)
	w.mustHaveIssued(t, 2, 1)
	w.awaitPlatform(t, func(s v1alpha1.ConnectionStatus) error {
		return unless(s.Authentication == v1alpha1.AuthenticationAccepted && valueOf(s.APIKeys) == 5 && valueOf(s.LiveKeys) == 2 && valueOf(s.OrphanedKeys) == 0,
			"%+v", s)
	})

	w.replacePlatformToken(t)
	w.rotate(t, "with the new token")
	w.patch(t, &v1alpha1.ClusterConnection{}, "platform", `{"spec":{"allowedScopes":["inventory:*","forecast:read"],"maxKeys":4}}`)
	w.awaitReady(t, "greedy", "third")
	w.awaitSettled(t, "reader", "second", "greedy", "third")

	w.patch(t, &v1alpha1.ClusterConnection{}, "platform", `{"spec":{"allowedNamespaces":["*"]}}`)
	neighbour.awaitRefused(t, "stranger", v1alpha1.ReasonMaxKeysReached)
	w.patch(t, &v1alpha1.ClusterConnection{}, "platform", `{"spec":{"maxKeys":5}}`)
	neighbour.awaitReady(t, "stranger")
	w.mustHaveIssued(t, 5, 2)

	w.deletePlatform(t, map[string]*world{"reader": w, "second": w, "third": w, "greedy": w, "stranger": neighbour})
	forbidden := w.audited(t, mark).Where(func(r testenv.Request) bool { return r.Code == http.StatusForbidden })
	if len(forbidden) > 0 {
		t.Errorf("the operator may not do what it does:\n%v", forbidden)
	}
}

// platform applies the ClusterConnection and its token.
func (w *world) platform(t *testing.T) {
	t.Helper()
	w.apply(t, fmt.Sprintf(`
apiVersion: v1
kind: Secret
metadata: {name: platform-token, namespace: %[1]s}
stringData: {token: %[2]q}
---
apiVersion: betterdata.co/v1alpha1
kind: ClusterConnection
metadata: {name: platform}
spec:
  baseURL: %[3]s
  tokenSecretRef: {namespace: %[1]s, name: platform-token}
  pollInterval: 10s
  allowedNamespaces: [%[4]s]
  allowedScopes: ["inventory:*"]
  maxKeys: 2
`, w.system, w.SessionToken(), w.url, w.namespace))
}

// neighbour is another namespace of the same cluster, tenant and operator. What must be nowhere is searched there, too.
func (w *world) neighbour(t *testing.T) *world {
	t.Helper()
	n := &world{tenant: w.tenant, env: w.env, admin: w.admin, namespace: w.env.Namespace(t, nil), system: w.system}
	t.Cleanup(func() { n.searchSecrets(t) })
	return n
}

// awaitRefused waits until the ApiKey says, also in an event, that policy does not admit it.
func (w *world) awaitRefused(t *testing.T, name, reason string) {
	t.Helper()
	for _, kind := range []string{v1alpha1.ConditionReady, v1alpha1.ConditionStalled} {
		status := map[string]string{v1alpha1.ConditionReady: "False", v1alpha1.ConditionStalled: "True"}[kind]
		w.awaitCondition(t, &v1alpha1.ApiKey{}, name, kind, status, reason)
	}
	w.awaitEvent(t, name, reason)
}

// awaitPlatform waits until the check has no objection to the status of the ClusterConnection.
func (w *world) awaitPlatform(t *testing.T, check func(s v1alpha1.ConnectionStatus) error) {
	t.Helper()
	eventually(t, func(ctx context.Context) error {
		connection := &v1alpha1.ClusterConnection{}
		if err := w.get(ctx, "platform", connection); err != nil {
			return err
		}
		return check(connection.Status)
	})
}

// awaitClusterEvent waits for an event about a ClusterConnection. Events of what has no namespace are in "default".
func (w *world) awaitClusterEvent(t *testing.T, name, reason string) {
	t.Helper()
	eventually(t, func(ctx context.Context) error {
		var list eventsv1.EventList
		if err := w.admin.List(ctx, &list, client.InNamespace(metav1.NamespaceDefault)); err != nil {
			return err
		}
		found := slices.ContainsFunc(list.Items, func(e eventsv1.Event) bool {
			return e.Regarding.Kind == v1alpha1.KindClusterConnection && e.Regarding.Name == name && e.Reason == reason
		})
		return unless(found, "no event %s about %s among %d", reason, name, len(list.Items))
	})
}

// replacePlatformToken writes another token, the only one that the API accepts from then on.
func (w *world) replacePlatformToken(t *testing.T) {
	t.Helper()
	w.apply(t, fmt.Sprintf("{apiVersion: v1, kind: Secret, metadata: {name: platform-token, namespace: %s}, stringData: {token: %q}}", w.system, w.newToken()))
	w.RevokeSessionToken(w.SessionToken())
}

// deletePlatform deletes the ClusterConnection, which waits for its ApiKeys, and then those: every key is revoked with the
// token, whose Secret nobody holds.
func (w *world) deletePlatform(t *testing.T, users map[string]*world) {
	t.Helper()
	w.remove(t, &v1alpha1.ClusterConnection{}, "platform")
	w.awaitCondition(t, &v1alpha1.ClusterConnection{}, "platform", v1alpha1.ConditionReady, "False", v1alpha1.ReasonInUse)
	for name, home := range users {
		home.remove(t, &v1alpha1.ApiKey{}, name)
	}
	for name, home := range users {
		home.awaitGone(t, &v1alpha1.ApiKey{}, name)
		home.awaitGone(t, &corev1.Secret{}, name)
	}
	w.awaitGone(t, &v1alpha1.ClusterConnection{}, "platform")
	w.awaitSettled(t)
	token := &corev1.Secret{}
	if err := w.admin.Get(t.Context(), client.ObjectKey{Namespace: w.system, Name: "platform-token"}, token); err != nil || len(token.Finalizers) > 0 {
		t.Errorf("the token's Secret has the finalizers %v: %v", token.Finalizers, err)
	}
}

func valueOf(number *int32) int {
	if number == nil {
		return -1
	}
	return int(*number)
}
