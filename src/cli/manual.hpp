// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

#include <anew/error.hpp>
#include <filesystem>
#include <string>

#include "cli/command_tree.hpp"

namespace anew::cli {

/// A page for man(1) in the macros of man(7), of a command alone. @param root  which it belongs to.
[[nodiscard]] std::string manual_page(const CommandDescription& root, const CommandDescription& command);
/// Writes the pages of all commands as DIRECTORY/anew.1, anew-call.1, anew-substrate-call.1 and so on. @return kIo.
[[nodiscard]] Result<void> write_manual_pages(const CommandDescription& root, const std::filesystem::path& directory);

}  // namespace anew::cli
