// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// What a module imports: host functions, from any C++ callable, with their states, and values, memories, tables and
// other modules.
#pragma once

#include <algorithm>
#include <anew/async.hpp>
#include <anew/caller.hpp>
#include <anew/engine.hpp>
#include <anew/error.hpp>
#include <anew/host_state.hpp>
#include <anew/value.hpp>
#include <array>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <tuple>
#include <type_traits>
#include <utility>
#include <vector>

namespace anew {

namespace detail {

struct LinkerState;

/// What a linker keeps of a host function: its type, and a call through slots.
struct HostDefinition {
  FunctionType type;
  std::uint32_t (*call)(void* environment, std::byte* cell, std::uint64_t* slots);
  std::shared_ptr<void> environment;
  std::vector<const StateType*> states = {};  ///< that it takes as parameters
};

/// Keeps the error of a host function for the trap that it raises; returns TrapKind::kHostError.
ANEW_API std::uint32_t raise_host_error(Error&& error) noexcept;
/// The same for an exception, in flight when called.
ANEW_API std::uint32_t raise_host_exception() noexcept;
/// Looks at the references that a host function returned to the cell's guest: functions must be of its store.
/// @return 0, or TrapKind::kHostError.
[[nodiscard]] ANEW_API std::uint32_t check_returned(std::byte* cell, std::span<const ValueType> types,
                                                    const std::uint64_t* slots);

/// The types of a callable's parameters, as they were written.
template <typename... P>
struct Parameters {};

/// Whether it is a function or an object that is called in one way only.
template <typename F>
concept HasOneSignature = std::is_function_v<std::remove_pointer_t<F>> || requires { &F::operator(); };

template <typename F>
struct CallableTraits {
  static_assert(HasOneSignature<F>,
                "a host function is a function, a lambda or an object with one operator(), whose parameter types are "
                "written out: not auto, not overloaded; name the one you mean, or wrap it in a lambda");
};
template <typename F>
  requires requires { &F::operator(); }
struct CallableTraits<F> : CallableTraits<decltype(&F::operator())> {};
template <typename C, typename R, typename... A>
struct CallableTraits<R (C::*)(A...) const> {
  using Return = R;
  using Takes = Parameters<A...>;
};
template <typename C, typename R, typename... A>
struct CallableTraits<R (C::*)(A...)> : CallableTraits<R (C::*)(A...) const> {};
template <typename C, typename R, typename... A>
struct CallableTraits<R (C::*)(A...) const noexcept> : CallableTraits<R (C::*)(A...) const> {};
template <typename C, typename R, typename... A>
struct CallableTraits<R (C::*)(A...) noexcept> : CallableTraits<R (C::*)(A...) const> {};
template <typename R, typename... A>
struct CallableTraits<R (*)(A...)> {
  using Return = R;
  using Takes = Parameters<A...>;
};

template <typename P>
inline constexpr bool kIsCaller = std::is_same_v<std::remove_cvref_t<P>, Caller>;
template <typename P>
inline constexpr bool kIsState = std::is_lvalue_reference_v<P> && std::is_class_v<std::remove_reference_t<P>> &&
                                 !std::is_const_v<std::remove_reference_t<P>> && !kIsCaller<P>;
/// Whether what is passed for the parameter comes from the guest.
template <typename P>
inline constexpr bool kIsArgument = !kIsCaller<P> && !kIsState<P>;
/// Where each parameter's argument begins, in slots.
template <typename... P>
inline constexpr std::array<std::size_t, sizeof...(P)> kPlaces =
    places(std::array<std::size_t, sizeof...(P)>{kIsArgument<P> ? kSlots<std::remove_cvref_t<P>> : 0 ...});

template <typename P>
using Passed = std::conditional_t<kIsCaller<P>, Caller&, std::conditional_t<kIsState<P>, P, std::remove_cvref_t<P>>>;

/// What is passed for a parameter. @param slot  where its argument begins, if it has one.
template <typename P>
[[nodiscard]] Passed<P> pass(Caller& caller, const std::uint64_t* slot) {
  if constexpr (kIsCaller<P>)
    return caller;
  else if constexpr (kIsState<P>)
    return caller.state<std::remove_cvref_t<P>>();
  else
    return ValueTraits<Passed<P>>::read(slot);
}

/// Says in the compiler's error what is wrong with a host function, rather than let it fail somewhere within.
template <typename Callable, typename Return, typename... P>
constexpr void check_host_function() {
  using Value = typename ResultTraits<Return>::Value;
  static_assert(((!kIsArgument<P> || WasmValue<std::remove_cvref_t<P>>) && ...),
                "a host function's parameters are integers of 32 or 64 bits, bool, float, double, V128, "
                "FunctionReference or ExternReference, and before them Caller and host states by reference; take an "
                "address and a length of the guest's memory for anything else (Caller::memory)");
  static_assert(Results<Value>::kValid,
                "a host function returns void, an integer of 32 or 64 bits, bool, float, double, V128, "
                "FunctionReference or ExternReference, a std::tuple of several of these, or a Result of any of them; "
                "write anything else to the guest's memory (Caller::memory)");
  constexpr std::array<bool, sizeof...(P)> kArguments = {kIsArgument<P>...};
  static_assert(std::ranges::is_sorted(kArguments),
                "a host function takes Caller and host states before its arguments");
  static_assert(std::is_invocable_v<Callable&, Passed<P>...>,
                "a host function takes its arguments by value, and Caller by value or reference");
}

template <typename P>
void add_parameter(HostDefinition& definition) {
  using T = std::remove_cvref_t<P>;
  if constexpr (kIsArgument<P>) definition.type.parameters.push_back(ValueTraits<T>::kType);
  if constexpr (kIsState<P>) definition.states.push_back(&kStateType<T>);
}

template <typename... P>
void add_parameters(HostDefinition& definition, Parameters<P...>) {
  (add_parameter<P>(definition), ...);
}

template <typename F, typename Return, typename... P>
HostDefinition make_host_definition(F&& function, Parameters<P...>) {
  using Callable = std::decay_t<F>;
  using Traits = ResultTraits<Return>;
  using Value = typename Traits::Value;
  check_host_function<Callable, Return, P...>();
  HostDefinition definition;
  add_parameters(definition, Parameters<P...>{});
  constexpr std::span<const ValueType> kResults = Results<Value>::types();
  definition.type.results = {kResults.begin(), kResults.end()};
  definition.environment = std::make_shared<Callable>(std::forward<F>(function));
  definition.call = [](void* environment, std::byte* cell, std::uint64_t* slots) -> std::uint32_t {
    auto& callable = *static_cast<Callable*>(environment);  // the environment made above, of this very type
    try {
      auto invoke = [&]<std::size_t... I>(std::index_sequence<I...>) -> Return {
        [[maybe_unused]] Caller caller = MakesCallers::of(cell);
        return callable(pass<P>(caller, slots + kPlaces<P...>[I])...);
      };
      using Indices = std::index_sequence_for<P...>;
      if constexpr (Traits::kFallible) {
        auto result = invoke(Indices{});
        if (!result) [[unlikely]]
          return raise_host_error(std::move(result.error()));
        if constexpr (!std::is_void_v<Value>) Results<Value>::write(*result, slots);
      } else if constexpr (std::is_void_v<Value>) {
        invoke(Indices{});
      } else {
        Results<Value>::write(invoke(Indices{}), slots);
      }
      if constexpr (Results<Value>::kHasReferences) return check_returned(cell, Results<Value>::types(), slots);
      return 0;
    } catch (...) {
      return raise_host_exception();
    }
  };
  return definition;
}

/// The result that a host function gives later, from its last parameter.
template <typename T>
struct CompletionTraits {
  static constexpr bool kIsCompletion = false;
};
template <typename R>
struct CompletionTraits<Completion<R>> {
  static constexpr bool kIsCompletion = true;
  using Value = R;
};

/// All of these types but the last.
template <typename... P, std::size_t... I>
Parameters<std::tuple_element_t<I, std::tuple<P...>>...> without_last(std::index_sequence<I...>);

/// @tparam R  what the Completion is of. @tparam P  what the function takes before it.
template <typename Callable, typename Return, typename R, typename... P>
std::uint32_t call_async(void* environment, std::byte* cell, std::uint64_t* slots, Parameters<P...>) {
  auto& callable = *static_cast<Callable*>(environment);  // make_async_definition made it, of this very type
  try {
    [[maybe_unused]] Caller caller = MakesCallers::of(cell);
    std::shared_ptr<Wait> wait = make_wait();
    auto invoke = [&]<std::size_t... I>(std::index_sequence<I...>) -> Return {
      return callable(pass<P>(caller, slots + kPlaces<P...>[I])...,
                      Completion<R>(std::make_shared<const Promise>(wait)));
    };
    if constexpr (std::is_void_v<Return>)
      invoke(std::index_sequence_for<P...>{});
    else if (auto result = invoke(std::index_sequence_for<P...>{}); !result)
      return raise_host_error(std::move(result.error()));
    return wait_for(std::move(wait), slots);
  } catch (...) {
    return raise_host_exception();
  }
}

template <typename F, typename Return, typename... P>
HostDefinition make_async_definition(F&& function, Parameters<P...>) {
  using Callable = std::decay_t<F>;
  static_assert(sizeof...(P) > 0, "a host function that completes later takes a Completion as its last parameter");
  using Last = CompletionTraits<std::remove_cvref_t<std::tuple_element_t<sizeof...(P) - 1, std::tuple<P...>>>>;
  static_assert(Last::kIsCompletion, "a host function that completes later takes a Completion as its last parameter");
  static_assert(std::is_void_v<Return> || std::is_same_v<Return, Result<void>>,
                "a host function that completes later returns void, or a Result<void> if it may fail at once");
  using Value = typename Last::Value;
  using Taken = decltype(without_last<P...>(std::make_index_sequence<sizeof...(P) - 1>{}));
  HostDefinition definition;
  add_parameters(definition, Taken{});
  constexpr std::span<const ValueType> kResults = Results<Value>::types();
  definition.type.results = {kResults.begin(), kResults.end()};
  definition.environment = std::make_shared<Callable>(std::forward<F>(function));
  definition.call = [](void* environment, std::byte* cell, std::uint64_t* slots) -> std::uint32_t {
    return call_async<Callable, Return, Value>(environment, cell, slots, Taken{});
  };
  return definition;
}

}  // namespace detail

/// Whether guests may set a global.
enum class Mutability : std::uint8_t { kImmutable, kMutable };

/// Host functions and values by module and field name. Fill it from one thread; then share it freely. Copies share what
/// is defined. A pool keeps what it was linked to: the linker may go, and later definitions change nothing for it.
class ANEW_API Linker {
 public:
  Linker();

