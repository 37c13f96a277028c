// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// What the operator table says, as tables of numbers that are made of it at compile time: the operand and result types
// of the operators that have fixed ones; access sizes and numbers of lanes, from the immediate column; proposals and
// outcomes.
#pragma once

#include <algorithm>
#include <anew/features.hpp>
#include <anew/value.hpp>
#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>
#include <utility>

#include "wasm/opcodes.hpp"

namespace anew::wasm {

/// One to four operands, at most two results, both of one type. The two topmost operands are compared at once:
/// `expected` holds the type of the last one in its high half and of the one before it in its low half; `mask` leaves
/// out what is not popped. With more operands or two results nothing equals `expected`: they are compared one by one.
struct Signature {
  std::uint64_t mask = 0;
  std::uint64_t expected = 0;
  ValueType result = ValueType::kI32;
  std::array<std::uint8_t, 4> operand_codes{};  ///< of the ValueTypes
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
  for (const char each : immediate)
    number = each >= '0' && each <= '9' ? number * 10 + static_cast<unsigned>(each - '0') : 0;  // a digit
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
  signature.remove_prefix(1);
  for (; !signature.empty(); ++result.results) {
    const ValueType type = parse_type(signature);
    if (result.results != 0 && type != result.result) throw "results of several types in the operator table";
    result.result = type;
  }
  if (result.operands > 2 || result.results > 1) result.mask = 0;
  const unsigned size = parse_number(immediate);
  if (immediate.starts_with("Memory"))
    result.access_log2 = static_cast<std::uint8_t>(std::countr_zero(size));  // below 32
  if (immediate.starts_with("MemoryLane"))
    result.lanes = static_cast<std::uint8_t>(16 / size);  // at most 16
  else if (immediate.starts_with("Lane"))
    result.lanes = static_cast<std::uint8_t>(size);  // at most 16
  return result;
}

/// Opcodes without a prefix at their code, those with a prefix in rows of 256 behind, from 0xFB to 0xFF.
inline constexpr std::size_t kOperatorIndices = 0x600;
constexpr std::size_t operator_index(Op op) noexcept {
  const auto code = static_cast<std::size_t>(op);  // an unsigned 16-bit code
  return code < 0x100 ? code : 0x100 * (1 + (code >> 8) - 0xFB) + (code & 0xFF);
}

inline constexpr auto kSignatures = [] {
  std::array<Signature, kOperatorIndices> table{};
#define ANEW_X(name, text, code, proposal, immediate, signature, outcome) \
  table[operator_index(Op::k##name)] = parse_signature(#signature, #immediate);
  ANEW_OPERATORS_BY_SIGNATURE(ANEW_X)
  ANEW_X(I8x16Shuffle, "", 0, Simd, Shuffle, V128V128_V128, Total)
#undef ANEW_X
  return table;
}();

/// What the proposal column's names stand for.
namespace proposal_column {
using enum Feature;
inline constexpr std::nullopt_t kMvp = std::nullopt;
}  // namespace proposal_column

struct OperatorFacts {
  Features needs;  ///< its proposal, and what that builds on
  Outcome outcome = Outcome::kTotal;
  std::uint8_t proposal = kFeatures;  ///< a Feature; kFeatures for none
};

inline constexpr auto kOperatorFacts = [] {
  std::array<OperatorFacts, kOperatorIndices> table{};
  const auto add = [&](Op op, std::optional<Feature> proposal, Outcome outcome) {
    OperatorFacts& facts = table[operator_index(op)];
    facts.outcome = outcome;
    if (proposal) facts.needs = *proposal;
    if (proposal) facts.proposal = static_cast<std::uint8_t>(*proposal);
  };
#define ANEW_X(name, text, code, proposal, immediate, signature, outcome) \
  add(Op::k##name, proposal_column::k##proposal, Outcome::k##outcome);
  ANEW_OPERATORS(ANEW_X)
#undef ANEW_X
  return table;
}();

}  // namespace detail

/// @param op  an operator whose signature the table states; any other has no operands here.
[[nodiscard]] constexpr const Signature& signature_of(Op op) noexcept {
  return detail::kSignatures[detail::operator_index(op)];
}

/// The proposals that must be accepted for an operator to be; none for one of WebAssembly's first version, and for a
/// code that is no operator.
[[nodiscard]] constexpr Features needs_of(Op op) noexcept {
  return detail::kOperatorFacts[detail::operator_index(op)].needs;
}
/// The one that it belongs to.
[[nodiscard]] constexpr std::optional<Feature> proposal_of(Op op) noexcept {
  const std::uint8_t proposal = detail::kOperatorFacts[detail::operator_index(op)].proposal;
  return proposal == kFeatures ? std::nullopt : std::optional(static_cast<Feature>(proposal));  // put there as one
}
[[nodiscard]] constexpr Outcome outcome_of(Op op) noexcept {
  return detail::kOperatorFacts[detail::operator_index(op)].outcome;
}
/// Bytes that an operator with a memory argument accesses.
[[nodiscard]] constexpr std::uint32_t access_bytes(Op op) noexcept { return 1u << signature_of(op).access_log2; }
/// The most that any operator does.
inline constexpr std::uint32_t kMaximumAccessBytes =
    1u << std::ranges::max(detail::kSignatures, {}, &Signature::access_log2).access_log2;
static_assert(kMaximumAccessBytes == access_bytes(Op::kV128Load));

}  // namespace anew::wasm
