// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// What anew_bench_hostile compiles: modules of many shapes that a compiler might take more than linear time for.
#pragma once

#include <cstdint>
#include <span>

#include "module_builder.hpp"

namespace anew::bench {

struct Shape {
  const char* name;
  std::uint32_t size;  ///< n, of the smallest module; the limits allow eight times as much
  ModuleBytes (*make)(std::uint32_t n);
};

[[nodiscard]] std::span<const Shape> hostile_shapes() noexcept;

}  // namespace anew::bench
