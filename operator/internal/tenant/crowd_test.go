package tenant

import (
	"fmt"
	"testing"
	"time"

	"github.com/betterdataco/terraform-provider-betterdata/operator/api/v1alpha1"
)

// The connections of one namespace share what one of them may hold: otherwise ten of them, all to a server that hangs,
// would hold every worker. Those of other namespaces, and ClusterConnections, have their own.
func TestConnectionsOfANamespaceShareTheirWorkers(t *testing.T) {
	t.Parallel()
	now := time.Unix(0, 0)
	pool := New(Options{Now: func() time.Time { return now }, Workers: 8})
	entryNamed := func(kind, namespace, name string) *entry {
		return &entry{pool: pool, key: Key{Kind: kind, Namespace: namespace, Name: name}}
	}
	var releases []func()
	for _, name := range []string{"a", "b", "c", "d"} {
		release, err := entryNamed(v1alpha1.KindConnection, "shop", name).take()
		if err != nil {
			t.Fatal(err)
		}
		releases = append(releases, release)
	}
	fifth := entryNamed(v1alpha1.KindConnection, "shop", "e")
	if _, err := fifth.take(); err == nil {
		t.Error("five connections of a namespace hold five of eight workers")
	}
	var others []func()
	for _, other := range []*entry{entryNamed(v1alpha1.KindConnection, "bank", "a"), entryNamed(v1alpha1.KindClusterConnection, "", "a")} {
		release, err := other.take()
		if err != nil {
			t.Fatalf("%s waits for another namespace: %v", other.key, err)
		}
		others = append(others, release)
	}
	for _, release := range append(others, releases[0]) {
		release()
	}
	release, err := fifth.take()
	if err != nil {
		t.Fatalf("after one was released: %v", err)
	}
	release()
}

// However many namespaces have connections to servers that hang, workers are left for what takes no request: otherwise two
// of them would keep every Secret from being repaired. What was not to be had is given back.
func TestConnectionsOfAllNamespacesSpareWorkers(t *testing.T) {
	t.Parallel()
	for workers, most := range map[int]int{1: 1, 2: 2, 3: 2, 4: 3, 8: 6, 100: 98} {
		pool := New(Options{Now: func() time.Time { return time.Unix(0, 0) }, Workers: workers})
		var held []func()
		for namespace := range 4 {
			for name := range workers {
				e := &entry{pool: pool, key: Key{v1alpha1.KindConnection, fmt.Sprint("tenant-", namespace), fmt.Sprint(name)}}
				if release, err := e.take(); err == nil {
					held = append(held, release)
				}
			}
		}
		if len(held) != most {
			t.Errorf("%d of %d workers are held, want %d", len(held), workers, most)
		}
		for _, release := range held {
			release()
		}
		e := &entry{pool: pool, key: Key{v1alpha1.KindConnection, "tenant-0", "again"}}
		if _, err := e.take(); err != nil {
			t.Errorf("%d workers, none of them held: %v", workers, err)
		}
	}
}

// Servers that hang in one namespace leave something to the others, with however few workers.
func TestOneNamespaceLeavesSomethingToOthers(t *testing.T) {
	t.Parallel()
	for _, workers := range []int{2, 3, 4, 5, 8} {
		pool := New(Options{Now: func() time.Time { return time.Unix(0, 0) }, Workers: workers})
		for name := range workers {
			e := &entry{pool: pool, key: Key{v1alpha1.KindConnection, "greedy", fmt.Sprint(name)}}
			_, _ = e.take() // as many as it gets
		}
		other := &entry{pool: pool, key: Key{v1alpha1.KindConnection, "other", "default"}}
		if _, err := other.take(); err != nil {
			t.Errorf("%d workers: %v", workers, err)
		}
	}
}
