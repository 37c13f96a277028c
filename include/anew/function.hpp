// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Typed handles of a guest's functions: found once by name, called through a Lease or, by a host function, through its
// Caller.
#pragma once

#include <anew/error.hpp>
#include <anew/value.hpp>
#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>
#include <type_traits>
#include <utility>

namespace anew {

namespace detail {
struct Instance;
struct LinkedModule;

/// What a call needs to know of an exported function; found once by name, valid as long as the pool.
struct FunctionHandle {
  const std::byte* thunk = nullptr;  ///< the entry thunk of its type
  std::int32_t reference = 0;  ///< where the function's reference lies in a cell: what runs may be another instance's
  const FunctionType* type = nullptr;
  const LinkedModule* owner = nullptr;  ///< that it was found in: no other's instance runs it
  std::uint64_t stack_bytes = 0;        ///< of the guest stack that it runs on
};

/// Calls a guest function through its slots. @return 0, or the TrapKind.
[[nodiscard]] std::uint32_t invoke(Instance& instance, const FunctionHandle& function, std::uint64_t* slots) noexcept;
/// The Error for the trap that just ended a call of this instance, with its backtrace.
[[nodiscard]] Error make_trap_error(Instance& instance, std::uint32_t kind) noexcept;
/// Finds an exported function of that type. @return kNotFound, or kArgument if it is of another type.
[[nodiscard]] Result<FunctionHandle> find_function(const LinkedModule& module, std::string_view export_name,
                                                   std::span<const ValueType> parameters,
                                                   std::span<const ValueType> results);

template <typename... T>
inline constexpr std::array<ValueType, sizeof...(T)> kTypes = {ValueTraits<T>::kType...};
template <>
inline constexpr std::array<ValueType, 0> kTypes<void> = {};
}  // namespace detail

/// A typed handle of an exported function: `pool.function<std::uint32_t(std::uint32_t, std::uint32_t)>("add")`. Its
/// types are 32- and 64-bit integers, bool, float and double, its result one of these or void; for all others there is
/// call_values. Cheap to copy; good for the instances of the module and pool that it was found in, and as long as that
/// pool.
template <typename Signature>
class Function;
template <typename R, typename... A>
class Function<R(A...)> {
 public:
  /// For the library's own folders, as handle() is.
  explicit Function(const detail::FunctionHandle& handle) noexcept : handle_(handle) {}
  [[nodiscard]] const detail::FunctionHandle& handle() const noexcept { return handle_; }

 private:
  detail::FunctionHandle handle_;
};

namespace detail {

/// Inlined, as Lease::call and Caller::call are: it is a few instructions beside the call.
template <typename R, typename... A>
[[nodiscard, gnu::always_inline]] inline Result<R> call(Instance& instance, const Function<R(A...)>& function,
                                                        std::type_identity_t<A>... arguments) {
  std::uint64_t slots[sizeof...(A) > 0 ? sizeof...(A) : 1] = {ValueTraits<A>::to_slot(arguments)...};
  if (const std::uint32_t trap = invoke(instance, function.handle(), slots); trap != 0) [[unlikely]]
    return std::unexpected(make_trap_error(instance, trap));
  if constexpr (!std::is_void_v<R>)
    return ValueTraits<R>::from_slot(slots[0]);
  else
    return {};
}

/// Finds a function and checks its type against the C++ signature, which comes as the type of a null pointer.
template <typename R, typename... A>
[[nodiscard]] Result<Function<R(A...)>> find_typed(const LinkedModule& module, std::string_view export_name,
                                                   R (*)(A...)) {
  auto handle = find_function(module, export_name, kTypes<A...>, kTypes<R>);
  if (!handle) return std::unexpected(std::move(handle.error()));
  return Function<R(A...)>(*handle);
}

}  // namespace detail
}  // namespace anew
