// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// What the library charges for in modules that count fuel (docs/fuel.md).
#pragma once

#include "runtime/instance.hpp"
#include "runtime/linked_module.hpp"
#include "runtime/thread.hpp"

namespace anew::detail {

/// What operators pay besides their own price: one unit for so much, rounded down.
inline constexpr std::uint64_t kBytesPerUnit = 64;
inline constexpr std::uint64_t kElementsPerUnit = 8;

/// Charges for `amount`, which is in the bounds of a memory, table or stack, so fuel does not wrap. @return false: out
/// of fuel.
inline bool charge(const Instance& instance, std::uint64_t amount, std::uint64_t per_unit) noexcept {
  if (!instance.linked->module->options.fuel) return true;
  abi::ThreadRecord* const thread = instance.header().thread;
  if (thread == nullptr) return true;  // a segment of an instance that is being made: no guest has run in it yet
  thread->fuel -= static_cast<std::int64_t>(amount / per_unit);
  return thread->fuel >= 0;
}

}  // namespace anew::detail
