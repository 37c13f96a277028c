// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "tier/optimized_code.hpp"

#include <algorithm>
#include <cstring>
#include <utility>
#include <vector>

#include "abi/library.hpp"
#include "abi/processor.hpp"
#include "codegen/quick/tier.hpp"
#include "os/try.hpp"
#include "wasm/limits.hpp"

namespace anew::tier {
namespace {

using codegen::OptimizedFunction;
using codegen::optimizing::FunctionCode;
using codegen::optimizing::Relocation;
using codegen::optimizing::Target;

constexpr std::uint64_t kMaximumAlignment = 64;

constexpr std::uint64_t round_up(std::uint64_t value, std::uint64_t alignment) noexcept {
  return (value + alignment - 1) / alignment * alignment;
}

std::unexpected<Error> broken() {
  return fail(ErrorCode::kResource, "the optimizer sent code that cannot be put in place: is it of the same build?");
}

/// Where a piece of code and what it reaches lie, from the start of the text.
struct Places {
  std::uint64_t entries;  ///< before it: bytes of the table of entry addresses
  std::uint64_t stubs;
  std::uint64_t code;
};

/// Fills in a displacement. @return false if it is none, or would reach something else.
[[nodiscard]] bool resolve(std::span<std::byte> code, const Relocation& relocation, const Places& places) {
  constexpr std::uint64_t kBytes = sizeof(std::uint32_t);
  if (code.size() < kBytes || relocation.at > code.size() - kBytes) return false;
  if (relocation.addend < 0) return false;
  const auto addend = static_cast<std::uint64_t>(relocation.addend);
  std::int64_t target = 0;
  switch (relocation.target) {
    case Target::kEntries:
      if (addend >= places.entries) return false;
      target = relocation.addend - static_cast<std::int64_t>(places.entries);
      break;
    case Target::kTrap:
      if (addend >= abi::kTrapKinds) return false;
      target = static_cast<std::int64_t>(places.stubs + addend * codegen::quick::kTrapStubBytes);
      break;
    default: return false;
  }
  // What is added is the rest of an instruction, and text and entries together span under 2^31 bytes.
  if (relocation.bias < -64 || relocation.bias > 0) return false;
  const auto displacement =
      static_cast<std::int32_t>(target - static_cast<std::int64_t>(places.code + relocation.at) + relocation.bias);
  std::memcpy(code.data() + relocation.at, &displacement, kBytes);
  return true;
}

/// Code and positions of some functions.
struct Placed {
  std::vector<OptimizedFunction> functions;
  std::vector<std::byte> positions;
};

/// What place() takes at most.
[[nodiscard]] std::uint64_t bytes_for(std::span<const FunctionCode> functions) {
  std::uint64_t bytes = abi::kTrapKinds * codegen::quick::kTrapStubBytes;
  for (const FunctionCode& each : functions) bytes += round_up(each.code.size(), kMaximumAlignment) + kMaximumAlignment;
  return bytes;
}

/// Writes functions to a stretch of the text: first the stubs that they call to trap.
/// @param offset  of the stretch in the text; a multiple of kMaximumAlignment.
[[nodiscard]] Result<Placed> place(std::span<std::byte> room, std::uint64_t offset, std::uint64_t entries,
                                   std::span<const FunctionCode> functions) {
  std::ranges::fill(room, abi::kCodePadding);
  const std::vector<std::byte> stubs = codegen::quick::trap_stubs();
  std::ranges::copy(stubs, room.begin());
  std::uint64_t at = stubs.size();
  Placed placed;
  for (const FunctionCode& each : functions) {
    if (each.code.empty()) continue;
    if (each.alignment == 0 || each.alignment > kMaximumAlignment || kMaximumAlignment % each.alignment != 0)
      return broken();
    at = round_up(at, std::max<std::uint64_t>(each.alignment, abi::kCodeAlignment));
    const std::span<std::byte> code = room.subspan(at, each.code.size());  // bytes_for() has room for it
    std::ranges::copy(each.code, code.begin());
    const Places places{.entries = codegen::entries_bytes(entries), .stubs = offset, .code = offset + at};
    for (const Relocation& relocation : each.relocations)
      if (!resolve(code, relocation, places)) return broken();
    if (each.function >= entries || placed.positions.size() + each.positions.size() > wasm::limits::kTextBytes)
      return broken();
    // Below 2^31, both.
    placed.functions.push_back(
        {each.function, static_cast<std::uint32_t>(offset + at), static_cast<std::uint32_t>(placed.positions.size())});
    placed.positions.insert(placed.positions.end(), each.positions.begin(), each.positions.end());
    at += code.size();
  }
  return placed;
}

}  // namespace

Result<void> add_optimized(codegen::Compiled& compiled, std::span<const FunctionCode> functions) {
  const std::uint64_t entries = compiled.image.functions.size();
  const std::span<const std::byte> quick = compiled.code.text();
  const std::uint64_t padded = round_up(quick.size(), kMaximumAlignment);
  const std::uint64_t bytes = bytes_for(functions);
  if (padded + bytes > wasm::limits::kTextBytes)
    return fail(ErrorCode::kLimit, "the optimized module has more machine code than a displacement spans");
  auto text = TRY(codegen::CodeMemoryBuilder::reserve(padded + bytes, entries));
  const auto room = TRY(text.append(padded + bytes));
  std::ranges::fill(room.first(padded), abi::kCodePadding);
  std::ranges::copy(quick, room.begin());
  auto placed = TRY(place(room.subspan(padded), padded, entries, functions));
  compiled.code = TRY(std::move(text).finish(codegen::CodeMemory::Spare::kNone));
  compiled.image.optimized = std::move(placed.functions);
  compiled.image.optimized_positions = std::move(placed.positions);
  return {};
}

Result<std::unique_ptr<codegen::OptimizedLayer>> make_layer(codegen::CodeMemory& code, std::uint64_t entries,
                                                            std::span<const FunctionCode> functions) {
  const auto room = TRY(code.open_spare(bytes_for(functions)));
  // Both are in the same mapping, and the text comes first.
  const auto offset = static_cast<std::uint64_t>(room.data() - code.text().data());
  auto placed = TRY(place(room, offset, entries, functions));
  auto layer = std::make_unique<codegen::OptimizedLayer>();
  layer->functions = std::move(placed.functions);
  layer->positions = std::move(placed.positions);
  layer->end = offset + room.size();
  TRY(code.close_spare(room));
  return layer;
}

void enter(codegen::CodeMemory& code, const codegen::OptimizedLayer& layer) noexcept {
  for (const OptimizedFunction& each : layer.functions) code.set_entry(each.function, each.offset);
}

}  // namespace anew::tier
