// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "optimizing/program.hpp"

#include <llvm/IR/Verifier.h>
#include <llvm/Passes/PassBuilder.h>
#include <llvm/Support/TargetSelect.h>
#include <llvm/Support/raw_ostream.h>

#include <algorithm>
#include <csetjmp>
#include <stdexcept>
#include <utility>

#include "abi/x86_64/convention.hpp"
#include "codegen/llvm/function_compiler.hpp"
#include "runtime/library.hpp"
#include "wasm/decoder.hpp"

namespace anew::codegen::optimizing::test {

namespace {

template <typename T>
T value_of(::llvm::Expected<T> expected) {
  if (!expected) throw std::runtime_error(::llvm::toString(expected.takeError()));
  return std::move(*expected);
}

/// Where traps come back to.
std::jmp_buf& caller() {
  static std::jmp_buf kept;
  return kept;
}
/// Nothing that has a destructor lies between run() and here.
[[noreturn]] void escape(std::uint32_t kind) { std::longjmp(caller(), static_cast<int>(kind)); }

using Thunk = void(std::byte* cell, std::uint64_t* slots);
TrapKind run(Thunk* thunk, std::byte* cell, std::uint64_t* slots) {
  const int kind = setjmp(caller());
  if (kind != 0) return static_cast<TrapKind>(kind);
  thunk(cell, slots);
  return TrapKind::kNone;
}

std::string thunk_name(std::uint32_t function) { return "call." + std::to_string(function); }

}  // namespace

// --- Cells ---

Cell::Cell(const Program& program, abi::ThreadRecord& thread)
    : program_(program), bytes_(program.unit().layout.header_bytes() / 8) {
  cell_ = reinterpret_cast<std::byte*>(bytes_.data() + bytes_.size());  // where a memory would begin
  const optimizing::Unit& unit = program.unit();
  abi::hot_header(cell_).library = &anew::detail::library();
  abi::hot_header(cell_).thread = &thread;
  for (std::uint32_t type = 0; type < unit.module.types.size(); ++type)
    at<std::uint32_t>(unit.layout.type_id(type)) = unit.module.canonical_types[type];
  for (std::uint32_t i = 0; i < unit.module.functions.size(); ++i)
    function(i) = {unit.module.canonical_types[unit.module.functions[i]], i, program.entries() + i, cell_};
}

abi::FunctionReference& Cell::function(std::uint32_t index) const {
  return at<abi::FunctionReference>(program_.unit().layout.function_reference(index));
}

void Cell::fill_table(std::uint32_t table, const std::vector<const abi::FunctionReference*>& elements) const {
  const std::int32_t first = program_.unit().layout.table_elements(table);
  at<std::uint64_t>(first + abi::kTableSize) = elements.size();
  for (std::size_t i = 0; i < elements.size(); ++i)
    at<const abi::FunctionReference*>(first + static_cast<std::int64_t>(8 * i)) = elements[i];
}

// --- Programs ---

Program::Program(std::vector<std::byte> binary, Options options)
    : binary_(std::move(binary)),
      module_(wasm::decode_module(binary_).value()),
      layout_(abi::CellLayout::of(module_, options.card_shift, options.foreign_memory).value()),
      options_(options),
      context_(std::make_unique<::llvm::LLVMContext>()),
      ir_(std::make_unique<::llvm::Module>("test", *context_)),
      unit_{module_, layout_, options_, {}, {}, *ir_} {
  ::llvm::InitializeNativeTarget();
  ::llvm::InitializeNativeTargetAsmPrinter();
  ::llvm::InitializeNativeTargetAsmParser();
  jit_ = value_of(::llvm::orc::LLJITBuilder().create());
  ir_->setDataLayout(jit_->getDataLayout());
  ir_->setTargetTriple(jit_->getTargetTriple().str());
  for (const FunctionType& type : module_.types) {
    arguments_.push_back(abi::argument_places(type.parameters));
    results_.push_back(abi::result_places(type.results));
  }
  unit_.arguments = arguments_;
  unit_.results = results_;
  wasm::FunctionValidator validator(module_);
  refusals_.resize(module_.functions.size());
  for (std::uint32_t i = module_.imported_functions; i < module_.functions.size(); ++i)
    refusals_[i] = compile_function(unit_, validator, i).value_or("");
  std::string errors;
  ::llvm::raw_string_ostream stream(errors);
  if (::llvm::verifyModule(*ir_, &stream)) throw std::runtime_error(errors);
}

Program::~Program() {
  ir_.reset();  // before its context
}

std::string Program::text_of(std::uint32_t function) const {
  std::string text;
  ::llvm::raw_string_ostream stream(text);
  definition(unit_, function)->print(stream);
  return text;
}

void Program::optimize() {
  ::llvm::LoopAnalysisManager loops;
  ::llvm::FunctionAnalysisManager functions;
  ::llvm::CGSCCAnalysisManager components;
  ::llvm::ModuleAnalysisManager modules;
  ::llvm::PassBuilder passes;
  passes.registerModuleAnalyses(modules);
  passes.registerCGSCCAnalyses(components);
  passes.registerFunctionAnalyses(functions);
  passes.registerLoopAnalyses(loops);
  passes.crossRegisterProxies(loops, functions, components, modules);
  passes.buildPerModuleDefaultPipeline(::llvm::OptimizationLevel::O2).run(*ir_, modules);
}

void Program::make_traps() {
  ::llvm::IRBuilder<> builder(*context_);
  for (::llvm::Function& stub : *ir_) {
    ::llvm::StringRef name = stub.getName();
    std::uint32_t kind = 0;
    if (!name.consume_front(kTrapSymbol) || name.getAsInteger(10, kind)) continue;
    stub.removeFnAttr(::llvm::Attribute::Memory);
    builder.SetInsertPoint(::llvm::BasicBlock::Create(*context_, "entry", &stub));
    ::llvm::Value* const number = kind == 0 ? static_cast<::llvm::Value*>(stub.getArg(0)) : builder.getInt32(kind);
    ::llvm::Value* const address = builder.getInt64(reinterpret_cast<std::uintptr_t>(&escape));
    auto* const type = ::llvm::FunctionType::get(builder.getVoidTy(), {builder.getInt32Ty()}, false);
    builder.CreateCall(type, builder.CreateIntToPtr(address, builder.getPtrTy()), {number});
    builder.CreateUnreachable();
  }
}

void Program::make_thunk(std::uint32_t function) {
  ::llvm::IRBuilder<> builder(*context_);
  auto* const thunk = ::llvm::Function::Create(
      ::llvm::FunctionType::get(builder.getVoidTy(), {builder.getPtrTy(), builder.getPtrTy()}, false),
      ::llvm::GlobalValue::ExternalLinkage, thunk_name(function), *ir_);
  builder.SetInsertPoint(::llvm::BasicBlock::Create(*context_, "entry", thunk));
  ::llvm::Value* const cell = thunk->getArg(0);
  const auto slot = [&](::llvm::Value* base, std::size_t index) {
    return builder.CreatePtrAdd(base, builder.getInt64(8 * index));
  };
  const auto thread = [&] {
    ::llvm::Value* const field = builder.CreatePtrAdd(cell, builder.getInt64(static_cast<std::uint64_t>(abi::kThread)));
    return builder.CreatePtrAdd(builder.CreateLoad(builder.getPtrTy(), field), builder.getInt64(abi::kSpilledValues));
  };
  const auto load = [&](::llvm::Type* type, ::llvm::Value* from) {
    return builder.CreateAlignedLoad(type, from, ::llvm::Align(8));
  };
  const std::uint32_t type_index = module_.functions[function];
  const FunctionType& type = module_.types[type_index];
  std::vector<::llvm::Value*> passed;
  std::size_t at = 0;
  for (std::size_t i = 0; i < type.parameters.size(); ++i) {
    const abi::Place place = arguments_[type_index].places[i];
    ::llvm::Value* const value = load(passed_type_of(*context_, type.parameters[i]), slot(thunk->getArg(1), at));
    if (place.kind == abi::Place::Kind::kMemory)
      builder.CreateAlignedStore(value, slot(thread(), place.index), ::llvm::Align(8));
    else
      passed.push_back(value);
    at += slots_of(type.parameters[i]);
  }
  passed.push_back(cell);
  ::llvm::CallInst* const call =
      builder.CreateCall(function_type(unit_, type_index, Shape::kOwn, false), definition(unit_, function), passed);
  call->setCallingConv(::llvm::CallingConv::Swift);
  call->setAttributes(attributes_of(unit_, type_index, Shape::kOwn, false));
  unsigned next = 0;
  at = 0;
  for (std::size_t i = 0; i < type.results.size(); ++i) {
    const abi::Place place = results_[type_index].places[i];
    ::llvm::Value* value = call;
    if (place.kind == abi::Place::Kind::kMemory)
      value = load(type_of(*context_, type.results[i]), slot(thread(), place.index));
    else if (call->getType()->isStructTy())
      value = builder.CreateExtractValue(call, next++);
    builder.CreateAlignedStore(builder.getInt64(0), slot(thunk->getArg(1), at), ::llvm::Align(8));
    builder.CreateAlignedStore(value, slot(thunk->getArg(1), at), ::llvm::Align(8));
    at += slots_of(type.results[i]);
  }
  builder.CreateRetVoid();
}

void Program::make_code(bool optimized) {
  if (optimized) optimize();
  make_traps();
  std::vector<::llvm::Constant*> table(module_.functions.size(),
                                       ::llvm::ConstantPointerNull::get(::llvm::PointerType::get(*context_, 0)));
  for (std::uint32_t i = module_.imported_functions; i < module_.functions.size(); ++i) {
    ::llvm::Function* const defined = definition(unit_, i);
    if (defined == nullptr) continue;
    table[i] = defined;
    make_thunk(i);
    for (const Shape shape : {Shape::kOwn, Shape::kUniform}) {
      ::llvm::Function& declared = declare_function(unit_, i, shape);
      if (&declared != defined) declared.replaceAllUsesWith(defined);  // the optimizer is done: it is the address alone
    }
  }
  ::llvm::GlobalVariable& entries = optimizing::entries(unit_);
  entries.setInitializer(::llvm::ConstantArray::get(::llvm::cast<::llvm::ArrayType>(entries.getValueType()), table));
  entries.setVisibility(::llvm::GlobalValue::DefaultVisibility);
  ::llvm::orc::ThreadSafeModule whole(std::move(ir_), std::move(context_));
  if (auto error = jit_->addIRModule(std::move(whole))) throw std::runtime_error(::llvm::toString(std::move(error)));
  entries_ = value_of(jit_->lookup(kEntriesSymbol)).toPtr<void**>();
}

Outcome Program::call(const Cell& cell, std::uint32_t function, const Slots& arguments) const {
  const FunctionType& type = module_.function_type(function);
  Slots slots = arguments;
  slots.resize(std::max(slots_of(type.parameters), slots_of(type.results)));
  auto* const thunk = value_of(jit_->lookup(thunk_name(function))).toPtr<Thunk*>();
  Outcome outcome;
  outcome.trap = run(thunk, cell.pointer(), slots.data());
  if (outcome.trap == TrapKind::kNone) {
    slots.resize(slots_of(type.results));
    outcome.results = std::move(slots);
  }
  return outcome;
}

}  // namespace anew::codegen::optimizing::test
