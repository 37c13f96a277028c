// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The type section: recursive groups of function types with declared supertypes (specification, 5.3.5 to 5.3.8, 3.2.9
// and 3.3).
#include <fmt/format.h>

#include <algorithm>
#include <compare>
#include <set>
#include <utility>

#include "wasm/limits.hpp"
#include "wasm/module_decoder.hpp"
#include "wasm/subtyping.hpp"

namespace anew::wasm {
namespace {

// What a type of the binary format begins with.
enum Form : std::uint8_t {
  kGroup = 0x4E,
  kFinalSubtype = 0x4F,
  kSubtype = 0x50,
  kArray = 0x5E,
  kStructure = 0x5F,
  kFunction = 0x60,
};

}  // namespace

// Types are equal if they stand at the same place in groups that are written alike where each type names those of its
// own group by their places (specification, 3.1.2, "rolling up"). What a group says of others is stored by their
// canonical index already, so equal groups are equal lists of numbers. An ordered set, which no choice of types can
// make quadratic, as it could a hash table; the hash comes first in the order, so that the types themselves are rarely
// looked at.
class TypeGroups {
 public:
  explicit TypeGroups(const Module& module) : module_(module), different_(Before{this}) {}

  /// @return the first type of the first group that is equal: `first`, if there was none before.
  [[nodiscard]] std::uint32_t canonical(std::uint32_t first, std::uint32_t size) {
    return different_.insert({hash_of({0, first, size}), first, size}).first->first;
  }

 private:
  struct Group {
    std::uint64_t hash;
    std::uint32_t first;
    std::uint32_t size;
  };
  struct Before {
    const TypeGroups* groups;
    bool operator()(const Group& left, const Group& right) const {
      return left.hash != right.hash ? left.hash < right.hash : groups->compare(left, right) < 0;
    }
  };

  /// What stands for a value type: a type of the group stands for its place.
  [[nodiscard]] static std::uint64_t word(const Group& group, ValueType type) {
    constexpr std::uint64_t kOfTheGroup = std::uint64_t{1} << 32;
    const bool is_own = is_typed_reference(type) && type_index(type) - group.first < group.size;  // huge if before it
    return is_own
               ? kOfTheGroup | anew::detail::number(typed_reference(type_index(type) - group.first, is_nullable(type)))
               : anew::detail::number(type);
  }
  [[nodiscard]] static std::uint64_t word(const Group& group, const TypeDeclaration& declaration) {
    const std::uint64_t supertype = declaration.supertype == TypeDeclaration::kNone
                                        ? 0  // no reference's number
                                        : word(group, typed_reference(declaration.supertype, true));
    return supertype << 1 | (declaration.is_final ? 1 : 0);
  }

  /// Equal for equal groups. Nothing is lost where it is equal for others: it only saves looking at them.
  [[nodiscard]] std::uint64_t hash_of(const Group& group) const {
    constexpr std::uint64_t kFactor = 0x9E37'79B9'7F4A'7C15;  // 2^64 over the golden ratio, odd
    std::uint64_t hash = group.size;
    const auto add = [&](std::uint64_t each) { hash = (hash ^ each) * kFactor; };
    for (std::uint32_t i = group.first; i < group.first + group.size; ++i) {
      const FunctionType& type = module_.types[i];
      add(word(group, module_.declarations[i]));
      add(type.parameters.size());
      for (const ValueType each : type.parameters) add(word(group, each));
      for (const ValueType each : type.results) add(word(group, each));
    }
    return hash;
  }

  /// A total order in which equal groups are equal.
  [[nodiscard]] std::strong_ordering compare(const Group& left, const Group& right) const {
    if (left.size != right.size) return left.size <=> right.size;
    for (std::uint32_t i = 0; i < left.size; ++i) {
      const auto declarations =
          word(left, module_.declarations[left.first + i]) <=> word(right, module_.declarations[right.first + i]);
      if (declarations != 0) return declarations;
      const auto compare = [&](const std::vector<ValueType>& one, const std::vector<ValueType>& other) {
        return std::lexicographical_compare_three_way(
            one.begin(), one.end(), other.begin(), other.end(),
            [&](ValueType each, ValueType beside) { return word(left, each) <=> word(right, beside); });
      };
      const FunctionType& one = module_.types[left.first + i];
      const FunctionType& other = module_.types[right.first + i];
      if (const auto parameters = compare(one.parameters, other.parameters); parameters != 0) return parameters;
      if (const auto results = compare(one.results, other.results); results != 0) return results;
    }
    return std::strong_ordering::equal;
  }

