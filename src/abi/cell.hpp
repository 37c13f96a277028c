// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The cell: the one contiguous region of address space that holds all mutable state of one instance, and the contract
// between compiled code and the runtime about where each piece lies.
//
// Compiled code receives one pointer, the *cell pointer* (in r13), which is the base of linear memory 0. Everything
// else lies at constant negative displacements from it, computed from the module alone by CellLayout::of:
//
//   low     table elements         8 bytes each: FunctionReference* or the host's bits of an externref; 0 is null
//           function references    one FunctionReference a function, imports first
//           table sizes            u64 each: elements now in the table
//           type identities        u32 each: the engine-wide id of each type of the module
//     - c   card table             1 byte a card of memory 0, card 0 at cell + cards; covers 4 GiB + guard
//           spilled results        results past the fourth of a class, read by the caller at once
//           dropped segments       1 byte each: data segments, then element segments; 1 = dropped
//           globals                8 bytes each, global 0 nearest to the cell
//     - h   HotHeader              64 bytes, within one-byte displacements
//   cell 0  linear memory 0        4 GiB of address space, of which the first HotHeader::memory_bytes can be accessed
//           guard                  kGuardBytes, never accessible
//
// Invariants:
//   C1  Everything a guest can change lies in the cell. A reset restores the cell; there is nothing else to restore.
//   C2  [low, cell + memory_bytes) is readable and writable; [cell + memory_bytes, end) is not accessible at all.
//   C3  Compiled code computes addresses as cell + zero-extended index + offset with offset < kGuardBytes - 16, so no
//       access leaves [cell, end); a larger offset is checked against memory_bytes first.
//   C4  A mark for address a < 4 GiB + kGuardBytes hits a byte of the card table: a mark before an out-of-bounds store
//       stays inside the cell.
//   C5  Every displacement fits in 31 bits.
#pragma once

#include <anew/error.hpp>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "wasm/module.hpp"

namespace anew::abi {

/// Part of every artifact: raise it with any change to this folder or to the code that the code generators emit.
inline constexpr std::uint32_t kAbiVersion = 1;

inline constexpr std::uint64_t kWasmPageBytes = 65'536;
inline constexpr std::uint64_t kMemoryAddressSpace = 1ull << 32;
inline constexpr std::uint64_t kGuardBytes = 32ull << 20;
inline constexpr std::uint32_t kMinimumCardShift = 9;   // 512 bytes
inline constexpr std::uint32_t kMaximumCardShift = 12;  // 4 KiB

/// A restore of a dirty card also restores this many bytes behind it, so one mark may stand for stores that begin up to
/// kSlackBytes - 16 bytes past the marked address.
inline constexpr std::uint32_t kSlackBytes = 256;

struct Library;
struct ThreadRecord;
struct HostFunction;

/// What table elements and funcref values point to. One per function and cell.
struct FunctionReference {
  std::uint32_t type_id;         ///< engine-wide identity of the function's type: equal types, equal ids
  std::uint32_t function_index;  ///< in its module
  void* const* entry;            ///< its slot in the module's table of entry addresses
  std::byte* cell;               ///< of the instance that owns the function
};
static_assert(sizeof(FunctionReference) == 24);

/// The last 64 bytes before the cell pointer; compiled code uses the displacements below.
struct HotHeader {
  void* instance;                      ///< -64  the runtime's object for this cell
  std::uint64_t tables_written;        ///< -56  not 0: some table was written since the last restore
  std::uint64_t memory_reached;        ///< -48  the largest memory_bytes since the last restore
  std::uint64_t memory_maximum;        ///< -40  bytes that memory 0 may grow to
  const HostFunction* host_functions;  ///< -32  by index of the imported function
  const Library* library;              ///< -24
  ThreadRecord* thread;                ///< -16  of the thread that runs in this cell now
  std::uint64_t memory_bytes;          ///< -8   size of memory 0 now
};
static_assert(sizeof(HotHeader) == 64);
inline constexpr std::int32_t kTablesWritten = -56;
inline constexpr std::int32_t kHostFunctions = -32;
inline constexpr std::int32_t kLibrary = -24;
inline constexpr std::int32_t kThread = -16;
inline constexpr std::int32_t kMemoryBytes = -8;

[[nodiscard]] inline HotHeader& hot_header(std::byte* cell) noexcept {
  // By the layout above a HotHeader ends where memory 0 begins; whoever maps a cell constructs it there.
  return *reinterpret_cast<HotHeader*>(cell - sizeof(HotHeader));
}

/// Where everything of one module's cells lies, as displacements from the cell pointer. A pure function of the module
/// and the card size, so that code, artifact and runtime agree without storing it.
class CellLayout {
 public:
  /// @param card_shift  log2 of the card size, kMinimumCardShift to kMaximumCardShift.
  /// @return kLimit if tables or globals do not fit.
  [[nodiscard]] static Result<CellLayout> of(const wasm::Module& module, std::uint32_t card_shift);

