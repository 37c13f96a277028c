// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Grows a function body operator by operator, with the types on its operand stack, so that whatever comes next fits.
// The mix aims at what a one-pass compiler gets wrong: values that stay on the stack over blocks, branches and calls,
// references to a local that then changes, comparisons left waiting, more values than registers, bits above those that
// an operator looks at.
#include "support/generator.hpp"

#include <algorithm>
#include <array>
#include <optional>
#include <utility>

#include "support/reference.hpp"
#include "wasm/signatures.hpp"

namespace anew::codegen::test {
namespace {

using Types = std::vector<ValueType>;

struct Label {
  Types types;
  std::optional<std::uint32_t> counter;  ///< the i32 local that bounds a loop's rounds
  bool tries = false;                    ///< of a try, before its arms
  bool caught = false;                   ///< of a try, in one of its catches
};

constexpr std::uint32_t kAddressLimit = 0x3FFF;  // what an address local holds at most
constexpr std::uint32_t kChecksum = 0;           // the i64 global that function ends fold their locals into

/// One function's body.
class FunctionGenerator {
 public:
  FunctionGenerator(Random& random, const Program& program, ProgramFunction& function, std::uint32_t size, Nans nans)
      : random_(random), program_(program), function_(function), budget_(size), nans_(nans) {
    locals_ = function.type.parameters;
    std::uint32_t count = random_.percent(10) ? random_.below(60) : random_.below(12);
    for (const ValueType type : kValueTypes) add_local(type);
    while (count-- > 0) add_local(any_type());
    for (std::uint32_t i = 0; i < locals_.size(); ++i) assignable_.push_back(i);
    for (std::uint32_t& address : addresses_) address = add_local(kI32);
  }

  void generate() {
    labels_.emplace_back().types = function_.type.results;
    out_ = &function_.body;
    if (!sequence(budget_)) {
      fold_locals();
      finish(function_.type.results);
    }
  }

 private:
  // --- Choices ---

  ValueType any_type() {
    const std::uint32_t at = random_.below(20);
    return at < 8 ? kI32 : at < 13 ? kI64 : at < 16 ? kF32 : kF64;
  }
  Types any_types() {
    static constexpr std::uint32_t kCounts[] = {0, 0, 0, 0, 1, 1, 1, 1, 1, 2, 2, 3, 4, 9};
    Types types(kCounts[random_.below(std::size(kCounts))]);
    for (ValueType& type : types) type = any_type();
    return types;
  }
  std::uint32_t add_local(ValueType type) {
    function_.locals.push_back(type);
    locals_.push_back(type);
    return static_cast<std::uint32_t>(locals_.size() - 1);
  }
  /// A local of this type; often the one of the last time, so that references to one local meet.
  std::uint32_t local_of(ValueType type) {
    if (random_.percent(30) && locals_[recent_] == type) return recent_;
    std::uint32_t local = 0;
    do {
      local = random_.pick(assignable_);  // there is one of each type
    } while (locals_[local] != type);
    recent_ = local;
    return local;
  }
  std::uint32_t global_of(ValueType type) {
    std::uint32_t global = 0;
    do {
      global = random_.below(program_.globals.size());  // there is one of each type
    } while (program_.globals[global].type != type);
    return global;
  }
  [[nodiscard]] std::size_t available() const { return stack_.size() - base_; }
  [[nodiscard]] bool top_is(const Types& types) const {
    return available() >= types.size() && std::equal(types.rbegin(), types.rend(), stack_.rbegin());
  }

  // --- Operators, with what they do to the stack ---

  Instruction& emit(Op op, std::uint64_t immediate = 0) {
    Instruction& instruction = out_->emplace_back();
    instruction.op = op;
    instruction.immediate = immediate;
    return instruction;
  }
  void pop(std::size_t count = 1) { stack_.resize(stack_.size() - count); }
  void push(const Types& types) { stack_.insert(stack_.end(), types.begin(), types.end()); }

