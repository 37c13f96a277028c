// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include <fmt/format.h>

#include <cstdio>
#include <exception>

#include "cli/command.hpp"
#include "cli/output.hpp"
#include "cli/usage.hpp"

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

CLI::App* add_subcommand(CLI::App& app, const char* name, const char* description) {
  CLI::App* command = app.add_subcommand(name, description);
  command->footer(kExitCodesHelp);
  return command;
}

namespace {

int run_command(int argc, char** argv) {
  CLI::App app{"Runs every WebAssembly call in an instance as new.", "anew"};
  app.set_version_flag("--version", "anew " ANEW_VERSION_STRING);
  app.require_subcommand(1);
  app.footer(kExitCodesHelp);
  Run run;
  add_call(app, run);
  add_inspect(app, run);
  add_compile(app, run);
  add_snapshot(app, run);
  add_cache(app, run);
  add_substrate(app, run);
  add_help(app, run);
  refuse_values_of_flags(app);

  try {
    app.parse(argc, argv);
  } catch (const CLI::Success& asked) {  // --help or --version
    return app.exit(asked) == 0 ? kSuccess : kFailure;
  } catch (const CLI::ParseError& error) {
    fmt::print(stderr, "anew: {}\n", printable_lines(describe_usage_error(app, error)));
    return kUsage;
  }

  const Result<ExitCode> result = run();
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
  try {
    return anew::cli::run_command(argc, argv);
  } catch (const std::exception& error) {
    // Out of memory, or a library's failure that nothing nearer could explain.
    std::fprintf(stderr, "anew: %s\n", error.what());
    return anew::cli::kFailure;
  }
}
