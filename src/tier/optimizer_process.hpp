// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The engine's end of the optimizing tier: has functions compiled by the program anew-optimizer (codegen/llvm), which
// may be absent, take too long or die; what it did not compile keeps its quick code.
#pragma once

#include <anew/error.hpp>
#include <anew/features.hpp>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <span>
#include <stop_token>
#include <vector>

#include "codegen/compiler.hpp"
#include "codegen/llvm/protocol.hpp"

namespace anew::tier {

/// What to compile, and with what. Only looked at.
struct OptimizeJob {
  std::span<const std::byte> binary;  ///< of a module that is valid
  Features accepted;
  codegen::Options options;
  codegen::optimizing::Pipeline pipeline = codegen::optimizing::Pipeline::kGuest;
  std::uint32_t functions = 0;  ///< of the module, imports included
  /// Functions that are compiled together, by index; defined ones.
  std::span<const std::vector<std::uint32_t>> units;
  std::filesystem::path program = {};            ///< empty: find_optimizer()
  unsigned threads = 0;                          ///< and so many processes; 0: all cores
  std::chrono::milliseconds unit_limit{30'000};  ///< that a unit may take
  std::chrono::milliseconds limit{60'000};       ///< behind which no unit is begun
  std::uint64_t memory_limit = 2ull << 30;       ///< that a process may take, in bytes
  bool in_background = false;                    ///< beside what wants the processors more
  codegen::Progress progress = {};               ///< of functions
  std::stop_token stop = {};                     ///< gives up, soon
};

/// A unit with which a process died or took too long is tried once more, each function by itself.
/// @return for each function of the units, in their order, its code or why there is none. An error if there is no such
///         program, it is of another build, or the job was stopped (kResource).
[[nodiscard]] Result<std::vector<codegen::optimizing::FunctionCode>> optimize(const OptimizeJob& job);

/// Has optimize() call this in place of the program: for tests. Null: the program again.
using Optimize = Result<std::vector<codegen::optimizing::FunctionCode>> (*)(const OptimizeJob& job);
void set_optimizer(Optimize optimize) noexcept;

/// Where the program is: $ANEW_OPTIMIZER if it is set; else beside this program or library, or where it is installed.
/// @return kNotFound, with what to do.
[[nodiscard]] Result<std::filesystem::path> find_optimizer();

}  // namespace anew::tier
