// Package setup makes the operator's manager: its scheme, caches, servers for metrics and health, leader election, and the
// permissions that all of it needs (rbac.go). It holds no logic about keys.
package setup
