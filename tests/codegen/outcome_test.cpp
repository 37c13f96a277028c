// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The table's column of outcomes against the code: an operator that may trap is where the code knows its position, for
// the backtrace; any other leaves none.
#include "run.hpp"
#include "runtime/module_state.hpp"
#include "wasm/signatures.hpp"

namespace anew::codegen::test {
namespace {

/// A module whose one function gives its parameters to the operator.
std::vector<std::byte> module_with(Op op, std::string_view immediate) {
  const wasm::Signature& signature = wasm::signature_of(op);
  FunctionType type;
  Code body;
  for (std::uint32_t i = 0; i < signature.operands; ++i) {
    type.parameters.push_back(signature.operand(i));
    body.get(i);
  }
  type.results.assign(signature.results, signature.result);
  body.op(op);
  if (immediate.starts_with("Memory")) body.byte(signature.access_log2).byte(0);
  if (immediate.starts_with("MemoryLane") || immediate.starts_with("Lane")) body.byte(0);
  if (immediate == "Shuffle") body.fixed(0, 8).fixed(0, 8);
  ModuleBuilder builder;
  builder.memory(1);
  builder.function(type, {}, body, "f");
  return builder.finish();
}

void expect_position(Op op, std::string_view immediate) {
  const auto module = engine().compile(module_with(op, immediate));
  ASSERT_TRUE(module) << wasm::to_string(op) << ": " << module.error().to_string();
  const bool has_position = !module->state()->image.positions.empty();
  EXPECT_EQ(has_position, wasm::outcome_of(op) == wasm::Outcome::kTraps) << wasm::to_string(op);
}

TEST(Outcome, OnlyAnOperatorThatMayTrapHasAPosition) {
#define ANEW_X(name, text, code, proposal, immediate, ...) expect_position(Op::k##name, #immediate);
  ANEW_OPERATORS_BY_SIGNATURE(ANEW_X)
#undef ANEW_X
}

}  // namespace
}  // namespace anew::codegen::test
