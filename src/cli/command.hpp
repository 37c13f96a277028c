// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The anew command: one file a subcommand (run.cpp, serve.cpp, call.cpp, inspect.cpp, compile.cpp, snapshot.cpp,
// cache.cpp, substrate.cpp). Each declares its options and what it does (command_line.hpp), and main.cpp runs the one
// that the command line names.
//
// Shared by them: option_values.hpp (numbers, times and names as values of options), input.hpp (FILE or standard
// input), module_file.hpp (FILE -> Module, with wat.hpp for the text format), result_file.hpp (--output),
// instance_options.hpp (how instances come to be), values.hpp (arguments and results as text and JSON), measure.hpp
// (many calls as new beside fresh instantiations), output.hpp and progress.hpp.
#pragma once

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

/// Whether the command was built with Substrate (ANEW_BUILD_SUBSTRATE). Without it, libanew_substrate is not there to
/// be called: what would call it stands in an `if constexpr`.
inline constexpr bool kWithSubstrate = ANEW_WITH_SUBSTRATE != 0;

[[nodiscard]] ExitCode exit_code(ErrorCode code) noexcept;

/// The error of a file that the command line names. One that is not there is an error like any other file error;
/// kNotFound is kept for exports.
[[nodiscard]] Error file_error(Error error) noexcept;

/// The same of WASI (ANEW_BUILD_WASI).
inline constexpr bool kWithWasi = ANEW_WITH_WASI != 0;
/// And of the server (ANEW_BUILD_SERVE).
inline constexpr bool kWithServe = ANEW_WITH_SERVE != 0;

/// What the chosen subcommand does. @return the exit code, or the error to report.
using Run = std::function<Result<ExitCode>()>;

class Command;  // command_line.hpp
void add_run(const Command& anew);
void add_serve(const Command& anew);
void add_call(const Command& anew);
void add_inspect(const Command& anew);
void add_compile(const Command& anew);
void add_snapshot(const Command& anew);
void add_cache(const Command& anew);
void add_substrate(const Command& anew);

}  // namespace anew::cli
