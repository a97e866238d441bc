package connection

import (
	"net/http"
	"testing"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/betterdataco/terraform-provider-betterdata/operator/api/v1alpha1"
	"github.com/betterdataco/terraform-provider-betterdata/operator/internal/controller/apikey"
)

// tokenSecretOf is the Secret as the API server has it; awaitFinalizer reads it.
func (w *world) tokenSecretOf(name string) *corev1.Secret {
	return &corev1.Secret{ObjectMeta: metav1.ObjectMeta{Namespace: w.namespace, Name: name}}
}

// letGo removes the ApiKey, as its own controller does once its keys are revoked.
func (w *world) letGo(a *v1alpha1.ApiKey) {
	w.t.Helper()
	w.must(client.IgnoreNotFound(w.admin.Delete(w.t.Context(), a)))
	w.patch(a, func() { a.Finalizers = nil })
}

// The finalizers are there while an ApiKey or a ledger needs the connection, and go with the last of them.
func TestOperatorInUseFinalizers(t *testing.T) {
	t.Parallel()
	w := newWorld(t, settings{})
	c, secret := w.connected("default"), w.tokenSecretOf("default")
	w.awaitFinalizer(c, false)
	a := w.apiKey("a", c)
	w.awaitFinalizer(secret, true)
	w.awaitFinalizer(c, true)
	if c.Annotations[v1alpha1.AnnotationTokenSecret] != w.namespace+"/default" {
		t.Errorf("annotations %v", c.Annotations)
	}
	// A ledger whose ApiKey is gone still holds a key to revoke.
	w.ledgers.record(c, apikey.Known{ID: "k", OwnerUID: uidGone, Namespace: w.namespace, IssuedAt: w.now()})
	w.letGo(a)
	w.awaitObject(c, "ApiKeys counted", func() string {
		if c.Status.APIKeys == nil || *c.Status.APIKeys != 0 {
			return summary(c.Status.Conditions)
		}
		return ""
	})
	w.awaitFinalizer(c, true)
	w.ledgers.record(c)
	w.poke(c)
	w.awaitFinalizer(secret, false)
	w.awaitFinalizer(c, false)
	if _, there := c.Annotations[v1alpha1.AnnotationTokenSecret]; there {
		t.Errorf("annotations %v", c.Annotations)
	}
}

// A connection and its Secret that are deleted while an ApiKey needs them stay, work, and say what they wait for. Then
// they end by themselves, in any order of deletion.
func TestOperatorDeletionWaitsForApiKeys(t *testing.T) {
	t.Parallel()
	w := newWorld(t, settings{})
	c, secret := w.connected("default"), w.tokenSecretOf("default")
	a, b := w.apiKey("a", c), w.apiKey("b", c)
	w.awaitFinalizer(secret, true)
	w.awaitFinalizer(c, true)
	w.must(w.admin.Delete(t.Context(), secret))
	w.must(w.admin.Delete(t.Context(), c))
	w.awaitReason(c, v1alpha1.ReasonInUse)
	w.letGo(a)
	w.advance(c, v1alpha1.DefaultPollInterval)
	w.awaitReason(c, v1alpha1.ReasonInUse)
	w.awaitFinalizer(secret, true)
	w.letGo(b)
	w.awaitGone(secret)
	w.awaitGone(c)
}

// While the connection is there its Secret can be found; so the Secret is let go first. The audit log has the order.
func TestOperatorSecretIsReleasedBeforeItsConnection(t *testing.T) {
	t.Parallel()
	w := newWorld(t, settings{})
	c := w.connected("default")
	a := w.apiKey("a", c)
	w.awaitFinalizer(w.tokenSecretOf("default"), true)
	w.awaitFinalizer(c, true)
	w.must(w.admin.Delete(t.Context(), c))
	mark := w.mark()
	w.letGo(a)
	w.awaitGone(c)
	var order []string
	for _, request := range w.since(mark).Writes() {
		stored := request.Code == http.StatusOK // a write that was bound to an older version is refused, and repeated
		if stored && (request.Resource == "secrets" || request.Resource == "connections") {
			order = append(order, request.Resource)
		}
	}
	if len(order) != 2 || order[0] != "secrets" || order[1] != "connections" {
		t.Errorf("writes: %v, want the Secret and then the Connection", order)
	}
	w.awaitFinalizer(w.tokenSecretOf("default"), false)
}

