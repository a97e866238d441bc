package cluster

import (
	"context"
	"errors"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/fake"
	"sigs.k8s.io/controller-runtime/pkg/client/interceptor"

	"github.com/betterdataco/terraform-provider-betterdata/apiclient"
	"github.com/betterdataco/terraform-provider-betterdata/operator/internal/controller/apikey"
)

// P1: an admission webhook that changes ledgers is found out by the rehearsal. Later would be too late: the key is issued by
// then, and its only record cannot be read. What others add does no harm.
func TestRehearsalSeesWhatAdmissionChanges(t *testing.T) {
	t.Parallel()
	for title, test := range map[string]struct {
		change func(s *corev1.Secret)
		says   string // empty: it is no hindrance
	}{
		"nothing":           {func(*corev1.Secret) {}, ""},
		"adds a label":      {func(s *corev1.Secret) { s.Labels["team"] = "shop" }, ""},
		"adds an entry":     {func(s *corev1.Secret) { s.Data["injected"] = []byte("x") }, ""},
		"adds a finalizer":  {func(s *corev1.Secret) { s.Finalizers = append(s.Finalizers, "example.com/backup") }, ""},
		"immutable dropped": {func(s *corev1.Secret) { s.Immutable = nil }, "immutability"},
		"immutable denied":  {func(s *corev1.Secret) { *s.Immutable = false }, "immutability"},
		"encrypted":         {func(s *corev1.Secret) { s.Data[entryPlaintext] = []byte("vault:v1:x") }, entryPlaintext},
		"another id":        {func(s *corev1.Secret) { s.Data[entryKeyID] = []byte("key_2") }, entryKeyID},
		"no data":           {func(s *corev1.Secret) { s.Data = nil }, "entry"},
		"another type":      {func(s *corev1.Secret) { s.Type = corev1.SecretTypeOpaque }, "type"},
		"no finalizer":      {func(s *corev1.Secret) { s.Finalizers = nil }, "finalizers"},
		"no owner":          {func(s *corev1.Secret) { s.OwnerReferences = nil }, "owner"},
		"another owner":     {func(s *corev1.Secret) { s.OwnerReferences[0].UID = "another" }, "owner"},
	} {
		kube := fake.NewClientBuilder().WithScheme(mustScheme(t)).WithInterceptorFuncs(interceptor.Funcs{
			Create: func(ctx context.Context, c client.WithWatch, obj client.Object, opts ...client.CreateOption) error {
				test.change(obj.(*corev1.Secret)) //nolint:forcetypeassert // ledgers are Secrets
				return c.Create(ctx, obj, opts...)
			},
		}).Build()
		r := reader()
		err := New(Options{Client: kube, Live: kube, Ledgers: kube}).CreateLedger(t.Context(), r, ledger(r, 1), true)
		switch {
		case test.says == "" && err != nil:
			t.Errorf("%s: %v", title, err)
		case test.says != "" && (!errors.Is(err, apikey.ErrRefused) || !strings.Contains(err.Error(), test.says) || !strings.Contains(err.Error(), "admission webhook")):
			t.Errorf("%s: got error %v, want one that says %q", title, err, test.says)
		}
		if err != nil && quotesAny(err.Error(), []apiclient.Secret{ledger(r, 1).Plaintext}) {
			t.Errorf("%s: the error quotes the key: %v", title, err)
		}
	}
}
