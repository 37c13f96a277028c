// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// What both previews do with names beneath a directory. Whether the guest may is for the caller to know.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

#include "host/wasi/errno.hpp"
#include "os/sandbox/beneath.hpp"
#include "os/sandbox/files.hpp"

namespace anew::wasi::detail {

inline constexpr std::uint32_t kMaximumPath = 4095;  // PATH_MAX and a NUL, as all that takes one has it

/// A name beneath a directory of the system.
struct Path {
  int directory;
  std::string_view path;
};

/// @return kNametoolong; kInval if it holds a NUL.
[[nodiscard]] Outcome<void> check_path(std::string_view path);

/// Where something is already: a name with a slash behind it is that of a directory, maybe by a link.
[[nodiscard]] Outcome<os::Place> find_existing(const Path& path, os::LastLink last);
[[nodiscard]] Outcome<void> create_directory(const Path& path);
[[nodiscard]] Outcome<void> set_times(const Path& path, os::LastLink last, os::NewTime accessed, os::NewTime modified);
[[nodiscard]] Outcome<void> link(const Path& from, os::LastLink last, const Path& to);
[[nodiscard]] Outcome<void> rename(const Path& from, const Path& to);
/// @return how much of the target there is, none without room for any.
[[nodiscard]] Outcome<std::uint64_t> read_link(const Path& path, std::span<std::byte> target);
[[nodiscard]] Outcome<void> remove_directory(const Path& path);
[[nodiscard]] Outcome<void> unlink_file(const Path& path);
/// @param target  checked as a path. @return kPerm if it is absolute.
[[nodiscard]] Outcome<void> create_symbolic_link(std::string_view target, const Path& path);

}  // namespace anew::wasi::detail
