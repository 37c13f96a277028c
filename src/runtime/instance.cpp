// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "runtime/instance.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <new>

#include "runtime/library.hpp"

namespace anew::detail {
namespace {

/// Evaluates a constant expression (specification, 3.3.10), which the decoder has validated: operands are there and of
/// the right types, and globals are initialized before they are named.
std::uint64_t evaluate(const Instance& instance, const wasm::ConstantExpression& expression) {
  std::vector<std::uint64_t> stack;
  auto binary = [&stack](auto operation) {
    const std::uint64_t right = stack.back();
    stack.pop_back();
    stack.back() = operation(stack.back(), right);
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

std::optional<std::uint64_t> Instance::function_number(std::uint64_t reference) const noexcept {
  if (reference == 0) return 0;
  const std::uint64_t distance = reference - reference_to(0);  // huge if below
  constexpr std::uint64_t kBytes = sizeof(abi::FunctionReference);
  if (distance % kBytes != 0 || distance / kBytes >= linked->wasm().functions.size()) return std::nullopt;
  return distance / kBytes + 1;
}

Result<std::unique_ptr<Instance>> map_instance(std::shared_ptr<const LinkedModule> linked, std::uint64_t memory_bytes) {
  const abi::CellLayout& layout = linked->layout();
  auto mapping = os::Mapping::reserve(layout.reservation_bytes());
  if (!mapping) return std::unexpected(std::move(mapping.error()));
  // Invariant C2: header and memory are accessible, the rest is not.
  if (!os::protect(mapping->data(), layout.header_bytes() + memory_bytes, os::Access::kReadWrite)) {
    return fail(ErrorCode::kResource,
                fmt::format("the system refused {} bytes of memory for an instance: keep fewer instances, or raise "
                            "vm.max_map_count or the limit on memory",
                            layout.header_bytes() + memory_bytes));
  }
  auto instance = std::make_unique<Instance>();
  instance->cell = mapping->data() + layout.header_bytes();
  instance->mapping = std::move(*mapping);
  instance->linked = std::move(linked);

  const LinkedModule& module = *instance->linked;
  new (&instance->header()) abi::HotHeader{
      .instance = instance.get(),
      .tables_written = 0,
      .memory_reached = memory_bytes,
      .memory_maximum = module.memory_maximum,
      .host_functions = module.host_functions.data(),
      .library = &library(),
      .thread = nullptr,
      .memory_bytes = memory_bytes,
  };
  std::ranges::copy(module.type_ids, instance->at<std::uint32_t>(layout.type_id(0)));
  for (std::uint32_t i = 0; i < module.tables.size(); ++i) instance->table_size(i) = module.tables[i].minimum;
  const std::vector<std::uint32_t>& functions = module.wasm().functions;
  for (std::uint32_t i = 0; i < functions.size(); ++i) {
    new (instance->function_references() + i)
        abi::FunctionReference{module.type_ids[functions[i]], i, module.module->code.entry(i), instance->cell};
  }
  return instance;
}

Result<void> initialize(Instance& instance) {
  const wasm::Module& module = instance.linked->wasm();
  for (std::uint32_t i = 0; i < module.globals.size(); ++i) {
    instance.global(i) = i < module.imported_globals ? instance.linked->imported_globals[i]
                                                     : evaluate(instance, module.globals[i].initializer);
  }
  const abi::Library& call = library();
  for (std::uint32_t i = 0; i < module.elements.size(); ++i) {
    const wasm::ElementSegment& segment = module.elements[i];
    if (segment.mode == wasm::SegmentMode::kPassive) continue;
    if (segment.mode == wasm::SegmentMode::kActive) {
      // An i32, zero-extended by evaluate(); a segment has at most limits::kElementsInSegment elements.
      const auto offset = static_cast<std::uint32_t>(evaluate(instance, segment.offset));
      const auto count = static_cast<std::uint32_t>(segment.elements.size());
      const std::uint32_t trap = call.table_init(instance.cell, offset, 0, count, segment.table, i);
      if (trap != 0) return std::unexpected(segment_error("element", i, trap));
    }
    *instance.at<std::uint8_t>(instance.layout().dropped_elements(i)) = 1;
  }
  for (std::uint32_t i = 0; i < module.data.size(); ++i) {
    const wasm::DataSegment& segment = module.data[i];
    if (segment.mode != wasm::SegmentMode::kActive) continue;
    const auto offset = static_cast<std::uint32_t>(evaluate(instance, segment.offset));
    const auto count = static_cast<std::uint32_t>(segment.bytes.size());  // at most limits::kModuleBytes
    const std::uint32_t trap = call.memory_init(instance.cell, offset, 0, count, i);
    if (trap != 0) return std::unexpected(segment_error("data", i, trap));
    *instance.at<std::uint8_t>(instance.layout().dropped_data(i)) = 1;
  }
  return {};
}

Result<void> run_start(Instance& instance) {
  const wasm::Module& module = instance.linked->wasm();
  if (!module.start) return {};
  std::uint64_t slots[1] = {};  // the type of a start function is [] -> []
  const std::uint32_t trap = invoke(instance, function_handle(*instance.linked, *module.start), slots);
  if (trap == 0) return {};
  Error error = make_trap_error(instance, trap);
  error.message = "the start function failed: " + error.message;
  return std::unexpected(std::move(error));
}

Result<Value> exported_global(const Instance& instance, std::string_view name) {
  auto found = instance.linked->find_export(name, ExternalKind::kGlobal);
  if (!found) return std::unexpected(std::move(found.error()));
  const ValueType type = instance.linked->wasm().globals[found->index].type.type;
  std::uint64_t bits = instance.global(found->index);
  // Compiled code writes the low half of a 32-bit global only.
  if (type == ValueType::kI32 || type == ValueType::kF32) bits = static_cast<std::uint32_t>(bits);
  return Value{type, bits};
}

}  // namespace anew::detail
