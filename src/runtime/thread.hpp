// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// What the runtime keeps for each thread that calls guests.
#pragma once

#include <anew/error.hpp>
#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <optional>

#include "abi/library.hpp"
#include "os/signals.hpp"
#include "os/virtual_memory.hpp"
#include "runtime/deadline.hpp"

namespace anew::detail {

/// A guest may call a host function that calls a guest, and so on; each level uses an unknown amount of the thread's
/// own stack, so there must be an end to it. Past this depth a call ends with kStackExhausted.
inline constexpr std::uint32_t kMaximumNesting = 64;

/// Never accessible, below each guest stack. Functions whose frame is larger than a page touch each page of it in
/// order, so nothing jumps over the guard; it is more than a page because host and library code may look further down.
inline constexpr std::uint64_t kStackGuardBytes = 64 << 10;

/// What a guest runs on. It belongs to an activation: a call that is left takes it along (suspended_call.hpp).
struct GuestStack {
  os::Mapping mapping;  ///< guard, then the stack

  [[nodiscard]] std::uint64_t guard_begin() const noexcept { return reinterpret_cast<std::uint64_t>(mapping.data()); }
  [[nodiscard]] std::uint64_t bottom() const noexcept { return guard_begin() + kStackGuardBytes; }
  [[nodiscard]] std::uint64_t bytes() const noexcept {
    return mapping.data() == nullptr ? 0 : mapping.size() - kStackGuardBytes;
  }
  /// Whether it is a stack pointer of this stack, or one of a guest that is about to find that it has used it up.
  [[nodiscard]] bool has(std::uint64_t stack_pointer) const noexcept {
    return stack_pointer - guard_begin() <= mapping.size();
  }
  [[nodiscard]] bool holds(std::uint64_t wanted) const noexcept { return mapping.size() >= kStackGuardBytes + wanted; }
};

struct StoreState;
struct SuspendedCall;

/// A call that runs: what the signal handlers of its thread, the watchdog and interrupt_calls() must know of it. Only
/// its thread writes it, but for `interrupted`.
struct alignas(64) Activation {  // what each call touches is one line of the cache
  std::atomic<StoreState*> store =
      nullptr;  ///< followed by its own thread only: it may go as soon as the call has ended
  std::atomic<const void*> owner = nullptr;
  std::atomic<std::int64_t> deadline = kNoDeadline;  ///< none while no call runs at this depth
  /// Which call it is, of those at this depth. Written after the owner: who reads it first finds an owner that is as
  /// new, or newer, and then the call with this number has ended.
  std::atomic<std::uint64_t> serial = 0;
  /// Mapped when first needed and kept for the next call at this depth, unless the call takes it along.
  GuestStack stack;
  std::uint64_t stub_frame_around =
      0;  ///< ThreadRecord::stub_frame when it began: where the activation around it waits
  std::atomic<std::uint64_t> interrupted = 0;  ///< the serial number of the call that interrupt_calls() wants stopped
  SuspendedCall* suspendable = nullptr;        ///< what keeps the call if it leaves its thread; null: it may not
  std::atomic<std::int64_t> slice_end = kNoDeadline;  ///< when the call, if it computes then, is to leave its thread
};

/// Why a call was stopped from outside.
enum class Interruption : std::uint8_t { kNone, kDeadline, kShutdown, kCancel };

/// The thread's record, of which compiled code and enter.S know the first part.
struct Thread : abi::ThreadRecord {
  std::atomic<std::uint32_t> depth = 0;  ///< activations now
  /// By depth. The last one never has a stack: there the nesting ends.
  std::array<Activation, kMaximumNesting + 1> activations;

  // Stopping calls (watchdog.hpp).
  volatile std::uint32_t kill_depth = 0;            ///< while `kill` is set: of the outermost activation that is to end
  volatile Interruption kill_reason = {};           ///< why it is
  Interruption interruption = {};                   ///< why the last call ended that was stopped from outside
  std::atomic<std::int64_t> watched = kNoDeadline;  ///< the earliest deadline that the watchdog is to see to
  std::atomic<bool> attention = false;              ///< an activation was interrupted; its thread has not looked yet
  std::atomic<std::uint32_t> unanswered = 0;        ///< nudges of the watchdog since its thread last looked
  /// Where a guest was that another thread asked for (tier_up.hpp): program counters, of the function and its caller.
  std::atomic<std::uint64_t> sampled = kNotAsked;
  std::atomic<std::uint64_t> sampled_caller = 0;
  static constexpr std::uint64_t kNotAsked = 0;
  static constexpr std::uint64_t kAsked = 1;
  std::int64_t nudge_at = 0;  ///< the watchdog's own: while there are some, when to send another
  os::ThreadId id = os::current_thread_id();
  Thread* next = nullptr;  ///< in the list of all threads
  Thread* previous = nullptr;

  std::uint64_t refused_growths = 0;  ///< of memories, by the system: a guest cannot tell them from those past a limit

  /// Error of the host function that raised TrapKind::kHostError, until make_trap_error takes it.
  std::optional<Error> pending;
  os::SignalStack signal_stack;

  Thread() noexcept;
  ~Thread();
  Thread(const Thread&) = delete;  // its cells and the list point to it
  Thread& operator=(const Thread&) = delete;

  /// Maps the stack of activations[depth] with at least `bytes` usable. @return false, with the reason in `pending`, if
  /// refused.
  [[nodiscard]] bool map_stack(std::uint64_t bytes) noexcept;
};

// Initial-exec: reading it never calls the dynamic linker, which a signal handler must not do.
[[gnu::tls_model("initial-exec")]] ANEW_DETAIL_API extern constinit thread_local Thread* current;

/// The current thread's, or null if it has called no guest yet. Async-signal-safe.
[[nodiscard]] inline Thread* current_thread() noexcept { return current; }

[[nodiscard, gnu::noinline, gnu::cold]] Thread* make_thread() noexcept;
/// The current thread's, made now if need be; null without memory for it.
[[nodiscard]] inline Thread* this_thread() noexcept { return current != nullptr ? current : make_thread(); }

}  // namespace anew::detail
