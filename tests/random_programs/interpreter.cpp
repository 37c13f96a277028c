// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "interpreter.hpp"

#include <algorithm>
#include <bit>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <utility>

#include "support/reference.hpp"
#include "wasm/signatures.hpp"

namespace anew::codegen::test {
namespace {

struct OutOfSteps {};

struct Exception {
  std::uint64_t tag = 0;
  std::vector<std::uint64_t> values;
};
using ExceptionPointer = std::shared_ptr<const Exception>;

/// An exception on its way.
struct Thrown {
  ExceptionPointer exception;
  std::optional<std::size_t> past;  ///< delegated: only what is around this label, or at it, is asked
  bool paid_for_segment = false;
};

/// What a function's frame costs (abi/stack_limit.hpp). Goes over the body as the validator does.
class FrameCost {
 public:
  static std::uint64_t of(const Program& program, const ProgramFunction& function) {
    FrameCost cost(program);
    cost.reached_.push_back(false);
    std::optional<std::size_t> end = cost.walk(function.body, 0);
    if (cost.reached_.back()) end = function.type.results.size();
    cost.note(end);
    return 4 + function.type.parameters.size() + function.locals.size() + cost.highest_;
  }

 private:
  explicit FrameCost(const Program& program) : program_(program) {}

  void note(std::optional<std::size_t> height) { highest_ = std::max(highest_, height.value_or(0)); }

  /// @return the height behind it; nothing if it does not get there.
  std::optional<std::size_t> walk(const Sequence& sequence, std::optional<std::size_t> height) {
    for (const Instruction& each : sequence) {
      if (!height) return height;
      note(height);
      height = step(each, *height);
    }
    return height;
  }

  std::optional<std::size_t> block(const Instruction& each, std::size_t height) {
    const std::size_t base = height - each.block.parameters.size();
    reached_.push_back(false);
    std::optional<std::size_t> end = walk(each.body, height);
    note(end);
    bool goes_on = end.has_value();
    for (const Instruction& arm : each.arms) {
      if (arm.op == Op::kDelegate) continue;
      const std::size_t values = arm.op == Op::kCatch ? program_.tags[arm.immediate].size() : 0;
      end = walk(arm.body, base + 1 + values);
      note(end);
      goes_on = goes_on || end.has_value();
    }
    if (each.op == Op::kIf) {
      end = walk(each.otherwise, height);
      note(end);
      goes_on = goes_on || end.has_value();
    }
    goes_on = goes_on || (each.op != Op::kLoop && reached_.back());
    reached_.pop_back();
    if (!goes_on) return std::nullopt;
    return base + each.block.results.size();
  }

  void reach(std::size_t depth) { reached_[reached_.size() - 1 - depth] = true; }

  std::optional<std::size_t> step(const Instruction& each, std::size_t height) {
    const auto called = [&](const FunctionType& type) { return height - type.parameters.size() + type.results.size(); };
    switch (each.op) {
      case Op::kNop:
      case Op::kLocalTee:
      case Op::kMemoryGrow: return height;
      case Op::kThrow:
      case Op::kRethrow:
      case Op::kUnreachable: return std::nullopt;
      case Op::kReturn: reached_.front() = true; return std::nullopt;
      case Op::kBlock:
      case Op::kTry:
      case Op::kLoop: return block(each, height);
      case Op::kIf: return block(each, height - 1);
      case Op::kBr: reach(each.immediate); return std::nullopt;
      case Op::kBrIf: reach(each.immediate); return height - 1;
      case Op::kBrTable:
        for (const std::uint32_t target : each.targets) reach(target);
        return std::nullopt;
      case Op::kCall: return called(program_.type_of(static_cast<std::uint32_t>(each.immediate)));
      case Op::kCallIndirect: --height; return called(each.block);
      case Op::kDrop:
      case Op::kLocalSet:
      case Op::kGlobalSet: return height - 1;
      case Op::kSelect:
      case Op::kSelectTyped: return height - 2;
      case Op::kLocalGet:
      case Op::kGlobalGet:
      case Op::kI32Const:
      case Op::kI64Const:
      case Op::kF32Const:
      case Op::kF64Const:
      case Op::kMemorySize: return height + 1;
      case Op::kMemoryFill:
      case Op::kMemoryCopy: return height - 3;
      default: return height + wasm::signature_of(each.op).results - wasm::signature_of(each.op).operands;
    }
  }

