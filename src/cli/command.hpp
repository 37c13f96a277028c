// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The anew command: one file a subcommand (call.cpp, inspect.cpp, compile.cpp, snapshot.cpp, cache.cpp,
// substrate.cpp). Each registers its options with CLI11 and leaves what it does in a Run, which main.cpp runs once the
// command line is understood; usage.hpp says what is wrong with one that is not.
//
// Shared by them: option_values.hpp (numbers, times and names as values of options), input.hpp (FILE or standard
// input), module_file.hpp (FILE -> Module, with wat.hpp for the text format), result_file.hpp (--output),
// instance_options.hpp (how instances come to be), values.hpp (arguments and results as text and JSON), measure.hpp
// (many calls as new beside fresh instantiations), output.hpp and progress.hpp.
#pragma once

#include <CLI/CLI.hpp>
#include <anew/error.hpp>
#include <functional>

namespace anew::cli {

/// Exit codes, the same for every subcommand; docs/command.md lists them.
enum ExitCode : int {
  kSuccess = 0,
  kFailure = 1,        ///< any other error: a file, a resource, a leak that --repeat or --audit found
  kTrapped = 2,        ///< the guest trapped
  kInvalidModule = 3,  ///< malformed, invalid, unsupported, past a limit; or an artifact that is refused
  kLinkError = 4,      ///< an import is missing or of another type
  kUsage = 64,         ///< wrong usage: options, arguments of the call, no such export (EX_USAGE of sysexits.h)
  kInterrupted = 130,  ///< by the user (Ctrl-C), as shells report it: --repeat printed what it had measured
};
inline constexpr const char* kExitCodesHelp =
    "Exit codes: 0 success, 1 any other error, 2 trap, 3 invalid module, 4 link error, 64 wrong usage, "
    "130 interrupted.";

[[nodiscard]] ExitCode exit_code(ErrorCode code) noexcept;

/// The error of a file that the command line names. One that is not there is an error like any other file error;
/// kNotFound is kept for exports.
[[nodiscard]] Error file_error(Error error) noexcept;

/// What the chosen subcommand does. @return the exit code, or the error to report.
using Run = std::function<Result<ExitCode>()>;

void add_call(CLI::App& app, Run& run);
void add_inspect(CLI::App& app, Run& run);
void add_compile(CLI::App& app, Run& run);
void add_snapshot(CLI::App& app, Run& run);
void add_cache(CLI::App& app, Run& run);
void add_substrate(CLI::App& app, Run& run);

/// A subcommand, without options of its own yet, whose help shows the exit codes.
CLI::App* add_subcommand(CLI::App& app, const char* name, const char* description);

}  // namespace anew::cli
