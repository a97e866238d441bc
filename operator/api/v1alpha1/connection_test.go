package v1alpha1

import (
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
)

func TestConnectionObjects(t *testing.T) {
	t.Parallel()
	connection := &Connection{ObjectMeta: metav1.ObjectMeta{Namespace: "shop"}}
	connection.Spec.TokenSecretRef.Name = "t"
	cluster := &ClusterConnection{}
	cluster.Spec.TokenSecretRef.Namespace, cluster.Spec.TokenSecretRef.Name, cluster.Spec.TokenSecretRef.Key = "platform", "t", "k"
	for _, test := range []struct {
		object                     ConnectionObject
		kind, namespace, name, key string
	}{
		{connection, KindConnection, "shop", "t", "token"},
		{cluster, KindClusterConnection, "platform", "t", "k"},
	} {
		if got := test.object.ConnectionKind(); got != test.kind {
			t.Errorf("kind %s, want %s", got, test.kind)
		}
		namespace, name, key := test.object.TokenSecret()
		if namespace != test.namespace || name != test.name || key != test.key {
			t.Errorf("%s: token in %s/%s %s, want %s/%s %s", test.kind, namespace, name, key, test.namespace, test.name, test.key)
		}
		test.object.Settings().MintsPerHour = 7
		test.object.ConnectionStatus().Authentication = AuthenticationAccepted
	}
	if connection.Spec.MintsPerHour != 7 || cluster.Status.Authentication != AuthenticationAccepted {
		t.Error("Settings and ConnectionStatus are copies, and what is written there is lost")
	}
}

func TestConnectionSettings(t *testing.T) {
	t.Parallel()
	no := false
	settings := &ConnectionSettings{BaseURL: "http://localhost", PollInterval: "30s", Verify: &no, MintsPerHour: 5}
	if got := settings.Address(); got != "http://localhost" {
		t.Errorf("address %s", got)
	}
	if got := settings.Poll(); got != 30*time.Second {
		t.Errorf("poll %s, want 30s", got)
	}
	if settings.Verifies() {
		t.Error("verifies although that is off")
	}
	if got := settings.MintCap(); got != 5 {
		t.Errorf("cap %d, want 5", got)
	}
}

func TestAllowsNamespace(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		allowed   []string
		namespace string
		want      bool
	}{
		{nil, "shop", false},
		{[]string{"shop"}, "shop", true},
		{[]string{"shop"}, "shop2", false},
		{[]string{"shop"}, "sho", false},
		{[]string{"other", "team-*"}, "team-a", true},
		{[]string{"team-*"}, "team-", true},
		{[]string{"team-*"}, "team", false},
		{[]string{"team-*"}, "my-team-a", false},
		{[]string{"*"}, "anything", true},
	} {
		connection := &ClusterConnection{Spec: ClusterConnectionSpec{AllowedNamespaces: test.allowed}}
		if got := connection.AllowsNamespace(test.namespace); got != test.want {
			t.Errorf("%q allows %s: %v, want %v", test.allowed, test.namespace, got, test.want)
		}
	}
}

func TestSchemeKnowsAllKinds(t *testing.T) {
	t.Parallel()
	scheme := runtime.NewScheme()
	if err := AddToScheme(scheme); err != nil {
		t.Fatal(err)
	}
	for _, kind := range []string{KindApiKey, KindConnection, KindClusterConnection} {
		for _, name := range []string{kind, kind + "List"} {
			if !scheme.Recognizes(SchemeGroupVersion.WithKind(name)) {
				t.Errorf("%s is not known", name)
			}
		}
	}
}
