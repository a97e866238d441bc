package cluster

import (
	"maps"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/betterdataco/terraform-provider-betterdata/apiclient"
	"github.com/betterdataco/terraform-provider-betterdata/apiclient/rotation"
	"github.com/betterdataco/terraform-provider-betterdata/operator/api/v1alpha1"
	"github.com/betterdataco/terraform-provider-betterdata/operator/internal/controller/apikey"
)

const (
	uid       = "4384047e-7e59-4012-86a1-d5a0f4eee5d3"
	clusterID = "kube-system-uid"
)

// manifest is the smallest ApiKey, as a manifest that passed through no API server and got no defaults there.
func manifest(edit func(*v1alpha1.ApiKey)) *v1alpha1.ApiKey {
	a := &v1alpha1.ApiKey{
		ObjectMeta: metav1.ObjectMeta{Namespace: "shop", Name: "reader", UID: uid, ResourceVersion: "7", Generation: 3},
		Spec:       v1alpha1.ApiKeySpec{Scopes: []string{"inventory:read"}},
	}
	if edit != nil {
		edit(a)
	}
	return a
}

func TestSmallestManifest(t *testing.T) {
	t.Parallel()
	marker := apiclient.KubernetesMarker(clusterID, uid)
	want := &apikey.Resource{
		Object: apikey.Object{Namespace: "shop", Name: "reader", UID: uid, Generation: 3, Marker: marker},
		Settings: apikey.Settings{
			KeyName: marker.Append("shop/reader"), Scopes: []string{"inventory:read"}, TargetName: "reader", TargetKey: "api-key",
			Rotation: apikey.Schedule{Policy: rotation.Policy{Overlap: 24 * time.Hour}},
		},
		Secret: apikey.SecretSpec{
			Type: "Opaque", Annotations: map[string]string{}, Template: map[string]string{},
			Labels: map[string]string{"betterdata.co/apikey-uid": uid, "app.kubernetes.io/managed-by": "betterdata-operator"},
		},
		ConnectionRef: "Connection/shop/default", Version: "7",
	}
	if got := resource(manifest(nil), clusterID); !reflect.DeepEqual(got, want) {
		t.Errorf("got  %+v\nwant %+v", got, want)
	}
}

// mapped is what one field of the spec does to the resource.
type mapped struct {
	set  func(*v1alpha1.ApiKeySpec)
	want func(*apikey.Resource)
}

