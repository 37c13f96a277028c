// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// What each numeric operator computes (specification, 4.3), written for clarity: what compiled code is compared with.
#pragma once

#include <anew/error.hpp>
#include <anew/value.hpp>
#include <array>
#include <cmath>
#include <cstdint>
#include <span>
#include <vector>

#include "wasm/opcodes.hpp"

namespace anew::codegen::test {

/// A trap, or the result's slot. Which NaN an operator returns is not determined: compare with same_value(), or, where
/// code makes NaNs canonical, compare what canonical() makes of it.
struct Outcome {
  TrapKind trap = TrapKind::kNone;
  std::uint64_t bits = 0;
};

/// @param b  not looked at by operators with one operand.
[[nodiscard]] Outcome evaluate(wasm::Op op, std::uint64_t a, std::uint64_t b);

/// The two results of an operator on integers of 128 bits (wide-arithmetic), the low half first.
/// @param operands  four, or two for a multiplication.
[[nodiscard]] std::array<std::uint64_t, 2> evaluate_wide(wasm::Op op, std::span<const std::uint64_t> operands);

/// What an atomic operator leaves in memory, of which it sees the lower bytes.
/// @param old     what it finds there, zero-extended.
/// @param first   the operand behind the address: of a compare-exchange, what is expected.
/// @param second  of a compare-exchange: the replacement.
[[nodiscard]] std::uint64_t updated(wasm::Op op, std::uint64_t old, std::uint64_t first, std::uint64_t second);

/// What the specification's deterministic profile leaves of an outcome of the operator: of its NaNs, those that an
/// operator computes are the positive canonical one.
[[nodiscard]] Outcome canonical(wasm::Op op, Outcome outcome) noexcept;

[[nodiscard]] bool is_nan(ValueType type, std::uint64_t bits) noexcept;
/// The same bits, or both NaN.
[[nodiscard]] bool same_value(ValueType type, std::uint64_t a, std::uint64_t b) noexcept;

/// Values at which operators change their behaviour: zeros, limits, powers of two and their neighbours, infinities,
/// NaNs, subnormals, and for floats the neighbours of every conversion's limits.
[[nodiscard]] const std::vector<std::uint64_t>& corner_values(ValueType type);

/// All numeric operators but those on integers of 128 bits, in the order of the operator table.
[[nodiscard]] const std::vector<wasm::Op>& numeric_operators();

}  // namespace anew::codegen::test
