// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

#include <anew/error.hpp>
#include <new>

namespace anew::detail {

/// An error with that message; without it where there is no memory.
[[nodiscard]] Error make_bare_error(ErrorCode code, const char* message) noexcept;
/// The error for an exception, in flight when called. @param doing  what it ended: "a module is compiled".
[[nodiscard]] ANEW_DETAIL_API Error error_of_exception(const char* doing) noexcept;

/// Runs what may throw inside and must not throw outside: the standard library when memory runs out, {fmt}, and
/// callbacks of the embedder. @param doing  what fails then, for the message: "a module is compiled".
template <typename F>
auto without_exceptions(const char* doing, F&& work) noexcept -> decltype(work()) {
  try {
    return work();
  } catch (...) {
    return std::unexpected(error_of_exception(doing));
  }
}

/// A copy of a value or an error that several are told; of an error, where there is no memory for more, its code.
template <typename T>
[[nodiscard]] Result<T> copy_of(const Result<T>& result) noexcept {
  try {
    return result;
  } catch (const std::bad_alloc&) {
    return std::unexpected(Error{result.error().code, "out of memory", std::nullopt, result.error().trap, {}});
  }
}

}  // namespace anew::detail
