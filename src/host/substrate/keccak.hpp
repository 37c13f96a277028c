// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Keccak's state and its permutation, Keccak-f[1600], from which hashes and Merlin's transcripts are built.
#pragma once

#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>

namespace anew::substrate {

class KeccakState {
 public:
  static constexpr std::size_t kBytes = 200;

  /// The state, byte by byte.
  [[nodiscard]] std::byte* bytes() noexcept {
    return reinterpret_cast<std::byte*>(lanes_.data());  // bytes may view any object
  }
  void permute() noexcept;

 private:
  // Keccak's lanes are little-endian, so their bytes are the state's only on such a machine.
  static_assert(std::endian::native == std::endian::little);
  std::array<std::uint64_t, kBytes / 8> lanes_{};
};

}  // namespace anew::substrate
