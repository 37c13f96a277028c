// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Calls of the optimizing tier: between functions, through tables and references, into other instances.
//
// A function of the module is called by its symbol, so that it can be compiled into its caller. What may belong to
// another instance is called through its FunctionReference: its entry, or the library's way into that instance.
#include "abi/library.hpp"
#include "abi/x86_64/convention.hpp"
#include "codegen/llvm/function_compiler.hpp"

namespace anew::codegen::optimizing {

// --- Values on their way ---

FunctionCompiler::Value* FunctionCompiler::passed(Value* value, ValueType type, Shape shape) {
  if (type == ValueType::kI32) return ir_.CreateZExt(value, ir_.getInt64Ty());
  if (shape == Shape::kOwn) return value;
  if (is_float(type)) value = ir_.CreateInsertElement(::llvm::PoisonValue::get(lanes(type_of(type))), value, i64(0));
  return type == ValueType::kV128 || is_float(type) ? ir_.CreateBitCast(value, lanes(ir_.getDoubleTy())) : value;
}

FunctionCompiler::Value* FunctionCompiler::received(Value* value, ValueType type, Shape shape) {
  if (type == ValueType::kI32) return ir_.CreateTrunc(value, ir_.getInt32Ty());
  if (shape == Shape::kOwn) return value;
  if (is_float(type)) return ir_.CreateExtractElement(ir_.CreateBitCast(value, lanes(type_of(type))), i64(0));
  return type == ValueType::kV128 ? ir_.CreateBitCast(value, type_of(type)) : value;
}

FunctionCompiler::Value* FunctionCompiler::spilled_value(std::uint32_t slot) {
  // At most 2 * limits::kParameters or kResults slots.
  return Builder::at(thread(), abi::kSpilledValues + 8 * std::int64_t{slot});
}

// --- Who is called ---

FunctionCompiler::Value* FunctionCompiler::take_indirect_callee(std::uint32_t type, std::uint32_t table) {
  Value* const reference = table_element(table, pop(), TrapKind::kUndefinedElement);
  trap_if(ir_.CreateIsNull(reference), TrapKind::kUninitializedElement);
  Value* const callee = ir_.CreateIntToPtr(reference, ir_.getPtrTy(kHeaderSpace), "callee");
  Value* const found =
      Builder::load(ir_.getInt32Ty(), Builder::at(callee, offsetof(abi::FunctionReference, type_id)), Access::kHeader);
  Value* const wanted = Builder::load(ir_.getInt32Ty(), cell_field(unit_.layout.type_id(type)), Access::kHeader);
  Value* const differs = ir_.CreateICmpNE(found, wanted);
  if (unit_.module.declarations[type].is_final) {
    trap_if(differs, TrapKind::kIndirectCallTypeMismatch);
    return callee;
  }
  BasicBlock* const ask = BasicBlock::Create(context_, "ask", function_);
  BasicBlock* const checked = BasicBlock::Create(context_, "checked", function_);
  ir_.CreateCondBr(differs, ask, checked);
  ir_.SetInsertPoint(ask);
  trap_if(ir_.CreateNot(is_reference_of(reference, typed_reference(type, false))), TrapKind::kIndirectCallTypeMismatch);
  ir_.CreateBr(checked);
  ir_.SetInsertPoint(checked);
  return callee;
}

FunctionCompiler::Value* FunctionCompiler::take_reference_callee() {
  Value* const reference = pop();
  trap_if(ir_.CreateIsNull(reference), TrapKind::kNullFunctionReference);
  return ir_.CreateIntToPtr(reference, ir_.getPtrTy(kHeaderSpace), "callee");
}

FunctionCompiler::Value* FunctionCompiler::target_of(Value* reference, std::optional<std::uint32_t> import,
                                                     std::size_t library_offset) {
  Type* const pointer = ir_.getPtrTy();
  Value* const owner =
      Builder::load(pointer, Builder::at(reference, offsetof(abi::FunctionReference, cell)), Access::kHeader);
  BasicBlock* const own = BasicBlock::Create(context_, "own", function_);
  BasicBlock* const other = BasicBlock::Create(context_, "other", function_);
  BasicBlock* const join = BasicBlock::Create(context_, "target", function_);
  ir_.CreateCondBr(ir_.CreateICmpEQ(owner, cell_), own, other);

  ir_.SetInsertPoint(own);
  Value* const entry =
      import ? ir_.CreateConstInBoundsGEP2_64(entries(unit_).getValueType(), &entries(unit_), 0, *import)
             : Builder::load(pointer, Builder::at(reference, offsetof(abi::FunctionReference, entry)), Access::kHeader);
  Value* const function = Builder::load(pointer, entry, Access::kHeader);
  ir_.CreateBr(join);

  ir_.SetInsertPoint(other);
  Value* const way = library_function(library_offset);
  ir_.CreateBr(join);

  ir_.SetInsertPoint(join);
  ::llvm::PHINode* const target = ir_.CreatePHI(pointer, 2);
  target->addIncoming(function, own);
  target->addIncoming(way, other);
  return target;
}

// --- Calls ---

::llvm::CallInst* FunctionCompiler::make_call(std::uint32_t type_index, Shape shape, Value* target, Value* reference) {
  const std::vector<ValueType>& types = unit_.module.types[type_index].parameters;
  const std::vector<abi::Place>& places = unit_.arguments[type_index].places;
  ::llvm::FunctionType* const type = function_type(unit_, type_index, shape, reference != nullptr);
  std::vector<Value*> arguments;
  for (Type* const parameter : type->params()) arguments.push_back(::llvm::PoisonValue::get(parameter));
  unsigned next = 0;
  const std::size_t first = operands_.size() - types.size();
  for (std::size_t i = 0; i < types.size(); ++i) {
    Value* const value = operands_[first + i];
    if (places[i].kind == abi::Place::Kind::kMemory)
      Builder::store(value, spilled_value(places[i].index), Access::kThread);
    else
      arguments[shape == Shape::kOwn ? next++ : uniform_argument(places[i])] = passed(value, types[i], shape);
  }
  drop_to(first);
  arguments.back() = cell_;
  if (reference != nullptr) arguments.end()[-2] = ir_.CreateAddrSpaceCast(reference, ir_.getPtrTy());
  ::llvm::CallInst* const call = ir_.CreateCall(type, target, arguments);
  call->setCallingConv(::llvm::CallingConv::Swift);
  call->setAttributes(attributes_of(unit_, type_index, shape, reference != nullptr));
  call->setDoesNotThrow();
  return call;
}

void FunctionCompiler::emit_call(std::uint32_t type_index, Value* target, Value* reference) {
  const std::vector<ValueType>& types = unit_.module.types[type_index].results;
  const std::vector<abi::Place>& places = unit_.results[type_index].places;
  for (const ValueType type : types) refuse_exceptions(type);
  ::llvm::CallInst* const call = make_call(type_index, Shape::kOwn, target, reference);
  unsigned next = 0;
  for (std::size_t i = 0; i < types.size(); ++i) {
    if (places[i].kind == abi::Place::Kind::kMemory) {
      push(Builder::load(type_of(types[i]), spilled_value(places[i].index), Access::kThread));
    } else {
      Value* const value = call->getType()->isStructTy() ? ir_.CreateExtractValue(call, next++) : call;
      push(received(value, types[i], Shape::kOwn));
    }
  }
}

void FunctionCompiler::emit_tail_call(std::uint32_t type_index, Value* target, Value* reference) {
  become_uniform();
  if (unit_.options.metered_stack) give_back_frame();
  ::llvm::CallInst* const call = make_call(type_index, Shape::kUniform, target, reference);
  call->setTailCallKind(::llvm::CallInst::TCK_MustTail);
  call->setIsNoInline();  // a backtrace knows nothing of who made way
  ir_.CreateRet(call);
}

namespace {

constexpr std::size_t kCall = offsetof(abi::Library, call_other);
constexpr std::size_t kTailCall = offsetof(abi::Library, tail_call);

}  // namespace

void FunctionCompiler::call(std::uint32_t function) {
  const std::uint32_t type = unit_.module.functions[function];
  charge_call(type);
  if (function >= unit_.module.imported_functions)
    return emit_call(type, &declare_function(unit_, function, Shape::kOwn), nullptr);
  Value* const reference = cell_field(unit_.layout.function_reference(function));
  emit_call(type, target_of(reference, function, kCall), reference);
}

void FunctionCompiler::call_indirect(std::uint32_t type, std::uint32_t table) {
  charge_call(type);
  Value* const reference = take_indirect_callee(type, table);
  emit_call(type, target_of(reference, std::nullopt, kCall), reference);
}

void FunctionCompiler::call_ref(std::uint32_t type) {
  charge_call(type);
  Value* const reference = take_reference_callee();
  emit_call(type, target_of(reference, std::nullopt, kCall), reference);
}

void FunctionCompiler::return_call(std::uint32_t function) {
  const std::uint32_t type = unit_.module.functions[function];
  charge_call(type);
  if (function >= unit_.module.imported_functions)
    return emit_tail_call(type, &declare_function(unit_, function, Shape::kUniform), nullptr);
  Value* const reference = cell_field(unit_.layout.function_reference(function));
  emit_tail_call(type, target_of(reference, function, kTailCall), reference);
}

void FunctionCompiler::return_call_indirect(std::uint32_t type, std::uint32_t table) {
  charge_call(type);
  Value* const reference = take_indirect_callee(type, table);
  emit_tail_call(type, target_of(reference, std::nullopt, kTailCall), reference);
}

void FunctionCompiler::return_call_ref(std::uint32_t type) {
  charge_call(type);
  Value* const reference = take_reference_callee();
  emit_tail_call(type, target_of(reference, std::nullopt, kTailCall), reference);
}

}  // namespace anew::codegen::optimizing
