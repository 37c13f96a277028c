// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Fair reuse in user space: putting a store's cells back to the state of instances as new, and nothing but cells.
//
//   Snapshot::take(module, linker)           the pristine state of a store: of the main module's instance and of those
//                                            of the modules that it links to, made as the specification says
//   Snapshot::of(store)                      the same of a live store, as it is
//   make_store(snapshot)                     another store in that state (restore.hpp)
//   restore(store, snapshot)                 after a call: copies back what the cards say was written
//   restore_whole(store, snapshot)           for cells fresh from the system, or distrusted: everything
//   audit(store, reference)                  compares a restored store with one made the slow way (audit.hpp)
//
// A store is a closed group of instances, most often of one. It is restored as a whole: what lies in one instance's
// cell may have been written by another's code. Of each instance there are to restore: the memories that it owns and
// their sizes, the restored block (globals and dropped-segment bytes), the tables that it owns and their sizes, the
// cards, and the room for exceptions. What it only reaches through a link is another's. Everything in a snapshot is
// independent of where a cell lies: references are kept as function numbers (StoreState::function_number).
//
// Making a store is mapping empty cells and restoring them whole: there is no second way that could disagree.
//
// Invariants:
//   R1  After a restore, a store cannot be told from one made the slow way by any guest or host function (audit).
//   R2  Between restores every byte of a memory that differs from the snapshot lies in [begin, end + kSlackBytes) of a
//       run of set cards, or above the snapshot's memory size, or the store is distrusted. Where a module's code has no
//       marks, no card of its store is trusted.
//   R3  A store whose restore failed is destroyed, never handed out.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "runtime/instance.hpp"
#include "runtime/store_state.hpp"

namespace anew::reset {

/// A memory's pristine content.
struct MemoryImage {
  std::int32_t reference = 0;  ///< where its MemoryReference lies in the cell of the instance that owns it
  std::uint64_t bytes = 0;
  os::Mapping pages;  ///< read-only; those that are all zero have never been touched and cost nothing
  std::vector<std::uint64_t> nonzero_pages;  ///< a bit for each of them

  [[nodiscard]] bool is_nonzero(std::uint64_t page) const noexcept {
    return (nonzero_pages[page / 64] >> (page % 64) & 1) != 0;
  }
};

struct TableImage {
  std::uint32_t table = 0;  ///< its index in the instance that owns it
  bool functions = false;   ///< the elements are function numbers, not the bits themselves
  std::vector<std::uint64_t> elements;
};

/// The pristine state of one instance.
struct InstanceImage {
  /// A global of the restored block that refers to a function: its bits depend on where the cells lie.
  struct FunctionGlobal {
    std::int32_t displacement;
    std::uint64_t number;
  };

  std::shared_ptr<const detail::LinkedModule> linked;
  std::vector<MemoryImage> memories;
  std::vector<std::byte> restored_block;  ///< with null for references to functions
  std::vector<FunctionGlobal> function_globals;
  std::vector<TableImage> tables;
};

struct Snapshot {
  std::vector<InstanceImage> instances;  ///< by number; the main one last
  std::map<std::string, std::uint32_t, std::less<>> names;
  bool marks = true;  ///< the code of all instances marks what it writes
  /// The main instance's start function calls the host, so its effect cannot be frozen: it runs after each restore.
  bool start_after_restore = false;

  [[nodiscard]] const detail::LinkedModule& main() const noexcept { return *instances.back().linked; }

  /// Instantiates the modules that the linker defines, then `module`, as the specification says, and keeps the result.
  /// A start function that does not call the host is run and its effect frozen; one that does is stopped at the first
  /// such call, before the host sees it.
  /// @return what detail::link returns; kTrap if a segment does not fit or a start function traps; kUnsupported if that
  ///         of another module than the main one calls the host; kResource.
  [[nodiscard]] static Result<Snapshot> take(std::shared_ptr<const detail::ModuleState> module,
                                             const detail::LinkerState& linker, std::uint64_t extra_pages);

  /// Keeps the state of a live store. Looks at all of its memories. No guest runs in it meanwhile.
  /// @return kUnsupported if a global or table holds an exception; kResource; kHost for a made-up function reference.
  [[nodiscard]] static Result<Snapshot> of(const detail::StoreState& store);
};

/// A store made the slow way: each instance mapped, its segments copied one by one, its start function run; that of the
/// main instance only if `run_start` is true.
[[nodiscard]] Result<std::unique_ptr<detail::StoreState>> instantiate(const Snapshot& snapshot, bool run_start);

/// Whether an instance owns the memory of that index, so that its content belongs to the instance's state.
[[nodiscard]] inline bool owns_memory(const detail::Instance& instance, std::uint32_t memory) noexcept {
  return instance.linked->memory_source(memory).is_own();
}
[[nodiscard]] inline bool owns_table(const detail::Instance& instance, std::uint32_t table) noexcept {
  return instance.linked->table_source(table).is_own();
}

}  // namespace anew::reset
