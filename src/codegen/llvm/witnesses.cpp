// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "codegen/llvm/witnesses.hpp"

#include <llvm/ADT/STLExtras.h>
#include <llvm/ADT/SetVector.h>
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

/// What a witness takes; null if the instruction is none.
::llvm::Value* taken_by_witness(Instruction& instruction) {
  auto* const call = dyn_cast<::llvm::CallInst>(&instruction);
  if (call == nullptr || !call->isInlineAsm() || call->arg_size() != 1 || !call->getType()->isVoidTy()) return nullptr;
  if (!::llvm::cast<::llvm::InlineAsm>(call->getCalledOperand())->getAsmString().empty()) return nullptr;
  return call->getArgOperand(0);
}

/// The load that an instruction is the witness of; null if it is none, or of something else by now.
LoadInst* witnessed(Instruction& instruction) {
  ::llvm::Value* value = taken_by_witness(instruction);
  if (value == nullptr) return nullptr;
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

/// How many values are looked at behind a witness, at most.
constexpr std::size_t kMostOrigins = 32;

/// Collects the loads that a value is made of. @return false if there may be others that are not seen.
bool find_loads(::llvm::Value* value, ::llvm::SmallVectorImpl<LoadInst*>& loads) {
  ::llvm::SmallSetVector<::llvm::Value*, kMostOrigins> origins;
  origins.insert(value);
  for (std::size_t i = 0; i < origins.size(); ++i) {
    auto* const instruction = dyn_cast<Instruction>(origins[i]);
    if (instruction == nullptr) continue;  // a constant or an argument
    if (auto* const load = dyn_cast<LoadInst>(instruction)) {
      if (load->isAtomic()) return false;
      loads.push_back(load);
    } else if (instruction->mayReadOrWriteMemory()) {
      return false;
    } else {
      for (::llvm::Value* const operand : instruction->operand_values())
        if (origins.insert(operand) && origins.size() > kMostOrigins) return false;
    }
  }
  return true;
}

}  // namespace

void make_volatile(::llvm::Function& function) {
  for (Instruction& each : ::llvm::make_early_inc_range(::llvm::instructions(function))) {
    ::llvm::Value* const value = taken_by_witness(each);
    if (value == nullptr) continue;
    ::llvm::SmallVector<LoadInst*> loads;
    if (!find_loads(value, loads)) continue;
    for (LoadInst* const load : loads) load->setVolatile(true);
    each.eraseFromParent();
  }
}

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
