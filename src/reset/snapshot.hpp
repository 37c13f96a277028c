// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Fair reuse in user space: putting a store's cells back to the state of instances as new, and nothing but cells.
//
//   Snapshot::take(module, linker)           the pristine state of a store: of the main module's instance and of those
//                                            of the modules that it links to, made as the specification says
//   Snapshot::of(store)                      the same of a live store, as it is
//   make_store(snapshot)                     another store in that state (restore.hpp)
//   restore(store, snapshot)                 after a call: copies back what the ledger says was written; all if the
//                                            store is distrusted
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
// How a restore finds what was written is the ledger's part (ledger.hpp).
//
// Invariants:
//   R1  After a restore, a store cannot be told from one made the slow way by any guest or host function (audit).
//   R2  Between restores every byte of a memory that differs from the snapshot lies in [begin, end + kSlackBytes) of a
//       run of set cards, or above the snapshot's memory size, or the store is distrusted. In stores
//       whose ledger is another one than the cards, none is trusted, and every page that differs is the cell's own.
//   R3  A store whose restore failed is destroyed, never handed out.
//   R4  Every element of a table that differs from the snapshot has its card set, and TableHeader::written is not 0
//   then
//       or if the size differs: under every ledger, and wherever a call was stopped (invariant C6 of abi/cell.hpp).
//
// Why a memory's cards are trusted only after a normal return, and a table's always: one operator and four library
// functions write tables, and each marks first. What stores to memories marks first, too, but that is up to each place
// of the code generators, and may be given up by one that marks once behind a loop; and before a store that faults it
// marks a card past the memory's end, which may be any of eight million. So after a trap the cell's own pages are given
// back, which takes as long as making them its own took, at most, and not as long as the memory is large.
//
// A restore takes time in proportion to what was done since the last one: to the cards that are set, to the pages that
// a memory or table grew into, and after a trap to the pages that the cell has of its own; and a constant that the
// module alone determines: a byte for each card of its memories, the globals, a look at each table.
#pragma once

#include <anew/pool.hpp>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "os/memory_file.hpp"
#include "runtime/instance.hpp"
#include "runtime/store_state.hpp"

namespace anew::reset {

/// A memory's pristine content. It lies in a sealed file in memory, of which pages that are all zero take nothing.
struct MemoryImage {
  std::uint32_t memory = 0;                  ///< its index in the instance that owns it
  std::int32_t reference = 0;                ///< where its MemoryReference lies in that instance's cell
  std::uint64_t bytes = 0;                   ///< the memory's size
  os::Mapping pages;                         ///< up to the last page that is not zero; read-only
  std::vector<std::uint64_t> nonzero_pages;  ///< a bit for each page that is not all zero
  std::uint64_t nonzero_count = 0;
  os::MemoryFile file;  ///< open if cells map it copy-on-write, rather than have it copied into them

  [[nodiscard]] bool is_nonzero(std::uint64_t page) const noexcept {
    return page / 64 < nonzero_pages.size() && (nonzero_pages[page / 64] >> (page % 64) & 1) != 0;
  }
  [[nodiscard]] bool is_mapped() const noexcept { return file.is_open(); }
};

/// A table's pristine content. Cards whose elements are all null take next to nothing.
struct TableImage {
  static constexpr std::uint32_t kNull = ~std::uint32_t{0};
  std::uint32_t table = 0;  ///< its index in the instance that owns it
  bool functions = false;   ///< the elements are function numbers, not the bits themselves
  std::uint64_t size = 0;
  std::vector<std::uint32_t> starts = {};    ///< by card: where its elements begin, or kNull; empty if all are null
  std::vector<std::uint64_t> elements = {};  ///< kTableCardElements of each card that is not all null

  void set(std::uint64_t index, std::uint64_t element);
  /// The elements of a card, with null past the size; nothing if all are null.
  [[nodiscard]] const std::uint64_t* of_card(std::uint64_t card) const noexcept {
    return card >= starts.size() || starts[card] == kNull ? nullptr : elements.data() + starts[card];
  }
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
  Ledger ledger = Ledger::kCards;  ///< what restores go by; kCards only if the code of all instances has marks
  bool keeps_growth = false;       ///< see StoreState
  /// The main instance's start function calls the host, so its effect cannot be frozen: it runs after each restore.
  bool start_after_restore = false;
  SnapshotOptions options;                                 ///< that it was taken with
  std::uint64_t maximum_memory_bytes = detail::kAllBytes;  ///< PoolOptions::maximum_memory_bytes
  bool from_file = false;                                  ///< what was done before it was taken is not known
  detail::StateDefinitions states;                         ///< that each of its stores gets, as new
  bool is_group = false;                                   ///< of detail::GroupMembers
  detail::GroupInitializer initialize_group;               ///< as in the linker
  /// The very store that it was taken of, as it was then. What audits compare with.
  std::unique_ptr<detail::StoreState> original;

