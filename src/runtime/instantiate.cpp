// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Instantiation as the specification gives it (4.5.4), once the instance is mapped.
#include <fmt/format.h>

#include <algorithm>

#include "runtime/library.hpp"
#include "runtime/store_state.hpp"

namespace anew::detail {
namespace {

/// Evaluates a constant expression (specification, 3.3.10), which the decoder has validated: operands are there and of
/// the right types, and globals are initialized before they are named. @return the slots, the second for a v128 only.
wasm::Vector evaluate(const Instance& instance, const wasm::ConstantExpression& expression) {
  std::vector<wasm::Vector> stack;
  auto binary = [&stack](auto operation) {
    const std::uint64_t right = stack.back()[0];
    stack.pop_back();
    stack.back()[0] = operation(stack.back()[0], right);
  };
  for (const wasm::ConstantOperator& each : expression) {
    switch (each.op) {
      case wasm::Op::kI32Add:
        binary([](std::uint64_t a, std::uint64_t b) -> std::uint64_t { return static_cast<std::uint32_t>(a + b); });
        break;
      case wasm::Op::kI32Sub:
        binary([](std::uint64_t a, std::uint64_t b) -> std::uint64_t { return static_cast<std::uint32_t>(a - b); });
        break;
      case wasm::Op::kI32Mul:
        binary([](std::uint64_t a, std::uint64_t b) -> std::uint64_t { return static_cast<std::uint32_t>(a * b); });
        break;
      case wasm::Op::kI64Add: binary([](std::uint64_t a, std::uint64_t b) { return a + b; }); break;
      case wasm::Op::kI64Sub: binary([](std::uint64_t a, std::uint64_t b) { return a - b; }); break;
      case wasm::Op::kI64Mul: binary([](std::uint64_t a, std::uint64_t b) { return a * b; }); break;
      default: stack.push_back(constant_value(instance, each));
    }
  }
  return stack.back();
}

void set_global(const Instance& instance, std::uint32_t global, ValueType type, const wasm::Vector& slots) {
  std::copy_n(slots.begin(), slots_of(type), instance.global(global));
}

void initialize_globals(const Instance& instance) {
  const LinkedModule& linked = *instance.linked;
  const wasm::Module& module = linked.wasm();
  for (std::uint32_t i = 0; i < module.globals.size(); ++i) {
    const ValueType type = module.globals[i].type.type;
    if (!linked.owns_global(i)) continue;
    if (i >= module.imported_globals) {
      set_global(instance, i, type, evaluate(instance, module.globals[i].initializer));
    } else if (const Source source = linked.globals[i]; !source.is_own()) {
      std::copy_n(instance.store->instances[source.instance]->global(source.index), slots_of(type), instance.global(i));
    } else {
      const Value& value = linked.host_globals[i];
      set_global(instance, i, type, {value.bits, value.high});
    }
  }
}

void initialize_tables(const Instance& instance) {
  const wasm::Module& module = instance.linked->wasm();
  for (std::size_t i = 0; i < module.table_initializers.size(); ++i) {
    if (module.table_initializers[i].empty()) continue;
    std::uint64_t* const elements = instance.table(module.imported_tables + static_cast<std::uint32_t>(i));
    const std::uint64_t value = evaluate(instance, module.table_initializers[i])[0];
    if (value == 0) continue;  // they are null already (invariant C6 of abi/cell.hpp)
    const std::uint64_t size = table_header(elements).size;
    mark_elements(elements, 0, size);
    std::fill_n(elements, size, value);
  }
}

Error segment_error(const char* kind, std::size_t index, std::uint32_t trap) {
  const auto trap_kind = static_cast<TrapKind>(trap);  // a library function returned it
  return {
      ErrorCode::kTrap,
      fmt::format("{} segment {} does not fit when the module is instantiated: {}", kind, index, to_string(trap_kind)),
      std::nullopt,
      trap_kind,
      {}};
}

}  // namespace

Result<void> initialize(Instance& instance) {
  const wasm::Module& module = instance.linked->wasm();
  initialize_globals(instance);
  initialize_tables(instance);
  const abi::Library& call = library();
  for (std::uint32_t i = 0; i < module.elements.size(); ++i) {
    const wasm::ElementSegment& segment = module.elements[i];
    if (segment.mode == wasm::SegmentMode::kPassive) continue;
    if (segment.mode == wasm::SegmentMode::kActive) {
      const std::uint64_t offset = evaluate(instance, segment.offset)[0];
      const auto count = static_cast<std::uint32_t>(segment.elements.size());  // at most limits::kElementsInSegment
      const std::uint32_t trap = call.table_init(instance.cell, offset, 0, count, segment.table, i);
      if (trap != 0) return std::unexpected(segment_error("element", i, trap));
    }
    *instance.at<std::uint8_t>(instance.layout().dropped_elements(i)) = 1;
  }
  for (std::uint32_t i = 0; i < module.data.size(); ++i) {
    const wasm::DataSegment& segment = module.data[i];
    if (segment.mode != wasm::SegmentMode::kActive) continue;
    const std::uint64_t offset = evaluate(instance, segment.offset)[0];
    const auto count = static_cast<std::uint32_t>(segment.bytes.size());  // at most limits::kModuleBytes
    const std::uint32_t trap = call.memory_init(instance.cell, offset, 0, count, i, segment.memory);
    if (trap != 0) return std::unexpected(segment_error("data", i, trap));
    *instance.at<std::uint8_t>(instance.layout().dropped_data(i)) = 1;
  }
  return {};
}

Result<void> run_start(Instance& instance, std::int64_t deadline) {
  const wasm::Module& module = instance.linked->wasm();
  if (!module.start) return {};
  std::uint64_t slots[1] = {};  // the type of a start function is [] -> []
  instance.store->deadline.store(deadline, std::memory_order_relaxed);
  const std::uint32_t trap = invoke(instance, function_handle(*instance.linked, *module.start), slots);
  instance.store->deadline.store(kNoDeadline, std::memory_order_relaxed);
  instance.store->fuel = kAllFuel;
  if (trap == 0) return {};
  Error error = make_trap_error(instance, trap);
  error.message = "the start function failed: " + error.message;
  return std::unexpected(std::move(error));
}

}  // namespace anew::detail
