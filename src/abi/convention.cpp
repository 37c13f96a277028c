// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "abi/convention.hpp"

namespace anew::abi {
namespace {

Places places(std::span<const ValueType> types, std::uint32_t integers, std::uint32_t floats) {
  Places result;
  result.places.reserve(types.size());
  std::uint32_t next_integer = 0;
  std::uint32_t next_float = 0;
  for (const ValueType type : types) {
    if (is_float(type) && next_float < floats) {
      result.places.push_back({Place::Kind::kFloat, next_float++});
    } else if (!is_float(type) && next_integer < integers) {
      result.places.push_back({Place::Kind::kInteger, next_integer++});
    } else {
      result.places.push_back({Place::Kind::kMemory, result.memory_slots++});
    }
  }
  return result;
}

}  // namespace

Places argument_places(std::span<const ValueType> types) { return places(types, kIntegerArguments, kFloatArguments); }
Places result_places(std::span<const ValueType> types) { return places(types, kIntegerResults, kFloatResults); }

}  // namespace anew::abi
