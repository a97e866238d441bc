module github.com/betterdataco/terraform-provider-betterdata/ci/checks

go 1.26.0
