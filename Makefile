# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
# `make demo` and `make test` set up all they need on a fresh Debian 12 machine.
MINUTES ?= 1
.PHONY: build demo test bench fuzz format lint fetch setup clean

build_directory := build/release
sources = $(shell git ls-files --cached --others --exclude-standard '*.cpp' '*.hpp')

build: setup  ## the command, build/release/anew
	cmake --preset release
	cmake --build --preset release --target anew_command

demo: build fetch  ## Polkadot's genesis runtime: 10,000 calls as new beside 100 fresh instantiations
	$(build_directory)/anew substrate version build/chain-specs/polkadot.json --repeat 10000

test: setup fetch  ## all tests
	cmake --preset release
	cmake --build --preset release
	ctest --preset release

bench: setup fetch  ## all benchmarks
	@scripts/setup bench
	cmake --preset release -DANEW_BUILD_BENCH=ON -DANEW_BUILD_TESTS=OFF
	cmake --build --preset release
	for program in $(build_directory)/bench/anew_bench*; do "$$program" || exit 1; done

fuzz: setup  ## each fuzzer for MINUTES (1); what it finds is kept in build/fuzz
	@scripts/setup fuzz
	cmake --preset fuzz
	cmake --build --preset fuzz
	mkdir -p build/fuzz/corpus-module build/fuzz/corpus-substrate
	cd build/fuzz && tests/fuzz/anew_fuzz_module -max_total_time=$$((60 * $(MINUTES))) -print_final_stats=1 corpus-module
	cd build/fuzz && tests/fuzz/anew_fuzz_substrate -max_total_time=$$((60 * $(MINUTES))) -print_final_stats=1 corpus-substrate

setup:
	@scripts/setup build

fetch:  ## chain specifications from npm, into build/chain-specs
	@scripts/setup fetch
	@scripts/fetch-chain-specs

format:
	@scripts/setup lint
	clang-format-19 -i $(sources)

lint: setup
	@scripts/setup lint
	clang-format-19 --dry-run --Werror $(sources)
	cmake --preset release
	run-clang-tidy-19 -quiet -p $(build_directory) '$(CURDIR)/src/.*\.cpp$$'

clean:
	rm -rf build
