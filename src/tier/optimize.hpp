// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Optimizes a module that has its quick code.
#pragma once

#include <anew/engine.hpp>
#include <cstddef>
#include <cstdint>
#include <span>

#include "codegen/compiler.hpp"

namespace anew::tier {

struct OptimizationJob {
  const wasm::Module& module;
  std::span<const std::byte> binary;  ///< that the module was decoded from
  const codegen::Options& options;
  unsigned threads = 0;             ///< as many processes; 0: one a core
  std::uint64_t maximum_bytes = 0;  ///< that all processes together may take (EngineOptions::maximum_compile_bytes)
  codegen::Progress progress = {};
};

/// Compiles every function once more, in processes of their own. Those for which that fails keep their quick code;
/// without the program that does it, or where their code does not fit, all do, and Optimization::note says so.
/// @param compiled  gets the code. Its entries are not filled.
[[nodiscard]] Optimization optimize_all(codegen::Compiled& compiled, const OptimizationJob& job);

}  // namespace anew::tier
