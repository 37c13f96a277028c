// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Fails each allocation of calls of the public API in turn.
#pragma once

#include <anew/error.hpp>
#include <cstdint>
#include <functional>
#include <new>
#include <string_view>

namespace anew::test {

/// Calls `scenario` with the first allocation of what it passes to attempt(), may_throw() and never_fails() failing,
/// then the second, and so on until none does: each of them alone, and each with all behind it.
void for_each_allocation(std::string_view what, const std::function<void()>& scenario);
/// For a thread of its own, once: of what it passes to attempt(), that allocation fails.
void fail_allocation(std::uint64_t number);

/// Runs it with allocations failing as planned; passes exceptions on. @return whether one failed until now.
bool run_failing(const std::function<void()>& run);
void report(std::string_view what);

/// Calls something that returns a Result. Fails the test if it throws, or ends with another error than that memory ran
/// out. @param other  an error that it may end with as well.
template <typename F>
auto attempt(F&& function, ErrorCode other = ErrorCode::kResource) -> decltype(function()) {
  decltype(function()) result = std::unexpected(Error{});
  bool failed = false;
  const std::function<void()> run = [&] { result = function(); };
  try {
    failed = run_failing(run);
  } catch (...) {
    report("a function that returns a Result threw");
    throw;  // ends the test
  }
  if (!result && result.error().code != other && !(failed && result.error().code == ErrorCode::kResource))
    report(result.error().message);
  return result;
}

/// Calls something that returns no Result: it may throw std::bad_alloc if an allocation failed, and nothing else.
/// @return whether it did not.
template <typename F>
bool may_throw(F&& function) {
  bool thrown = false;
  const std::function<void()> run = [&] {
    try {
      function();
    } catch (const std::bad_alloc&) {
      thrown = true;
    }
  };
  if (!run_failing(run) && thrown) report("std::bad_alloc although no allocation failed");
  return !thrown;
}

/// Calls something that is noexcept by what it says.
template <typename F>
void never_fails(F&& function) {
  (void)run_failing([&]() noexcept { function(); });
}

}  // namespace anew::test