var specFields = map[string]mapped{
	"connectionRef.kind": {
		func(s *v1alpha1.ApiKeySpec) { s.ConnectionRef.Kind = "ClusterConnection" },
		func(r *apikey.Resource) { r.ConnectionRef = "ClusterConnection//default" },
	},
	"connectionRef.name": {
		func(s *v1alpha1.ApiKeySpec) { s.ConnectionRef.Name = "eu" },
		func(r *apikey.Resource) { r.ConnectionRef = "Connection/shop/eu" },
	},
	"displayName": {
		func(s *v1alpha1.ApiKeySpec) { s.DisplayName = "Reader" },
		func(r *apikey.Resource) { r.Settings.KeyName = r.Marker.Append("Reader") },
	},
	"scopes": {
		func(s *v1alpha1.ApiKeySpec) { s.Scopes = []string{"*", "a:b"} },
		func(r *apikey.Resource) { r.Settings.Scopes = []string{"*", "a:b"} },
	},
	"rotation.interval": {
		func(s *v1alpha1.ApiKeySpec) { s.Rotation = &v1alpha1.Rotation{Interval: "2160h"} },
		func(r *apikey.Resource) { r.Settings.Rotation.Interval = 2160 * time.Hour },
	},
	"rotation.overlap": {
		func(s *v1alpha1.ApiKeySpec) { s.Rotation = &v1alpha1.Rotation{Overlap: "0s"} },
		func(r *apikey.Resource) { r.Settings.Rotation.Overlap = 0 },
	},
	"rotation.window.schedule": {
		func(s *v1alpha1.ApiKeySpec) { s.Rotation = windowed("0 2 * * 0", "", "4h") },
		func(r *apikey.Resource) { r.Settings.Rotation.Window = window("0 2 * * 0", "UTC", 4*time.Hour) },
	},
	"rotation.window.timeZone": {
		func(s *v1alpha1.ApiKeySpec) { s.Rotation = windowed("0 2 * * 0", "Europe/Berlin", "4h") },
		func(r *apikey.Resource) {
			r.Settings.Rotation.Window = window("0 2 * * 0", "Europe/Berlin", 4*time.Hour)
		},
	},
	"rotation.window.duration": {
		func(s *v1alpha1.ApiKeySpec) { s.Rotation = windowed("0 2 * * 0", "", "90m") },
		func(r *apikey.Resource) { r.Settings.Rotation.Window = window("0 2 * * 0", "UTC", 90*time.Minute) },
	},
	"secret.name": {
		func(s *v1alpha1.ApiKeySpec) { s.Secret.Name = "other" },
		func(r *apikey.Resource) { r.Settings.TargetName = "other" },
	},
	"secret.key": {
		func(s *v1alpha1.ApiKeySpec) { s.Secret.Key = "token" },
		func(r *apikey.Resource) { r.Settings.TargetKey = "token" },
	},
	"secret.type": {
		func(s *v1alpha1.ApiKeySpec) { s.Secret.Type = "example.com/key" },
		func(r *apikey.Resource) { r.Secret.Type = "example.com/key" },
	},
	"secret.labels": {
		func(s *v1alpha1.ApiKeySpec) {
			s.Secret.Labels = map[string]v1alpha1.LabelValue{"team": "shop", "app.kubernetes.io/managed-by": "me", v1alpha1.LabelApiKeyUID: "forged"}
		},
		func(r *apikey.Resource) {
			maps.Copy(r.Secret.Labels, map[string]string{"team": "shop", "app.kubernetes.io/managed-by": "me"})
		},
	},
	"secret.annotations": {
		func(s *v1alpha1.ApiKeySpec) { s.Secret.Annotations = map[string]v1alpha1.AnnotationValue{"a": "b"} },
		func(r *apikey.Resource) { r.Secret.Annotations = map[string]string{"a": "b"} },
	},
	"secret.template": {
		func(s *v1alpha1.ApiKeySpec) {
			s.Secret.Template = map[string]v1alpha1.TemplateText{".env": "{{ .Key }}"}
		},
		func(r *apikey.Resource) { r.Secret.Template = map[string]string{".env": "{{ .Key }}"} },
	},
	"secret.publishPrevious": {
		func(s *v1alpha1.ApiKeySpec) { s.Secret.PublishPrevious = true },
		func(r *apikey.Resource) { r.Settings.PublishPrevious = true },
	},
	"restart.kind": {
		func(s *v1alpha1.ApiKeySpec) { s.Restart = []v1alpha1.RestartTarget{{Kind: "DaemonSet"}} },
		func(r *apikey.Resource) { r.Workloads = []apikey.Workload{{Kind: "DaemonSet"}} },
	},
	"restart.name": {
		func(s *v1alpha1.ApiKeySpec) { s.Restart = []v1alpha1.RestartTarget{{Name: "x"}, {Name: "y"}} },
		func(r *apikey.Resource) { r.Workloads = []apikey.Workload{{Name: "x"}, {Name: "y"}} },
	},
	"deletionPolicy": {
		func(s *v1alpha1.ApiKeySpec) { s.DeletionPolicy = "Retain" },
		func(r *apikey.Resource) {
			r.Settings.Retain = true
			r.Secret.Annotations["betterdata.co/retained-for"] = "reader/" + uid
		},
	},
	"onRevoked": {
		func(s *v1alpha1.ApiKeySpec) { s.OnRevoked = "Hold" },
		func(r *apikey.Resource) { r.Settings.Hold = true },
	},
	"suspend": {
		func(s *v1alpha1.ApiKeySpec) { s.Suspend = true },
		func(r *apikey.Resource) { r.Settings.Suspend = true },
	},
	"adopt.keyID": {
		func(s *v1alpha1.ApiKeySpec) { s.Adopt = &v1alpha1.Adoption{KeyID: "key_9"} },
		func(r *apikey.Resource) { r.Settings.Adopt = "key_9" },
	},
}

func windowed(schedule, zone string, duration v1alpha1.Duration) *v1alpha1.Rotation {
	return &v1alpha1.Rotation{Window: &v1alpha1.RotationWindow{Schedule: schedule, TimeZone: zone, Duration: duration}}
}

func window(schedule, zone string, duration time.Duration) *apikey.Window {
	w, err := apikey.NewWindow(schedule, zone, duration)
	if err != nil {
		panic(err)
	}
	return w
}