  /// Defines a host function from any callable. Parameters and result are C++ integers (32 or 64 bits), bool, float,
  /// double, V128, FunctionReference or ExternReference; several results are a std::tuple. A function that it returns
  /// must have come from the instances that it is linked to. Before its arguments it may take Caller (or Caller&), for
  /// access to the calling instance, and states of the store (define_state) that are of class types, by reference. A
  /// result of type Result<T> may fail, which traps the guest with the error's message, and so does an exception. A
  /// later definition of the same name replaces the earlier one. The one callable is called for all instances, from all
  /// their threads, maybe at once. It may call the guest that calls it (Caller), another lease or pool, 64 calls deep
  /// at most.
  template <typename F>
  void define(std::string_view module, std::string_view name, F&& function) {
    using Traits = detail::CallableTraits<std::decay_t<F>>;
    define_raw(
        module, name,
        detail::make_host_definition<F, typename Traits::Return>(std::forward<F>(function), typename Traits::Takes{}));
  }

  /// Defines a host function that may give its result later (anew/async.hpp). Its last parameter is a Completion<R>; R
  /// is its result. It returns at once, void or a Result<void>, and has somebody complete it. A call that was begun by
  /// Lease::start waits without a thread; any other keeps its thread until the result is there or its deadline passes.
  /// What it takes before that, Caller and host states too, is good until it returns.
  template <typename F>
  void define_async(std::string_view module, std::string_view name, F&& function) {
    using Traits = detail::CallableTraits<std::decay_t<F>>;
    define_raw(
        module, name,
        detail::make_async_definition<F, typename Traits::Return>(std::forward<F>(function), typename Traits::Takes{}));
  }

