// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// WebAssembly types and values as the host sees them (specification, chapters 2.3 and 4.2.1).
#pragma once

#include <anew/version.hpp>
#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <optional>
#include <span>
#include <string>
#include <type_traits>
#include <vector>

namespace anew {

/// A value type. The low byte is its code in the binary format (specification, 5.3), for references that of the heap
/// type; kNonNull is set for references that are never null; references to functions of a given type of the module
/// ("(ref null $t)") have the code kTypedCode and the type's index above bit 12. Types of a decoded module name equal
/// function types by the same, the smallest, index, so that equal types are equal numbers. Of the types that garbage
/// collection brings, those that need neither structures nor arrays nor i31 are here; null is their only value.
enum class ValueType : std::uint32_t {
  kI32 = 0x7F,
  kI64 = 0x7E,
  kF32 = 0x7D,
  kF64 = 0x7C,
  kV128 = 0x7B,
  kFuncRef = 0x70,
  kExternRef = 0x6F,
  kExnRef = 0x69,
  kAnyRef = 0x6E,
  kEqRef = 0x6D,
  // The types of null alone: below every other reference of their kind.
  kNullFuncRef = 0x73,
  kNullExternRef = 0x72,
  kNullExnRef = 0x74,
  kNullRef = 0x71,
};

namespace detail {
inline constexpr std::uint32_t kTypedCode = 0x63;
inline constexpr std::uint32_t kNonNull = 0x100;
inline constexpr std::uint32_t kTypeIndexShift = 12;
constexpr std::uint32_t number(ValueType type) noexcept { return static_cast<std::uint32_t>(type); }
}  // namespace detail

/// As the text format writes it: "i32", "(ref null 3)".
[[nodiscard]] ANEW_API std::string to_string(ValueType type);

/// "(ref null $index)" or "(ref $index)". @param index  below 2^20.
[[nodiscard]] constexpr ValueType typed_reference(std::uint32_t index, bool nullable) noexcept {
  return static_cast<ValueType>(detail::kTypedCode | (nullable ? 0 : detail::kNonNull) |
                                index << detail::kTypeIndexShift);
}
[[nodiscard]] constexpr bool is_typed_reference(ValueType type) noexcept {
  return (detail::number(type) & 0xFF) == detail::kTypedCode;
}
/// Of a typed reference.
[[nodiscard]] constexpr std::uint32_t type_index(ValueType type) noexcept {
  return detail::number(type) >> detail::kTypeIndexShift;
}
[[nodiscard]] constexpr bool is_reference(ValueType type) noexcept {
  const std::uint32_t code = detail::number(type) & 0xFF;
  return code >= 0x60 && code <= 0x74;
}
[[nodiscard]] constexpr bool is_nullable(ValueType type) noexcept {
  return (detail::number(type) & detail::kNonNull) == 0;
}
/// The same reference type without and with null.
[[nodiscard]] constexpr ValueType non_null(ValueType type) noexcept {
  return static_cast<ValueType>(detail::number(type) | detail::kNonNull);
}
[[nodiscard]] constexpr ValueType with_null(ValueType type) noexcept {
  return static_cast<ValueType>(detail::number(type) & ~detail::kNonNull);
}
/// References to functions, whatever is known of them: funcref, (ref func), (ref null $t), nullfuncref and so on.
[[nodiscard]] constexpr bool is_function_reference(ValueType type) noexcept {
  const ValueType nullable = with_null(type);
  return nullable == ValueType::kFuncRef || nullable == ValueType::kNullFuncRef || is_typed_reference(type);
}
[[nodiscard]] constexpr bool is_extern_reference(ValueType type) noexcept {
  const ValueType nullable = with_null(type);
  return nullable == ValueType::kExternRef || nullable == ValueType::kNullExternRef;
}
[[nodiscard]] constexpr bool is_exception_reference(ValueType type) noexcept {
  const ValueType nullable = with_null(type);
  return nullable == ValueType::kExnRef || nullable == ValueType::kNullExnRef;
}
/// anyref and what is below it: what garbage collection keeps.
[[nodiscard]] constexpr bool is_any_reference(ValueType type) noexcept {
  const ValueType nullable = with_null(type);
  return nullable == ValueType::kAnyRef || nullable == ValueType::kEqRef || nullable == ValueType::kNullRef;
}
[[nodiscard]] constexpr bool is_float(ValueType type) noexcept {
  return type == ValueType::kF32 || type == ValueType::kF64;
}
/// Slots of 64 bits that a value takes where values pass between host and guest: two for a v128, low half first.
[[nodiscard]] constexpr std::uint32_t slots_of(ValueType type) noexcept { return type == ValueType::kV128 ? 2 : 1; }

/// What a function takes and returns.
struct FunctionType {
  std::vector<ValueType> parameters;
  std::vector<ValueType> results;
  bool operator==(const FunctionType&) const = default;
};

/// "[i32 i64] -> [f32]", as the specification writes it.
[[nodiscard]] ANEW_API std::string to_string(const FunctionType& type);

/// Sizes in Wasm pages (64 KiB) for memories, in elements for tables.
struct Limits {
  std::uint64_t minimum = 0;
  std::optional<std::uint64_t> maximum;
  bool operator==(const Limits&) const = default;
};

struct MemoryType {
  Limits limits;
  bool shared = false;  ///< as declared; never between threads, see Feature::kUnsharedMemory
  bool is_64 = false;   ///< addresses are i64
  bool operator==(const MemoryType&) const = default;
};

struct TableType {
  ValueType element = ValueType::kFuncRef;
  Limits limits;
  bool is_64 = false;  ///< indices are i64
  bool operator==(const TableType&) const = default;
};

struct GlobalType {
  ValueType type = ValueType::kI32;
  bool is_mutable = false;
  bool operator==(const GlobalType&) const = default;
};

/// What an import or export is; the numbers are those of the binary format.
enum class ExternalKind : std::uint8_t { kFunction = 0, kTable = 1, kMemory = 2, kGlobal = 3, kTag = 4 };
/// "function", "table" and so on.
[[nodiscard]] ANEW_API const char* to_string(ExternalKind kind) noexcept;

/// A value with its type. The bits of an i32 or f32 are in the low 32 bits, the rest is zero: the form in which values
/// pass between host and guest (a *slot*); a v128 takes two. A null reference is 0. One that is not null is good for
/// the store it came from, until that is next restored.
struct Value {
  ValueType type = ValueType::kI32;
  std::uint64_t bits = 0;
  std::uint64_t high = 0;  ///< the upper half of a v128

