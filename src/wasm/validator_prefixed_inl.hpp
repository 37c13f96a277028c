// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Operators of more than one byte: on vectors and wide integers, atomic ones, casts, and those on whole memories and
// tables, which validator_bulk_inl.hpp has. A part of validator_inl.hpp. Included by validator.hpp only.
#pragma once

#include "wasm/validator.hpp"

namespace anew::wasm {

template <typename Sink>
bool FunctionValidator::prefixed_operator(std::uint8_t prefix, Sink& sink) {
  std::uint32_t code = 0;
  if (!prefixed_opcode(prefix, code)) return false;
  const auto op = static_cast<Op>(code);  // those that are no operator need nothing, and end in `default` below
  if (!accepted(op)) return false;
  MemoryArgument argument;
  std::uint32_t lane = 0;
  switch (op) {
#define ANEW_X(name, ...) case Op::k##name:
    ANEW_SATURATING_OPERATORS(ANEW_X)
    ANEW_WIDE_OPERATORS(ANEW_X)
    ANEW_VECTOR_NUMERIC_OPERATORS(ANEW_X) {
      if (!apply_signature(op)) return false;
      if (live(sink)) sink.numeric(op);
      return true;
    }
    ANEW_VECTOR_LOAD_OPERATORS(ANEW_X) {
      if (!memory_argument(op, argument) || !apply_access(op, argument)) return false;
      if (live(sink)) sink.load(op, argument);
      return true;
    }
    ANEW_VECTOR_STORE_OPERATORS(ANEW_X) {
      if (!memory_argument(op, argument) || !apply_access(op, argument)) return false;
      if (live(sink)) sink.store(op, argument);
      return true;
    }
    ANEW_LANE_OPERATORS(ANEW_X) {
      if (!lane_index(op, lane) || !apply_signature(op)) return false;
      if (live(sink)) sink.lane(op, lane);
      return true;
    }
    ANEW_LOAD_LANE_OPERATORS(ANEW_X) {
      if (!memory_argument(op, argument) || !lane_index(op, lane) || !apply_access(op, argument)) return false;
      if (live(sink)) sink.load_lane(op, argument, lane);
      return true;
    }
    ANEW_STORE_LANE_OPERATORS(ANEW_X) {
      if (!memory_argument(op, argument) || !lane_index(op, lane) || !apply_access(op, argument)) return false;
      if (live(sink)) sink.store_lane(op, argument, lane);
      return true;
    }
    ANEW_ATOMIC_OPERATORS(ANEW_X) {
      if (!atomic_argument(op, argument) || !apply_access(op, argument)) return false;
      if (live(sink)) sink.atomic(op, argument);
      return true;
    }
#undef ANEW_X
    case Op::kAtomicFence:
      if (!reader_.zero_byte()) return false;
      if (live(sink)) sink.atomic_fence();
      return true;
    case Op::kRefTest:
    case Op::kRefTestNull:
    case Op::kRefCast:
    case Op::kRefCastNull: return cast_operator(op, sink);
    case Op::kBrOnCast:
    case Op::kBrOnCastFail: return cast_branch(op, sink);
    case Op::kV128Const: return vector_constant(sink);
    case Op::kI8x16Shuffle: return shuffle(sink);
    case Op::kMemoryInit:
    case Op::kDataDrop:
    case Op::kMemoryCopy:
    case Op::kMemoryFill: return memory_operator(op, sink);
    case Op::kTableInit:
    case Op::kElemDrop:
    case Op::kTableCopy:
    case Op::kTableGrow:
    case Op::kTableSize:
    case Op::kTableFill: return table_operator(op, sink);
    default: return illegal_opcode(prefix);
  }
}

template <typename Sink>
bool FunctionValidator::cast_operator(Op op, Sink& sink) {
  ValueType wanted{};
  if (!reader_.heap_type(module_.canonical_types, wanted)) return false;
  if (op == Op::kRefTest || op == Op::kRefCast) wanted = non_null(wanted);
  const bool tests = op == Op::kRefTest || op == Op::kRefTestNull;
  if (!pop(top_of(wanted)) || !push(tests ? ValueType::kI32 : wanted)) return false;
  if (live(sink)) {
    if (tests)
      sink.ref_test(wanted);
    else
      sink.ref_cast(wanted);
  }
  return true;
}

template <typename Sink>
bool FunctionValidator::cast_branch(Op op, Sink& sink) {
  std::uint32_t depth = 0;
  ValueType wanted{};
  if (!branch_on_cast(op, depth, wanted)) return false;
  if (live(sink)) {
    frame_at(depth).end_reached = true;
    if (op == Op::kBrOnCast)
      sink.br_on_cast(depth, wanted);
    else
      sink.br_on_cast_fail(depth, wanted);
  }
  return true;
}

template <typename Sink>
bool FunctionValidator::vector_constant(Sink& sink) {
  Vector vector{};
  if (!reader_.fixed64(vector[0]) || !reader_.fixed64(vector[1]) || !push(ValueType::kV128)) return false;
  if (live(sink)) sink.vector_constant(vector);
  return true;
}

template <typename Sink>
bool FunctionValidator::shuffle(Sink& sink) {
  std::array<std::uint8_t, 16> lanes{};
  for (std::uint8_t& lane : lanes) {
    if (!reader_.byte(lane)) return false;
    if (lane >= 32) return invalid_lane(lane, 32);
  }
  if (!apply_signature(Op::kI8x16Shuffle)) return false;
  if (live(sink)) sink.shuffle(std::span<const std::uint8_t, 16>(lanes));
  return true;
}

}  // namespace anew::wasm
