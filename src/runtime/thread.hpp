// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// What the runtime keeps for each thread that calls guests.
#pragma once

#include <anew/error.hpp>
#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>

#include "abi/library.hpp"
#include "os/signals.hpp"
#include "os/virtual_memory.hpp"

namespace anew::detail {

/// A guest may call a host function that calls a guest, and so on; each level uses an unknown amount of the thread's
/// own stack, so there must be an end to it. Past this depth a call ends with kStackExhausted.
inline constexpr std::uint32_t kMaximumNesting = 64;

/// Never accessible, below each guest stack. Functions whose frame is larger than a page touch each page of it in
/// order, so nothing jumps over the guard; it is more than a page because host and library code may look further down.
inline constexpr std::uint64_t kStackGuardBytes = 64 << 10;

/// The stack on which guests run at one level of nesting.
struct GuestStack {
  os::Mapping mapping;  ///< guard, then the stack

  [[nodiscard]] std::uint64_t guard_begin() const noexcept { return reinterpret_cast<std::uint64_t>(mapping.data()); }
  [[nodiscard]] std::uint64_t bottom() const noexcept { return guard_begin() + kStackGuardBytes; }
  [[nodiscard]] std::uint64_t bytes() const noexcept {
    return mapping.data() == nullptr ? 0 : mapping.size() - kStackGuardBytes;
  }
};

struct StoreState;

/// What the trap handler must know of the guest that runs now.
struct Activation {
  StoreState* store = nullptr;
  std::uint64_t guard_begin = 0;  ///< of its guest stack
  std::uint64_t stack_bottom = 0;
};

/// The thread's record, of which compiled code and enter.S know the first part.
struct Thread : abi::ThreadRecord {
  Activation activation;                           ///< the innermost; meaningful while a guest is active
  std::uint32_t depth = 0;                         ///< activations now
  std::array<GuestStack, kMaximumNesting> stacks;  ///< by depth; mapped when first needed, kept until the thread ends
  /// Error of the host function that raised TrapKind::kHostError, until make_trap_error takes it.
  std::optional<Error> pending;
  os::SignalStack signal_stack;

  /// Maps stacks[depth] with at least `bytes` usable. @return false, with the reason in `pending`, if refused.
  [[nodiscard]] bool map_stack(std::uint64_t bytes) noexcept;
};

/// The current thread's, or null if it has called no guest yet. Async-signal-safe.
[[nodiscard]] Thread* current_thread() noexcept;
/// The current thread's, made now if need be. Never fails but by std::terminate: it needs a few KiB.
[[nodiscard]] Thread& this_thread() noexcept;

}  // namespace anew::detail
