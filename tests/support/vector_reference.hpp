// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// What each vector operator computes (specification, 4.3.5), lane by lane, written for clarity: what compiled code is
// compared with. Where an operator on scalars does to its operand what a vector operator does to each lane,
// reference.hpp says what that is.
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <vector>

#include "support/reference.hpp"
#include "wasm/module.hpp"
#include "wasm/opcodes.hpp"

namespace anew::codegen::test {

using wasm::Vector;

/// A scalar operand or result is the low half, as in a slot.
using VectorOperands = std::array<Vector, 3>;

/// @param op  a vector operator without immediate.
[[nodiscard]] Vector evaluate_vector(wasm::Op op, const VectorOperands& operands);

/// @param lane  an operator that extracts or replaces a lane.
[[nodiscard]] Vector evaluate_lane(wasm::Op op, const VectorOperands& operands, std::uint32_t lane);

[[nodiscard]] Vector evaluate_shuffle(const VectorOperands& operands, std::span<const std::uint8_t, 16> lanes);

/// Whether `found` is a result that the specification allows where `expected` is one. They are the same, but that an
/// operator that computes with floats may give any quiet NaN for a NaN; if its operands hold no other NaNs than
/// canonical ones, a canonical one.
[[nodiscard]] bool is_allowed(wasm::Op op, const VectorOperands& operands, const Vector& expected, const Vector& found);

/// The one result that the specification's deterministic profile allows where `expected` is one: what the operator
/// computes of NaNs is the positive canonical one.
[[nodiscard]] Vector canonical(wasm::Op op, const Vector& expected);

/// All vector operators without immediate, in the order of the operator table.
[[nodiscard]] const std::vector<wasm::Op>& vector_operators();

/// As much of a vector as a value of that type has, the rest zero.
[[nodiscard]] Vector cut(ValueType type, const Vector& bits);

/// 600 or more, in no order: corner values of the operator's lanes and of others, and any bits; of two operands that
/// are bytes, all pairs.
[[nodiscard]] std::vector<VectorOperands> sample_operands(wasm::Op op);

}  // namespace anew::codegen::test
