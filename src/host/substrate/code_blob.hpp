// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Runtime code as a chain's state holds it (polkadot-sdk, substrate/primitives/maybe-compressed-blob).
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>

namespace anew::substrate {

/// Code that begins so is compressed with Zstandard behind it.
inline constexpr std::array<std::uint8_t, 8> kCompressedPrefix = {0x52, 0xBC, 0x53, 0x76, 0x46, 0xDB, 0x8E, 0x05};

/// Code never has more bytes than this once decompressed (CODE_BLOB_BOMB_LIMIT).
inline constexpr std::size_t kMaximumCodeBytes = 50u << 20;

[[nodiscard]] inline bool is_compressed_code(std::span<const std::byte> bytes) noexcept {
  constexpr std::size_t kSize = kCompressedPrefix.size();
  return bytes.size() >= kSize && std::memcmp(bytes.data(), kCompressedPrefix.data(), kSize) == 0;
}
/// Whether the bytes begin as a WebAssembly binary or compressed code does.
[[nodiscard]] bool is_code(std::span<const std::byte> bytes) noexcept;

}  // namespace anew::substrate
