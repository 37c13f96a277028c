// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// One side of a call for tests of the canonical ABI: a memory, an allocator that takes what is free next, handles, and
// short words for types and values.
#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <anew/component/value.hpp>
#include <anew/pool.hpp>
#include <cstdint>
#include <cstring>
#include <initializer_list>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "component/abi.hpp"
#include "support/wat.hpp"

namespace anew::component {

/// Makes types; throws if they are refused: a defect of the test.
class TypeMaker {
 public:
  Types types;

  Type make(Kind kind, std::vector<NamedType> parts) { return types.add(kind, std::move(parts)).value(); }
  Type list(Type element) { return make(Kind::kList, {{"", element}}); }
  Type tuple(const std::vector<Type>& elements) { return make(Kind::kTuple, unnamed(elements)); }
  Type record(std::vector<NamedType> fields) { return make(Kind::kRecord, std::move(fields)); }
  Type variant(std::vector<NamedType> cases) { return make(Kind::kVariant, std::move(cases)); }
  Type enumeration(int cases) { return make(Kind::kEnum, numbered("c", cases)); }
  Type flags(int count) { return make(Kind::kFlags, numbered("f", count)); }
  Type option(Type payload) { return make(Kind::kOption, {{"none", std::nullopt}, {"some", payload}}); }
  Type result(std::optional<Type> ok, std::optional<Type> error) {
    return make(Kind::kResult, {{"ok", ok}, {"error", error}});
  }

  static std::vector<NamedType> unnamed(const std::vector<Type>& types) {
    std::vector<NamedType> named;
    for (const Type type : types) named.push_back({"", type});
    return named;
  }
  static std::vector<NamedType> numbered(const std::string& prefix, int count) {
    std::vector<NamedType> named;
    for (int k = 0; k < count; ++k) named.push_back({prefix + std::to_string(k), std::nullopt});
    return named;
  }
};

inline constexpr Type kBool = {Kind::kBool};
inline constexpr Type kS8 = {Kind::kS8};
inline constexpr Type kU8 = {Kind::kU8};
inline constexpr Type kS16 = {Kind::kS16};
inline constexpr Type kU16 = {Kind::kU16};
inline constexpr Type kS32 = {Kind::kS32};
inline constexpr Type kU32 = {Kind::kU32};
inline constexpr Type kS64 = {Kind::kS64};
inline constexpr Type kU64 = {Kind::kU64};
inline constexpr Type kF32 = {Kind::kF32};
inline constexpr Type kF64 = {Kind::kF64};
inline constexpr Type kChar = {Kind::kChar};
inline constexpr Type kString = {Kind::kString};

/// A call of Allocator::reallocate.
struct Request {
  std::uint32_t old, old_size, alignment, size;
  bool operator==(const Request&) const = default;
};

class Guest final : public Allocator {
 public:
  /// @param pages  of memory.
  explicit Guest(const Types& types, int pages = 1)
      : pool_(test::make_pool("(module (memory (export \"memory\") " + std::to_string(pages) + " 1000))")),
        lease_(pool_.acquire().value()) {
    side.types = &types;
    side.memory = lease_.memory();
    side.allocator = this;
    side.handles = &handles;
    side.scope = &scope;
    side.implementers = implementers;
  }
  Guest(const Guest&) = delete;
  Guest& operator=(const Guest&) = delete;

  Result<std::uint64_t> reallocate(std::uint32_t old, std::uint32_t old_size, std::uint32_t alignment,
                                   std::uint32_t size) override {
    requests.push_back({old, old_size, alignment, size});
    if (grows) (void)side.memory.grow(1).value();
    if (answer) return *answer;
    if (old != 0 && size <= old_size) return old;
    const std::uint64_t address = align_to(free, alignment);
    free = address + size;
    if (old_size != 0) {
      const std::string kept = read(old, old_size);
      write(static_cast<std::uint32_t>(address), kept);
    }
    return address;
  }

  void write(std::uint32_t address, std::string_view bytes) {
    std::ranges::copy(std::as_bytes(std::span(bytes)), side.memory.write(address, bytes.size()).value().begin());
  }
  void write(std::uint32_t address, std::initializer_list<int> bytes) {
    std::string text;
    for (const int byte : bytes) text += static_cast<char>(byte);
    write(address, text);
  }
  [[nodiscard]] std::string read(std::uint64_t address, std::uint64_t size) const {
    const auto bytes = side.memory.read(address, size).value();
    return std::string(reinterpret_cast<const char*>(bytes.data()), bytes.size());  // char may view any object
  }

  /// Lifts the one parameter of a function.
  Result<Value> lift(Type type, std::vector<std::uint64_t> slots) {
    auto values = lift_parameters(side, {.parameters = {{"it", type}}, .result = {}}, slots);
    if (!values) return std::unexpected(std::move(values).error());
    return std::move(values->at(0));
  }
  /// Lowers it; @return its slots.
  Result<std::vector<std::uint64_t>> lower(Type type, const Value& value) {
    const FunctionType function = {.parameters = {{"it", type}}, .result = {}};
    std::vector<std::uint64_t> slots(core_type_of_lift(*side.types, function).parameters.size(), 0xDEADBEEF);
    auto done = lower_parameters(side, function, std::span(&value, 1), slots);
    if (!done) return std::unexpected(std::move(done).error());
    return slots;
  }

  static constexpr std::uint32_t kFirst = 0x100;  ///< address given out
  Side side;
  HandleTable handles;
  CallScope scope;
  std::vector<std::uint32_t> implementers = {kHost, kHost};
  std::vector<Request> requests;
  std::uint64_t free = kFirst;
  std::optional<std::uint64_t> answer;  ///< in place of an address
  bool grows = false;                   ///< memory, with each request

 private:
  Pool pool_;
  Lease lease_;
};

[[nodiscard]] inline Bytes bytes(std::initializer_list<int> numbers) {
  Bytes all;
  for (const int number : numbers) all.push_back(static_cast<std::byte>(number));
  return all;
}

/// Values of one C++ type.
template <typename T, typename... Numbers>
[[nodiscard]] Values values(Numbers... numbers) {
  return Values{Value(static_cast<T>(numbers))...};
}

[[nodiscard]] inline bool traps(const std::expected<Value, Error>& lifted) {
  return !lifted && lifted.error().code == ErrorCode::kTrap;
}

}  // namespace anew::component