  static constexpr Value i32(std::uint32_t value) noexcept { return {ValueType::kI32, value}; }
  static constexpr Value i64(std::uint64_t value) noexcept { return {ValueType::kI64, value}; }
  static constexpr Value f32(float value) noexcept { return {ValueType::kF32, std::bit_cast<std::uint32_t>(value)}; }
  static constexpr Value f64(double value) noexcept { return {ValueType::kF64, std::bit_cast<std::uint64_t>(value)}; }
  static constexpr Value v128(std::uint64_t low, std::uint64_t high) noexcept { return {ValueType::kV128, low, high}; }
  bool operator==(const Value&) const = default;
};

/// The slots that values of these types take together.
[[nodiscard]] constexpr std::size_t slots_of(std::span<const ValueType> types) noexcept {
  std::size_t slots = 0;
  for (const ValueType type : types) slots += slots_of(type);
  return slots;
}

/// The value as text that reads back: integers signed decimal, floats shortest round-trip, "nan:0x..." for NaN.
[[nodiscard]] ANEW_API std::string to_string(const Value& value);

/// A v128 as typed calls and host functions have it: 128 bits, of which lane 0 is lowest.
///
///   const V128 sum = lease.call(add, V128::of<float>({1, 2, 3, 4}), b).value();
///   const float first = sum.lanes<float>()[0];
struct V128 {
  std::uint64_t low = 0;
  std::uint64_t high = 0;