  const Program& program_;
  std::vector<bool> reached_;  ///< by label, the function's own first: some branch goes there
  std::size_t highest_ = 0;
};

class Machine {
 public:
  Machine(const Program& program, std::uint64_t steps, Nans nans) : program_(program), steps_(steps), nans_(nans) {
    for (const ProgramFunction& function : program.functions) frames_.push_back(FrameCost::of(program, function));
    for (const Value& global : program.globals) effects_.globals.push_back(global.bits);
    effects_.memory.resize(kProgramMemoryBytes);
  }

  Effects run(std::span<const std::uint64_t> arguments) {
    stack_.assign(arguments.begin(), arguments.end());
    try {
      call(program_.function_count() - 1);
      effects_.results = stack_;
    } catch (TrapKind trap) {
      effects_.trap = trap;
    } catch (const Thrown&) {
      effects_.trap = TrapKind::kUnhandledException;
    }
    return std::move(effects_);
  }

 private:
  /// Where execution goes on behind a sequence: the next operator, or the label so many blocks out.
  static constexpr std::uint32_t kNext = 0xFFFF'FFFF;

  std::uint64_t pop() {
    const std::uint64_t value = stack_.back();
    stack_.pop_back();
    return value;
  }
  std::uint32_t pop_i32() { return static_cast<std::uint32_t>(pop()); }
  void push(std::uint64_t value) { stack_.push_back(value); }

  /// Leaves `kept` values on a stack of `height`.
  void unwind(std::size_t height, std::size_t kept) {
    stack_.erase(stack_.begin() + static_cast<std::ptrdiff_t>(height),
                 stack_.end() - static_cast<std::ptrdiff_t>(kept));
  }

  void call(std::uint32_t index) {
    const FunctionType& type = program_.type_of(index);
    const std::size_t base = stack_.size() - type.parameters.size();
    std::vector<std::uint64_t> locals(stack_.begin() + static_cast<std::ptrdiff_t>(base), stack_.end());
    stack_.resize(base);
    if (index < program_.imports.size()) {
      locals.resize(std::max(type.parameters.size(), type.results.size()));
      call_host(effects_.host, index, type, locals, nans_);
      stack_.insert(stack_.end(), locals.begin(), locals.begin() + static_cast<std::ptrdiff_t>(type.results.size()));
      return;
    }
    const ProgramFunction& function = program_.functions[index - program_.imports.size()];
    locals.resize(locals.size() + function.locals.size());
    effects_.fuel += function.locals.size() / 8;
    const std::uint64_t units = frames_[index - program_.imports.size()];
    stack_units_ += units;
    effects_.stack = std::max(effects_.stack, stack_units_);
    const std::size_t outer = std::exchange(label_of_function_, labels_.size());
    labels_.push_back({type.results.size(), {}});
    try {
      run(function.body, locals);  // falls off the end, or branches to the function's label: the same
    } catch (Thrown& thrown) {
      labels_.resize(label_of_function_);  // what the caller's segment costs, its labels say
      label_of_function_ = outer;
      thrown.paid_for_segment = false;
      ++effects_.fuel;  // for the caller
      throw;
    }
    labels_.pop_back();
    label_of_function_ = outer;
    stack_units_ -= units;
    unwind(base, type.results.size());
  }

  std::uint32_t run(const Sequence& sequence, std::vector<std::uint64_t>& locals) {
    for (std::size_t i = 0; i < sequence.size(); ++i) {
      const Instruction& each = sequence[i];
      if (steps_-- == 0) throw OutOfSteps();
      if (each.op != Op::kBlock && each.op != Op::kLoop && each.op != Op::kNop) ++effects_.fuel;
      try {
        const std::uint32_t to = step(each, locals);
        if (to != kNext) return to;
      } catch (Thrown& thrown) {
        // The segment that it came out of is paid for as a whole.
        if (!std::exchange(thrown.paid_for_segment, true)) pay_for_segment(std::span(sequence).subspan(i + 1));
        throw;
      }
    }
    return kNext;
  }

