package cluster

import (
	"fmt"
	"maps"
	"slices"
	"time"

	"sigs.k8s.io/controller-runtime/pkg/controller/controllerutil"

	"github.com/betterdataco/terraform-provider-betterdata/apiclient"
	"github.com/betterdataco/terraform-provider-betterdata/apiclient/rotation"
	"github.com/betterdataco/terraform-provider-betterdata/operator/api/v1alpha1"
	"github.com/betterdataco/terraform-provider-betterdata/operator/internal/controller/apikey"
)

// resource is the ApiKey as the controller sees it, but for what stands in other objects.
func resource(a *v1alpha1.ApiKey, clusterID string) *apikey.Resource {
	o := object(a, clusterID)
	kind, namespace, name := a.ConnectionKey()
	return &apikey.Resource{
		Object:        o,
		Settings:      settings(a, o.Marker),
		Secret:        secretSpec(a),
		Workloads:     workloads(a),
		ConnectionRef: kind + "/" + namespace + "/" + name,
		Version:       a.ResourceVersion,
	}
}

func object(a *v1alpha1.ApiKey, clusterID string) apikey.Object {
	o := apikey.Object{
		Namespace: a.Namespace, Name: a.Name, UID: string(a.UID), Generation: a.Generation,
		Marker:      apiclient.KubernetesMarker(clusterID, string(a.UID)),
		Finalizer:   controllerutil.ContainsFinalizer(a, v1alpha1.FinalizerApiKey),
		RotateToken: a.Annotations[v1alpha1.AnnotationRotateRequestedAt],
	}
	if a.DeletionTimestamp != nil {
		o.DeletedAt = a.DeletionTimestamp.Time
	}
	if text := a.Annotations[v1alpha1.AnnotationRotateOverlap]; text != "" {
		overlap, err := time.ParseDuration(text)
		if err != nil || overlap < 0 {
			o.InvalidOverlap = fmt.Sprintf("annotation %s is %.40q: use a duration such as 0s or 1h", v1alpha1.AnnotationRotateOverlap, text)
		} else {
			o.RotateOverlap = &overlap
		}
	}
	return o
}

func settings(a *v1alpha1.ApiKey, marker apiclient.Marker) apikey.Settings {
	spec := &a.Spec
	s := apikey.Settings{
		KeyName:         apikey.KeyName(a.DisplayName(), marker),
		Scopes:          slices.Clone(spec.Scopes),
		Rotation:        apikey.Schedule{Policy: rotation.Policy{Overlap: v1alpha1.DefaultOverlap}},
		TargetName:      a.SecretName(),
		TargetKey:       spec.Secret.EntryName(),
		PublishPrevious: spec.Secret.PublishPrevious,
		Retain:          spec.DeletionPolicy == v1alpha1.DeletionRetain,
		Hold:            spec.OnRevoked == v1alpha1.RevokedHold,
		Suspend:         spec.Suspend,
	}
	if spec.Adopt != nil {
		s.Adopt = spec.Adopt.KeyID
	}
	if spec.Rotation != nil {
		s.Rotation, s.Invalid = schedule(spec.Rotation)
	}
	return s
}

// schedule also says why the window cannot be read; empty: it can, or there is none.
func schedule(r *v1alpha1.Rotation) (apikey.Schedule, string) {
	s := apikey.Schedule{Policy: rotation.Policy{Interval: r.IntervalDuration(), Overlap: r.OverlapDuration()}}
	if r.Window == nil {
		return s, ""
	}
	window, err := apikey.NewWindow(r.Window.Schedule, r.Window.Location(), r.Window.Duration.Or(0))
	if err != nil {
		return s, fmt.Sprintf("spec.rotation.window: %v", err)
	}
	s.Window = window
	return s, ""
}

func secretSpec(a *v1alpha1.ApiKey) apikey.SecretSpec {
	spec := &a.Spec.Secret
	s := apikey.SecretSpec{Type: spec.SecretType(), Labels: ownLabels(a), Annotations: map[string]string{}, Template: map[string]string{}}
	for name, value := range spec.Annotations {
		s.Annotations[name] = string(value)
	}
	if a.Spec.DeletionPolicy == v1alpha1.DeletionRetain {
		s.Annotations[v1alpha1.AnnotationRetainedFor] = retainedFor(a.Name, string(a.UID))
	}
	for name, text := range spec.Template {
		s.Template[name] = string(text)
	}
	return s
}

// ownLabels are the labels of the settings and ours, so that one of ours that is lost is put back like any other.
func ownLabels(a *v1alpha1.ApiKey) map[string]string {
	labels := map[string]string{v1alpha1.LabelManagedBy: v1alpha1.ManagedBy}
	for name, value := range a.Spec.Secret.Labels {
		labels[name] = string(value)
	}
	maps.Copy(labels, map[string]string{v1alpha1.LabelApiKeyUID: string(a.UID)})
	return labels
}

func workloads(a *v1alpha1.ApiKey) []apikey.Workload {
	var listed []apikey.Workload
	for _, target := range a.Spec.Restart {
		listed = append(listed, apikey.Workload{Kind: string(target.Kind), Name: target.Name})
	}
	return listed
}
