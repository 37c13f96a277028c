// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The quick tier with fuel (Options::fuel): what is charged, and when, is the same in every tier and on every machine.
//
// A body is cut into segments. One begins at the start of the function and behind each loop, else, catch, catch_all,
// delegate, end, if, br_if, br_on_null, br_on_non_null, br_on_cast and br_on_cast_fail. Its price is the sum of its
// operators' prices, those that can never be reached left out (wasm/sink.hpp says which these are): 0 for block, loop,
// else, catch, catch_all, delegate, end and nop, 1 for every other; calls and branches also pay for the values that
// they move, one for each whole kValuesPerUnit. To the first segment of a function adds one for each whole
// kLocalsPerUnit locals that it declares.
//
// A segment is charged when its first operator that costs something is about to run; if the fuel goes below zero by
// that, the call ends with kOutOfFuel before the operator. So a call that returns has paid just for what it executed,
// whatever the cuts; one that leaves a segment in its midst, by a trap or an exception, has paid for all of that
// segment. Bulk operators also pay for what they move, in runtime/library.cpp, before they move it; a throw for where
// it looks for a handler, in runtime/exceptions.cpp.
#pragma once

#include "codegen/quick/quick_compiler.hpp"

namespace anew::codegen::quick {

class MeteredCompiler : public QuickCompiler {
 public:
  using QuickCompiler::QuickCompiler;

  /// Entering a function sets its locals to zero, which takes time that no operator pays for.
  static constexpr std::uint32_t kLocalsPerUnit = 8;
  /// So does moving parameters and results, of which there may be thousands.
  static constexpr std::uint32_t kValuesPerUnit = 8;

  void begin_function(std::uint32_t function_index, const FunctionType& type, std::span<const ValueType> locals);
  void at(std::uint64_t module_offset);
  void br(std::uint32_t depth);
  void br_if(std::uint32_t depth);
  void br_table(std::span<const std::uint32_t> depths);
  void br_on_null(std::uint32_t depth);
  void br_on_non_null(std::uint32_t depth);
  void br_on_cast(std::uint32_t depth, ValueType wanted);
  void br_on_cast_fail(std::uint32_t depth, ValueType wanted);
  void return_();
  void call(std::uint32_t function);
  void call_indirect(std::uint32_t type, std::uint32_t table);
  void call_ref(std::uint32_t type);
  void return_call(std::uint32_t function);
  void return_call_indirect(std::uint32_t type, std::uint32_t table);
  void return_call_ref(std::uint32_t type);
  void memory_grow(std::uint32_t memory);
  void table_grow(std::uint32_t table);

 private:
  void charge(std::uint32_t units);
  [[nodiscard]] std::uint32_t price_of_call(std::uint32_t type_index) const;
  [[nodiscard]] std::uint32_t price_of_branch(std::uint32_t depth) const;
  void end_segment();

  const wasm::FunctionBody* body_ = nullptr;
  std::uint32_t entry_price_ = 0;  ///< not yet charged
  std::uint32_t price_ = 0;        ///< of the segment so far: at most 252 for each byte of the body
  std::uint64_t price_at_ = 0;     ///< where code holds the segment's price; 0: nothing was charged yet
};

}  // namespace anew::codegen::quick
