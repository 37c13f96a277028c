// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

#include <cstdint>
#include <string>

#include "cli/command_tree.hpp"

namespace anew::cli {

enum class Shell : std::uint8_t { kBash, kZsh, kFish };

/// A script for the shell to read, by which it completes the names of subcommands, options and choices, and of files
/// where neither fits.
[[nodiscard]] std::string completion_script(Shell shell, const CommandDescription& root);

}  // namespace anew::cli
