# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
# Puts the source of Substrate's package sp-io, which names all host functions, into the build directory's sp-io/:
# docs/host-functions.md is compared with it. cargo downloads a package when it is asked what that is.
set(sp_io sp-io-49.0.0)
set(sp_io_sha256 2d101a8a658bff78dbffb431fdead591872d6565e9e82c9f51c53efdd2d1c653)

set(cargo_home $ENV{CARGO_HOME})
if(NOT cargo_home)
  set(cargo_home $ENV{HOME}/.cargo)
endif()
file(GLOB sp_io_package ${cargo_home}/registry/cache/*/${sp_io}.crate)
if(NOT sp_io_package)
  execute_process(COMMAND cargo info --quiet sp-io@49.0.0 OUTPUT_QUIET ERROR_VARIABLE reason)
  file(GLOB sp_io_package ${cargo_home}/registry/cache/*/${sp_io}.crate)
endif()
if(NOT sp_io_package)
  message(FATAL_ERROR "cargo could not fetch ${sp_io} from crates.io: ${reason}Configure again with a network, or with -DANEW_BUILD_SPEC=OFF to leave out what needs cargo.")
endif()
list(GET sp_io_package 0 sp_io_package)
file(SHA256 ${sp_io_package} found_sha256)
if(NOT found_sha256 STREQUAL sp_io_sha256)
  message(FATAL_ERROR "${sp_io_package} is not the package that is expected: its SHA-256 is ${found_sha256}, not ${sp_io_sha256}.")
endif()
file(ARCHIVE_EXTRACT INPUT ${sp_io_package} DESTINATION ${PROJECT_BINARY_DIR}/sp-io PATTERNS ${sp_io}/src/lib.rs)
