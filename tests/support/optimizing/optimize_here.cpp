// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "support/optimizing/optimize_here.hpp"

#include <functional>
#include <utility>
#include <vector>

#include "codegen/llvm/marks.hpp"
#include "codegen/llvm/module_optimizer.hpp"
#include "tier/optimizer_process.hpp"

namespace anew::test {
namespace {

using codegen::optimizing::FunctionCode;
using codegen::optimizing::MarkFault;
using codegen::optimizing::ModuleOptimizer;

// What optimize() is told: the library takes a plain function.
Share wanted_share;
MarkFault planted_fault;

[[nodiscard]] bool is_chosen(std::span<const std::byte> binary, std::uint32_t function) {
  return (std::hash<std::uint64_t>()(function * 0x9E37'79B9'7F4A'7C15u ^ binary.size()) >> 7) % 2 == 0;
}

[[nodiscard]] Result<std::vector<FunctionCode>> optimize(const tier::OptimizeJob& job) {
  auto optimizer = ModuleOptimizer::open(job.binary, job.accepted, job.options, planted_fault);
  if (!optimizer) return std::unexpected(optimizer.error());
  std::vector<FunctionCode> all;
  for (const std::vector<std::uint32_t>& unit : job.units)
    for (FunctionCode& each : optimizer->optimize(unit, job.pipeline))
      if (wanted_share == Share::kAll || is_chosen(job.binary, each.function)) all.push_back(std::move(each));
  return all;
}

}  // namespace

void optimize_here(Share share, MarkFault planted) noexcept {
  wanted_share = share;
  planted_fault = planted;
  tier::set_optimizer(optimize);
}

}  // namespace anew::test
