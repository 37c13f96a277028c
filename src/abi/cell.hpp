// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The cell: the one contiguous region of address space that holds the mutable state of one instance, and the contract
// between compiled code and the runtime about where each piece lies.
//
// Compiled code receives one pointer, the *cell pointer* (in a register of its own), which is the base of the
// instance's own linear memory 0. Everything else lies at constant negative displacements from it, computed from the
// module alone by CellLayout::of:
//
//   low     exceptions             room for the exceptions of one call; only in modules with tags, and used only in a
//                                  store's first instance of such a one
//           tables                 each a TableHeader and its elements, 8 bytes each: FunctionReference*, the host's
//                                  bits of an externref, or Exception*; 0 is null
//           cards of the tables    1 byte for each kTableCardElements elements that a table has room for
//           function references    one FunctionReference a function, imports first
//           type identities        u32 each: the engine-wide id of each type of the module
//     - c   card table             1 byte a card of memory 0, card 0 at cell + cards; covers 4 GiB + guard
//           links                  what is reached through a pointer: a MemoryReference a memory, 8 bytes each for the
//                                  imported tables (their elements), the imported mutable globals and the tags
//           dropped segments       1 byte each: data segments, then element segments; 1 = dropped
//           globals                8 bytes each, 16 for a v128; global 0 nearest to the cell. Imported
//                                  mutable ones have a place too, for those that are
//                                  made for the instance
//     - h   HotHeader              64 bytes, within one-byte displacements
//   cell 0  linear memory 0        4 GiB of address space, of which the first HotHeader::memory_bytes can be accessed
//           guard                  kGuardBytes, never accessible
//
// Further memories lie in regions of their own, of the same shape: a card table, a HotHeader, 4 GiB and a guard.
// Compiled code reaches them through the cell's MemoryReference, and so it does memory 0 if that is another instance's
// (the module is compiled in a second variant then, Options::foreign_memory); such a cell ends at the cell pointer, as
// does that of a module without memories. What lies in another instance's cell is restored with that instance.
//
// Invariants:
//   C1  Everything a guest can change lies in the cell or in the further memories. A reset restores these; there is
//       nothing else to restore. The links and what is below the card table never change but for tables and exceptions.
//   C2  [low, cell + memory_bytes) is readable and writable; [cell + memory_bytes, end) is not accessible at all. The
//       same holds for a further memory's region. But in a store whose code compares every address with the size
//       (codegen::Options::explicit_bounds) what a memory grew by may stay accessible when it has shrunk back, and is
//       zero then: what a mispredicted comparison lets through finds nothing.
//   C3  Compiled code computes addresses in 32-bit memories as base + zero-extended index + offset with
//       offset < kGuardBytes - 16, so no access leaves [base, end); a larger offset, and every access to a 64-bit
//       memory, is checked against memory_bytes first.
//   C4  A mark for address a < 4 GiB + kGuardBytes hits a byte of the card table: a mark before an out-of-bounds store
//       stays inside the cell.
//   C5  Every displacement fits in 31 bits.
//   C6  What a table has room for past its size is null. Whoever writes an element sets its card and
//   TableHeader::written
//       before, so these hold wherever a guest is stopped.
#pragma once

#include <anew/error.hpp>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "wasm/module.hpp"

