package cluster

import (
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/betterdataco/terraform-provider-betterdata/operator/internal/controller/apikey"
)

// Options are what a Cluster works with.
type Options struct {
	// Client writes, and reads ApiKeys, Connections and targets from the manager's cache.
	Client client.Client
	// Live reads from the API server.
	Live client.Reader
	// Ledgers reads from the cache of ledgers, see LedgerSelector and IndexLedgers.
	Ledgers client.Reader
	// ClusterID is what markers are made from: the UID of the namespace kube-system, or --cluster-id.
	ClusterID string
}

// Cluster implements apikey.Cluster on the Kubernetes API. Its methods may be used by several goroutines.
type Cluster struct {
	client    client.Client
	live      client.Reader
	ledgers   client.Reader
	clusterID string
}

var _ apikey.Cluster = (*Cluster)(nil)

// New returns a Cluster.
func New(o Options) *Cluster {
	return &Cluster{client: o.Client, live: o.Live, ledgers: o.Ledgers, clusterID: o.ClusterID}
}

// reader is where reads other than those of ledgers are answered from.
func (c *Cluster) reader(read apikey.Read) client.Reader {
	if read == apikey.Live {
		return c.live
	}
	return c.client
}