  void constant(ValueType type, std::uint64_t bits) {
    static constexpr Op kOps[] = {Op::kI32Const, Op::kI64Const, Op::kF32Const, Op::kF64Const};
    const auto at = std::ranges::find(kValueTypes, type) - kValueTypes.begin();
    emit(kOps[at], bits).type = type;
    stack_.push_back(type);
  }
  void i32(std::uint32_t value) { constant(kI32, value); }
  void get(std::uint32_t local) {
    emit(Op::kLocalGet, local);
    stack_.push_back(locals_[local]);
  }
  void set(std::uint32_t local) {
    emit(Op::kLocalSet, local);
    pop();
  }
  void tee(std::uint32_t local) { emit(Op::kLocalTee, local); }
  void numeric(Op op) {
    emit(op);
    pop(wasm::signature_of(op).operands);
    stack_.push_back(wasm::signature_of(op).result);
  }
  void wide() {
    static constexpr Op kOps[] = {Op::kI64Add128, Op::kI64Sub128, Op::kI64MulWideS, Op::kI64MulWideU};
    const Op op = kOps[random_.below(std::size(kOps))];
    provide(Types(wasm::signature_of(op).operands, kI64));
    emit(op);
    pop(wasm::signature_of(op).operands);
    push({kI64, kI64});
  }
  void select() {
    const ValueType type = stack_[stack_.size() - 2];
    emit(random_.percent(50) ? Op::kSelect : Op::kSelectTyped).type = type;
    pop(2);
  }

  /// Makes every NaN on top of the stack the same NaN, because its bits are about to be seen.
  void canonicalize() {
    const ValueType type = stack_.back();
    if (nans_ == Nans::kShown || !is_float(type)) return;
    const std::uint32_t local = local_of(type);
    tee(local);
    constant(type, type == kF32 ? 0x7FC0'0000 : 0x7FF8'0000'0000'0000);
    get(local);
    get(local);
    numeric(type == kF32 ? Op::kF32Eq : Op::kF64Eq);
    select();
  }

  /// Any way to a value of this type. @param depth  how far the way may branch.
  void push_value(ValueType type, std::uint32_t depth = 2) {
    const std::uint32_t way = random_.below(100);
    if (way < 50) {
      get(local_of(type));
    } else if (way < 68) {
      constant(type, random_value(random_, type));
    } else if (way < 76 || depth == 0) {
      emit(Op::kGlobalGet, global_of(type));
      stack_.push_back(type);
    } else if (way < 82) {
      push_value(type, depth - 1);
      tee(local_of(type));
    } else if (type == kI32 && way < 90) {
      compare(depth - 1);
    } else if (way < 91) {
      push_value(any_type(), depth - 1);
      convert_to(type);
    } else {
      push_value(type, depth - 1);
      push_value(type, depth - 1);
      static constexpr Op kOps[] = {Op::kI32Sub, Op::kI64Sub, Op::kF32Sub, Op::kF64Sub};
      numeric(kOps[std::ranges::find(kValueTypes, type) - kValueTypes.begin()]);
    }
  }
  /// An i32 that the compiler may leave in the flags.
  void compare(std::uint32_t depth) {
    const ValueType type = any_type();
    std::vector<Op> comparisons;
    for (const Op op : numeric_operators()) {
      const wasm::Signature& signature = wasm::signature_of(op);
      if (op <= Op::kF64Ge && signature.operand(0) == type) comparisons.push_back(op);
    }
    const Op op = random_.pick(comparisons);
    for (std::uint32_t i = 0; i < wasm::signature_of(op).operands; ++i) push_value(type, depth);
    numeric(op);
    if (random_.percent(15)) numeric(Op::kI32Eqz);
  }
  void push_values(const Types& types) {
    for (const ValueType type : types) push_value(type);
  }
  /// Has these types on top of the stack, if need be by pushing values.
  void provide(const Types& types) {
    if (!top_is(types) || (!types.empty() && random_.percent(30))) push_values(types);
  }
  void condition() {
    if (random_.percent(60))
      compare(1);
    else
      push_value(kI32);
  }

