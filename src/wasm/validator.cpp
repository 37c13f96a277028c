// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// What the validator does rarely: local declarations, unreachable code, long immediates, and saying what is wrong.
#include "wasm/validator.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cstring>

namespace anew::wasm {
namespace {

// The type of a block with one number or vector as its result, as a span that outlives the function; else empty.
std::span<const ValueType> one_result(ValueType type) {
  static constexpr ValueType kTypes[] = {ValueType::kI32, ValueType::kI64, ValueType::kF32, ValueType::kF64,
                                         ValueType::kV128};
  const auto* found = std::ranges::find(kTypes, type);
  return found == std::end(kTypes) ? std::span<const ValueType>() : std::span<const ValueType>(found, 1);
}

// Whether operands match the types wanted. Equal and unknown ones are told first and without a branch, because a
// hostile br_table in unreachable code can ask for it with a thousand types at each of its labels.
bool matches(const Module& module, const ValueType* found, std::span<const ValueType> wanted) {
  bool differs = false;
  for (std::size_t i = 0; i < wanted.size(); ++i) differs |= (found[i] != wanted[i]) & (found[i] != kUnknown);
  return !differs || are_subtypes(module.declarations, std::span(found, wanted.size()), wanted);
}

// How the table of operators numbers a sub-opcode of two bytes at most; see opcodes.hpp.
std::uint32_t prefixed_code(std::uint8_t prefix, std::uint32_t sub_opcode) {
  return sub_opcode < 0x100 ? std::uint32_t{prefix} << 8 | sub_opcode : 0xFF00 | (sub_opcode - 0x100);
}

}  // namespace

FunctionValidator::FunctionValidator(const Module& module)
    : module_(module),
      plain_memories_(!module.memories.empty() && std::ranges::none_of(module.memories, &MemoryType::is_64)),
      stack_(std::make_unique_for_overwrite<ValueType[]>(kStackSlack + limits::kOperandStack)),
      local_types_(std::make_unique_for_overwrite<ValueType[]>(limits::kLocals)) {
  std::fill_n(stack_.get(), kStackSlack, kUnknown);
  frames_.reserve(limits::kNesting + 1);  // as with the stack: pages that are not touched cost nothing
}

// By doubling, with memcpy: a hostile module declares fifty thousand locals in each of its functions of six bytes.
void FunctionValidator::append_locals(std::uint32_t count, ValueType type) {
  if (count == 0) return;
  // There is room: begin() lets no more than limits::kLocals through, of which parameters are a part.
  ValueType* const first = local_types_.get() + locals_.size();
  *first = type;
  for (std::uint32_t done = 1; done < count;) {
    const std::uint32_t next = std::min(done, count - done);
    std::memcpy(first + done, first, next * sizeof(ValueType));
    done += next;
  }
  locals_ = {local_types_.get(), locals_.size() + count};
}

bool FunctionValidator::begin(std::uint32_t defined_index) {
  const FunctionBody& body = module_.bodies[defined_index];
  function_index_ = module_.imported_functions + defined_index;
  const FunctionType& type = module_.function_type(function_index_);
  reader_ = Reader(body.bytes, body.offset, module_.accepted);
  operator_position_ = reader_.position();
  static_assert(limits::kParameters <= limits::kLocals);
  std::ranges::copy(type.parameters, local_types_.get());
  locals_ = {local_types_.get(), type.parameters.size()};
  frames_.clear();
  local_is_set_.clear();
  locals_set_.clear();
  block_results_.clear();
  top_ = base_ = stack_.get() + kStackSlack;
  limit_ = base_ + limits::kOperandStack;

  std::uint32_t plain = UINT32_MAX;
  std::uint64_t total = locals_.size();
  std::uint64_t over_limit = 0;  // where the group stands that is one too many; a body never begins at 0
  std::uint32_t groups = 0;
  // As many as there may be in the binary format; how many locals they make is what is limited.
  if (!reader_.count(UINT32_MAX, "local declarations", groups)) return false;
  for (std::uint32_t i = 0; i < groups; ++i) {
    const std::uint64_t start = reader_.offset();
    std::uint32_t count = 0;
    ValueType local{};
    if (!reader_.u32(count) || !reader_.value_type(module_.canonical_types, local)) return false;
    total += count;  // at most 2^32 groups of at most 2^32
    if (total > limits::kLocals) {
      over_limit = over_limit == 0 ? start : over_limit;
      continue;
    }
    if (!is_nullable(local) && count != 0)
      plain = std::min(plain, static_cast<std::uint32_t>(locals_.size()));  // at most limits::kLocals
    append_locals(count, local);
  }
  if (over_limit != 0) {
    // Past 2^32 the specification itself says no.
    return reader_.fail(
        total > UINT32_MAX ? ErrorCode::kMalformed : ErrorCode::kLimit, over_limit,
        fmt::format("too many locals: {}, the limit is {} with the parameters", total, limits::kLocals));
  }
  const auto all = static_cast<std::uint32_t>(locals_.size());  // at most limits::kLocals
  plain_locals_ = std::min(plain, all);
  local_is_set_.resize(all - plain_locals_);

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

bool FunctionValidator::pop_reference(ValueType& type) {
  if (!pop_any(type)) return false;
  if (type == kUnknown) type = kUnknownReference;
  return is_reference(type) ||
         invalid(fmt::format("type mismatch: {} expects a reference, found {}", operator_name(), to_string(type)));
}

bool FunctionValidator::pop_slow(ValueType expected) {
  if (top_ == base_) return frames_.back().polymorphic || missing_operand(to_string(expected));
  const ValueType found = *--top_;
  return is_subtype(module_.declarations, found, expected) || mismatch(expected, found);
}

bool FunctionValidator::expect_slow(std::span<const ValueType> expected) {
  // Below the block's own operands everything matches, so only those that are there are looked at.
  const auto own = static_cast<std::size_t>(top_ - base_);  // base_ is never above top_
  const std::size_t there = std::min(own, expected.size());
  const ValueType* const found = top_ - there;
  const std::span<const ValueType> wanted = expected.last(there);
  if (!matches(module_, found, wanted)) {
    for (std::size_t i = there; i-- > 0;)
      if (!is_subtype(module_.declarations, found[i], wanted[i])) return mismatch(wanted[i], found[i]);
  }
  return there == expected.size() || frames_.back().polymorphic ||
         missing_operand(to_string(expected[expected.size() - there - 1]));
}

bool FunctionValidator::pop_slow(std::span<const ValueType> expected) {
  if (!expect_slow(expected)) return false;
  top_ -= std::min(static_cast<std::size_t>(top_ - base_), expected.size());  // as in expect_slow
  return true;
}

bool FunctionValidator::apply_signature_slow(Op op, ValueType first_operand) {
  const Signature& signature = signature_of(op);
  for (std::size_t i = signature.operands; i-- > 0;)
    if (!pop(i == 0 ? first_operand : signature.operand(i))) return false;
  for (std::size_t i = 0; i < signature.results; ++i)
    if (!push(signature.result)) return false;
  return true;
}

bool FunctionValidator::select(bool typed, ValueType& type) {
  if (typed) {
    std::uint32_t count = 0;
    if (!accepted(Op::kSelectTyped) || !reader_.count(UINT32_MAX, "types of select", count)) return false;
    if (count != 1) return invalid("invalid result arity: select must have one result");
    return reader_.value_type(module_.canonical_types, type) && pop(ValueType::kI32) && pop(type) && pop(type) &&
           push(type);
  }
  ValueType second{};
  ValueType first{};
  if (!pop(ValueType::kI32) || !pop_any(second) || !pop_any(first)) return false;
  if (is_reference(first) || is_reference(second))
    return invalid("type mismatch: select between references must state their type");
  if (first != second && first != kUnknown && second != kUnknown) return mismatch(first, second);
  type = first == kUnknown ? second : first;
  return push(type);
}

bool FunctionValidator::branch_table() {
  std::uint32_t count = 0;
  if (!reader_.count(limits::kBrTableTargets, "targets of br_table", count)) return false;
  targets_.resize(count + std::size_t{1});
  for (std::uint32_t& depth : targets_)
    if (!label(depth)) return false;
  if (!pop(ValueType::kI32)) return false;
  const std::size_t arity = label_types(frame_at(targets_.back())).size();
  // Switch statements name few labels many times over, often in a row: what was just checked is not checked again.
  const ValueType* checked = nullptr;
  for (const std::uint32_t depth : targets_) {
    const std::span<const ValueType> types = label_types(frame_at(depth));
    if (types.size() != arity)
      return invalid(fmt::format("type mismatch: labels of one br_table take {} and {} values", types.size(), arity));
    if (types.data() != checked) {
      if (!expect(types) || !alike(types, label_types(frame_at(targets_.back())))) return false;
      checked = types.data();
    }
  }
  return true;
}

bool FunctionValidator::alike(std::span<const ValueType> types, std::span<const ValueType> others) {
  // Of operands that are known the types match both only if the types differ by what references they take.
  if (!frames_.back().polymorphic || reader_.features().has(Feature::kReferenceTypes)) return true;
  return std::memcmp(types.data(), others.data(), types.size_bytes()) == 0 ||
         operator_needs(Feature::kReferenceTypes, "a br_table whose labels take other types");
}

bool FunctionValidator::branch_on_null(std::uint32_t depth) {
  ValueType reference{};
  return pop_reference(reference) && pop_and_push(label_types(frame_at(depth))) && push(non_null(reference));
}

bool FunctionValidator::branch_on_non_null(std::uint32_t depth) {
  const std::span<const ValueType> types = label_types(frame_at(depth));
  ValueType reference{};
  if (types.empty()) return invalid("type mismatch: br_on_non_null to a label that takes nothing");
  if (!pop_reference(reference)) return false;
  if (!is_subtype(module_.declarations, non_null(reference), types.back()))
    return mismatch(types.back(), non_null(reference));
  return pop_and_push(types.first(types.size() - 1));
}

bool FunctionValidator::branch_on_cast(Op op, std::uint32_t& depth, ValueType& wanted) {
  // Bits of the byte before the label: which of the two types has null.
  constexpr std::uint8_t kGivenNull = 1;
  constexpr std::uint8_t kWantedNull = 2;
  const std::uint64_t start = reader_.offset();
  std::uint8_t flags = 0;
  ValueType given{};
  if (!reader_.byte(flags)) return false;
  if ((flags & ~(kGivenNull | kWantedNull)) != 0)
    return reader_.fail(ErrorCode::kMalformed, start, fmt::format("malformed cast flags: 0x{:02X}", flags));
  if (!label(depth) || !reader_.heap_type(module_.canonical_types, given) ||
      !reader_.heap_type(module_.canonical_types, wanted)) {
    return false;
  }
  given = (flags & kGivenNull) != 0 ? given : non_null(given);
  wanted = (flags & kWantedNull) != 0 ? wanted : non_null(wanted);
  if (!is_subtype(module_.declarations, wanted, given)) {
    return invalid(fmt::format("type mismatch: {} to {}, which is not below {}", operator_name(), to_string(wanted),
                               to_string(given)));
  }
  const ValueType rest = is_nullable(wanted) ? non_null(given) : given;  // what is given and is not wanted
  const ValueType carried = op == Op::kBrOnCast ? wanted : rest;
  const ValueType left = op == Op::kBrOnCast ? rest : wanted;
  const std::span<const ValueType> types = label_types(frame_at(depth));
  if (types.empty()) return invalid(fmt::format("type mismatch: {} to a label that takes nothing", operator_name()));
  if (!pop(given)) return false;
  if (!is_subtype(module_.declarations, carried, types.back())) return mismatch(types.back(), carried);
  return pop_and_push(types.first(types.size() - 1)) && push(left);
}

bool FunctionValidator::catch_clauses() {
  std::uint32_t count = 0;
  if (!reader_.count(limits::kCatchClauses, "catch clauses of a try_table", count)) return false;
  clauses_.assign(count, CatchClause{});
  return std::ranges::all_of(clauses_, [this](CatchClause& clause) { return catch_clause(clause); });
}

bool FunctionValidator::catch_clause(CatchClause& clause) {
  const std::uint64_t start = reader_.offset();
  std::uint8_t kind = 0;
  if (!reader_.byte(kind)) return false;
  if (kind > 3)
    return reader_.fail(ErrorCode::kMalformed, start, fmt::format("malformed catch clause: 0x{:02X}", kind));
  clause.kind = static_cast<CatchKind>(kind);  // 0 to 3, its enumerators
  caught_.clear();
  if (clause.kind == CatchKind::kCatch || clause.kind == CatchKind::kCatchRef) {
    if (!tag_index(clause.tag)) return false;
    caught_ = module_.types[module_.tags[clause.tag].type].parameters;
  }
  if (clause.kind == CatchKind::kCatchRef || clause.kind == CatchKind::kCatchAllRef)
    caught_.push_back(non_null(ValueType::kExnRef));
  if (!label(clause.depth)) return false;
  const std::span<const ValueType> wanted = label_types(frame_at(clause.depth));
  return are_subtypes(module_.declarations, caught_, wanted) ||
         wrong_types("a catch clause hands over", caught_, "its label takes", wanted);
}

bool FunctionValidator::callee(Op op, std::uint32_t type, std::uint32_t& table) {
  if (op == Op::kCallRef || op == Op::kReturnCallRef) return pop(typed_reference(module_.canonical_types[type], true));
  if (!table_index(table)) return false;
  if (!is_function_reference(module_.tables[table].element))
    return invalid(fmt::format("type mismatch: {} through a table that does not hold functions", operator_name()));
  return pop(module_.table_address(table));
}

bool FunctionValidator::returns(std::span<const ValueType> results) {
  const std::span<const ValueType> wanted = frames_.front().type.results;
  return are_subtypes(module_.declarations, results, wanted) ||
         wrong_types("the callee of a tail call returns", results, "the function must return", wanted);
}

// Locals without null.

bool FunctionValidator::local_to_read_slow(std::uint32_t index) {
  if (index >= locals_.size()) return unknown("local", index);
  return is_nullable(locals_[index]) || local_is_set_[index - plain_locals_] ||
         invalid(fmt::format("uninitialized local {}: its type {} has no null", index, to_string(locals_[index])));
}

bool FunctionValidator::local_to_set_slow(std::uint32_t index) {
  if (index >= locals_.size()) return unknown("local", index);
  if (!is_nullable(locals_[index]) && !local_is_set_[index - plain_locals_]) {
    local_is_set_[index - plain_locals_] = true;
    locals_set_.push_back(index);
  }
  return true;
}

void FunctionValidator::forget_locals() {
  for (const std::size_t before = frames_.back().locals_set; locals_set_.size() > before; locals_set_.pop_back())
    local_is_set_[locals_set_.back() - plain_locals_] = false;
}

// Immediates.

bool FunctionValidator::memory_index(std::uint32_t& index) {
  // A zero byte stood there before there were several memories.
  const bool is_zero = reader_.is_next(0);
  return reader_.u32(index) && (index < module_.memories.size() || unknown("memory", index)) &&
         (is_zero || operator_needs(Feature::kMultiMemory, "a memory index that is not one zero byte"));
}

bool FunctionValidator::tag_index(std::uint32_t& index) {
  return reader_.u32(index) && (index < module_.tags.size() || unknown("tag", index));
}

bool FunctionValidator::element_index(std::uint32_t& index) {
  return reader_.u32(index) && (index < module_.elements.size() || unknown("elem segment", index));
}

bool FunctionValidator::data_index(std::uint32_t& index) {
  if (!reader_.u32(index)) return false;
  if (!module_.data_count) {
    return reader_.fail(ErrorCode::kMalformed, operator_offset(),
                        fmt::format("data count section required by {}", operator_name()));
  }
  return index < *module_.data_count || unknown("data segment", index);
}

bool FunctionValidator::memory_argument_slow(Op op, std::uint32_t align, MemoryArgument& argument) {
  constexpr std::uint32_t kWithMemoryIndex = 0x40;
  if (align >= 2 * kWithMemoryIndex)
    return reader_.fail(ErrorCode::kMalformed, operator_offset(), "malformed memop flags");
  argument.align = align & ~kWithMemoryIndex;
  if ((align & kWithMemoryIndex) != 0 &&
      (!operator_needs(Feature::kMultiMemory, "a memory index in a memory argument") ||
       !reader_.u32(argument.memory))) {
    return false;
  }
  if (!reader_.u64(argument.offset)) return false;
  if (argument.memory >= module_.memories.size()) return unknown("memory", argument.memory);
  if (argument.align > signature_of(op).access_log2) {
    return invalid(
        fmt::format("alignment must not be larger than natural: {} of 2^{}", operator_name(), argument.align));
  }
  return module_.memories[argument.memory].is_64 || argument.offset <= UINT32_MAX ||
         invalid("offset out of range: more than 32 bits");
}

bool FunctionValidator::atomic_argument(Op op, MemoryArgument& argument) {
  return memory_argument(op, argument) &&
         (argument.align == signature_of(op).access_log2 ||
          invalid(fmt::format("atomic alignment must be natural: {} of 2^{}", operator_name(), argument.align)));
}

bool FunctionValidator::lane_index(Op op, std::uint32_t& lane) {
  std::uint8_t byte = 0;
  if (!reader_.byte(byte)) return false;
  lane = byte;
  return lane < signature_of(op).lanes || invalid_lane(lane, signature_of(op).lanes);
}

bool FunctionValidator::block_type_slow(BlockType& type) {
  const std::uint64_t start = reader_.offset();
  if (reader_.at_end()) return missing_end();
  const auto code = std::to_integer<std::uint8_t>(*reader_.position());
  if (code >= 0x40 && code < 0x80) {  // a negative integer of one byte: a value type
    ValueType result{};
    if (!reader_.value_type(module_.canonical_types, result)) return false;
    type = BlockType{{},
                     is_reference(result) ? std::span<const ValueType>(&block_results_.emplace_back(result), 1)
                                          : one_result(result)};
    return true;
  }
  std::int64_t index = 0;
  if (!reader_.s33(index)) return false;
  if (index < 0) return reader_.fail(ErrorCode::kMalformed, start, "malformed block type: negative type index");
  const auto at = static_cast<std::uint64_t>(index);  // not negative
  if (at >= module_.types.size()) return unknown("type", at);
  type = BlockType{module_.types[at].parameters, module_.types[at].results};
  return operator_needs(Feature::kMultiValue, "a block whose type is a type index");
}

bool FunctionValidator::prefixed_opcode(std::uint8_t prefix, std::uint32_t& code) {
  std::uint32_t sub_opcode = 0;
  if (prefix == 0xFF) return illegal_opcode(prefix);
  if (!reader_.u32(sub_opcode)) return false;
  // Larger ones than the table has would not fit into an Op.
  if (sub_opcode > (prefix == 0xFD ? 0x1FF : 0xFF)) return illegal_opcode(prefix);
  code = prefixed_code(prefix, sub_opcode);
  return true;
}

// Errors.

std::string FunctionValidator::operator_name() const {
  // Only called for an operator that the table has: what follows its first byte was read before.
  const auto first = std::to_integer<std::uint8_t>(operator_position_[0]);
  Reader sub_opcode(BytesView(operator_position_ + 1, reader_.position()));
  std::uint32_t second = 0;
  const bool prefixed = first >= 0xFB && sub_opcode.u32(second);
  return std::string(to_string(static_cast<Op>(prefixed ? prefixed_code(first, second) : first)));  // an Op, see above
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

bool FunctionValidator::missing_operand(std::string_view expected) {
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

bool FunctionValidator::wrong_types(const char* who, std::span<const ValueType> types, const char* target,
                                    std::span<const ValueType> wanted) {
  const auto list = [](std::span<const ValueType> all) {
    std::string text;
    for (const ValueType type : all) {
      text += text.empty() ? "" : " ";
      text += to_string(type);
    }
    return text;
  };
  return invalid(fmt::format("type mismatch: {} [{}], {} [{}]", who, list(types), target, list(wanted)));
}

bool FunctionValidator::invalid_lane(std::uint32_t lane, std::uint32_t lanes) {
  return invalid(fmt::format("invalid lane index {}: {} has {}", lane, operator_name(), lanes));
}

bool FunctionValidator::not_accepted(Feature proposal) {
  return reader_.fail_proposal(proposal, operator_offset(), operator_name());
}

bool FunctionValidator::illegal_opcode(std::uint8_t first) {
  Reader sub_opcode(BytesView(operator_position_ + 1, reader_.position()));
  std::uint32_t second = 0;
  const bool prefixed = first >= 0xFB && first != 0xFF && sub_opcode.u32(second);
  if (const std::string_view why = why_unsupported(first, second); !why.empty()) {
    return reader_.fail(ErrorCode::kUnsupported, operator_offset(),
                        prefixed ? fmt::format("{} (opcode 0x{:02X} {})", why, first, second)
                                 : fmt::format("{} (opcode 0x{:02X})", why, first));
  }
  return reader_.fail(ErrorCode::kMalformed, operator_offset(),
                      prefixed ? fmt::format("illegal opcode 0x{:02X} {}", first, second)
                               : fmt::format("illegal opcode 0x{:02X}", first));
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
