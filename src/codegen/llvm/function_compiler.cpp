// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "codegen/llvm/function_compiler.hpp"

#include "abi/x86_64/convention.hpp"
#include "wasm/spelled_product.hpp"

namespace anew::codegen::optimizing {

namespace {

constexpr NotCompiled kHandlesExceptions = {"it handles exceptions"};

}  // namespace

void FunctionCompiler::refuse_exceptions(ValueType type) {
  if (is_exception_reference(type)) throw kHandlesExceptions;
}

// --- Functions ---

void FunctionCompiler::begin_function(std::uint32_t function_index, const FunctionType& type,
                                      std::span<const ValueType> locals) {
  for (const ValueType local : locals) refuse_exceptions(local);
  function_index_ = function_index;
  type_index_ = unit_.module.functions[function_index];
  body_ = &unit_.module.bodies[function_index - unit_.module.imported_functions];
  shape_ = Shape::kOwn;
  function_ = &declare_function(unit_, function_index, shape_);
  subprogram_ = &make_subprogram(unit_, function_index);
  function_->setSubprogram(subprogram_);
  cell_ = function_->getArg(static_cast<unsigned>(function_->arg_size() - 1));
  operands_.clear();
  operand_slots_ = 0;
  controls_.clear();
  entry_price_ = (locals.size() - type.parameters.size()) / kLocalsPerUnit;
  price_ = 0;
  charge_ = nullptr;
  highest_operands_ = 0;
  given_back_.clear();

  set_position(body_->offset);
  entry_ = new_block("entry");
  header_ = ir_.CreateAddrSpaceCast(cell_, ir_.getPtrTy(kHeaderSpace), "header");
  locals_.clear();
  for (const ValueType local : locals) locals_.push_back(ir_.CreateAlloca(type_of(local)));
  local_slots_ = static_cast<std::uint32_t>(slots_of(locals));  // at most 2 * limits::kLocals
  first_ = new_block("body");
  open_block(Control::Kind::kBlock, {{}, type.results}, "return");
}

void FunctionCompiler::end_function(bool reachable) {
  if (reachable) branch(0);
  end_segment();
  Control& body = block_at(0);
  if (body.label->use_empty()) {
    body.label->eraseFromParent();
  } else {
    ir_.SetInsertPoint(body.label);
    Value* const results = packed_results();
    if (unit_.options.metered_stack) give_back_frame();
    results == nullptr ? ir_.CreateRetVoid() : ir_.CreateRet(results);
  }
  enter();
  // What stands behind a trap leads nowhere.
  for (BasicBlock& block : *function_)
    if (block.getTerminator() == nullptr) new ::llvm::UnreachableInst(context_, &block);
}

void FunctionCompiler::discard() {
  if (function_ != nullptr) function_->deleteBody();
}

void FunctionCompiler::become_uniform() {
  if (shape_ == Shape::kUniform) return;
  shape_ = Shape::kUniform;
  ::llvm::Function& uniform = declare_function(unit_, function_index_, shape_);
  uniform.splice(uniform.end(), function_);
  function_->setSubprogram(nullptr);
  uniform.setSubprogram(subprogram_);
  Value* const cell = uniform.getArg(static_cast<unsigned>(uniform.arg_size() - 1));
  cell_->replaceAllUsesWith(cell);
  cell_ = cell;
  function_ = &uniform;
}

void FunctionCompiler::enter() {
  ir_.SetInsertPoint(entry_);
  set_position(body_->offset);
  const std::vector<ValueType>& parameters = unit_.module.types[type_index_].parameters;
  const std::vector<abi::Place>& places = unit_.arguments[type_index_].places;
  unsigned next = 0;
  for (std::size_t i = 0; i < locals_.size(); ++i) {
    Value* value = nullptr;
    if (i >= parameters.size()) {
      value = ::llvm::Constant::getNullValue(locals_[i]->getAllocatedType());
    } else if (places[i].kind == abi::Place::Kind::kMemory) {
      value = Builder::load(type_of(parameters[i]), spilled_value(places[i].index), Access::kThread);
    } else {
      const unsigned argument = shape_ == Shape::kOwn ? next++ : uniform_argument(places[i]);
      value = received(function_->getArg(argument), parameters[i], shape_);
    }
    ir_.CreateStore(value, locals_[i]);
  }
  if (unit_.options.metered_stack) pay_for_frame();
  ir_.CreateBr(first_);
}

FunctionCompiler::Value* FunctionCompiler::packed_results() {
  const std::vector<ValueType>& types = unit_.module.types[type_index_].results;
  const std::vector<abi::Place>& places = unit_.results[type_index_].places;
  const std::vector<::llvm::PHINode*>& values = block_at(0).values;
  Type* const type = function_->getReturnType();
  Value* packed = type->isStructTy() ? ::llvm::PoisonValue::get(type) : nullptr;
  unsigned next = 0;
  for (std::size_t i = 0; i < types.size(); ++i) {
    if (places[i].kind == abi::Place::Kind::kMemory) {
      Builder::store(values[i], spilled_value(places[i].index), Access::kThread);
    } else {
      Value* const value = passed(values[i], types[i], shape_);
      if (packed == nullptr) return value;  // the only one: registers are taken before memory
      packed = ir_.CreateInsertValue(packed, value, shape_ == Shape::kOwn ? next++ : uniform_result(places[i]));
    }
  }
  return packed;
}

void FunctionCompiler::at(std::uint64_t module_offset) {
  set_position(module_offset);
  if (unit_.options.metered_stack) highest_operands_ = std::max(highest_operands_, operand_slots_);
  if (unit_.options.fuel) charge_operator(module_offset);
}

// --- Locals ---

void FunctionCompiler::local_get(std::uint32_t local) {
  push(ir_.CreateLoad(locals_[local]->getAllocatedType(), locals_[local]));
}

void FunctionCompiler::local_set(std::uint32_t local) { ir_.CreateStore(pop(), locals_[local]); }

void FunctionCompiler::local_tee(std::uint32_t local) { ir_.CreateStore(operands_.back(), locals_[local]); }

// --- Operators that give a reference to an exception, or that fuel may end ---

void FunctionCompiler::global_get(std::uint32_t global) {
  refuse_exceptions(unit_.module.globals[global].type.type);
  Operators::global_get(global);
}

void FunctionCompiler::table_get(std::uint32_t table) {
  refuse_exceptions(unit_.module.tables[table].element);
  Operators::table_get(table);
}

void FunctionCompiler::memory_grow(std::uint32_t memory) {
  Operators::memory_grow(memory);
  if (unit_.options.fuel) trap_if_out_of_fuel();
}

void FunctionCompiler::table_grow(std::uint32_t table) {
  Operators::table_grow(table);
  if (unit_.options.fuel) trap_if_out_of_fuel();
}

// --- What is not compiled ---

void FunctionCompiler::try_table(wasm::BlockType /*type*/, std::span<const wasm::CatchClause> /*clauses*/) {
  throw kHandlesExceptions;
}
void FunctionCompiler::throw_ref() { throw kHandlesExceptions; }
void FunctionCompiler::try_(wasm::BlockType /*type*/) { throw kHandlesExceptions; }
void FunctionCompiler::catch_(std::uint32_t /*tag*/, bool /*reachable*/) { throw kHandlesExceptions; }
void FunctionCompiler::catch_all(bool /*reachable*/) { throw kHandlesExceptions; }
void FunctionCompiler::delegate(std::uint32_t /*depth*/, bool /*reachable*/) { throw kHandlesExceptions; }
void FunctionCompiler::rethrow(std::uint32_t /*depth*/) { throw kHandlesExceptions; }

std::optional<std::string> compile_function(const Unit& unit, wasm::FunctionValidator& validator,
                                            std::uint32_t function) {
  FunctionCompiler compiler(unit);
  try {
    const std::uint32_t defined = function - unit.module.imported_functions;
    const bool is_metered = unit.options.fuel || unit.options.metered_stack;
    const Result<void> valid = is_metered ? validator.validate(defined, compiler)
                                          : wasm::validate_spelled(validator, unit.module, defined, compiler);
    if (valid) return std::nullopt;
    compiler.discard();
    return valid.error().to_string();
  } catch (const NotCompiled& not_compiled) {
    compiler.discard();
    return not_compiled.reason;
  }
}

}  // namespace anew::codegen::optimizing
