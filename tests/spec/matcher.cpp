// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "matcher.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cstdint>
#include <stdexcept>
#include <vector>

namespace anew::spec {
namespace {

/// Lanes of a vector, or a scalar, which is a vector of one lane.
struct Shape {
  std::string_view name;
  unsigned lane_bits;
  bool is_float;
};
constexpr std::array<Shape, 6> kVectorShapes = {{{"i8x16", 8, false},
                                                 {"i16x8", 16, false},
                                                 {"i32x4", 32, false},
                                                 {"i64x2", 64, false},
                                                 {"f32x4", 32, true},
                                                 {"f64x2", 64, true}}};

struct Scalar {
  Shape shape;
  ValueType type;
};
constexpr std::array<Scalar, 4> kScalars = {{{{"i32", 32, false}, ValueType::kI32},
                                             {{"i64", 64, false}, ValueType::kI64},
                                             {{"f32", 32, true}, ValueType::kF32},
                                             {{"f64", 64, true}, ValueType::kF64}}};

/// Garbage-collected references: no value of Anew's is one, but for null.
constexpr std::array<std::string_view, 5> kCollected = {"ref.any", "ref.eq", "ref.array", "ref.struct", "ref.i31"};
constexpr std::array<std::string_view, 6> kCollectedHeaps = {"any", "none", "eq", "i31", "struct", "array"};

template <typename List>
[[nodiscard]] bool contains(const List& list, std::string_view name) {
  return std::find(list.begin(), list.end(), name) != list.end();
}

[[nodiscard]] const Scalar* find_scalar(std::string_view type) {
  const auto* found =
      std::find_if(kScalars.begin(), kScalars.end(), [&](const Scalar& scalar) { return scalar.shape.name == type; });
  return found == kScalars.end() ? nullptr : found;
}

[[nodiscard]] const Shape& vector_shape(const Json& vector) {
  const auto& name = vector.at("shape").get_ref<const std::string&>();
  const auto* found =
      std::find_if(kVectorShapes.begin(), kVectorShapes.end(), [&](const Shape& shape) { return shape.name == name; });
  if (found == kVectorShapes.end()) throw std::runtime_error("unknown shape " + name);
  if (vector.at("lanes").size() != 128 / found->lane_bits) throw std::runtime_error("wrong number of lanes: " + name);
  return *found;
}

[[nodiscard]] std::uint64_t low_bits(unsigned count) { return count == 64 ? ~0ull : (1ull << count) - 1; }

[[nodiscard]] std::uint64_t number(const std::string& text, unsigned bits) {
  std::uint64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size() || value > low_bits(bits))
    throw std::runtime_error(fmt::format("no number of {} bits: '{}'", bits, text));
  return value;
}

/// Specification, 4.3.3: a canonical NaN has no bit of its fraction set but the highest; an arithmetic one has at least
/// that. The sign is free in both.
[[nodiscard]] bool lane_matches(const std::string& expected, std::uint64_t bits, const Shape& shape) {
  if (shape.is_float && expected.starts_with("nan:")) {
    const std::uint64_t sign = 1ull << (shape.lane_bits - 1);
    const std::uint64_t canonical = shape.lane_bits == 32 ? 0x7fc0'0000u : 0x7ff8'0000'0000'0000u;
    if (expected == "nan:canonical") return (bits & ~sign) == canonical;
    if (expected == "nan:arithmetic") return (bits & canonical) == canonical;
  }
  return bits == number(expected, shape.lane_bits);
}

[[nodiscard]] bool vector_matches(const Json& expected, const Value& value) {
  const Shape& shape = vector_shape(expected);
  const Json& lanes = expected.at("lanes");
  bool all = true;
  for (std::size_t lane = 0; lane < lanes.size(); ++lane) {
    const std::size_t at = lane * shape.lane_bits;
    const std::uint64_t bits = (at < 64 ? value.bits : value.high) >> at % 64 & low_bits(shape.lane_bits);
    all = lane_matches(lanes[lane].get_ref<const std::string&>(), bits, shape) && all;
  }
  return all;
}

/// A null of the right kind: the specification takes all nulls of a kind for equal.
[[nodiscard]] bool null_matches(const Json& expected, const Value& value) {
  if (!is_reference(value.type) || value.bits != 0) return false;
  if (!expected.contains("heap")) return true;
  const std::string& heap = expected["heap"].get_ref<const std::string&>();
  if (heap == "func" || heap == "nofunc") return is_function_reference(value.type);
  if (heap == "extern" || heap == "noextern") return is_extern_reference(value.type);
  if (heap == "exn" || heap == "noexn") return is_exception_reference(value.type);
  if (contains(kCollectedHeaps, heap)) return is_any_reference(value.type);
  throw std::runtime_error("unknown heap type " + heap);
}

/// A host object n of a script is the external reference n + 1: zero is null.
[[nodiscard]] std::uint64_t host_object(const Json& reference) {
  return number(reference.at("value").get_ref<const std::string&>(), 32) + 1;
}

}  // namespace

