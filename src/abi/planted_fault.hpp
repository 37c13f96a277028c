// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Faults that a test plants in what makes an instance as new, one at a time, to see that the fairness fuzzer finds each
// (tests/fairness). In every other build kPlantedFault is kNone, and the code is what it is without them.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>

#ifndef ANEW_PLANTED_FAULT
#define ANEW_PLANTED_FAULT kNone
#endif

namespace anew::abi {

enum class PlantedFault : std::uint8_t {
  kNone,
  // What a reset puts back (src/reset).
  kCard,            ///< the last card of each fourth run is not restored
  kSlack,           ///< the slack behind a run is not restored
  kSlackEnd,        ///< nor are its last 8 bytes alone
  kZeroPage,        ///< where the image has nothing, a memory is not zeroed
  kFurtherMemory,   ///< only an instance's first memory is restored
  kMemoryGrowth,    ///< what a memory grew by is not taken back
  kGrownBytes,      ///< it is, but is not zero when the memory grows again
  kGlobal,          ///< the slot of global 0 is not restored
  kDroppedSegment,  ///< the byte of the first segment is not restored
  kGrownCount,      ///< what memories and tables grew by still counts
  kTable,           ///< a table's elements are not restored
  kTableCard,       ///< of each run of a table's cards, the last is not restored if there are several
  kTableNulls,      ///< where the image has nothing, a table's elements do not become null
  kTableClear,      ///< a table's cards are not cleared
  kTableGrowth,     ///< a table's size is not restored
  kExceptions,      ///< the room for exceptions is not emptied
  kLinkedInstance,  ///< of a group only the main instance is restored
  kWholeMemory,     ///< after a trap, pages that are zero in the image are not restored
  kCardsOfTrap,     ///< after a trap, cards are not cleared
  kPagemapRun,      ///< of the pages that the kernel names, only the first run is restored
  kDiscard,         ///< under the ledger cow only the first page is given back
  // What a pool does about it (src/pool).
  kDistrust,   ///< cards are trusted after a trap
  kHostState,  ///< the host's state is not reset
  kStart,      ///< a start function that calls the host does not run again
  // What tells a reset what to put back (src/runtime, src/codegen).
  kRangeMark,   ///< bulk operators and the host mark the first card of a range only
  kTableNote,   ///< table.fill does not note that it wrote
  kTableMark,   ///< table.set sets no card
  kTableRange,  ///< what writes several elements of a table sets the first card only
  kLinkedMark,  ///< a store to another memory than the cell's marks nothing
  kAtomicMark,  ///< an atomic operator that reads and writes marks nothing
  kLaneMark,    ///< nor does a store of one lane
  kMemberMark,  ///< one mark is thought to serve stores that lie 16 bytes too far behind it
};

inline constexpr PlantedFault kPlantedFault = PlantedFault::ANEW_PLANTED_FAULT;

[[nodiscard]] constexpr bool is_planted(PlantedFault fault) noexcept { return kPlantedFault == fault; }

/// With its fault planted, these bytes are at the end of the scope what they were at its beginning.
template <PlantedFault kFault, std::size_t kBytes>
class Spared {
 public:
  explicit Spared([[maybe_unused]] std::byte* place) noexcept {
    if constexpr (is_planted(kFault)) std::memcpy(bytes_, place_ = place, kBytes);
  }
  Spared(const Spared&) = delete;
  Spared& operator=(const Spared&) = delete;
  ~Spared() {
    if constexpr (is_planted(kFault)) std::memcpy(place_, bytes_, kBytes);
  }

 private:
  std::byte* place_ = nullptr;
  std::byte bytes_[kBytes] = {};
};

}  // namespace anew::abi
