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
#include <tuple>
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
[[nodiscard]] ANEW_API std::uint32_t invoke(Instance& instance, const FunctionHandle& function,
                                            std::uint64_t* slots) noexcept;
/// The Error for the trap that just ended a call of this instance, with its backtrace.
[[nodiscard]] ANEW_API Error make_trap_error(Instance& instance, std::uint32_t kind) noexcept;
/// Finds an exported function of that type. @return kNotFound, or kArgument if it is of another type.
[[nodiscard]] ANEW_API Result<FunctionHandle> find_function(const LinkedModule& module, std::string_view export_name,
                                                            std::span<const ValueType> parameters,
                                                            std::span<const ValueType> results);

/// Looks at the references in slots that the host is about to pass to a guest of the instance's store: functions must
/// be of that store. @return kArgument.
[[nodiscard]] ANEW_API Result<void> check_references(const Instance& instance, std::span<const ValueType> types,
                                                     const std::uint64_t* slots);

template <typename... T>
inline constexpr std::array<ValueType, sizeof...(T)> kTypes = {ValueTraits<T>::kType...};
/// Among these types is one whose values have to be looked at before a guest gets them.
template <typename... T>
inline constexpr bool kHasReferences = (std::is_same_v<T, FunctionReference> || ...);

/// Where each of several values begins, in slots. @param slots  that each takes.
template <std::size_t kCount>
[[nodiscard]] consteval std::array<std::size_t, kCount> places(const std::array<std::size_t, kCount>& slots) {
  std::array<std::size_t, kCount> begins = {};
  for (std::size_t i = 1; i < kCount; ++i) begins[i] = begins[i - 1] + slots[i - 1];
  return begins;
}

/// What a function returns, as WebAssembly has it: one value; nothing for void; for a std::tuple each of its members.
template <typename R>
struct Results {
  static constexpr bool kValid = WasmValue<R>;
  static constexpr std::size_t kSlots = detail::kSlots<R>;
  static constexpr bool kHasReferences = detail::kHasReferences<R>;
  static constexpr std::span<const ValueType> types() noexcept { return kTypes<R>; }
  static constexpr void write(R value, std::uint64_t* slots) noexcept { ValueTraits<R>::write(value, slots); }
  static constexpr R read(const std::uint64_t* slots) noexcept { return ValueTraits<R>::read(slots); }
};
template <>
struct Results<void> {
  static constexpr bool kValid = true;
  static constexpr std::size_t kSlots = 0;
  static constexpr bool kHasReferences = false;
  static constexpr std::span<const ValueType> types() noexcept { return {}; }
};
template <typename... T>
struct Results<std::tuple<T...>> {
  static constexpr bool kValid = (WasmValue<T> && ...);
  static constexpr std::size_t kSlots = (detail::kSlots<T> + ... + 0);
  static constexpr bool kHasReferences = detail::kHasReferences<T...>;
  static constexpr std::span<const ValueType> types() noexcept { return kTypes<T...>; }
  static constexpr void write(const std::tuple<T...>& values, [[maybe_unused]] std::uint64_t* slots) noexcept {
    [&]<std::size_t... I>(std::index_sequence<I...>) {
      (ValueTraits<T>::write(std::get<I>(values), slots + kPlaces[I]), ...);
    }(std::index_sequence_for<T...>{});
  }
  static constexpr std::tuple<T...> read([[maybe_unused]] const std::uint64_t* slots) noexcept {
    return [&]<std::size_t... I>(std::index_sequence<I...>) {
      return std::tuple<T...>(ValueTraits<T>::read(slots + kPlaces[I])...);
    }(std::index_sequence_for<T...>{});
  }

 private:
  static constexpr std::array<std::size_t, sizeof...(T)> kPlaces =
      places(std::array<std::size_t, sizeof...(T)>{detail::kSlots<T>...});
};
}  // namespace detail

/// A typed handle of an exported function: `pool.function<std::uint32_t(std::uint32_t, std::uint32_t)>("add")`. Its
/// types are 32- and 64-bit integers, bool, float, double, V128, FunctionReference (funcref) and ExternReference
/// (externref); its result is one of these, void, or a std::tuple of several. For all other references there is
/// call_values. Cheap to copy; good for the instances of the module and pool that it was found in, and as long as that
/// pool.
template <typename Signature>
class Function {
  static_assert(std::is_void_v<Signature>,  // never, since void is no signature that anybody means
                "a guest's function is given as a function type: Function<int(float)>, not noexcept, not a pointer");
};
template <typename R, typename... A>
class Function<R(A...)> {
  static_assert((detail::WasmValue<A> && ...),
                "the parameters of a guest's function are integers of 32 or 64 bits, bool, float, double, V128, "
                "FunctionReference or ExternReference, by value; pass an address and a length for anything else");
  static_assert(detail::Results<R>::kValid,
                "a guest's function returns void, an integer of 32 or 64 bits, bool, float, double, V128, "
                "FunctionReference or ExternReference, or a std::tuple of several of these");

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
  constexpr std::size_t kArguments = (kSlots<A> + ... + 0);
  constexpr std::size_t kResults = Results<R>::kSlots;
  std::uint64_t slots[kArguments + kResults == 0 ? 1 : (kArguments > kResults ? kArguments : kResults)] = {};
  [[maybe_unused]] std::uint64_t* slot = slots;
  ((ValueTraits<A>::write(arguments, slot), slot += kSlots<A>), ...);
  if constexpr (kHasReferences<A...>) {
    if (auto checked = check_references(instance, kTypes<A...>, slots); !checked) [[unlikely]]
      return std::unexpected(std::move(checked.error()));
  }
  if (const std::uint32_t trap = invoke(instance, function.handle(), slots); trap != 0) [[unlikely]]
    return std::unexpected(make_trap_error(instance, trap));
  if constexpr (!std::is_void_v<R>)
    return Results<R>::read(slots);
  else
    return {};
}

/// Finds a function and checks its type against the C++ signature, which comes as the type of a null pointer.
template <typename R, typename... A>
[[nodiscard]] Result<Function<R(A...)>> find_typed(const LinkedModule& module, std::string_view export_name,
                                                   R (*)(A...)) {
  auto handle = find_function(module, export_name, kTypes<A...>, Results<R>::types());
  if (!handle) return std::unexpected(std::move(handle.error()));
  return Function<R(A...)>(*handle);
}

}  // namespace detail
}  // namespace anew