// A Secret that the connection has left can be deleted again; one that another connection needs cannot.
func TestOperatorChangedTokenSecret(t *testing.T) {
	t.Parallel()
	w := newWorld(t, settings{})
	first, old := w.connected("first"), w.tokenSecretOf("first")
	second := w.connection("second", func(c *v1alpha1.Connection) { c.Spec.TokenSecretRef.Name = "first" })
	w.apiKey("a", first)
	w.apiKey("b", second)
	w.awaitFinalizer(first, true)
	w.awaitFinalizer(second, true)
	w.awaitFinalizer(old, true)

	w.secret("fresh", w.api.SessionToken())
	move := func(c *v1alpha1.Connection) {
		w.patch(c, func() { c.Spec.TokenSecretRef.Name = "fresh" })
		w.awaitObject(c, "annotation", func() string {
			if c.Annotations[v1alpha1.AnnotationTokenSecret] != w.namespace+"/fresh" {
				return c.Annotations[v1alpha1.AnnotationTokenSecret]
			}
			return ""
		})
	}
	mark := w.mark()
	move(first)
	w.awaitFinalizer(w.tokenSecretOf("fresh"), true)
	for _, request := range w.since(mark).Writes() {
		if request.Resource == "secrets" && request.Name == "first" {
			t.Errorf("%s of the Secret that the other connection needs", request.Verb)
		}
	}
	move(second)
	w.awaitFinalizer(old, false)
}

// A connection in deletion takes the token Secret that it is given then, and lets go of the one before: a namespace that is
// deleted next would end with the new one first, and nothing could be revoked any more.
func TestOperatorChangedTokenSecretInDeletion(t *testing.T) {
	t.Parallel()
	w := newWorld(t, settings{})
	c, old, fresh := w.connected("default"), w.tokenSecretOf("default"), w.tokenSecretOf("fresh")
	a := w.apiKey("a", c)
	w.awaitFinalizer(old, true)
	w.awaitFinalizer(c, true)
	w.must(w.admin.Delete(t.Context(), c))
	w.awaitReason(c, v1alpha1.ReasonInUse)
	w.secret("fresh", w.api.SessionToken())
	w.patch(c, func() { c.Spec.TokenSecretRef.Name = "fresh" })
	w.awaitFinalizer(fresh, true)
	w.awaitFinalizer(old, false)
	w.letGo(a)
	w.awaitGone(c)
	w.awaitFinalizer(fresh, false)
}

// Nothing is put on the Secret of a ClusterConnection in a namespace of its own: it does not end with the ApiKeys'.
func TestOperatorClusterConnectionLeavesForeignSecretAlone(t *testing.T) {
	t.Parallel()
	w := newWorld(t, settings{})
	platform := w.environment.Namespace(t, nil)
	secret := &corev1.Secret{ObjectMeta: metav1.ObjectMeta{Namespace: platform, Name: "token"}, StringData: map[string]string{"token": w.api.SessionToken()}}
	w.must(w.admin.Create(t.Context(), secret))
	c := &v1alpha1.ClusterConnection{ObjectMeta: metav1.ObjectMeta{Name: w.namespace}}
	c.Spec.BaseURL, c.Spec.AllowedNamespaces = w.url, []string{"*"}
	c.Spec.TokenSecretRef.Namespace, c.Spec.TokenSecretRef.Name = platform, "token"
	w.must(w.admin.Create(t.Context(), c))
	a := w.apiKey("a", c)
	w.awaitReason(c, v1alpha1.ReasonConnected)
	w.awaitFinalizer(c, true)
	w.awaitFinalizer(secret, false)
	w.must(w.admin.Delete(t.Context(), c))
	w.awaitReason(c, v1alpha1.ReasonInUse)
	w.letGo(a)
	w.awaitGone(c)
}
