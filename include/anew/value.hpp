// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// WebAssembly types and values as the host sees them (specification, chapters 2.3 and 4.2.1).
#pragma once

#include <bit>
#include <cstdint>
#include <limits>
#include <optional>
#include <string>
#include <type_traits>
#include <vector>

namespace anew {

/// A value type; the number is its byte in the binary format (specification, 5.3).
enum class ValueType : std::uint8_t {
  kI32 = 0x7F,
  kI64 = 0x7E,
  kF32 = 0x7D,
  kF64 = 0x7C,
  kV128 = 0x7B,
  kFuncRef = 0x70,
  kExternRef = 0x6F,
};

[[nodiscard]] const char* to_string(ValueType type) noexcept;

[[nodiscard]] constexpr bool is_reference(ValueType type) noexcept {
  return type == ValueType::kFuncRef || type == ValueType::kExternRef;
}
[[nodiscard]] constexpr bool is_float(ValueType type) noexcept {
  return type == ValueType::kF32 || type == ValueType::kF64;
}

struct FunctionType {
  std::vector<ValueType> parameters;
  std::vector<ValueType> results;
  bool operator==(const FunctionType&) const = default;
};

/// "[i32 i64] -> [f32]", as the specification writes it.
[[nodiscard]] std::string to_string(const FunctionType& type);

/// Sizes in Wasm pages (64 KiB) for memories, in elements for tables.
struct Limits {
  std::uint64_t minimum = 0;
  std::optional<std::uint64_t> maximum;
  bool operator==(const Limits&) const = default;
};

struct MemoryType {
  Limits limits;
  bool shared = false;
  bool is_64 = false;
  bool operator==(const MemoryType&) const = default;
};

struct TableType {
  ValueType element = ValueType::kFuncRef;
  Limits limits;
  bool operator==(const TableType&) const = default;
};

struct GlobalType {
  ValueType type = ValueType::kI32;
  bool is_mutable = false;
  bool operator==(const GlobalType&) const = default;
};

enum class ExternalKind : std::uint8_t { kFunction = 0, kTable = 1, kMemory = 2, kGlobal = 3 };
[[nodiscard]] const char* to_string(ExternalKind kind) noexcept;

/// A value with its type. The bits of an i32 or f32 are in the low 32 bits, the rest is zero: the form in which values
/// pass between host and guest (a *slot*). A null reference is 0.
struct Value {
  ValueType type = ValueType::kI32;
  std::uint64_t bits = 0;

  static constexpr Value i32(std::uint32_t value) noexcept { return {ValueType::kI32, value}; }
  static constexpr Value i64(std::uint64_t value) noexcept { return {ValueType::kI64, value}; }
  static constexpr Value f32(float value) noexcept { return {ValueType::kF32, std::bit_cast<std::uint32_t>(value)}; }
  static constexpr Value f64(double value) noexcept { return {ValueType::kF64, std::bit_cast<std::uint64_t>(value)}; }
  bool operator==(const Value&) const = default;
};

/// The value as text that reads back: integers signed decimal, floats shortest round-trip, "nan:0x..." for NaN.
[[nodiscard]] std::string to_string(const Value& value);

namespace detail {

/// C++ types that stand for a WebAssembly value type: 32- and 64-bit integers of either sign, bool, enums of these
/// sizes are left out on purpose; float and double.
template <typename T>
struct ValueTraits;  // no definition: the type has no WebAssembly counterpart

template <typename T>
  requires(std::is_integral_v<T> && (sizeof(T) == 4 || std::is_same_v<T, bool>))
struct ValueTraits<T> {
  static constexpr ValueType kType = ValueType::kI32;
  static constexpr std::uint64_t to_slot(T value) noexcept { return static_cast<std::uint32_t>(value); }
  static constexpr T from_slot(std::uint64_t slot) noexcept { return static_cast<T>(static_cast<std::uint32_t>(slot)); }
};
template <typename T>
  requires(std::is_integral_v<T> && sizeof(T) == 8)
struct ValueTraits<T> {
  static constexpr ValueType kType = ValueType::kI64;
  static constexpr std::uint64_t to_slot(T value) noexcept { return static_cast<std::uint64_t>(value); }
  static constexpr T from_slot(std::uint64_t slot) noexcept { return static_cast<T>(slot); }
};
template <>
struct ValueTraits<float> {
  static constexpr ValueType kType = ValueType::kF32;
  static constexpr std::uint64_t to_slot(float value) noexcept { return std::bit_cast<std::uint32_t>(value); }
  static constexpr float from_slot(std::uint64_t slot) noexcept {
    return std::bit_cast<float>(static_cast<std::uint32_t>(slot));
  }
};
template <>
struct ValueTraits<double> {
  static constexpr ValueType kType = ValueType::kF64;
  static constexpr std::uint64_t to_slot(double value) noexcept { return std::bit_cast<std::uint64_t>(value); }
  static constexpr double from_slot(std::uint64_t slot) noexcept { return std::bit_cast<double>(slot); }
};

template <typename T>
concept WasmValue = requires { ValueTraits<T>::kType; };

}  // namespace detail
}  // namespace anew
