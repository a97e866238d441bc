package cluster

import (
	"encoding/base64"
	"errors"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/betterdataco/terraform-provider-betterdata/operator/api/v1alpha1"
)

// An admission policy may quote the whole Secret in its refusal. What is passed on tells the kind of the answer alone.
func TestAnswersAboutSecretsAreWithheld(t *testing.T) {
	t.Parallel()
	quoted := base64.StdEncoding.EncodeToString([]byte("session-token-of-an-administrator"))
	err := OfSecret(apierrors.NewForbidden(schema.GroupResource{Resource: "secrets"}, "token", errTest(quoted)))
	if !apierrors.IsForbidden(err) || strings.Contains(err.Error(), quoted) || !strings.Contains(err.Error(), "403") {
		t.Errorf("passed on as %v", err)
	}
	if plain := errTest("connection refused"); !errors.Is(OfSecret(plain), plain) {
		t.Error("an error that is no answer was changed")
	}
}

type errTest string

func (e errTest) Error() string { return string(e) }

// What people put into Secrets that look like ours does not enter memory.
func TestCachesHoldNothingOfOthers(t *testing.T) {
	t.Parallel()
	big, small := make([]byte, entryLimit+1), []byte("small")
	apiKey := metav1.OwnerReference{APIVersion: v1alpha1.SchemeGroupVersion.String(), Kind: v1alpha1.KindApiKey, Controller: new(true)}
	for name, test := range map[string]struct {
		meta      metav1.ObjectMeta
		keepSmall bool
	}{
		"nobody's":       {metav1.ObjectMeta{}, false},
		"an ApiKey's":    {metav1.ObjectMeta{OwnerReferences: []metav1.OwnerReference{apiKey}}, true},
		"one retained":   {metav1.ObjectMeta{Annotations: map[string]string{v1alpha1.AnnotationRetainedFor: "reader/uid"}}, true},
		"a Deployment's": {metav1.ObjectMeta{OwnerReferences: []metav1.OwnerReference{{APIVersion: "apps/v1", Kind: "Deployment", Controller: new(true)}}}, false},
	} {
		secret := &corev1.Secret{ObjectMeta: test.meta, Data: map[string][]byte{"big": big, "small": small}}
		if _, err := keepOwnManagedFields(secret); err != nil {
			t.Fatal(err)
		}
		if _, kept := secret.Data["big"]; kept || (len(secret.Data) == 1) != test.keepSmall {
			t.Errorf("%s keeps %d entries", name, len(secret.Data))
		}
	}
	ledger := &corev1.Secret{Type: v1alpha1.SecretTypeLedger, Data: map[string][]byte{"big": big, "small": small}}
	if _, err := smallLedger(ledger); err != nil || len(ledger.Data) != 1 {
		t.Errorf("a ledger keeps %d entries, %v", len(ledger.Data), err)
	}
}