  /// Charges for operators up to the next that ends a segment, or behind which none is reached.
  void pay_for_segment(std::span<const Instruction> sequence) {
    const auto values_at = [&](std::uint64_t depth) {
      return depth < inside_.size() ? inside_[inside_.size() - 1 - depth]
                                    : values_of(static_cast<std::uint32_t>(depth - inside_.size()));
    };
    for (const Instruction& each : sequence) {
      if (each.op != Op::kBlock && each.op != Op::kLoop && each.op != Op::kNop) ++effects_.fuel;
      switch (each.op) {
        case Op::kLoop:
        case Op::kIf:
        case Op::kUnreachable:
        case Op::kThrow:
        case Op::kRethrow: return;
        case Op::kBr:
        case Op::kBrIf: effects_.fuel += values_at(each.immediate) / 8; return;
        case Op::kBrTable: effects_.fuel += values_at(each.targets.back()) / 8; return;
        case Op::kReturn: effects_.fuel += labels_[label_of_function_].values / 8; return;
        case Op::kCall: pay_for_call(program_.type_of(static_cast<std::uint32_t>(each.immediate))); break;
        case Op::kCallIndirect: pay_for_call(each.block); break;
        case Op::kBlock:
        case Op::kTry:  // their end is one, at the latest
          inside_.push_back(each.block.results.size());
          pay_for_segment(each.body);
          inside_.pop_back();
          return;
        default: break;
      }
    }
  }

  std::uint32_t block(const Instruction& each, const Sequence& body, std::vector<std::uint64_t>& locals) {
    const std::size_t base = stack_.size() - each.block.parameters.size();
    for (;;) {
      labels_.push_back({each.op == Op::kLoop ? each.block.parameters.size() : each.block.results.size(), {}});
      const std::uint32_t to = run(body, locals);
      labels_.pop_back();
      if (to == kNext) return kNext;
      if (to != 0) return to - 1;
      if (each.op != Op::kLoop) {
        unwind(base, each.block.results.size());
        return kNext;
      }
      unwind(base, each.block.parameters.size());
    }
  }

  std::uint32_t try_(const Instruction& each, std::vector<std::uint64_t>& locals) {
    const std::size_t base = stack_.size() - each.block.parameters.size();
    const std::size_t label = labels_.size();
    const std::size_t function = label_of_function_;
    const std::uint64_t units = stack_units_;
    const Instruction* arm = nullptr;
    ExceptionPointer caught;
    try {
      return block(each, each.body, locals);
    } catch (Thrown& thrown) {
      labels_.resize(label);
      label_of_function_ = function;
      stack_units_ = units;
      stack_.resize(base);
      if (thrown.past && label > *thrown.past) throw;
      thrown.past.reset();
      ++effects_.fuel;
      for (const Instruction& one : each.arms) {
        if (one.op == Op::kDelegate) {
          thrown.past = label - 1 - one.immediate;
          throw;
        }
        ++effects_.fuel;
        if (one.op == Op::kCatchAll || one.immediate == thrown.exception->tag) {
          arm = &one;
          break;
        }
      }
      if (arm == nullptr) throw;
      caught = thrown.exception;
    }
    if (arm->op == Op::kCatch) stack_.insert(stack_.end(), caught->values.begin(), caught->values.end());
    labels_.push_back({each.block.results.size(), caught});
    const std::uint32_t to = run(arm->body, locals);
    labels_.pop_back();
    if (to == kNext) return kNext;
    if (to != 0) return to - 1;
    unwind(base, each.block.results.size());
    return kNext;
  }

  [[noreturn]] void throw_(std::uint64_t tag) {
    const std::size_t count = program_.tags[tag].size();
    Exception exception{tag, {stack_.end() - static_cast<std::ptrdiff_t>(count), stack_.end()}};
    ++effects_.fuel;  // for the function
    throw Thrown{std::make_shared<const Exception>(std::move(exception)), std::nullopt, true};
  }
  [[noreturn]] void rethrow(std::uint64_t depth) {
    ++effects_.fuel;
    throw Thrown{labels_[labels_.size() - 1 - depth].caught, std::nullopt, true};
  }

  std::byte* at(std::uint32_t base, std::uint64_t offset, std::uint64_t bytes) {
    const std::uint64_t begin = base + offset;
    if (begin + bytes > effects_.memory.size()) throw TrapKind::kMemoryOutOfBounds;
    return effects_.memory.data() + begin;
  }

