package apitest

import (
	"errors"
	"os"
	"strings"
	"testing"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/dynamic"

	"github.com/betterdataco/terraform-provider-betterdata/operator/internal/testenv"
)

// TestMain ends the control plane that the TestOperator tests share.
func TestMain(m *testing.M) {
	os.Exit(testenv.Main(m, testenv.Options{Manifests: []string{"../../../config/default"}}))
}

// resources are the plural names of the kinds.
var resources = map[string]string{"ApiKey": "apikeys", "Connection": "connections", "ClusterConnection": "clusterconnections"}

// The same table as in process: the real API server has the last word.
func TestOperatorRulesOnTheAPIServer(t *testing.T) {
	t.Parallel()
	client := mustClient(t)
	namespace := testenv.Shared(t).Namespace(t, nil)
	for _, c := range allCases() {
		t.Run(c.kind+"/"+c.field+"/"+shortened(c.message), func(t *testing.T) {
			t.Parallel()
			for _, addition := range c.accept {
				if err := client.try(t, namespace, c, addition); err != nil {
					t.Errorf("%q is refused: %v", addition, err)
				}
			}
			for _, addition := range c.refuse {
				if err := client.try(t, namespace, c, addition); !serverTells(err, c) {
					t.Errorf("%q: got %v, want %q at %s", addition, err, c.message, c.field)
				}
			}
		})
	}
}

// server creates objects on the API server.
type server struct{ dynamic.Interface }

func mustClient(t *testing.T) server {
	t.Helper()
	client, err := dynamic.NewForConfig(testenv.Shared(t).Admin)
	if err != nil {
		t.Fatal(err)
	}
	return server{client}
}

func (s server) of(kind, namespace string) dynamic.ResourceInterface {
	resource := s.Resource(schema.GroupVersionResource{Group: "betterdata.co", Version: "v1alpha1", Resource: resources[kind]})
	if kind == "ClusterConnection" {
		return resource
	}
	return resource.Namespace(namespace)
}

// try is what the API server says to the creation of a case's spec, or to the change from its spec of before. Nothing of
// it stays, but the object of before. A strict decoder also refuses unknown fields.
func (s server) try(t *testing.T, namespace string, c ruleCase, addition string) error {
	t.Helper()
	object := &unstructured.Unstructured{Object: mustObject(t, c.kind, "object", specOf(c.kind, addition))}
	if c.before == "" {
		object.SetName("")
		object.SetGenerateName("object-")
		_, err := s.of(c.kind, namespace).Create(t.Context(), object, metav1.CreateOptions{DryRun: []string{metav1.DryRunAll}, FieldValidation: "Strict"})
		return err
	}
	before := &unstructured.Unstructured{Object: mustObject(t, c.kind, "object", specOf(c.kind, c.before))}
	before.SetName("")
	before.SetGenerateName("object-")
	before, err := s.of(c.kind, namespace).Create(t.Context(), before, metav1.CreateOptions{FieldValidation: "Strict"})
	if err != nil {
		t.Fatalf("%q: %v", c.before, err)
	}
	object.SetName(before.GetName())
	object.SetResourceVersion(before.GetResourceVersion())
	_, err = s.of(c.kind, namespace).Update(t.Context(), object, metav1.UpdateOptions{DryRun: []string{metav1.DryRunAll}, FieldValidation: "Strict"})
	return err
}

func serverTells(err error, c ruleCase) bool {
	var status apierrors.APIStatus
	if !errors.As(err, &status) || status.Status().Details == nil {
		return false
	}
	for _, cause := range status.Status().Details.Causes {
		if cause.Field == c.field && strings.Contains(cause.Message, c.message) {
			return true
		}
	}
	return false
}
