// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "codegen/quick/metered_compiler.hpp"

#include <cassert>
#include <cstddef>
#include <cstring>
#include <utility>

namespace anew::codegen::quick {

using wasm::Op;

static_assert(wasm::OperatorSink<MeteredCompiler>);

void MeteredCompiler::begin_function(std::uint32_t function_index, const FunctionType& type,
                                     std::span<const ValueType> locals) {
  QuickCompiler::begin_function(function_index, type, locals);
  body_ = &context_.module.bodies[function_index - context_.module.imported_functions];
  entry_price_ = static_cast<std::uint32_t>((locals.size() - type.parameters.size()) / kLocalsPerUnit);
  price_ = 0;
  price_at_ = 0;
}

void MeteredCompiler::at(std::uint64_t module_offset) {
  QuickCompiler::at(module_offset);
  if (entry_price_ != 0) charge(std::exchange(entry_price_, 0));
  // The operators that matter here have an opcode of one byte.
  switch (static_cast<Op>(std::to_integer<std::uint8_t>(body_->bytes[module_offset - body_->offset]))) {
    case Op::kBlock: break;
    case Op::kLoop:
    case Op::kElse:
    case Op::kCatch:
    case Op::kCatchAll:
    case Op::kDelegate:
    case Op::kEnd: end_segment(); break;
    case Op::kIf:
      charge(1);
      end_segment();
      break;
    default: charge(1); break;
  }
}

void MeteredCompiler::charge(std::uint32_t units) {
  price_ += units;
  if (price_at_ != 0) return;
  // No comparison waits: whatever ends a segment has used it or brought it into a register.
  assert(empty() || top().kind != Operand::Kind::kFlags);
  price_at_ = emit_charge();
}

void MeteredCompiler::end_segment() {
  if (price_at_ != 0) patch(price_at_, price_);
  price_ = 0;
  price_at_ = 0;
}

std::uint32_t MeteredCompiler::price_of_call(std::uint32_t type_index) const {
  const FunctionType& type = context_.module.types[type_index];
  return static_cast<std::uint32_t>((type.parameters.size() + type.results.size()) / kValuesPerUnit);
}

std::uint32_t MeteredCompiler::price_of_branch(std::uint32_t depth) const {
  const std::size_t values =
      depth == open_blocks() ? function_type().results.size() : block_at(depth).label_types().size();
  return static_cast<std::uint32_t>(values / kValuesPerUnit);
}

void MeteredCompiler::br(std::uint32_t depth) {
  charge(price_of_branch(depth));
  QuickCompiler::br(depth);
}

void MeteredCompiler::br_table(std::span<const std::uint32_t> depths) {
  charge(price_of_branch(depths.back()));
  QuickCompiler::br_table(depths);
}

void MeteredCompiler::return_() {
  charge(price_of_branch(open_blocks()));
  QuickCompiler::return_();
}

void MeteredCompiler::br_if(std::uint32_t depth) {
  charge(price_of_branch(depth));
  end_segment();
  QuickCompiler::br_if(depth);
}

void MeteredCompiler::br_on_null(std::uint32_t depth) {
  charge(price_of_branch(depth));
  end_segment();
  QuickCompiler::br_on_null(depth);
}

void MeteredCompiler::br_on_non_null(std::uint32_t depth) {
  charge(price_of_branch(depth));
  end_segment();
  QuickCompiler::br_on_non_null(depth);
}

void MeteredCompiler::br_on_cast(std::uint32_t depth, ValueType wanted) {
  charge(price_of_branch(depth));
  end_segment();
  QuickCompiler::br_on_cast(depth, wanted);
}

void MeteredCompiler::br_on_cast_fail(std::uint32_t depth, ValueType wanted) {
  charge(price_of_branch(depth));
  end_segment();
  QuickCompiler::br_on_cast_fail(depth, wanted);
}

void MeteredCompiler::call(std::uint32_t function) {
  charge(price_of_call(context_.module.functions[function]));
  QuickCompiler::call(function);
}

void MeteredCompiler::call_indirect(std::uint32_t type, std::uint32_t table) {
  charge(price_of_call(type));
  QuickCompiler::call_indirect(type, table);
}

void MeteredCompiler::call_ref(std::uint32_t type) {
  charge(price_of_call(type));
  QuickCompiler::call_ref(type);
}

void MeteredCompiler::return_call(std::uint32_t function) {
  charge(price_of_call(context_.module.functions[function]));
  QuickCompiler::return_call(function);
}

void MeteredCompiler::return_call_indirect(std::uint32_t type, std::uint32_t table) {
  charge(price_of_call(type));
  QuickCompiler::return_call_indirect(type, table);
}

void MeteredCompiler::return_call_ref(std::uint32_t type) {
  charge(price_of_call(type));
  QuickCompiler::return_call_ref(type);
}

void MeteredCompiler::memory_grow(std::uint32_t memory) {
  QuickCompiler::memory_grow(memory);
  trap_if_out_of_fuel();
}

void MeteredCompiler::table_grow(std::uint32_t table) {
  QuickCompiler::table_grow(table);
  trap_if_out_of_fuel();
}

}  // namespace anew::codegen::quick
