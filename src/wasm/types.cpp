// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Types and values of the public API as text.
#include <fmt/format.h>

#include <anew/value.hpp>
#include <bit>
#include <cmath>
#include <string>

namespace anew {

namespace {

// The heap type as a reference in full, "(ref null func)", names it.
std::string heap_name(ValueType type) {
  if (is_typed_reference(type)) return fmt::format("{}", type_index(type));
  switch (with_null(type)) {
    case ValueType::kFuncRef: return "func";
    case ValueType::kExternRef: return "extern";
    case ValueType::kExnRef: return "exn";
    case ValueType::kAnyRef: return "any";
    case ValueType::kEqRef: return "eq";
    case ValueType::kNullFuncRef: return "nofunc";
    case ValueType::kNullExternRef: return "noextern";
    case ValueType::kNullExnRef: return "noexn";
    case ValueType::kNullRef: return "none";
    default: return "unknown";
  }
}

}  // namespace

std::string to_string(ValueType type) {
  switch (type) {
    case ValueType::kI32: return "i32";
    case ValueType::kI64: return "i64";
    case ValueType::kF32: return "f32";
    case ValueType::kF64: return "f64";
    case ValueType::kV128: return "v128";
    case ValueType::kFuncRef: return "funcref";
    case ValueType::kExternRef: return "externref";
    case ValueType::kExnRef: return "exnref";
    case ValueType::kAnyRef: return "anyref";
    case ValueType::kEqRef: return "eqref";
    case ValueType::kNullFuncRef: return "nullfuncref";
    case ValueType::kNullExternRef: return "nullexternref";
    case ValueType::kNullExnRef: return "nullexnref";
    case ValueType::kNullRef: return "nullref";
  }
  return is_reference(type) ? fmt::format("(ref {}{})", is_nullable(type) ? "null " : "", heap_name(type)) : "unknown";
}

std::string to_string(const FunctionType& type) {
  const auto list = [](const std::vector<ValueType>& types) {
    std::string text = "[";
    for (const ValueType each : types) {
      if (text.size() > 1) text += ' ';
      text += to_string(each);
    }
    return text + ']';
  };
  return list(type.parameters) + " -> " + list(type.results);
}

const char* to_string(ExternalKind kind) noexcept {
  switch (kind) {
    case ExternalKind::kFunction: return "function";
    case ExternalKind::kTable: return "table";
    case ExternalKind::kMemory: return "memory";
    case ExternalKind::kGlobal: return "global";
    case ExternalKind::kTag: return "tag";
  }
  return "unknown";
}

std::string to_string(const Value& value) {
  const auto low = static_cast<std::uint32_t>(value.bits);  // a 32-bit value is in the low half
  switch (value.type) {
    case ValueType::kI32: return fmt::format("{}", std::bit_cast<std::int32_t>(low));
    case ValueType::kI64: return fmt::format("{}", std::bit_cast<std::int64_t>(value.bits));
    case ValueType::kF32: {
      const auto number = std::bit_cast<float>(low);
      if (std::isnan(number)) return fmt::format("{}nan:0x{:x}", std::signbit(number) ? "-" : "", low & 0x7F'FFFFu);
      return fmt::format("{}", number);
    }
    case ValueType::kF64: {
      const auto number = std::bit_cast<double>(value.bits);
      if (std::isnan(number))
        return fmt::format("{}nan:0x{:x}", std::signbit(number) ? "-" : "", value.bits & 0xF'FFFF'FFFF'FFFFu);
      return fmt::format("{}", number);
    }
    case ValueType::kV128: return fmt::format("0x{:016x}{:016x}", value.high, value.bits);
    default: return is_reference(value.type) && value.bits == 0 ? "null" : fmt::format("0x{:x}", value.bits);
  }
}

}  // namespace anew
