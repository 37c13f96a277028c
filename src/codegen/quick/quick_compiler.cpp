// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Functions, locals and constants of the quick tier.
#include "codegen/quick/quick_compiler.hpp"

#include <algorithm>

namespace anew::codegen::quick {

static_assert(wasm::OperatorSink<QuickCompiler>);

namespace {

constexpr std::uint32_t kOperatorsBetweenChecks = 1024;
constexpr std::size_t kMaximumWaiting = 1024;  // traps, calls, constants' uses and targets of br_tables

}  // namespace

// --- Functions ---

void QuickCompiler::begin_function(std::uint32_t function_index, const FunctionType& type,
                                   std::span<const ValueType> locals) {
  operators_until_check_ = kOperatorsBetweenChecks;
  clauses_.clear();
  handlers_.clear();
  begin_frame(function_index, type, locals);
  begin_values(function_index);
  begin_blocks();
}

void QuickCompiler::end_function(bool reachable) {
  if (reachable) {
    settle_flags();
    move_results_of_function();
  }
  end_values();
  emit_epilogue();
  emit_out_of_line();
  finish_frame();
}

void QuickCompiler::check_and_clear() {
  operators_until_check_ = kOperatorsBetweenChecks;
  const std::uint64_t scratch =
      block_bytes() + operand_bytes() + std::uint64_t{16} * (clauses_.size() + handlers_.size() + patches());
  most_scratch_ = std::max(most_scratch_, scratch);
  check_size(scratch);
  if (waiting() >= kMaximumWaiting) emit_out_of_line_here();
}

// --- Locals and constants ---

void QuickCompiler::local_get(std::uint32_t local) {
  settle_flags();
  push_local(local);
}

void QuickCompiler::local_set(std::uint32_t local) {
  settle_flags();
  set_local(local, pop());
  release();
}

void QuickCompiler::local_tee(std::uint32_t local) {
  settle_flags();
  const Operand value = pop();
  set_local(local, value);
  release();
  local_get(local);
}

void QuickCompiler::constant(ValueType type, std::uint64_t bits) {
  settle_flags();
  push_constant(type, bits);
}

void QuickCompiler::drop() {
  settle_flags();
  drop_to(height() - 1);
}

// --- References ---

void QuickCompiler::ref_null(ValueType type) { constant(type, 0); }

void QuickCompiler::ref_as_non_null() {
  settle_flags();
  const Operand reference = pop();
  const Register reg = use(reference);
  trap_if_zero(reg, true, TrapKind::kNullReference);
  push_again(reference, reg);
}

}  // namespace anew::codegen::quick
