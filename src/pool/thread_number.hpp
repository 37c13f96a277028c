// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Small numbers for threads, so that each can have a place of its own in an array.
#pragma once

#include <cstdint>

namespace anew::pool {

/// Numbers below this belong to one living thread at a time, and are given to another one when it ends. Threads beyond
/// get larger numbers, which need not be theirs alone.
inline constexpr std::uint32_t kOwnNumbers = 64;

inline constexpr std::uint32_t kNoNumber = ~std::uint32_t{0};
// Initial-exec: reading it is one instruction, also in a shared library.
[[gnu::tls_model("initial-exec")]] extern constinit thread_local std::uint32_t thread_number;
[[nodiscard]] std::uint32_t take_thread_number() noexcept;

/// What one holder of a number did with memory happens before what the next one does.
[[nodiscard]] inline std::uint32_t this_threads_number() noexcept {
  const std::uint32_t number = thread_number;
  return number != kNoNumber ? number : take_thread_number();
}

}  // namespace anew::pool
