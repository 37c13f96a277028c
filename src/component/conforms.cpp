// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "component/conforms.hpp"

#include <fmt/format.h>

#include <array>
#include <string>
#include <string_view>
#include <utility>

#include "os/try.hpp"
#include "wasm/reader.hpp"

namespace anew::component {
namespace {

/// By Value::Alternatives.
constexpr std::array<std::string_view, std::variant_size_v<Value::Alternatives>> kNames = {
    "no value", "a bool",           "an s8",  "a u8",   "an s16",    "a u16",  "an s32",
    "a u32",    "an s64",           "a u64",  "an f32", "an f64",    "a char", "a string",
    "bytes",    "a list or record", "a case", "flags",  "a resource"};

/// Where it failed is put together only then, from inside out.
class Conformance {
 public:
  explicit Conformance(const Types& types) : types_(types) {}

  [[nodiscard]] bool check(Type type, const Value& value);
  /// @param where  "argument 1".
  [[nodiscard]] Error error(std::string_view where) const {
    return make_error(ErrorCode::kArgument, fmt::format("{}{}: {}", where, where_, what_));
  }

 private:
  [[nodiscard, gnu::cold]] bool fail(std::string what) {
    what_ = std::move(what);
    return false;
  }
  [[nodiscard, gnu::cold]] bool fail_in(std::string where) {
    where_.insert(0, where);
    return false;
  }
  [[nodiscard, gnu::cold]] bool is_other(Type type, const Value& value) {
    return fail(fmt::format("expected {}, not {}", types_.text(type), kNames.at(value.alternatives().index())));
  }
  template <typename T>
  [[nodiscard]] bool is(Type type, const Value& value) {
    return value.is<T>() || is_other(type, value);
  }
  [[nodiscard]] bool fits(std::uint64_t bytes) {
    if (bytes <= kMostBytes) return true;
    return fail(fmt::format("{} bytes are more than a string or list may have, {}", bytes, kMostBytes));
  }
  [[nodiscard]] bool string(Type type, const Value& value);
  [[nodiscard]] bool list(Type type, const Value& value);
  [[nodiscard]] bool fields(Type type, const Value& value);
  [[nodiscard]] bool case_of(Type type, const Value& value);
  [[nodiscard]] bool flags(Type type, const Value& value);
  [[nodiscard]] bool resource(Type type, const Value& value);

