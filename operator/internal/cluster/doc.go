// Package cluster reads and writes what the ApiKey controller needs of Kubernetes: ApiKeys, ledgers, target Secrets
// and workloads. It implements apikey.Cluster and decides nothing: what is to be written, and on which version, is
// told by package apikey.
//
// Three readers serve three needs. Live reads go to the API server and come before every effect. Cached reads of
// ApiKeys, Connections and targets come from the manager's cache, which holds only Secrets that carry our label.
// Ledgers have a cache of their own, selected by the type of the Secret, because a label can be edited and a type
// cannot. No other Secret's data enters memory, but for the one that a target is to be called as.
//
// Reading order: cluster.go, then resource.go (spec to settings), ledger_encoding.go and ledgers.go, targets.go and
// target_write.go, workloads.go, errors.go.
package cluster
