// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Vectors of 128 bits as the quick tier's code generator builds them.
#pragma once

#include <array>
#include <bit>
#include <cstdint>

#include "wasm/module.hpp"

namespace anew::codegen::quick {

constexpr wasm::Vector splat64(std::uint64_t lane) noexcept { return {lane, lane}; }
constexpr wasm::Vector splat32(std::uint32_t lane) noexcept { return splat64(lane * 0x0000'0001'0000'0001ull); }
constexpr wasm::Vector splat16(std::uint16_t lane) noexcept { return splat64(lane * 0x0001'0001'0001'0001ull); }
constexpr wasm::Vector splat8(std::uint8_t lane) noexcept { return splat64(lane * 0x0101'0101'0101'0101ull); }

using VectorBytes = std::array<std::uint8_t, 16>;
/// Byte 0 is the least significant, as on the machine.
constexpr wasm::Vector vector_of(const VectorBytes& bytes) noexcept { return std::bit_cast<wasm::Vector>(bytes); }

}  // namespace anew::codegen::quick
