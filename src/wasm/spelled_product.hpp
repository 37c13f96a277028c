// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Products of 128 bits that a function spells out. WebAssembly had no wide multiplication for long, so compilers call
// helpers (compiler-rt's and compiler_builtins' __multi3, say) that make one of products of 32 bits, and programs that
// do arithmetic on large numbers spend much of their time there. validate_spelled hands such a function to a sink with
// i64.mul_wide_u in place of what is spelled out.
//
// A function is known by what it computes, not by its bytes: its operators are followed with the products for values.
// Each i64 that depends on the parameters alone is a sum of terms, and each term the result of one rule
// (spelled_product.cpp), whose proof stands beside it. A value that is the product's low or high half is replaced by
// it; the operators that made it have no effect, and go. All others are handed over as they are, in their order: stores
// with their addresses, loads, globals, calls. So the function writes the same bytes in the same order, and traps at
// the same operators. What no rule knows makes the function one like any other.
//
// A function that was replaced pays no fuel for what went, and has not the same stack of operands: who counts these
// takes FunctionValidator::validate.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>

#include "wasm/signatures.hpp"
#include "wasm/validator.hpp"

namespace anew::wasm {

namespace spelled {

/// A set of terms, whose sum it stands for, modulo 2^64; each bit is one. None: a value that nothing is known of.
using Sum = std::uint64_t;

/// An operator on values that are the sums gives a value that is the result's sum.
struct Rule {
  Op op;
  Sum left;
  Sum right;  ///< none for an operator with one operand
  Sum result;
};

/// All that is known, for the test that computes it.
struct Rules {
  std::span<const Rule> rules;
  std::span<const Sum> low_halves;
  std::span<const Sum> high_halves;  ///< of the product of two i64
};
[[nodiscard]] Rules rules();

/// What is known of the parameters of a function that multiplies: the terms of each.
using Parameters = std::array<Sum, 5>;

/// What an operator makes of sums; none if no rule knows it. @param right  none for an operator with one operand.
[[nodiscard]] Sum apply(Op op, Sum left, Sum right);
/// Of a constant.
[[nodiscard]] Sum constant(ValueType type, std::uint64_t bits);
/// Of a call with arguments that are all known; none unless the function is one operator on its parameters, or returns
/// one of these. Of a module that is not valid it may say anything.
[[nodiscard]] Sum call(const Module& module, std::uint32_t function, std::span<const Sum> arguments);

/// The halves of a product.
enum class Half : std::uint8_t { kLow, kHigh };
/// @param parameters  of the function: with the high halves of the factors among them the product has them too.
[[nodiscard]] std::optional<Half> half_of(Sum sum, std::uint32_t parameters);

/// Whether the function's type and size are worth a look: (result address, factor, factor), each factor an i64 or the
/// two halves of an i128.
[[nodiscard]] bool may_multiply(const Module& module, std::uint32_t defined_index);
[[nodiscard]] const Parameters& parameters(std::uint32_t count);

}  // namespace spelled

/// Follows a function's operators. First for itself, to see whether it knows all of them; then, if it does, for a sink.
template <OperatorSink Sink>
class SpelledProduct : public NullSink {
 public:
  /// The locals that hold the halves.
  using Homes = std::array<std::uint32_t, 2>;

  /// @param homes  what an instance that had no sink said.
  SpelledProduct(const Module& module, Sink* sink, Homes homes) : module_(module), sink_(sink), homes_(homes) {}

  /// Where halves can be held, if the function is one that computes them, all of whose operators are known.
  [[nodiscard]] std::optional<Homes> homes() const {
    Homes homes{};
    std::size_t found = 0;
    for (std::uint32_t local = 1; local < parameters_ && found < homes.size(); ++local)
      if (!written_[local]) homes[found++] = local;
    return failed_ || !uses_[0] || !uses_[1] || found < homes.size() ? std::nullopt : std::optional(homes);
  }

  void begin_function(std::uint32_t index, const FunctionType& type, std::span<const ValueType> locals) {
    failed_ = locals.size() > kLocals;
    parameters_ = static_cast<std::uint32_t>(type.parameters.size());  // 3 or 5, see may_multiply
    std::ranges::copy(spelled::parameters(parameters_), locals_.begin());
    if (sink_ != nullptr) sink_->begin_function(index, type, locals);
  }
  void at(std::uint64_t module_offset) {
    if (sink_ != nullptr && offset_ == 0) multiply(module_offset);
    failed_ |= pending_;  // by an operator that is not among those below
    pending_ = true;
    offset_ = module_offset;
  }
  void end_function(bool reachable) {
    if (takes()) keep([&](Sink& sink) { sink.end_function(reachable); });
  }

