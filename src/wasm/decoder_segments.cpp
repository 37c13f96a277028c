// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Globals, element and data segments, and the constant expressions in them (specification, 5.5 and 3.3.10).
#include <fmt/format.h>

#include <utility>

#include "wasm/limits.hpp"
#include "wasm/module_decoder.hpp"
#include "wasm/signatures.hpp"
#include "wasm/subtyping.hpp"

namespace anew::wasm {

bool ModuleDecoder::global_section() {
  const std::uint64_t start = reader_.offset();
  std::uint32_t count = 0;
  if (!reader_.count(limits::kGlobals, "globals", count) ||
      !within(module_.globals.size() + count, limits::kGlobals, "globals", start)) {
    return false;
  }
  if (!take_memory(count, memory::kGlobal)) return false;
  module_.globals.reserve(module_.globals.size() + count);
  for (std::uint32_t i = 0; i < count; ++i) {
    // Added only when it is read: an initializer may name the globals before it, not itself.
    Global global;
    if (!global_type(global.type) || !constant_expression(global.type.type, global.initializer)) return false;
    module_.globals.push_back(std::move(global));
  }
  return true;
}

bool ModuleDecoder::data_count_section() {
  const std::uint64_t start = reader_.offset();
  std::uint32_t count = 0;
  if (!reader_.u32(count) || !within(count, limits::kDataSegments, "data segments", start)) return false;
  module_.data_count = count;
  return true;
}

bool ModuleDecoder::element_section() {
  std::uint32_t count = 0;
  if (!reader_.count(limits::kElementSegments, "element segments", count)) return false;
  if (!take_memory(count, memory::kElementSegment)) return false;
  for (std::uint32_t i = 0; i < count; ++i)
    if (!element_segment(module_.elements.emplace_back())) return false;
  return true;
}

bool ModuleDecoder::element_segment(ElementSegment& segment) {
  const std::uint64_t start = reader_.offset();
  std::uint32_t flags = 0;
  if (!reader_.u32(flags)) return false;
  if (flags > 7)
    return reader_.fail(ErrorCode::kMalformed, start, fmt::format("malformed elements segment kind: {}", flags));
  const bool is_declarative = (flags & 3) == 3;
  if (flags != 0 &&
      !reader_.needs(is_declarative ? Feature::kReferenceTypes : Feature::kBulkMemory, start,
                     is_declarative ? "a declarative element segment" : "an element segment that is not of kind 0")) {
    return false;
  }
  const bool active = (flags & 1) == 0;
  const bool explicit_table = active && (flags & 2) != 0;
  const bool expressions = (flags & 4) != 0;
  // Functions by index are never null.
  segment.type = expressions ? ValueType::kFuncRef : non_null(ValueType::kFuncRef);
  segment.mode = active ? SegmentMode::kActive : (flags & 2) != 0 ? SegmentMode::kDeclarative : SegmentMode::kPassive;
  if (active) {
    if (explicit_table && !reader_.u32(segment.table)) return false;
    if (segment.table >= module_.tables.size())
      return reader_.fail(ErrorCode::kInvalid, start, fmt::format("unknown table {}", segment.table));
    if (!constant_expression(module_.table_address(segment.table), segment.offset)) return false;
  }
  if ((flags & 3) != 0) {  // the type is stated
    const std::uint64_t kind_offset = reader_.offset();
    std::uint8_t kind = 0;
    if (expressions ? !reader_.reference_type(module_.canonical_types, segment.type) : !reader_.byte(kind))
      return false;
    if (kind != 0)
      return reader_.fail(ErrorCode::kMalformed, kind_offset, fmt::format("malformed element kind: 0x{:02X}", kind));
  }
  if (active && !is_subtype(module_.declarations, segment.type, module_.tables[segment.table].element)) {
    return reader_.fail(ErrorCode::kInvalid, start,
                        fmt::format("type mismatch: an element segment of {} for a table of {}",
                                    to_string(segment.type), to_string(module_.tables[segment.table].element)));
  }

  const std::uint64_t count_offset = reader_.offset();
  std::uint32_t count = 0;
  if (!reader_.count(limits::kElementsInSegment, "elements in a segment", count)) return false;
  elements_ += count;
  if (elements_ > limits::kElements) {
    return reader_.fail(ErrorCode::kLimit, count_offset,
                        fmt::format("too many elements in all segments together: the limit is {}", limits::kElements));
  }
  if (!take_memory(count, memory::kElement)) return false;
  segment.elements.reserve(count);
  ConstantExpression expression;
  for (std::uint32_t i = 0; i < count; ++i) {
    if (expressions) {
      expression.clear();
      if (!constant_expression(segment.type, expression)) return false;
      segment.elements.push_back(expression.front());
      continue;
    }
    std::uint32_t function = 0;
    if (!function_index(function)) return false;
    declare(function);
    segment.elements.push_back({Op::kRefFunc, function});
  }
  return true;
}

bool ModuleDecoder::data_section() {
  data_offset_ = reader_.offset();
  std::uint32_t count = 0;
  if (!reader_.count(limits::kDataSegments, "data segments", count)) return false;
  if (!take_memory(count, memory::kDataSegment)) return false;
  module_.data.resize(count);
  for (DataSegment& segment : module_.data)
    if (!data_segment(segment)) return false;
  return true;
}

bool ModuleDecoder::data_segment(DataSegment& segment) {
  const std::uint64_t start = reader_.offset();
  std::uint32_t flags = 0;
  std::uint32_t size = 0;
  if (!reader_.u32(flags)) return false;
  if (flags > 2)
    return reader_.fail(ErrorCode::kMalformed, start, fmt::format("malformed data segment kind: {}", flags));
  if (flags != 0 && !reader_.needs(Feature::kBulkMemory, start, "a data segment that is not of kind 0")) return false;
  segment.mode = flags == 1 ? SegmentMode::kPassive : SegmentMode::kActive;
  if (segment.mode == SegmentMode::kActive) {
    if (flags == 2 && !reader_.u32(segment.memory)) return false;
    if (segment.memory >= module_.memories.size())
      return reader_.fail(ErrorCode::kInvalid, start, fmt::format("unknown memory {}", segment.memory));
    if (!constant_expression(module_.memory_address(segment.memory), segment.offset)) return false;
  }
  return reader_.u32(size) && reader_.bytes(size, segment.bytes);
}

// Constant expressions.

bool ModuleDecoder::constant_expression(ValueType type, ConstantExpression& expression) {
  const std::uint64_t start = reader_.offset();
  constant_stack_.clear();
  bool end = false;
  while (!end) {
    // Whoever grows by a push takes twice as much, or 1.
    const bool grows = expression.size() == expression.capacity();
    if ((grows && !take_memory(1, memory::kAllocation + sizeof(ConstantOperator) * (2 * expression.size() + 1))) ||
        !constant_operator(expression, end)) {
      return false;
    }
  }
  if (constant_stack_.size() == 1 && is_subtype(module_.declarations, constant_stack_.back(), type)) return true;
  return reader_.fail(ErrorCode::kInvalid, start,
                      constant_stack_.size() == 1
                          ? fmt::format("type mismatch: the constant expression must be {}, is {}", to_string(type),
                                        to_string(constant_stack_.back()))
                          : fmt::format("type mismatch: the constant expression must leave one {}, leaves {} values",
                                        to_string(type), constant_stack_.size()));
}

bool ModuleDecoder::constant_operator(ConstantExpression& expression, bool& end) {
  const std::uint64_t start = reader_.offset();
  std::uint8_t opcode = 0;
  if (!reader_.byte(opcode)) return false;
  auto op = static_cast<Op>(opcode);  // those that are not constant, or no operator, end in `default` below
  std::uint32_t low = 0;
  std::uint64_t immediate = 0;
  ValueType type = ValueType::kI32;
  switch (op) {
    case Op::kEnd: end = true; return true;
    case Op::kI32Const:
      if (!reader_.s32(low)) return false;
      immediate = low;
      break;
    case Op::kI64Const:
      type = ValueType::kI64;
      if (!reader_.s64(immediate)) return false;
      break;
    case Op::kF32Const:
      type = ValueType::kF32;
      if (!reader_.fixed32(low)) return false;
      immediate = low;
      break;
    case Op::kF64Const:
      type = ValueType::kF64;
      if (!reader_.fixed64(immediate)) return false;
      break;
    case Op::kRefNull:
      if (!accepted(op, start) || !reader_.heap_type(module_.canonical_types, type)) return false;
      immediate = static_cast<std::uint64_t>(type);  // its 32 bits
      break;
    case Op::kRefFunc:
      if (!accepted(op, start) || !function_index(low)) return false;
      type = typed_reference(module_.canonical_types[module_.functions[low]], false);
      declare(low);
      immediate = low;
      break;
    case Op::kGlobalGet:
      if (!reader_.u32(low)) return false;
      if (low >= module_.globals.size())
        return reader_.fail(ErrorCode::kInvalid, start, fmt::format("unknown global {}", low));
      if (module_.globals[low].type.is_mutable) {
        return reader_.fail(ErrorCode::kInvalid, start,
                            fmt::format("constant expression required: global {} is mutable", low));
      }
      if (low >= module_.imported_globals &&
          !reader_.needs(Feature::kGc, start, "a constant expression that reads a global of the module itself")) {
        return false;
      }
      type = module_.globals[low].type.type;
      immediate = low;
      break;
    case Op::kI32Add:
    case Op::kI32Sub:
    case Op::kI32Mul: return constant_binary(op, ValueType::kI32, start, expression);
    case Op::kI64Add:
    case Op::kI64Sub:
    case Op::kI64Mul: return constant_binary(op, ValueType::kI64, start, expression);
    default:
      if (opcode != 0xFD) return not_constant(opcode, start);
      op = Op::kV128Const;
      type = ValueType::kV128;
      if (!constant_vector(start, immediate)) return false;
  }
  expression.push_back({op, immediate});
  constant_stack_.push_back(type);
  return true;
}

// v128.const, behind its prefix.
bool ModuleDecoder::constant_vector(std::uint64_t at, std::uint64_t& index) {
  std::uint32_t sub_opcode = 0;
  Vector vector{};
  if (!reader_.u32(sub_opcode)) return false;
  if (sub_opcode != 0x0C) {
    return reader_.fail(ErrorCode::kInvalid, at,
                        fmt::format("constant expression required, found operator 0xFD {}", sub_opcode));
  }
  if (!accepted(Op::kV128Const, at)) return false;
  index = module_.vectors.size();
  if (!reader_.fixed64(vector[0]) || !reader_.fixed64(vector[1])) return false;
  module_.vectors.push_back(vector);
  return true;
}

bool ModuleDecoder::not_constant(std::uint8_t opcode, std::uint64_t at) {
  std::uint32_t sub_opcode = 0;
  if (opcode == 0xFB && !reader_.u32(sub_opcode)) return false;
  if (const std::string_view why = why_unsupported(opcode, sub_opcode); !why.empty())
    return reader_.fail(ErrorCode::kUnsupported, at, fmt::format("{} (opcode 0x{:02X})", why, opcode));
  if (opcode == 0xFB || opcode == 0xFC || opcode == 0xFE) {
    return reader_.fail(ErrorCode::kInvalid, at,
                        fmt::format("constant expression required, found prefix 0x{:02X}", opcode));
  }
  const std::string_view name = to_string(static_cast<Op>(opcode));  // "" for a code that is no operator
  return name.empty()
             ? reader_.fail(ErrorCode::kMalformed, at, fmt::format("illegal opcode 0x{:02X}", opcode))
             : reader_.fail(ErrorCode::kInvalid, at, fmt::format("constant expression required, found {}", name));
}

bool ModuleDecoder::accepted(Op op, std::uint64_t at) {
  return reader_.accepts(needs_of(op)) || reader_.fail_proposal(*proposal_of(op), at, to_string(op));
}

bool ModuleDecoder::constant_binary(Op op, ValueType type, std::uint64_t at, ConstantExpression& expression) {
  if (!reader_.accepts(Feature::kExtendedConst)) {
    return reader_.fail_proposal(Feature::kExtendedConst, at,
                                 fmt::format("{} in a constant expression", to_string(op)));
  }
  expression.push_back({op, 0});
  const std::size_t height = constant_stack_.size();
  if (height < 2 || constant_stack_[height - 1] != type || constant_stack_[height - 2] != type) {
    return reader_.fail(ErrorCode::kInvalid, at,
                        fmt::format("type mismatch: the operator expects [{0} {0}]", to_string(type)));
  }
  constant_stack_.pop_back();
  return true;
}

// A function that occurs outside of the bodies may be named by ref.func inside them.
void ModuleDecoder::declare(std::uint32_t function) {
  // All functions are known by then: only the type, import and function sections come before whatever names one.
  if (module_.declared_functions.empty()) module_.declared_functions.resize(module_.functions.size());
  module_.declared_functions[function] = true;
}

}  // namespace anew::wasm
