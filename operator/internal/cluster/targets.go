package cluster

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	applycorev1 "k8s.io/client-go/applyconfigurations/core/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/betterdataco/terraform-provider-betterdata/apiclient"
	"github.com/betterdataco/terraform-provider-betterdata/operator/api/v1alpha1"
	"github.com/betterdataco/terraform-provider-betterdata/operator/internal/controller/apikey"
)

// Targets implements apikey.Cluster.
func (c *Cluster) Targets(ctx context.Context, r *apikey.Resource, read apikey.Read) ([]apikey.TargetRecord, error) {
	names, err := c.targetNames(ctx, r, read)
	if err != nil {
		return nil, fmt.Errorf("list target Secrets: %w", translated(err))
	}
	var records []apikey.TargetRecord
	for _, name := range names {
		var secret corev1.Secret
		err := c.reader(read).Get(ctx, client.ObjectKey{Namespace: r.Namespace, Name: name}, &secret)
		if apierrors.IsNotFound(err) {
			continue
		}
		if err != nil {
			return nil, fmt.Errorf("read Secret %s: %w", name, translated(err))
		}
		records = append(records, targetRecord(r, &secret))
	}
	return records, nil
}

// targetNames are the name of the settings and those of all other Secrets that the ApiKey controls. Live, these are
// found by their owner and not by our label, which anybody may have taken away; only their metadata is read for that.
func (c *Cluster) targetNames(ctx context.Context, r *apikey.Resource, read apikey.Read) ([]string, error) {
	var list metav1.PartialObjectMetadataList
	if read == apikey.Live {
		list.SetGroupVersionKind(corev1.SchemeGroupVersion.WithKind("SecretList"))
		if err := c.live.List(ctx, &list, client.InNamespace(r.Namespace), client.MatchingFieldsSelector{Selector: noLedger()}); err != nil {
			return nil, err
		}
	} else {
		var labelled corev1.SecretList
		if err := c.client.List(ctx, &labelled, client.InNamespace(r.Namespace), client.MatchingLabels{v1alpha1.LabelApiKeyUID: r.UID}); err != nil {
			return nil, err
		}
		for _, secret := range labelled.Items {
			list.Items = append(list.Items, metav1.PartialObjectMetadata{ObjectMeta: secret.ObjectMeta})
		}
	}
	names := []string{r.Settings.TargetName}
	for _, item := range list.Items {
		if item.Name != r.Settings.TargetName && controls(r, &item) {
			names = append(names, item.Name)
		}
	}
	return names, nil
}

// controls reports whether the Secret is the ApiKey's: by our controller reference, or, while the deletion policy is
// Retain, by the annotation that stands for it. A controller of another kind or uid makes it another's.
func controls(r *apikey.Resource, o metav1.Object) bool {
	if owner := metav1.GetControllerOfNoCopy(o); owner != nil {
		return isApiKey(owner) && string(owner.UID) == r.UID
	}
	return o.GetAnnotations()[v1alpha1.AnnotationRetainedFor] == retainedFor(r.Name, r.UID)
}

func retainedFor(name, uid string) string { return name + "/" + uid }

// targetRecord is the Secret with those of its entries that concern the ApiKey.
func targetRecord(r *apikey.Resource, secret *corev1.Secret) apikey.TargetRecord {
	own := owned(secret)
	return apikey.TargetRecord{
		Name: secret.Name, UID: string(secret.UID), Version: secret.ResourceVersion,
		Controlled:     controls(r, secret),
		Immutable:      secret.Immutable != nil && *secret.Immutable,
		Type:           string(secret.Type),
		Labels:         secret.Labels,
		Annotations:    secret.Annotations,
		Leftovers:      leftovers(own.Labels, r.Secret.Labels) || leftovers(own.Annotations, r.Secret.Annotations),
		Data:           targetData(r, secret, own.Data),
		Sequence:       number(secret.Annotations[v1alpha1.AnnotationSequence]),
		IssuedAt:       moment(secret.Annotations[v1alpha1.AnnotationIssuedAt]),
		PublishedAt:    moment(secret.Annotations[v1alpha1.AnnotationPublishedAt]),
		RestartPending: secret.Annotations[v1alpha1.AnnotationRestartPending] != "",
		Terminating:    !secret.DeletionTimestamp.IsZero(),
		InUse:          slices.Contains(secret.Finalizers, v1alpha1.FinalizerInUse),
	}
}

// owned is the part of the Secret that our applies own. Managed fields that cannot be read tell nothing: at worst what
// the settings have dropped stays.
func owned(secret *corev1.Secret) *applycorev1.SecretApplyConfiguration {
	own, err := applycorev1.ExtractSecret(secret, v1alpha1.FieldOwner)
	if err != nil {
		return applycorev1.Secret(secret.Name, secret.Namespace)
	}
	return own
}

// leftovers reports whether something is ours that the settings do not name. The annotations in which we keep our own
// state are not in the settings.
func leftovers(own, wanted map[string]string) bool {
	for name := range own {
		if _, ok := wanted[name]; !ok && !slices.Contains(stateAnnotationNames, name) {
			return true
		}
	}
	return false
}

// targetData leaves out entries that others have added, which apply would not remove either. What the settings name is
// ours whoever wrote it last; the previous key's entry is not among that, because it comes and goes.
func targetData(r *apikey.Resource, secret *corev1.Secret, own map[string][]byte) map[string]apiclient.Secret {
	data := map[string]apiclient.Secret{}
	for name, value := range secret.Data {
		_, ours := own[name]
		_, templated := r.Secret.Template[name]
		if ours || templated || name == r.Settings.TargetKey {
			data[name] = apiclient.NewSecret(string(value))
		}
	}
	return data
}

// maxSequence is far beyond what any ApiKey comes to, and leaves room for the sequences after it.
const maxSequence = 1_000_000_000

// number is 0 for what is no sequence: people can write anything into an annotation, and the next sequence is one more.
func number(text string) int {
	n, err := strconv.Atoi(text)
	if err != nil || n < 0 || n > maxSequence {
		return 0
	}
	return n
}

// moment is the zero time for what is none.
func moment(text string) time.Time {
	t, err := time.Parse(time.RFC3339Nano, text)
	if err != nil {
		return time.Time{}
	}
	return t.UTC()
}
