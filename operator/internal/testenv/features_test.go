package testenv_test

import (
	"strings"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	eventsv1 "k8s.io/api/events/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	applycorev1 "k8s.io/client-go/applyconfigurations/core/v1"

	"github.com/betterdataco/terraform-provider-betterdata/operator/internal/testenv"
)

func TestOperatorServerSideApplyHasOwners(t *testing.T) {
	e := testenv.Shared(t)
	namespace := e.Namespace(t, nil)
	secrets := clientset(t, e.Admin).CoreV1().Secrets(namespace)
	configuration := func(value string) *applycorev1.SecretApplyConfiguration {
		return applycorev1.Secret("target", namespace).WithData(map[string][]byte{"key": []byte(value)})
	}
	if _, err := secrets.Apply(t.Context(), configuration("a"), metav1.ApplyOptions{FieldManager: "first"}); err != nil {
		t.Fatal(err)
	}
	if _, err := secrets.Apply(t.Context(), configuration("b"), metav1.ApplyOptions{FieldManager: "second"}); !apierrors.IsConflict(err) {
		t.Errorf("another manager's value without force: %v, want a conflict", err)
	}
	secret, err := secrets.Apply(t.Context(), configuration("b"), metav1.ApplyOptions{FieldManager: "second", Force: true})
	if err != nil {
		t.Fatal(err)
	}
	if got := string(secret.Data["key"]); got != "b" {
		t.Errorf("after a forced apply the value is %q, want b", got)
	}
}

func TestOperatorEventsAreStored(t *testing.T) {
	e := testenv.Shared(t)
	namespace := e.Namespace(t, nil)
	events := clientset(t, e.Admin).EventsV1().Events(namespace)
	event := &eventsv1.Event{
		ObjectMeta: metav1.ObjectMeta{Name: "happened"}, EventTime: metav1.NowMicro(), Type: corev1.EventTypeNormal,
		Reason: "Rotated", Action: "Rotate", Note: "a note", ReportingController: "betterdata.co/operator", ReportingInstance: "test",
		Regarding: corev1.ObjectReference{APIVersion: "v1", Kind: "Secret", Namespace: namespace, Name: "target"},
	}
	if _, err := events.Create(t.Context(), event, metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
	list, err := events.List(t.Context(), metav1.ListOptions{FieldSelector: "reason=Rotated"})
	if err != nil || len(list.Items) != 1 {
		t.Errorf("events with the reason: %v, %v, want one", list.Items, err)
	}
}

func TestOperatorPodSecurityRestricted(t *testing.T) {
	e := testenv.Shared(t)
	namespace := e.Namespace(t, map[string]string{"pod-security.kubernetes.io/enforce": "restricted"})
	client := clientset(t, e.Admin)
	eventually(t, "the default service account exists", serviceAccountExists(client, namespace))

	pod := &corev1.Pod{ObjectMeta: metav1.ObjectMeta{Name: "pod"}, Spec: corev1.PodSpec{Containers: []corev1.Container{{Name: "main", Image: "registry.invalid/image"}}}}
	if _, err := client.CoreV1().Pods(namespace).Create(t.Context(), pod, metav1.CreateOptions{}); !apierrors.IsForbidden(err) || !strings.Contains(err.Error(), "PodSecurity") {
		t.Errorf("a pod without a security context: %v, want it refused by PodSecurity", err)
	}
	yes, no := true, false
	pod.Spec.SecurityContext = &corev1.PodSecurityContext{RunAsNonRoot: &yes, SeccompProfile: &corev1.SeccompProfile{Type: corev1.SeccompProfileTypeRuntimeDefault}}
	pod.Spec.Containers[0].SecurityContext = &corev1.SecurityContext{AllowPrivilegeEscalation: &no, Capabilities: &corev1.Capabilities{Drop: []corev1.Capability{"ALL"}}}
	if _, err := client.CoreV1().Pods(namespace).Create(t.Context(), pod, metav1.CreateOptions{}); err != nil {
		t.Errorf("a restricted pod: %v", err)
	}
}

func TestOperatorCustomResourceRules(t *testing.T) {
	e := testenv.Shared(t)
	client := widgets(t, e, e.Namespace(t, nil))
	if _, err := client.Create(t.Context(), widget("big", map[string]any{"size": int64(7)}), metav1.CreateOptions{}); !apierrors.IsInvalid(err) || !strings.Contains(err.Error(), "size must not be larger than limit") {
		t.Errorf("a widget that breaks the rule: %v, want the rule's message", err)
	}
	created, err := client.Create(t.Context(), widget("small", map[string]any{"size": int64(3)}), metav1.CreateOptions{})
	if err != nil {
		t.Fatal(err)
	}
	if spec, ok := created.Object["spec"].(map[string]any); !ok || spec["limit"] != int64(5) {
		t.Errorf("spec = %v, want the default of limit", created.Object["spec"])
	}
}

func TestOperatorAuditLogCountsRequests(t *testing.T) {
	e := testenv.Shared(t)
	namespace := e.Namespace(t, nil)
	config, err := e.User("counted", "system:masters")
	if err != nil {
		t.Fatal(err)
	}
	secrets := clientset(t, config).CoreV1().Secrets(namespace)
	mark, err := e.AuditMark(t.Context())
	if err != nil {
		t.Fatal(err)
	}

	secret := &corev1.Secret{ObjectMeta: metav1.ObjectMeta{Name: "one"}}
	began := time.Now()
	for range 2 { // the second one is refused, and counts
		_, err = secrets.Create(t.Context(), secret, metav1.CreateOptions{})
	}
	if !apierrors.IsAlreadyExists(err) {
		t.Errorf("creating twice: %v", err)
	}
	secret.Name = "dry"
	if _, err := secrets.Create(t.Context(), secret, metav1.CreateOptions{DryRun: []string{metav1.DryRunAll}}); err != nil {
		t.Error(err)
	}
	for range 3 {
		if _, err := secrets.List(t.Context(), metav1.ListOptions{}); err != nil {
			t.Error(err)
		}
	}
	watch, err := secrets.Watch(t.Context(), metav1.ListOptions{})
	if err != nil {
		t.Fatal(err)
	}
	defer watch.Stop()

	requests, err := e.AuditSince(t.Context(), mark)
	if err != nil {
		t.Fatal(err)
	}
	counts := requests.By("counted").Count()
	for verb, want := range map[string]int{"create": 3, "list": 3, "watch": 1} {
		if got := counts[testenv.RequestKind{Verb: verb, Resource: "secrets", User: "counted"}]; got != want {
			t.Errorf("%d %s requests, want %d, of\n%s", got, verb, want, requests)
		}
	}
	writes := requests.By("counted").Writes()
	if len(writes) != 2 {
		t.Fatalf("%d writes, want 2: dry runs do not count\n%s", len(writes), writes)
	}
	first, second := writes[0], writes[1]
	if first.Code != 201 || second.Code != 409 || first.Name != "one" || first.Namespace != namespace || first.ReceivedAt.Before(began.Add(-time.Second)) {
		t.Errorf("writes = %+v, want 201 and then 409 on %s/one", writes, namespace)
	}
}
