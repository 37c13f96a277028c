// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Operators of the optimizing tier, alone: functions that a test puts together of them, optimized, made machine code
// and called. They are ordinary C functions, their cell is memory of the test's, and a trap comes back to run().
#pragma once

#include <gtest/gtest.h>
#include <llvm/ExecutionEngine/Orc/LLJIT.h>
#include <llvm/IR/Verifier.h>
#include <llvm/Passes/PassBuilder.h>
#include <llvm/Support/TargetSelect.h>
#include <llvm/Support/raw_ostream.h>

#include <csetjmp>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "codegen/llvm/operators.hpp"
#include "support/module_builder.hpp"
#include "wasm/decoder.hpp"

namespace anew::codegen::optimizing::test {

using namespace anew::test;

/// What it computes, it writes to `out`, 8 bytes each; its parameters lie in `in`.
using Function = void(std::uint64_t* out, const std::uint64_t* in, std::byte* cell);

/// Makes functions, one after the other: begin(), operators, end().
class Probe : public Operators {
 public:
  using Operators::Operators;

  void begin(const std::string& name) {
    ::llvm::Type* const pointer = ir_.getPtrTy();
    auto* const type = ::llvm::FunctionType::get(ir_.getVoidTy(), {pointer, pointer, pointer}, false);
    function_ = ::llvm::Function::Create(type, ::llvm::GlobalValue::ExternalLinkage, name, unit_.ir);
    new_block("entry");
    out_ = function_->getArg(0);
    in_ = function_->getArg(1);
    cell_ = function_->getArg(2);
    header_ = ir_.CreateAddrSpaceCast(cell_, ir_.getPtrTy(kHeaderSpace));
  }
  void parameter(ValueType type, std::uint32_t index) {
    push(ir_.CreateLoad(type_of(type), Builder::at(in_, 8 * index)));
  }
  void result(std::uint32_t index) { ir_.CreateStore(pop(), Builder::at(out_, 8 * index), true); }
  void end() { ir_.CreateRetVoid(); }

 private:
  Value* out_ = nullptr;
  Value* in_ = nullptr;
};

/// Where traps come back to.
inline std::jmp_buf& caller() {
  static std::jmp_buf kept;
  return kept;
}
/// Nothing that has a destructor lies between run() and here.
[[noreturn]] inline void escape(std::uint32_t kind) { std::longjmp(caller(), static_cast<int>(kind)); }

/// A module, of which only declarations matter, the layout of its cells, and the IR of what probes make.
class Unit {
 public:
  explicit Unit(const ModuleBuilder& builder = {}, Options options = {})
      : module_(wasm::decode_module(builder.finish()).value()),
        layout_(abi::CellLayout::of(module_, options.card_shift, options.foreign_memory).value()),
        options_(options),
        context_(std::make_unique<::llvm::LLVMContext>()),
        ir_(std::make_unique<::llvm::Module>("test", *context_)),
        unit_{module_, layout_, options_, {}, {}, *ir_} {
    ::llvm::InitializeNativeTarget();
    ::llvm::InitializeNativeTargetAsmPrinter();
    ::llvm::InitializeNativeTargetAsmParser();  // for the builder's pieces of assembly
    auto jit = ::llvm::orc::LLJITBuilder().create();
    if (!jit) throw std::runtime_error(::llvm::toString(jit.takeError()));
    jit_ = std::move(*jit);
    ir_->setDataLayout(jit_->getDataLayout());
    ir_->setTargetTriple(jit_->getTargetTriple().str());
    probe_ = std::make_unique<Probe>(unit_);
  }

  [[nodiscard]] Probe& probe() { return *probe_; }
  [[nodiscard]] const abi::CellLayout& layout() const { return layout_; }
  [[nodiscard]] ::llvm::Module& ir() { return *ir_; }

  /// Runs the optimizer over the IR, which must be well-formed.
  void optimize() {
    std::string errors;
    ::llvm::raw_string_ostream stream(errors);
    ASSERT_FALSE(::llvm::verifyModule(*ir_, &stream)) << errors;
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

  /// Behind optimize(): machine code. The IR is gone then.
  void make_code() {
    ::llvm::IRBuilder<> builder(*context_);
    for (::llvm::Function& stub : *ir_) {
      if (!stub.getName().starts_with(kTrapSymbol)) continue;
      builder.SetInsertPoint(::llvm::BasicBlock::Create(*context_, "entry", &stub));
      std::uint32_t kind = 0;
      if (stub.getName().substr(sizeof kTrapSymbol - 1).getAsInteger(10, kind))
        throw std::runtime_error("a trap's symbol without its number");
      ::llvm::Value* number = builder.getInt32(kind);
      if (kind == 0) number = stub.getArg(0);
      ::llvm::Value* const address = builder.getInt64(reinterpret_cast<std::uintptr_t>(&escape));
      auto* const type = ::llvm::FunctionType::get(builder.getVoidTy(), {builder.getInt32Ty()}, false);
      builder.CreateCall(type, builder.CreateIntToPtr(address, builder.getPtrTy()), {number});
      builder.CreateUnreachable();
    }
    ::llvm::orc::ThreadSafeModule whole(std::move(ir_), std::move(context_));
    if (auto error = jit_->addIRModule(std::move(whole))) throw std::runtime_error(::llvm::toString(std::move(error)));
  }

  /// Behind make_code().
  [[nodiscard]] Function* function(const std::string& name) {
    auto symbol = jit_->lookup(name);
    if (!symbol) throw std::runtime_error(::llvm::toString(symbol.takeError()));
    return symbol->toPtr<Function*>();
  }
  /// @return the kind of the trap that ended the function, or kNone.
  static TrapKind run(Function* function, std::uint64_t* out, const std::uint64_t* in, std::byte* cell) {
    const int kind = setjmp(caller());
    if (kind != 0) return static_cast<TrapKind>(kind);
    function(out, in, cell);
    return TrapKind::kNone;
  }

 private:
  wasm::Module module_;
  abi::CellLayout layout_;
  Options options_;
  std::unique_ptr<::llvm::orc::LLJIT> jit_;
  std::unique_ptr<::llvm::LLVMContext> context_;
  std::unique_ptr<::llvm::Module> ir_;
  optimizing::Unit unit_;
  std::unique_ptr<Probe> probe_;
};

}  // namespace anew::codegen::optimizing::test