std::optional<Value> to_value(const Json& argument) {
  const auto& type = argument.at("type").get_ref<const std::string&>();
  if (const Scalar* const scalar = find_scalar(type))
    return Value{scalar->type, number(argument.at("value").get_ref<const std::string&>(), scalar->shape.lane_bits)};
  if (type == "v128") {
    const Shape& shape = vector_shape(argument);
    Value value{ValueType::kV128};
    for (std::size_t lane = 0; lane < argument["lanes"].size(); ++lane) {
      const std::size_t at = lane * shape.lane_bits;
      (at < 64 ? value.bits : value.high) |=
          number(argument["lanes"][lane].get_ref<const std::string&>(), shape.lane_bits) << at % 64;
    }
    return value;
  }
  if (type == "ref.extern") return Value{ValueType::kExternRef, host_object(argument)};
  if (type == "ref.host") return std::nullopt;
  if (type == "ref.null") {
    const auto& heap = argument.at("heap").get_ref<const std::string&>();
    if (heap == "func" || heap == "nofunc") return Value{ValueType::kFuncRef};
    if (heap == "extern" || heap == "noextern") return Value{ValueType::kExternRef};
    if (heap == "exn" || heap == "noexn") return Value{ValueType::kExnRef};
    if (contains(kCollectedHeaps, heap)) return Value{ValueType::kAnyRef};
    throw std::runtime_error("unknown heap type " + heap);
  }
  throw std::runtime_error("unknown argument " + argument.dump());
}

bool matches(const Json& expected, const Value& value) {
  const auto& type = expected.at("type").get_ref<const std::string&>();
  if (type == "either") {
    const Json& cases = expected.at("cases");
    return std::any_of(cases.begin(), cases.end(), [&](const Json& one) { return matches(one, value); });
  }
  if (const Scalar* const scalar = find_scalar(type)) {
    // The high half belongs to vectors; a scalar's is zero.
    const bool equal = lane_matches(expected.at("value").get_ref<const std::string&>(), value.bits, scalar->shape);
    return value.type == scalar->type && value.high == 0 && value.bits <= low_bits(scalar->shape.lane_bits) && equal;
  }
  if (type == "v128") return vector_matches(expected, value) && value.type == ValueType::kV128;
  if (type == "ref.null") return null_matches(expected, value);
  if (type == "ref.extern") {
    if (expected.contains("value") && value.bits != host_object(expected)) return false;
    return is_extern_reference(value.type) && value.bits != 0;
  }
  if (type == "ref.func") return is_function_reference(value.type) && value.bits != 0;
  if (type == "ref.host" || contains(kCollected, type)) return false;
  throw std::runtime_error("unknown pattern " + expected.dump());
}

bool matches(const Json& expected, std::span<const Value> values) {
  if (expected.size() != values.size()) return false;
  for (std::size_t index = 0; index < values.size(); ++index)
    if (!matches(expected[index], values[index])) return false;
  return true;
}

bool matches(std::string_view text, TrapKind kind) {
  // The interpreter names the element, "uninitialized element 7"; Anew's trap does not.
  const std::size_t end = text.find_last_not_of("0123456789");
  if (end != std::string_view::npos && end + 1 < text.size() && text[end] == ' ') text = text.substr(0, end);
  return kind != TrapKind::kNone && !text.empty() && std::string_view(anew::to_string(kind)).starts_with(text);
}

std::string to_string(std::span<const Value> values) {
  std::string text = "[";
  for (const Value& value : values) {
    text += text.size() > 1 ? ", " : "";
    if (value.type == ValueType::kV128) {
      text += fmt::format("v128 0x{:016x}{:016x}", value.high, value.bits);
    } else {
      text += fmt::format("{} {}", anew::to_string(value.type), anew::to_string(value));
      // The bits of a NaN, and of what should not be there.
      if (is_float(value.type) || value.high != 0) text += fmt::format(" (bits 0x{:x})", value.bits);
    }
  }
  return text + "]";
}

}  // namespace anew::spec