func TestEveryFieldOfTheSpec(t *testing.T) {
	t.Parallel()
	if got, want := slices.Sorted(maps.Keys(specFields)), leaves(reflect.TypeFor[v1alpha1.ApiKeySpec](), ""); !slices.Equal(got, want) {
		t.Errorf("the table has\n%v\nthe spec\n%v", got, want)
	}
	for name, field := range specFields {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got := resource(manifest(func(a *v1alpha1.ApiKey) { field.set(&a.Spec) }), clusterID)
			want := resource(manifest(nil), clusterID)
			field.want(want)
			if !reflect.DeepEqual(got, want) {
				t.Errorf("got  %+v\nwant %+v", got, want)
			}
			if untouched := resource(manifest(nil), clusterID); reflect.DeepEqual(got, untouched) {
				t.Error("the field does nothing")
			}
		})
	}
}

// leaves are the paths of all fields that are no structs, as they stand in manifests.
func leaves(of reflect.Type, path string) []string {
	for of.Kind() == reflect.Pointer || of.Kind() == reflect.Slice && of.Elem().Kind() == reflect.Struct {
		of = of.Elem()
	}
	if of.Kind() != reflect.Struct {
		return []string{path}
	}
	var found []string
	for i := range of.NumField() {
		name, _, _ := strings.Cut(of.Field(i).Tag.Get("json"), ",")
		found = append(found, leaves(of.Field(i).Type, strings.TrimPrefix(path+"."+name, "."))...)
	}
	slices.Sort(found)
	return found
}

func TestWindowThatCannotBeRead(t *testing.T) {
	t.Parallel()
	for _, r := range []*v1alpha1.Rotation{
		windowed("0 2 * *", "", "4h"), windowed("0 2 30 2 *", "", "4h"), windowed("0 2 * * 0", "Mars/Olympus", "4h"), windowed("0 2 * * 0", "", "soon"),
	} {
		got := resource(manifest(func(a *v1alpha1.ApiKey) { a.Spec.Rotation = r }), clusterID).Settings
		if !strings.HasPrefix(got.Invalid, "spec.rotation.window: ") || got.Rotation.Window != nil {
			t.Errorf("%+v: got %+v", *r.Window, got)
		}
	}
}

func TestWhatPeopleAsk(t *testing.T) {
	t.Parallel()
	deleted := metav1.NewTime(time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC))
	zero, hour := time.Duration(0), time.Hour
	for name, c := range map[string]struct {
		edit func(*v1alpha1.ApiKey)
		want func(*apikey.Object)
	}{
		"nothing":   {func(*v1alpha1.ApiKey) {}, func(*apikey.Object) {}},
		"finalizer": {func(a *v1alpha1.ApiKey) { a.Finalizers = []string{"x", v1alpha1.FinalizerApiKey} }, func(o *apikey.Object) { o.Finalizer = true }},
		"deletion":  {func(a *v1alpha1.ApiKey) { a.DeletionTimestamp = &deleted }, func(o *apikey.Object) { o.DeletedAt = deleted.Time }},
		"rotation": {
			func(a *v1alpha1.ApiKey) {
				a.Annotations = map[string]string{v1alpha1.AnnotationRotateRequestedAt: "again"}
				a.Status.LastHandledRotateAt = "again" // a cache, which decides nothing
			},
			func(o *apikey.Object) { o.RotateToken = "again" },
		},
		"overlap 0": {overlap("0s"), func(o *apikey.Object) { o.RotateOverlap = &zero }},
		"overlap":   {overlap("60m"), func(o *apikey.Object) { o.RotateOverlap = &hour }},
		"empty":     {overlap(""), func(*apikey.Object) {}},
		"negative":  {overlap("-1h"), func(o *apikey.Object) { o.InvalidOverlap = invalidOverlap("-1h") }},
		"a word":    {overlap("soon"), func(o *apikey.Object) { o.InvalidOverlap = invalidOverlap("soon") }},
		"no unit":   {overlap("5"), func(o *apikey.Object) { o.InvalidOverlap = invalidOverlap("5") }},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, want := object(manifest(c.edit), clusterID), object(manifest(nil), clusterID)
			c.want(&want)
			if !reflect.DeepEqual(got, want) {
				t.Errorf("got %+v, want %+v", got, want)
			}
		})
	}
}

func overlap(text string) func(*v1alpha1.ApiKey) {
	return func(a *v1alpha1.ApiKey) { a.Annotations = map[string]string{v1alpha1.AnnotationRotateOverlap: text} }
}

func invalidOverlap(text string) string {
	return `annotation betterdata.co/rotate-overlap is "` + text + `": use a duration such as 0s or 1h`
}
