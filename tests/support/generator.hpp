// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "support/program.hpp"

namespace anew::codegen::test {

/// splitmix64: the same numbers from the same seed, everywhere and always.
class Random {
 public:
  explicit Random(std::uint64_t seed) noexcept : state_(seed) {}
  std::uint64_t bits() noexcept {
    std::uint64_t z = (state_ += 0x9E37'79B9'7F4A'7C15);
    z = (z ^ (z >> 30)) * 0xBF58'476D'1CE4'E5B9;
    z = (z ^ (z >> 27)) * 0x94D0'49BB'1331'11EB;
    return z ^ (z >> 31);
  }
  /// 0 to count - 1.
  std::uint32_t below(std::size_t count) noexcept { return static_cast<std::uint32_t>(bits() % count); }
  bool percent(std::uint32_t chance) noexcept { return below(100) < chance; }
  template <typename T>
  const T& pick(const std::vector<T>& from) noexcept {
    return from[below(from.size())];
  }

 private:
  std::uint64_t state_;
};

/// A corner value, a small number, or any bits.
[[nodiscard]] std::uint64_t random_value(Random& random, ValueType type);

/// A valid program that ends: its calls form no cycle, and each loop has a counter.
/// @param size  about as many operators as each function gets.
[[nodiscard]] Program generate(std::uint64_t seed, std::uint32_t size, Nans nans = Nans::kHidden);

}  // namespace anew::codegen::test
