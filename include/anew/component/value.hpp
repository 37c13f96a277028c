// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Values of the component model, as hosts and guests exchange them.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <type_traits>
#include <utility>
#include <variant>
#include <vector>

namespace anew::component {

class Value;

/// The elements of a list, the fields of a record in their order, or what is in a tuple. Where the only one is itself a
/// list, say Values{Value(list)}: compilers do not agree whether Values{list} is a copy of it.
using Values = std::vector<Value>;
/// A list<u8>; any other list is Values.
using Bytes = std::vector<std::byte>;

/// A case of a variant, enum, option or result, by its number: none is 0 and some 1; ok is 0 and error 1.
struct Case {
  std::uint32_t index = 0;
  std::unique_ptr<Value> payload;  ///< null if the case has none

  Case() noexcept;
  explicit Case(std::uint32_t which) noexcept;
  Case(std::uint32_t which, Value value);
  Case(const Case& other);
  Case(Case&& other) noexcept;
  Case& operator=(const Case& other);
  Case& operator=(Case&& other) noexcept;
  ~Case();
  bool operator==(const Case& other) const;
};

/// Of a flags type, the first one in bit 0. There are 32 at most.
struct Flags {
  std::uint32_t bits = 0;
  bool operator==(const Flags&) const = default;
};

/// What a handle stands for: the number that its owner, guest or host, gave it. Whoever gets an owned one must pass it
/// on or drop it.
struct Resource {
  static constexpr std::uint32_t kHosts = ~std::uint32_t{0};

  std::uint32_t representation = 0;
  bool is_owned = false;
  /// Which resource type it is of, as the pool that it came from counts them; what a host makes itself is of the type
  /// that is asked for.
  std::uint32_t type = kHosts;
  bool operator==(const Resource&) const = default;
};

/// A value of any type. Which one is known from the function that it is for: a number must be of the very type, s32 is
/// std::int32_t.
class Value {
 public:
  using Alternatives = std::variant<std::monostate, bool, std::int8_t, std::uint8_t, std::int16_t, std::uint16_t,
                                    std::int32_t, std::uint32_t, std::int64_t, std::uint64_t, float, double, char32_t,
                                    std::string, Bytes, Values, Case, Flags, Resource>;

  Value() = default;  ///< of no type: the result of a function without one
  template <typename T>
    requires(!std::is_same_v<std::remove_cvref_t<T>, Value> && std::is_constructible_v<Alternatives, T &&>)
  Value(T&& value)
      : alternatives_(std::forward<T>(value)) {}  // NOLINT(google-explicit-constructor): a value is any of these

  /// @throws std::bad_variant_access if the value is of another type; in a host function that is a trap.
  template <typename T>
  [[nodiscard]] T& as() {
    return std::get<T>(alternatives_);
  }
  template <typename T>
  [[nodiscard]] const T& as() const {
    return std::get<T>(alternatives_);
  }
  template <typename T>
  [[nodiscard]] bool is() const noexcept {
    return std::holds_alternative<T>(alternatives_);
  }
  [[nodiscard]] const Alternatives& alternatives() const noexcept { return alternatives_; }
  [[nodiscard]] Alternatives& alternatives() noexcept { return alternatives_; }
  bool operator==(const Value&) const = default;

 private:
  Alternatives alternatives_;
};

inline Case::Case() noexcept = default;
inline Case::Case(std::uint32_t which) noexcept : index(which) {}
inline Case::Case(std::uint32_t which, Value value)
    : index(which), payload(std::make_unique<Value>(std::move(value))) {}
inline Case::Case(const Case& other)
    : index(other.index), payload(other.payload ? std::make_unique<Value>(*other.payload) : nullptr) {}
inline Case::Case(Case&& other) noexcept = default;
inline Case& Case::operator=(Case&& other) noexcept = default;
inline Case::~Case() = default;
inline Case& Case::operator=(const Case& other) {
  if (this != &other) *this = Case(other);
  return *this;
}
inline bool Case::operator==(const Case& other) const {
  if (index != other.index || (payload == nullptr) != (other.payload == nullptr)) return false;
  return payload == nullptr || *payload == *other.payload;
}

[[nodiscard]] inline Value none() { return Case(0); }
[[nodiscard]] inline Value some(Value value) { return Case(1, std::move(value)); }
[[nodiscard]] inline Value ok() { return Case(0); }
[[nodiscard]] inline Value ok(Value value) { return Case(0, std::move(value)); }
[[nodiscard]] inline Value error() { return Case(1); }
[[nodiscard]] inline Value error(Value value) { return Case(1, std::move(value)); }

}  // namespace anew::component
