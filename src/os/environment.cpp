// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "os/environment.hpp"

#include <cstdlib>

namespace anew::os {

std::optional<std::string> environment(const char* name) {
  const char* const value = std::getenv(name);
  if (value == nullptr || *value == '\0') return std::nullopt;
  return value;
}

std::optional<std::filesystem::path> user_cache_home() {
  // "All paths set in these environment variables must be absolute. If an implementation encounters a relative path
  // [...] it should consider the path invalid and ignore it."
  if (const auto cache = environment("XDG_CACHE_HOME"); cache && std::filesystem::path(*cache).is_absolute())
    return *cache;
  if (const auto home = environment("HOME")) return std::filesystem::path(*home) / ".cache";
  return std::nullopt;
}

}  // namespace anew::os
