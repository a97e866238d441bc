// Package roleguard keeps the operator's rights in a namespace alive until the last key there is revoked.
//
// In namespaced mode the rights come from a Role and a RoleBinding in the namespace itself. When the namespace is deleted,
// Kubernetes deletes them together with the ApiKeys, and an operator without rights could neither revoke the keys nor
// remove a finalizer: the namespace would hang for ever. So both carry an in-use finalizer while the namespace holds
// ApiKeys or Connections with our finalizers.
//
// Letting go of them is the difficult part: removing the finalizer from one takes away the right to remove it from the
// other. release.go says how it is done; docs/decisions/0013 why so.
package roleguard
