// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Makes allocations of this program fail: operator new, and malloc, calloc and realloc as libraries that are linked
// statically call them (asmjit does; tests/CMakeLists.txt wraps them). Only those of the thread that asked for it.
#pragma once

#include <cstdint>

namespace anew::test {

enum class Failing : std::uint8_t {
  kOnce,     ///< one allocation; those behind it succeed
  kForEver,  ///< that one and all behind it
};

/// While one lives, allocations of this thread are counted from 0; number `at` fails.
class FailingAllocations {
 public:
  FailingAllocations(std::uint64_t at, Failing how) noexcept;
  ~FailingAllocations();
  FailingAllocations(const FailingAllocations&) = delete;
  FailingAllocations& operator=(const FailingAllocations&) = delete;
  [[nodiscard]] static std::uint64_t counted() noexcept;              ///< of all kinds
  [[nodiscard]] static std::uint64_t counted_from_malloc() noexcept;  ///< without those of operator new
};

}  // namespace anew::test
