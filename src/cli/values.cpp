// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "cli/values.hpp"

#include <fmt/format.h>

#include <bit>
#include <charconv>
#include <cmath>
#include <cstdint>
#include <limits>
#include <nlohmann/json.hpp>
#include <optional>
#include <system_error>

#include "wasm/printable.hpp"

namespace anew::cli {

namespace {

enum class Flaw : std::uint8_t { kNone, kSyntax, kRange };

struct Parsed {
  std::uint64_t bits = 0;
  Flaw flaw = Flaw::kNone;
  std::uint64_t high = 0;  ///< the upper half of a v128
};

/// Takes a sign off the front. @return whether it was a minus.
bool take_sign(std::string_view& text) {
  if (text.empty() || (text.front() != '-' && text.front() != '+')) return false;
  const bool negative = text.front() == '-';
  text.remove_prefix(1);
  return negative;
}

bool take_hexadecimal_prefix(std::string_view& text) {
  if (!text.starts_with("0x") && !text.starts_with("0X")) return false;
  text.remove_prefix(2);
  return true;
}

Flaw flaw_of(const std::from_chars_result& result, std::string_view text) {
  if (result.ec == std::errc::result_out_of_range) return Flaw::kRange;
  return result.ec == std::errc{} && result.ptr == text.data() + text.size() ? Flaw::kNone : Flaw::kSyntax;
}

Parsed parse_integer(std::string_view text, unsigned width) {
  const bool negative = take_sign(text);
  const int base = take_hexadecimal_prefix(text) ? 16 : 10;
  // from_chars would take another minus here for a signed type; for an unsigned one it does not.
  std::uint64_t magnitude = 0;
  const auto result = std::from_chars(text.data(), text.data() + text.size(), magnitude, base);
  if (const Flaw flaw = flaw_of(result, text); flaw != Flaw::kNone) return {0, flaw};
  const std::uint64_t largest = ~std::uint64_t{0} >> (64 - width);
  if (magnitude > (negative ? largest / 2 + 1 : largest)) return {0, Flaw::kRange};
  return {(negative ? 0 - magnitude : magnitude) & largest, Flaw::kNone};
}

/// @param Float  float or double; Bits  the unsigned integer of its size.
template <typename Float, typename Bits>
Parsed parse_float(std::string_view text) {
  constexpr unsigned kMantissaBits = std::numeric_limits<Float>::digits - 1;
  constexpr Bits kSign = Bits{1} << (sizeof(Bits) * 8 - 1);
  constexpr Bits kPayload = (Bits{1} << kMantissaBits) - 1;
  const Bits sign = take_sign(text) ? kSign : 0;
  if (text == "nan") return {sign | std::bit_cast<Bits>(std::numeric_limits<Float>::quiet_NaN()), Flaw::kNone};
  if (text.starts_with("nan:0x")) {
    const Parsed payload = parse_integer(text.substr(4), 64);
    if (payload.flaw != Flaw::kNone) return payload;
    if (payload.bits == 0 || payload.bits > kPayload) return {0, Flaw::kRange};
    const Bits infinity = std::bit_cast<Bits>(std::numeric_limits<Float>::infinity());
    return {sign | infinity | static_cast<Bits>(payload.bits), Flaw::kNone};  // fits: checked above
  }
  // from_chars also takes "infinity", "nan(...)" and a minus of its own: only what starts like a number, or inf, is
  // left.
  if (text != "inf" &&
      (text.empty() || !(std::isxdigit(static_cast<unsigned char>(text.front())) || text.front() == '.')))
    return {0, Flaw::kSyntax};
  const auto format = take_hexadecimal_prefix(text) ? std::chars_format::hex : std::chars_format::general;
  Float value = 0;
  const auto result = std::from_chars(text.data(), text.data() + text.size(), value, format);
  if (const Flaw flaw = flaw_of(result, text); flaw != Flaw::kNone) return {0, flaw};
  return {sign | std::bit_cast<Bits>(value), Flaw::kNone};
}

/// A vector as lanes.
struct Shape {
  std::string_view prefix;
  ValueType type;  ///< as which a lane is read
  unsigned bits;   ///< of a lane
};
constexpr Shape kShapes[] = {{"i8x16:", ValueType::kI32, 8},  {"i16x8:", ValueType::kI32, 16},
                             {"i32x4:", ValueType::kI32, 32}, {"i64x2:", ValueType::kI64, 64},
                             {"f32x4:", ValueType::kF32, 32}, {"f64x2:", ValueType::kF64, 64}};

Parsed parse_lane(const Shape& shape, std::string_view text) {
  if (shape.type == ValueType::kF32) return parse_float<float, std::uint32_t>(text);
  if (shape.type == ValueType::kF64) return parse_float<double, std::uint64_t>(text);
  return parse_integer(text, shape.bits);
}

/// @param text  the lanes, lane 0 first, with commas between them.
Parsed parse_lanes(const Shape& shape, std::string_view text) {
  std::uint64_t halves[2] = {};
  for (unsigned at = 0; at < 128; at += shape.bits) {
    const bool last = at + shape.bits == 128;
    const std::size_t comma = text.find(',');
    if (last != (comma == std::string_view::npos)) return {0, Flaw::kSyntax};
    const Parsed lane = parse_lane(shape, text.substr(0, comma));
    if (lane.flaw != Flaw::kNone) return lane;
    halves[at / 64] |= lane.bits << (at % 64);
    if (!last) text.remove_prefix(comma + 1);
  }
  return {halves[0], Flaw::kNone, halves[1]};
}

Parsed parse_vector(std::string_view text) {
  for (const Shape& shape : kShapes)
    if (text.starts_with(shape.prefix)) return parse_lanes(shape, text.substr(shape.prefix.size()));
  constexpr std::size_t kDigits = 16;  // of a half
  if (!take_hexadecimal_prefix(text) || text.size() != 2 * kDigits) return {0, Flaw::kSyntax};
  std::uint64_t halves[2] = {};
  for (std::size_t i = 0; i < 2; ++i) {
    const std::string_view digits = text.substr(i * kDigits, kDigits);
    const auto result = std::from_chars(digits.data(), digits.data() + digits.size(), halves[1 - i], 16);
    if (flaw_of(result, digits) != Flaw::kNone) return {0, Flaw::kSyntax};
  }
  return {halves[0], Flaw::kNone, halves[1]};
}

Parsed parse(ValueType type, std::string_view text) {
  switch (type) {
    case ValueType::kI32: return parse_integer(text, 32);
    case ValueType::kI64: return parse_integer(text, 64);
    case ValueType::kF32: return parse_float<float, std::uint32_t>(text);
    case ValueType::kF64: return parse_float<double, std::uint64_t>(text);
    case ValueType::kV128: return parse_vector(text);
    default: return {0, is_nullable(type) && text == "null" ? Flaw::kNone : Flaw::kSyntax};
  }
}

const char* expected(ValueType type) {
  switch (type) {
    case ValueType::kI32: return "an integer from -2147483648 to 4294967295, decimal or hexadecimal (0x...)";
    case ValueType::kI64:
      return "an integer from -9223372036854775808 to 18446744073709551615, decimal or hexadecimal (0x...)";
    case ValueType::kF32:
    case ValueType::kF64: return "a number, decimal or hexadecimal (0x1.8p3), inf, nan or nan:0x...";
    case ValueType::kV128: return "0x and 32 hexadecimal digits, or lanes such as i32x4:1,2,3,4 or f64x2:0.5,inf";
    default: break;
  }
  return is_nullable(type) ? "null: other references cannot be written on a command line"
                           : "a reference that is not null, and none can be written on a command line";
}

}  // namespace

Result<Value> parse_value(ValueType type, std::string_view text) {
  const Parsed parsed = parse(type, text);
  switch (parsed.flaw) {
    case Flaw::kNone: return Value{type, parsed.bits, parsed.high};
    case Flaw::kRange:
      return fail(ErrorCode::kArgument, fmt::format("'{}' is out of range for {}: expected {}", wasm::printable(text),
                                                    anew::to_string(type), expected(type)));
    case Flaw::kSyntax: break;
  }
  return fail(ErrorCode::kArgument,
              fmt::format("'{}' is no {}: expected {}", wasm::printable(text), anew::to_string(type), expected(type)));
}

Result<std::vector<Value>> parse_arguments(std::string_view function, const FunctionType& type,
                                           std::span<const std::string> texts) {
  if (texts.size() != type.parameters.size()) {
    return fail(ErrorCode::kArgument,
                fmt::format("'{}' takes {} argument{}, not {}; its type is {}", wasm::printable_name(function),
                            type.parameters.size(), type.parameters.size() == 1 ? "" : "s", texts.size(),
                            anew::to_string(type)));
  }
  std::vector<Value> values;
  values.reserve(texts.size());
  for (std::size_t i = 0; i < texts.size(); ++i) {
    auto value = parse_value(type.parameters[i], texts[i]);
    if (!value) {
      return fail(ErrorCode::kArgument,
                  fmt::format("argument {} of '{}': {}", i + 1, wasm::printable_name(function), value.error().message));
    }
    values.push_back(*value);
  }
  return values;
}

std::string format_value(const Value& value) {
  if (is_reference(value.type) && value.bits != 0) return anew::to_string(value.type);
  return anew::to_string(value);
}

nlohmann::ordered_json value_json(const Value& value) {
  const auto low = static_cast<std::uint32_t>(value.bits);  // a 32-bit value is in the low half
  switch (value.type) {
    case ValueType::kI32: return std::bit_cast<std::int32_t>(low);
    case ValueType::kI64: return std::bit_cast<std::int64_t>(value.bits);
    case ValueType::kF32:
    case ValueType::kF64: {
      const double number =
          value.type == ValueType::kF32 ? double{std::bit_cast<float>(low)} : std::bit_cast<double>(value.bits);
      // An f32 keeps its own shortest digits: 0.1, not 0.10000000149011612.
      if (std::isfinite(number)) return nlohmann::ordered_json::parse(format_value(value));
      return format_value(value);
    }
    default: return format_value(value);
  }
}

}  // namespace anew::cli
