package tenant

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"

	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/betterdataco/terraform-provider-betterdata/apiclient"
	"github.com/betterdataco/terraform-provider-betterdata/operator/api/v1alpha1"
	"github.com/betterdataco/terraform-provider-betterdata/operator/internal/controller/apikey"
)

// refusal is why policy does not admit an ApiKey. The zero refusal admits it.
type refusal struct {
	reason  apikey.Reason
	message string
}

func refuse(reason, format string, args ...any) refusal {
	return refusal{apikey.Reason(reason), fmt.Sprintf(format, args...)}
}

func allowedScopes(obj v1alpha1.ConnectionObject) []string {
	if cluster, ok := obj.(*v1alpha1.ClusterConnection); ok {
		return cluster.Spec.AllowedScopes
	}
	return nil
}

// refusal judges the ApiKey by the object's policy. A Connection has none: whoever may make ApiKeys in its namespace may
// use it.
func (c *connection) refusal(ctx context.Context, obj v1alpha1.ConnectionObject) (refusal, error) {
	cluster, ok := obj.(*v1alpha1.ClusterConnection)
	if !ok {
		return refusal{}, nil
	}
	if !cluster.AllowsNamespace(c.resource.Namespace) {
		return refuse(v1alpha1.ReasonNamespaceNotAllowed,
			"ClusterConnection %s does not allow namespace %s: its owner can add it to allowedNamespaces", cluster.Name, c.resource.Namespace), nil
	}
	if beyond := scopesBeyond(cluster.Spec.AllowedScopes, c.resource.Settings.Scopes); len(beyond) > 0 {
		return refuse(v1alpha1.ReasonScopesNotAllowed,
			"ClusterConnection %s does not allow %s: ask for less, or have it added to allowedScopes", cluster.Name, strings.Join(beyond, ", ")), nil
	}
	return c.beyondMaxKeys(ctx, cluster)
}

// scopesBeyond returns those of the wanted scopes that the allowed ones do not cover. Nil allows all.
func scopesBeyond(allowed, wanted []string) []string {
	if allowed == nil {
		return nil
	}
	return slices.DeleteFunc(slices.Clone(wanted), func(scope string) bool { return apiclient.Allows(allowed, scope) })
}

// beyondMaxKeys judges the first key of an ApiKey: those that have one come first, then the others, oldest first. An
// ApiKey with a ledger has its place, so that no successor is ever refused. ApiKeys that are refused for their namespace or
// their scopes take no place.
func (c *connection) beyondMaxKeys(ctx context.Context, cluster *v1alpha1.ClusterConnection) (refusal, error) {
	limit := cluster.Spec.MaxKeys
	if limit == nil || c.hasPlace(ctx, c.resource.UID) {
		return refusal{}, nil
	}
	users, err := c.users(ctx, c.pool.options.Client, c.entry.key)
	if err != nil {
		return refusal{}, err
	}
	slices.SortFunc(users, func(a, b *v1alpha1.ApiKey) int {
		return cmp.Or(a.CreationTimestamp.Compare(b.CreationTimestamp.Time), cmp.Compare(a.UID, b.UID))
	})
	before, older := 0, true
	for _, user := range users {
		switch {
		case string(user.UID) == c.resource.UID:
			older = false
		case c.hasPlace(ctx, string(user.UID)), older && user.DeletionTimestamp.IsZero() && admits(cluster, user):
			before++
		}
	}
	if before < int(*limit) {
		return refusal{}, nil
	}
	return refuse(v1alpha1.ReasonMaxKeysReached,
		"ClusterConnection %s allows %d ApiKeys, and as many come first: delete one, or have maxKeys raised", cluster.Name, *limit), nil
}

func admits(cluster *v1alpha1.ClusterConnection, a *v1alpha1.ApiKey) bool {
	return cluster.AllowsNamespace(a.Namespace) && len(scopesBeyond(cluster.Spec.AllowedScopes, a.Spec.Scopes)) == 0
}

// hasPlace reports whether the ApiKey has a key, or is just getting its first.
func (c *connection) hasPlace(ctx context.Context, uid string) bool {
	return c.pool.options.Ledgers.HasLedgers(ctx, uid) || c.entry.mints.made(uid)
}

// users returns the ApiKeys that name the connection. They must not be modified: they may be the cache's own.
func (c *connection) users(ctx context.Context, from client.Reader, k Key) ([]*v1alpha1.ApiKey, error) {
	var list v1alpha1.ApiKeyList
	if err := from.List(ctx, &list, client.MatchingFields{IndexByConnection: k.String()}, client.UnsafeDisableDeepCopy); err != nil {
		return nil, fmt.Errorf("list the ApiKeys of %s: %w", k, err)
	}
	users := make([]*v1alpha1.ApiKey, len(list.Items))
	for i := range list.Items {
		users[i] = &list.Items[i]
	}
	return users, nil
}
