// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// How Linker::define_state keeps a state of any type, and how it is found again by its type. The public API of it is
// Linker::define_state, Caller::state and Lease::find_state.
#pragma once

#include <anew/error.hpp>
#include <functional>
#include <memory>
#include <string_view>
#include <type_traits>
#include <utility>

namespace anew::detail {

/// What tells a type of state from all others: where its object lies. The name is for messages.
struct StateType {
  std::string_view name;
};

/// "Journal", with its namespaces.
template <typename T>
[[nodiscard]] constexpr std::string_view type_name() noexcept {
  // GCC: "... type_name() [with T = Journal; std::string_view = ...]"; Clang: "... type_name() [T = Journal]".
  constexpr std::string_view kFunction = __PRETTY_FUNCTION__;
  constexpr std::string_view kBefore = "T = ";
  constexpr std::size_t kBegin = kFunction.find(kBefore) + kBefore.size();
  return kFunction.substr(kBegin, kFunction.find_first_of(";]", kBegin) - kBegin);
}

/// Not constant: a linker may merge equal constants, and types of one name in different files are different types.
template <typename T>
inline constinit StateType kStateType{type_name<T>()};

/// A state that a store holds.
class AnyState {
 public:
  AnyState() = default;
  AnyState(const AnyState&) = delete;
  AnyState& operator=(const AnyState&) = delete;
  virtual ~AnyState() = default;
};

template <typename T>
class TypedState final : public AnyState {
 public:
  /// The value is what `make` returns, not a copy of it: it may be of a type that cannot be moved.
  template <typename Make>
  explicit TypedState(const Make& make) : value_(make()) {}
  [[nodiscard]] T& value() noexcept { return value_; }

 private:
  T value_;
};

/// @param state  that of kStateType<T>, or null. @return its value, or null.
template <typename T>
[[nodiscard]] T* value_of(AnyState* state) noexcept {
  return state != nullptr ? &static_cast<TypedState<T>*>(state)->value() : nullptr;
}

/// What a Linker keeps of a state: how it is made and put back. Used by several threads at once.
class StateDefinition {
 public:
  explicit StateDefinition(const StateType& type) noexcept : type_(type) {}
  StateDefinition(const StateDefinition&) = delete;
  StateDefinition& operator=(const StateDefinition&) = delete;
  virtual ~StateDefinition() = default;

  [[nodiscard]] const StateType& type() const noexcept { return type_; }
  /// May throw what the embedder's functions throw, as reset() may.
  [[nodiscard]] virtual Result<std::unique_ptr<AnyState>> make() const = 0;
  /// Makes a state as new, if need be by making another one; null if that fails.
  [[nodiscard]] virtual Result<void> reset(std::unique_ptr<AnyState>& state) const = 0;

 private:
  const StateType& type_;
};

template <typename T>
struct ResultTraits {
  using Value = T;
  static constexpr bool kFallible = false;
};
template <typename T>
struct ResultTraits<Result<T>> {
  using Value = T;
  static constexpr bool kFallible = true;
};

/// Makes a state where the embedder says nothing else.
template <typename T>
struct MakeDefault {
  [[nodiscard]] T operator()() const { return T(); }
};
/// Says that a state is reset by making another one.
struct MakeAgain {};

template <typename T, typename Make, typename Reset>
class TypedStateDefinition final : public StateDefinition {
 public:
  TypedStateDefinition(Make makes, Reset resets)
      : StateDefinition(kStateType<T>), make_(std::move(makes)), reset_(std::move(resets)) {}

  [[nodiscard]] Result<std::unique_ptr<AnyState>> make() const override {
    if constexpr (ResultTraits<std::invoke_result_t<const Make&>>::kFallible) {
      auto made = make_();
      if (!made) return std::unexpected(std::move(made.error()));
      return std::make_unique<TypedState<T>>([&made]() -> T { return std::move(*made); });
    } else {
      return std::make_unique<TypedState<T>>(make_);
    }
  }

  [[nodiscard]] Result<void> reset(std::unique_ptr<AnyState>& state) const override {
    if constexpr (std::is_same_v<Reset, MakeAgain>) {
      state.reset();  // first, so that it gives back what the new one may want to take
      auto made = make();
      if (!made) return std::unexpected(std::move(made.error()));
      state = std::move(*made);
    } else {
      std::invoke(reset_, *value_of<T>(state.get()));
    }
    return {};
  }

 private:
  Make make_;
  Reset reset_;
};

/// Says in the compiler's error what is wrong with a state.
template <typename T, typename Make, typename Reset>
constexpr void check_state() {
  static_assert(std::is_object_v<T> && !std::is_array_v<T> && std::is_same_v<T, std::remove_cv_t<T>>,
                "a host state is an object, no reference, not const and no array");
  static_assert(std::is_invocable_v<const Make&>,
                "a host state is made by a function without parameters that may be called by several threads at once, "
                "so by a constant object: no mutable lambda");
  if constexpr (std::is_invocable_v<const Make&>) {
    static_assert(std::is_convertible_v<typename ResultTraits<std::invoke_result_t<const Make&>>::Value, T> ||
                      std::is_same_v<typename ResultTraits<std::invoke_result_t<const Make&>>::Value, T>,
                  "what makes a host state returns it, or a Result of it");
  }
  if constexpr (!std::is_same_v<Reset, MakeAgain>) {
    static_assert(std::is_invocable_v<const Reset&, T&>,
                  "a host state is reset by one of its member functions, or by a function that takes it by reference; "
                  "several threads may call it at once, each with another state");
  }
}

}  // namespace anew::detail
