package tenant

import (
	"context"
	"fmt"
	"slices"

	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/controller/controllerutil"

	"github.com/betterdataco/terraform-provider-betterdata/operator/api/v1alpha1"
)

// othersDepend reports whether this ApiKey's target is the token of a connection that other ApiKeys still need for their
// revocations. It goes last then. While the ApiKey is being deleted, "nobody" must be true now, so it is read live.
func (c *connection) othersDepend(ctx context.Context) (bool, error) {
	fed, err := c.fedByTarget(ctx)
	if err != nil {
		return false, err
	}
	for _, k := range fed {
		users, err := c.users(ctx, c.pool.options.Client, k)
		if err != nil {
			return false, err
		}
		if slices.ContainsFunc(users, c.needs) {
			return true, nil
		}
	}
	if len(fed) == 0 || c.resource.DeletedAt.IsZero() {
		return false, nil
	}
	return c.anyNeeds(ctx, fed)
}

// needs reports that another ApiKey has, or may have, a key to revoke.
func (c *connection) needs(other *v1alpha1.ApiKey) bool {
	return string(other.UID) != c.resource.UID && controllerutil.ContainsFinalizer(other, v1alpha1.FinalizerApiKey)
}

// anyNeeds asks the API server, page by page.
func (c *connection) anyNeeds(ctx context.Context, fed []Key) (bool, error) {
	const page = 500
	options := []client.ListOption{client.Limit(page)}
	if !slices.ContainsFunc(fed, func(k Key) bool { return k.Namespace == "" }) {
		options = append(options, client.InNamespace(c.resource.Namespace)) // Connections serve their own namespace alone
	}
	for next := ""; ; {
		var list v1alpha1.ApiKeyList
		if err := c.pool.options.Live.List(ctx, &list, append(options, client.Continue(next))...); err != nil {
			return false, fmt.Errorf("list ApiKeys: %w", err)
		}
		for i := range list.Items {
			if slices.Contains(fed, KeyFor(&list.Items[i])) && c.needs(&list.Items[i]) {
				return true, nil
			}
		}
		if next = list.Continue; next == "" {
			return false, nil
		}
	}
}

// fedByTarget returns the connections whose token Secret is this ApiKey's target.
func (c *connection) fedByTarget(ctx context.Context) ([]Key, error) {
	var fed []Key
	add := func(obj v1alpha1.ConnectionObject) {
		if namespace, name, _ := obj.TokenSecret(); namespace == c.resource.Namespace && name == c.resource.Settings.TargetName {
			fed = append(fed, KeyOf(obj))
		}
	}
	var own v1alpha1.ConnectionList
	if err := c.pool.options.Client.List(ctx, &own, client.InNamespace(c.resource.Namespace), client.UnsafeDisableDeepCopy); err != nil {
		return nil, fmt.Errorf("list Connections: %w", err)
	}
	for i := range own.Items {
		add(&own.Items[i])
	}
	if !c.pool.options.ClusterConnections {
		return fed, nil
	}
	var all v1alpha1.ClusterConnectionList
	if err := c.pool.options.Client.List(ctx, &all, client.UnsafeDisableDeepCopy); err != nil {
		return nil, fmt.Errorf("list ClusterConnections: %w", err)
	}
	for i := range all.Items {
		add(&all.Items[i])
	}
	return fed, nil
}