  void load(const Instruction& each) {
    std::uint64_t bits = 0;
    const unsigned bytes = 1u << wasm::signature_of(each.op).access_log2;
    std::memcpy(&bits, at(pop_i32(), each.immediate, bytes), bytes);
    const auto extended = [&](auto narrow) { return static_cast<std::int64_t>(narrow); };
    switch (each.op) {
      case Op::kI32Load8S: bits = static_cast<std::uint32_t>(extended(static_cast<std::int8_t>(bits))); break;
      case Op::kI32Load16S: bits = static_cast<std::uint32_t>(extended(static_cast<std::int16_t>(bits))); break;
      case Op::kI64Load8S: bits = static_cast<std::uint64_t>(extended(static_cast<std::int8_t>(bits))); break;
      case Op::kI64Load16S: bits = static_cast<std::uint64_t>(extended(static_cast<std::int16_t>(bits))); break;
      case Op::kI64Load32S: bits = static_cast<std::uint64_t>(extended(static_cast<std::int32_t>(bits))); break;
      default: break;
    }
    push(bits);
  }

  void store(const Instruction& each) {
    const std::uint64_t bits = pop();
    const unsigned bytes = 1u << wasm::signature_of(each.op).access_log2;
    std::memcpy(at(pop_i32(), each.immediate, bytes), &bits, bytes);
  }

  void atomic(const Instruction& each) {
    const wasm::Signature& signature = wasm::signature_of(each.op);
    const std::uint64_t second = signature.operands == 3 ? pop() : 0;
    const std::uint64_t first = signature.operands >= 2 ? pop() : 0;
    const std::uint32_t base = pop_i32();
    const unsigned bytes = 1u << signature.access_log2;
    if ((base + each.immediate) % bytes != 0) throw TrapKind::kUnalignedAtomic;
    std::byte* const place = at(base, each.immediate, bytes);
    std::uint64_t old = 0;
    std::memcpy(&old, place, bytes);
    const std::uint64_t now = updated(each.op, old, first, second);
    std::memcpy(place, &now, bytes);
    if (signature.results != 0) push(old);
  }

  void numeric(Op op) {
    const std::uint64_t b = wasm::signature_of(op).operands == 2 ? pop() : 0;
    const std::uint64_t a = pop();
    const Outcome outcome = evaluate(op, a, b);
    if (outcome.trap != TrapKind::kNone) throw outcome.trap;
    push(nans_ == Nans::kShown ? canonical(op, outcome).bits : outcome.bits);
  }

  void wide(Op op) {
    const std::size_t operands = wasm::signature_of(op).operands;
    const auto results = evaluate_wide(op, std::span(stack_).last(operands));
    stack_.resize(stack_.size() - operands);
    for (const std::uint64_t result : results) push(result);
  }

  void pay_for_call(const FunctionType& type) { effects_.fuel += (type.parameters.size() + type.results.size()) / 8; }
  [[nodiscard]] std::size_t values_of(std::uint32_t label) const { return labels_[labels_.size() - 1 - label].values; }

  void call_indirect(const FunctionType& type) {
    pay_for_call(type);
    const std::uint32_t index = pop_i32();
    // The table has one null element behind its functions.
    if (index > program_.function_count()) throw TrapKind::kUndefinedElement;
    if (index == program_.function_count()) throw TrapKind::kUninitializedElement;
    if (program_.type_of(index) != type) throw TrapKind::kIndirectCallTypeMismatch;
    call(index);
  }

