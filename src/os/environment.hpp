// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

#include <filesystem>
#include <optional>
#include <string>

namespace anew::os {

/// The value of an environment variable; nothing if it is not set or empty.
[[nodiscard]] std::optional<std::string> environment(const char* name);

/// Where a user's caches lie by the XDG Base Directory Specification: $XDG_CACHE_HOME if it is an absolute path, else
/// $HOME/.cache; nothing if neither is set.
[[nodiscard]] std::optional<std::filesystem::path> user_cache_home();

}  // namespace anew::os
