package v1alpha1

import (
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

func TestApiKeyNames(t *testing.T) {
	t.Parallel()
	key := &ApiKey{ObjectMeta: metav1.ObjectMeta{Namespace: "shop", Name: "reader"}}
	if got := key.DisplayName(); got != "shop/reader" {
		t.Errorf("display name %q, want shop/reader", got)
	}
	if got := key.SecretName(); got != "reader" {
		t.Errorf("secret name %q, want reader", got)
	}
	key.Spec.DisplayName, key.Spec.Secret.Name = "Reader", "other"
	if got := key.DisplayName(); got != "Reader" {
		t.Errorf("display name %q, want Reader", got)
	}
	if got := key.SecretName(); got != "other" {
		t.Errorf("secret name %q, want other", got)
	}
	key.Spec.Secret.Key = "token"
	if got := key.Spec.Secret.PreviousEntryName(); got != "previous-token" {
		t.Errorf("entry of the old key %q, want previous-token", got)
	}
	if got := (&SecretTarget{Type: "example.com/x"}).SecretType(); got != "example.com/x" {
		t.Errorf("type %q, want example.com/x", got)
	}
}

func TestConnectionKey(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		ref                   ConnectionReference
		kind, namespace, name string
	}{
		{ConnectionReference{}, KindConnection, "shop", "default"},
		{ConnectionReference{Kind: KindConnection, Name: "eu"}, KindConnection, "shop", "eu"},
		{ConnectionReference{Kind: KindClusterConnection, Name: "eu"}, KindClusterConnection, "", "eu"},
	} {
		key := &ApiKey{ObjectMeta: metav1.ObjectMeta{Namespace: "shop"}, Spec: ApiKeySpec{ConnectionRef: test.ref}}
		kind, namespace, name := key.ConnectionKey()
		if kind != test.kind || namespace != test.namespace || name != test.name {
			t.Errorf("%+v: got %s %s/%s, want %s %s/%s", test.ref, kind, namespace, name, test.kind, test.namespace, test.name)
		}
	}
}

func TestRotateRequest(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name           string
		annotations    map[string]string
		handled        string
		token, overlap string
	}{
		{name: "none"},
		{name: "new", annotations: map[string]string{AnnotationRotateRequestedAt: "a"}, token: "a"},
		{name: "another", annotations: map[string]string{AnnotationRotateRequestedAt: "b"}, handled: "a", token: "b"},
		{name: "handled", annotations: map[string]string{AnnotationRotateRequestedAt: "a", AnnotationRotateOverlap: "0s"}, handled: "a"},
		{name: "leaked", annotations: map[string]string{AnnotationRotateRequestedAt: "a", AnnotationRotateOverlap: "0s"}, token: "a", overlap: "0s"},
		{name: "overlap alone", annotations: map[string]string{AnnotationRotateOverlap: "0s"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			key := &ApiKey{ObjectMeta: metav1.ObjectMeta{Annotations: test.annotations}, Status: ApiKeyStatus{LastHandledRotateAt: test.handled}}
			if token, overlap := key.RotateRequest(); token != test.token || overlap != test.overlap {
				t.Errorf("got %q, %q, want %q, %q", token, overlap, test.token, test.overlap)
			}
		})
	}
}

func TestRotationDurations(t *testing.T) {
	t.Parallel()
	rotation := &Rotation{Interval: "1h30m"}
	if got := rotation.IntervalDuration(); got != 90*time.Minute {
		t.Errorf("interval %s, want 1h30m", got)
	}
	if got := rotation.OverlapDuration(); got != DefaultOverlap {
		t.Errorf("overlap %s, want the default", got)
	}
	rotation.Overlap = "0s"
	if got := rotation.OverlapDuration(); got != 0 {
		t.Errorf("overlap %s, want 0s: zero is a choice, not an absence", got)
	}
	rotation.Interval, rotation.Overlap = "90 days", "soon"
	if got := rotation.IntervalDuration(); got != 0 {
		t.Errorf("unreadable interval %s, want 0", got)
	}
	if got := rotation.OverlapDuration(); got != DefaultOverlap {
		t.Errorf("unreadable overlap %s, want the default: zero would revoke a key in use", got)
	}
	if got := (&RotationWindow{TimeZone: "Europe/Berlin"}).Location(); got != "Europe/Berlin" {
		t.Errorf("time zone %s, want Europe/Berlin", got)
	}
}

// The largest values that the schema admits fit a time.Duration.
func TestDurationsThatTheSchemaAdmitsDoNotOverflow(t *testing.T) {
	t.Parallel()
	for _, d := range []Duration{"999999h999999h9h", "999999.999h9999h", "999999h999999.9h"} {
		if len(d) > 16 {
			t.Fatalf("%s is longer than the schema admits", d)
		}
		if got := d.Or(-1); got < 999999*time.Hour {
			t.Errorf("%s is %s", d, got)
		}
	}
}

func TestRestartAnnotation(t *testing.T) {
	t.Parallel()
	for uid, want := range map[string]string{
		"1a2b3c4d-0000-0000-0000-000000000000": "betterdata.co/1a2b3c4d-sequence",
		"short":                                "betterdata.co/short-sequence",
	} {
		if got := RestartAnnotation(uid); got != want {
			t.Errorf("%s: %s, want %s", uid, got, want)
		}
	}
}
