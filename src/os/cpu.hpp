// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The processor that compiled code runs on.
#pragma once

#include <cstdint>
#include <string>

namespace anew::os {

/// A bit a processor feature. The bits are part of the artifact format: never renumber them.
namespace cpu {
inline constexpr std::uint64_t kAvx2 = 1u << 0;
inline constexpr std::uint64_t kBmi1 = 1u << 1;
inline constexpr std::uint64_t kBmi2 = 1u << 2;
inline constexpr std::uint64_t kLzcnt = 1u << 3;
inline constexpr std::uint64_t kPopcnt = 1u << 4;
inline constexpr std::uint64_t kFma = 1u << 5;
inline constexpr std::uint64_t kMovbe = 1u << 6;
/// What all compiled code may use: the part of x86-64-v3 that code generators draw on.
inline constexpr std::uint64_t kBaseline = kAvx2 | kBmi1 | kBmi2 | kLzcnt | kPopcnt | kFma | kMovbe;
}  // namespace cpu

/// The features of this processor that the operating system lets programs use, as bits of cpu.
[[nodiscard]] std::uint64_t cpu_features() noexcept;
/// "AVX2, BMI1": the names of the bits of `features`.
[[nodiscard]] std::string cpu_feature_names(std::uint64_t features);
/// Cores that this process may run on; at least 1.
[[nodiscard]] unsigned core_count() noexcept;

}  // namespace anew::os
