// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// What the validator does rarely: local declarations, unreachable code, long immediates, and saying what is wrong.
#include "wasm/validator.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cstring>

namespace anew::wasm {
namespace {

// The type of a block with one result, as a span that outlives the function.
std::span<const ValueType> one_result(ValueType type) {
  static constexpr ValueType kTypes[] = {ValueType::kI32, ValueType::kI64,     ValueType::kF32,
                                         ValueType::kF64, ValueType::kFuncRef, ValueType::kExternRef};
  const auto* found = std::ranges::find(kTypes, type);
  return found == std::end(kTypes) ? std::span<const ValueType>() : std::span<const ValueType>(found, 1);
}

// Whether operands have the types wanted, where an unknown one has any. Eight at a time, because a hostile br_table in
// unreachable code can ask for it with a thousand types at each of its labels.
bool matches(const ValueType* found, std::span<const ValueType> wanted) {
  constexpr std::uint64_t kOnes = 0x0101'0101'0101'0101;
  // Bit 6 tells a value type from an unknown one, whose byte is 0.
  static_assert(std::ranges::all_of(std::array{ValueType::kI32, ValueType::kI64, ValueType::kF32, ValueType::kF64,
                                               ValueType::kFuncRef, ValueType::kExternRef},
                                    [](ValueType type) { return (static_cast<unsigned>(type) & 0x40u) != 0; }));
  std::uint64_t wrong = 0;
  std::size_t i = 0;
  for (; i + 8 <= wanted.size(); i += 8) {
    std::uint64_t eight_found = 0;
    std::uint64_t eight_wanted = 0;
    std::memcpy(&eight_found, found + i, 8);
    std::memcpy(&eight_wanted, wanted.data() + i, 8);
    const std::uint64_t known = ((eight_found >> 6) & kOnes) * 0xFF;
    wrong |= (eight_found ^ eight_wanted) & known;
  }
  for (; i < wanted.size(); ++i) {
    wrong |= static_cast<std::uint64_t>(found[i] != wanted[i] && found[i] != ValueType{});  // a bool
  }
  return wrong == 0;
}

}  // namespace

FunctionValidator::FunctionValidator(const Module& module)
    : module_(module), stack_(std::make_unique_for_overwrite<ValueType[]>(kStackSlack + limits::kOperandStack)) {
  std::fill_n(stack_.get(), kStackSlack, kUnknown);
}

bool FunctionValidator::begin(std::uint32_t defined_index) {
  const FunctionBody& body = module_.bodies[defined_index];
  function_index_ = module_.imported_functions + defined_index;
  const FunctionType& type = module_.function_type(function_index_);
  reader_ = Reader(body.bytes, body.offset);
  operator_position_ = reader_.position();
  locals_.assign(type.parameters.begin(), type.parameters.end());
  frames_.clear();
  top_ = base_ = stack_.get() + kStackSlack;
  limit_ = base_ + limits::kOperandStack;

  std::uint32_t groups = 0;
  // As many as there may be in the binary format; how many locals they make is what is limited.
  if (!reader_.count(UINT32_MAX, "local declarations", groups)) {
    return false;
  }
  for (std::uint32_t i = 0; i < groups; ++i) {
    const std::uint64_t start = reader_.offset();
    std::uint32_t count = 0;
    ValueType local{};
    if (!reader_.u32(count) || !reader_.value_type(local)) {
      return false;
    }
    if (std::uint64_t{count} + locals_.size() > limits::kLocals) {
      // Past 2^32 the specification itself says no.
      return reader_.fail(
          std::uint64_t{count} + locals_.size() > UINT32_MAX ? ErrorCode::kMalformed : ErrorCode::kLimit, start,
          fmt::format("too many locals: {} and more, the limit is {} with the parameters",
                      std::uint64_t{count} + locals_.size(), limits::kLocals));
    }
    locals_.insert(locals_.end(), count, local);
  }

  Frame frame;
  frame.base = base_;
  frame.type = BlockType{{}, type.results};
  frame.handed_over = true;
  frames_.push_back(frame);
  live_ = true;
  return true;
}

// The operand stack, where the fast path did not apply: the operands are wrong, or the code is unreachable.

bool FunctionValidator::pop_any(ValueType& type) {
  if (top_ != base_) {
    type = *--top_;
    return true;
  }
  type = kUnknown;
  return frames_.back().polymorphic || missing_operand("a value");
}

bool FunctionValidator::pop_slow(ValueType expected) {
  if (top_ == base_) {
    return frames_.back().polymorphic || missing_operand(to_string(expected));
  }
  const ValueType found = *--top_;
  return found == expected || found == kUnknown || mismatch(expected, found);
}

bool FunctionValidator::expect_slow(std::span<const ValueType> expected) {
  // Below the block's own operands everything matches, so only those that are there are looked at.
  const auto own = static_cast<std::size_t>(top_ - base_);  // base_ is never above top_
  const std::size_t there = std::min(own, expected.size());
  const ValueType* const found = top_ - there;
  const std::span<const ValueType> wanted = expected.last(there);
  if (!matches(found, wanted)) {
    for (std::size_t i = there; i-- > 0;) {
      if (found[i] != wanted[i] && found[i] != kUnknown) {
        return mismatch(wanted[i], found[i]);
      }
    }
  }
  return there == expected.size() || frames_.back().polymorphic ||
         missing_operand(to_string(expected[expected.size() - there - 1]));
}

bool FunctionValidator::pop_slow(std::span<const ValueType> expected) {
  if (!expect_slow(expected)) {
    return false;
  }
  top_ -= std::min(static_cast<std::size_t>(top_ - base_), expected.size());  // as in expect_slow
  return true;
}

bool FunctionValidator::apply_signature_slow(Op op) {
  const Signature& signature = signature_of(op);
  for (std::size_t i = signature.operands; i-- > 0;) {
    if (!pop(signature.operand(i))) {
      return false;
    }
  }
  return signature.results == 0 || push(signature.result);
}

bool FunctionValidator::select(bool typed, ValueType& type) {
  if (typed) {
    std::uint32_t count = 0;
    if (!reader_.count(UINT32_MAX, "types of select", count)) {
      return false;
    }
    if (count != 1) {
      return invalid("invalid result arity: select must have one result");
    }
    return reader_.value_type(type) && pop(ValueType::kI32) && pop(type) && pop(type) && push(type);
  }
  ValueType second{};
  ValueType first{};
  if (!pop(ValueType::kI32) || !pop_any(second) || !pop_any(first)) {
    return false;
  }
  if (is_reference(first) || is_reference(second)) {
    return invalid("type mismatch: select between references must state their type");
  }
  if (first != second && first != kUnknown && second != kUnknown) {
    return mismatch(first, second);
  }
  type = first == kUnknown ? second : first;
  return push(type);
}

bool FunctionValidator::branch_table() {
  std::uint32_t count = 0;
  if (!reader_.count(limits::kBrTableTargets, "targets of br_table", count)) {
    return false;
  }
  targets_.resize(count + std::size_t{1});
  for (std::uint32_t& depth : targets_) {
    if (!label(depth)) {
      return false;
    }
  }
  if (!pop(ValueType::kI32)) {
    return false;
  }
  const std::size_t arity = label_types(frame_at(targets_.back())).size();
  // Switch statements name few labels many times over, often in a row: what was just checked is not checked again.
  const ValueType* checked = nullptr;
  for (const std::uint32_t depth : targets_) {
    const std::span<const ValueType> types = label_types(frame_at(depth));
    if (types.size() != arity) {
      return invalid(fmt::format("type mismatch: labels of one br_table take {} and {} values", types.size(), arity));
    }
    if (types.data() != checked) {
      if (!expect(types)) {
        return false;
      }
      checked = types.data();
    }
  }
  return true;
}

// Immediates.

bool FunctionValidator::memory_index(std::uint32_t& index) {
  index = 0;
  return reader_.zero_byte() && (!module_.memories.empty() || unknown("memory", 0));
}

bool FunctionValidator::element_index(std::uint32_t& index) {
  return reader_.u32(index) && (index < module_.elements.size() || unknown("elem segment", index));
}

bool FunctionValidator::data_index(std::uint32_t& index) {
  if (!reader_.u32(index)) {
    return false;
  }
  if (!module_.data_count) {
    return reader_.fail(ErrorCode::kMalformed, operator_offset(),
                        fmt::format("data count section required by {}", operator_name()));
  }
  return index < *module_.data_count || unknown("data segment", index);
}

bool FunctionValidator::memory_argument_slow(std::uint32_t align, MemoryArgument& argument) {
  if (align >= 0x20 && (align & ~0x1Fu) != 0x40) {
    return reader_.fail(ErrorCode::kMalformed, operator_offset(), "malformed memop flags");
  }
  if (align >= 0x40) {  // bit 6 announces the index of a memory
    return reader_.fail(ErrorCode::kUnsupported, operator_offset(), "not supported yet: multiple memories");
  }
  std::uint32_t offset = 0;
  if (!reader_.u32(offset)) {
    return false;
  }
  if (module_.memories.empty()) {
    return unknown("memory", 0);
  }
  argument = MemoryArgument{0, align, offset};
  return invalid(fmt::format("alignment must not be larger than natural: {} of 2^{}", operator_name(), align));
}

bool FunctionValidator::block_type_slow(BlockType& type) {
  const std::uint64_t start = reader_.offset();
  if (reader_.at_end()) {
    return missing_end();
  }
  const auto code = std::to_integer<std::uint8_t>(*reader_.position());
  if (code >= 0x40 && code < 0x80) {  // a negative integer of one byte: a value type
    ValueType result{};
    if (!reader_.value_type(result)) {
      return false;
    }
    type = BlockType{{}, one_result(result)};
    return true;
  }
  std::int64_t index = 0;
  if (!reader_.s33(index)) {
    return false;
  }
  if (index < 0) {
    return reader_.fail(ErrorCode::kMalformed, start, "malformed block type: negative type index");
  }
  const auto at = static_cast<std::uint64_t>(index);  // not negative
  if (at >= module_.types.size()) {
    return unknown("type", at);
  }
  type = BlockType{module_.types[at].parameters, module_.types[at].results};
  return true;
}

bool FunctionValidator::prefixed_opcode(std::uint32_t& code) {
  std::uint32_t sub_opcode = 0;
  if (!reader_.u32(sub_opcode)) {
    return false;
  }
  // Larger ones than the table has would not fit into an Op.
  if (sub_opcode > 0xFF) {
    return reader_.fail(ErrorCode::kMalformed, operator_offset(), fmt::format("illegal opcode 0xFC {}", sub_opcode));
  }
  code = 0xFC00 | sub_opcode;
  return true;
}

// Errors.

std::string FunctionValidator::operator_name() const {
  // Only called for an operator that the table has: what follows its first byte was read before.
  const auto first = std::to_integer<std::uint32_t>(operator_position_[0]);
  const bool prefixed = first == 0xFC;
  Reader sub_opcode(Bytes(operator_position_, reader_.position()).subspan(prefixed ? 1 : 0));
  std::uint32_t second = 0;
  if (prefixed && sub_opcode.u32(second)) {
    return std::string(to_string(static_cast<Op>(0xFC00 | (second & 0xFF))));  // an Op, see above
  }
  return std::string(to_string(static_cast<Op>(first)));  // an Op, see above
}

bool FunctionValidator::invalid(std::string message) {
  return reader_.fail(ErrorCode::kInvalid, operator_offset(), std::move(message));
}

bool FunctionValidator::unknown(const char* what, std::uint64_t index) {
  return invalid(fmt::format("unknown {} {}", what, index));
}

bool FunctionValidator::mismatch(ValueType expected, ValueType found) {
  return invalid(
      fmt::format("type mismatch: {} expects {}, found {}", operator_name(), to_string(expected), to_string(found)));
}

bool FunctionValidator::missing_operand(const char* expected) {
  return invalid(fmt::format("type mismatch: {} expects {}, found nothing on the stack", operator_name(), expected));
}

bool FunctionValidator::left_over() {
  return invalid(fmt::format("type mismatch: {} values remain on the stack at {}", top_ - base_, operator_name()));
}

bool FunctionValidator::stack_limit() {
  return reader_.fail(ErrorCode::kLimit, operator_offset(),
                      fmt::format("too many operands on the stack: the limit is {}", limits::kOperandStack));
}

bool FunctionValidator::nesting_limit() {
  return reader_.fail(ErrorCode::kLimit, operator_offset(),
                      fmt::format("blocks are nested too deep: the limit is {}", limits::kNesting));
}

bool FunctionValidator::illegal_opcode(std::uint32_t code) {
  const bool prefixed = code > 0xFF;
  // A code of one byte where it is not prefixed.
  const std::string_view feature = prefixed ? "" : unsupported_feature(static_cast<std::uint8_t>(code));
  if (!feature.empty()) {
    return reader_.fail(ErrorCode::kUnsupported, operator_offset(),
                        fmt::format("not supported yet: {} (opcode 0x{:02X})", feature, code));
  }
  return reader_.fail(
      ErrorCode::kMalformed, operator_offset(),
      prefixed ? fmt::format("illegal opcode 0xFC {}", code & 0xFF) : fmt::format("illegal opcode 0x{:02X}", code));
}

bool FunctionValidator::missing_end() {
  return reader_.fail(ErrorCode::kMalformed, reader_.offset(),
                      "unexpected end of section or function: END opcode expected");
}

bool FunctionValidator::bytes_after_end() {
  return reader_.fail(ErrorCode::kMalformed, reader_.offset(),
                      "operators remaining after end of function: END opcode expected at its last byte only");
}

}  // namespace anew::wasm
