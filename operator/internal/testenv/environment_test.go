package testenv_test

import (
	"context"
	"encoding/json"
	"os"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/util/wait"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"

	"github.com/betterdataco/terraform-provider-betterdata/operator/internal/testenv"
)

func TestMain(m *testing.M) {
	os.Exit(testenv.Main(m, testenv.Options{Manifests: []string{"testdata/widgets.yaml"}}))
}

// clientset is a typed client for the configuration.
func clientset(t *testing.T, config *rest.Config) *kubernetes.Clientset {
	t.Helper()
	client, err := kubernetes.NewForConfig(config)
	if err != nil {
		t.Fatal(err)
	}
	return client
}

// widgets is a client for the custom resource of testdata, as administrator.
func widgets(t *testing.T, e *testenv.Environment, namespace string) dynamic.ResourceInterface {
	t.Helper()
	client, err := dynamic.NewForConfig(e.Admin)
	if err != nil {
		t.Fatal(err)
	}
	return client.Resource(schema.GroupVersionResource{Group: "test.betterdata.co", Version: "v1", Resource: "widgets"}).Namespace(namespace)
}

func widget(name string, spec map[string]any) *unstructured.Unstructured {
	return &unstructured.Unstructured{Object: map[string]any{
		"apiVersion": "test.betterdata.co/v1", "kind": "Widget",
		"metadata": map[string]any{"name": name}, "spec": spec,
	}}
}

// eventually fails the test if the condition does not become true within two minutes.
func eventually(t *testing.T, what string, condition func(context.Context) (bool, error)) {
	t.Helper()
	if err := wait.PollUntilContextTimeout(t.Context(), 100*time.Millisecond, 2*time.Minute, true, condition); err != nil {
		t.Fatalf("waiting until %s: %v", what, err)
	}
}

func TestOperatorControlPlaneVersions(t *testing.T) {
	e := testenv.Shared(t)
	out, err := e.Kubectl(t.Context(), "", "version", "--output=json")
	if err != nil {
		t.Fatal(err)
	}
	var versions struct {
		ClientVersion, ServerVersion struct{ Major, Minor, GitVersion string }
	}
	if err := json.Unmarshal([]byte(out), &versions); err != nil {
		t.Fatal(err)
	}
	for _, version := range []struct{ Major, Minor, GitVersion string }{versions.ClientVersion, versions.ServerVersion} {
		if version.Major != "1" || version.Minor != "37" {
			t.Errorf("kubectl version says %+v, want 1.37", version)
		}
	}
}

func TestOperatorNamespaceDeletionFinishes(t *testing.T) {
	e := testenv.Shared(t)
	client := clientset(t, e.Admin)
	namespace := e.Namespace(t, nil)
	if _, err := widgets(t, e, namespace).Create(t.Context(), widget("one", map[string]any{}), metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
	if err := client.CoreV1().Namespaces().Delete(t.Context(), namespace, metav1.DeleteOptions{}); err != nil {
		t.Fatal(err)
	}
	eventually(t, "the namespace is gone", func(ctx context.Context) (bool, error) {
		_, err := client.CoreV1().Namespaces().Get(ctx, namespace, metav1.GetOptions{})
		return apierrors.IsNotFound(err), ignoreNotFound(err)
	})
}

func TestOperatorGarbageCollectionDeletesDependents(t *testing.T) {
	e := testenv.Shared(t)
	client := clientset(t, e.Admin)
	namespace := e.Namespace(t, nil)
	owner, err := widgets(t, e, namespace).Create(t.Context(), widget("owner", map[string]any{}), metav1.CreateOptions{})
	if err != nil {
		t.Fatal(err)
	}
	dependent := &corev1.Secret{ObjectMeta: metav1.ObjectMeta{Name: "dependent", OwnerReferences: []metav1.OwnerReference{
		*metav1.NewControllerRef(owner, owner.GroupVersionKind()),
	}}}
	if _, err := client.CoreV1().Secrets(namespace).Create(t.Context(), dependent, metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
	if err := widgets(t, e, namespace).Delete(t.Context(), "owner", metav1.DeleteOptions{}); err != nil {
		t.Fatal(err)
	}
	eventually(t, "the dependent Secret is collected", func(ctx context.Context) (bool, error) {
		_, err := client.CoreV1().Secrets(namespace).Get(ctx, "dependent", metav1.GetOptions{})
		return apierrors.IsNotFound(err), ignoreNotFound(err)
	})
}

func ignoreNotFound(err error) error {
	if apierrors.IsNotFound(err) {
		return nil
	}
	return err
}