  /// A numeric operator on what is on top.
  void operate() {
    const ValueType type = stack_.back();
    const bool binary = available() >= 2 && stack_[stack_.size() - 2] == type;
    std::vector<Op> choices;
    for (const Op op : numeric_operators()) {
      const wasm::Signature& signature = wasm::signature_of(op);
      if (signature.operand(0) == type && (signature.operands == 1 || binary)) choices.push_back(op);
    }
    Op op = random_.pick(choices);
    // Unary operators are many and dull.
    if (binary && wasm::signature_of(op).operands == 1) op = random_.pick(choices);
    const bool traps = wasm::outcome_of(op) == wasm::Outcome::kTraps;
    if (traps && !is_float(type) && random_.percent(95)) {
      constant(type, type == kI32 && random_.percent(50) ? 1 : 3);
      numeric(type == kI32 ? Op::kI32Or : Op::kI64Or);
    }
    if (traps && is_float(type) && random_.percent(95)) {
      // The saturating operators stand in the same order.
      const bool wide = op >= Op::kI64TruncF32S;
      const int distance = static_cast<int>(op) - static_cast<int>(wide ? Op::kI64TruncF32S : Op::kI32TruncF32S);
      op = static_cast<Op>(static_cast<int>(wide ? Op::kI64TruncSatF32S : Op::kI32TruncSatF32S) + distance);
    }
    const bool shows_bits = op == Op::kI32ReinterpretF32 || op == Op::kI64ReinterpretF64 || op == Op::kF32Copysign ||
                            op == Op::kF64Copysign;
    if (shows_bits) canonicalize();
    if (const std::uint32_t bits = bits_that_count(op); bits != 0) soil(bits);
    numeric(op);
  }
  /// Of the last operand of operators that look at its lower bits only, how many these are; 0 for all others.
  static std::uint32_t bits_that_count(Op op) {
    if (Op::kI32Shl <= op && op <= Op::kI32Rotr) return 5;
    if (Op::kI64Shl <= op && op <= Op::kI64Rotr) return 6;
    switch (op) {
      case Op::kI32Extend8S:
      case Op::kI64Extend8S: return 8;
      case Op::kI32Extend16S:
      case Op::kI64Extend16S: return 16;
      case Op::kI64Extend32S:
      case Op::kI32WrapI64: return 32;
      default: return 0;
    }
  }
  /// Often changes bits of the integer on top that do not count: all but the lowest `bits`.
  void soil(std::uint32_t bits) {
    const ValueType type = stack_.back();
    const std::uint32_t all = type == kI32 ? 32 : 64;
    if (bits >= all || !random_.percent(50)) return;
    const std::uint64_t any = random_.percent(50) ? random_value(random_, type) : std::uint64_t{1} << (all - 1);
    constant(type, any >> bits << bits);
    numeric(type == kI32 ? Op::kI32Xor : Op::kI64Xor);
  }
  void convert_to(ValueType type) {
    if (stack_.back() == type) return;
    for (const Op op : numeric_operators()) {
      const wasm::Signature& signature = wasm::signature_of(op);
      const bool traps = wasm::outcome_of(op) == wasm::Outcome::kTraps;
      const bool shows_bits = op == Op::kI32ReinterpretF32 || op == Op::kI64ReinterpretF64;
      if (signature.operands == 1 && signature.operand(0) == stack_.back() && signature.result == type &&
          op > Op::kF64Ge && !traps && !shows_bits) {
        return numeric(op);
      }
    }
  }

  // --- Memory ---

