// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

#include <xxhash.h>

#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <new>
#include <span>

namespace anew::artifact {

/// XXH3-128 of bytes that come in several stretches. It finds accidents, not malice (see artifact.hpp); its speed is
/// that of memory, so that checking megabytes of code costs less than a millisecond.
class ContentHasher {
 public:
  ContentHasher() : state_(XXH3_createState(), XXH3_freeState) {
    if (state_ == nullptr) throw std::bad_alloc();
    XXH3_128bits_reset(state_.get());
  }
  void add(std::span<const std::byte> bytes) noexcept { XXH3_128bits_update(state_.get(), bytes.data(), bytes.size()); }
  /// In xxHash's canonical form, the same on every machine.
  [[nodiscard]] std::array<std::uint8_t, 16> finish() const noexcept {
    XXH128_canonical_t hash;
    XXH128_canonicalFromHash(&hash, XXH3_128bits_digest(state_.get()));
    return std::bit_cast<std::array<std::uint8_t, 16>>(hash);
  }

 private:
  std::unique_ptr<XXH3_state_t, XXH_errorcode (*)(XXH3_state_t*)> state_;
};

}  // namespace anew::artifact
