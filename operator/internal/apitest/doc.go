// Package apitest tests the manifests: schemas, rules and defaults in config/crd/bases, the permissions in config/rbac, and
// the examples.
//
// Rules are tested twice from one table (cases_test.go): in process, by the libraries that the API server itself uses, so
// that make test-unit covers every rule; and on a real API server, which has the last word.
package apitest