  /// Pushes an address that is in range with any offset below 2^15, or, rarely, is not.
  void push_address() {
    const std::uint32_t way = random_.below(100);
    if (way < 50) {
      get(addresses_[random_.below(std::size(addresses_))]);
    } else if (way < 75) {
      i32(random_.percent(50) ? random_.below(64) : random_.below(kAddressLimit));
    } else {
      push_value(kI32);
      if (random_.below(200) == 0) return;
      i32(random_.percent(50) ? 0xFF : kAddressLimit);
      numeric(Op::kI32And);
    }
  }
  std::uint32_t offset() {
    return random_.percent(40)   ? 8 * random_.below(16)
           : random_.percent(60) ? random_.below(600)
                                 : random_.below(0x7FF0);
  }
  void load() {
    push_address();
    const auto op = static_cast<Op>(static_cast<std::uint32_t>(Op::kI32Load) + random_.below(14));
    emit(op, offset());
    pop();
    stack_.push_back(wasm::signature_of(op).result);
  }
  void store() {
    const auto op = static_cast<Op>(static_cast<std::uint32_t>(Op::kI32Store) + random_.below(9));
    const ValueType type = wasm::signature_of(op).operand(1);
    if (available() > 0 && stack_.back() == type && random_.percent(50)) {
      const std::uint32_t local = local_of(type);
      set(local);
      push_address();
      get(local);
    } else {
      push_address();
      push_value(type);
    }
    canonicalize();
    if (!is_float(type)) soil(8u << wasm::signature_of(op).access_log2);
    emit(op, offset());
    pop(2);
  }
  void atomic() {
    const std::uint32_t width = random_.below(kAtomicWidths);
    const auto of_group = [&](std::uint32_t group) {
      return static_cast<Op>(static_cast<std::uint32_t>(Op::kI32AtomicLoad) + kAtomicWidths * group + width);
    };
    const Op op = of_group(random_.below(9));
    const wasm::Signature& signature = wasm::signature_of(op);
    const std::uint32_t bits = 8u << signature.access_log2;
    push_address();
    if (!random_.percent(3)) {
      i32(~7u);
      numeric(Op::kI32And);
    }
    const std::uint32_t at = random_.percent(97) ? 8 * random_.below(64) : offset();
    for (std::uint32_t i = 1; i < signature.operands; ++i) {
      if (signature.operands == 3 && i == 1 && random_.percent(60)) {  // a compare-exchange that finds what it expects
        const std::uint32_t local = local_of(kI32);
        tee(local);
        get(local);
        emit(of_group(0), at);
        stack_.back() = signature.operand(i);
      } else {
        push_value(signature.operand(i));
      }
      soil(bits);
    }
    emit(op, at);
    pop(signature.operands);
    if (signature.results != 0) stack_.push_back(signature.result);
  }
  void set_address() {
    push_value(kI32);
    i32(kAddressLimit);
    numeric(Op::kI32And);
    set(addresses_[random_.below(std::size(addresses_))]);
  }
  void bulk() {
    push_address();
    const bool fill = random_.percent(50);
    fill ? push_value(kI32) : push_address();
    if (fill) soil(8);
    i32(random_.below(random_.percent(50) ? 20 : 2000));
    emit(fill ? Op::kMemoryFill : Op::kMemoryCopy);
    pop(3);
  }

  // --- Calls ---

  void call() {
    const auto self = static_cast<std::uint32_t>(&function_ - program_.functions.data());
    const std::uint32_t callee = random_.below(program_.imports.size() + self);
    const FunctionType& type = program_.type_of(callee);
    provide(type.parameters);
    if (random_.percent(70)) {
      emit(Op::kCall, callee);
    } else {
      i32(random_.below(100) == 0 ? program_.function_count() + random_.below(2) : callee);
      if (random_.percent(40)) {
        push_value(kI32);
        i32(0);
        numeric(Op::kI32And);
        numeric(Op::kI32Add);
      }
      emit(Op::kCallIndirect).block = type;
      pop();
    }
    pop(type.parameters.size());
    push(type.results);
  }

  // --- Blocks ---

  void block() {
    static constexpr Op kOps[] = {Op::kBlock, Op::kBlock, Op::kLoop, Op::kIf, Op::kIf};
    const Op op = kOps[random_.below(std::size(kOps))];
    const std::size_t parameters = random_.percent(50) ? 0 : random_.below(std::min<std::size_t>(available(), 5) + 1);
    FunctionType type;
    type.parameters.assign(stack_.end() - static_cast<std::ptrdiff_t>(parameters), stack_.end());
    // Often the same as of the block around, so that a br_table has labels to choose from.
    type.results = random_.percent(35) ? labels_.back().types : any_types();
    const bool without_else = op == Op::kIf && random_.percent(40);
    if (without_else) type.results = type.parameters;

    Label label;
    label.types = op == Op::kLoop ? type.parameters : type.results;
    if (op == Op::kLoop) {
      label.counter = add_local(kI32);
      i32(1 + random_.below(5));
      set(*label.counter);
    }
    if (op == Op::kIf) {
      condition();
      pop();
    }
    Instruction instruction;
    instruction.op = op;
    instruction.block = type;
    instruction.body = arm(type, label);
    if (op == Op::kIf && !without_else) {
      instruction.otherwise = arm(type, label);
      // An empty arm stands for none, which this block's type need not allow.
      if (instruction.otherwise.empty()) instruction.otherwise.emplace_back();
    }
    out_->push_back(std::move(instruction));
    pop(parameters);
    push(type.results);
  }

