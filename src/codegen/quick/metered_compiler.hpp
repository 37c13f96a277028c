// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The quick tier with fuel (codegen/fuel.hpp).
#pragma once

#include "codegen/fuel.hpp"
#include "codegen/quick/quick_compiler.hpp"

namespace anew::codegen::quick {

class MeteredCompiler : public QuickCompiler {
 public:
  using QuickCompiler::QuickCompiler;

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
