// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "codegen/llvm/builder.hpp"

#include <llvm/IR/InlineAsm.h>
#include <llvm/IR/MDBuilder.h>
#include <llvm/IR/Module.h>

#include <algorithm>

#include "abi/library.hpp"

namespace anew::codegen::optimizing {

using ::llvm::Attribute;
using ::llvm::InlineAsm;

Builder::Builder(const Unit& unit) : unit_(unit), context_(unit.ir.getContext()), ir_(context_) {
  constexpr std::array kNames = {"memory", "global", "thread", "table", "table header", "header"};
  static_assert(kNames.size() == static_cast<std::size_t>(Access::kHeader) + 1 &&
                kNames.size() == std::tuple_size_v<decltype(tbaa_)>);
  ::llvm::MDBuilder metadata(context_);
  ::llvm::MDNode* const root = metadata.createTBAARoot("anew");
  std::ranges::transform(kNames, tbaa_.begin(), [&](const char* name) {
    ::llvm::MDNode* const type = metadata.createTBAAScalarTypeNode(name, root);
    return metadata.createTBAAStructTagNode(type, type, 0);
  });
}

Builder::Type* Builder::lanes(Type* lane) const {
  constexpr unsigned kVectorBits = 128;
  return ::llvm::FixedVectorType::get(lane, kVectorBits / lane->getScalarSizeInBits());
}

// --- Places ---

Builder::Value* Builder::cell_field(std::int64_t displacement) { return at(header_, displacement); }

Builder::Value* Builder::at(Value* base, std::int64_t displacement) {
  return displacement == 0 ? base : ir_.CreatePtrAdd(base, ir_.getInt64(static_cast<std::uint64_t>(displacement)));
}

namespace {

/// Structures are 8-aligned, a v128 in them no more than that.
::llvm::Align alignment_of(const Unit& unit, ::llvm::Type* type) {
  return std::min(unit.ir.getDataLayout().getABITypeAlign(type), ::llvm::Align(8));
}

}  // namespace

Builder::Value* Builder::load(Type* type, Value* from, Access access, std::string_view name) {
  ::llvm::LoadInst* const load = ir_.CreateAlignedLoad(type, from, alignment_of(unit_, type), ::llvm::StringRef(name));
  load->setMetadata(::llvm::LLVMContext::MD_tbaa, tbaa(access));
  return load;
}

void Builder::store(Value* value, Value* to, Access access) {
  ::llvm::StoreInst* const store = ir_.CreateAlignedStore(value, to, alignment_of(unit_, value->getType()));
  store->setMetadata(::llvm::LLVMContext::MD_tbaa, tbaa(access));
}

Builder::Value* Builder::thread() {
  return load(ir_.getPtrTy(kHeaderSpace), cell_field(abi::kThread), Access::kHeader, "thread");
}

::llvm::MDNode* Builder::tbaa(Access access) { return tbaa_[static_cast<std::size_t>(access)]; }

// --- Traps ---

void Builder::raise(TrapKind kind, Value* found) {
  ::llvm::Function& stub = declare_trap(unit_, kind);
  std::vector<Value*> arguments;
  if (found != nullptr) arguments.push_back(found);
  arguments.push_back(cell_);
  ::llvm::CallInst* const call = ir_.CreateCall(&stub, arguments);
  call->setCallingConv(stub.getCallingConv());
  call->addParamAttr(static_cast<unsigned>(arguments.size() - 1), Attribute::SwiftSelf);
  call->addFnAttr(Attribute::NoMerge);  // its return address tells where
  ir_.CreateUnreachable();
}

Builder::BasicBlock* Builder::leave_if(Value* condition) {
  BasicBlock* const left = BasicBlock::Create(context_, "left", function_);
  BasicBlock* const next = BasicBlock::Create(context_, "next", function_);
  ir_.CreateCondBr(condition, left, next, ::llvm::MDBuilder(context_).createUnlikelyBranchWeights());
  ir_.SetInsertPoint(left);
  return next;
}

void Builder::trap(TrapKind kind) {
  raise(kind, nullptr);
  new_block("behind");
}

void Builder::trap_if(Value* condition, TrapKind kind) {
  BasicBlock* const next = leave_if(condition);
  raise(kind, nullptr);
  ir_.SetInsertPoint(next);
}

void Builder::trap_if_library_failed(Value* kind) {
  BasicBlock* const next = leave_if(ir_.CreateIsNotNull(kind));
  raise(TrapKind::kNone, kind);
  ir_.SetInsertPoint(next);
}

// --- Calls of the library ---

Builder::Value* Builder::library_function(std::size_t library_offset) {
  Value* const library = load(ir_.getPtrTy(kHeaderSpace), cell_field(abi::kLibrary), Access::kHeader, "library");
  return load(ir_.getPtrTy(), at(library, static_cast<std::int64_t>(library_offset)), Access::kHeader);
}

Builder::Value* Builder::call_library(std::size_t library_offset, Type* result,
                                      std::initializer_list<Value*> arguments) {
  std::vector<Value*> passed = {cell_};
  passed.insert(passed.end(), arguments.begin(), arguments.end());
  std::vector<Type*> types(passed.size());
  std::ranges::transform(passed, types.begin(), [](Value* argument) { return argument->getType(); });
  ::llvm::CallInst* const call =
      ir_.CreateCall(::llvm::FunctionType::get(result, types, false), library_function(library_offset), passed);
  call->setDoesNotThrow();
  return call;
}

// All ones if the comparison sets the carry flag, as it does unless it is passed by a mispredicted branch.
Builder::Value* Builder::clamp(Value* index, Value* size) {
  Type* const type = index->getType();
  InlineAsm* const code = InlineAsm::get(
      ::llvm::FunctionType::get(type, {type, type}, false),
      type->isIntegerTy(32) ? "cmpl $2, $1\n\tsbbl $0, $0\n\tandl $1, $0" : "cmpq $2, $1\n\tsbbq $0, $0\n\tandq $1, $0",
      "=&r,r,r,~{flags}", /*hasSideEffects=*/false);
  ::llvm::CallInst* const clamped = ir_.CreateCall(code, {index, size}, "clamped");
  clamped->setDoesNotAccessMemory();
  clamped->setDoesNotThrow();
  return clamped;
}

// --- The function ---

void Builder::set_position(std::uint64_t module_offset) {
  if (subprogram_ == nullptr) return;
  // Below limits::kModuleBytes.
  ir_.SetCurrentDebugLocation(::llvm::DILocation::get(context_, static_cast<unsigned>(module_offset), 0, subprogram_));
}

Builder::BasicBlock* Builder::new_block(const char* name) {
  BasicBlock* const block = BasicBlock::Create(context_, name, function_);
  ir_.SetInsertPoint(block);
  return block;
}

}  // namespace anew::codegen::optimizing