  Sequence arm(const FunctionType& type, const Label& label) {
    return nested(type, label, [&] {
      const std::uint32_t share = 1 + random_.below(std::max(2u, std::min(budget_, 40u)));
      if (sequence(share)) return;
      if (label.counter && random_.percent(80)) branch_if(0);
      finish(type.results);
    });
  }
  /// What `fill` emits in a block of that type.
  template <typename Fill>
  Sequence nested(const FunctionType& type, const Label& label, Fill fill) {
    Sequence result;
    const Types stack = stack_;
    Sequence* const out = std::exchange(out_, &result);
    const std::size_t base = std::exchange(base_, stack_.size() - type.parameters.size());
    labels_.push_back(label);
    fill();
    labels_.pop_back();
    base_ = base;
    out_ = out;
    stack_ = stack;
    return result;
  }

  // --- Exceptions ---

  void try_() {
    const std::size_t parameters = random_.percent(70) ? 0 : random_.below(std::min<std::size_t>(available(), 4) + 1);
    FunctionType type;
    type.parameters.assign(stack_.end() - static_cast<std::ptrdiff_t>(parameters), stack_.end());
    type.results = random_.percent(35) ? labels_.back().types : any_types();
    Instruction instruction;
    instruction.op = Op::kTry;
    instruction.block = type;
    Label label;
    label.types = type.results;
    label.tries = true;
    instruction.body = arm(type, label);
    pop(parameters);
    label.tries = false;
    if (random_.percent(20)) {
      Instruction& delegate = instruction.arms.emplace_back();
      delegate.op = Op::kDelegate;
      delegate.immediate = random_.below(labels_.size());
    } else {
      label.caught = true;
      for (std::uint32_t catches = random_.below(4); catches > 0; --catches)
        catch_(instruction, label, random_.below(program_.tags.size()));
      if (instruction.arms.empty() || random_.percent(60)) catch_(instruction, label, std::nullopt);
    }
    out_->push_back(std::move(instruction));
    push(type.results);
  }
  void catch_(Instruction& around, const Label& label, std::optional<std::uint32_t> tag) {
    Instruction& instruction = around.arms.emplace_back();
    instruction.op = tag ? Op::kCatch : Op::kCatchAll;
    instruction.immediate = tag.value_or(0);
    const Types values = tag ? program_.tags[*tag] : Types();
    push(values);
    instruction.body = arm({values, label.types}, label);
    pop(values.size());
  }
  /// @return whether what follows cannot be reached.
  bool throw_() {
    // Where nobody may catch it, only now and then: most programs must run to their end.
    const bool is_last = &function_ == &program_.functions.back();
    if (is_last && std::ranges::none_of(labels_, &Label::tries) && random_.percent(90)) return false;
    std::vector<std::uint32_t> caught;
    for (std::uint32_t i = 0; i < labels_.size(); ++i)
      if (label_at(i).caught) caught.push_back(i);
    const bool again = !caught.empty() && random_.percent(60);
    const auto emit_throw = [&](std::uint32_t further_out) {
      if (again) {
        emit(Op::kRethrow, random_.pick(caught) + further_out);
        return;
      }
      const std::uint32_t tag = random_.below(program_.tags.size());
      provide(program_.tags[tag]);
      emit(Op::kThrow, tag);
    };
    if (random_.percent(25)) {
      emit_throw(0);
      return true;
    }
    condition();
    pop();
    Instruction instruction;
    instruction.op = Op::kIf;
    instruction.body = nested({}, {}, [&] { emit_throw(1); });
    out_->push_back(std::move(instruction));
    return false;
  }

  /// Leaves exactly these types above the base.
  void finish(const Types& types) {
    std::size_t same = 0;
    while (same < std::min(types.size(), available()) && stack_[base_ + same] == types[same]) ++same;
    while (available() > same) {
      if (random_.percent(60)) {
        set(local_of(stack_.back()));
      } else if (random_.percent(30)) {
        set_global();
      } else {
        emit(Op::kDrop);
        pop();
      }
    }
    push_values(Types(types.begin() + static_cast<std::ptrdiff_t>(same), types.end()));
  }
  void set_global() {
    emit(Op::kGlobalSet, global_of(stack_.back()));
    pop();
  }

  // --- Branches ---

  Label& label_at(std::uint32_t depth) { return labels_[labels_.size() - 1 - depth]; }

