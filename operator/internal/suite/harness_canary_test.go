package suite

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"slices"
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/discovery"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// searchSecrets fails the test if a plaintext or a token stands anywhere but in a Secret's data: in what any operator of
// the world has written, or in any object of the world's namespaces or of the cluster.
func (w *world) searchSecrets(t *testing.T) {
	t.Helper()
	secrets := w.secrets()
	for _, o := range w.operators {
		if found := leaked([]byte(o.output.String()), secrets); found != "" {
			t.Errorf("the operator's output holds %s", found)
		}
	}
	ctx := context.WithoutCancel(t.Context()) // the test is over
	objects, err := w.objects(ctx)
	if err != nil {
		t.Error(err)
	}
	for _, object := range objects {
		if object.GroupVersionKind().GroupKind() == (schema.GroupKind{Kind: "Secret"}) {
			delete(object.Object, "data")
		}
		text, err := json.Marshal(object.Object)
		if err != nil {
			t.Error(err)
		}
		if found := leaked(text, secrets); found != "" {
			t.Errorf("%s %s holds %s", object.GetKind(), object.GetName(), found)
		}
	}
}

// objects are all objects that can be listed in the world's two namespaces, and those of the cluster.
func (w *world) objects(ctx context.Context) ([]unstructured.Unstructured, error) {
	api, err := discovery.NewDiscoveryClientForConfig(w.env.Admin)
	if err != nil {
		return nil, err
	}
	kinds, err := api.ServerPreferredResources()
	if err != nil {
		return nil, err
	}
	var all []unstructured.Unstructured
	for _, group := range kinds {
		version, err := schema.ParseGroupVersion(group.GroupVersion)
		if err != nil {
			return nil, err
		}
		for _, resource := range group.APIResources {
			if !slices.Contains(resource.Verbs, "list") {
				continue
			}
			found, err := w.list(ctx, version.WithKind(resource.Kind+"List"), resource)
			if err != nil {
				return nil, err
			}
			all = append(all, found...)
		}
	}
	if len(all) == 0 {
		return nil, fmt.Errorf("no object at all in %s", w.namespace)
	}
	return all, nil
}

func (w *world) list(ctx context.Context, kind schema.GroupVersionKind, resource metav1.APIResource) ([]unstructured.Unstructured, error) {
	namespaces := []string{""}
	if resource.Namespaced {
		namespaces = []string{w.namespace, w.system}
	}
	var all []unstructured.Unstructured
	for _, namespace := range namespaces {
		list := &unstructured.UnstructuredList{}
		list.SetGroupVersionKind(kind)
		if err := w.admin.List(ctx, list, client.InNamespace(namespace)); err != nil {
			return nil, fmt.Errorf("listing %s: %w", resource.Name, err)
		}
		all = append(all, list.Items...)
	}
	return all, nil
}

// leaked names the first secret that the text holds, as it is or in base64, by its first characters.
func leaked(text []byte, secrets []string) string {
	for _, secret := range secrets {
		for _, form := range []string{secret, base64.StdEncoding.EncodeToString([]byte(secret))} {
			if bytes.Contains(text, []byte(form)) {
				return fmt.Sprintf("the secret that begins with %.12s", secret)
			}
		}
	}
	return ""
}