  [[nodiscard]] std::uint32_t card_shift() const noexcept { return card_shift_; }
  [[nodiscard]] std::int32_t global(std::uint32_t index) const noexcept {
    return -static_cast<std::int32_t>(sizeof(HotHeader)) - 8 * (static_cast<std::int32_t>(index) + 1);
  }
  /// Data segments first, then element segments.
  [[nodiscard]] std::int32_t dropped_data(std::uint32_t segment) const noexcept {
    return dropped_ + static_cast<std::int32_t>(segment);
  }
  [[nodiscard]] std::int32_t dropped_elements(std::uint32_t segment) const noexcept {
    return dropped_ + static_cast<std::int32_t>(data_segments_ + segment);
  }
  /// The restored block: globals and dropped-segment bytes, contiguous: [restored_begin, -sizeof(HotHeader)).
  [[nodiscard]] std::int32_t restored_begin() const noexcept { return dropped_; }
  [[nodiscard]] std::uint32_t restored_bytes() const noexcept {
    return static_cast<std::uint32_t>(-static_cast<std::int32_t>(sizeof(HotHeader)) - dropped_);
  }
  /// Result number `index` past those in registers, counted over both classes in order.
  [[nodiscard]] std::int32_t spilled_result(std::uint32_t index) const noexcept {
    return spilled_results_ + 8 * static_cast<std::int32_t>(index);
  }
  [[nodiscard]] std::int32_t cards() const noexcept { return cards_; }
  [[nodiscard]] std::uint64_t card_table_bytes() const noexcept { return card_table_bytes_; }
  [[nodiscard]] std::int32_t type_id(std::uint32_t type) const noexcept {
    return type_ids_ + 4 * static_cast<std::int32_t>(type);
  }
  [[nodiscard]] std::int32_t table_size(std::uint32_t table) const noexcept {
    return table_sizes_ + 8 * static_cast<std::int32_t>(table);
  }
  [[nodiscard]] std::int32_t function_reference(std::uint32_t function) const noexcept {
    return function_references_ + static_cast<std::int32_t>(sizeof(FunctionReference) * function);
  }
  [[nodiscard]] std::int32_t table_elements(std::uint32_t table) const noexcept { return tables_[table].elements; }
  /// Elements that the table has room for: table.grow past it fails.
  [[nodiscard]] std::uint32_t table_capacity(std::uint32_t table) const noexcept { return tables_[table].capacity; }
  /// Bytes from the low end of the header to the cell pointer; a multiple of 4096.
  [[nodiscard]] std::uint64_t header_bytes() const noexcept { return header_bytes_; }
  /// Address space of a cell: header, 4 GiB, guard.
  [[nodiscard]] std::uint64_t reservation_bytes() const noexcept {
    return header_bytes_ + kMemoryAddressSpace + kGuardBytes;
  }

 private:
  struct Table {
    std::int32_t elements;
    std::uint32_t capacity;
  };
  std::uint32_t card_shift_ = 0;
  std::uint32_t data_segments_ = 0;
  std::int32_t dropped_ = 0;
  std::int32_t spilled_results_ = 0;
  std::int32_t cards_ = 0;
  std::uint64_t card_table_bytes_ = 0;
  std::int32_t type_ids_ = 0;
  std::int32_t table_sizes_ = 0;
  std::int32_t function_references_ = 0;
  std::vector<Table> tables_;
  std::uint64_t header_bytes_ = 0;
};

/// The card size for a module of which nothing else is known: small memories get small cards, so that sparse writes
/// copy little; a large memory's card table must stay quick to scan. @return log2.
[[nodiscard]] std::uint32_t default_card_shift(const wasm::Module& module) noexcept;

}  // namespace anew::abi