namespace anew::abi {

/// Part of every artifact: raise it with any change to this folder or to the code that the code generators emit.
inline constexpr std::uint32_t kAbiVersion = 9;

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

/// Of a member, from where the structure ends: what compiled code reaches it by.
template <typename Structure>
[[nodiscard]] constexpr std::int32_t displacement(std::size_t offset) noexcept {
  return static_cast<std::int32_t>(offset) - static_cast<std::int32_t>(sizeof(Structure));
}

/// What table elements and funcref values point to. One per function and cell. That of an imported function which
/// another instance defines is a copy of that instance's: whoever calls through it must switch to its cell.
struct FunctionReference {
  std::uint32_t type_id;         ///< engine-wide identity of the function's type: equal types, equal ids
  std::uint32_t function_index;  ///< in the module of the instance that owns it
  void* const* entry;            ///< its slot in that module's table of entry addresses
  std::byte* cell;               ///< of the instance that owns the function; for a host function, of the importing one
};
static_assert(sizeof(FunctionReference) == 24);

/// How compiled code and the library find a memory.
struct MemoryReference {
  std::byte* base;           ///< address 0 of the memory; its HotHeader ends there
  std::uint8_t* cards;       ///< of its card table: the card of address a is cards[a >> card_shift]
  std::uint64_t card_shift;  ///< of the memory's owner
};
static_assert(sizeof(MemoryReference) == 24);

/// Lies before the first element of each table.
struct TableHeader {
  std::uint8_t* cards;    ///< -32  the card of element i is cards[i >> kTableCardShift]
  std::uint64_t maximum;  ///< -24  elements that the table may grow to
  std::uint64_t written;  ///< -16  not 0: a card is set, or the table grew, since the last restore
  std::uint64_t size;     ///< -8   elements now
};
static_assert(sizeof(TableHeader) == 32);
/// From the first element.
inline constexpr std::int32_t kTableCards = displacement<TableHeader>(offsetof(TableHeader, cards));
inline constexpr std::int32_t kTableWritten = displacement<TableHeader>(offsetof(TableHeader, written));
inline constexpr std::int32_t kTableSize = displacement<TableHeader>(offsetof(TableHeader, size));

/// Elements that a card of a table stands for. Few: putting them back is work for each; so many that the cards of the
/// largest table are scanned in some microseconds.
inline constexpr std::uint32_t kTableCardShift = 7;
inline constexpr std::uint64_t kTableCardElements = std::uint64_t{1} << kTableCardShift;
/// Cards of so many elements.
[[nodiscard]] constexpr std::uint64_t table_cards(std::uint64_t elements) noexcept {
  return (elements + kTableCardElements - 1) >> kTableCardShift;
}

/// An exception (specification, 4.2.16), what an exnref points to: 16-aligned; the values of its tag's parameters
/// follow, in slots. Of what is free in the room for exceptions only the first 16 bytes mean something.
struct Exception {
  const void* tag;       ///< the tag's identity: the address of the link of the instance that defines it; null: free
  std::uint32_t bytes;   ///< with the values, rounded up to 16
  std::uint16_t held;    ///< not 0: some catch handed a reference to the guest
  std::uint16_t marked;  ///< while a collection is at work: it is reachable
  const FunctionType* type;  ///< the tag's
  Exception* next;           ///< while a collection is at work: another one whose values it has not looked at
};
static_assert(sizeof(Exception) == 32 && offsetof(Exception, type) == 16);

/// Where the room for exceptions begins (runtime/exception_room.hpp), once something is in it. Offsets are from there.
struct ExceptionRoom {
  std::uint64_t next;    ///< where the next exception goes
  std::uint64_t end;     ///< of the free stretch
  std::uint64_t made;    ///< bytes since the last collection
  std::uint64_t due;     ///< how many bytes may be made until the next one
  std::uint64_t closed;  ///< not 0: `next` means nothing; free stretches are looked for from `end` on
  std::uint64_t unused;
};
static_assert(sizeof(ExceptionRoom) % 16 == 0);

/// The last 64 bytes before the base of a memory, and so before the cell pointer; compiled code uses the displacements
/// below. Of a further memory's only `instance` and the sizes mean something.
struct HotHeader {
  void* instance;                      ///< -64  the runtime's object for the cell that owns this
  std::uint64_t exception_bytes;       ///< -56  of the room for exceptions, in use
  std::uint64_t memory_reached;        ///< -48  the largest memory_bytes since the last restore
  std::uint64_t memory_maximum;        ///< -40  bytes that the memory may grow to
  const HostFunction* host_functions;  ///< -32  by index of the imported function
  const Library* library;              ///< -24
  ThreadRecord* thread;                ///< -16  of the thread that runs in this cell now
  std::uint64_t memory_bytes;          ///< -8   size of the memory now
};
static_assert(sizeof(HotHeader) == 64);
/// From the base of the memory.
inline constexpr std::int32_t kHostFunctions = displacement<HotHeader>(offsetof(HotHeader, host_functions));
inline constexpr std::int32_t kLibrary = displacement<HotHeader>(offsetof(HotHeader, library));
inline constexpr std::int32_t kThread = displacement<HotHeader>(offsetof(HotHeader, thread));
inline constexpr std::int32_t kMemoryBytes = displacement<HotHeader>(offsetof(HotHeader, memory_bytes));

[[nodiscard]] inline HotHeader& hot_header(std::byte* cell) noexcept {
  // By the layout above a HotHeader ends where memory 0 begins; whoever maps a cell constructs it there.
  return *reinterpret_cast<HotHeader*>(cell - sizeof(HotHeader));
}

/// Address space for exceptions in a cell whose module has tags.
inline constexpr std::uint64_t kExceptionSpace = 64ull << 20;

/// Bytes of a card table for cards of this size: one card for each stretch of the whole address space of a memory,
/// guard included (invariant C4), and a little more so that scans may read whole vectors.
[[nodiscard]] constexpr std::uint64_t card_table_bytes(std::uint32_t card_shift) noexcept {
  return ((kMemoryAddressSpace + kGuardBytes) >> card_shift) + 64;
}
/// Bytes before the base of a further memory: its card table, 64-aligned, and its HotHeader; a multiple of 4096. The
/// card table begins at the low end.
[[nodiscard]] constexpr std::uint64_t memory_header_bytes(std::uint32_t card_shift) noexcept {
  return (card_table_bytes(card_shift) + sizeof(HotHeader) + 4095) & ~std::uint64_t{4095};
}

/// Where everything of one module's cells lies, as displacements from the cell pointer. A pure function of the module,
/// the card size and whether memory 0 is another instance's, so that code, artifact and runtime agree without storing
/// it.
class CellLayout {
 public:
  /// @param card_shift      log2 of the card size, kMinimumCardShift to kMaximumCardShift.
  /// @param foreign_memory  memory 0 is another instance's.
  /// @return kLimit if what the module has takes over 2 GiB.
  [[nodiscard]] static Result<CellLayout> of(const wasm::Module& module, std::uint32_t card_shift,
                                             bool foreign_memory = false);

