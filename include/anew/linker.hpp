// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// What a module imports: host functions, from any C++ callable, and values, memories, tables and other modules.
#pragma once

#include <anew/engine.hpp>
#include <anew/error.hpp>
#include <anew/memory_view.hpp>
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

namespace anew {

/// What a host function knows of the instance that calls it. Valid during the call, on its thread, only.
class Caller {
 public:
  /// For the library's own folders.
  Caller(std::byte* cell) noexcept : cell_(cell) {}
  /// Memory 0, of size 0 if there is none.
  [[nodiscard]] MemoryView memory() const noexcept { return MemoryView(cell_); }
  /// An exported memory. @return kNotFound, or kArgument if the export is no memory.
  [[nodiscard]] Result<MemoryView> memory(std::string_view export_name) const;
  /// The instance's object of PoolOptions::make_host_state, or null.
  [[nodiscard]] void* host_state() const noexcept;
  /// The value of an exported global. @return kNotFound, or kArgument if the export is no global.
  [[nodiscard]] Result<Value> global(std::string_view export_name) const;
  /// Whether the call is to end as soon as the host function returns: its deadline has passed, or its pool shuts down.
  /// A host function that works long asks now and then, and returns any error. Costs a few instructions.
  [[nodiscard]] bool stopping() const noexcept;

  /// For the library's own folders.
  [[nodiscard]] std::byte* cell() const noexcept { return cell_; }

 private:
  std::byte* cell_;
};

namespace detail {

struct LinkerState;

/// What a linker keeps of a host function: its type, and a call through slots.
struct HostDefinition {
  FunctionType type;
  std::uint32_t (*call)(void* environment, std::byte* cell, std::uint64_t* slots);
  std::shared_ptr<void> environment;
};

/// Keeps the error of a host function for the trap that it raises; returns TrapKind::kHostError.
std::uint32_t raise_host_error(Error&& error) noexcept;
/// The same for an exception, in flight when called.
std::uint32_t raise_host_exception() noexcept;

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
  using Arguments = std::tuple<std::remove_cvref_t<A>...>;
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
  using Arguments = std::tuple<std::remove_cvref_t<A>...>;
};

/// Says in the compiler's error what is wrong with a host function, rather than let it fail somewhere within.
template <typename Callable, typename Return, bool kCaller, typename... A>
constexpr void check_host_function() {
  using Value = typename ResultTraits<Return>::Value;
  static_assert((WasmValue<A> && ...),
                "a host function's parameters are integers of 32 or 64 bits, bool, float or double, and Caller as the "
                "first; take an address and a length of the guest's memory for anything else (Caller::memory)");
  static_assert(std::is_void_v<Value> || WasmValue<Value>,
                "a host function returns void, an integer of 32 or 64 bits, bool, float or double, or a Result of one "
                "of these; write anything else to the guest's memory (Caller::memory)");
  if constexpr (kCaller) {
    static_assert(std::is_invocable_v<Callable&, Caller&, A...>,
                  "a host function takes Caller, Caller& or const Caller&, then its arguments by value");
  } else {
    static_assert(std::is_invocable_v<Callable&, A...>, "a host function takes its arguments by value");
  }
}

template <typename F, typename Return, bool kCaller, typename... A>
HostDefinition make_host_definition(F&& function) {
  using Callable = std::decay_t<F>;
  using Traits = ResultTraits<Return>;
  using Value = typename Traits::Value;
  check_host_function<Callable, Return, kCaller, A...>();
  HostDefinition definition;
  definition.type.parameters = {ValueTraits<A>::kType...};
  if constexpr (!std::is_void_v<Value>) definition.type.results = {ValueTraits<Value>::kType};
  definition.environment = std::make_shared<Callable>(std::forward<F>(function));
  definition.call = [](void* environment, std::byte* cell, std::uint64_t* slots) -> std::uint32_t {
    auto& callable = *static_cast<Callable*>(environment);  // the environment made above, of this very type
    try {
      auto invoke = [&]<std::size_t... I>(std::index_sequence<I...>) -> Return {
        if constexpr (kCaller) {
          Caller caller(cell);
          return callable(caller, ValueTraits<A>::from_slot(slots[I])...);
        } else {
          return callable(ValueTraits<A>::from_slot(slots[I])...);
        }
      };
      using Indices = std::index_sequence_for<A...>;
      if constexpr (Traits::kFallible) {
        auto result = invoke(Indices{});
        if (!result) [[unlikely]]
          return raise_host_error(std::move(result.error()));
        if constexpr (!std::is_void_v<Value>) slots[0] = ValueTraits<Value>::to_slot(*result);
      } else if constexpr (std::is_void_v<Value>) {
        invoke(Indices{});
      } else {
        slots[0] = ValueTraits<Value>::to_slot(invoke(Indices{}));
      }
      return 0;
    } catch (...) {
      return raise_host_exception();
    }
  };
  return definition;
}

}  // namespace detail

