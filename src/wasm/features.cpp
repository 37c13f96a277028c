// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include <anew/features.hpp>
#include <array>

namespace anew {
namespace {

constexpr std::array<const char*, kFeatures> kNames = {"mutable-global",
                                                       "saturating-float-to-int",
                                                       "sign-extension",
                                                       "multi-value",
                                                       "bulk-memory",
                                                       "reference-types",
                                                       "simd",
                                                       "tail-call",
                                                       "extended-const",
                                                       "function-references",
                                                       "gc",
                                                       "multi-memory",
                                                       "memory64",
                                                       "exceptions",
                                                       "relaxed-simd",
                                                       "threads",
                                                       "wide-arithmetic",
                                                       "legacy-exceptions",
                                                       "unshared-memory"};

}  // namespace

const char* to_string(Feature feature) noexcept { return kNames[static_cast<std::size_t>(feature)]; }

std::vector<Feature> Features::list() const {
  std::vector<Feature> members;
  for (std::size_t i = 0; i < kFeatures; ++i) {
    const auto each = static_cast<Feature>(i);  // below kFeatures
    if (has(each)) members.push_back(each);
  }
  return members;
}

}  // namespace anew
