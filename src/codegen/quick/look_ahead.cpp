// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "codegen/quick/look_ahead.hpp"

#include <algorithm>
#include <array>
#include <span>
#include <string_view>

#include "wasm/opcodes.hpp"

namespace anew::codegen::quick {

using wasm::Op;

namespace {

constexpr std::size_t kLoops = 1024;  ///< in each other and in a row, with the first: what is kept is bounded
constexpr std::uint32_t kAnywhere = UINT32_MAX;  ///< levels of a branch that may go to any block

/// What stands behind an opcode, to be skipped: integers, then bytes.
struct Immediate {
  enum class Kind : std::uint8_t {
    kUnknown,
    kNone,
    kPlain,
    kMemoryArgument,
    kBlockType,
    kBranchTable,
    kTypes,
    kClauses
  };
  Kind kind = Kind::kUnknown;
  std::uint8_t integers = 0;
  std::uint8_t bytes = 0;
};

/// @param name  of the operator table's column.
consteval Immediate parse_immediate(std::string_view name) {
  using enum Immediate::Kind;
  if (name.starts_with("MemoryArgument")) return {kMemoryArgument, 0, 0};
  if (name.starts_with("MemoryLane")) return {kMemoryArgument, 0, 1};
  if (name.starts_with("Lane")) return {kPlain, 0, 1};
  struct Row {
    std::string_view name;
    Immediate immediate;
  };
  constexpr Row kRows[] = {
      {"None", {kNone, 0, 0}},          {"Label", {kPlain, 1, 0}},         {"Function", {kPlain, 1, 0}},
      {"Global", {kPlain, 1, 0}},       {"Table", {kPlain, 1, 0}},         {"Memory", {kPlain, 1, 0}},
      {"Data", {kPlain, 1, 0}},         {"Element", {kPlain, 1, 0}},       {"Tag", {kPlain, 1, 0}},
      {"Type", {kPlain, 1, 0}},         {"Local", {kPlain, 1, 0}},         {"HeapType", {kPlain, 1, 0}},
      {"I32", {kPlain, 1, 0}},          {"I64", {kPlain, 1, 0}},           {"F32", {kPlain, 0, 4}},
      {"F64", {kPlain, 0, 8}},          {"CallIndirect", {kPlain, 2, 0}},  {"DataMemory", {kPlain, 2, 0}},
      {"ElementTable", {kPlain, 2, 0}}, {"TableTable", {kPlain, 2, 0}},    {"MemoryMemory", {kPlain, 2, 0}},
      {"CastBranch", {kPlain, 4, 0}},   {"Vector", {kPlain, 0, 16}},       {"Shuffle", {kPlain, 0, 16}},
      {"Fence", {kPlain, 0, 1}},        {"BlockType", {kBlockType, 0, 0}}, {"BrTable", {kBranchTable, 0, 0}},
      {"SelectTypes", {kTypes, 0, 0}},  {"TryTable", {kClauses, 0, 0}},
  };
  for (const Row& row : kRows)
    if (row.name == name) return row.immediate;
  throw "an immediate of the operator table is not known here";  // never runs: it makes the compilation fail
}

/// Opcodes without a prefix at their code, those with a prefix in rows of 256 behind, from 0xFB to 0xFF.
constexpr std::size_t index_of(std::uint32_t op) noexcept {
  return op < 0x100 ? op : 0x100 * (1 + (op >> 8) - 0xFB) + (op & 0xFF);
}

constexpr auto kImmediates = [] {
  std::array<Immediate, 0x600> table{};
#define ANEW_X(name, text, code, proposal, immediate, ...) table[index_of(code)] = parse_immediate(#immediate);
  ANEW_OPERATORS(ANEW_X)
#undef ANEW_X
  return table;
}();

}  // namespace

/// Reads untrusted bytes. Behind the end there are zeros, and failed() is true.
class LookAhead::Bytes {
 public:
  explicit Bytes(std::span<const std::byte> bytes) : at_(bytes.data()), end_(at_ + bytes.size()) {}

  [[nodiscard]] bool failed() const noexcept { return failed_; }
  [[nodiscard]] std::size_t left() const noexcept {
    return static_cast<std::size_t>(end_ - at_);  // never negative
  }
  std::uint8_t byte() noexcept {
    if (at_ == end_) [[unlikely]] {
      failed_ = true;
      return 0;
    }
    return std::to_integer<std::uint8_t>(*at_++);
  }
  /// The low 32 bits of an integer of any length.
  std::uint32_t integer() noexcept {
    if (at_ != end_ && std::to_integer<std::uint8_t>(*at_) < 0x80) [[likely]]
      return std::to_integer<std::uint32_t>(*at_++);
    return long_integer();
  }
  void skip(Immediate immediate) noexcept {
    constexpr std::uint32_t kWithMemoryIndex = 0x40;
    using enum Immediate::Kind;
    switch (immediate.kind) {
      case kNone: return;
      case kPlain:
        for (; immediate.integers != 0; --immediate.integers) integer();
        break;
      case kMemoryArgument:
        if ((integer() & kWithMemoryIndex) != 0) integer();
        integer();
        break;
      case kBlockType: skip_value_type(); break;
      case kBranchTable:
        for (std::uint64_t count = std::uint64_t{integer()} + 1; count != 0 && !failed_; --count) integer();
        break;
      case kTypes:
        for (std::uint32_t count = integer(); count != 0 && !failed_; --count) skip_value_type();
        break;
      case kClauses:
        skip_value_type();
        for (std::uint32_t count = integer(); count != 0 && !failed_; --count) {
          if (byte() < 2) integer();  // catch and catch_ref have a tag
          integer();                  // the label
        }
        break;
      case kUnknown: failed_ = true; break;
    }
    failed_ |= immediate.bytes > left();
    at_ += std::min(std::size_t{immediate.bytes}, left());
  }

