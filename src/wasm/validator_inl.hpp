// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The part of the validator that runs for every operator of every module: templates and what they inline. Included by
// validator.hpp only, with control flow and calls (validator_control_inl.hpp), operators on whole memories, tables and
// references (validator_bulk_inl.hpp), and those with a prefix (validator_prefixed_inl.hpp). What is rare (errors,
// unreachable code, long integers, types that match and are not equal) is out of line in validator.cpp.
#pragma once

#include <algorithm>
#include <cstring>
#include <utility>

#include "wasm/signatures.hpp"
#include "wasm/validator.hpp"

namespace anew::wasm {

inline bool FunctionValidator::push(ValueType type) {
  if (top_ == limit_) [[unlikely]]
    return stack_limit();
  *top_++ = type;
  return true;
}

inline bool FunctionValidator::push(std::span<const ValueType> types) {
  // limit_ is never below top_.
  if (static_cast<std::size_t>(limit_ - top_) < types.size()) [[unlikely]]
    return stack_limit();
  top_ = std::copy(types.begin(), types.end(), top_);
  return true;
}

inline bool FunctionValidator::pop(ValueType expected) {
  if (top_ != base_ && top_[-1] == expected) [[likely]] {
    --top_;
    return true;
  }
  return pop_slow(expected);
}

inline bool FunctionValidator::topmost_are(std::span<const ValueType> types) const {
  // base_ is never above top_.
  return static_cast<std::size_t>(top_ - base_) >= types.size() &&
         (types.empty() || std::memcmp(top_ - types.size(), types.data(), types.size_bytes()) == 0);
}

inline bool FunctionValidator::pop(std::span<const ValueType> expected) {
  if (topmost_are(expected)) [[likely]] {
    top_ -= expected.size();
    return true;
  }
  return pop_slow(expected);
}

inline bool FunctionValidator::expect(std::span<const ValueType> expected) {
  return topmost_are(expected) || expect_slow(expected);
}

inline bool FunctionValidator::pop_and_push(std::span<const ValueType> types) {
  return topmost_are(types) || (pop_slow(types) && push(types));
}

// One comparison for all operators with a fixed signature: no branch depends on how many operands there are.
inline bool FunctionValidator::apply_signature(Op op) {
  const Signature& signature = signature_of(op);
  // Two types as one number, the topmost in its high half; there are two below the first operand, see kStackSlack.
  std::uint64_t topmost = 0;
  std::memcpy(&topmost, top_ - 2, sizeof topmost);
  if ((topmost & signature.mask) != signature.expected || top_ - base_ < signature.operands) [[unlikely]]
    return apply_signature_slow(op, signature.operand(0));
  top_ -= signature.operands;
  *top_ = signature.result;  // of no meaning if there is no result; there is room, for an operand was popped
  top_ += signature.results;
  return true;
}

inline void FunctionValidator::set_unreachable() {
  top_ = base_;
  frames_.back().polymorphic = true;
  live_ = false;
}

inline bool FunctionValidator::local_to_read(std::uint32_t& index) {
  return reader_.u32(index) && (index < plain_locals_ || local_to_read_slow(index));
}
inline bool FunctionValidator::local_to_set(std::uint32_t& index) {
  return reader_.u32(index) && (index < plain_locals_ || local_to_set_slow(index));
}
inline bool FunctionValidator::global_index(std::uint32_t& index) {
  return reader_.u32(index) && (index < module_.globals.size() || unknown("global", index));
}
inline bool FunctionValidator::function_index(std::uint32_t& index) {
  return reader_.u32(index) && (index < module_.functions.size() || unknown("function", index));
}
inline bool FunctionValidator::type_index(std::uint32_t& index) {
  return reader_.u32(index) && (index < module_.types.size() || unknown("type", index));
}
inline bool FunctionValidator::table_index(std::uint32_t& index) {
  // A zero byte stood there before there were several tables.
  const bool is_zero = reader_.is_next(0);
  return reader_.u32(index) && (index < module_.tables.size() || unknown("table", index)) &&
         (is_zero || operator_needs(Feature::kReferenceTypes, "a table index that is not one zero byte"));
}
inline bool FunctionValidator::label(std::uint32_t& depth) {
  return reader_.u32(depth) && (depth < frames_.size() || unknown("label", depth));
}

inline bool FunctionValidator::memory_argument(Op op, MemoryArgument& argument) {
  std::uint32_t align = 0;
  std::uint64_t offset = 0;
  if (!reader_.u32(align)) [[unlikely]]
    return false;
  if (align > signature_of(op).access_log2 || !plain_memories_) [[unlikely]]
    return memory_argument_slow(op, align, argument);
  if (!reader_.u64(offset)) [[unlikely]]
    return false;
  if (offset > UINT32_MAX) [[unlikely]]
    return invalid("offset out of range: more than 32 bits");
  argument = MemoryArgument{0, align, offset};
  return true;
}

inline bool FunctionValidator::apply_access(Op op, const MemoryArgument& argument) {
  if (plain_memories_) [[likely]]
    return apply_signature(op);
  return apply_signature_slow(op, module_.memory_address(argument.memory));
}

inline bool FunctionValidator::block_type(BlockType& type) {
  if (!reader_.at_end() && *reader_.position() == std::byte{0x40}) [[likely]] {
    std::uint8_t empty = 0;
    type = BlockType{};
    return reader_.byte(empty);
  }
  return block_type_slow(type);
}

template <OperatorSink Sink>
Result<void> FunctionValidator::validate(std::uint32_t defined_index, Sink& sink) {
  if (!begin(defined_index)) return std::unexpected(reader_.take_error());
  sink.begin_function(function_index_, module_.function_type(function_index_), std::span<const ValueType>(locals_));
  if (!operators(sink) || !reader_.wide_integers_accepted()) return std::unexpected(reader_.take_error());
  features_ = features_.with(reader_.features());
  return {};
}

template <typename Sink>
bool FunctionValidator::operators(Sink& sink) {
  while (!frames_.empty()) {
    if (reader_.at_end()) [[unlikely]]
      return missing_end();
    operator_position_ = reader_.position();
    std::uint8_t opcode = 0;
    if (!reader_.byte(opcode)) [[unlikely]]
      return false;
    const auto op = static_cast<Op>(opcode);  // those that are no operator end in `default` below
    std::uint32_t index = 0;
    switch (op) {
#define ANEW_X(name, ...) case Op::k##name:
      ANEW_ONE_BYTE_NUMERIC_OPERATORS(ANEW_X) {
        if (!apply_signature(op)) [[unlikely]]
          return false;
        if (live(sink)) sink.numeric(op);
        break;
      }
      ANEW_SIGN_EXTENSION_OPERATORS(ANEW_X) {
        if (!accepted(op) || !apply_signature(op)) [[unlikely]]
          return false;
        if (live(sink)) sink.numeric(op);
        break;
      }
      ANEW_LOAD_OPERATORS(ANEW_X) {
        MemoryArgument argument;
        if (!memory_argument(op, argument) || !apply_access(op, argument)) [[unlikely]]
          return false;
        if (live(sink)) sink.load(op, argument);
        break;
      }
      ANEW_STORE_OPERATORS(ANEW_X) {
        MemoryArgument argument;
        if (!memory_argument(op, argument) || !apply_access(op, argument)) [[unlikely]]
          return false;
        if (live(sink)) sink.store(op, argument);
        break;
      }
#undef ANEW_X

      case Op::kLocalGet:
        if (!local_to_read(index) || !push(locals_[index])) [[unlikely]]
          return false;
        if (live(sink)) sink.local_get(index);
        break;
      case Op::kLocalSet:
        if (!local_to_set(index) || !pop(locals_[index])) [[unlikely]]
          return false;
        if (live(sink)) sink.local_set(index);
        break;
      case Op::kLocalTee:
        if (!local_to_set(index) || !pop(locals_[index]) || !push(locals_[index])) [[unlikely]]
          return false;
        if (live(sink)) sink.local_tee(index);
        break;
      case Op::kGlobalGet:
        if (!global_index(index) || !push(module_.globals[index].type.type)) [[unlikely]]
          return false;
        if (live(sink)) sink.global_get(index);
        break;
      case Op::kGlobalSet:
        if (!global_index(index)) [[unlikely]]
          return false;
        if (!module_.globals[index].type.is_mutable) [[unlikely]]
          return invalid("global is immutable: global.set of an immutable global");
        if (!pop(module_.globals[index].type.type)) [[unlikely]]
          return false;
        if (live(sink)) sink.global_set(index);
        break;

      case Op::kI32Const: {
        std::uint32_t bits = 0;
        if (!reader_.s32(bits) || !push(ValueType::kI32)) [[unlikely]]
          return false;
        if (live(sink)) sink.constant(ValueType::kI32, bits);
        break;
      }
      case Op::kI64Const: {
        std::uint64_t bits = 0;
        if (!reader_.s64(bits) || !push(ValueType::kI64)) [[unlikely]]
          return false;
        if (live(sink)) sink.constant(ValueType::kI64, bits);
        break;
      }
      case Op::kF32Const: {
        std::uint32_t bits = 0;
        if (!reader_.fixed32(bits) || !push(ValueType::kF32)) [[unlikely]]
          return false;
        if (live(sink)) sink.constant(ValueType::kF32, bits);
        break;
      }
      case Op::kF64Const: {
        std::uint64_t bits = 0;
        if (!reader_.fixed64(bits) || !push(ValueType::kF64)) [[unlikely]]
          return false;
        if (live(sink)) sink.constant(ValueType::kF64, bits);
        break;
      }

      case Op::kNop: break;
      case Op::kUnreachable:
        if (live(sink)) sink.unreachable();
        set_unreachable();
        break;
      case Op::kBlock:
      case Op::kLoop:
      case Op::kIf:
        if (!open_block(op, sink)) [[unlikely]]
          return false;
        break;
      case Op::kElse:
        if (!else_block(sink)) [[unlikely]]
          return false;
        break;
      case Op::kEnd:
        if (!end_block(sink)) [[unlikely]]
          return false;
        break;
      case Op::kBr:
        if (!label(index) || !pop(label_types(frame_at(index)))) [[unlikely]]
          return false;
        if (live(sink)) {
          frame_at(index).end_reached = true;
          sink.br(index);
        }
        set_unreachable();
        break;
      case Op::kBrIf:
        if (!label(index) || !pop(ValueType::kI32) || !pop_and_push(label_types(frame_at(index)))) [[unlikely]]
          return false;
        if (live(sink)) {
          frame_at(index).end_reached = true;
          sink.br_if(index);
        }
        break;
      case Op::kBrTable:
        if (!branch_table()) [[unlikely]]
          return false;
        if (live(sink)) {
          for (const std::uint32_t depth : targets_) frame_at(depth).end_reached = true;
          sink.br_table(std::span<const std::uint32_t>(targets_));
        }
        set_unreachable();
        break;
      case Op::kReturn:
        if (!pop(frames_.front().type.results)) [[unlikely]]
          return false;
        if (live(sink)) sink.return_();
        set_unreachable();
        break;
      case Op::kCall:
      case Op::kCallIndirect:
        if (!call_operator(op, sink)) [[unlikely]]
          return false;
        break;

      case Op::kDrop: {
        ValueType type{};
        if (!pop_any(type)) [[unlikely]]
          return false;
        if (live(sink)) sink.drop();
        break;
      }
      case Op::kSelect:
      case Op::kSelectTyped: {
        ValueType type{};
        if (!select(op == Op::kSelectTyped, type)) [[unlikely]]
          return false;
        if (live(sink)) sink.select(type);
        break;
      }

      default:
        if (opcode >= 0xFB ? !prefixed_operator(opcode, sink) : !rare_operator(op, sink)) [[unlikely]]
          return false;
        break;
    }
  }
  return reader_.at_end() || bytes_after_end();
}

}  // namespace anew::wasm