  [[nodiscard]] const detail::LinkedModule& main() const noexcept { return *instances.back().linked; }
  /// Of all memories and tables together.
  [[nodiscard]] std::uint64_t memory_bytes() const noexcept;

  /// Instantiates the modules that the linker defines, then `module`, as the specification says, runs the prelude, and
  /// keeps the result. A start function that does not call the host is run and its effect frozen; one that does is
  /// stopped at the first such call, before the host sees it, unless `options` say to freeze it. If the module comes
  /// from a snapshot file, takes what that says instead.
  /// Host functions that run now are given states of their own, which go.
  /// @return what detail::link returns; kTrap if a segment does not fit, or a start function or the prelude traps or
  ///         takes too long; kNotFound or kArgument for a bad prelude; kUnsupported if the start function of another
  ///         module than the main one calls the host; kArtifact if a file's state does not fit its modules; kLimit if
  ///         memories and tables have more than the maximum; kResource.
  [[nodiscard]] static Result<Snapshot> take(std::shared_ptr<const detail::ModuleState> module,
                                             const detail::LinkerState& linker, const SnapshotOptions& options,
                                             std::uint64_t maximum_memory_bytes = detail::kAllBytes);

  /// Keeps the state of a live store, for restores of this very store. Looks at all of its memories. No guest runs in
  /// it meanwhile.
  /// @return kUnsupported if a global or table holds an exception; kResource; kHost for a made-up function reference.
  [[nodiscard]] static Result<Snapshot> of(const detail::StoreState& store);
};

/// What a snapshot file says (ModuleState::saved), linked and checked (saved.cpp). @return as Snapshot::take.
[[nodiscard]] Result<Snapshot> take_saved(std::shared_ptr<const detail::ModuleState> module,
                                          const detail::LinkerState& linker, const SnapshotOptions& options,
                                          std::uint64_t maximum_memory_bytes);
/// The same of a group (detail::LinkerState::saved_group).
[[nodiscard]] Result<Snapshot> take_saved_group(const detail::LinkerState& linker, const SnapshotOptions& options,
                                                std::uint64_t maximum_memory_bytes);
/// A snapshot as a file has it; of a group, without names and binaries. Looks at the snapshot. @return kUnsupported if
/// a global or table holds an external reference.
[[nodiscard]] Result<artifact::SavedSnapshot> to_saved(const Snapshot& snapshot);

/// A store made the slow way: each instance mapped, its segments copied one by one, its start function run (that of the
/// main instance only if `run_start` is true or its effect is frozen), the prelude called. Of a snapshot from a file:
/// as make_store does. Its host states are as new.
[[nodiscard]] Result<std::unique_ptr<detail::StoreState>> instantiate(const Snapshot& snapshot, bool run_start);

// --- parts of taking one ---

/// Decides how cells get the content of a snapshot's memories: `mapped` if they should map it.
[[nodiscard]] bool should_map(Ledger ledger, const MemoryImage& image) noexcept;
/// A memory's image under construction: pages are added, then it is finished.
class ImageWriter {
 public:
  /// @param bytes  the memory's size.
  [[nodiscard]] static Result<ImageWriter> create(std::uint64_t bytes);
  /// Keeps a page, unless it is all zero.
  void add(std::uint64_t page, const std::byte* content) noexcept;
  /// @param ledger  of the store; nothing if no cell will ever map it.
  [[nodiscard]] Result<MemoryImage> finish(std::optional<Ledger> ledger);

 private:
  MemoryImage image_;
};
/// Keeps the state of all of a store's instances. @param mapped  cells may map the images of its memories, and nothing
/// was settled or restored in it: elements whose cards are not set are null.
/// @param look_at_cards  what the memories' cards do not stand for is zero: saves touching all of a large memory.
[[nodiscard]] Result<Snapshot> take_store(const detail::StoreState& store, bool mapped, bool look_at_cards);
/// Which ledger serves all instances of a store.
[[nodiscard]] Ledger ledger_of(const detail::StoreState& store) noexcept;
/// Whether its memories may keep what they grew by (StoreState::keeps_growth).
[[nodiscard]] bool keeps_growth(const detail::StoreState& store) noexcept;

/// Whether an instance owns the memory of that index, so that its content belongs to the instance's state.
[[nodiscard]] inline bool owns_memory(const detail::Instance& instance, std::uint32_t memory) noexcept {
  return instance.linked->memory_source(memory).is_own();
}
[[nodiscard]] inline bool owns_table(const detail::Instance& instance, std::uint32_t table) noexcept {
  return instance.linked->table_source(table).is_own();
}

}  // namespace anew::reset