  /// Pushes whether the loop may go round once more.
  void count_down(std::uint32_t counter) {
    get(counter);
    i32(1);
    numeric(Op::kI32Sub);
    tee(counter);
    i32(0);
    numeric(Op::kI32GtS);
  }
  void branch_if(std::uint32_t depth) {
    const Label label = label_at(depth);
    provide(label.types);
    if (random_.percent(10)) emit(Op::kBlock);  // an empty one: puts all operands into their homes
    if (label.counter) {
      count_down(*label.counter);
      if (random_.percent(30)) {
        condition();
        numeric(Op::kI32And);
      }
    } else {
      condition();
    }
    emit(Op::kBrIf, depth);
    pop();
  }
  /// @return whether what follows cannot be reached.
  bool branch(std::uint32_t depth) {
    const Label label = label_at(depth);
    if (label.counter) {
      branch_if(depth);
      return false;
    }
    provide(label.types);
    if (depth + 1 == labels_.size() && random_.percent(50))
      emit(Op::kReturn);
    else
      emit(Op::kBr, depth);
    return true;
  }
  bool branch_table(std::uint32_t depth) {
    if (label_at(depth).counter) return false;
    const Types types = label_at(depth).types;
    std::vector<std::uint32_t> same;
    for (std::uint32_t i = 0; i < labels_.size(); ++i)
      if (label_at(i).types == types) same.push_back(i);
    Instruction table;
    table.op = Op::kBrTable;
    table.targets.resize(random_.percent(5) ? 50 : random_.below(6));
    for (std::uint32_t& target : table.targets) target = random_.pick(same);
    table.targets.push_back(depth);
    provide(types);
    push_value(kI32);
    if (random_.percent(80)) {
      i32(7);
      numeric(Op::kI32And);
    }
    // A loop that has no round left is left by way of the default.
    for (std::uint32_t i = 0; i < labels_.size(); ++i) {
      if (!label_at(i).counter || std::ranges::find(table.targets, i) == table.targets.end()) continue;
      i32(1'000'000);
      count_down(*label_at(i).counter);
      select();
    }
    out_->push_back(std::move(table));
    pop();
    return true;
  }

  /// What may stand behind a branch: it is checked, but never runs.
  void dead_code() {
    switch (random_.below(8)) {
      case 0: emit(Op::kDrop); break;
      case 1:
        emit(Op::kI64Add);
        emit(Op::kDrop);
        break;
      case 2:
        emit(Op::kI32Const, 7).type = kI32;
        emit(Op::kLocalSet, local_of(kI32));
        break;
      case 3: emit(Op::kUnreachable); break;
      case 4: emit(Op::kBr, random_.below(labels_.size())); break;
      case 5: {
        Instruction& block = emit(Op::kLoop);
        block.body.emplace_back().op = Op::kNop;
        block.body.emplace_back().op = Op::kBr;
        break;
      }
      default: break;
    }
  }

  // --- Sequences ---

  /// Operators, as many as `steps` and the budget allow. @return whether the end cannot be reached.
  bool sequence(std::uint32_t steps) {
    while (steps-- > 0 && budget_ > 0) {
      --budget_;
      if (step()) {
        dead_code();
        return true;
      }
    }
    return false;
  }

  /// @return whether what follows cannot be reached.
  bool step() {
    const bool tries = std::ranges::any_of(labels_, [](const Label& label) { return label.tries || label.caught; });
    if (tries && random_.percent(12)) return throw_();
    if (tries && labels_.size() < 12 && random_.percent(8)) try_();
    const std::uint32_t way = random_.below(1000);
    const bool full = available() > (random_.percent(20) ? 60u : 12u);
    if (way < 250) {
      if (full || (available() > 0 && random_.percent(50)))
        operate();
      else
        push_value(any_type());
    } else if (way < 400) {
      available() > 0 ? operate() : push_value(any_type());
    } else if (way < 415) {
      wide();
    } else if (way < 500) {
      if (available() == 0) push_value(any_type());
      const std::uint32_t local = local_of(stack_.back());
      random_.percent(60) ? set(local) : tee(local);
    } else if (way < 530) {
      // An older reference to a local that changes while it waits.
      const ValueType type = any_type();
      const std::uint32_t local = local_of(type);
      for (std::uint32_t i = random_.below(3); i-- > 0;) get(local);
      push_value(type);
      random_.percent(50) ? set(local) : tee(local);
    } else if (way < 560) {
      if (available() == 0) push_value(any_type());
      set_global();
    } else if (way < 620) {
      load();
    } else if (way < 670) {
      store();
    } else if (way < 690) {
      atomic();
    } else if (way < 700) {
      set_address();
    } else if (way < 710) {
      bulk();
    } else if (way < 740) {
      if (available() < 2 || stack_.back() != stack_[stack_.size() - 2]) {
        const ValueType type = any_type();
        push_values({type, type});
      }
      condition();
      select();
    } else if (way < 750) {
      emit(Op::kMemorySize);
      stack_.push_back(kI32);
    } else if (way < 755) {
      i32(random_.below(2));
      emit(Op::kMemoryGrow);
    } else if (way < 765) {
      for (std::uint32_t i = random_.below(40); i-- > 0;) push_value(any_type());
    } else if (way < 775) {
      if (available() > 0) {
        emit(Op::kDrop);
        pop();
      }
    } else if (way < 820) {
      call();
    } else if (way < 910) {
      if (labels_.size() < 12) random_.percent(30) ? try_() : block();
    } else if (way < 965) {
      branch_if(random_.below(labels_.size()));
    } else if (way < 978) {
      return branch(random_.below(labels_.size()));
    } else if (way < 990) {
      return throw_();
    } else if (way < 998) {
      return branch_table(random_.below(labels_.size()));
    } else if (labels_.size() > 2) {
      emit(Op::kUnreachable);
      return true;
    }
    return false;
  }

