// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// A closed group of instances: the unit that is created, leased and reset together.
#pragma once

#include <atomic>
#include <cstdint>
#include <limits>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "runtime/cancellation.hpp"
#include "runtime/deadline.hpp"
#include "runtime/host_states.hpp"
#include "runtime/instance.hpp"

namespace anew::detail {

inline constexpr std::uint32_t kNoSlot = ~std::uint32_t{0};
/// More than any call can use.
inline constexpr std::int64_t kAllFuel = std::numeric_limits<std::int64_t>::max();
/// More than there are.
inline constexpr std::uint64_t kAllBytes = std::numeric_limits<std::uint64_t>::max();

struct StoreState {
  HostStates host_states;  ///< goes after the instances
  /// By number; none imports from one behind it. Changes only while the store's thread is in host state: its trap
  /// handler reads it.
  std::vector<std::unique_ptr<Instance>> instances;
  std::map<std::string, std::uint32_t, std::less<>> names;  ///< under which imports find an instance, by its number
  /// A call ended with anything but a normal return since the last restore: no card or header of the group's memories
  /// is trusted. Those of tables always are (invariant C6 of abi/cell.hpp).
  bool distrusted = false;
  std::uint32_t trap = 0;  ///< how the last call that did not return normally ended: a TrapKind
  /// The group's code compares every address with the memory's size (codegen::Options::explicit_bounds), so what a
  /// memory grew by may stay accessible, zeroed, when it shrinks back.
  bool keeps_growth = false;
  /// What all memories and tables may grow by together until the next restore, and what they grew by. While a store is
  /// put together, what new ones begin with counts as growth.
  std::uint64_t growable_bytes = kAllBytes;
  std::uint64_t grown_bytes = 0;
  Ledger ledger = Ledger::kCards;  ///< what restores of it go by
  std::uint32_t slot = kNoSlot;    ///< in its pool; kNoSlot for one that is destroyed when its lease goes
  const void* owner = nullptr;     ///< its pool: whose calls interrupt_calls() stops
  std::atomic<std::int64_t> deadline = kNoDeadline;  ///< of the calls in it (deadline.hpp); kCancelled
  std::int64_t time_slice = kNoDeadline;             ///< of calls that may leave their threads; ns
  std::shared_ptr<Cancellation> cancellation;        ///< once one of its leases had a Canceller
  bool has_cancellers = false;                       ///< the lease that it is in now has
  bool is_metered = false;                           ///< the code of one of its instances counts fuel or its frames
  std::int64_t fuel = kAllFuel;  ///< left to the calls in it, in modules compiled with CompileOptions::fuel
  /// Units that the frames of a call may take: the least CompileOptions::stack_limit of its instances.
  std::int64_t stack_limit = std::numeric_limits<std::int64_t>::max();
  std::int64_t stack_left = 0;  ///< while its guest waits for a call that a host function makes: of these

  StoreState() = default;
  ~StoreState() {
    if (cancellation) cancellation->end_store();
  }
  StoreState(const StoreState&) = delete;  // the instances point back to it
  StoreState& operator=(const StoreState&) = delete;

  /// Counts what a memory or table is about to grow by, before it does: if the guest is stopped in between, too much is
  /// counted until the restore. @return false, counting nothing, if that is too much.
  [[nodiscard]] bool take_bytes(std::uint64_t bytes) noexcept {
    if (bytes > growable_bytes - grown_bytes) return false;
    grown_bytes += bytes;
    return true;
  }
  void give_bytes_back(std::uint64_t bytes) noexcept { grown_bytes -= bytes; }

  /// The instance whose calls a lease makes.
  [[nodiscard]] Instance& main() const noexcept { return *instances.back(); }

  /// The name that imports find the instance under; empty if it has none.
  [[nodiscard]] std::string_view name_of(const Instance& instance) const noexcept;

  /// A function reference's bits as a number that means the same in every store put together in the same way, and back:
  /// 0 for null, else 1 + (instance << 32 | function). Nothing for bits that are not a reference to a function of this
  /// store.
  [[nodiscard]] std::optional<std::uint64_t> function_number(std::uint64_t reference) const noexcept;
  [[nodiscard]] std::uint64_t function_reference(std::uint64_t number) const noexcept;
  /// What is wrong with bits that the host wants to pass to a guest as a reference, in words; null if nothing is. What
  /// compiled code follows must be null or have come from this store: a made-up one would let a guest read anything.
  [[nodiscard]] const char* reference_problem(const ScopedType& type, std::uint64_t bits) const noexcept;
};

}  // namespace anew::detail
