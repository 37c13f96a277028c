// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The operand and result types of the operators that have fixed ones, read at compile time from the signature column of
// the operator table; and the access sizes and numbers of lanes, from its immediate column.
#pragma once

#include <anew/value.hpp>
#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <string_view>
#include <utility>

#include "wasm/opcodes.hpp"

namespace anew::wasm {

/// One to three operands, at most one result. The two topmost operands are compared at once: `expected` holds the type
/// of the last one in its high half and of the one before it in its low half; `mask` leaves out what is not popped.
/// With three operands nothing equals `expected`: they are compared one by one.
struct Signature {
  std::uint64_t mask = 0;
  std::uint64_t expected = 0;
  ValueType result = ValueType::kI32;
  std::array<std::uint8_t, 3> operand_codes{};  ///< of the ValueTypes
  std::uint8_t operands = 0;
  std::uint8_t results = 0;
  std::uint8_t access_log2 = 0;  ///< with a memory argument: log2 of the bytes accessed, the natural alignment
  std::uint8_t lanes = 0;        ///< with a lane index: how many lanes there are

  [[nodiscard]] constexpr ValueType operand(std::size_t index) const noexcept {
    return static_cast<ValueType>(operand_codes[index]);  // put there by parse_signature
  }
};

namespace detail {

/// Takes the first type off `text`.
consteval ValueType parse_type(std::string_view& text) {
  constexpr std::pair<std::string_view, ValueType> kNames[] = {{"I32", ValueType::kI32},
                                                               {"I64", ValueType::kI64},
                                                               {"F32", ValueType::kF32},
                                                               {"F64", ValueType::kF64},
                                                               {"V128", ValueType::kV128}};
  for (const auto& [name, type] : kNames) {
    if (text.starts_with(name)) {
      text.remove_prefix(name.size());
      return type;
    }
  }
  throw "a signature in the operator table is misspelt";  // never runs: it makes the compilation fail
}

/// The number at the end of an immediate's name.
consteval unsigned parse_number(std::string_view immediate) {
  unsigned number = 0;
  for (const char each : immediate) {
    number = each >= '0' && each <= '9' ? number * 10 + static_cast<unsigned>(each - '0') : 0;  // a digit
  }
  return number;
}

/// @param signature  such as "I32I64_F32".  @param immediate  such as "MemoryArgument4".
consteval Signature parse_signature(std::string_view signature, std::string_view immediate) {
  Signature result;
  while (!signature.starts_with('_')) {
    const ValueType type = parse_type(signature);
    // The older operand moves into the low half; a scalar's or vector's type is its code, a byte.
    result.expected = result.expected >> 32 | std::uint64_t{anew::detail::number(type)} << 32;
    result.mask = result.mask >> 32 | std::uint64_t{0xFFFF'FFFF} << 32;
    result.operand_codes[result.operands++] = static_cast<std::uint8_t>(type);
  }
  if (result.operands == 3) {
    result.mask = 0;
  }
  signature.remove_prefix(1);
  if (!signature.empty()) {
    result.results = 1;
    result.result = parse_type(signature);
  }
  const unsigned size = parse_number(immediate);
  if (immediate.starts_with("Memory")) {
    result.access_log2 = static_cast<std::uint8_t>(std::countr_zero(size));  // below 32
  }
  if (immediate.starts_with("MemoryLane")) {
    result.lanes = static_cast<std::uint8_t>(16 / size);  // at most 16
  } else if (immediate.starts_with("Lane")) {
    result.lanes = static_cast<std::uint8_t>(size);  // at most 16
  }
  return result;
}

/// Opcodes without a prefix at their code, those with a prefix in rows of 256 behind, from 0xFC to 0xFF.
constexpr std::size_t signature_index(Op op) noexcept {
  const auto code = static_cast<std::size_t>(op);  // an unsigned 16-bit code
  return code < 0x100 ? code : 0x100 * (1 + (code >> 8) - 0xFC) + (code & 0xFF);
}

inline constexpr auto kSignatures = [] {
  std::array<Signature, 0x500> table{};
#define ANEW_X(name, text, code, immediate, signature) \
  table[signature_index(Op::k##name)] = parse_signature(#signature, #immediate);
  ANEW_LOAD_OPERATORS(ANEW_X)
  ANEW_STORE_OPERATORS(ANEW_X)
  ANEW_NUMERIC_OPERATORS(ANEW_X)
  ANEW_VECTOR_LOAD_OPERATORS(ANEW_X)
  ANEW_VECTOR_STORE_OPERATORS(ANEW_X)
  ANEW_VECTOR_NUMERIC_OPERATORS(ANEW_X)
  ANEW_LANE_OPERATORS(ANEW_X)
  ANEW_LOAD_LANE_OPERATORS(ANEW_X)
  ANEW_STORE_LANE_OPERATORS(ANEW_X)
  ANEW_ATOMIC_OPERATORS(ANEW_X)
  ANEW_X(I8x16Shuffle, "", 0, Shuffle, V128V128_V128)
#undef ANEW_X
  return table;
}();

}  // namespace detail

/// @param op  an operator whose signature the table states; any other has no operands here.
[[nodiscard]] constexpr const Signature& signature_of(Op op) noexcept {
  return detail::kSignatures[detail::signature_index(op)];
}

}  // namespace anew::wasm
