// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The operand and result types of the numeric operators, loads and stores, read at compile time from the signature
// column of the operator table; and the access sizes, from its immediate column.
#pragma once

#include <anew/value.hpp>
#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "wasm/opcodes.hpp"

namespace anew::wasm {

/// One or two operands, at most one result. The two topmost operands are compared at once: `expected` holds the type
/// of the last one in its high byte and of the one before it in its low byte; `mask` leaves out what is not popped.
struct Signature {
  std::uint16_t mask = 0;
  std::uint16_t expected = 0;
  std::uint8_t operands = 0;
  std::uint8_t results = 0;
  ValueType result = ValueType::kI32;
  std::uint8_t access_log2 = 0;  ///< loads and stores: log2 of the bytes accessed, the natural alignment

  [[nodiscard]] constexpr ValueType operand(std::size_t index) const noexcept {
    // The bytes of `expected` are ValueTypes, put there by parse_signature.
    return static_cast<ValueType>(index + 1 == operands ? expected >> 8 : expected & 0xFF);
  }
};

namespace detail {

consteval ValueType parse_type(std::string_view text) {
  if (text == "I32") {
    return ValueType::kI32;
  }
  if (text == "I64") {
    return ValueType::kI64;
  }
  if (text == "F32") {
    return ValueType::kF32;
  }
  if (text == "F64") {
    return ValueType::kF64;
  }
  throw "a signature in the operator table is misspelt";  // never runs: it makes the compilation fail
}

/// @param signature  such as "I32I64_F32".  @param immediate  such as "MemoryArgument4".
consteval Signature parse_signature(std::string_view signature, std::string_view immediate) {
  Signature result;
  if (signature == "Special") {
    return result;
  }
  const std::size_t bar = signature.find('_');
  for (std::size_t i = 0; i < bar; i += 3) {
    // Both fit: a ValueType is a byte, and the older operand moves into the low byte.
    const unsigned type = static_cast<unsigned>(parse_type(signature.substr(i, 3)));
    result.expected = static_cast<std::uint16_t>((result.expected >> 8) | (type << 8));
    result.mask = static_cast<std::uint16_t>((result.mask >> 8) | 0xFF00u);
    ++result.operands;
  }
  if (bar + 1 < signature.size()) {
    result.results = 1;
    result.result = parse_type(signature.substr(bar + 1));
  }
  if (immediate.starts_with("MemoryArgument")) {
    const char size = immediate.back();
    result.access_log2 = size == '8' ? 3 : size == '4' ? 2 : size == '2' ? 1 : 0;
  }
  return result;
}

/// One-byte opcodes at their code, those with prefix 0xFC at 256 + sub-opcode.
constexpr std::size_t signature_index(Op op) noexcept {
  const auto code = static_cast<std::size_t>(op);  // an unsigned 16-bit code
  return code < 0x100 ? code : 0x100 + (code & 0xFF);
}

inline constexpr auto kSignatures = [] {
  std::array<Signature, 0x120> table{};
#define ANEW_X(name, text, code, immediate, signature) \
  table[signature_index(Op::k##name)] = parse_signature(#signature, #immediate);
  ANEW_LOAD_OPERATORS(ANEW_X)
  ANEW_STORE_OPERATORS(ANEW_X)
  ANEW_NUMERIC_OPERATORS(ANEW_X)
#undef ANEW_X
  return table;
}();

}  // namespace detail

/// @param op  a numeric operator, load or store; any other has no operands here.
[[nodiscard]] constexpr const Signature& signature_of(Op op) noexcept {
  return detail::kSignatures[detail::signature_index(op)];
}

}  // namespace anew::wasm