  /// Defines a state that host functions keep for the guests that call them: one T for each store, so for each lease,
  /// shared by the instances that are linked to one another. They reach it as a parameter, `T&`, or by Caller::state.
  /// Host modules need not know of one another: each defines the types that are its own. A later definition of the same
  /// type replaces the earlier one. A T is used by one thread at a time, that of the lease or of the restore.
  /// @param make   returns a T or a Result<T>; by default T(). Called for each instance that is made, from the thread
  ///               that makes it, maybe by several at once; and when a snapshot is taken while host functions run. What
  ///               they do to it then, in a prelude, is no part of the snapshot. T may be of a type that does not move.
  /// @param reset  puts a T back to what `make` returns, for the instance's next lease: a member function (&T::clear)
  ///               or a function that takes T&. By default the T is destroyed and another one made. Called at each
  ///               restore, after the memory is restored. An instance whose state cannot be reset, because one of the
  ///               two throws or fails, is destroyed, and made anew when it is needed.
  template <typename T, typename Make = detail::MakeDefault<T>, typename Reset = detail::MakeAgain>
  void define_state(Make make = {}, Reset reset = {}) {
    detail::check_state<T, Make, Reset>();
    define_raw(std::make_shared<const detail::TypedStateDefinition<T, Make, Reset>>(std::move(make), std::move(reset)));
  }

