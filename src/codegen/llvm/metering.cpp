// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Fuel (codegen/fuel.hpp) and metered stacks (abi/stack_limit.hpp) of the optimizing tier.
#include <utility>

#include "abi/library.hpp"
#include "abi/stack_limit.hpp"
#include "codegen/llvm/function_compiler.hpp"

namespace anew::codegen::optimizing {

using wasm::Op;

::llvm::BinaryOperator* FunctionCompiler::count(::llvm::Instruction::BinaryOps operation, std::int32_t counter) {
  Value* const place = Builder::at(thread(), counter);
  ::llvm::LoadInst* const before = ir_.CreateAlignedLoad(ir_.getInt64Ty(), place, ::llvm::Align(8), true);
  // A constant that is not folded, in place of the number.
  auto* const after = ::llvm::cast<::llvm::BinaryOperator>(ir_.CreateBinOp(operation, before, i64(1)));
  ::llvm::StoreInst* const stored = ir_.CreateAlignedStore(after, place, ::llvm::Align(8), true);
  before->setMetadata(::llvm::LLVMContext::MD_tbaa, tbaa(Access::kThread));
  stored->setMetadata(::llvm::LLVMContext::MD_tbaa, tbaa(Access::kThread));
  return after;
}

// --- Fuel ---

void FunctionCompiler::charge_operator(std::uint64_t module_offset) {
  if (entry_price_ != 0) charge(std::exchange(entry_price_, 0));
  // The operators that matter here have an opcode of one byte.
  switch (static_cast<Op>(std::to_integer<std::uint8_t>(body_->bytes[module_offset - body_->offset]))) {
    case Op::kBlock: break;
    case Op::kLoop:
    case Op::kElse:
    case Op::kEnd: end_segment(); break;
    case Op::kIf:
      charge(1);
      end_segment();
      break;
    default: charge(1); break;
  }
}

void FunctionCompiler::charge(std::uint64_t units) {
  if (!unit_.options.fuel) return;
  price_ += units;
  if (charge_ != nullptr) return;
  charge_ = count(::llvm::Instruction::Sub, abi::kFuel);
  trap_if(ir_.CreateICmpSLT(charge_, i64(0)), TrapKind::kOutOfFuel);
}

void FunctionCompiler::end_segment() {
  if (charge_ != nullptr) charge_->setOperand(1, i64(price_));
  charge_ = nullptr;
  price_ = 0;
}

void FunctionCompiler::charge_call(std::uint32_t type_index) {
  const FunctionType& type = unit_.module.types[type_index];
  charge((type.parameters.size() + type.results.size()) / kValuesPerUnit);
}

void FunctionCompiler::charge_branch(std::uint32_t depth) {
  charge(block_at(depth).label_types().size() / kValuesPerUnit);
}

void FunctionCompiler::trap_if_out_of_fuel() {
  Value* const left = Builder::load(ir_.getInt64Ty(), Builder::at(thread(), abi::kFuel), Access::kThread);
  trap_if(ir_.CreateICmpSLT(left, i64(0)), TrapKind::kOutOfFuel);
}

// --- Metered stacks ---

void FunctionCompiler::pay_for_frame() {
  // Bounded by limits::kLocals and kOperandStack: far below 2^31.
  const std::uint32_t units = abi::kFrameUnits + local_slots_ + highest_operands_;
  for (::llvm::BinaryOperator* const given : given_back_) given->setOperand(1, i64(units));
  function_->addFnAttr(kStackUnitsAttribute, std::to_string(units));
  ::llvm::BinaryOperator* const left = count(::llvm::Instruction::Sub, abi::kStackLeft);
  left->setOperand(1, i64(units));
  trap_if(ir_.CreateICmpSLT(left, i64(0)), TrapKind::kStackExhausted);
}

void FunctionCompiler::give_back_frame() { given_back_.push_back(count(::llvm::Instruction::Add, abi::kStackLeft)); }

}  // namespace anew::codegen::optimizing
