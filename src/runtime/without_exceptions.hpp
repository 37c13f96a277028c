// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

#include <anew/error.hpp>
#include <exception>
#include <new>
#include <string>

namespace anew::detail {

/// The error of whoever runs out of memory, also where there is none for its message.
inline std::unexpected<Error> out_of_memory(const char* doing) noexcept {
  try {
    return fail(ErrorCode::kResource, std::string("out of memory while ") + doing);
  } catch (const std::bad_alloc&) {
    return fail(ErrorCode::kResource, "out of memory");  // short enough to need none: std::string keeps it in itself
  }
}

/// Runs what may throw inside and must not throw outside: the standard library when memory runs out, {fmt}, and
/// callbacks of the embedder. @param doing  what fails then, for the message: "a module is compiled".
template <typename F>
auto without_exceptions(const char* doing, F&& work) -> decltype(work()) {
  try {
    return work();
  } catch (const std::bad_alloc&) {
    return out_of_memory(doing);
  } catch (const std::exception& exception) {
    return fail(ErrorCode::kHost, std::string("an exception while ") + doing + ": " + exception.what());
  } catch (...) {
    return fail(ErrorCode::kHost, std::string("an exception that is no std::exception while ") + doing);
  }
}

}  // namespace anew::detail
