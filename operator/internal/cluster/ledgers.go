package cluster

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/controller/controllerutil"

	"github.com/betterdataco/terraform-provider-betterdata/operator/api/v1alpha1"
	"github.com/betterdataco/terraform-provider-betterdata/operator/internal/controller/apikey"
)

// Ledgers implements apikey.Cluster. One that cannot be read is an error, a *DamagedLedgerError, and in the list a
// tombstone: what it recorded must not pass for a key that nobody knows, and a deleted ApiKey must be able to let it go.
func (c *Cluster) Ledgers(ctx context.Context, r *apikey.Resource, read apikey.Read) ([]apikey.LedgerRecord, error) {
	reader, by := c.ledgers, client.MatchingFields{indexOwner: r.UID}
	if read == apikey.Live {
		reader, by = c.live, client.MatchingFields{"type": v1alpha1.SecretTypeLedger}
	}
	var list corev1.SecretList
	if err := reader.List(ctx, &list, client.InNamespace(r.Namespace), by); err != nil {
		return nil, fmt.Errorf("list ledgers: %w", translated(err))
	}
	var records []apikey.LedgerRecord
	var damage error
	// A cache lists in any order. The damage of several would be told in another one each time, and status be written for it.
	slices.SortFunc(list.Items, func(a, b corev1.Secret) int { return strings.Compare(a.Name, b.Name) })
	for i := range list.Items {
		secret := &list.Items[i]
		if string(secret.Data[entryApiKeyUID]) != r.UID || givenUp(secret) {
			continue
		}
		record, err := decode(secret)
		if err != nil {
			record = apikey.LedgerRecord{Name: secret.Name, Namespace: secret.Namespace, UID: string(secret.UID), OwnerUID: r.UID}
			damage = errors.Join(damage, err)
		}
		records = append(records, record)
	}
	return records, damage
}

// Known implements apikey.Cluster. Ledgers that cannot be read are left out: they hold up their own ApiKey, not all
// that share its Connection.
func (c *Cluster) Known(ctx context.Context, connection string) ([]apikey.Known, error) {
	var list corev1.SecretList
	if err := c.ledgers.List(ctx, &list, client.MatchingFields{indexConnection: connection}); err != nil {
		return nil, fmt.Errorf("list ledgers of %s: %w", connection, err)
	}
	var known []apikey.Known
	for i := range list.Items {
		record, err := decode(&list.Items[i])
		if err != nil || record.ID == "" {
			continue
		}
		known = append(known, apikey.Known{
			ID: record.ID, Namespace: list.Items[i].Namespace, OwnerUID: record.OwnerUID,
			First: record.Cause.IsFirst(), IssuedAt: record.IssuedAt, Credential: record.Credential,
		})
	}
	return known, nil
}

// HasLedgers reports whether the cache holds a ledger of the ApiKey with this uid, readable or not.
func (c *Cluster) HasLedgers(ctx context.Context, apiKeyUID string) bool {
	var list corev1.SecretList
	err := c.ledgers.List(ctx, &list, client.MatchingFields{indexOwner: apiKeyUID}, client.Limit(1))
	return err == nil && len(list.Items) > 0
}

// Ledger implements apikey.Cluster.
func (c *Cluster) Ledger(ctx context.Context, ref apikey.Ref, name string) (apikey.LedgerRecord, error) {
	var secret corev1.Secret
	if err := c.live.Get(ctx, client.ObjectKey{Namespace: ref.Namespace, Name: name}, &secret); err != nil {
		return apikey.LedgerRecord{}, fmt.Errorf("read ledger %s: %w", name, translated(err))
	}
	return decode(&secret)
}

// CreateLedger implements apikey.Cluster. A dry run also tells if an admission webhook would change what is recorded: a key
// of such a ledger would be lost.
func (c *Cluster) CreateLedger(ctx context.Context, r *apikey.Resource, l apikey.LedgerRecord, dryRun bool) error {
	secret := encode(r, l)
	if !dryRun {
		return translatedCreate(c.client.Create(ctx, secret, client.FieldOwner(v1alpha1.FieldOwner)), l.Plaintext)
	}
	err := c.client.Create(ctx, secret, client.FieldOwner(v1alpha1.FieldOwner), client.DryRunAll)
	if err != nil {
		return translatedCreate(err, l.Plaintext)
	}
	if what := changedOnTheWay(encode(r, l), secret); what != "" {
		return fmt.Errorf("%w: an admission webhook or policy changes %s of Secrets of type %s: exempt them", apikey.ErrRefused, what, v1alpha1.SecretTypeLedger)
	}
	return nil
}

// changedOnTheWay names what of a ledger is not as it was sent; empty: nothing that matters. Others may add to it.
func changedOnTheWay(sent, got *corev1.Secret) string {
	owner := metav1.GetControllerOfNoCopy(got)
	switch {
	case got.Type != sent.Type:
		return "the type"
	case got.Immutable == nil || !*got.Immutable:
		return "the immutability"
	case !controllerutil.ContainsFinalizer(got, v1alpha1.FinalizerLedger):
		return "the finalizers"
	case owner == nil || owner.UID != sent.OwnerReferences[0].UID:
		return "the owner"
	}
	for _, entry := range slices.Sorted(maps.Keys(sent.Data)) {
		if !bytes.Equal(got.Data[entry], sent.Data[entry]) {
			return "the entry " + entry
		}
	}
	return ""
}

// DeleteLedger implements apikey.Cluster. The object is deleted before our finalizer lets it go: should this end in
// between, it is still there and counts.
func (c *Cluster) DeleteLedger(ctx context.Context, l apikey.LedgerRecord) error {
	secret := &corev1.Secret{ObjectMeta: metav1.ObjectMeta{Name: l.Name, Namespace: l.Namespace}}
	uid := types.UID(l.UID)
	err := translated(OfSecret(c.client.Delete(ctx, secret, client.Preconditions{UID: &uid})))
	if err == nil {
		patch := fmt.Sprintf(`{"metadata":{"uid":%q,"$deleteFromPrimitiveList/finalizers":[%q]}}`, l.UID, v1alpha1.FinalizerLedger)
		err = translated(OfSecret(c.client.Patch(ctx, secret, client.RawPatch(types.StrategicMergePatchType, []byte(patch)), client.FieldOwner(v1alpha1.FieldOwner))))
	}
	return unlessGone(err)
}

// givenUp reports a ledger that DeleteLedger is done with, and that only finalizers of others still hold.
func givenUp(secret *corev1.Secret) bool {
	return secret.DeletionTimestamp != nil && !controllerutil.ContainsFinalizer(secret, v1alpha1.FinalizerLedger)
}
