// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// What system calls give to a guest's sandbox: the error's number rather than a message, since a guest gets a number.
#pragma once

#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <expected>
#include <system_error>

#include "os/file.hpp"

namespace anew::os {

/// A value, or why the system refused: what `errno` was.
template <typename T>
using SystemResult = std::expected<T, std::errc>;

/// @param number  as `errno`.
[[nodiscard]] inline std::unexpected<std::errc> fail_with(int number) {
  return std::unexpected(static_cast<std::errc>(number));
}
/// @param result  of a system call that returns 0, or fails.
[[nodiscard]] inline SystemResult<void> check(int result) {
  if (result != 0) return fail_with(errno);
  return {};
}
/// @param count  what a system call returns that fails with a negative number.
[[nodiscard]] inline SystemResult<std::uint64_t> check_count(std::int64_t count) {
  if (count < 0) return fail_with(errno);
  return static_cast<std::uint64_t>(count);  // not negative
}
/// @param number  of a descriptor that a system call returns, or fails with a negative number.
[[nodiscard]] inline SystemResult<Descriptor> check_descriptor(int number) {
  if (number < 0) return fail_with(errno);
  return Descriptor(number);
}

/// A stretch of memory that the system reads or writes: laid out as its own `iovec`.
struct Buffer {
  std::byte* data;
  std::size_t size;
};

}  // namespace anew::os