  /// @tparam Lane  an integer of 8 to 64 bits, float or double.
  template <typename Lane>
  [[nodiscard]] static constexpr V128 of(const std::array<Lane, 16 / sizeof(Lane)>& lanes) noexcept {
    return std::bit_cast<V128>(lanes);
  }
  template <typename Lane>
  [[nodiscard]] constexpr std::array<Lane, 16 / sizeof(Lane)> lanes() const noexcept {
    return std::bit_cast<std::array<Lane, 16 / sizeof(Lane)>>(*this);
  }
  bool operator==(const V128&) const = default;
};

/// A funcref as typed calls and host functions have it: null, or a function of a store that came from a guest of that
/// store. Good until the store is next restored; one of another store is refused wherever it is passed.
struct FunctionReference {
  std::uint64_t bits = 0;  ///< as in Value; 0 is null
  explicit constexpr operator bool() const noexcept { return bits != 0; }
  bool operator==(const FunctionReference&) const = default;
};

/// An externref as typed calls and host functions have it: 64 bits of the host's choice, which guests hand about and
/// cannot look at. 0 is null.
struct ExternReference {
  std::uint64_t bits = 0;
  explicit constexpr operator bool() const noexcept { return bits != 0; }
  bool operator==(const ExternReference&) const = default;
};

namespace detail {

/// C++ types that stand for a WebAssembly value type: 32- and 64-bit integers of either sign, bool, float, double, and
/// the three types above. Enums are left out on purpose. write() and read() are of as many slots as the type takes.
template <typename T>
struct ValueTraits;  // no definition: the type has no WebAssembly counterpart

template <typename T>
  requires(std::is_integral_v<T> && (sizeof(T) == 4 || std::is_same_v<T, bool>))
struct ValueTraits<T> {
  static constexpr ValueType kType = ValueType::kI32;
  static constexpr void write(T value, std::uint64_t* slot) noexcept { *slot = static_cast<std::uint32_t>(value); }
  static constexpr T read(const std::uint64_t* slot) noexcept {
    return static_cast<T>(static_cast<std::uint32_t>(*slot));
  }
};
template <typename T>
  requires(std::is_integral_v<T> && sizeof(T) == 8)
struct ValueTraits<T> {
  static constexpr ValueType kType = ValueType::kI64;
  static constexpr void write(T value, std::uint64_t* slot) noexcept { *slot = static_cast<std::uint64_t>(value); }
  static constexpr T read(const std::uint64_t* slot) noexcept { return static_cast<T>(*slot); }
};
template <>
struct ValueTraits<float> {
  static constexpr ValueType kType = ValueType::kF32;
  static constexpr void write(float value, std::uint64_t* slot) noexcept {
    *slot = std::bit_cast<std::uint32_t>(value);
  }
  static constexpr float read(const std::uint64_t* slot) noexcept {
    return std::bit_cast<float>(static_cast<std::uint32_t>(*slot));
  }
};
template <>
struct ValueTraits<double> {
  static constexpr ValueType kType = ValueType::kF64;
  static constexpr void write(double value, std::uint64_t* slot) noexcept {
    *slot = std::bit_cast<std::uint64_t>(value);
  }
  static constexpr double read(const std::uint64_t* slot) noexcept { return std::bit_cast<double>(*slot); }
};
template <>
struct ValueTraits<V128> {
  static constexpr ValueType kType = ValueType::kV128;
  static constexpr void write(V128 value, std::uint64_t* slots) noexcept {
    slots[0] = value.low;
    slots[1] = value.high;
  }
  static constexpr V128 read(const std::uint64_t* slots) noexcept { return {slots[0], slots[1]}; }
};
template <typename T>
  requires(std::is_same_v<T, FunctionReference> || std::is_same_v<T, ExternReference>)
struct ValueTraits<T> {
  static constexpr ValueType kType = std::is_same_v<T, FunctionReference> ? ValueType::kFuncRef : ValueType::kExternRef;
  static constexpr void write(T value, std::uint64_t* slot) noexcept { *slot = value.bits; }
  static constexpr T read(const std::uint64_t* slot) noexcept { return {*slot}; }
};

template <typename T>
concept WasmValue = requires { ValueTraits<T>::kType; };

/// The slots that a value of the type takes; none for a type that has no WebAssembly counterpart.
template <typename T>
inline constexpr std::size_t kSlots = 0;
template <WasmValue T>
inline constexpr std::size_t kSlots<T> = slots_of(ValueTraits<T>::kType);

}  // namespace detail
}  // namespace anew
