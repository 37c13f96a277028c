// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// A module with something of every feature for a function to use, and what the validator says of the function.
#pragma once

#include <gtest/gtest.h>

#include <string>
#include <string_view>
#include <vector>

#include "module_bytes.hpp"
#include "recording_sink.hpp"

namespace anew::wasm::test {

/// The function is function 1, of type `type_index`; function 0, of type 1, is imported; function 2, of type 0, is not
/// declared for ref.func.
///   types     0 [] -> []           1 [i32] -> [i32]            2 [i32 i64] -> []        3 [] -> [(ref null 1)]
///             4 [] -> [i32 exnref] 5 as 1                      6 [i32] -> [(ref 1)]     7 [] -> [(ref exn)]
///             8 [(ref 8)] -> []    9 [(ref 9)] -> []          10 [] -> [i32 i64]       11 [] -> [i32 i64 exnref]
///            12 [i32] -> [funcref]  13 [(ref 1)] -> [funcref]
///   tables    0 funcref            1 externref of 64 bits      2 (ref null 1)           3 funcref of 64 bits
///   memories  0 of 32 bits         1 of 64 bits                2 of 32 bits
///   tags      0 [i32 i64]          1 []
///   globals   0 mutable v128       1 (ref func)
///   segments  elements 0 (ref func), 1 externref;              data 0
inline ByteVector feature_module(const ByteVector& operators, std::uint8_t type_index = 0,
                                 const ByteVector& locals = {0}) {
  const auto wide_type = [](const ByteVector& parameters, const ByteVector& results) {
    return join({{0x60}, parameters, results});
  };
  return module({
      section(1, vector({type({}, {}), type({kI32}, {kI32}), type({kI32, kI64}, {}), wide_type({0}, {1, kRefNull, 1}),
                         type({}, {kI32, kExnRef}), type({kI32}, {kI32}), wide_type({1, kI32}, {1, kRef, 1}),
                         wide_type({0}, {1, kRef, kExnRef}), wide_type({1, kRef, 8}, {0}), wide_type({1, kRef, 9}, {0}),
                         type({}, {kI32, kI64}), type({}, {kI32, kI64, kExnRef}), type({kI32}, {kFuncRef}),
                         wide_type({1, kRef, 1}, {1, kFuncRef})})),
      section(2, vector({join({text("env"), text("f"), {0x00, 0x01}})})),
      section(3, vector({{type_index}, {0}})),
      section(4, vector({{kFuncRef, 0x00, 10}, {kExternRef, 0x04, 5}, {kRefNull, 1, 0x00, 4}, {kFuncRef, 0x05, 1, 2}})),
      section(5, vector({{0x00, 1}, {0x05, 1, 9}, {0x00, 0}})),
      section(13, vector({{0, 2}, {0, 0}})),
      section(6,
              vector({join({{kV128, 1, 0xFD, 0x0C}, ByteVector(16, 7), {0x0B}}), {kRef, kFuncRef, 0, 0xD2, 0, 0x0B}})),
      section(7, vector({join({text("run"), {0x00, 0x01}})})),
      section(9, vector({{0x01, 0x00, 1, 0x00}, {0x05, kExternRef, 1, 0xD0, kExternRef, 0x0B}})),
      section(12, {1}),
      section(10, vector({body(operators, locals), body({})})),
      section(11, vector({{0x01, 2, 0xAA, 0xBB}})),
  });
}

/// What the function hands over between begin_function and end_function, with that line; checked for reachability too.
inline std::vector<std::string> handed_over(const ByteVector& operators, std::uint8_t type_index = 0,
                                            const ByteVector& locals = {0}) {
  const ByteVector bytes = feature_module(operators, type_index, locals);
  const Result<Module> module = decode_module(view(bytes));
  RecordingSink sink;
  if (!module) {
    ADD_FAILURE() << module.error().message << " at " << module.error().offset.value_or(0);
    return {};
  }
  FunctionValidator validator(*module);
  const Result<void> result = validator.validate(0, sink);
  if (!result) {
    ADD_FAILURE() << result.error().message << " at operator byte "
                  << result.error().offset.value_or(0) - module->bodies[0].offset - 1;
    return {};
  }
  ReachabilitySink reachability;
  EXPECT_TRUE(validator.validate(0, reachability));
  sink.lines.erase(sink.lines.begin());
  return sink.lines;
}

inline void expect_accepted(const ByteVector& operators, std::uint8_t type_index = 0, const ByteVector& locals = {0}) {
  (void)handed_over(operators, type_index, locals);
}

/// @param offset  of what is wrong, from the first operator on.
inline void expect_rejected(const ByteVector& operators, ErrorCode code, std::string_view words, std::uint64_t offset,
                            std::uint8_t type_index = 0, const ByteVector& locals = {0}) {
  const ByteVector bytes = feature_module(operators, type_index, locals);
  const Result<Module> module = decode_module(view(bytes));
  ASSERT_TRUE(module) << module.error().message;
  FunctionValidator validator(*module);
  NullSink sink;
  const Result<void> result = validator.validate(0, sink);
  ASSERT_FALSE(result) << words;
  EXPECT_EQ(result.error().code, code) << result.error().message;
  EXPECT_NE(result.error().message.find(words), std::string::npos) << result.error().message;
  ASSERT_TRUE(result.error().offset);
  EXPECT_EQ(*result.error().offset - module->bodies[0].offset - locals.size(), offset) << result.error().message;
}

inline void expect_invalid_function(const ByteVector& operators, std::string_view words, std::uint64_t offset,
                                    std::uint8_t type_index = 0, const ByteVector& locals = {0}) {
  expect_rejected(operators, ErrorCode::kInvalid, words, offset, type_index, locals);
}

}  // namespace anew::wasm::test
