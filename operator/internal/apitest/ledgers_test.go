package apitest

import (
	"context"
	"strconv"
	"strings"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/wait"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"

	"github.com/betterdataco/terraform-provider-betterdata/operator/api/v1alpha1"
	"github.com/betterdataco/terraform-provider-betterdata/operator/internal/testenv"
)

// A tenant who may write every Secret and every ApiKey of a namespace makes no ledgers; the operator and administrators do.
func TestOperatorLedgersAreMadeByTheOperatorAlone(t *testing.T) {
	t.Parallel()
	e := testenv.Shared(t)
	namespace := e.Namespace(t, nil)
	tenant, err := e.User("tenant-of-" + namespace)
	if err != nil {
		t.Fatal(err)
	}
	subject := rbacv1.Subject{Kind: rbacv1.UserKind, APIGroup: rbacv1.GroupName, Name: "tenant-of-" + namespace}
	for _, role := range []rbacv1.PolicyRule{
		{APIGroups: []string{""}, Resources: []string{"secrets"}, Verbs: []string{"*"}},
		{APIGroups: []string{v1alpha1.GroupName}, Resources: []string{"apikeys", "connections"}, Verbs: []string{"*"}},
	} {
		if err := e.Grant(t.Context(), namespace, subject, role); err != nil {
			t.Fatal(err)
		}
	}
	operator, err := e.ServiceAccount(t.Context(), "betterdata-system", "betterdata-operator")
	if err != nil {
		t.Fatal(err)
	}
	if err := makeSecret(t.Context(), t, tenant, namespace, "theirs", corev1.SecretTypeOpaque); err != nil {
		t.Errorf("a tenant's own Secret: %v", err)
	}
	var refusal error
	if err := wait.PollUntilContextTimeout(t.Context(), 200*time.Millisecond, time.Minute, true, func(ctx context.Context) (bool, error) {
		refusal = makeSecret(ctx, t, tenant, namespace, "forged-"+strconv.FormatInt(time.Now().UnixNano(), 36), v1alpha1.SecretTypeLedger)
		return refusal != nil, nil // a policy takes effect a moment after it was made
	}); err != nil {
		t.Fatal("a tenant forges ledgers")
	}
	if !apierrors.IsForbidden(refusal) || !strings.Contains(refusal.Error(), "by the operator alone") {
		t.Errorf("a forged ledger: %v", refusal)
	}
	for name, who := range map[string]*rest.Config{"made": operator, "restored": e.Admin} {
		if err := makeSecret(t.Context(), t, who, namespace, name, v1alpha1.SecretTypeLedger); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func makeSecret(ctx context.Context, t *testing.T, who *rest.Config, namespace, name string, kind corev1.SecretType) error {
	t.Helper()
	client, err := kubernetes.NewForConfig(who)
	if err != nil {
		t.Fatal(err)
	}
	secret := &corev1.Secret{ObjectMeta: metav1.ObjectMeta{Name: name}, Type: kind}
	_, err = client.CoreV1().Secrets(namespace).Create(ctx, secret, metav1.CreateOptions{})
	return err
}
