// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "os/available_memory.hpp"

#include <algorithm>
#include <fstream>
#include <limits>
#include <optional>
#include <string>

namespace anew::os {
namespace {

constexpr std::uint64_t kUnknown = std::numeric_limits<std::uint64_t>::max();

/// The number that follows a word in a file of words and numbers; nothing if the file or the word is not there.
std::optional<std::uint64_t> number_after(const std::filesystem::path& path, const std::string& word) {
  std::ifstream file(path);
  for (std::string each; file >> each;) {
    std::uint64_t number = 0;
    if (each == word && file >> number) return number;
  }
  return std::nullopt;
}

/// A file of one number; nothing if it is not there or holds a word ("max").
std::optional<std::uint64_t> number_in(const std::filesystem::path& path) {
  std::ifstream file(path);
  std::uint64_t number = 0;
  if (file >> number) return number;
  return std::nullopt;
}

/// The control group of this process below the root of their file system: "/user.slice/...".
std::string own_group(const std::filesystem::path& root) {
  std::ifstream file(root / "proc/self/cgroup");
  for (std::string line; std::getline(file, line);)
    if (line.starts_with("0::/")) return line.substr(4);  // version 2's line
  return {};
}

std::uint64_t left_in_group(const std::filesystem::path& group) {
  const auto maximum = number_in(group / "memory.max");
  const auto current = number_in(group / "memory.current");
  if (!maximum || !current) return kUnknown;
  const std::uint64_t cache = number_after(group / "memory.stat", "inactive_file").value_or(0);
  const std::uint64_t used = *current - std::min(cache, *current);
  return *maximum - std::min(used, *maximum);
}

}  // namespace

std::uint64_t available_memory(const std::filesystem::path& root) {
  std::uint64_t least = kUnknown;
  if (const auto kilobytes = number_after(root / "proc/meminfo", "MemAvailable:")) least = *kilobytes * 1024;
  // A group's limit holds for all groups in it.
  const std::filesystem::path top = root / "sys/fs/cgroup";
  std::filesystem::path group = top;
  least = std::min(least, left_in_group(group));
  for (const auto& name : std::filesystem::path(own_group(root))) {
    group /= name;
    least = std::min(least, left_in_group(group));
  }
  return least;
}

std::uint64_t available_memory() { return available_memory("/"); }

}  // namespace anew::os
