// Package suite runs the operator as users run it: the binary as a process of its own, with the permissions that config/
// ships, against a real Kubernetes API server and the sandbox. It holds tests only.
//
// Each test has a [world] of its own: a namespace, an operator's namespace, a tenant and a cluster id. So tests run side by
// side on one control plane in namespaced mode, and on a control plane of their own in cluster mode. What every test
// promises beside its own matter is checked when its world ends: no plaintext and no token is found in the operator's output
// or in any object but a Secret's data, and no process ended that nobody killed.
//
// Reading order: harness_world_test.go (what a test has), harness_operator_test.go (processes, and where they are killed),
// harness_tenant_test.go (the API and its outages), harness_consumer_test.go (who must never be turned away),
// harness_objects_test.go (reading and waiting), harness_age_test.go (keys that are made old), harness_canary_test.go (what must
// be nowhere).
package suite
