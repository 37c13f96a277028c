// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "cli/inspection.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <string_view>
#include <utility>

#include "abi/cell.hpp"
#include "cli/command.hpp"
#include "host/substrate/heap_base.hpp"
#include "os/try.hpp"
#include "wasm/names.hpp"
#include "wasm/printable.hpp"
#include "wasm/reader.hpp"
#include "wasm/validator.hpp"

namespace anew::cli {

namespace {

constexpr std::uint64_t kPageBytes = 4096;
using Page = std::array<std::byte, kPageBytes>;

/// Of an atomic operator.
bool is_store(wasm::Op op) noexcept { return op >= wasm::Op::kI32AtomicStore; }

/// Counts operators.
struct CountingSink : wasm::NullSink {
  Writes writes;
  OperatorCounts operators;
  Features features;
  void store(wasm::Op op, wasm::MemoryArgument) {
    ++writes.stores;
    count_vector(op);
  }
  void store_lane(wasm::Op op, wasm::MemoryArgument, std::uint32_t) {
    ++writes.stores;
    count_vector(op);
  }
  void atomic(wasm::Op op, wasm::MemoryArgument) {
    writes.stores += is_store(op) ? 1 : 0;
    ++operators.atomics;
  }
  void memory_init(std::uint32_t, std::uint32_t) { ++writes.stores; }
  void memory_copy(std::uint32_t, std::uint32_t) { ++writes.stores; }
  void memory_fill(std::uint32_t) { ++writes.stores; }
  void memory_grow(std::uint32_t) { ++writes.memory_grows; }
  void global_set(std::uint32_t) { ++writes.global_sets; }
  void table_set(std::uint32_t) { ++writes.table_writes; }
  void table_init(std::uint32_t, std::uint32_t) { ++writes.table_writes; }
  void table_copy(std::uint32_t, std::uint32_t) { ++writes.table_writes; }
  void table_grow(std::uint32_t) { ++writes.table_writes; }
  void table_fill(std::uint32_t) { ++writes.table_writes; }
  void data_drop(std::uint32_t) { ++writes.segment_drops; }
  void elem_drop(std::uint32_t) { ++writes.segment_drops; }
  void throw_(std::uint32_t) {
    ++writes.throws;
    ++operators.exceptions;
  }
  void throw_ref() { ++operators.exceptions; }
  void try_(wasm::BlockType) { ++operators.exceptions; }
  void rethrow(std::uint32_t) { ++operators.exceptions; }
  void try_table(wasm::BlockType, std::span<const wasm::CatchClause>) { ++operators.exceptions; }
  void return_call(std::uint32_t) { ++operators.tail_calls; }
  void return_call_indirect(std::uint32_t, std::uint32_t) { ++operators.tail_calls; }
  void return_call_ref(std::uint32_t) {
    ++operators.tail_calls;
    ++operators.function_references;
  }
  void call_ref(std::uint32_t) { ++operators.function_references; }
  void ref_as_non_null() { ++operators.function_references; }
  void br_on_null(std::uint32_t) { ++operators.function_references; }
  void br_on_non_null(std::uint32_t) { ++operators.function_references; }
  void vector_constant(wasm::Vector) { ++operators.vectors; }
  void numeric(wasm::Op op) {
    count_vector(op);
    operators.wide_integers += wasm::needs_of(op).has(Feature::kWideArithmetic) ? 1 : 0;
  }
  void load(wasm::Op op, wasm::MemoryArgument) { count_vector(op); }
  void load_lane(wasm::Op op, wasm::MemoryArgument, std::uint32_t) { count_vector(op); }
  void lane(wasm::Op op, std::uint32_t) { count_vector(op); }
  void shuffle(std::span<const std::uint8_t, 16>) { ++operators.vectors; }
  void atomic_fence() { ++operators.atomics; }

