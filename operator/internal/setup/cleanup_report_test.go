package setup

import (
	"bytes"
	"context"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/fields"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/utils/ptr"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/fake"
	"sigs.k8s.io/controller-runtime/pkg/client/interceptor"

	"github.com/betterdataco/terraform-provider-betterdata/operator/api/v1alpha1"
)

// A status can be wiped, or the process have died before it wrote one. The ledger of such an ApiKey is named, so that
// somebody can look which key it records; nobody needs to look where the status tells.
func TestCleanupNamesLedgersWhereNoStatusDoes(t *testing.T) {
	t.Parallel()
	apiKey := func(name, id string) *v1alpha1.ApiKey {
		a := &v1alpha1.ApiKey{}
		a.Namespace, a.Name, a.UID, a.Status.KeyID = "shop", name, types.UID("uid-"+name), id
		return a
	}
	secret := func(namespace, name, owner string, kind corev1.SecretType) *corev1.Secret {
		s := &corev1.Secret{Type: kind, Data: map[string][]byte{"plaintext": []byte("plaintext-canary")}}
		s.Namespace, s.Name = namespace, name
		if owner != "" {
			s.OwnerReferences = []metav1.OwnerReference{{Kind: v1alpha1.KindApiKey, Name: owner, UID: types.UID("uid-" + owner), Controller: ptr.To(true)}}
		}
		return s
	}
	const ledger = v1alpha1.SecretTypeLedger
	objects := []client.Object{
		apiKey("told", "key_1"), secret("shop", "told-12345678-bdk-1", "told", ledger), secret("shop", "told", "told", corev1.SecretTypeOpaque),
		apiKey("wiped", ""), secret("shop", "wiped-12345678-bdk-1", "wiped", ledger), secret("shop", "wiped", "wiped", corev1.SecretTypeOpaque),
		secret("shop", "gone-12345678-bdk-3", "gone", ledger), secret("other", "elsewhere-12345678-bdk-1", "", ledger),
	}
	var out bytes.Buffer
	c := &cleaner{
		Client:  fake.NewClientBuilder().WithScheme(newScheme()).WithObjects(objects...).WithInterceptorFuncs(interceptor.Funcs{List: listByType}).Build(),
		program: Program{Out: &out},
	}
	if err := c.reportKeys(t.Context(), "shop"); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"apikey shop/told: may live on", "ledger wiped-12345678-bdk-1 in namespace shop:", "ledger gone-12345678-bdk-3 in namespace shop:"} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("%q is missing from\n%s", want, out.String())
		}
	}
	if lines := strings.Count(out.String(), "\n"); lines != 3 || strings.Contains(out.String(), "plaintext-canary") {
		t.Errorf("%d lines:\n%s", lines, out.String())
	}
}

// listByType answers for metadata of Secrets as the API server does: the fake client selects by no field of them.
func listByType(ctx context.Context, c client.WithWatch, list client.ObjectList, options ...client.ListOption) error {
	metadata, ok := list.(*metav1.PartialObjectMetadataList)
	if !ok {
		return c.List(ctx, list, options...)
	}
	asked := (&client.ListOptions{}).ApplyOptions(options)
	var secrets corev1.SecretList
	if err := c.List(ctx, &secrets, client.InNamespace(asked.Namespace)); err != nil {
		return err
	}
	for _, s := range secrets.Items {
		if asked.FieldSelector.Matches(fields.Set{"type": string(s.Type)}) {
			metadata.Items = append(metadata.Items, metav1.PartialObjectMetadata{ObjectMeta: s.ObjectMeta})
		}
	}
	return nil
}
