// Package acceptance holds the provider's acceptance tests, and nothing but tests. They run a real Terraform or
// OpenTofu CLI against the sandbox API: most of them in process through terraform-plugin-testing, and those about
// counts, signals and output as real processes.
//
// The CLI is the one that TF_ACC_TERRAFORM_PATH names, else terraform or tofu on PATH; make testacc runs the suite
// with each that can be had.
package acceptance
