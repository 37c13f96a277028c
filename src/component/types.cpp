// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "component/types.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <string_view>
#include <utility>

#include "os/try.hpp"

namespace anew::component {
namespace {

constexpr std::size_t kMostTypes = 100'000;
constexpr std::size_t kMostFlags = 32;
constexpr std::size_t kMostText = 500;

struct Primitive {
  Kind kind;
  std::string_view name;
  Layout layout;
};
constexpr std::array<Primitive, 13> kPrimitives = {{
    {Kind::kBool, "bool", {1, 1, 1, {ValueType::kI32}}},
    {Kind::kS8, "s8", {1, 1, 1, {ValueType::kI32}}},
    {Kind::kU8, "u8", {1, 1, 1, {ValueType::kI32}}},
    {Kind::kS16, "s16", {2, 2, 1, {ValueType::kI32}}},
    {Kind::kU16, "u16", {2, 2, 1, {ValueType::kI32}}},
    {Kind::kS32, "s32", {4, 4, 1, {ValueType::kI32}}},
    {Kind::kU32, "u32", {4, 4, 1, {ValueType::kI32}}},
    {Kind::kS64, "s64", {8, 8, 1, {ValueType::kI64}}},
    {Kind::kU64, "u64", {8, 8, 1, {ValueType::kI64}}},
    {Kind::kF32, "f32", {4, 4, 1, {ValueType::kF32}}},
    {Kind::kF64, "f64", {8, 8, 1, {ValueType::kF64}}},
    {Kind::kChar, "char", {4, 4, 1, {ValueType::kI32}}},
    {Kind::kString, "string", {8, 4, 2, {ValueType::kI32, ValueType::kI32}}},
}};
static_assert([] {  // it is looked up by Kind
  for (std::size_t k = 0; k < kPrimitives.size(); ++k)
    if (kPrimitives[k].kind != static_cast<Kind>(k)) return false;
  return true;
}());
constexpr Layout kListLayout = kPrimitives.back().layout;  // address and length
constexpr Layout kHandleLayout = {4, 4, 1, {ValueType::kI32}};

bool is_compound(Kind kind) { return kind > Kind::kString && kind < Kind::kOwn; }

/// "Flattening", join(): what holds a value of either type.
ValueType join(ValueType a, ValueType b) {
  if (a == b) return a;
  const auto is_32 = [](ValueType type) { return type == ValueType::kI32 || type == ValueType::kF32; };
  return is_32(a) && is_32(b) ? ValueType::kI32 : ValueType::kI64;
}

/// Adds what a part takes behind what is there.
void append(Layout& layout, const Layout& part) {
  if (layout.flat_count + part.flat_count > kMostFlatParameters) {
    layout.flat_count = Layout::kNotFlat;
    return;
  }
  std::copy_n(part.flat.begin(), part.flat_count, layout.flat.begin() + layout.flat_count);
  layout.flat_count += part.flat_count;
}

/// Makes room for the payload of a case, behind the discriminant.
void join_into(Layout& layout, const Layout& payload) {
  if (layout.flat_count == Layout::kNotFlat || payload.flat_count + 1 > kMostFlatParameters) {
    layout.flat_count = Layout::kNotFlat;
    return;
  }
  for (std::uint32_t k = 0; k < payload.flat_count; ++k) {
    ValueType& type = layout.flat[k + 1];
    type = k + 1 < layout.flat_count ? join(type, payload.flat[k]) : payload.flat[k];
  }
  layout.flat_count = std::max(layout.flat_count, payload.flat_count + 1);
}

/// As large as the largest number of `count`.
std::uint32_t discriminant_bytes(std::size_t count) {
  if (count <= 1U << 8) return 1;
  return count <= 1U << 16 ? 2 : 4;
}

void lay_out_fields(const Types& types, Compound& record) {
  Layout& layout = record.layout;
  std::uint64_t size = 0;
  for (const NamedType& field : record.parts) {
    const Layout& part = types.layout(*field.type);
    size = align_to(size, part.alignment);
    record.offsets.push_back(static_cast<std::uint32_t>(size));  // kMostBytes at most
    size += part.size;
    layout.alignment = std::max(layout.alignment, part.alignment);
    append(layout, part);
    if (size > kMostBytes) break;
  }
  size = align_to(size, layout.alignment);
  layout.size = static_cast<std::uint32_t>(size);  // less than twice kMostBytes and 8
}

void lay_out_cases(const Types& types, Compound& variant) {
  Layout& layout = variant.layout;
  variant.discriminant_bytes = discriminant_bytes(variant.parts.size());
  std::uint32_t payload_alignment = 1;
  std::uint64_t payload_size = 0;
  layout.flat_count = 1;
  layout.flat[0] = ValueType::kI32;
  for (const NamedType& part : variant.parts) {
    if (!part.type) continue;
    const Layout& payload = types.layout(*part.type);
    payload_alignment = std::max(payload_alignment, payload.alignment);
    payload_size = std::max<std::uint64_t>(payload_size, payload.size);
    join_into(layout, payload);
  }
  layout.alignment = std::max(variant.discriminant_bytes, payload_alignment);
  // Sums of numbers below 2^29.
  variant.payload_offset = static_cast<std::uint32_t>(align_to(variant.discriminant_bytes, payload_alignment));
  layout.size = static_cast<std::uint32_t>(align_to(variant.payload_offset + payload_size, layout.alignment));
}

void lay_out(const Types& types, Compound& compound) {
  Layout& layout = compound.layout;
  switch (compound.kind) {
    case Kind::kRecord:
    case Kind::kTuple: return lay_out_fields(types, compound);
    case Kind::kFlags:
      compound.discriminant_bytes = compound.parts.size() <= 8 ? 1 : compound.parts.size() <= 16 ? 2 : 4;
      layout = {compound.discriminant_bytes, compound.discriminant_bytes, 1, {ValueType::kI32}};
      return;
    case Kind::kList: layout = kListLayout; return;
    default: return lay_out_cases(types, compound);
  }
}

}  // namespace

const Layout& Types::layout(Type type) const noexcept {
  if (type.kind <= Kind::kString) return kPrimitives[static_cast<std::size_t>(type.kind)].layout;
  return is_compound(type.kind) ? compound(type).layout : kHandleLayout;
}

ParametersLayout Types::layout(const FunctionType& type) const noexcept {
  ParametersLayout layout;
  for (const NamedType& parameter : type.parameters) {
    const Layout& part = this->layout(*parameter.type);
    // A sum of numbers below 2^29, of which the binary has fewer than 2^32.
    layout.size = align_to(layout.size, part.alignment) + part.size;
    layout.alignment = std::max(layout.alignment, part.alignment);
    layout.flat_count = std::min(layout.flat_count + part.flat_count, Layout::kNotFlat);
  }
  layout.size = align_to(layout.size, layout.alignment);
  return layout;
}

Result<Type> Types::add(Kind kind, std::vector<NamedType> parts) {
  if (parts.empty()) return fail(ErrorCode::kInvalid, "a record, tuple, variant, enum or flags type without parts");
  if (kind == Kind::kFlags && parts.size() > kMostFlags)
    return fail(ErrorCode::kLimit, fmt::format("a flags type has {} flags, and may have {}", parts.size(), kMostFlags));
  Compound compound = {.kind = kind, .parts = std::move(parts)};
  if (const auto found = sorted_.find(compound); found != sorted_.end()) return Type{kind, found->index};

  for (const NamedType& part : compound.parts)
    if (part.type && is_compound(part.type->kind))
      compound.depth = std::max(compound.depth, this->compound(*part.type).depth + 1);
  if (compound.depth > kMostDepth)
    return fail(ErrorCode::kLimit, fmt::format("a type is nested more than {} deep", kMostDepth));
  lay_out(*this, compound);
  if (compound.layout.size > kMostBytes)
    return fail(ErrorCode::kLimit, fmt::format("a value of a type takes more than {} bytes", kMostBytes));
  if (compounds_.size() >= kMostTypes)
    return fail(ErrorCode::kLimit, fmt::format("the component has more than {} types", kMostTypes));
  compound.index = static_cast<std::uint32_t>(compounds_.size());  // kMostTypes at most
  compounds_.push_back(nullptr);                                   // first, as it may throw
  compounds_.back() = &*sorted_.insert(std::move(compound)).first;
  return Type{kind, compounds_.back()->index};
}

void Types::name_resource(ResourceId resource, std::string name) {
  if (resource >= resource_names_.size()) resource_names_.resize(resource + std::size_t{1});
  resource_names_[resource] = std::move(name);
}

// What is written grows with each step, so that a type that is large, or that has one part many times, ends it soon.
void Types::write(Type type, std::string& text) const {
  if (text.size() > kMostText) return;
  if (type.kind <= Kind::kString) {
    text += kPrimitives[static_cast<std::size_t>(type.kind)].name;
  } else if (is_compound(type.kind)) {
    write(compound(type), text);
  } else {
    const bool is_named = type.index < resource_names_.size() && !resource_names_[type.index].empty();
    text += type.kind == Kind::kOwn ? "own<" : "borrow<";
    text += is_named ? resource_names_[type.index] : fmt::format("resource-{}", type.index);
    text += '>';
  }
}

void Types::write(const Compound& compound, std::string& text) const {
  const auto types = [&](std::string_view name, std::string_view separator) {
    text += name;
    bool is_first = true;
    for (const NamedType& part : compound.parts) {
      if (text.size() > kMostText) return;
      text += is_first ? "<" : separator;
      is_first = false;
      if (part.type)
        write(*part.type, text);
      else
        text += '_';
    }
    text += '>';
  };
  const auto named = [&](std::string_view name, std::string_view before_type, std::string_view after_type) {
    text += name;
    bool is_first = true;
    for (const NamedType& part : compound.parts) {
      if (text.size() > kMostText) return;
      text += is_first ? " { " : ", ";
      is_first = false;
      text += part.name;
      if (!part.type) continue;
      text += before_type;
      write(*part.type, text);
      text += after_type;
    }
    text += " }";
  };
  switch (compound.kind) {
    case Kind::kList: types("list", ""); return;
    case Kind::kTuple: types("tuple", ", "); return;
    case Kind::kRecord: named("record", ": ", ""); return;
    case Kind::kVariant: named("variant", "(", ")"); return;
    case Kind::kEnum: named("enum", "", ""); return;
    case Kind::kFlags: named("flags", "", ""); return;
    case Kind::kOption:
      text += "option<";
      write(*compound.parts[1].type, text);
      text += '>';
      return;
    default: break;
  }
  // result, result<ok>, result<_, error> or result<ok, error>
  const bool has_ok = compound.parts[0].type.has_value();
  const bool has_error = compound.parts[1].type.has_value();
  text += "result";
  if (!has_ok && !has_error) return;
  text += '<';
  if (has_ok)
    write(*compound.parts[0].type, text);
  else
    text += '_';
  if (has_error) {
    text += ", ";
    write(*compound.parts[1].type, text);
  }
  text += '>';
}

std::string Types::text(const FunctionType& type) const {
  std::string words = "func(";
  for (const NamedType& parameter : type.parameters) {
    if (words.back() != '(') words += ", ";
    words += fmt::format("{}: {}", parameter.name, text(*parameter.type));
  }
  words += ")";
  if (type.result) words += " -> " + text(*type.result);
  return words;
}

std::string Types::text(Type type) const {
  std::string text;
  write(type, text);
  if (text.size() > kMostText) {
    text.resize(kMostText);
    text += "...";
  }
  return text;
}

}  // namespace anew::component
