// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Blocks and branches of the optimizing tier, and what throws.
#include <llvm/ADT/DenseMap.h>
#include <llvm/IR/InlineAsm.h>

#include "abi/library.hpp"
#include "codegen/llvm/function_compiler.hpp"

namespace anew::codegen::optimizing {

using ::llvm::InlineAsm;

// --- Blocks ---

FunctionCompiler::Control& FunctionCompiler::open_block(Control::Kind kind, wasm::BlockType type, const char* label) {
  Control& control = controls_.emplace_back();
  control.kind = kind;
  control.height = operands_.size() - type.parameters.size();
  control.type = type;
  control.label = BasicBlock::Create(context_, label, function_);
  return control;
}

void FunctionCompiler::block(wasm::BlockType type) { open_block(Control::Kind::kBlock, type, "end"); }

void FunctionCompiler::loop(wasm::BlockType type) {
  Control& control = open_block(Control::Kind::kLoop, type, "loop");
  branch(0);
  ir_.SetInsertPoint(control.label);
  drop_to(control.height);
  for (Value* const value : control.values) push(value);
}

void FunctionCompiler::if_(wasm::BlockType type) {
  Value* const condition = ir_.CreateIsNotNull(pop());
  Control& control = open_block(Control::Kind::kIf, type, "end");
  control.parameters.assign(operands_.begin() + static_cast<std::ptrdiff_t>(control.height), operands_.end());
  BasicBlock* const then = BasicBlock::Create(context_, "then", function_);
  control.otherwise = BasicBlock::Create(context_, "else", function_);
  ir_.CreateCondBr(condition, then, control.otherwise);
  ir_.SetInsertPoint(then);
}

void FunctionCompiler::go_on_otherwise(Control& control) {
  ir_.SetInsertPoint(control.otherwise);
  drop_to(control.height);
  for (Value* const value : control.parameters) push(value);
}

void FunctionCompiler::else_(bool reachable) {
  if (reachable) branch(0);
  Control& control = block_at(0);
  control.kind = Control::Kind::kElse;
  go_on_otherwise(control);
}

void FunctionCompiler::end(bool reachable) {
  Control& control = block_at(0);
  if (control.kind == Control::Kind::kLoop) return controls_.pop_back();  // its label is elsewhere
  if (reachable) branch(0);
  if (control.kind == Control::Kind::kIf) {
    go_on_otherwise(control);
    branch(0);
  }
  drop_to(control.height);
  if (control.label->use_empty()) {
    control.label->eraseFromParent();  // nothing that follows is reachable
  } else {
    ir_.SetInsertPoint(control.label);
    for (Value* const value : control.values) push(value);
  }
  controls_.pop_back();
}

// --- Branches ---

void FunctionCompiler::pass_to_label(Control& control) {
  const std::span<const ValueType> types = control.label_types();
  if (control.values.empty())
    for (const ValueType type : types)
      control.values.push_back(::llvm::PHINode::Create(type_of(type), 2, "", control.label));
  const std::size_t first = operands_.size() - types.size();
  for (std::size_t i = 0; i < types.size(); ++i)
    control.values[i]->addIncoming(operands_[first + i], ir_.GetInsertBlock());
}

void FunctionCompiler::branch(std::uint32_t depth) {
  Control& control = block_at(depth);
  pass_to_label(control);
  ir_.CreateBr(control.label);
}

void FunctionCompiler::branch_if(Value* condition, std::uint32_t depth) {
  Control& control = block_at(depth);
  pass_to_label(control);
  BasicBlock* const next = BasicBlock::Create(context_, "next", function_);
  ir_.CreateCondBr(condition, control.label, next);
  ir_.SetInsertPoint(next);
}

void FunctionCompiler::br(std::uint32_t depth) {
  charge_branch(depth);
  branch(depth);
}

void FunctionCompiler::br_if(std::uint32_t depth) {
  charge_branch(depth);
  end_segment();
  branch_if(ir_.CreateIsNotNull(pop()), depth);
}

void FunctionCompiler::br_table(std::span<const std::uint32_t> depths) {
  charge_branch(depths.back());
  // What LLVM makes a table of; of fewer it makes comparisons.
  constexpr std::size_t kTable = 4;
  const std::size_t last = depths.size() - 1;  // at most limits::kBrTableTargets
  BasicBlock* const otherwise = BasicBlock::Create(context_, "otherwise", function_);
  Value* index = ir_.CreateZExt(pop(), ir_.getInt64Ty());
  if (last >= kTable) index = smaller_of(index, last);
  ::llvm::SwitchInst* const jump = ir_.CreateSwitch(index, otherwise, static_cast<unsigned>(depths.size()));
  ::llvm::DenseMap<std::uint32_t, BasicBlock*> ways;  // by depth: one to each target, however often it is named
  const auto way = [&](std::uint32_t depth) {
    BasicBlock*& block = ways[depth];
    if (block == nullptr) {
      block = new_block("way");
      branch(depth);
    }
    return block;
  };
  for (std::size_t i = 0; i < last; ++i) jump->addCase(ir_.getInt64(i), way(depths[i]));
  if (last >= kTable) jump->addCase(ir_.getInt64(last), way(depths[last]));
  ir_.SetInsertPoint(otherwise);
  if (last >= kTable)
    ir_.CreateUnreachable();
  else
    branch(depths[last]);
}

FunctionCompiler::Value* FunctionCompiler::smaller_of(Value* index, std::uint64_t last) {
  Type* const type = index->getType();
  InlineAsm* const code = InlineAsm::get(::llvm::FunctionType::get(type, {type, type}, false),
                                         "cmpq $2, $0\n\tcmovaq $2, $0", "=r,0,r,~{flags}", /*hasSideEffects=*/false);
  ::llvm::CallInst* const smaller = ir_.CreateCall(code, {index, i64(last)});
  smaller->setDoesNotAccessMemory();
  smaller->setDoesNotThrow();
  return smaller;
}

void FunctionCompiler::return_() { br(open_blocks()); }

void FunctionCompiler::br_on_null(std::uint32_t depth) {
  charge_branch(depth);
  end_segment();
  Value* const reference = pop();
  branch_if(ir_.CreateIsNull(reference), depth);
  push(reference);
}

void FunctionCompiler::br_on_non_null(std::uint32_t depth) {
  charge_branch(depth);
  end_segment();
  branch_if(ir_.CreateIsNotNull(operands_.back()), depth);
  pop();
}

void FunctionCompiler::br_on_cast(std::uint32_t depth, ValueType wanted) {
  charge_branch(depth);
  end_segment();
  branch_if(is_reference_of(operands_.back(), wanted), depth);
}

void FunctionCompiler::br_on_cast_fail(std::uint32_t depth, ValueType wanted) {
  charge_branch(depth);
  end_segment();
  branch_if(ir_.CreateNot(is_reference_of(operands_.back(), wanted)), depth);
}

void FunctionCompiler::unreachable() { trap(TrapKind::kUnreachable); }

// --- Exceptions ---

void FunctionCompiler::throw_(std::uint32_t tag) {
  Value* const exception = call_library(offsetof(abi::Library, new_exception), ir_.getInt64Ty(), {i32(tag)});
  trap_if(ir_.CreateIsNull(exception), TrapKind::kExceptionsExhausted);
  const std::vector<ValueType>& types = unit_.module.types[unit_.module.tags[tag].type].parameters;
  Value* const values = Builder::at(ir_.CreateIntToPtr(exception, ir_.getPtrTy(kHeaderSpace)), sizeof(abi::Exception));
  std::int64_t slot = 0;
  for (std::size_t i = 0; i < types.size(); ++i) {
    Builder::store(operands_[operands_.size() - types.size() + i], Builder::at(values, 8 * slot), Access::kHeader);
    slot += slots_of(types[i]);
  }
  Value* const raise = library_function(offsetof(abi::Library, throw_exception));
  ::llvm::CallInst* const call = ir_.CreateCall(
      ::llvm::FunctionType::get(ir_.getVoidTy(), {ir_.getInt64Ty(), ir_.getPtrTy()}, false), raise, {exception, cell_});
  call->setCallingConv(::llvm::CallingConv::Swift);
  call->addParamAttr(1, ::llvm::Attribute::SwiftSelf);
  call->addFnAttr(::llvm::Attribute::Cold);
  call->addFnAttr(::llvm::Attribute::NoMerge);
  call->setDoesNotReturn();
  call->setDoesNotThrow();  // the frame is skipped
  ir_.CreateUnreachable();
}

}  // namespace anew::codegen::optimizing
