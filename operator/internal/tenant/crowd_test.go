package tenant

import (
	"testing"
	"time"

	"github.com/betterdataco/terraform-provider-betterdata/operator/api/v1alpha1"
)

// The connections of one namespace share what one of them may hold: otherwise ten of them, all to a server that hangs,
// would hold every worker. Those of other namespaces, and ClusterConnections, have their own.
func TestConnectionsOfANamespaceShareTheirWorkers(t *testing.T) {
	t.Parallel()
	now := time.Unix(0, 0)
	pool := New(Options{Now: func() time.Time { return now }, Workers: 4})
	entryNamed := func(kind, namespace, name string) *entry {
		return &entry{pool: pool, key: Key{Kind: kind, Namespace: namespace, Name: name}}
	}
	var releases []func()
	for _, name := range []string{"a", "b"} {
		release, err := entryNamed(v1alpha1.KindConnection, "shop", name).take()
		if err != nil {
			t.Fatal(err)
		}
		releases = append(releases, release)
	}
	third := entryNamed(v1alpha1.KindConnection, "shop", "c")
	if _, err := third.take(); err == nil {
		t.Error("three connections of a namespace hold three of four workers")
	}
	for _, other := range []*entry{entryNamed(v1alpha1.KindConnection, "bank", "a"), entryNamed(v1alpha1.KindClusterConnection, "", "a")} {
		if _, err := other.take(); err != nil {
			t.Errorf("%s waits for another namespace: %v", other.key, err)
		}
	}
	releases[0]()
	release, err := third.take()
	if err != nil {
		t.Fatalf("after one was released: %v", err)
	}
	release()
}
