// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "codegen/llvm/module_optimizer.hpp"

#include <llvm/IR/LLVMContext.h>
#include <llvm/IR/Module.h>

#include <algorithm>
#include <optional>
#include <set>
#include <string>
#include <utility>

#include "abi/x86_64/convention.hpp"
#include "codegen/llvm/function_compiler.hpp"
#include "os/try.hpp"
#include "wasm/decoder.hpp"
#include "wasm/memory_limit.hpp"
#include "wasm/spelled_product.hpp"
#include "wasm/validator.hpp"

namespace anew::codegen::optimizing {
namespace {

/// LLVM's time and memory grow faster than a function; larger ones keep their quick code.
constexpr std::size_t kMaximumBodyBytes = 256 << 10;
/// Bodies that are worth a copy wherever they are called, for the inliner to decide about: it takes few that are
/// larger.
constexpr std::size_t kInlinedBodyBytes = 100;
/// All copies of a unit: at most so many times as many bytes as its own functions, and a few in any case.
constexpr std::size_t kCopiesPerByte = 4;
constexpr std::size_t kCopiesForAll = 1000;
/// How far copies of what copies call are made.
constexpr int kInliningDepth = 3;

/// Whether the inliner may take it. Of a product that is spelled out little is left, unless its operators are metered.
bool is_worth_a_copy(const Unit& unit, std::uint32_t defined) {
  return unit.module.bodies[defined].bytes.size() <= kInlinedBodyBytes ||
         (!unit.options.metered_stack && wasm::spelled::may_multiply(unit.module, defined));
}

/// What is called by name and has no body in the unit, in neither shape: one that is tail-called may have it in its
/// own.
std::set<std::uint32_t> called(const Unit& unit) {
  std::set<std::uint32_t> functions;
  for (const ::llvm::Function& each : unit.ir)
    if (const auto index = function_index(each); index && !each.use_empty() && definition(unit, *index) == nullptr)
      functions.insert(*index);
  return functions;
}

}  // namespace

ModuleOptimizer::ModuleOptimizer(std::unique_ptr<const wasm::Module> module, abi::CellLayout&& layout,
                                 const Options& options, MarkFault planted)
    : module_(std::move(module)),
      layout_(std::move(layout)),
      options_(options),
      validator_(std::make_unique<wasm::FunctionValidator>(*module_)),
      emitter_(std::make_unique<Emitter>(planted)) {
  for (const FunctionType& type : module_->types) {
    arguments_.push_back(abi::argument_places(type.parameters));
    results_.push_back(abi::result_places(type.results));
  }
}

Result<ModuleOptimizer> ModuleOptimizer::open(std::span<const std::byte> binary, Features accepted,
                                              const Options& options, MarkFault planted) {
  auto module = TRY(wasm::decode_module(binary, wasm::MemoryLimit(binary.size(), ~std::uint64_t{0}), accepted));
  auto layout = TRY(abi::CellLayout::of(module, options.card_shift, options.foreign_memory));
  return ModuleOptimizer(std::make_unique<const wasm::Module>(std::move(module)), std::move(layout), options, planted);
}

std::vector<FunctionCode> ModuleOptimizer::optimize(std::span<const std::uint32_t> functions, Pipeline pipeline) {
  ::llvm::LLVMContext context;
  ::llvm::Module ir("unit", context);
  emitter_->prepare(ir);
  const Unit unit{*module_, layout_, options_, arguments_, results_, ir};
  const auto body_bytes = [&](std::uint32_t function) {
    return module_->bodies[function - module_->imported_functions].bytes.size();
  };

  std::vector<FunctionCode> codes(functions.size());
  std::vector<std::uint32_t> wanted;
  std::size_t bytes = 0;
  for (std::size_t i = 0; i < functions.size(); ++i) {
    codes[i].function = functions[i];
    if (body_bytes(functions[i]) > kMaximumBodyBytes) {
      codes[i].not_compiled = "its body is too large";
    } else if (auto why = compile_function(unit, *validator_, functions[i])) {
      codes[i].not_compiled = *std::move(why);
    } else {
      wanted.push_back(functions[i]);
      bytes += body_bytes(functions[i]);
    }
  }

  std::size_t left = kCopiesPerByte * bytes + kCopiesForAll;
  for (int depth = 0; !options_.fuel && depth < kInliningDepth; ++depth) {  // with fuel nothing is inlined (unit.cpp)
    for (const std::uint32_t function : called(unit)) {
      if (function < module_->imported_functions || body_bytes(function) > left) continue;
      if (!is_worth_a_copy(unit, function - module_->imported_functions)) continue;
      if (compile_function(unit, *validator_, function)) continue;
      left -= body_bytes(function);
      definition(unit, function)->setLinkage(::llvm::GlobalValue::AvailableExternallyLinkage);
    }
  }

  std::vector<FunctionCode> made = emitter_->emit(unit, wanted, pipeline);
  auto next = made.begin();
  for (FunctionCode& code : codes)
    if (code.not_compiled.empty()) code = std::move(*next++);
  return codes;
}

}  // namespace anew::codegen::optimizing
