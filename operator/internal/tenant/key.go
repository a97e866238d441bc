package tenant

import (
	"context"
	"strings"

	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/betterdataco/terraform-provider-betterdata/operator/api/v1alpha1"
)

// Key names a Connection or ClusterConnection.
type Key struct {
	Kind      string
	Namespace string // empty for a ClusterConnection
	Name      string
}

// KeyOf returns the key of a connection object.
func KeyOf(obj v1alpha1.ConnectionObject) Key {
	return Key{obj.ConnectionKind(), obj.GetNamespace(), obj.GetName()}
}

// KeyFor returns the key of the connection that an ApiKey names.
func KeyFor(a *v1alpha1.ApiKey) Key {
	kind, namespace, name := a.ConnectionKey()
	return Key{kind, namespace, name}
}

// String returns <Kind>/<namespace>/<name>, which ParseKey reads.
func (k Key) String() string { return k.Kind + "/" + k.Namespace + "/" + k.Name }

// ParseKey reads what Key.String returns.
func ParseKey(s string) (Key, bool) {
	parts := strings.Split(s, "/")
	if len(parts) != 3 || parts[0] == "" || parts[2] == "" {
		return Key{}, false
	}
	return Key{parts[0], parts[1], parts[2]}, true
}

// Identity returns <Kind>/<namespace>/<name>/<uid>. It stands in ledgers: another object of the same name is another
// connection.
func Identity(obj v1alpha1.ConnectionObject) string {
	return KeyOf(obj).String() + "/" + string(obj.GetUID())
}

// IndexByConnection is the index of ApiKeys by Key.String of their connection.
const IndexByConnection = "betterdata.co/connection"

// Index registers the index, which must happen before the cache starts.
func Index(ctx context.Context, indexer client.FieldIndexer) error {
	return indexer.IndexField(ctx, &v1alpha1.ApiKey{}, IndexByConnection, connectionOf)
}

func connectionOf(obj client.Object) []string {
	a, ok := obj.(*v1alpha1.ApiKey)
	if !ok {
		return nil
	}
	return []string{KeyFor(a).String()}
}