  void local_get(std::uint32_t local) {
    if (!takes()) return;
    if (locals_[local] == 0) keep([&](Sink& sink) { sink.local_get(local); });
    push(locals_[local]);
  }
  void local_set(std::uint32_t local) {
    if (takes() && set(local, pop())) keep([&](Sink& sink) { sink.local_set(local); });
  }
  void local_tee(std::uint32_t local) {
    if (!takes()) return;
    const spelled::Sum value = pop();
    push(value);
    if (set(local, value)) keep([&](Sink& sink) { sink.local_tee(local); });
  }
  void global_get(std::uint32_t global) {
    if (!takes()) return;
    keep([&](Sink& sink) { sink.global_get(global); });
    push(0);
  }
  void global_set(std::uint32_t global) {
    if (!takes()) return;
    hand_over(pop());
    keep([&](Sink& sink) { sink.global_set(global); });
  }
  void constant(ValueType type, std::uint64_t bits) {
    if (!takes()) return;
    const spelled::Sum value = spelled::constant(type, bits);
    if (value == 0) keep([&](Sink& sink) { sink.constant(type, bits); });
    push(value);
  }
  void numeric(Op op) {
    if (!takes()) return;
    const Signature& signature = signature_of(op);
    const spelled::Sum right = signature.operands == 2 ? pop() : 0;
    const spelled::Sum left = pop();
    const bool is_unknown = left == 0 && right == 0;
    const spelled::Sum value = is_unknown ? 0 : spelled::apply(op, left, right);
    failed_ |= signature.operands > 2 || signature.results != 1 || is_unknown != (value == 0);
    if (is_unknown) keep([&](Sink& sink) { sink.numeric(op); });
    push(value);
  }
  void load(Op op, MemoryArgument argument) {
    if (!takes()) return;
    failed_ |= pop() != 0;
    keep([&](Sink& sink) { sink.load(op, argument); });
    push(0);
  }
  void store(Op op, MemoryArgument argument) {
    if (!takes()) return;
    const spelled::Sum value = pop();
    failed_ |= pop() != 0;
    hand_over(value);
    keep([&](Sink& sink) { sink.store(op, argument); });
  }
  void call(std::uint32_t function) {
    if (!takes()) return;
    const FunctionType& type = module_.function_type(function);
    const std::size_t count = type.parameters.size();
    if (count > height_ || type.results.size() > 1) {
      failed_ = true;
      return;
    }
    height_ -= count;
    const std::span arguments = std::span(stack_).subspan(height_, count);
    const spelled::Sum value = spelled::call(module_, function, arguments);
    if (value == 0) {
      for (const spelled::Sum argument : arguments) hand_over(argument);
      keep([&](Sink& sink) { sink.call(function); });
    }
    if (!type.results.empty()) push(value);
  }

 private:
  static constexpr std::size_t kLocals = 16;
  static constexpr std::size_t kOperands = 16;

  /// To be asked first for an operator that is known.
  [[nodiscard]] bool takes() {
    pending_ = false;
    handed_over_ = false;
    return !failed_;
  }
  void push(spelled::Sum value) {
    if (height_ == kOperands)
      failed_ = true;
    else
      stack_[height_++] = value;
  }
  [[nodiscard]] spelled::Sum pop() {
    if (height_ == 0) failed_ = true;  // not in code that is valid and all of which came here
    return failed_ ? 0 : stack_[--height_];
  }
  /// @return whether the sink is to set it.
  [[nodiscard]] bool set(std::uint32_t local, spelled::Sum value) {
    locals_[local] = value;
    written_[local] |= value == 0;
    return value == 0;
  }
  template <typename Operator>
  void keep(const Operator& give) {
    if (sink_ == nullptr) return;
    sink_->at(offset_);
    give(*sink_);
  }
  /// An operand of an operator that is kept: the sink has it if nothing is known of it. To be called for all of them in
  /// their order.
  void hand_over(spelled::Sum value) {
    const std::optional<spelled::Half> half = spelled::half_of(value, parameters_);
    failed_ |= value == 0 ? handed_over_ : !half;
    if (!half) return;
    handed_over_ = true;
    const auto number = static_cast<std::size_t>(*half);
    uses_[number] = true;
    keep([&](Sink& sink) { sink.local_get(homes_[number]); });
  }
  /// Leaves the halves in their homes, as the function begins.
  void multiply(std::uint64_t module_offset) {
    const auto give = [&](auto call) {
      sink_->at(module_offset);
      call();
    };
    const auto get = [&](std::uint32_t local) { give([&] { sink_->local_get(local); }); };
    const auto apply = [&](Op op) { give([&] { sink_->numeric(op); }); };
    const bool has_high_halves = parameters_ == 5;
    const std::uint32_t right = has_high_halves ? 3 : 2;
    get(1);
    get(right);
    apply(Op::kI64MulWideU);
    if (has_high_halves) {
      const std::array<std::array<std::uint32_t, 2>, 2> crosses = {{{1, 4}, {2, 3}}};
      for (const auto& cross : crosses) {
        get(cross[0]);
        get(cross[1]);
        apply(Op::kI64Mul);
        apply(Op::kI64Add);
      }
    }
    give([&] { sink_->local_set(homes_[1]); });
    give([&] { sink_->local_set(homes_[0]); });
  }

  const Module& module_;
  Sink* const sink_;  ///< not owned; null: there is none yet
  const Homes homes_;
  std::uint64_t offset_ = 0;
  std::uint32_t parameters_ = 0;
  bool failed_ = false;
  bool pending_ = false;      ///< at() was called, and no operator yet
  bool handed_over_ = false;  ///< a half, to the operator that comes
  std::array<bool, 2> uses_{};
  std::size_t height_ = 0;
  std::array<spelled::Sum, kOperands> stack_{};
  std::array<spelled::Sum, kLocals> locals_{};
  std::array<bool, kLocals> written_{};  ///< by the sink
};

/// Validates a function as FunctionValidator::validate does, and hands it over with its product as one operator, if it
/// spells one out.
/// @param validator  of the module.
template <OperatorSink Sink>
[[nodiscard]] Result<void> validate_spelled(FunctionValidator& validator, const Module& module,
                                            std::uint32_t defined_index, Sink& sink) {
  if (spelled::may_multiply(module, defined_index)) {
    SpelledProduct<Sink> product(module, nullptr, {});
    if (auto valid = validator.validate(defined_index, product); !valid) return valid;
    if (const auto homes = product.homes()) {
      SpelledProduct<Sink> replacement(module, &sink, *homes);
      return validator.validate(defined_index, replacement);
    }
  }
  return validator.validate(defined_index, sink);
}

}  // namespace anew::wasm
