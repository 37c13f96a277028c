// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "abi/places.hpp"

namespace anew::abi {

Places place_values(std::span<const ValueType> types, std::uint32_t integer_registers, std::uint32_t float_registers) {
  Places result;
  result.places.reserve(types.size());
  std::uint32_t next_integer = 0;
  std::uint32_t next_float = 0;
  for (const ValueType type : types) {
    const bool in_float_register = is_float(type) || type == ValueType::kV128;
    if (in_float_register && next_float < float_registers) {
      result.places.push_back({Place::Kind::kFloat, next_float++});
    } else if (!in_float_register && next_integer < integer_registers) {
      result.places.push_back({Place::Kind::kInteger, next_integer++});
    } else {
      const std::uint32_t slots = slots_of(type);
      const std::uint32_t slot = (result.memory_slots + slots - 1) & ~(slots - 1);  // 1 or 2 slots, aligned to as many
      result.places.push_back({Place::Kind::kMemory, slot});
      result.memory_slots = slot + slots;
    }
  }
  return result;
}

}  // namespace anew::abi
