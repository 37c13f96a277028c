// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// What the tests of idle instances and of their upkeep share.
#pragma once

#include <chrono>
#include <string_view>
#include <thread>

namespace anew::test {

/// Counts its calls in its memory.
inline constexpr std::string_view kCounter = R"((module (memory (export "memory") 20) (data (i32.const 70000) "\05")
  (func (export "count") (result i32)
    (i32.store (i32.const 70000) (i32.add (i32.load (i32.const 70000)) (i32.const 1))) (i32.load (i32.const 70000)))
  (func (export "trap") unreachable)))";

/// Whether it becomes true, on a machine however busy.
template <typename Condition>
bool becomes(Condition&& condition) {
  const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(120);
  while (!condition()) {
    if (std::chrono::steady_clock::now() > end) return false;
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
  return true;
}

}  // namespace anew::test
