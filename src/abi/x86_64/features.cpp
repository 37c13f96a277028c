// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "abi/x86_64/features.hpp"

#include <cpuid.h>

#include <array>

namespace anew::abi {
namespace {

struct Feature {
  std::uint64_t bit;
  const char* name;
};
constexpr std::array kFeatures = {Feature{feature::kAvx2, "AVX2"},     Feature{feature::kBmi1, "BMI1"},
                                  Feature{feature::kBmi2, "BMI2"},     Feature{feature::kLzcnt, "LZCNT"},
                                  Feature{feature::kPopcnt, "POPCNT"}, Feature{feature::kFma, "FMA"},
                                  Feature{feature::kMovbe, "MOVBE"}};

/// Whether the operating system saves xmm and ymm registers: XCR0 bits 1 and 2.
bool saves_ymm() noexcept {
  std::uint32_t low = 0;
  std::uint32_t high = 0;
  asm volatile("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
  return (low & 6) == 6;
}

std::uint64_t detect() noexcept {
  std::uint32_t a = 0;
  std::uint32_t b = 0;
  std::uint32_t c = 0;
  std::uint32_t d = 0;
  std::uint64_t features = 0;
  if (__get_cpuid(1, &a, &b, &c, &d) == 0) return 0;
  const bool ymm = (c & bit_OSXSAVE) != 0 && (c & bit_AVX) != 0 && saves_ymm();
  features |= (c & bit_POPCNT) != 0 ? feature::kPopcnt : 0;
  features |= (c & bit_MOVBE) != 0 ? feature::kMovbe : 0;
  features |= (c & bit_FMA) != 0 && ymm ? feature::kFma : 0;
  if (__get_cpuid_count(7, 0, &a, &b, &c, &d) != 0) {
    features |= (b & bit_AVX2) != 0 && ymm ? feature::kAvx2 : 0;
    features |= (b & bit_BMI) != 0 ? feature::kBmi1 : 0;
    features |= (b & bit_BMI2) != 0 ? feature::kBmi2 : 0;
  }
  if (__get_cpuid(0x8000'0001, &a, &b, &c, &d) != 0) features |= (c & bit_LZCNT) != 0 ? feature::kLzcnt : 0;
  return features;
}

}  // namespace

std::uint64_t processor_features() noexcept {
  static const std::uint64_t features = detect();
  return features;
}

std::string feature_names(std::uint64_t features) {
  std::string names;
  for (const Feature& feature : kFeatures) {
    if ((features & feature.bit) != 0) {
      names += names.empty() ? "" : ", ";
      names += feature.name;
      features &= ~feature.bit;
    }
  }
  if (features != 0)
    names += names.empty() ? "features unknown to this version" : " and features unknown to this version";
  return names;
}

}  // namespace anew::abi
