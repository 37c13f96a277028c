// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Which arguments and results travel in registers, and where the others lie. How many registers there are depends on
// the processor; in which order they are given out does not.
#pragma once

#include <anew/value.hpp>
#include <cstdint>
#include <span>
#include <vector>

namespace anew::abi {

/// Where one argument or result is.
struct Place {
  enum class Kind : std::uint8_t { kInteger, kFloat /* or vector */, kMemory };
  Kind kind;
  std::uint32_t index;  ///< number of the register in its class; or of the 8-byte slot among the spilled values
};

struct Places {
  std::vector<Place> places;
  std::uint32_t memory_slots = 0;
};

/// Values take the registers of their class in order, and memory in order once these are taken.
[[nodiscard]] Places place_values(std::span<const ValueType> types, std::uint32_t integer_registers,
                                  std::uint32_t float_registers);

}  // namespace anew::abi