  const Types& types_;
  std::string where_;
  std::string what_;
};

bool Conformance::string(Type type, const Value& value) {
  const auto* text = std::get_if<std::string>(&value.alternatives());
  if (text == nullptr) return is_other(type, value);
  return fits(text->size()) && (wasm::is_utf8(*text) || fail("the string is not UTF-8"));
}

bool Conformance::list(Type type, const Value& value) {
  const Type element = *types_.compound(type).parts[0].type;
  if (element.kind == Kind::kU8) {
    const auto* bytes = std::get_if<Bytes>(&value.alternatives());
    return bytes == nullptr ? is_other(type, value) : fits(bytes->size());
  }
  const auto* values = std::get_if<Values>(&value.alternatives());
  if (values == nullptr) return is_other(type, value);
  const std::uint64_t count = values->size();
  if (!fits(count) || !fits(count * types_.layout(element).size)) return false;  // below 2^56
  for (std::size_t k = 0; k < values->size(); ++k)
    if (!check(element, (*values)[k])) return fail_in(fmt::format(", element {}", k));
  return true;
}

bool Conformance::fields(Type type, const Value& value) {
  const auto* values = std::get_if<Values>(&value.alternatives());
  if (values == nullptr) return is_other(type, value);
  const auto& parts = types_.compound(type).parts;
  if (values->size() != parts.size())
    return fail(fmt::format("expected {} values, for {}, not {}", parts.size(), types_.text(type), values->size()));
  for (std::size_t k = 0; k < parts.size(); ++k) {
    if (check(*parts[k].type, (*values)[k])) continue;
    return fail_in(type.kind == Kind::kTuple ? fmt::format(", element {}", k)
                                             : fmt::format(", field \"{}\"", parts[k].name));
  }
  return true;
}

bool Conformance::case_of(Type type, const Value& value) {
  const auto* which = std::get_if<Case>(&value.alternatives());
  if (which == nullptr) return is_other(type, value);
  const auto& parts = types_.compound(type).parts;
  if (which->index >= parts.size())
    return fail(fmt::format("case {} of {}, which has {} cases", which->index, types_.text(type), parts.size()));
  const NamedType& part = parts[which->index];
  if (part.type.has_value() != (which->payload != nullptr))
    return fail(fmt::format("case \"{}\" {} a payload", part.name, part.type ? "lacks" : "must not have"));
  return !part.type || check(*part.type, *which->payload) || fail_in(fmt::format(", case \"{}\"", part.name));
}

bool Conformance::flags(Type type, const Value& value) {
  const auto* flags = std::get_if<Flags>(&value.alternatives());
  if (flags == nullptr) return is_other(type, value);
  const std::size_t count = types_.compound(type).parts.size();  // 32 at most
  if (std::uint64_t{flags->bits} >> count == 0) return true;
  return fail(fmt::format("bits {:#x} for {}, which has {} flags", flags->bits, types_.text(type), count));
}

bool Conformance::resource(Type type, const Value& value) {
  if (!is<Resource>(type, value)) return false;
  const Resource& resource = value.as<Resource>();
  if (resource.type != Resource::kHosts && resource.type != type.index)
    return fail(fmt::format("expected {}, and the resource is of another type", types_.text(type)));
  return type.kind == Kind::kBorrow || resource.is_owned ||
         fail("the resource is not owned, and so cannot be given away");
}

bool Conformance::check(Type type, const Value& value) {
  switch (type.kind) {
    case Kind::kBool: return is<bool>(type, value);
    case Kind::kS8: return is<std::int8_t>(type, value);
    case Kind::kU8: return is<std::uint8_t>(type, value);
    case Kind::kS16: return is<std::int16_t>(type, value);
    case Kind::kU16: return is<std::uint16_t>(type, value);
    case Kind::kS32: return is<std::int32_t>(type, value);
    case Kind::kU32: return is<std::uint32_t>(type, value);
    case Kind::kS64: return is<std::int64_t>(type, value);
    case Kind::kU64: return is<std::uint64_t>(type, value);
    case Kind::kF32: return is<float>(type, value);
    case Kind::kF64: return is<double>(type, value);
    case Kind::kChar: {
      if (!is<char32_t>(type, value)) return false;
      const char32_t character = value.as<char32_t>();
      if (character < 0xD800 || (character >= 0xE000 && character < 0x110000)) return true;
      return fail(fmt::format("{:#x} is no Unicode scalar value", std::uint32_t{character}));
    }
    case Kind::kString: return string(type, value);
    case Kind::kList: return list(type, value);
    case Kind::kRecord:
    case Kind::kTuple: return fields(type, value);
    case Kind::kVariant:
    case Kind::kEnum:
    case Kind::kOption:
    case Kind::kResult: return case_of(type, value);
    case Kind::kFlags: return flags(type, value);
    case Kind::kOwn:
    case Kind::kBorrow: return resource(type, value);
  }
  std::unreachable();
}

}  // namespace

Result<void> conforms(const Types& types, const FunctionType& type, std::span<const Value> arguments) {
  if (arguments.size() != type.parameters.size()) {
    return fail(ErrorCode::kArgument,
                fmt::format("the function takes {} arguments, not {}", type.parameters.size(), arguments.size()));
  }
  Conformance conformance(types);
  for (std::size_t k = 0; k < arguments.size(); ++k) {
    const NamedType& parameter = type.parameters[k];
    if (!conformance.check(*parameter.type, arguments[k]))
      return std::unexpected(conformance.error(fmt::format("argument \"{}\"", parameter.name)));
  }
  return {};
}

Result<void> conforms_to_result(const Types& types, const FunctionType& type, const Value& value) {
  if (!type.result) {
    if (value.is<std::monostate>()) return {};
    return fail(ErrorCode::kArgument, "the function has no result, and is given one");
  }
  Conformance conformance(types);
  if (!conformance.check(*type.result, value)) return std::unexpected(conformance.error("the result"));
  return {};
}

}  // namespace anew::component
