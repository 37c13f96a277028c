// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// What a code generator makes of a module: position-independent machine code without dynamic relocations.
//
// When loaded, the module's table of entry addresses lies directly before the text, so that code finds it relative to
// the instruction pointer wherever both are mapped:
//
//   entries   void* each, one a function (imports first: their stubs); padded in front to whole 4 KiB pages; writable
//   text      executable, never writable
//
// so entry i is at text - entries_bytes(count) + 8 * i. A function is replaced by storing to its entry: what the
// optimizing tier made of it lies behind the quick code of all functions, which stays, for calls may be in it.
//
// An image describes itself: whoever walks the frames of a guest stack knows no code generator. `frames` says how those
// of the image's functions are laid out. Each return address has a record, in two parts, for they are read by others:
//
//   positions   of every place that can trap or call: function and operator. Compact, and read from a function's start
//               on: for backtraces
//   call_sites  of the calls that unwinding or a collection has to know something of: the try_table, and where the
//               frame holds references. In order, so that a throw finds one in a few steps
//
// A code generator that compiles functions into others adds those to a place's part in `positions` (positions.hpp).
#pragma once

#include <algorithm>
#include <anew/error.hpp>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include "abi/cell.hpp"
#include "wasm/module.hpp"

namespace anew::codegen {

/// A code generator. An artifact names the one that made it.
enum class Tier : std::uint8_t {
  kQuick,
  kOptimized,  ///< the quick one, and then the optimizing one for what it can
  kAuto,       ///< and then for what ran long
};
[[nodiscard]] constexpr std::string_view to_string(Tier tier) noexcept {
  switch (tier) {
    case Tier::kQuick: return "quick";
    case Tier::kOptimized: return "optimized";
    case Tier::kAuto: return "auto";
  }
  return {};
}
/// @param name  as to_string() has it.
[[nodiscard]] constexpr std::optional<Tier> tier_named(std::string_view name) noexcept {
  for (const Tier tier : {Tier::kQuick, Tier::kOptimized, Tier::kAuto})
    if (name == to_string(tier)) return tier;
  return std::nullopt;
}

/// What changes the machine code; part of the key under which it is cached.
struct Options {
  Tier tier = Tier::kQuick;
  std::uint32_t card_shift = abi::kMaximumCardShift;
  bool marks = true;             ///< mark the cards of written memory (the `cards` ledger)
  bool foreign_memory = false;   ///< memory 0 is another instance's: reached through its MemoryReference
  bool explicit_bounds = false;  ///< compare every address with the memory's size (CompileOptions)
  bool fuel = false;             ///< count ThreadRecord::fuel down
  bool canonical_nan = false;    ///< where it is open which NaN an operator gives: the canonical one
  bool metered_stack = false;    ///< count ThreadRecord::stack_left down (CompileOptions::stack_limit)
  bool operator==(const Options&) const = default;
};

[[nodiscard]] constexpr std::uint64_t entries_bytes(std::uint64_t functions) noexcept {
  return (functions * 8 + 4095) & ~std::uint64_t{4095};
}

/// How the frames of all functions of an image are laid out, beyond what all frames have in common (abi/processor.hpp).
struct FrameLayout {
  /// From the frame pointer: the slot in which a function with a try block keeps its cell pointer.
  std::int32_t kept_cell = 0;
  bool operator==(const FrameLayout&) const = default;
};

/// A call inside a try block or of a function that holds references meanwhile, by the offset in the text of its return
/// address.
struct CallSite {
  std::uint32_t return_offset;
  std::uint32_t try_block;  ///< the innermost around it, or kNoTryBlock
  std::uint32_t roots;      ///< which references the frame holds, or kNoRoots
};
inline constexpr std::uint32_t kNoTryBlock = 0xFFFF'FFFF;
/// Slots of a frame that hold references during a call, those that a collection follows (exnrefs, today): one behind
/// another, and a list of more. Calls share the lists' ends.
struct Roots {
  std::int32_t displacement;  ///< of the lowest, from the frame pointer
  std::uint32_t count;
  std::uint32_t next;  ///< one before this one, or kNoRoots
};
inline constexpr std::uint32_t kNoRoots = 0xFFFF'FFFF;
/// A try_table; or a try as far as its first catch or delegate (legacy-exceptions).
struct TryBlock {
  std::uint32_t outer;  ///< the next to look at in the same function, one around it, or kNoTryBlock
  std::uint32_t first_handler;
  std::uint32_t handlers;  ///< its clauses, in order
};
struct Handler {
  wasm::CatchKind kind;
  std::uint32_t tag;     ///< index in the module; kCatch and kCatchRef
  std::uint32_t offset;  ///< in the text: resumed there as abi::Library::throw_exception says
};

/// What the optimizing tier made of a function.
struct OptimizedFunction {
  std::uint32_t function;   ///< index, imports included
  std::uint32_t offset;     ///< in the text
  std::uint32_t positions;  ///< where its stream begins in `optimized_positions`; it ends where the next one's begins
};

/// Functions that were optimized while their module ran. Never changes, and lives as long as the module.
struct OptimizedLayer {
  std::vector<OptimizedFunction> functions;
  std::vector<std::byte> positions;
  std::uint64_t end = 0;                  ///< of its code, from the start of the text: whole pages
  const OptimizedLayer* older = nullptr;  ///< whose code lies before this one's
};

/// An image's parts as they lie in memory or in a file.
struct ImageView {
  /// Imports' stubs, entry thunks, functions: in this order, each in index order. Then what is optimized.
  std::span<const std::byte> text;
  FrameLayout frames;
  std::span<const std::uint32_t> functions;        ///< offset in the text of every function (imports: their stubs)
  std::span<const std::uint32_t> thunks;           ///< offset in the text of each type's entry thunk
  std::span<const std::uint32_t> position_starts;  ///< of each defined function in `positions`; one more at the end
  std::span<const std::byte> positions;            ///< see find_position
  std::span<const CallSite> call_sites;            ///< in the order of their offsets
  std::span<const TryBlock> try_blocks;
  std::span<const Handler> handlers;
  std::span<const Roots> roots;
  std::span<const OptimizedFunction> optimized;  ///< in the order of their offsets
  std::span<const std::byte> optimized_positions;
  /// Of a module that is optimized while it runs: how far from the start of the text its code may reach, and what there
  /// is behind the text, the newest first. Thread-safe.
  std::uint64_t reach = 0;
  const std::atomic<const OptimizedLayer*>* layers = nullptr;
};

struct Image {
  std::vector<std::byte> text;
  FrameLayout frames;
  std::vector<std::uint32_t> functions;
  std::vector<std::uint32_t> thunks;
  std::vector<std::uint32_t> position_starts;
  std::vector<std::byte> positions;
  std::vector<CallSite> call_sites;
  std::vector<TryBlock> try_blocks;
  std::vector<Handler> handlers;
  std::vector<Roots> roots;
  std::vector<OptimizedFunction> optimized;
  std::vector<std::byte> optimized_positions;
  [[nodiscard]] ImageView view() const noexcept {
    return {.text = text,
            .frames = frames,
            .functions = functions,
            .thunks = thunks,
            .position_starts = position_starts,
            .positions = positions,
            .call_sites = call_sites,
            .try_blocks = try_blocks,
            .handlers = handlers,
            .roots = roots,
            .optimized = optimized,
            .optimized_positions = optimized_positions};
  }
};

struct CodePosition {
  std::uint32_t function_index;  ///< in the index space with imports
  std::uint64_t module_offset;   ///< byte offset of the operator in the module; 0 for an import's stub
};

/// Maps an offset in the text to the function and operator it belongs to; where functions are inlined, the innermost.
/// For a return address pass the offset less 1.
/// @return nothing if the offset is in no function and no import's stub (in an entry thunk, say).
[[nodiscard]] std::optional<CodePosition> find_position(const ImageView& image, std::uint32_t imported_functions,
                                                        std::uint64_t text_offset) noexcept;

/// The same with all functions that are inlined there, the innermost first, each at the call of the one before it.
/// @return nothing where find_position() finds nothing.
[[nodiscard]] std::vector<CodePosition> find_positions(const ImageView& image, std::uint32_t imported_functions,
                                                       std::uint64_t text_offset);

/// Bytes of the text and of what has come behind it by now.
[[nodiscard]] std::uint64_t code_bytes(const ImageView& image) noexcept;

/// What is optimized by now, of the image and of its layers, as one image has it whose text is all of code_bytes().
struct OptimizedCode {
  std::uint64_t code_bytes = 0;
  std::vector<OptimizedFunction> functions;
  std::vector<std::byte> positions;
};
[[nodiscard]] OptimizedCode optimized_by_now(const ImageView& image);

/// The stream of a function's positions (positions.hpp), from its first byte on; nothing for an import's stub.
[[nodiscard]] std::span<const std::byte> positions_of(const ImageView& image, std::uint32_t imported_functions,
                                                      std::uint32_t function) noexcept;

/// That of an optimized function, by its place in `optimized`.
[[nodiscard]] std::span<const std::byte> positions_of_optimized(const ImageView& image, std::size_t index) noexcept;

/// The call with this return address, or null if there is nothing to say about it. Inline, for what runs on guest
/// stacks.
[[nodiscard]] inline const CallSite* find_call_site(const ImageView& image, std::uint64_t return_offset) noexcept {
  const auto site = std::ranges::lower_bound(image.call_sites, return_offset, {}, &CallSite::return_offset);
  return site != image.call_sites.end() && site->return_offset == return_offset ? &*site : nullptr;
}

}  // namespace anew::codegen
