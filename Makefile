# What one does with this repository. "make" alone lists the targets.

SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help
.PHONY: help demo build test torture lint bench fuzz deps clean

# The next release, for builds from a tree without tags; a tag vX.Y.Z takes its place.
NEXT := 0.1.0
VERSION = $(shell scripts/version $(NEXT))
# How long to fuzz each target, how often to run each benchmark.
FUZZTIME ?= 30s
COUNT ?= 1

# The version comes from scripts/version alone: the same tree gives the same binary, inside git and outside.
export GOFLAGS := $(strip $(GOFLAGS) -buildvcs=false)

LINTER := tools/bin/golangci-lint
BENCHSTAT := tools/bin/benchstat

help: ## List the targets.
	@awk -F ':.*## ' '/^[a-z]+:.*## / {printf "make %-8s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

demo: deps ## Watch an attack being cut off, in network namespaces of its own (as root).
	go run ./internal/demo

build: ## Build the static binary bin/odooban.
	CGO_ENABLED=0 go build -trimpath -ldflags '-s -w -X main.version=$(VERSION)' -o bin/odooban ./cmd/odooban

test: deps ## Run all tests with the race detector; ODOOBAN_TEST_REQUIRE=all lets none skip.
	go vet ./...
	CGO_ENABLED=1 go test -race -timeout 8m ./...

torture: deps ## Torture odooban for half an hour: rotations, kills, faults, floods (as root).
	ODOOBAN_TEST_TORTURE=long go test -count=1 -timeout 90m -v ./internal/torture

lint: export CGO_ENABLED := 0
lint: $(LINTER) ## Check style, mistakes, formatting and go.mod.
	$(LINTER) run ./...
	@unformatted=$$(gofmt -l .); [[ -z "$$unformatted" ]] || { printf 'run gofmt -w on:\n%s\n' "$$unformatted"; exit 1; }
	go mod tidy -diff
	go mod verify

bench: $(if $(OLD),$(BENCHSTAT)) ## Run the benchmarks into bench.out; OLD=before.out COUNT=6 compares.
	go test -run '^$$' -bench . -benchmem -count $(COUNT) $$(scripts/packages Benchmark) | tee bench.out
	$(if $(OLD),$(BENCHSTAT) $(OLD) bench.out)

fuzz: ## Run every fuzz target for FUZZTIME (30s) each.
	@scripts/fuzz $(FUZZTIME)

deps: ## Install what the tests and the demo need (Debian, as root); else say what is missing.
	@scripts/deps

clean: ## Remove what was built, except the tools: they take minutes.
	rm -rf bin dist bench.out

# Built again when their versions change. The touch is for go install, which leaves a binary alone that is up to date.
$(LINTER): tools/go.sum
	cd tools && CGO_ENABLED=0 GOBIN='$(CURDIR)/tools/bin' \
		go install -trimpath -ldflags '-s -w' github.com/golangci/golangci-lint/v2/cmd/golangci-lint
	@touch $@

$(BENCHSTAT): tools/go.sum
	cd tools && CGO_ENABLED=0 GOBIN='$(CURDIR)/tools/bin' go install -trimpath golang.org/x/perf/cmd/benchstat
	@touch $@
