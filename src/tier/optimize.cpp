// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "tier/optimize.hpp"

#include <algorithm>
#include <chrono>
#include <thread>
#include <utility>
#include <vector>

#include "os/try.hpp"
#include "tier/optimized_code.hpp"
#include "tier/optimizer_process.hpp"

namespace anew::tier {
namespace {

/// Functions that are sent at once: so many that sending them costs nothing, so few that all processes have work to the
/// end.
constexpr std::size_t kUnitBytes = 8 << 10;

/// That a process should have.
constexpr std::uint64_t kMemory = 512 << 20;
/// What all of it may take, by the clock: several times what LLVM takes for a module of compilers' output.
constexpr std::chrono::milliseconds kLimit(60'000);
constexpr std::chrono::microseconds kLimitPerByte(20);

std::vector<std::vector<std::uint32_t>> cut(const wasm::Module& module) {
  std::vector<std::vector<std::uint32_t>> units;
  std::size_t bytes = kUnitBytes;
  for (std::uint32_t i = 0; i < module.bodies.size(); ++i) {
    if (bytes >= kUnitBytes) {
      units.emplace_back();
      bytes = 0;
    }
    bytes += module.bodies[i].bytes.size();
    units.back().push_back(module.imported_functions + i);
  }
  return units;
}

}  // namespace

Optimization optimize_all(codegen::Compiled& compiled, const OptimizationJob& job) {
  const auto units = cut(job.module);
  const std::uint64_t cores = job.threads != 0 ? job.threads : std::max(1u, std::thread::hardware_concurrency());
  const std::uint64_t processes = std::clamp<std::uint64_t>(job.maximum_bytes / kMemory, 1, cores);
  Optimization optimization;
  auto optimized = optimize(
      {.binary = job.binary,
       .accepted = job.module.accepted,
       .options = job.options,
       .functions = static_cast<std::uint32_t>(job.module.functions.size()),  // limits::kFunctions
       .units = units,
       .threads = static_cast<unsigned>(processes),  // at most the cores
       .limit = kLimit + std::chrono::duration_cast<std::chrono::milliseconds>(job.binary.size() * kLimitPerByte),
       .memory_limit = std::min(OptimizeJob{}.memory_limit, job.maximum_bytes / processes),
       .progress = job.progress});
  if (!optimized) {
    optimization.note = std::move(optimized.error().message);
    return optimization;
  }
  // In the order of their indices, so that the code is the same whichever was done first.
  std::ranges::sort(*optimized, {}, &codegen::optimizing::FunctionCode::function);
  if (auto added = add_optimized(compiled, *optimized); !added) {
    optimization.note = std::move(added.error().message);
    return optimization;
  }
  for (codegen::optimizing::FunctionCode& each : *optimized)
    if (each.code.empty())
      optimization.not_optimized.push_back({each.function, std::move(each.not_compiled), each.for_now});
  optimization.optimized = static_cast<std::uint32_t>(compiled.image.optimized.size());  // at most all functions
  return optimization;
}

}  // namespace anew::tier
