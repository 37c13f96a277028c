// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Which of LLVM's passes a unit's IR goes through.
#pragma once

#include <llvm/Analysis/TargetLibraryInfo.h>
#include <llvm/Target/TargetMachine.h>
#include <llvm/TargetParser/Triple.h>

#include "codegen/llvm/protocol.hpp"
#include "codegen/llvm/unit.hpp"

namespace anew::codegen::optimizing {

/// How much the code generator does.
[[nodiscard]] ::llvm::CodeGenOptLevel code_level(Pipeline pipeline);

/// Optimizes what the unit defines; copies of callees are gone behind it.
void run_passes(const Unit& unit, ::llvm::TargetMachine& machine, Pipeline pipeline);

/// There is no library that code could call: nothing becomes memset or sin.
[[nodiscard]] ::llvm::TargetLibraryInfoImpl no_library(const ::llvm::Triple& triple);

}  // namespace anew::codegen::optimizing
