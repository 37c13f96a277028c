// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Modules written byte by byte, for tests: the specification's chapter 5 without any help that could hide a mistake.
#pragma once

#include <cstdint>
#include <initializer_list>
#include <span>
#include <string_view>
#include <vector>

#include "wasm/decoder.hpp"

namespace anew::wasm::test {

using ByteVector = std::vector<std::uint8_t>;

inline constexpr std::uint8_t kI32 = 0x7F;
inline constexpr std::uint8_t kI64 = 0x7E;
inline constexpr std::uint8_t kF32 = 0x7D;
inline constexpr std::uint8_t kF64 = 0x7C;
inline constexpr std::uint8_t kV128 = 0x7B;
inline constexpr std::uint8_t kFuncRef = 0x70;
inline constexpr std::uint8_t kExternRef = 0x6F;
inline constexpr std::uint8_t kExnRef = 0x69;
/// What announces a heap type: (ref null ...), (ref ...).
inline constexpr std::uint8_t kRefNull = 0x63;
inline constexpr std::uint8_t kRef = 0x64;
inline constexpr std::uint8_t kEmpty = 0x40;

inline BytesView view(const ByteVector& bytes) { return std::as_bytes(std::span(bytes)); }

inline ByteVector join(std::initializer_list<ByteVector> parts) {
  ByteVector result;
  for (const ByteVector& part : parts) result.insert(result.end(), part.begin(), part.end());
  return result;
}

inline ByteVector leb(std::uint64_t value) {
  ByteVector result;
  do {
    const std::uint8_t low = value & 0x7F;
    value >>= 7;
    result.push_back(value == 0 ? low : low | 0x80);
  } while (value != 0);
  return result;
}

/// The same number as a signed integer, the form in which heap types and block types name a type.
inline ByteVector signed_leb(std::uint64_t value) {
  ByteVector result = leb(value);
  if ((result.back() & 0x40) != 0) {
    result.back() |= 0x80;
    result.push_back(0);
  }
  return result;
}

/// Length and content.
inline ByteVector sized(const ByteVector& content) { return join({leb(content.size()), content}); }
inline ByteVector text(std::string_view name) { return sized(ByteVector(name.begin(), name.end())); }
/// Count and entries.
inline ByteVector vector(std::initializer_list<ByteVector> entries) {
  return join({leb(entries.size()), join(entries)});
}

inline ByteVector section(std::uint8_t id, const ByteVector& payload) { return join({{id}, sized(payload)}); }
inline ByteVector custom(std::string_view name, const ByteVector& payload) {
  return section(0, join({text(name), payload}));
}
inline ByteVector type(const ByteVector& parameters, const ByteVector& results) {
  return join({{0x60}, sized(parameters), sized(results)});
}
/// @param locals  the declarations with their count; operators without the last `end`.
inline ByteVector body(const ByteVector& operators, const ByteVector& locals = {0}) {
  return sized(join({locals, operators, {0x0B}}));
}
inline ByteVector module(std::initializer_list<ByteVector> sections) {
  return join({{0x00, 0x61, 0x73, 0x6D, 0x01, 0x00, 0x00, 0x00}, join(sections)});
}

/// Types, tables, memory, globals and segments for a function to use, around one function of type `type_index` whose
/// body is `operators`. It is function 1; function 0 is imported, function 2 is not declared for ref.func.
///   types    0 [] -> []   1 [i32] -> [i32]   2 [i32 i32] -> [i32]   3 [] -> [i32 i64]   4 [i32 i64] -> []
///   tables   0 funcref   1 externref         globals  0 mutable i32   1 immutable i64
inline ByteVector module_around(const ByteVector& operators, std::uint8_t type_index = 0,
                                const ByteVector& locals = {0}) {
  return module({
      section(1, vector({type({}, {}), type({kI32}, {kI32}), type({kI32, kI32}, {kI32}), type({}, {kI32, kI64}),
                         type({kI32, kI64}, {})})),
      section(2, vector({join({text("env"), text("f"), {0x00, 0x01}})})),
      section(3, vector({{type_index}, {0}})),
      section(4, vector({{kFuncRef, 0x00, 10}, {kExternRef, 0x01, 1, 5}})),
      section(5, vector({{0x00, 1}})),
      section(6, vector({{kI32, 1, 0x41, 7, 0x0B}, {kI64, 0, 0x42, 8, 0x0B}})),
      section(7, vector({join({text("run"), {0x00, 0x01}})})),
      section(9, vector({{0x01, 0x00, 1, 0x00}, {0x05, kExternRef, 1, 0xD0, kExternRef, 0x0B}})),
      section(12, {1}),
      section(10, vector({body(operators, locals), body({})})),
      section(11, vector({{0x01, 2, 0xAA, 0xBB}})),
  });
}

}  // namespace anew::wasm::test
