// Package connection reconciles Connections and ClusterConnections: it polls their tenants, tells in their status how they
// are, and wakes the ApiKeys that something upstream concerns.
//
// It owns the poll (one listing per interval), the status, the in-use finalizers, the acceptance of another tenant, the
// orphans, and the watches of token Secrets. It does not own the API clients and what they remember, which is the pool of
// package tenant; and it decides nothing about a key that an ApiKey stands for, which is the business of package apikey.
//
// Reading order: controller.go, and reconcile.go for the order of things. diff.go, orphans.go and status.go are pure and
// hold the judgement; poll.go, inuse.go, revoke.go and tokens.go touch the two servers.
package connection