 private:
  void skip_value_type() noexcept {
    constexpr std::uint8_t kNullableReference = 0x63;
    constexpr std::uint8_t kReference = 0x64;
    const std::uint8_t first = byte();
    // What goes on is the index of a block's type; a reference has its heap type behind.
    if (first >= 0x80 || first == kNullableReference || first == kReference) integer();
  }
  std::uint32_t long_integer() noexcept {
    std::uint32_t value = 0;
    for (unsigned shift = 0;; shift += 7) {
      const std::uint32_t next = byte();
      if (shift < 32) value |= (next & 0x7F) << shift;
      if (next < 0x80) return value;
    }
  }

  const std::byte* at_;
  const std::byte* end_;
  bool failed_ = false;
};

void LookAhead::begin_function(const wasm::FunctionBody& body, std::uint32_t locals) noexcept {
  body_ = body;
  locals_ = locals;
  scanned_ = 0;
  loops_.clear();
  next_ = 0;
}

const LookAhead::Loop* LookAhead::loop_at(std::uint64_t position, bool in_try) {
  const std::uint64_t end = body_.offset + body_.bytes.size();
  if (position >= scanned_ && position < end) {
    loops_.clear();
    open_loops_.clear();
    next_ = 0;
    Bytes bytes(body_.bytes.subspan(position - body_.offset));
    const bool known = scan(bytes, in_try);
    if (!known) loops_.clear();
    scanned_ = known ? end - bytes.left() : end;
  }
  while (next_ < loops_.size() && loops_[next_].position < position) ++next_;  // what cannot be reached
  return next_ < loops_.size() && loops_[next_].position == position ? &loops_[next_] : nullptr;
}

bool LookAhead::scan(Bytes& bytes, bool in_try) {
  const std::uint64_t end = body_.offset + body_.bytes.size();
  std::uint32_t depth = 0;  // blocks that are open
  while (bytes.left() != 0) {
    const std::uint64_t position = end - bytes.left();
    std::uint32_t op = bytes.byte();
    switch (static_cast<Op>(op)) {
      case Op::kLocalGet:
      case Op::kLocalSet:
      case Op::kLocalTee: {
        const std::uint32_t local = bytes.integer();
        if (local >= locals_) return false;
        access(local, depth, static_cast<Op>(op) != Op::kLocalGet);
        continue;
      }
      case Op::kLoop:
        if (loops_.size() == kLoops) return false;
        open_loops_.push_back(static_cast<std::uint32_t>(loops_.size()));                        // below kLoops
        loops_.push_back({.position = static_cast<std::uint32_t>(position), .depth = ++depth});  // below 2^31
        break;
      case Op::kTry:
      case Op::kTryTable: in_try = true; [[fallthrough]];
      case Op::kBlock:
      case Op::kIf: ++depth; break;
      case Op::kDelegate:
      case Op::kEnd:
        if (loops_[open_loops_.back()].depth == depth) leave_loop();
        if (--depth == 0) return !bytes.failed();
        break;
      case Op::kCall:
      case Op::kCallIndirect:
      case Op::kCallRef:
      case Op::kMemoryGrow:
        loops_[open_loops_.back()].calls = true;
        if (in_try) branch(depth, kAnywhere);
        break;
      case Op::kBr:
      case Op::kBrIf: branch(depth, bytes.integer()); continue;
      case Op::kBrTable:
      case Op::kBrOnNull:
      case Op::kBrOnNonNull:
      case Op::kThrow:
      case Op::kThrowRef:
      case Op::kRethrow: branch(depth, kAnywhere); break;
      default:
        if (op >= 0xFB && op < 0xFF) {
          const std::uint32_t sub_opcode = bytes.integer();
          if (sub_opcode >= 0x200 || (sub_opcode >= 0x100 && op != 0xFD)) return false;
          if (op == 0xFB) branch(depth, kAnywhere);
          op = sub_opcode < 0x100 ? op << 8 | sub_opcode : 0xFF00 | (sub_opcode - 0x100);
        }
        break;
    }
    bytes.skip(kImmediates[index_of(op)]);
    if (bytes.failed()) return false;
  }
  return false;
}

void LookAhead::leave_loop() {
  const Loop& loop = loops_[open_loops_.back()];
  open_loops_.pop_back();
  if (open_loops_.empty()) return;
  Loop& outer = loops_[open_loops_.back()];
  for (const Loop::Local& each : loop.first_locals()) outer.add(each.local, false);
  outer.read |= loop.read;
  outer.assigned |= loop.assigned;
  outer.calls |= loop.calls;
  outer.exits |= loop.exits;
}

void LookAhead::branch(std::uint32_t depth, std::uint32_t levels) noexcept {
  Loop& loop = loops_[open_loops_.back()];
  loop.exits |= levels > depth - loop.depth;
}

void LookAhead::access(std::uint32_t local, std::uint32_t depth, bool assigns) noexcept {
  Loop& loop = loops_[open_loops_.back()];
  loop.add(local, assigns && !loop.exits && depth == loop.depth);
  (assigns ? loop.assigned : loop.read) |= bit_of(local);
}

}  // namespace anew::codegen::quick
