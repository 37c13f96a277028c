// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Random programs: structured WebAssembly as a tree (program.hpp), made by a seeded generator (generator.hpp), written
// as a binary module and as text (program.cpp), and run by an interpreter that is slow and plain (interpreter.hpp).
// What the compiled module does must be what the interpreter does.
#pragma once

#include <anew/value.hpp>
#include <array>
#include <cstdint>
#include <string>
#include <vector>

#include "support/module_builder.hpp"
#include "wasm/opcodes.hpp"

namespace anew::codegen::test {

inline constexpr std::array<ValueType, 4> kValueTypes = {kI32, kI64, kF32, kF64};
inline constexpr std::uint32_t kProgramMemoryBytes = 65'536;

/// The atomic accesses come in nine groups of seven: i32, i64, i32 of 8 and of 16 bits, i64 of 8, 16 and 32 bits.
inline constexpr std::uint32_t kAtomicWidths = 7;
[[nodiscard]] constexpr bool is_atomic(Op op) noexcept {
  return Op::kI32AtomicLoad <= op && op <= Op::kI64AtomicRmw32CmpxchgU;
}

/// Whether a program can tell one NaN from another.
enum class Nans : std::uint8_t { kHidden, kShown };

/// One operator with all that belongs to it; for a block, its body.
struct Instruction {
  Op op = Op::kNop;
  std::uint64_t immediate = 0;  ///< a constant's bits, an index, a depth, or a memory offset
  ValueType type = kI32;        ///< of a constant or of select
  FunctionType block;           ///< of a block, loop, if or try; of call_indirect
  std::vector<Instruction> body;
  std::vector<Instruction> arms;  ///< of a try: each a catch, with its tag, or catch_all; or one delegate, with a depth
  std::vector<Instruction> otherwise;  ///< of an if; empty: no else
  std::vector<std::uint32_t> targets;  ///< of br_table, the default last
};
using Sequence = std::vector<Instruction>;

struct ProgramFunction {
  FunctionType type;
  std::vector<ValueType> locals;  ///< without the parameters
  Sequence body;
};

/// Function indices: the two imports of module "host" first. Each function is in table 0 at its index.
struct Program {
  std::vector<FunctionType> imports;
  std::vector<ProgramFunction> functions;
  std::vector<Value> globals;  ///< all mutable, exported as "g0" and so on
  std::vector<std::vector<ValueType>> tags;

  [[nodiscard]] const FunctionType& type_of(std::uint32_t function) const {
    return function < imports.size() ? imports[function] : functions[function - imports.size()].type;
  }
  [[nodiscard]] std::uint32_t function_count() const {
    return static_cast<std::uint32_t>(imports.size() + functions.size());
  }
};

/// The binary module. It exports its last function as "run", its memory and its globals.
[[nodiscard]] std::vector<std::byte> encode(const Program& program);
/// The module in text format, for a person and for wat2wasm.
[[nodiscard]] std::string print(const Program& program);

}  // namespace anew::codegen::test