 private:
  void count_vector(wasm::Op op) {
    operators.vectors += wasm::needs_of(op).has(Feature::kSimd) ? 1 : 0;
    operators.relaxed_vectors += wasm::needs_of(op).has(Feature::kRelaxedSimd) ? 1 : 0;
  }
};

Result<CountingSink> count_operators(const wasm::Module& module, const wasm::FunctionNames& names) {
  CountingSink sink;
  wasm::FunctionValidator validator(module);
  for (std::uint32_t i = 0; i < module.defined_functions(); ++i) {
    if (auto valid = validator.validate(i, sink); !valid) {
      wasm::name_function(valid.error(), names, module.imported_functions + i);
      return std::unexpected(std::move(valid.error()));
    }
  }
  sink.features = module.features.with(validator.features());
  return sink;
}

/// The value of a constant expression, if it is one constant.
std::optional<std::uint64_t> constant(const wasm::ConstantExpression& expression) {
  if (expression.size() != 1) return std::nullopt;
  const wasm::ConstantOperator& only = expression.front();
  if (only.op != wasm::Op::kI32Const && only.op != wasm::Op::kI64Const) return std::nullopt;
  return only.immediate;
}

ImagePages find_image(const wasm::Module& module) {
  ImagePages image;
  if (module.memories.empty()) return image;
  // A memory has at most 2^16 Wasm pages, so the bytes fit.
  const std::uint64_t memory_bytes = module.memories[0].limits.minimum * abi::kWasmPageBytes;
  image.all = memory_bytes / kPageBytes;
  std::map<std::uint64_t, Page> pages;  // those that a segment touches
  for (std::size_t i = 0; i < module.data.size(); ++i) {
    const wasm::DataSegment& segment = module.data[i];
    if (segment.mode != wasm::SegmentMode::kActive || segment.memory != 0) continue;
    const auto offset = constant(segment.offset);
    if (!offset) {
      image.notes.push_back(fmt::format("data segment {} is placed by an imported global: not counted", i));
      continue;
    }
    if (*offset > memory_bytes || segment.bytes.size() > memory_bytes - *offset) {
      image.notes.push_back(
          fmt::format("data segment {} does not fit the initial memory: instantiation traps, unless the memory is "
                      "larger",
                      i));
      continue;
    }
    for (std::uint64_t done = 0; done < segment.bytes.size();) {
      const std::uint64_t address = *offset + done;
      const std::uint64_t inside = address % kPageBytes;
      const std::uint64_t count = std::min(kPageBytes - inside, segment.bytes.size() - done);
      std::memcpy(pages[address / kPageBytes].data() + inside, segment.bytes.data() + done, count);
      done += count;
    }
  }
  image.data = static_cast<std::uint64_t>(std::count_if(pages.begin(), pages.end(), [](const auto& entry) {
    return std::any_of(entry.second.begin(), entry.second.end(), [](std::byte byte) { return byte != std::byte{0}; });
  }));
  return image;
}

std::uint64_t count_mutable_globals(const wasm::Module& module) {
  return static_cast<std::uint64_t>(std::count_if(module.globals.begin(), module.globals.end(),
                                                  [](const wasm::Global& global) { return global.type.is_mutable; }));
}

std::vector<std::string> find_restored(const wasm::Module& module, const Writes& writes) {
  std::vector<std::string> restored;
  if (!module.memories.empty()) {
    if (writes.stores > 0) {
      restored.push_back(fmt::format("memory: the cards of {} bytes that a call dirtied",
                                     std::uint64_t{1} << abi::default_card_shift(module)));
    } else if (module.imported_functions > 0) {
      restored.push_back("memory: only what host functions write, since the code has no store");
    }
    if (writes.memory_grows > 0) restored.push_back("memory size: shrinks back if a call grew it");
  }
  if (const std::uint64_t globals = count_mutable_globals(module); globals > 0)
    restored.push_back(fmt::format("globals: {} mutable", globals));
  if (writes.table_writes > 0) restored.push_back("tables: elements and sizes, after a call that wrote one");
  if (writes.segment_drops > 0) restored.push_back("which segments are dropped");
  if (writes.throws > 0) restored.push_back("exceptions: those that a call held are dropped");
  if (restored.empty()) restored.push_back("nothing: the code cannot change its instance");
  return restored;
}

/// The command line and embedders provide the other imports, if need be made for each store.
std::vector<std::string> find_links(const wasm::Module& module) {
  std::vector<std::string> links;
  for (const wasm::Import& import : module.imports)
    if (import.kind() == ExternalKind::kTag) links.push_back(fmt::format("tag {}.{}", import.module, import.name));
  return links;
}

}  // namespace

Result<Inspection> inspect(const wasm::Module& module) {
  const wasm::FunctionNames names(module);
  const auto counted = TRY(count_operators(module, names));
  Inspection inspection;
  inspection.writes = counted.writes;
  inspection.operators = counted.operators;
  inspection.features = counted.features;
  inspection.image = find_image(module);
  inspection.global_names = wasm::find_global_names(module);
  if constexpr (kWithSubstrate) inspection.heap_base = substrate::find_announced_heap_base(module);
  if (module.start) {
    const std::string name = wasm::function_text(names[*module.start]);
    inspection.start = fmt::format("function {}{}", *module.start, name.empty() ? "" : fmt::format(" ({})", name));
  }
  inspection.restored = find_restored(module, inspection.writes);
  inspection.links = find_links(module);
  return inspection;
}

}  // namespace anew::cli
