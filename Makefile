# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
# `make demo` and `make test` set up all they need on a fresh Debian 12 machine.
.PHONY: build demo test bench format lint fetch setup clean

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
	run-clang-tidy-19 -quiet -p $(build_directory) '$(CURDIR)/(src|bench|tests)/.*'

clean:
	rm -rf build
