package cluster

import (
	"context"
	"maps"
	"strings"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/fields"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/selection"
	"sigs.k8s.io/controller-runtime/pkg/cache"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/betterdataco/terraform-provider-betterdata/operator/api/v1alpha1"
	"github.com/betterdataco/terraform-provider-betterdata/operator/internal/controller/apikey"
)

// Indexes of the cache of ledgers.
const (
	indexOwner      = v1alpha1.GroupName + "/apikey-uid"
	indexConnection = v1alpha1.GroupName + "/connection"
)

// IndexLedgers registers the indexes by which ledgers are found: the uid of their ApiKey and the identity of their
// Connection, both from the data, which cannot be edited.
func IndexLedgers(ctx context.Context, indexer client.FieldIndexer) error {
	for index, entry := range map[string]string{indexOwner: entryApiKeyUID, indexConnection: entryConnection} {
		if err := indexer.IndexField(ctx, &corev1.Secret{}, index, byEntry(entry)); err != nil {
			return err
		}
	}
	return nil
}

func byEntry(entry string) client.IndexerFunc {
	return func(o client.Object) []string {
		secret, ok := o.(*corev1.Secret)
		if !ok || !isLedger(secret) || len(secret.Data[entry]) == 0 {
			return nil
		}
		return []string{string(secret.Data[entry])}
	}
}

// LedgerSelector selects ledgers, by the one field that nobody can edit.
func LedgerSelector() cache.ByObject {
	return cache.ByObject{
		Field:     fields.OneTermEqualSelector("type", v1alpha1.SecretTypeLedger),
		Transform: smallLedger,
	}
}

// TargetSelector selects target Secrets. Of managed fields only ours are kept: they tell which entries are ours.
func TargetSelector() cache.ByObject {
	return cache.ByObject{Label: hasOwnLabel(), Field: noLedger(), Transform: keepOwnManagedFields}
}

func hasOwnLabel() labels.Selector {
	exists, err := labels.NewRequirement(v1alpha1.LabelApiKeyUID, selection.Exists, nil)
	if err != nil {
		panic(err) // a constant of ours is no label
	}
	return labels.NewSelector().Add(*exists)
}

func noLedger() fields.Selector {
	return fields.OneTermNotEqualSelector("type", v1alpha1.SecretTypeLedger)
}

func keepOwnManagedFields(o any) (any, error) {
	secret, ok := o.(*corev1.Secret)
	if !ok {
		return o, nil
	}
	var own []metav1.ManagedFieldsEntry
	for _, entry := range secret.ManagedFields {
		if entry.Manager == v1alpha1.FieldOwner && entry.Operation == metav1.ManagedFieldsOperationApply {
			own = append(own, entry)
		}
	}
	secret.ManagedFields = own
	if owner := metav1.GetControllerOfNoCopy(secret); secret.Annotations[v1alpha1.AnnotationRetainedFor] == "" && (owner == nil || !isApiKey(owner)) {
		secret.Data = nil // labelled like one of ours, and none
	}
	dropGiants(secret)
	return secret, nil
}

// entryLimit is more than any entry of ours has.
const entryLimit = 128 << 10

// dropGiants keeps what anybody can put into a Secret that looks like one of ours out of memory. What is missing then
// differs from what should be there, and is judged by a live read.
func dropGiants(secret *corev1.Secret) {
	maps.DeleteFunc(secret.Data, func(_ string, value []byte) bool { return len(value) > entryLimit })
}

func smallLedger(o any) (any, error) {
	if secret, ok := o.(*corev1.Secret); ok {
		secret.ManagedFields = nil
		dropGiants(secret)
	}
	return o, nil
}

// OwnerOf returns the ApiKey of a ledger or target Secret. A ledger tells it in its data: owner references can be edited.
func OwnerOf(secret *corev1.Secret) (apikey.Ref, bool) {
	if name := secret.Data[entryApiKeyName]; isLedger(secret) && len(name) > 0 {
		return apikey.Ref{Namespace: secret.Namespace, Name: string(name)}, true
	}
	if owner := metav1.GetControllerOfNoCopy(secret); owner != nil {
		return apikey.Ref{Namespace: secret.Namespace, Name: owner.Name}, isApiKey(owner)
	}
	name, _, retained := strings.Cut(secret.Annotations[v1alpha1.AnnotationRetainedFor], "/")
	return apikey.Ref{Namespace: secret.Namespace, Name: name}, retained
}

func isApiKey(owner *metav1.OwnerReference) bool {
	group, err := schema.ParseGroupVersion(owner.APIVersion)
	return err == nil && group.Group == v1alpha1.GroupName && owner.Kind == v1alpha1.KindApiKey
}

func isLedger(secret *corev1.Secret) bool { return secret.Type == v1alpha1.SecretTypeLedger }
