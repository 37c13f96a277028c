// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "codegen/llvm/writes.hpp"

#include <llvm/ADT/STLExtras.h>
#include <llvm/ADT/StringExtras.h>
#include <llvm/Analysis/ValueTracking.h>
#include <llvm/IR/InlineAsm.h>
#include <llvm/IR/Instructions.h>
#include <llvm/IR/IntrinsicInst.h>

#include <algorithm>
#include <string_view>

namespace anew::codegen::optimizing {
namespace {

using ::llvm::cast;
using ::llvm::dyn_cast;
using ::llvm::Instruction;
using ::llvm::isa;
using ::llvm::Value;

/// Our functions and stubs mark what they write.
bool is_ours(::llvm::StringRef name) {
  constexpr std::string_view kFunction = kFunctionSymbol;
  return name.starts_with("anew.") || (name.consume_front(kFunction) && !name.empty() && ::llvm::isDigit(name.front()));
}

/// As far as its constraints say so, which is what the optimizer goes by.
bool writes_nothing(const ::llvm::InlineAsm& assembly) {
  return std::ranges::all_of(assembly.ParseConstraints(), [](const ::llvm::InlineAsm::ConstraintInfo& each) {
    return !each.isIndirect && !::llvm::is_contained(each.Codes, "{memory}");
  });
}

/// @param type  of what is written; null: the caller says how much it is.
std::optional<Write> write(const Unit& unit, Instruction& instruction, Value* pointer, ::llvm::Type* type) {
  const unsigned space = pointer->getType()->getPointerAddressSpace();
  if (space == kHeaderSpace) return std::nullopt;
  if (space == 0) {
    ::llvm::SmallVector<const Value*, 4> objects;
    ::llvm::getUnderlyingObjects(pointer, objects, nullptr, 0);
    if (std::ranges::all_of(objects, [](const Value* each) { return isa<::llvm::AllocaInst>(each); }))
      return std::nullopt;
    throw NotCompiled{"a store that is neither to a memory nor to the function's frame"};
  }
  if (space < kMemorySpace || space - kMemorySpace >= unit.module.memories.size())
    throw NotCompiled{"a store to an unknown address space"};
  std::uint64_t bytes = 0;
  if (type != nullptr) {
    const ::llvm::TypeSize size = unit.ir.getDataLayout().getTypeStoreSize(type);
    if (size.isScalable()) throw NotCompiled{"a store of unknown size"};
    bytes = size.getFixedValue();
  }
  return Write{&instruction, pointer, space - kMemorySpace, bytes};
}

std::optional<Write> written_by_intrinsic(const Unit& unit, ::llvm::IntrinsicInst& intrinsic) {
  if (auto* const bulk = dyn_cast<::llvm::AnyMemIntrinsic>(&intrinsic)) {
    auto result = write(unit, intrinsic, bulk->getRawDest(), nullptr);
    if (!result) return std::nullopt;
    if (const auto* const constant = dyn_cast<::llvm::ConstantInt>(bulk->getLength())) {
      result->bytes = constant->getZExtValue();
      if (result->bytes == 0) return std::nullopt;
    } else {
      result->length = bulk->getLength();
    }
    return result;
  }
  switch (intrinsic.getIntrinsicID()) {
    case ::llvm::Intrinsic::masked_store: {
      auto result = write(unit, intrinsic, intrinsic.getArgOperand(1), intrinsic.getArgOperand(0)->getType());
      if (result) result->is_partial = true;
      return result;
    }
    case ::llvm::Intrinsic::lifetime_start:
    case ::llvm::Intrinsic::lifetime_end:
    case ::llvm::Intrinsic::prefetch: return std::nullopt;
    default: break;
  }
  if (intrinsic.onlyAccessesInaccessibleMemory()) return std::nullopt;  // assumptions and the like
  throw NotCompiled{"an intrinsic that writes memory in an unknown way"};
}

}  // namespace

std::optional<Write> written_by(const Unit& unit, Instruction& instruction) {
  if (!instruction.mayWriteToMemory() || isa<::llvm::FenceInst>(instruction)) return std::nullopt;
  if (isa<::llvm::LoadInst>(instruction)) return std::nullopt;  // an atomic or volatile one
  if (auto* const store = dyn_cast<::llvm::StoreInst>(&instruction))
    return write(unit, instruction, store->getPointerOperand(), store->getValueOperand()->getType());
  if (auto* const update = dyn_cast<::llvm::AtomicRMWInst>(&instruction))
    return write(unit, instruction, update->getPointerOperand(), update->getType());
  if (auto* const exchange = dyn_cast<::llvm::AtomicCmpXchgInst>(&instruction))
    return write(unit, instruction, exchange->getPointerOperand(), exchange->getNewValOperand()->getType());
  if (auto* const intrinsic = dyn_cast<::llvm::IntrinsicInst>(&instruction))
    return written_by_intrinsic(unit, *intrinsic);
  if (auto* const call = dyn_cast<::llvm::CallInst>(&instruction)) {
    if (auto* const assembly = dyn_cast<::llvm::InlineAsm>(call->getCalledOperand())) {
      if (writes_nothing(*assembly)) return std::nullopt;
      throw NotCompiled{"assembly that writes memory"};
    }
    // One through a pointer leads to a function of some module or of the library.
    const auto* const callee = dyn_cast<::llvm::Function>(call->getCalledOperand()->stripPointerCasts());
    if (callee == nullptr || is_ours(callee->getName())) return std::nullopt;
    throw NotCompiled{"a call of a function that is not Anew's"};
  }
  throw NotCompiled{"an instruction that writes memory in an unknown way"};
}

bool is_real_call(const Instruction& instruction) {
  const auto* const call = dyn_cast<::llvm::CallBase>(&instruction);
  return call != nullptr && !isa<::llvm::IntrinsicInst>(call) && !call->isInlineAsm();
}

}  // namespace anew::codegen::optimizing
