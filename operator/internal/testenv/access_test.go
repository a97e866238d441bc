package testenv_test

import (
	"path/filepath"
	"strings"
	"testing"

	authenticationv1 "k8s.io/api/authentication/v1"
	corev1 "k8s.io/api/core/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/betterdataco/terraform-provider-betterdata/operator/internal/testenv"
)

// readSecrets is a rule that gives less than an operator needs.
var readSecrets = rbacv1.PolicyRule{APIGroups: []string{""}, Resources: []string{"secrets"}, Verbs: []string{"get", "list"}}

func TestOperatorServiceAccountDoesWhatItsRoleSays(t *testing.T) {
	e := testenv.Shared(t)
	namespace := e.Namespace(t, nil)
	account := &corev1.ServiceAccount{ObjectMeta: metav1.ObjectMeta{Name: "manager"}}
	if _, err := clientset(t, e.Admin).CoreV1().ServiceAccounts(namespace).Create(t.Context(), account, metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
	config, err := e.ServiceAccount(t.Context(), namespace, "manager")
	if err != nil {
		t.Fatal(err)
	}
	client := clientset(t, config)

	review, err := client.AuthenticationV1().SelfSubjectReviews().Create(t.Context(), &authenticationv1.SelfSubjectReview{}, metav1.CreateOptions{})
	if err != nil {
		t.Fatal(err)
	}
	if want := "system:serviceaccount:" + namespace + ":manager"; review.Status.UserInfo.Username != want {
		t.Errorf("the token authenticates as %q, want %q", review.Status.UserInfo.Username, want)
	}
	if _, err := client.CoreV1().Secrets(namespace).List(t.Context(), metav1.ListOptions{}); !apierrors.IsForbidden(err) {
		t.Errorf("listing without a role: %v, want forbidden", err)
	}

	subject := rbacv1.Subject{Kind: rbacv1.ServiceAccountKind, Namespace: namespace, Name: "manager"}
	if err := e.Grant(t.Context(), namespace, subject, readSecrets); err != nil {
		t.Fatal(err)
	}
	if _, err := client.CoreV1().Secrets(namespace).List(t.Context(), metav1.ListOptions{}); err != nil {
		t.Errorf("listing with the role: %v", err)
	}
	secret := &corev1.Secret{ObjectMeta: metav1.ObjectMeta{Name: "denied"}}
	if _, err := client.CoreV1().Secrets(namespace).Create(t.Context(), secret, metav1.CreateOptions{}); !apierrors.IsForbidden(err) {
		t.Errorf("creating with a role for reading: %v, want forbidden", err)
	}
	if _, err := client.CoreV1().Secrets("default").List(t.Context(), metav1.ListOptions{}); !apierrors.IsForbidden(err) {
		t.Errorf("listing in another namespace: %v, want forbidden", err)
	}
}

func TestOperatorUserWithKubeconfig(t *testing.T) {
	e := testenv.Shared(t)
	group := "auditors-" + e.Namespace(t, nil) // new in every run, as grants last
	config, err := e.User("ada", group)
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "kubeconfig")
	if err := e.WriteKubeconfig(file, config); err != nil {
		t.Fatal(err)
	}
	if _, err := e.Kubectl(t.Context(), "", "--kubeconfig", file, "get", "secrets", "--all-namespaces"); err == nil || !strings.Contains(err.Error(), "Forbidden") {
		t.Errorf("reading without a role: %v, want Forbidden", err)
	}
	if err := e.Grant(t.Context(), "", rbacv1.Subject{Kind: rbacv1.GroupKind, APIGroup: rbacv1.GroupName, Name: group}, readSecrets); err != nil {
		t.Fatal(err)
	}
	if _, err := e.Kubectl(t.Context(), "", "--kubeconfig", file, "get", "secrets", "--all-namespaces"); err != nil {
		t.Errorf("reading with the group's role: %v", err)
	}
}

// Who may not update an object's finalizers may not hold up its deletion through blockOwnerDeletion either.
func TestOperatorBlockOwnerDeletionNeedsFinalizersPermission(t *testing.T) {
	e := testenv.Shared(t)
	namespace := e.Namespace(t, nil)
	config, err := e.User("bob")
	if err != nil {
		t.Fatal(err)
	}
	bob := rbacv1.Subject{Kind: rbacv1.UserKind, APIGroup: rbacv1.GroupName, Name: "bob"}
	if err := e.Grant(t.Context(), namespace, bob, rbacv1.PolicyRule{APIGroups: []string{""}, Resources: []string{"secrets"}, Verbs: []string{"create"}}); err != nil {
		t.Fatal(err)
	}
	owner, err := widgets(t, e, namespace).Create(t.Context(), widget("owner", map[string]any{}), metav1.CreateOptions{})
	if err != nil {
		t.Fatal(err)
	}
	owned := &corev1.Secret{ObjectMeta: metav1.ObjectMeta{Name: "owned", OwnerReferences: []metav1.OwnerReference{
		*metav1.NewControllerRef(owner, owner.GroupVersionKind()),
	}}}
	if _, err := clientset(t, config).CoreV1().Secrets(namespace).Create(t.Context(), owned, metav1.CreateOptions{}); !apierrors.IsForbidden(err) {
		t.Errorf("blockOwnerDeletion without update of widgets/finalizers: %v, want forbidden", err)
	}
	if err := e.Grant(t.Context(), namespace, bob, rbacv1.PolicyRule{APIGroups: []string{"test.betterdata.co"}, Resources: []string{"widgets/finalizers"}, Verbs: []string{"update"}}); err != nil {
		t.Fatal(err)
	}
	if _, err := clientset(t, config).CoreV1().Secrets(namespace).Create(t.Context(), owned, metav1.CreateOptions{}); err != nil {
		t.Errorf("blockOwnerDeletion with it: %v", err)
	}
}
