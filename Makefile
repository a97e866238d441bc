# Better Data: Terraform provider and API client.
# Needs Go 1.26+, git and make. Tools are built from Go modules pinned in .ci/tools and land in bin/.

SHELL     := /bin/sh
# Not a pre-release: Terraform would take one only by its exact version.
VERSION   ?= 0.0.1
FUZZTIME  ?= 10s
BENCHTIME ?= 1s

# The race detector needs a C compiler; without one the tests still run, and say so.
RACE := $(shell [ "$$(go env CGO_ENABLED)" = 1 ] && command -v "$$(go env CC)" >/dev/null && echo -race)

PROVIDER := bin/terraform-provider-betterdata
OPERATOR := bin/betterdata-operator
SANDBOX  := bin/betterdata-sandbox
PLATFORM := $(shell go env GOOS)_$(shell go env GOARCH)

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:

##@ Start here

.PHONY: help
help: ## show this list
	@awk 'BEGIN {FS = ":.*## "} /^##@/ {printf "\n%s\n", substr($$0, 5)} \
		/^[a-z-]+:.*## / {printf "  make %-16s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

# The second half begins when the first is told, also with -j.
.PHONY: demo
demo: demo-terraform ## a key's whole life on a local sandbox, once with Terraform or OpenTofu, once with the operator
	@echo && $(MAKE) --no-print-directory demo-operator

.PHONY: demo-terraform
demo-terraform: $(PROVIDER) ## the first half: create, use, widen, rotate, retire, revoke
	@cli=$$(.ci/find-cli --any) && DEMO_CLI=$$cli DEMO_PROVIDER=$(CURDIR)/$(PROVIDER) go run ./examples/demo terraform

.PHONY: demo-operator
demo-operator: $(OPERATOR) control-plane ## the second half, on a real control plane: the same, and a crash in the middle of a rotation
	@go build -o bin/demo-control-plane ./operator/internal/testenv/cmd/control-plane
	@DEMO_OPERATOR=$(CURDIR)/$(OPERATOR) DEMO_CONTROL_PLANE=$(CURDIR)/bin/demo-control-plane go run ./examples/demo operator

.PHONY: sandbox
sandbox: $(SANDBOX) ## leave a local Better Data API running, to play with; SANDBOX_FLAGS=--help lists more
	@$(SANDBOX) $(SANDBOX_FLAGS)

##@ Test

.PHONY: test
test: test-unit testacc test-operator ## everything: unit tests, the provider on real command lines, the operator on a real API server

# -count=1: the simulations and the sampled tables take a new seed each time; a cached pass would try nothing.
.PHONY: test-unit
test-unit: ## all tests that need neither a command line of Terraform or OpenTofu nor a control plane
	@[ "$(RACE)" ] || echo 'no C compiler, or CGO_ENABLED=0: running without the race detector'
	go test $(RACE) -count=1 -timeout 20m -skip '^Test(Acc|Operator)' ./...

.PHONY: testacc
testacc: ## the provider's acceptance tests, on each command line that .ci/find-cli names
	.ci/testacc $(RACE)

.PHONY: test-operator
test-operator: control-plane ## the operator's tests on a real etcd, kube-apiserver and garbage collector
	go test $(RACE) -count=1 -timeout 20m -run '^TestOperator' ./operator/... ./examples/demo

.PHONY: bench
bench: ## benchmarks, BENCHTIME=1s each
	go test -run '^$$' -bench . -benchmem -benchtime $(BENCHTIME) ./...

.PHONY: fuzz
fuzz: ## every fuzz target, FUZZTIME=10s each
	.ci/fuzz $(FUZZTIME)

##@ Build

.PHONY: build
build: $(PROVIDER) $(OPERATOR) $(SANDBOX) ## bin/terraform-provider-betterdata, bin/betterdata-operator and bin/betterdata-sandbox

# Always run: Go's own cache knows best what is stale, and leaves a binary alone that is not.
$(PROVIDER): FORCE
	go build -trimpath -ldflags '-X main.version=$(VERSION)' -o $@ ./provider

# Without C: it runs in an image that holds nothing else. Without symbols: they are a third of it.
$(OPERATOR): FORCE
	CGO_ENABLED=0 go build -trimpath -ldflags '-s -w -X main.version=$(VERSION)' -o $@ ./operator

$(SANDBOX): FORCE
	go build -trimpath -o $@ ./apiclient/sandbox/cmd/betterdata-sandbox

.PHONY: FORCE
FORCE:

.PHONY: install
install: $(PROVIDER) ## put the provider into the local plugin folder of Terraform and OpenTofu
	.ci/install $(VERSION) $(PLATFORM) $(PROVIDER)

##@ Before you push

.PHONY: verify
verify: lint lint-api verify-generated verify-docs verify-modules verify-examples ## everything that is checked without running the code

.PHONY: lint
lint: bin/golangci-lint ## golangci-lint: bugs, import rules, habits, formatting
	bin/golangci-lint run ./...
	cd .ci/checks && ../../bin/golangci-lint run --config ../../.golangci.yml ./...

.PHONY: lint-api
lint-api: bin/golangci-lint-kube-api-linter ## kube-api-linter: the operator's API types keep to Kubernetes' conventions
	bin/golangci-lint-kube-api-linter run --config .ci/kube-api-linter.yml ./operator/api/...

.PHONY: generate
generate: bin/tfplugindocs manifests ## make manifests, and render the provider's pages in docs/ from schema, templates and examples
	.ci/generate

.PHONY: manifests
manifests: bin/controller-gen bin/crd-ref-docs ## CRDs, roles, deep copies, apply configurations, API page from the operator's types and markers
	.ci/manifests

.PHONY: verify-generated
verify-generated: bin/tfplugindocs bin/controller-gen bin/crd-ref-docs ## generated files are up to date
	.ci/generate --check
	.ci/manifests --check

# -count=1: a cached pass would not notice that the linter, whose answers the tests judge, is another one.
.PHONY: verify-docs
verify-docs: bin/golangci-lint ## docs tell the truth; the import rules hold (tests of .ci/checks)
	go -C .ci/checks vet ./...
	go -C .ci/checks test -count=1 ./...
	go -C .ci/checks run ./docscheck

.PHONY: verify-modules
verify-modules: ## go.mod and go.sum are tidy, code passes go vet
	go mod tidy -diff
	go vet ./...

.PHONY: verify-examples
verify-examples: $(PROVIDER) ## examples are formatted, and valid for the provider as it is now
	.ci/check-examples

##@ Tools

.PHONY: tools
tools: bin/golangci-lint bin/golangci-lint-kube-api-linter bin/controller-gen bin/crd-ref-docs bin/tfplugindocs bin/tofu ## build the pinned tools into bin/

bin/golangci-lint bin/golangci-lint-kube-api-linter bin/controller-gen bin/crd-ref-docs bin/tfplugindocs bin/tofu: bin/%: .ci/tools/%/go.mod .ci/tools/%/go.sum
	@.ci/build-tool $*

.PHONY: control-plane
control-plane: ## bin/control-plane: etcd, kube-apiserver, kube-controller-manager and kubectl (the first time: minutes)
	@.ci/build-control-plane

.PHONY: clean
clean: ## remove bin/, tools and all
	rm -rf bin
