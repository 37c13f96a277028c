// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "abi/x86_64/card_scan.hpp"

#include <immintrin.h>

#include <array>

namespace anew::abi {
namespace {

// Most scans find nothing: several blocks are combined before the one test. Loads are unaligned; they stay inside the
// blocks that the caller promises are there. The casts are those that the intrinsics ask for.
constexpr std::size_t kStride = 8;

[[gnu::target("avx2")]] std::size_t find_avx2(const std::uint8_t* cards, std::size_t from,
                                              std::size_t blocks) noexcept {
  std::size_t block = from;
  while (blocks - block >= kStride) {
    const auto* vectors = reinterpret_cast<const __m256i*>(cards + block * kBlockCards);
    __m256i even = _mm256_setzero_si256();
    __m256i odd = _mm256_setzero_si256();
    for (std::size_t i = 0; i < 2 * kStride; i += 2) {
      even = _mm256_or_si256(even, _mm256_loadu_si256(vectors + i));
      odd = _mm256_or_si256(odd, _mm256_loadu_si256(vectors + i + 1));
    }
    const __m256i all = _mm256_or_si256(even, odd);
    if (_mm256_testz_si256(all, all) == 0) break;
    block += kStride;
  }
  while (block < blocks) {
    const auto* vectors = reinterpret_cast<const __m256i*>(cards + block * kBlockCards);
    const __m256i all = _mm256_or_si256(_mm256_loadu_si256(vectors), _mm256_loadu_si256(vectors + 1));
    if (_mm256_testz_si256(all, all) == 0) break;
    ++block;
  }
  return block;
}

[[gnu::target("avx512f")]] std::size_t find_avx512(const std::uint8_t* cards, std::size_t from,
                                                   std::size_t blocks) noexcept {
  std::size_t block = from;
  while (blocks - block >= 2 * kStride) {
    const std::uint8_t* const at = cards + block * kBlockCards;
    __m512i even = _mm512_setzero_si512();
    __m512i odd = _mm512_setzero_si512();
    for (std::size_t i = 0; i < 2 * kStride; i += 2) {
      even = _mm512_or_si512(even, _mm512_loadu_si512(at + i * kBlockCards));
      odd = _mm512_or_si512(odd, _mm512_loadu_si512(at + (i + 1) * kBlockCards));
    }
    const __m512i all = _mm512_or_si512(even, odd);
    if (_mm512_test_epi64_mask(all, all) != 0) break;
    block += 2 * kStride;
  }
  for (; block < blocks; ++block) {
    const __m512i all = _mm512_loadu_si512(cards + block * kBlockCards);
    if (_mm512_test_epi64_mask(all, all) != 0) break;
  }
  return block;
}

const bool has_avx512 = __builtin_cpu_supports("avx512f") != 0;

}  // namespace

std::span<const FindDirtyBlock> scanners() noexcept {
  static constexpr std::array<FindDirtyBlock, 2> kAll = {find_avx2, find_avx512};
  return std::span(kAll).first(has_avx512 ? 2 : 1);
}

std::size_t find_dirty_block(const std::uint8_t* cards, std::size_t from, std::size_t blocks) noexcept {
  // Compiled code needs AVX2 (kBaselineFeatures), so there are no cards where it is missing.
  return has_avx512 ? find_avx512(cards, from, blocks) : find_avx2(cards, from, blocks);
}

}  // namespace anew::abi
