// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Which instructions write to linear memories, and where: what marks.cpp has to mark.
#pragma once

#include <llvm/IR/Instruction.h>

#include <cstdint>
#include <optional>

#include "codegen/llvm/unit.hpp"

namespace anew::codegen::optimizing {

/// What an instruction writes to a linear memory.
struct Write {
  ::llvm::Instruction* instruction;
  ::llvm::Value* pointer;
  std::uint32_t memory;
  std::uint64_t bytes;              ///< from the pointer on, at most; of no meaning if `length` is there
  ::llvm::Value* length = nullptr;  ///< the same, where it is not a constant
  bool is_partial = false;          ///< not all of them: the pointer itself may lead anywhere
};

/// @return nothing for an instruction that writes to none.
/// @throw NotCompiled if that is not known.
[[nodiscard]] std::optional<Write> written_by(const Unit& unit, ::llvm::Instruction& instruction);

/// Whether a call is of a function of ours, of some module's or of the library.
[[nodiscard]] bool is_real_call(const ::llvm::Instruction& instruction);

}  // namespace anew::codegen::optimizing
