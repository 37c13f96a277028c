// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// A module whose functions are optimized, a few at a time.
#pragma once

#include <anew/error.hpp>
#include <anew/features.hpp>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "abi/cell.hpp"
#include "abi/places.hpp"
#include "codegen/llvm/emit.hpp"
#include "codegen/llvm/protocol.hpp"
#include "wasm/module.hpp"
#include "wasm/validator.hpp"

namespace anew::codegen::optimizing {

/// One thread at a time.
class ModuleOptimizer {
 public:
  /// Decodes a module. @param binary  outlives this. @param planted  for tests. @return what decoding it returns.
  [[nodiscard]] static Result<ModuleOptimizer> open(std::span<const std::byte> binary, Features accepted,
                                                    const Options& options, MarkFault planted = MarkFault::kNone);

  [[nodiscard]] const wasm::Module& module() const noexcept { return *module_; }

  /// Optimizes functions together, with what they call and is small compiled into them.
  /// @param functions  indices of defined ones, imports counted; each once.
  /// @return for each of them, in their order, code or why there is none.
  [[nodiscard]] std::vector<FunctionCode> optimize(std::span<const std::uint32_t> functions, Pipeline pipeline);

 private:
  ModuleOptimizer(std::unique_ptr<const wasm::Module> module, abi::CellLayout&& layout, const Options& options,
                  MarkFault planted);

  std::unique_ptr<const wasm::Module> module_;  ///< stays where it is, for the validator
  abi::CellLayout layout_;
  Options options_;
  std::vector<abi::Places> arguments_;  ///< by type index
  std::vector<abi::Places> results_;
  std::unique_ptr<wasm::FunctionValidator> validator_;
  std::unique_ptr<Emitter> emitter_;
};

}  // namespace anew::codegen::optimizing
