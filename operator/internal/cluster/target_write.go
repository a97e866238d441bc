package cluster

import (
	"context"
	"encoding/json"
	"maps"
	"slices"
	"strconv"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	applycorev1 "k8s.io/client-go/applyconfigurations/core/v1"
	applymetav1 "k8s.io/client-go/applyconfigurations/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/betterdataco/terraform-provider-betterdata/operator/api/v1alpha1"
	"github.com/betterdataco/terraform-provider-betterdata/operator/internal/controller/apikey"
)

// noVersion is a resourceVersion that no object has: etcd's first write gets 2. An apply that names it can create an
// object and change none, whatever was made since somebody looked.
const noVersion = "1"

// ApplyTarget implements apikey.Cluster. Force takes fields back from whoever edited them, and is safe because uid and
// resourceVersion are those of a Secret that a live read has shown to be ours.
func (c *Cluster) ApplyTarget(ctx context.Context, r *apikey.Resource, w apikey.TargetWrite, dryRun bool) error {
	secret := targetConfiguration(r, w)
	options := []client.ApplyOption{client.FieldOwner(v1alpha1.FieldOwner)}
	if w.UID == "" {
		secret.WithResourceVersion(noVersion)
	} else {
		secret.WithUID(types.UID(w.UID)).WithResourceVersion(w.Version)
		options = append(options, client.ForceOwnership)
	}
	if dryRun {
		options = append(options, client.DryRunAll)
	}
	return translatedCreate(c.client.Apply(ctx, secret, options...), slices.Collect(maps.Values(w.Data))...)
}

func targetConfiguration(r *apikey.Resource, w apikey.TargetWrite) *applycorev1.SecretApplyConfiguration {
	data := map[string][]byte{}
	for name, value := range w.Data {
		data[name] = []byte(value.Reveal())
	}
	secret := applycorev1.Secret(w.Name, r.Namespace).
		WithType(corev1.SecretType(w.Type)).
		WithLabels(w.Labels).
		WithAnnotations(w.Annotations).
		WithAnnotations(stateAnnotations(w)).
		WithData(data)
	if r.Settings.Retain {
		return secret // the annotations of the settings tell whose it is, see AnnotationRetainedFor
	}
	owner := ownerReference(r)
	return secret.WithOwnerReferences(applymetav1.OwnerReference().
		WithAPIVersion(owner.APIVersion).WithKind(owner.Kind).WithName(owner.Name).WithUID(owner.UID).
		WithController(true).WithBlockOwnerDeletion(true))
}

// stateAnnotations are our own memory on the target. All of them are there, empty where there is nothing to say: one that is
// left out of an apply would stay as it is if anybody else owns it too, be it by kubectl annotate or by a restore.
func stateAnnotations(w apikey.TargetWrite) map[string]string {
	pending := ""
	if w.RestartPending {
		pending = "true"
	}
	return map[string]string{
		v1alpha1.AnnotationSequence: strconv.Itoa(w.Sequence), v1alpha1.AnnotationKeyID: w.KeyID,
		v1alpha1.AnnotationIssuedAt: momentText(w.IssuedAt), v1alpha1.AnnotationPublishedAt: momentText(w.PublishedAt),
		v1alpha1.AnnotationRestartPending: pending,
	}
}

// momentText is what moment reads.
func momentText(at time.Time) string {
	if at.IsZero() {
		return ""
	}
	return at.UTC().Format(time.RFC3339Nano)
}

// stateAnnotationNames are those that stateAnnotations gives.
var stateAnnotationNames = []string{
	v1alpha1.AnnotationSequence, v1alpha1.AnnotationKeyID, v1alpha1.AnnotationIssuedAt, v1alpha1.AnnotationPublishedAt, v1alpha1.AnnotationRestartPending,
}

// DetachTarget implements apikey.Cluster. Labels and annotations of the settings stay, as the data does. It is a patch
// and not an apply of less, which would take the data away too.
func (c *Cluster) DetachTarget(ctx context.Context, r *apikey.Resource, t apikey.TargetRecord) error {
	patch, err := json.Marshal(map[string]any{"metadata": map[string]any{
		"uid":             t.UID,
		"resourceVersion": t.Version,
		"ownerReferences": []map[string]string{{"$patch": "delete", "uid": r.UID}},
		"labels":          nulls(ownLabelNames(t)),
		"annotations":     nulls(append([]string{v1alpha1.AnnotationRetainedFor}, stateAnnotationNames...)),
	}})
	if err != nil {
		return err
	}
	secret := &corev1.Secret{ObjectMeta: metav1.ObjectMeta{Name: t.Name, Namespace: r.Namespace}}
	err = c.client.Patch(ctx, secret, client.RawPatch(types.StrategicMergePatchType, patch), client.FieldOwner(v1alpha1.FieldOwner))
	return unlessGone(translated(OfSecret(err)))
}

func ownLabelNames(t apikey.TargetRecord) []string {
	names := []string{v1alpha1.LabelApiKeyUID}
	if t.Labels[v1alpha1.LabelManagedBy] == v1alpha1.ManagedBy {
		names = append(names, v1alpha1.LabelManagedBy)
	}
	return names
}

func nulls(names []string) map[string]any {
	null := map[string]any{}
	for _, name := range names {
		null[name] = nil
	}
	return null
}

// DeleteTarget implements apikey.Cluster. A Secret that is gone is no error.
func (c *Cluster) DeleteTarget(ctx context.Context, r *apikey.Resource, name, uid, version string) error {
	secret := &corev1.Secret{ObjectMeta: metav1.ObjectMeta{Name: name, Namespace: r.Namespace}}
	id := types.UID(uid)
	return unlessGone(translated(OfSecret(c.client.Delete(ctx, secret, client.Preconditions{UID: &id, ResourceVersion: &version}))))
}
