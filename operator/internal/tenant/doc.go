// Package tenant holds one API client for each Connection and ClusterConnection, shared by every ApiKey that names it.
//
// It owns the clients with their Directories, the tokens, what a failing API costs (one request per backoff, whoever
// asks), the cap of mints per hour, and what a connection allows an ApiKey. It does not own the objects' status, which is
// the business of package connection, nor any decision about a key, which is that of package apikey.
//
// Reading order: pool.go; entry.go for what belongs to one object; session.go for one client with one token; gate.go for
// failures; connection.go and state.go for what an ApiKey sees; reserve.go for what precedes a mint.
package tenant
