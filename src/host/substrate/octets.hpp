// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Bytes as the C libraries of cryptography take them, and text as bytes.
#pragma once

#include <anew/substrate/types.hpp>
#include <cstddef>
#include <string_view>

namespace anew::substrate {

// std::byte, char and unsigned char may all view any object, and so each other.
[[nodiscard]] inline const unsigned char* octets(const std::byte* bytes) noexcept {
  return reinterpret_cast<const unsigned char*>(bytes);
}
[[nodiscard]] inline unsigned char* octets(std::byte* bytes) noexcept {
  return reinterpret_cast<unsigned char*>(bytes);
}
[[nodiscard]] inline BytesView as_bytes(std::string_view text) noexcept {
  return {reinterpret_cast<const std::byte*>(text.data()), text.size()};
}

}  // namespace anew::substrate
