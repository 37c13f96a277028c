# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
# `make demo` and `make test` set up all they need on a fresh Debian 12 machine.
MINUTES ?= 1
PREFIX ?= /usr/local
.PHONY: build demo test spec bench fuzz install packages packages-test docs format lint fetch setup clean

build_directory := build/release
# Tests that take seconds with AddressSanitizer and UndefinedBehaviorSanitizer, of what parses, holds memory and runs out of it.
# `cmake --preset asan` builds the others. Those that take longest come first.
sanitized = reset component out_of_memory wasm artifact abi os
run_sanitized = $(addprefix run_,$(sanitized))
sources = $(shell git ls-files --cached --others --exclude-standard '*.cpp' '*.hpp')

build: setup  ## the command, build/release/anew
	cmake --preset release
	cmake --build --preset release --target anew_command

demo: build fetch  ## Polkadot's genesis runtime: 10,000 calls as new beside 100 fresh instantiations
	$(build_directory)/anew substrate version build/chain-specs/polkadot.json --repeat 10000

test: setup fetch  ## all tests, with assertions; what is quick with sanitizers too; format and linter
	@scripts/setup spec sanitize lint docs
	@scripts/fetch-programs
	@scripts/fetch-component-scripts
	cmake --preset checked
	cmake --build --preset checked
	ctest --preset checked --parallel 2
	cmake --preset asan -DANEW_BUILD_SPEC=OFF -DANEW_BUILD_SUBSTRATE=OFF -DANEW_BUILD_WASI=OFF -DANEW_BUILD_LLVM=OFF
	cmake --build --preset asan --target $(addprefix anew_test_,$(sanitized))
	$(MAKE) --jobs=2 --output-sync $(run_sanitized)
	scripts/lint build/checked

.PHONY: $(run_sanitized)
$(run_sanitized): run_%:
	build/asan/tests/anew_test_$* --gtest_brief=1 --gtest_filter=-*Robustness*:ResetCost*

spec: setup  ## the specification's own test suite: a line for each proposal
	@scripts/setup spec
	cmake --preset release
	cmake --build --preset release --target anew_spec spec_corpus
	$(build_directory)/tests/spec/anew_spec $(build_directory)/spec

bench: setup fetch  ## all benchmarks
	@scripts/setup bench
	@scripts/fetch-npm-modules
	@scripts/make-handlers
	cmake --preset release -DANEW_BUILD_BENCH=ON -DANEW_BUILD_TESTS=OFF
	cmake --build --preset release
	export ANEW_OPTIMIZER=$(CURDIR)/$(build_directory)/anew-optimizer; status=0; for program in $(build_directory)/bench/anew_bench*; do "$$program" || status=1; done; \
	  scripts/bench-programs $(build_directory)/anew || status=1; scripts/bench-serve $(build_directory)/anew || status=1; exit $$status

fuzz: setup  ## each of the fuzzers for MINUTES (1); what they find is kept in build/fuzz
	@scripts/setup sanitize fuzz fetch
	@scripts/fetch-node
	@scripts/fetch-wasmtime
	cmake --preset fuzz
	cmake --build --preset fuzz
	cmake --preset differential
	cmake --build --preset differential --target anew_differential anew_fairness
	cargo build --release --locked --manifest-path tests/fuzz/smith/Cargo.toml --target-dir build/fuzz/smith
	scripts/fuzz $(MINUTES)

install: setup  ## libraries, headers, command, manual pages and completion, below DESTDIR and PREFIX (/usr/local)
	cmake --preset release
	cmake --build --preset release --target anew_installed
	cmake --install $(build_directory) --prefix $(PREFIX)
	@if [ -z "$(DESTDIR)" ] && [ "$$(id -u)" -eq 0 ]; then ldconfig; fi

packages: setup  ## Debian packages, into build/packages
	cmake --preset packages
	cmake --build --preset packages
	cpack --config build/packages/CPackConfig.cmake -B build/packages

packages-test: packages  ## installs them in a clean root, and compiles a program there
	@scripts/setup packages
	scripts/test-packages build/packages

docs:  ## the reference of the public headers: build/docs/html/index.html
	@scripts/setup docs
	@mkdir -p build
	doxygen docs/Doxyfile

setup:
	@scripts/setup build

fetch:  ## chain specifications and small modules from npm, into build/chain-specs and build/npm
	@scripts/setup fetch
	@scripts/fetch-chain-specs
	@scripts/fetch-npm-modules tests

format:
	@scripts/setup lint
	clang-format-19 -i $(sources)

lint: setup  ## the format, and clang-tidy over all sources
	@scripts/setup lint
	cmake --preset release
	scripts/lint $(build_directory) $$(git hash-object -t tree /dev/null)

clean:
	rm -rf build
