// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Types of the component model as the canonical ABI needs them: put together, with their layouts (component model,
// design/mvp/CanonicalABI.md, "Despecialization", "Alignment", "Element Size", "Flattening"). Equal types are one type.
#pragma once

#include <anew/error.hpp>
#include <anew/types.hpp>
#include <anew/value.hpp>
#include <array>
#include <compare>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <set>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

namespace anew::component {

enum class Kind : std::uint8_t {
  // As binary::Primitive.
  kBool,
  kS8,
  kU8,
  kS16,
  kU16,
  kS32,
  kU32,
  kS64,
  kU64,
  kF32,
  kF64,
  kChar,
  kString,
  kList,
  kRecord,
  kTuple,
  kVariant,
  kEnum,
  kOption,
  kResult,
  kFlags,
  kOwn,
  kBorrow,
};

/// A type of a Types. Equal if and only if the types are: also the names of their fields and cases.
struct Type {
  Kind kind = Kind::kBool;
  std::uint32_t index = 0;  ///< in Types, of those that are no primitives; of handles the ResourceId
  auto operator<=>(const Type&) const = default;
};

/// A resource type of a plan: each import of one, and each definition in each instance of a component, has its own.
using ResourceId = std::uint32_t;

/// Bytes that a type may take in memory, and a list or string lifted or lowered (MAX_LIST_BYTE_LENGTH and others).
inline constexpr std::uint32_t kMostBytes = (1U << 28) - 1;
/// Types within types: what walks a value or a type may be recursive.
inline constexpr std::uint32_t kMostDepth = 100;

/// Flat values that a function takes, or returns, in place of memory (MAX_FLAT_PARAMS, MAX_FLAT_RESULTS).
inline constexpr std::size_t kMostFlatParameters = 16;
inline constexpr std::size_t kMostFlatResults = 1;

struct Layout {
  std::uint32_t size = 0;
  std::uint32_t alignment = 1;
  /// Core values that it is when it is passed flat; kNotFlat if there would be more than kMostFlatParameters.
  std::uint32_t flat_count = 0;
  std::array<ValueType, kMostFlatParameters> flat = {};
  static constexpr std::uint32_t kNotFlat = kMostFlatParameters + 1;
};

struct NamedType {
  std::string name;
  std::optional<Type> type;  ///< always there but in cases
  auto operator<=>(const NamedType&) const = default;
};

struct Compound {
  Kind kind;
  std::vector<NamedType> parts;  ///< fields, cases; the one element of a list; names of flags
  Layout layout = {};
  // Derived, so that lifting and lowering look nothing up.
  std::vector<std::uint32_t> offsets = {};  ///< of fields
  std::uint32_t discriminant_bytes = 0;     ///< of cases; of flags all their bytes
  std::uint32_t payload_offset = 0;
  std::uint32_t depth = 1;
  std::uint32_t index = 0;  ///< Type::index

  bool operator<(const Compound& other) const { return std::tie(kind, parts) < std::tie(other.kind, other.parts); }
};

struct FunctionType {
  std::vector<NamedType> parameters;
  std::optional<Type> result;
};

/// The parameters of a function as one tuple.
struct ParametersLayout {
  std::uint64_t size = 0;
  std::uint32_t alignment = 1;
  std::uint32_t flat_count = 0;  ///< as Layout::flat_count
};

/// @param alignment  a power of two. @param address  below 2^63.
[[nodiscard]] constexpr std::uint64_t align_to(std::uint64_t address, std::uint32_t alignment) noexcept {
  return (address + alignment - 1) & ~std::uint64_t{alignment - 1};
}

/// All types of a plan. Not thread-safe while types are added.
class Types {
 public:
  Types() = default;
  Types(Types&&) noexcept = default;
  Types& operator=(Types&&) noexcept = default;
  Types(const Types&) = delete;  // compounds_ points into sorted_
  Types& operator=(const Types&) = delete;
  ~Types() = default;

  /// Adds a type or finds it. Options and results are given as kOption and kResult, with two cases each. Handles and
  /// primitive types need not be added.
  /// @return kInvalid if it has no parts; kLimit if it takes more than kMostBytes, is nested more than kMostDepth deep,
  ///         has more than 32 flags, or there are more than 100,000.
  [[nodiscard]] Result<Type> add(Kind kind, std::vector<NamedType> parts);
  /// Of a type that add() returned.
  [[nodiscard]] const Compound& compound(Type type) const noexcept { return *compounds_[type.index]; }
  [[nodiscard]] const Layout& layout(Type type) const noexcept;
  [[nodiscard]] ParametersLayout layout(const FunctionType& type) const noexcept;
  /// What text() calls a resource.
  void name_resource(ResourceId resource, std::string name);
  /// As WIT has it, cut at some length: "list<tuple<string, u32>>".
  [[nodiscard]] std::string text(Type type) const;
  /// "func(name: string) -> string".
  [[nodiscard]] std::string text(const FunctionType& type) const;

 private:
  void write(Type type, std::string& text) const;
  void write(const Compound& compound, std::string& text) const;

  std::set<Compound> sorted_;
  std::vector<const Compound*> compounds_;  ///< by Type::index, the elements of sorted_
  std::vector<std::string> resource_names_;
};

}  // namespace anew::component
