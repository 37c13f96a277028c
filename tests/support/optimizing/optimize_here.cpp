// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "support/optimizing/optimize_here.hpp"

#include <functional>
#include <utility>
#include <vector>

#include "codegen/llvm/module_optimizer.hpp"
#include "tier/optimizer_process.hpp"

namespace anew::test {
namespace {

using codegen::optimizing::FunctionCode;
using codegen::optimizing::ModuleOptimizer;

[[nodiscard]] bool is_chosen(std::span<const std::byte> binary, std::uint32_t function) {
  return (std::hash<std::uint64_t>()(function * 0x9E37'79B9'7F4A'7C15u ^ binary.size()) >> 7) % 2 == 0;
}

template <Share kShare>
[[nodiscard]] Result<std::vector<FunctionCode>> optimize(const tier::OptimizeJob& job) {
  auto optimizer = ModuleOptimizer::open(job.binary, job.accepted, job.options);
  if (!optimizer) return std::unexpected(optimizer.error());
  std::vector<FunctionCode> all;
  for (const std::vector<std::uint32_t>& unit : job.units)
    for (FunctionCode& each : optimizer->optimize(unit, job.pipeline))
      if (kShare == Share::kAll || is_chosen(job.binary, each.function)) all.push_back(std::move(each));
  return all;
}

}  // namespace

void optimize_here(Share share) noexcept {
  tier::set_optimizer(share == Share::kAll ? optimize<Share::kAll> : optimize<Share::kHalf>);
}

}  // namespace anew::test
