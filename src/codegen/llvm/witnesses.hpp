// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// A load of guest memory traps where it stands, so a witness follows it that keeps the optimizer from leaving it out,
// moving it or making it narrower (operators.hpp). A load of which it is proven that it never traps needs none; without
// it, it is one that LLVM can vectorize.
#pragma once

#include <llvm/IR/PassManager.h>

#include "codegen/llvm/unit.hpp"

namespace anew::codegen::optimizing {

/// Takes the witnesses of loads away whose addresses all lie in what the module's memory 0 has from the beginning, for
/// memories never shrink. It runs before the vectorizers: by then the optimizer knows most of addresses and loops.
class DropWitnesses : public ::llvm::PassInfoMixin<DropWitnesses> {
 public:
  explicit DropWitnesses(const Unit& unit) : unit_(&unit) {}
  ::llvm::PreservedAnalyses run(::llvm::Function& function, ::llvm::FunctionAnalysisManager& analyses);

 private:
  const Unit* unit_;
};

/// Behind all passes over IR: what a witness takes is made of loads that become volatile, and the witness goes. The
/// code generator keeps a volatile load where it stands as well, can make it an operand of another instruction, and is
/// done with it sooner than with a piece of assembly.
void make_volatile(::llvm::Function& function);

}  // namespace anew::codegen::optimizing
