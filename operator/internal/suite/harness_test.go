package suite

import (
	"context"
	"net/http"
	"testing"

	authenticationv1 "k8s.io/api/authentication/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/tools/clientcmd"
)

// The manifests apply, and the operator's kubeconfig gives what they grant and nothing more: who runs the suite as
// administrator by mistake proves nothing.
func TestOperatorHasTheShippedPermissions(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	config, err := clientcmd.BuildConfigFromFlags("", w.kubeconfig)
	if err != nil {
		t.Fatal(err)
	}
	operator, err := kubernetes.NewForConfig(config)
	if err != nil {
		t.Fatal(err)
	}
	me, err := operator.AuthenticationV1().SelfSubjectReviews().Create(t.Context(), &authenticationv1.SelfSubjectReview{}, metav1.CreateOptions{})
	if err != nil || me.Status.UserInfo.Username != w.user {
		t.Errorf("the kubeconfig is that of %q, want %q: %v", me.Status.UserInfo.Username, w.user, err)
	}
	secret := &corev1.Secret{ObjectMeta: metav1.ObjectMeta{Name: "ours"}}
	if _, err := operator.CoreV1().Secrets(w.namespace).Create(t.Context(), secret, metav1.CreateOptions{}); err != nil {
		t.Errorf("creating a Secret in a watched namespace: %v", err)
	}
	for _, foreign := range []string{w.system, metav1.NamespaceDefault, metav1.NamespaceAll} {
		if _, err := operator.CoreV1().Secrets(foreign).List(t.Context(), metav1.ListOptions{}); !apierrors.IsForbidden(err) {
			t.Errorf("listing Secrets in %q: %v, want forbidden", foreign, err)
		}
	}
}

// A search that finds nothing is worth as much as what it would have found.
func TestLeaked(t *testing.T) {
	t.Parallel()
	secrets := []string{"bdk_live_ABC_plaintext", "st_token"}
	for text, want := range map[string]bool{
		"nothing": false, `{"a":"bdk_live_ABC"}`: false, "key=bdk_live_ABC_plaintext;": true, "Bearer st_token": true,
		`"YmRrX2xpdmVfQUJDX3BsYWludGV4dA=="`: true,
	} {
		if got := leaked([]byte(text), secrets); (got != "") != want {
			t.Errorf("%q: %q, want a finding %v", text, got, want)
		}
	}
}

// What outages look like to a client of the tenant, and that the port survives them.
func TestTenantOutages(t *testing.T) {
	t.Parallel()
	n := newTenant(t, nil)
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	get := func() error {
		request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, n.url+"/admin/api-keys", http.NoBody)
		if err != nil {
			t.Fatal(err)
		}
		response, err := client.Do(request)
		if err == nil {
			_ = response.Body.Close()
		}
		return err
	}
	for range 3 {
		if err := get(); err != nil {
			t.Errorf("before: %v", err)
		}
		end := n.refuse(t)
		if err := get(); err == nil {
			t.Error("a tenant that refuses connections has answered")
		}
		end()
	}
	arrived := n.arrived.Load()
	end := n.hang()
	answered := make(chan error, 1)
	go func() { answered <- get() }()
	eventually(t, func(_ context.Context) error { return unless(n.arrived.Load() > arrived, "no request has arrived") })
	select {
	case err := <-answered:
		t.Errorf("a silent tenant has answered: %v", err)
	default:
	}
	end()
	if err := <-answered; err == nil {
		t.Error("a request that hung was answered")
	}
	if err := get(); err != nil {
		t.Errorf("after the silence: %v", err)
	}
}