  const Module& module_;
  std::set<Group, Before> different_;
};

bool ModuleDecoder::type_section() {
  std::uint32_t count = 0;
  if (!reader_.count(limits::kTypes, "types", count)) return false;
  if (!take_memory(count, memory::kType)) return false;
  module_.types.reserve(count);
  module_.declarations.reserve(count);
  module_.canonical_types.reserve(count);
  TypeGroups groups(module_);
  for (std::uint32_t i = 0; i < count; ++i)
    if (!recursive_group(groups)) return false;
  return true;
}

// A type may name those before its group and those of its group.
bool ModuleDecoder::recursive_group(TypeGroups& groups) {
  const std::uint64_t start = reader_.offset();
  std::uint32_t size = 1;
  if (reader_.is_next(kGroup)) {
    std::uint8_t form = 0;
    if (!reader_.needs(Feature::kGc, start, "a recursive group of types") || !reader_.byte(form) ||
        !reader_.count(limits::kTypes, "types in a recursive group", size) ||
        !take_memory(size, memory::kType + memory::kGroupedType)) {
      return false;
    }
  }
  const auto first = static_cast<std::uint32_t>(module_.types.size());  // at most limits::kTypes
  if (!within(first + std::size_t{size}, limits::kTypes, "types", start)) return false;
  const std::uint32_t end = first + size;
  module_.types.resize(end);
  module_.declarations.resize(end);
  for (std::uint32_t i = first; i < end; ++i) {
    module_.canonical_types.push_back(i);
    module_.declarations[i].group = first;
    module_.declarations[i].far = i;
  }
  for (std::uint32_t i = first; i < end; ++i)
    if (!declared_type(i)) return false;
  if (size == 0) return true;
  if (const std::uint32_t same = groups.canonical(first, size); same != first) {
    for (std::uint32_t i = 0; i < size; ++i) {
      module_.canonical_types[first + i] = same + i;
      module_.types[first + i] = module_.types[same + i];
      module_.declarations[first + i] = module_.declarations[same + i];
      module_.declarations[first + i].group = first;
    }
    return true;  // what else there is to check was checked there
  }
  for (std::uint32_t i = first; i < end; ++i) {
    if (!matches_supertype(i)) {
      return reader_.fail(
          ErrorCode::kInvalid, start,
          fmt::format("sub type {} does not match its supertype {}: {} and {}", i, module_.declarations[i].supertype,
                      to_string(module_.types[i]), to_string(module_.types[module_.declarations[i].supertype])));
    }
  }
  return true;
}

bool ModuleDecoder::declared_type(std::uint32_t index) {
  const std::uint64_t start = reader_.offset();
  if (reader_.is_next(kSubtype) || reader_.is_next(kFinalSubtype)) {
    std::uint8_t form = 0;
    std::uint32_t supertypes = 0;
    if (!reader_.needs(Feature::kGc, start, "a type that declares supertypes") || !reader_.byte(form) ||
        !reader_.count(UINT32_MAX, "supertypes", supertypes)) {
      return false;
    }
    module_.declarations[index].is_final = form == kFinalSubtype;
    if (supertypes > 1) {
      return reader_.fail(ErrorCode::kInvalid, start,
                          fmt::format("sub type {} declares {} supertypes, the limit is 1", index, supertypes));
    }
    if (supertypes == 1 && !supertype(index)) return false;
  }
  return function_type(module_.types[index]);
}

bool ModuleDecoder::supertype(std::uint32_t index) {
  const std::uint64_t start = reader_.offset();
  std::uint32_t above = 0;
  if (!reader_.u32(above)) return false;
  if (above >= index) {
    return reader_.fail(ErrorCode::kInvalid, start,
                        fmt::format("unknown type {}: the supertype of type {} must come before it", above, index));
  }
  above = module_.canonical_types[above];
  const TypeDeclaration& super = module_.declarations[above];
  if (super.is_final) {
    return reader_.fail(ErrorCode::kInvalid, start,
                        fmt::format("sub type {} of type {}, which is final", index, above));
  }
  if (super.depth == limits::kSupertypes) {
    return reader_.fail(
        ErrorCode::kLimit, start,
        fmt::format("type {} has too many supertypes above one another: the limit is {}", index, limits::kSupertypes));
  }
  TypeDeclaration& declaration = module_.declarations[index];
  declaration.supertype = above;
  declaration.depth = static_cast<std::uint8_t>(super.depth + 1);  // at most limits::kSupertypes
  // As far as the two steps up from there together, if these are equally far: see supertype_at.
  const TypeDeclaration& far = module_.declarations[super.far];
  const bool equally_far = super.depth - far.depth == far.depth - module_.declarations[far.far].depth;
  declaration.far = equally_far ? far.far : above;
  return true;
}

// Specification, 3.3.10 ("Composite Types"): parameters the other way round.
bool ModuleDecoder::matches_supertype(std::uint32_t index) {
  const std::uint32_t above = module_.declarations[index].supertype;
  if (above == TypeDeclaration::kNone) return true;
  const FunctionType& type = module_.types[index];
  const FunctionType& super = module_.types[above];
  return are_subtypes(module_.declarations, super.parameters, type.parameters) &&
         are_subtypes(module_.declarations, type.results, super.results);
}

bool ModuleDecoder::function_type(FunctionType& type) {
  const std::uint64_t start = reader_.offset();
  std::uint8_t form = 0;
  if (!reader_.byte(form)) return false;
  if (form == kArray || form == kStructure) {
    return reader_.fail(ErrorCode::kUnsupported, start,
                        fmt::format("not supported yet: garbage-collected types, {} (type 0x{:02X})",
                                    form == kArray ? "arrays" : "structures", form));
  }
  if (form != kFunction)
    return reader_.fail(ErrorCode::kMalformed, start, fmt::format("malformed function type: 0x{:02X}", form));
  return value_types(limits::kParameters, "parameters of a function", type.parameters) &&
         value_types(limits::kResults, "results of a function", type.results) &&
         (type.results.size() <= 1 || reader_.needs(Feature::kMultiValue, start, "a function with several results"));
}

bool ModuleDecoder::value_types(std::uint32_t limit, std::string_view what, std::vector<ValueType>& types) {
  std::uint32_t count = 0;
  if (!reader_.count(limit, what, count)) return false;
  if (!take_memory(count, memory::kTypeOperand)) return false;
  types.resize(count);
  return std::ranges::all_of(types,
                             [this](ValueType& type) { return reader_.value_type(module_.canonical_types, type); });
}

}  // namespace anew::wasm
