# What one does with this repository. "make" alone lists the targets.

SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help
.PHONY: help demo build install uninstall package test torture lint bench bench-peers fuzz deps clean manual

# The next release, for builds from a tree without tags; a tag vX.Y.Z takes its place.
NEXT := 0.1.0
VERSION = $(shell scripts/version $(NEXT))
# How long to fuzz each target, how often to run each benchmark.
FUZZTIME ?= 30s
COUNT ?= 1
# How often the whole-process benchmarks take turns.
ROUNDS ?= 5

# The version comes from scripts/version alone: the same tree gives the same binary, inside git and outside, wherever it
# lies. Lint and tests build as the release does, so that nothing is compiled twice.
export GOFLAGS := $(strip $(GOFLAGS) -buildvcs=false -trimpath)

LINTER := tools/bin/golangci-lint
BENCHSTAT := tools/bin/benchstat
NFPM := tools/bin/nfpm

# Where it is built.
BIN ?= bin
DIST ?= dist

# Where make install puts things; DESTDIR stands before all of it. The unit and its configuration are found in any PREFIX.
PREFIX ?= /usr/local
DESTDIR ?=
MANUAL := share/man/man1 share/man/man5 share/bash-completion/completions share/zsh/site-functions \
	share/fish/vendor_completions.d

help: ## List the targets.
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "make %-11s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

demo: ## Watch two attackers of a busy Odoo being cut off, in network namespaces of its own (as root).
	@scripts/deps
	go run ./internal/demo

build: ## Build the static binary bin/odooban.
	CGO_ENABLED=0 go build -ldflags '-s -w -X main.version=$(VERSION)' -o $(BIN)/odooban ./cmd/odooban