  [[nodiscard]] std::uint32_t card_shift() const noexcept { return card_shift_; }
  /// The cell has a memory 0 of its own, at the cell pointer.
  [[nodiscard]] bool has_memory() const noexcept { return has_memory_; }
  /// What compiled code reaches a global by: its value; of an imported mutable one, the pointer to it.
  [[nodiscard]] std::int32_t global(std::uint32_t index) const noexcept { return globals_[index]; }
  [[nodiscard]] bool is_linked_global(std::uint32_t index) const noexcept { return globals_[index] < dropped_; }
  /// Of a global's value, if it is the instance's own.
  [[nodiscard]] std::int32_t global_value(std::uint32_t index) const noexcept {
    return is_linked_global(index) ? linked_values_[index] : globals_[index];
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
  /// A MemoryReference.
  [[nodiscard]] std::int32_t memory_reference(std::uint32_t memory) const noexcept {
    return memories_ + static_cast<std::int32_t>(sizeof(MemoryReference) * memory);
  }
  /// Of an imported table: the address of its first element.
  [[nodiscard]] std::int32_t table_link(std::uint32_t table) const noexcept {
    return table_links_ + 8 * static_cast<std::int32_t>(table);
  }
  /// The tag's identity, a pointer: for a tag of the module itself, to this very place.
  [[nodiscard]] std::int32_t tag(std::uint32_t index) const noexcept {
    return tags_ + 8 * static_cast<std::int32_t>(index);
  }
  [[nodiscard]] std::int32_t cards() const noexcept { return cards_; }
  [[nodiscard]] std::uint64_t card_table_bytes() const noexcept { return abi::card_table_bytes(card_shift_); }
  [[nodiscard]] std::int32_t type_id(std::uint32_t type) const noexcept {
    return type_ids_ + 4 * static_cast<std::int32_t>(type);
  }
  [[nodiscard]] std::int32_t function_reference(std::uint32_t function) const noexcept {
    return function_references_ + static_cast<std::int32_t>(sizeof(FunctionReference) * function);
  }
  /// The first element of a table in this cell; imported tables have a place too, for those that are made for the
  /// instance. A TableHeader lies before it.
  [[nodiscard]] std::int32_t table_elements(std::uint32_t table) const noexcept { return tables_[table].elements; }
  /// The table's cards, 64-aligned and a multiple of 64 bytes.
  [[nodiscard]] std::int32_t table_cards(std::uint32_t table) const noexcept { return tables_[table].cards; }
  /// Elements that the table has room for: table.grow past it fails.
  [[nodiscard]] std::uint32_t table_capacity(std::uint32_t table) const noexcept { return tables_[table].capacity; }
  /// The room for exceptions, 16-aligned, and its size: 0 without tags.
  [[nodiscard]] std::int32_t exceptions() const noexcept { return exceptions_; }
  [[nodiscard]] std::uint64_t exception_space() const noexcept { return exception_space_; }
  /// Bytes from the low end of the header to the cell pointer; a multiple of 4096.
  [[nodiscard]] std::uint64_t header_bytes() const noexcept { return header_bytes_; }
  /// Address space of a cell: header and, if memory 0 is its own, 4 GiB and the guard.
  [[nodiscard]] std::uint64_t reservation_bytes() const noexcept {
    return header_bytes_ + (has_memory_ ? kMemoryAddressSpace + kGuardBytes : 0);
  }

 private:
  struct Table {
    std::int32_t cards;
    std::int32_t elements;
    std::uint32_t capacity;
  };
  std::uint32_t card_shift_ = 0;
  bool has_memory_ = false;
  std::uint32_t data_segments_ = 0;
  std::vector<std::int32_t> globals_;
  std::vector<std::int32_t> linked_values_;  // by index of the imported global; of no meaning for immutable ones
  std::int32_t dropped_ = 0;
  std::int32_t memories_ = 0;
  std::int32_t table_links_ = 0;
  std::int32_t tags_ = 0;
  std::int32_t cards_ = 0;
  std::int32_t type_ids_ = 0;
  std::int32_t function_references_ = 0;
  std::vector<Table> tables_;
  std::int32_t exceptions_ = 0;
  std::uint64_t exception_space_ = 0;
  std::uint64_t header_bytes_ = 0;
};

/// The card size for a module of which nothing else is known: small memories get small cards, so that sparse writes
/// copy little; a large memory's card table must stay quick to scan. @return log2.
[[nodiscard]] std::uint32_t default_card_shift(const wasm::Module& module) noexcept;

}  // namespace anew::abi
