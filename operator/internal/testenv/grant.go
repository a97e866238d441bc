package testenv

import (
	"context"
	"fmt"
	"strings"
	"time"

	authorizationv1 "k8s.io/api/authorization/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/wait"
	"k8s.io/client-go/kubernetes"
)

// Grant binds a new role with exactly these rules to the subject, in the namespace, or everywhere if that is empty, and
// waits until they are in effect: the API server takes notice of roles a moment after it stored them.
func (e *Environment) Grant(ctx context.Context, namespace string, to rbacv1.Subject, rules ...rbacv1.PolicyRule) error {
	client, err := kubernetes.NewForConfig(e.Admin)
	if err != nil {
		return err
	}
	if namespace == "" {
		err = grantEverywhere(ctx, client, to, rules)
	} else {
		err = grantIn(ctx, client, namespace, to, rules)
	}
	if err != nil {
		return fmt.Errorf("granting to %s: %w", to.Name, err)
	}
	for _, rule := range rules {
		if err := awaitGranted(ctx, client, namespace, to, rule); err != nil {
			return fmt.Errorf("granting to %s: %v is not in effect: %w", to.Name, rule, err)
		}
	}
	return nil
}

// granted is the name of roles and bindings that Grant makes.
var granted = metav1.ObjectMeta{GenerateName: "granted-"}

func grantEverywhere(ctx context.Context, client kubernetes.Interface, to rbacv1.Subject, rules []rbacv1.PolicyRule) error {
	role, err := client.RbacV1().ClusterRoles().Create(ctx, &rbacv1.ClusterRole{ObjectMeta: granted, Rules: rules}, metav1.CreateOptions{})
	if err != nil {
		return err
	}
	_, err = client.RbacV1().ClusterRoleBindings().Create(ctx, &rbacv1.ClusterRoleBinding{
		ObjectMeta: granted,
		Subjects:   []rbacv1.Subject{to},
		RoleRef:    rbacv1.RoleRef{APIGroup: rbacv1.GroupName, Kind: "ClusterRole", Name: role.Name},
	}, metav1.CreateOptions{})
	return err
}

func grantIn(ctx context.Context, client kubernetes.Interface, namespace string, to rbacv1.Subject, rules []rbacv1.PolicyRule) error {
	role, err := client.RbacV1().Roles(namespace).Create(ctx, &rbacv1.Role{ObjectMeta: granted, Rules: rules}, metav1.CreateOptions{})
	if err != nil {
		return err
	}
	_, err = client.RbacV1().RoleBindings(namespace).Create(ctx, &rbacv1.RoleBinding{
		ObjectMeta: granted,
		Subjects:   []rbacv1.Subject{to},
		RoleRef:    rbacv1.RoleRef{APIGroup: rbacv1.GroupName, Kind: "Role", Name: role.Name},
	}, metav1.CreateOptions{})
	return err
}

// awaitGranted waits until the API server would allow the subject the first thing that the rule names.
func awaitGranted(ctx context.Context, client kubernetes.Interface, namespace string, to rbacv1.Subject, rule rbacv1.PolicyRule) error {
	resource, subresource, _ := strings.Cut(rule.Resources[0], "/")
	review := &authorizationv1.SubjectAccessReview{Spec: authorizationv1.SubjectAccessReviewSpec{
		ResourceAttributes: &authorizationv1.ResourceAttributes{
			Namespace: namespace, Verb: rule.Verbs[0], Group: rule.APIGroups[0], Resource: resource, Subresource: subresource,
		},
	}}
	if len(rule.ResourceNames) > 0 {
		review.Spec.ResourceAttributes.Name = rule.ResourceNames[0]
	}
	switch to.Kind {
	case rbacv1.GroupKind:
		review.Spec.Groups = []string{to.Name}
	case rbacv1.ServiceAccountKind:
		review.Spec.User = "system:serviceaccount:" + to.Namespace + ":" + to.Name
	default:
		review.Spec.User = to.Name
	}
	return wait.PollUntilContextTimeout(ctx, pollInterval, time.Minute, true, func(ctx context.Context) (bool, error) {
		answer, err := client.AuthorizationV1().SubjectAccessReviews().Create(ctx, review, metav1.CreateOptions{})
		return err == nil && answer.Status.Allowed, err
	})
}
