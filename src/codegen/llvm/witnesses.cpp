// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "codegen/llvm/witnesses.hpp"

#include <llvm/ADT/STLExtras.h>
#include <llvm/Analysis/LoopInfo.h>
#include <llvm/Analysis/ScalarEvolution.h>
#include <llvm/Analysis/ScalarEvolutionExpressions.h>
#include <llvm/IR/InlineAsm.h>
#include <llvm/IR/InstIterator.h>
#include <llvm/IR/Instructions.h>
#include <llvm/IR/Operator.h>

#include <algorithm>

namespace anew::codegen::optimizing {
namespace {

using ::llvm::dyn_cast;
using ::llvm::Instruction;
using ::llvm::LoadInst;
using ::llvm::SCEV;

/// The load that an instruction is the witness of; null if it is none, or of something else by now.
LoadInst* witnessed(Instruction& instruction) {
  auto* const call = dyn_cast<::llvm::CallInst>(&instruction);
  if (call == nullptr || !call->isInlineAsm() || call->arg_size() != 1 || !call->getType()->isVoidTy()) return nullptr;
  if (!::llvm::cast<::llvm::InlineAsm>(call->getCalledOperand())->getAsmString().empty()) return nullptr;
  ::llvm::Value* value = call->getArgOperand(0);
  if (auto* const cast = dyn_cast<::llvm::CastInst>(value)) value = cast->getOperand(0);
  return dyn_cast<LoadInst>(value);
}

/// Whether the cell's own memory is in bounds there from the beginning.
bool is_in_bounds(const Unit& unit, const LoadInst& load, ::llvm::ScalarEvolution& evolution,
                  const ::llvm::LoopInfo& loops) {
  if (load.getPointerAddressSpace() != kMemorySpace || unit.options.foreign_memory) return false;
  const SCEV* const pointer = evolution.getSCEV(const_cast<::llvm::Value*>(load.getPointerOperand()));
  const auto* const base = dyn_cast<::llvm::SCEVUnknown>(evolution.getPointerBase(pointer));
  if (base == nullptr) return false;
  const auto* const cell = dyn_cast<::llvm::AddrSpaceCastOperator>(base->getValue());
  const auto* const argument = cell == nullptr ? nullptr : dyn_cast<::llvm::Argument>(cell->getPointerOperand());
  if (argument == nullptr || !argument->hasSwiftSelfAttr()) return false;
  const SCEV* address = evolution.removePointerBase(pointer);
  if (const ::llvm::Loop* const loop = loops.getLoopFor(load.getParent()))
    address = evolution.applyLoopGuards(address, loop);
  const std::uint64_t always =
      std::min(unit.module.memories.front().limits.minimum, abi::kMemoryAddressSpace / abi::kWasmPageBytes) *
      abi::kWasmPageBytes;
  const std::uint64_t bytes = load.getDataLayout().getTypeStoreSize(load.getType()).getFixedValue();
  return bytes <= always && evolution.getUnsignedRangeMax(address).ule(always - bytes);
}

}  // namespace

::llvm::PreservedAnalyses DropWitnesses::run(::llvm::Function& function, ::llvm::FunctionAnalysisManager& analyses) {
  if (unit_->module.memories.empty()) return ::llvm::PreservedAnalyses::all();
  auto& evolution = analyses.getResult<::llvm::ScalarEvolutionAnalysis>(function);
  const auto& loops = analyses.getResult<::llvm::LoopAnalysis>(function);
  bool changed = false;
  for (Instruction& each : ::llvm::make_early_inc_range(::llvm::instructions(function))) {
    const LoadInst* const load = witnessed(each);
    if (load == nullptr || !is_in_bounds(*unit_, *load, evolution, loops)) continue;
    each.eraseFromParent();
    changed = true;
  }
  if (!changed) return ::llvm::PreservedAnalyses::all();
  ::llvm::PreservedAnalyses preserved;
  preserved.preserveSet<::llvm::CFGAnalyses>();
  preserved.preserve<::llvm::ScalarEvolutionAnalysis>();
  return preserved;
}

}  // namespace anew::codegen::optimizing
