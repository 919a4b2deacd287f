# make demo    a throw-away cluster on this machine, and arc-setup on it
# make test    every test; sets up all that it needs
# make fuzz    five million image references, parsed by us and by the reference grammar, as many broken certificates
#              and lists of NO_PROXY
# make lab     a locked-down cluster with a real node, until Ctrl-C (Linux, root); make lab-test proves arc-setup on it
#
# Programs for the tests (etcd, Kubernetes, kwok, helm, a registry) are built once into a cache outside this
# tree: ${ARC_SETUP_TEST_CACHE:-${XDG_CACHE_HOME:-~/.cache}/arc-setup}. KUBEBUILDER_ASSETS is honoured.

SHELL := bash
.SHELLFLAGS := -euo pipefail -c
CARGO ?= cargo
HOST := $(shell rustc -vV 2>/dev/null | sed -n 's/^host: //p')
MUSL := $(firstword $(subst -, ,$(HOST)))-unknown-linux-musl

.PHONY: all demo test fuzz lab lab-test lab-clear bench release fmt lint doc deny test-binaries
.DEFAULT_GOAL := all

all:
	$(CARGO) build --locked

test-binaries:
	tests/binaries/build all >/dev/null

demo: test-binaries
	$(CARGO) build --locked --bin arc-setup --example demo
	$(CARGO) run --locked --quiet --example demo

# Unit tests, the one integration binary and the documentation's examples; one run tells all.
test: test-binaries
	$(CARGO) test --locked --no-fail-fast

# Our parser of image references against github.com/distribution/reference; our readers of certificates and NO_PROXY
# against panics.
# FUZZ_SEED=N repeats a run.
FUZZ_CASES ?= 5000000
FUZZ_DIRECTORY := $(abspath $(or $(CARGO_TARGET_DIR),target)/fuzz)
fuzz:
	cd tests/fuzz/reference && GOWORK=off CGO_ENABLED=0 go build -mod=readonly -trimpath -o "$(FUZZ_DIRECTORY)/reference" .
	$(CARGO) run --locked --quiet --example fuzz -- "$(FUZZ_DIRECTORY)/reference" $(FUZZ_CASES) $(FUZZ_SEED)

lab:
	$(CARGO) build --locked --bin arc-setup --example lab
	$(CARGO) run --locked --quiet --example lab

# LAB_TESTS="node:: story::" runs those whose names contain one of the words.
lab-test:
	cd tests/lab/stand-ins && GOWORK=off CGO_ENABLED=0 go vet ./... && GOWORK=off CGO_ENABLED=0 go test ./...
	$(CARGO) build --locked --bin arc-setup --example lab
	$(CARGO) run --locked --quiet --example lab -- test $(LAB_TESTS)

# What a killed lab has left. The next start does it too.
lab-clear:
	$(CARGO) run --locked --quiet --example lab -- clear

bench:
	tests/binaries/build bench >/dev/null
	$(CARGO) bench --locked --bench ratios

# A static binary where the target is installed. Nothing but a C compiler is needed beside it.
release:
	@mkdir -p dist
	@if [[ -d "$$(rustc --print sysroot)/lib/rustlib/$(MUSL)" ]]; then \
	  CC_$(subst -,_,$(MUSL))="$${CC_$(subst -,_,$(MUSL)):-cc}" $(CARGO) build --locked --release --bin arc-setup --target $(MUSL); \
	  cp "$${CARGO_TARGET_DIR:-target}/$(MUSL)/release/arc-setup" dist/arc-setup; \
	  linked="static, $(MUSL)"; \
	else \
	  echo "the Rust target $(MUSL) is not installed (rustup target add $(MUSL)): dist/arc-setup is linked dynamically"; \
	  linked="dynamic, $(HOST)"; \
	  $(CARGO) build --locked --release --bin arc-setup; \
	  cp "$${CARGO_TARGET_DIR:-target}/release/arc-setup" dist/arc-setup; \
	fi; \
	echo "dist/arc-setup: $$linked, $$(du -h --apparent-size dist/arc-setup | cut -f1)"

fmt:
	$(CARGO) fmt --check

lint:
	$(CARGO) clippy --locked --all-targets -- -D warnings

doc:
	RUSTDOCFLAGS="-D warnings" $(CARGO) doc --locked --no-deps

deny:
	.ci/deny
