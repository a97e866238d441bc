package tenant

import (
	"slices"
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/betterdataco/terraform-provider-betterdata/operator/api/v1alpha1"
)

func TestKeys(t *testing.T) {
	t.Parallel()
	apiKey := func(ref v1alpha1.ConnectionReference) *v1alpha1.ApiKey {
		return &v1alpha1.ApiKey{ObjectMeta: metav1.ObjectMeta{Namespace: "shop", Name: "reader"}, Spec: v1alpha1.ApiKeySpec{ConnectionRef: ref}}
	}
	for want, got := range map[string]Key{
		"Connection/shop/default":            KeyOf(connectionNamed("default")),
		"ClusterConnection//platform":        KeyOf(clusterConnection()),
		"Connection/shop/other":              KeyFor(apiKey(v1alpha1.ConnectionReference{Name: "other"})),
		"ClusterConnection//default":         KeyFor(apiKey(v1alpha1.ConnectionReference{Kind: v1alpha1.KindClusterConnection})),
		"Connection/a.b-c/name.with.dots-42": {"Connection", "a.b-c", "name.with.dots-42"},
	} {
		if got.String() != want {
			t.Errorf("got %s, want %s", got, want)
		}
		if parsed, ok := ParseKey(want); !ok || parsed != got {
			t.Errorf("%s is read as %v, %t", want, parsed, ok)
		}
	}
	for _, bad := range []string{"", "default", "shop/default", "Connection/shop/", "/shop/default", "Connection/shop/default/uid"} {
		if got, ok := ParseKey(bad); ok {
			t.Errorf("%q is read as %v", bad, got)
		}
	}
}

// Another object of the same name is another connection.
func TestIdentity(t *testing.T) {
	t.Parallel()
	conn := connectionNamed("default")
	conn.UID = "u1"
	if got := Identity(conn); got != "Connection/shop/default/u1" {
		t.Errorf("got %s", got)
	}
	platform := clusterConnection()
	platform.UID = "u2"
	if got := Identity(platform); got != "ClusterConnection//platform/u2" {
		t.Errorf("got %s", got)
	}
}

func TestIndexValue(t *testing.T) {
	t.Parallel()
	if got := connectionOf(&v1alpha1.ApiKey{ObjectMeta: metav1.ObjectMeta{Namespace: "shop"}}); !slices.Equal(got, []string{"Connection/shop/default"}) {
		t.Errorf("got %v", got)
	}
	if got := connectionOf(&v1alpha1.Connection{}); got != nil {
		t.Errorf("got %v", got)
	}
}