# Man pages and completions, out of the commands and docs/configuration.md. They are as old as the tree.
manual: ## Make man pages and completions in dist/manual.
manual: export CGO_ENABLED := 0
manual: export SOURCE_DATE_EPOCH = $(shell git log -1 --format=%ct 2>/dev/null || echo 0)
manual:
	@rm -rf $(DIST)/manual
	GOOS= GOARCH= go run -tags manual -ldflags '-X main.version=$(VERSION)' ./cmd/odooban $(DIST)/manual
	@gzip -9n $(DIST)/manual/*.[15]

# Builds nothing: root, who installs, seldom has Go, and would leave files behind that are root's.
install: ## Install what was built (PREFIX=/usr/local, DESTDIR), with the service; see docs/install.md.
	@[[ -e $(BIN)/odooban && -e $(DIST)/manual ]] || \
		{ echo 'There is nothing to install yet: make build manual, as yourself' >&2; exit 1; }
	install -D -m 755 $(BIN)/odooban $(DESTDIR)$(PREFIX)/bin/odooban
	install -d $(addprefix $(DESTDIR)$(PREFIX)/,$(MANUAL))
	install -m 644 $(DIST)/manual/*.1.gz $(DESTDIR)$(PREFIX)/share/man/man1/
	install -m 644 $(DIST)/manual/*.5.gz $(DESTDIR)$(PREFIX)/share/man/man5/
	install -m 644 $(DIST)/manual/odooban.bash $(DESTDIR)$(PREFIX)/share/bash-completion/completions/odooban
	install -m 644 $(DIST)/manual/odooban.zsh $(DESTDIR)$(PREFIX)/share/zsh/site-functions/_odooban
	install -m 644 $(DIST)/manual/odooban.fish $(DESTDIR)$(PREFIX)/share/fish/vendor_completions.d/odooban.fish
	install -d $(DESTDIR)$(PREFIX)/share/odooban/monitoring
	install -m 644 packaging/monitoring/* $(DESTDIR)$(PREFIX)/share/odooban/monitoring/
	install -d $(DESTDIR)/etc/systemd/system $(DESTDIR)/etc/sysusers.d $(DESTDIR)/etc/tmpfiles.d $(DESTDIR)/etc/odooban
	sed 's,/usr/bin/odooban,$(PREFIX)/bin/odooban,' systemd/odooban.service > $(DESTDIR)/etc/systemd/system/odooban.service
	install -m 644 systemd/odooban.sysusers $(DESTDIR)/etc/sysusers.d/odooban.conf
	install -m 644 systemd/odooban.tmpfiles $(DESTDIR)/etc/tmpfiles.d/odooban.conf
	[[ -e $(DESTDIR)/etc/odooban/odooban.yaml ]] || \
		install -m 644 internal/config/init.yaml $(DESTDIR)/etc/odooban/odooban.yaml

uninstall: ## Remove what make install has installed, but for /etc/odooban and the journal.
	rm -f $(DESTDIR)$(PREFIX)/bin/odooban $(DESTDIR)$(PREFIX)/share/man/man[15]/odooban*.gz
	rm -f $(DESTDIR)$(PREFIX)/share/bash-completion/completions/odooban
	rm -f $(DESTDIR)$(PREFIX)/share/zsh/site-functions/_odooban
	rm -f $(DESTDIR)$(PREFIX)/share/fish/vendor_completions.d/odooban.fish
	rm -rf $(DESTDIR)$(PREFIX)/share/odooban
	rm -f $(DESTDIR)/etc/systemd/system/odooban.service
	rm -f $(DESTDIR)/etc/sysusers.d/odooban.conf $(DESTDIR)/etc/tmpfiles.d/odooban.conf

package: build manual $(NFPM) ## Make the .deb and the .rpm in dist/.
	@rm -f $(DIST)/*.deb $(DIST)/*.rpm
	for kind in deb rpm; do VERSION='$(VERSION)' BIN='$(BIN)' DIST='$(DIST)' ARCH="$$(go env GOARCH)" \
		$(NFPM) package --config packaging/nfpm.yaml --packager $$kind --target '$(DIST)/'; done

test: deps ## Run all tests with the race detector; ODOOBAN_TEST_REQUIRE=all lets none skip.
	CGO_ENABLED=0 go vet ./...
	@# Not out of the cache: some tests build programs, of which it does not know.
	CGO_ENABLED=1 go test -race -count=1 -timeout 12m ./...

torture: deps ## Torture odooban for half an hour: rotations, kills, faults, floods (as root).
	ODOOBAN_TEST_TORTURE=long go test -count=1 -timeout 90m -v ./internal/torture

lint: export CGO_ENABLED := 0
lint: $(LINTER) ## Check style, mistakes, formatting and go.mod.
	$(LINTER) run ./...
	@unformatted=$$(gofmt -l .); [[ -z "$$unformatted" ]] || { printf 'run gofmt -w on:\n%s\n' "$$unformatted"; exit 1; }
	go mod tidy -diff
	go mod verify

bench: $(if $(OLD),$(BENCHSTAT)) ## Run the benchmarks into bench.out; OLD=before.out COUNT=6 compares.
	CGO_ENABLED=0 go run ./internal/bench -rounds $(ROUNDS) | tee bench-replay.out
	@if ((EUID == 0)); then CGO_ENABLED=0 go run ./internal/bench/live -rounds $(ROUNDS) | tee bench-live.out; \
		else echo 'not root, so the daemon is not measured: sudo env PATH="$$PATH" make bench'; fi
	go test -run '^$$' -bench . -benchmem -count $(COUNT) $$(scripts/packages Benchmark) | tee bench.out
	$(if $(OLD),$(BENCHSTAT) $(OLD) bench.out)

bench-peers: ## Measure Debian's fail2ban on the same logs, which is installed for it (as root).
	@{ command -v fail2ban-server && python3 -c 'import pyinotify'; } >/dev/null 2>&1 || \
		apt-get install -y --no-install-recommends fail2ban python3-pyinotify
	@scripts/deps
	CGO_ENABLED=0 go run ./internal/bench -rounds $(ROUNDS) -peers
	CGO_ENABLED=0 go run ./internal/bench/live -rounds $(ROUNDS) -peers

fuzz: ## Run every fuzz target for FUZZTIME (30s) each.
	@scripts/fuzz $(FUZZTIME)

deps: ## Install what the tests need, Docker too (Debian, as root); else say what is missing.
	@scripts/deps all

clean: ## Remove what was built, except the tools: they take minutes.
	rm -rf bin dist bench.out bench-replay.out bench-live.out

# Built again when their versions change. The touch is for go install, which leaves a binary alone that is up to date.
$(LINTER): tools/go.sum
	cd tools && CGO_ENABLED=0 GOBIN='$(CURDIR)/tools/bin' \
		go install -ldflags '-s -w' github.com/golangci/golangci-lint/v2/cmd/golangci-lint
	@touch $@

$(NFPM): tools/go.sum
	cd tools && CGO_ENABLED=0 GOBIN='$(CURDIR)/tools/bin' \
		go install -ldflags '-s -w' github.com/goreleaser/nfpm/v2/cmd/nfpm
	@touch $@

$(BENCHSTAT): tools/go.sum
	cd tools && CGO_ENABLED=0 GOBIN='$(CURDIR)/tools/bin' go install golang.org/x/perf/cmd/benchstat
	@touch $@
