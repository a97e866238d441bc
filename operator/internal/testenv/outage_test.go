package testenv_test

import (
	"context"
	"errors"
	"strings"
	"syscall"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"

	"github.com/betterdataco/terraform-provider-betterdata/operator/internal/testenv"
)

// serviceAccountExists is true once the controller manager has looked after the namespace.
func serviceAccountExists(client *kubernetes.Clientset, namespace string) func(context.Context) (bool, error) {
	return func(ctx context.Context) (bool, error) {
		_, err := client.CoreV1().ServiceAccounts(namespace).Get(ctx, "default", metav1.GetOptions{})
		return err == nil, ignoreNotFound(err)
	}
}

func TestOperatorOutages(t *testing.T) {
	e := testenv.Start(t, testenv.Options{})
	client := clientset(t, e.Admin)
	namespace := e.Namespace(t, nil)
	get := func(ctx context.Context) error {
		_, err := client.CoreV1().Namespaces().Get(ctx, namespace, metav1.GetOptions{})
		return err
	}

	if err := e.PauseAPIServer(); err != nil {
		t.Fatal(err)
	}
	short, cancel := context.WithTimeout(t.Context(), time.Second)
	defer cancel()
	if err := get(short); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("a paused API server: %v, want no answer", err)
	}
	if err := e.ResumeAPIServer(); err != nil {
		t.Fatal(err)
	}
	if err := get(t.Context()); err != nil {
		t.Errorf("a resumed API server: %v", err)
	}

	e.StopAPIServer()
	if err := get(t.Context()); !errors.Is(err, syscall.ECONNREFUSED) {
		t.Errorf("a stopped API server: %v, want connection refused", err)
	}
	if err := e.StartAPIServer(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := get(t.Context()); err != nil {
		t.Errorf("a restarted API server forgot the namespace: %v", err)
	}

	e.StopControllerManager()
	unattended := e.Namespace(t, nil)
	if err := e.StartControllerManager(t.Context()); err != nil {
		t.Fatal(err)
	}
	eventually(t, "the restarted controller manager looks after the namespace", serviceAccountExists(client, unattended))
}

// Two at once, as packages are tested in parallel: neither sees the other's objects.
func TestOperatorEnvironmentsAreApart(t *testing.T) {
	one, other := testenv.Shared(t), testenv.Start(t, testenv.Options{})
	namespace := one.Namespace(t, nil)
	_, err := clientset(t, other.Admin).CoreV1().Namespaces().Get(t.Context(), namespace, metav1.GetOptions{})
	if err == nil || ignoreNotFound(err) != nil {
		t.Errorf("the namespace of one environment, asked for in the other: %v, want not found", err)
	}
	if _, err := one.Kubectl(t.Context(), "", "--server", other.Admin.Host, "get", "namespaces"); err == nil || !strings.Contains(err.Error(), "certificate") {
		t.Errorf("one environment's administrator in the other: %v, want a refused certificate", err)
	}
}