  /// At the function's end: what its locals hold counts.
  void fold_locals() {
    for (std::uint32_t i = 0; i < std::min<std::size_t>(locals_.size(), 16); ++i) {
      const std::uint32_t local = random_.below(locals_.size());
      get(local);
      canonicalize();
      if (stack_.back() == kF32) numeric(Op::kI32ReinterpretF32);
      if (stack_.back() == kF64) numeric(Op::kI64ReinterpretF64);
      if (stack_.back() == kI32) numeric(Op::kI64ExtendI32U);
      emit(Op::kGlobalGet, kChecksum);
      stack_.push_back(kI64);
      constant(kI64, 7);
      numeric(Op::kI64Rotl);
      numeric(Op::kI64Xor);
      emit(Op::kGlobalSet, kChecksum);
      pop();
    }
  }

  Random& random_;
  const Program& program_;
  ProgramFunction& function_;
  std::uint32_t budget_;
  Nans nans_;
  Types locals_;                            // parameters first
  std::vector<std::uint32_t> assignable_;   // locals with no purpose of their own
  std::array<std::uint32_t, 2> addresses_;  // locals that hold addresses in range
  std::uint32_t recent_ = 0;
  std::vector<Label> labels_;  // the function's own first
  Types stack_;
  std::size_t base_ = 0;  // what lies below belongs to outer blocks
  Sequence* out_ = nullptr;
};

}  // namespace

std::uint64_t random_value(Random& random, ValueType type) {
  const std::uint32_t way = random.below(10);
  const bool narrow = type == kI32 || type == kF32;
  if (way < 5) return random.pick(corner_values(type));
  if (way < 8 && !is_float(type)) {
    const std::uint64_t small = std::uint64_t{random.below(300)} - 100;
    return narrow ? small & 0xFFFF'FFFF : small;
  }
  return narrow ? random.bits() & 0xFFFF'FFFF : random.bits();
}

Program generate(std::uint64_t seed, std::uint32_t size, Nans nans) {
  Random random(seed);
  Program program;
  auto any_types = [&](std::uint32_t most) {
    Types types(random.below(most + 1));
    for (ValueType& type : types) type = kValueTypes[random.below(kValueTypes.size())];
    return types;
  };
  program.globals.push_back(Value::i64(0));
  for (const ValueType type : kValueTypes)
    for (int i = 0; i < 2; ++i) program.globals.push_back({type, random_value(random, type)});
  program.tags = {{}, {kI32}, any_types(4), any_types(4)};
  for (int i = 0; i < 2; ++i) program.imports.push_back({any_types(9), any_types(random.percent(70) ? 1 : 8)});
  const std::uint32_t count = 2 + random.below(3);
  for (std::uint32_t i = 0; i < count; ++i) {
    FunctionType type{any_types(random.percent(15) ? 24 : 6), any_types(random.percent(15) ? 10 : 2)};
    program.functions.push_back({std::move(type), {}, {}});
  }
  for (ProgramFunction& function : program.functions)
    FunctionGenerator(random, program, function, size, nans).generate();
  return program;
}

}  // namespace anew::codegen::test