/// Host functions and values by module and field name. Fill it from one thread; then share it freely. Copies share what
/// is defined. A pool keeps what it was linked to: the linker may go, and later definitions change nothing for it.
class Linker {
 public:
  Linker();

  /// Defines a host function from any callable. Parameters and result are C++ integers (32 or 64 bits), bool, float or
  /// double; a first parameter of type Caller (or Caller&) gives access to the calling instance; a result of type
  /// Result<T> may fail, which traps the guest with the error's message, and so does an exception. A later definition
  /// of the same name replaces the earlier one. The one callable is called for all instances, from all their threads,
  /// maybe at once. It may call another lease or pool, 64 calls deep at most.
  template <typename F>
  void define(std::string_view module, std::string_view name, F&& function) {
    using Traits = detail::CallableTraits<std::decay_t<F>>;
    define_raw(module, name, []<typename... A>(F&& callable, std::type_identity<std::tuple<A...>>) {
      return detail::make_host_definition<F, typename Traits::Return, false, A...>(std::forward<F>(callable));
    }(std::forward<F>(function), std::type_identity<typename Traits::Arguments>{}));
  }
  /// The same for a callable whose first parameter is a Caller.
  template <typename F>
    requires(
        std::tuple_size_v<typename detail::CallableTraits<std::decay_t<F>>::Arguments> > 0 &&
        std::is_same_v<std::tuple_element_t<0, typename detail::CallableTraits<std::decay_t<F>>::Arguments>, Caller>)
  void define(std::string_view module, std::string_view name, F&& function) {
    using Traits = detail::CallableTraits<std::decay_t<F>>;
    define_raw(module, name, []<typename... A>(F&& callable, std::type_identity<std::tuple<Caller, A...>>) {
      return detail::make_host_definition<F, typename Traits::Return, true, A...>(std::forward<F>(callable));
    }(std::forward<F>(function), std::type_identity<typename Traits::Arguments>{}));
  }

  /// Defines a host function by its slots, for bindings made at run time: reads arguments from and writes results to
  /// the slots (see Value; a v128 takes two), of which there are as many as the parameters or the results take,
  /// whichever are more. May fail. A funcref that it returns must have come from the instances that it is linked to,
  /// and an exnref must be null.
  void define(std::string_view module, std::string_view name, FunctionType type,
              std::function<Result<void>(Caller, std::span<std::uint64_t>)> function);
  /// An immutable global.
  void define_global(std::string_view module, std::string_view name, Value value);
  /// A memory that is made for each instance that imports it. @param limits  in Wasm pages of 64 KiB. The size is the
  /// larger of this minimum and the import's; the maximum, if none is given, is the import's.
  void define_memory(std::string_view module, std::string_view name, Limits limits);
  /// A table that is made for each instance that imports it, with null elements; of a type that null belongs to.
  void define_table(std::string_view module, std::string_view name, TableType type);
  /// A module whose exports are importable under `name`. Every instance of a pool gets its own instance of it, made
  /// before the main one, in the order of these definitions, and linked like it: by this linker and to the modules
  /// defined before it. They are one closed group: leased, restored and audited together.
  void define_module(std::string_view name, const Module& module);
  /// Every function import that is not defined links to a host function that traps with "not implemented: NAME".
  void trap_unknown_functions();

  /// For the library's own folders.
  void define_raw(std::string_view module, std::string_view name, detail::HostDefinition definition);
  [[nodiscard]] const std::shared_ptr<detail::LinkerState>& state() const noexcept { return state_; }

 private:
  std::shared_ptr<detail::LinkerState> state_;
};

}  // namespace anew
