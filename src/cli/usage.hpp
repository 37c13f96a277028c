// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// What is said about a command line that is not understood, and the help about one that could be.
#pragma once

#include <CLI/CLI.hpp>
#include <string>
#include <vector>

#include "cli/command.hpp"

namespace anew::cli {

/// What is wrong, what is allowed, the nearest match, and where the help is. @param root  that could not parse.
[[nodiscard]] std::string describe_usage_error(const CLI::App& root, const CLI::ParseError& error);

/// Has --json=no and the like be wrong usage, in subcommands too. Once all options are there.
void refuse_values_of_flags(CLI::App& command);

/// `anew help [SUBCOMMAND...]` and `anew version`: what --help and --version print.
void add_help(CLI::App& root, Run& run);

}  // namespace anew::cli
