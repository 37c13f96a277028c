// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// What system calls give to a guest's sandbox: the error's number rather than a message, since a guest gets a number.
#pragma once

#include <cstddef>
#include <expected>
#include <system_error>

namespace anew::os {

/// A value, or why the system refused: what `errno` was.
template <typename T>
using SystemResult = std::expected<T, std::errc>;

/// A stretch of memory that the system reads or writes: laid out as its own `iovec`.
struct Buffer {
  std::byte* data;
  std::size_t size;
};

}  // namespace anew::os
