// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include <fmt/format.h>

#include <cstdio>
#include <exception>

#include "cli/command_line.hpp"
#include "cli/output.hpp"
#include "os/terminal.hpp"

namespace anew::cli {

ExitCode exit_code(ErrorCode code) noexcept {
  switch (code) {
    case ErrorCode::kMalformed:
    case ErrorCode::kInvalid:
    case ErrorCode::kUnsupported:
    case ErrorCode::kLimit:
    case ErrorCode::kArtifact: return kInvalidModule;
    case ErrorCode::kLink: return kLinkError;
    case ErrorCode::kTrap: return kTrapped;
    case ErrorCode::kArgument:
    case ErrorCode::kNotFound: return kUsage;
    case ErrorCode::kIo:
    case ErrorCode::kResource:
    case ErrorCode::kHost: break;
  }
  return kFailure;
}

Error file_error(Error error) noexcept {
  if (error.code == ErrorCode::kNotFound) error.code = ErrorCode::kIo;
  return error;
}

namespace {

int run_command(int argc, char** argv) {
  CommandLine line;
  if constexpr (kWithWasi) add_run(line.anew());
  if constexpr (kWithServe) add_serve(line.anew());
  add_call(line.anew());
  add_inspect(line.anew());
  add_compile(line.anew());
  add_snapshot(line.anew());
  add_cache(line.anew());
  if constexpr (kWithSubstrate) add_substrate(line.anew());

  const Result<ExitCode> result = line.run(argc, argv);
  if (std::fflush(stdout) != 0) {
    fmt::print(stderr, "anew: could not write the output\n");
    return kFailure;
  }
  if (!result) {
    const Error& error = result.error();
    fmt::print(stderr, "anew: {}{}\n", error.code == ErrorCode::kTrap ? "trap: " : "",
               printable_lines(error.to_string()));
    return exit_code(error.code);
  }
  return *result;
}

}  // namespace
}  // namespace anew::cli

int main(int argc, char** argv) {
  anew::os::open_standard_descriptors();
  try {
    return anew::cli::run_command(argc, argv);
  } catch (const std::exception& error) {
    // Out of memory, or a library's failure that nothing nearer could explain.
    std::fprintf(stderr, "anew: %s\n", error.what());
    return anew::cli::kFailure;
  }
}