  std::uint32_t step(const Instruction& each, std::vector<std::uint64_t>& locals) {
    if (Op::kI32Load <= each.op && each.op <= Op::kI64Load32U) {
      load(each);
      return kNext;
    }
    if (Op::kI32Store <= each.op && each.op <= Op::kI64Store32) {
      store(each);
      return kNext;
    }
    if (is_atomic(each.op)) {
      atomic(each);
      return kNext;
    }
    const auto depth = static_cast<std::uint32_t>(each.immediate);
    switch (each.op) {
      case Op::kNop: return kNext;
      case Op::kUnreachable: throw TrapKind::kUnreachable;
      case Op::kBlock:
      case Op::kLoop: return block(each, each.body, locals);
      case Op::kIf: return pop_i32() != 0 ? block(each, each.body, locals) : block(each, each.otherwise, locals);
      case Op::kTry: return try_(each, locals);
      case Op::kThrow: throw_(each.immediate);
      case Op::kRethrow: rethrow(each.immediate);
      case Op::kBr: effects_.fuel += values_of(depth) / 8; return depth;
      case Op::kBrIf: effects_.fuel += values_of(depth) / 8; return pop_i32() != 0 ? depth : kNext;
      case Op::kBrTable:
        effects_.fuel += values_of(each.targets.back()) / 8;
        return each.targets[std::min<std::size_t>(pop_i32(), each.targets.size() - 1)];
      case Op::kReturn:
        effects_.fuel += labels_[label_of_function_].values / 8;
        return kNext - 1;  // further out than any block
      case Op::kCall:
        pay_for_call(program_.type_of(depth));
        call(depth);
        return kNext;
      case Op::kCallIndirect: call_indirect(each.block); return kNext;
      case Op::kDrop: pop(); return kNext;
      case Op::kSelect:
      case Op::kSelectTyped: {
        const bool first = pop_i32() != 0;
        const std::uint64_t b = pop();
        if (!first) stack_.back() = b;
        return kNext;
      }
      case Op::kLocalGet: push(locals[each.immediate]); return kNext;
      case Op::kLocalSet: locals[each.immediate] = pop(); return kNext;
      case Op::kLocalTee: locals[each.immediate] = stack_.back(); return kNext;
      case Op::kGlobalGet: push(effects_.globals[each.immediate]); return kNext;
      case Op::kGlobalSet: effects_.globals[each.immediate] = pop(); return kNext;
      case Op::kI32Const:
      case Op::kI64Const:
      case Op::kF32Const:
      case Op::kF64Const: push(each.immediate); return kNext;
      case Op::kMemorySize: push(kProgramMemoryBytes / 65'536); return kNext;
      case Op::kMemoryGrow: push(pop_i32() == 0 ? kProgramMemoryBytes / 65'536 : 0xFFFF'FFFF); return kNext;
      case Op::kMemoryFill: {
        const std::uint32_t count = pop_i32();
        const std::uint32_t value = pop_i32();
        std::byte* const to = at(pop_i32(), 0, count);
        effects_.fuel += count / 64;
        std::fill_n(to, count, static_cast<std::byte>(value & 0xFF));
        return kNext;
      }
      case Op::kMemoryCopy: {
        const std::uint32_t count = pop_i32();
        const std::byte* const source = at(pop_i32(), 0, count);
        effects_.fuel += count / 64;
        std::memmove(at(pop_i32(), 0, count), source, count);
        return kNext;
      }
      case Op::kI64Add128:
      case Op::kI64Sub128:
      case Op::kI64MulWideS:
      case Op::kI64MulWideU: wide(each.op); return kNext;
      default: numeric(each.op); return kNext;
    }
  }

  const Program& program_;
  std::uint64_t steps_;
  Nans nans_;
  std::vector<std::uint64_t> frames_;  ///< what a frame of each defined function costs
  std::uint64_t stack_units_ = 0;      ///< in use
  std::vector<std::uint64_t> stack_;
  struct Label {
    std::size_t values = 0;   ///< how many it takes
    ExceptionPointer caught;  ///< of a try, in one of its catches
  };
  std::vector<Label> labels_;
  std::size_t label_of_function_ = 0;
  std::vector<std::size_t> inside_;  ///< of blocks that pay_for_segment looks into: how many values their labels take
  Effects effects_;
};

}  // namespace

void call_host(std::uint64_t& host, std::uint32_t function, const FunctionType& type, std::span<std::uint64_t> slots,
               Nans nans) {
  host = std::rotl(host, 7) ^ (function + 1);
  for (std::size_t i = 0; i < type.parameters.size(); ++i) {
    const bool hide = nans == Nans::kHidden && is_nan(type.parameters[i], slots[i]);
    const std::uint64_t bits = hide ? 0x7FC0 : slots[i];
    host = (std::rotl(host, 13) ^ bits) * 0x9E37'79B9'7F4A'7C15;
  }
  for (std::size_t i = 0; i < type.results.size(); ++i) {
    const std::uint64_t bits = std::rotl(host, static_cast<int>(11 * i % 64));
    slots[i] = type.results[i] == kI32 || type.results[i] == kF32 ? bits & 0xFFFF'FFFF : bits;
  }
}

std::optional<Effects> interpret(const Program& program, std::span<const std::uint64_t> arguments, std::uint64_t steps,
                                 Nans nans) {
  try {
    return Machine(program, steps, nans).run(arguments);
  } catch (OutOfSteps) {
    return std::nullopt;
  }
}

}  // namespace anew::codegen::test