  /// Defines a host function by its slots, for bindings made at run time: reads arguments from and writes results to
  /// the slots (see Value; a v128 takes two), of which there are as many as the parameters or the results take,
  /// whichever are more. May fail. A funcref that it returns must have come from the instances that it is linked to,
  /// and an exnref must be null.
  void define(std::string_view module, std::string_view name, FunctionType type,
              std::function<Result<void>(Caller, std::span<std::uint64_t>)> function);
  // Memories, tables and mutable globals are guests' state: each store has its own of one name, made when the first of
  // its instances imports it. All others of the store that import the name share it, as modules that are linked
  // dynamically do (env.memory, env.__indirect_function_table, env.__stack_pointer), and it is restored with them. Code
  // of the one that imported a memory first is the fastest.

  /// A global. @param value  of a mutable one, what it begins with. A reference to a function can be null only.
  void define_global(std::string_view module, std::string_view name, Value value,
                     Mutability mutability = Mutability::kImmutable);
  /// A memory. @param limits  in Wasm pages of 64 KiB. The size is the larger of this minimum and that of the import
  /// that it is made for; the maximum, if none is given, is that import's. Imports that share it must fit what it is
  /// then, so give limits that suit all.
  void define_memory(std::string_view module, std::string_view name, Limits limits);
  /// A table, with null elements; of a type that null belongs to.
  void define_table(std::string_view module, std::string_view name, TableType type);
  /// A module whose exports are importable under `name`. Every instance of a pool gets its own instance of it, made
  /// before the main one, in the order of these definitions, and linked like it: by this linker and to the modules
  /// defined before it. They are one closed group: leased, restored and audited together.
  void define_module(std::string_view name, const Module& module);
  /// Every function import that is not defined links to a host function that traps with "not implemented: NAME".
  void trap_unknown_functions();

  /// For the library's own folders.
  void define_raw(std::string_view module, std::string_view name, detail::HostDefinition definition);
  void define_raw(std::shared_ptr<const detail::StateDefinition> state);
  [[nodiscard]] const std::shared_ptr<detail::LinkerState>& state() const noexcept { return state_; }

 private:
  std::shared_ptr<detail::LinkerState> state_;
};

}  // namespace anew
