// Package simulation holds tests, and nothing but tests, that drive the provider through its protocol as Terraform
// core does, in this process and without a CLI, against the sandbox API over loopback HTTP.
//
// core_test.go and proposed_test.go play core: one fresh provider per walk, a plan at plan time and again at apply,
// and the checks that core makes of each answer. world_test.go is the API and the state file. Directed tests come in
// one file per subject; random_test.go lives thousands of random steps of random resources and checks the promises
// after each.
package simulation
