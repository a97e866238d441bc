// Package sandbox is a local Better Data API: the endpoints, shapes, error codes and quotas of the vendor's page on
// API keys, as an embeddable [net/http.Handler] for tests, demos and CI. The vendor has no public test server.
//
// It owns its wire types and must never import package apiclient: a wrong JSON tag shared by both would hide in both.
// It is hostile to production use on purpose: issued keys open nothing but the sandbox, the data is invented, and
// faults can be injected by anyone who reaches the management listener.
//
// Reading order: server.go (what it is made of), api.go (the way of one request), routes.go (which endpoint needs which
// scope), keys.go (the five operations on keys), tenant.go (the state), wire.go (the JSON of each [Dialect]), fault.go.
// docs/sandbox.md tells, row by row, what is implemented as documented, what is assumed and what differs.
package sandbox
