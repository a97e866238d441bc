package testenv

import (
	"context"
	"sync"
	"testing"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"
)

// Start starts a control plane of the test's own, for a test that stops or slows down programs. It ends with the test;
// when the test has failed, the ends of its logs are shown.
func Start(tb testing.TB, options Options) *Environment {
	tb.Helper()
	e, err := New(tb.Context(), options)
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() {
		if tb.Failed() {
			tb.Log(e.Logs())
		}
		if err := e.Stop(); err != nil {
			tb.Error(err)
		}
	})
	return e
}

// shared is the control plane that the tests of one package share: starting one takes seconds.
var shared struct {
	once        sync.Once
	hasMain     bool
	options     Options
	environment *Environment
	err         error
}

// Main is for a package's TestMain: it runs the tests and ends the control plane that Shared has started for them, with
// these options. Its result is the exit code.
func Main(m *testing.M, options Options) int {
	shared.options, shared.hasMain = options, true
	code := m.Run()
	if shared.environment != nil {
		if err := shared.environment.Stop(); err != nil {
			return 1
		}
	}
	return code
}

// Shared returns the control plane of the package, which the first call starts. Tests keep out of each other's way by
// namespaces, see [Environment.Namespace]. The package needs a TestMain with [Main].
func Shared(tb testing.TB) *Environment {
	tb.Helper()
	if !shared.hasMain {
		tb.Fatal("testenv.Shared needs a TestMain with testenv.Main, which stops what Shared starts")
	}
	shared.once.Do(func() {
		// It outlives the test that happens to come first.
		shared.environment, shared.err = New(context.WithoutCancel(tb.Context()), shared.options)
	})
	if shared.err != nil {
		tb.Fatal(shared.err)
	}
	tb.Cleanup(func() {
		if tb.Failed() {
			tb.Log(shared.environment.Logs())
		}
	})
	return shared.environment
}

// Namespace creates a namespace with a new name and these labels. It is not removed: it ends with the control plane.
func (e *Environment) Namespace(tb testing.TB, labels map[string]string) string {
	tb.Helper()
	client, err := kubernetes.NewForConfig(e.Admin)
	if err != nil {
		tb.Fatal(err)
	}
	namespace := &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{GenerateName: "test-", Labels: labels}}
	namespace, err = client.CoreV1().Namespaces().Create(tb.Context(), namespace, metav1.CreateOptions{})
	if err != nil {
		tb.Fatal(err)
	}
	return namespace.Name
}
