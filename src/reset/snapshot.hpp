// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Fair reuse in user space: putting a cell back to the state of an instance as new, and nothing but a cell.
//
//   link(module, linker) -> LinkedModule     what instances share before any exists   (runtime/)
//   Snapshot::take       -> Snapshot         the pristine state, taken once from an instance made as the
//                                            specification says, the slow way
//   restore(instance, snapshot)              after a call: copies back what the cards say was written (restore.hpp)
//   restore_whole(instance, snapshot)        for a cell that is fresh from the system, or distrusted: everything
//   audit(instance, reference)               compares a restored cell with one made the slow way (audit.hpp)
//
// What there is to restore is the cell, and the cell has five parts that a guest can change: memory 0 and its size, the
// restored block (globals and dropped-segment bytes), the tables and their sizes, and the cards themselves. Everything
// in a snapshot is independent of where a cell lies: references are kept as function numbers.
//
// Making an instance is mapping an empty cell and restoring it whole: there is no second way that could disagree.
//
// Invariants:
//   R1  After a restore, a cell cannot be told from one made the slow way by any guest or host function (audit).
//   R2  Between restores every byte of memory that differs from the snapshot lies in [begin, end + kSlackBytes) of a
//       run of set cards, or above the snapshot's memory size, or the cell is distrusted.
//   R3  A cell whose restore failed is destroyed, never handed out.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

#include "runtime/instance.hpp"

namespace anew::reset {

struct Snapshot {
  std::shared_ptr<const detail::LinkedModule> linked;

  std::uint64_t memory_bytes = 0;
  os::Mapping image;  ///< memory 0, read-only; pages that are all zero have never been touched and cost nothing
  std::vector<std::uint64_t> nonzero_pages;  ///< a bit for each 4 KiB page of the image

  std::vector<std::byte> restored_block;  ///< with null for references to functions
  /// The globals of the restored block that are references to functions: their bits depend on the cell.
  struct FunctionGlobal {
    std::uint32_t global;
    std::uint32_t function;
  };
  std::vector<FunctionGlobal> function_globals;

  struct Table {
    /// funcref: the function's index plus 1, or 0 for null; externref: the host's bits.
    std::vector<std::uint64_t> elements;
  };
  std::vector<Table> tables;

  /// The start function calls the host, so its effect cannot be frozen: it runs after each restore.
  bool start_after_restore = false;

  [[nodiscard]] bool is_nonzero(std::uint64_t page) const noexcept {
    return (nonzero_pages[page / 64] >> (page % 64) & 1) != 0;
  }

  /// Instantiates the module as the specification says and keeps the result. A start function that does not call the
  /// host is run and its effect frozen; one that does is stopped at the first such call, before the host sees it.
  /// @return kTrap if a segment does not fit or the start function traps; kResource.
  [[nodiscard]] static Result<Snapshot> take(std::shared_ptr<const detail::LinkedModule> linked);
};

/// An instance made the slow way: mapped, segments copied one by one, and the start function run unless `run_start` is
/// false.
[[nodiscard]] Result<std::unique_ptr<detail::Instance>> instantiate(std::shared_ptr<const detail::LinkedModule> linked,
                                                                    bool run_start);

}  // namespace anew::reset
