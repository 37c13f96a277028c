// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The features of the processor that compiled code runs on.
#pragma once

#include <cstdint>
#include <string>

namespace anew::abi {

/// A bit a processor feature. The bits are part of the artifact format: never renumber them.
namespace feature {
inline constexpr std::uint64_t kAvx2 = 1u << 0;
inline constexpr std::uint64_t kBmi1 = 1u << 1;
inline constexpr std::uint64_t kBmi2 = 1u << 2;
inline constexpr std::uint64_t kLzcnt = 1u << 3;
inline constexpr std::uint64_t kPopcnt = 1u << 4;
inline constexpr std::uint64_t kFma = 1u << 5;
inline constexpr std::uint64_t kMovbe = 1u << 6;
}  // namespace feature

/// What all compiled code may use: the part of x86-64-v3 that code generators draw on.
inline constexpr std::uint64_t kBaselineFeatures = feature::kAvx2 | feature::kBmi1 | feature::kBmi2 | feature::kLzcnt |
                                                   feature::kPopcnt | feature::kFma | feature::kMovbe;
/// In words, for whoever has a processor that lacks some.
inline constexpr const char* kBaselineText =
    "x86-64-v3, as Intel's Haswell (2013) and AMD's Zen (2017) and later have it";

/// The features of this processor that the operating system lets programs use.
[[nodiscard]] std::uint64_t processor_features() noexcept;
/// "AVX2, BMI1": the names of the bits of `features`.
[[nodiscard]] std::string feature_names(std::uint64_t features);

}  // namespace anew::abi
