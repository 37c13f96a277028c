// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// What a host function knows of the instance that calls it.
#pragma once

#include <anew/error.hpp>
#include <anew/function.hpp>
#include <anew/host_state.hpp>
#include <anew/memory_view.hpp>
#include <anew/value.hpp>
#include <cstddef>
#include <span>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

namespace anew {

namespace detail {
/// Throws what says in the trap of the host function that its store has no such state.
[[noreturn]] ANEW_API void throw_missing_state(const StateType& type);
struct MakesCallers;
}  // namespace detail

/// The instance that calls a host function. Valid during the call, on its thread, only; cheap to copy.
///
/// Calls of the guest's own functions nest in the call that the host function is part of: the same store, the same
/// deadline and canceller, what that call has left of fuel and stack, and 64 calls within one another at most. A trap
/// ends the nested call alone. The host function may return its error, which ends the call around it too, with both
/// backtraces, or go on in a store that is as the trap left it; the lease is restored whole when it goes. What stops a
/// call from outside, a deadline, a Canceller or Pool::shutdown, stops those around it too, when the host function
/// returns.
class ANEW_API Caller {
 public:
  /// Memory 0, of size 0 if there is none.
  [[nodiscard]] MemoryView memory() const noexcept;
  /// An exported memory. @return kNotFound, or kArgument if the export is no memory.
  [[nodiscard]] Result<MemoryView> memory(std::string_view export_name) const;
  /// The value of an exported global. @return kNotFound, or kArgument if the export is no global.
  [[nodiscard]] Result<Value> global(std::string_view export_name) const;

  /// The store's state of that type (Linker::define_state), which the instances of the store share. A host function
  /// that takes it as a parameter, as a `T&`, is not linked where there is none. Good until the lease is given back.
  /// @throws std::logic_error if the store has none; in a host function that is a trap with words.
  template <typename T>
  [[nodiscard]] T& state() const {
    if (T* const found = find_state<T>(); found != nullptr) [[likely]]
      return *found;
    detail::throw_missing_state(detail::kStateType<T>);
  }
  /// The same, or null if the store has none.
  template <typename T>
  [[nodiscard]] T* find_state() const noexcept {
    return detail::value_of<T>(find_any_state(detail::kStateType<T>));
  }

  /// Calls a function that the instance exports, such as its allocator; see above.
  /// @return the result, or kTrap; kArgument if the handle was found in another module or pool.
  template <typename R, typename... A>
  [[nodiscard]] Result<R> call(const Function<R(A...)>& function, std::type_identity_t<A>... arguments) const {
    return detail::call(instance(), function, arguments...);
  }
  /// The same by name, checking that the C++ types are those of the function: caller.call<std::uint32_t>("malloc", 8u).
  /// R may be void. @return the result, or kNotFound, kArgument, kTrap.
  template <typename R = void, typename... A>
  [[nodiscard]] Result<R> call(std::string_view export_name, A... arguments) const {
    auto found = function<R(A...)>(export_name);
    if (!found) return std::unexpected(std::move(found.error()));
    return call(*found, arguments...);
  }
  /// The same with values whose types are known at run time only, as Instance::call_values.
  [[nodiscard]] Result<std::vector<Value>> call_values(std::string_view export_name,
                                                       std::span<const Value> arguments) const;
  /// Finds an exported function and checks its type against the C++ signature. The handle is good for all instances of
  /// the pool that are of this module: a host state may keep it.
  /// @return kNotFound, with near matches in the message; kArgument if the type is another one.
  template <typename Signature>
  [[nodiscard]] Result<Function<Signature>> function(std::string_view export_name) const {
    return detail::find_typed(module(), export_name, static_cast<Signature*>(nullptr));
  }

  /// Whether the call is to end as soon as the host function returns: its deadline has passed, or its pool shuts down.
  /// A host function that works long asks now and then, and returns any error. Costs a few instructions.
  [[nodiscard]] bool stopping() const noexcept;

 private:
  friend struct detail::MakesCallers;
  explicit Caller(std::byte* cell) noexcept : cell_(cell) {}
  [[nodiscard]] detail::Instance& instance() const noexcept;
  [[nodiscard]] const detail::LinkedModule& module() const noexcept;
  [[nodiscard]] detail::AnyState* find_any_state(const detail::StateType& type) const noexcept;

  std::byte* cell_;
};

/// What compiled code calls gets a cell.
struct detail::MakesCallers {
  [[nodiscard]] static Caller of(std::byte* cell) noexcept { return Caller(cell); }
};

}  // namespace anew
