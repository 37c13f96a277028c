// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Vectors: every operator is read and typed as its row of the table of operators says, and so are their immediates.
#include <gtest/gtest.h>

#include "feature_module.hpp"
#include "wasm/signatures.hpp"

namespace anew::wasm::test {
namespace {

using Lines = std::vector<std::string>;

const ByteVector kOnes = join({{0xFD, 0x0C}, ByteVector(16, 0xFF)});

ByteVector constant(ValueType type) {
  switch (type) {
    case ValueType::kI32: return {0x41, 0};
    case ValueType::kI64: return {0x42, 0};
    case ValueType::kF32: return {0x43, 0, 0, 0, 0};
    case ValueType::kF64: return {0x44, 0, 0, 0, 0, 0, 0, 0, 0};
    default: return kOnes;
  }
}

/// Prefix and sub-opcode, the latter padded to the most bytes there may be.
ByteVector prefixed(Op op) {
  const auto code = static_cast<std::uint32_t>(op);  // an unsigned 16-bit code
  const std::uint32_t prefix = code >> 8 == 0xFF ? 0xFD : code >> 8;
  const std::uint32_t sub_opcode = (code >> 8 == 0xFF ? 0x100 : 0) + (code & 0xFF);
  const auto seven = [&](unsigned shift) { return static_cast<std::uint8_t>(0x80 | (sub_opcode >> shift & 0x7F)); };
  return {static_cast<std::uint8_t>(prefix), seven(0), seven(7), 0x80, 0x80, 0x00};  // the prefix is a byte
}

/// The operator with its operands, but for the last one if `operands` says so, and a use of its result.
ByteVector use(Op op, const ByteVector& immediates, std::size_t operands) {
  const Signature& signature = signature_of(op);
  ByteVector result;
  for (std::size_t i = 0; i < operands; ++i) result = join({result, constant(signature.operand(i))});
  return join({result, prefixed(op), immediates, signature.results != 0 ? ByteVector{0x1A} : ByteVector{}});
}

void expect_operator(Op op, const ByteVector& immediates, const std::string& line) {
  const Signature& signature = signature_of(op);
  const Lines lines = handed_over(use(op, immediates, signature.operands));
  ASSERT_EQ(lines.size(), signature.operands + signature.results + 2u) << line;
  EXPECT_EQ(lines[signature.operands], line);
  // One operand too few, and in unreachable code none.
  const ByteVector too_few = use(op, immediates, signature.operands - std::size_t{1});
  const std::size_t at = too_few.size() - 6 - immediates.size() - signature.results;
  expect_invalid_function(too_few, "type mismatch: " + std::string(to_string(op)) + " expects", at);
  expect_accepted(join({{0x00}, use(op, immediates, 0)}));
}

TEST(Vectors, NumericOperators){
#define ANEW_X(name, text, ...) expect_operator(Op::k##name, {}, text);
    ANEW_VECTOR_NUMERIC_OPERATORS(ANEW_X)
#undef ANEW_X
}

TEST(Vectors, LoadsAndStores) {
#define ANEW_X(name, text, ...)                                                                            \
  expect_operator(Op::k##name, {signature_of(Op::k##name).access_log2, 9},                                 \
                  fmt::format(text " memory=0 align={} offset=9", signature_of(Op::k##name).access_log2)); \
  expect_invalid_function(join({{0x00}, use(Op::k##name, {0x05, 0}, 0)}), "alignment must not be", 1);
  ANEW_VECTOR_LOAD_OPERATORS(ANEW_X)
  ANEW_VECTOR_STORE_OPERATORS(ANEW_X)
#undef ANEW_X
  expect_invalid_function({0x41, 0, 0xFD, 0x54, 1, 0, 0}, "alignment must not be larger than natural", 2);
  EXPECT_EQ(handed_over({0x42, 0, 0xFD, 0x00, 0x44, 1, 0, 0x1A})[1], "v128.load memory=1 align=4 offset=0");
}

TEST(Vectors, Lanes) {
#define ANEW_X(name, text, ...)                                                                   \
  expect_operator(Op::k##name, {1}, text " 1");                                                   \
  expect_invalid_function(join({{0x00}, use(Op::k##name, {signature_of(Op::k##name).lanes}, 0)}), \
                          "invalid lane index", 1);
  ANEW_LANE_OPERATORS(ANEW_X)
#undef ANEW_X
  EXPECT_EQ(handed_over(join({kOnes, {0xFD, 0x16, 15, 0x1A}}))[1], "i8x16.extract_lane_u 15");
  EXPECT_EQ(handed_over(join({kOnes, {0xFD, 0x21, 1, 0x1A}}))[1], "f64x2.extract_lane 1");
}

TEST(Vectors, LoadsAndStoresOfOneLane) {
#define ANEW_X(name, text, ...)                                                                         \
  expect_operator(Op::k##name, {0, 9, 1}, text " memory=0 align=0 offset=9 lane=1");                    \
  expect_invalid_function(join({{0x00}, use(Op::k##name, {0, 0, signature_of(Op::k##name).lanes}, 0)}), \
                          "invalid lane index", 1);
  ANEW_LOAD_LANE_OPERATORS(ANEW_X)
  ANEW_STORE_LANE_OPERATORS(ANEW_X)
#undef ANEW_X
  // With the index of a memory, whose addresses have 64 bits.
  EXPECT_EQ(handed_over(join({{0x42, 0}, kOnes, {0xFD, 0x57, 0x43, 1, 2, 1, 0x1A}}))[2],
            "v128.load64_lane memory=1 align=3 offset=2 lane=1");
  expect_invalid_function(join({{0x41, 0}, kOnes, {0xFD, 0x57, 0x43, 1, 2, 1, 0x1A}}), "expects i64, found i32", 20);
}

TEST(Vectors, Constants) {
  EXPECT_EQ(handed_over({0xFD, 0x0C, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 0x1A})[0],
            "v128.const 807060504030201 100f0e0d0c0b0a09");
  expect_rejected({0xFD, 0x0C, 1, 2, 3}, ErrorCode::kMalformed, "unexpected end", 2);
}

TEST(Vectors, Shuffle) {
  const ByteVector lanes = {0, 1, 2, 3, 4, 5, 6, 7, 31, 30, 29, 28, 27, 26, 25, 24};
  EXPECT_EQ(handed_over(join({kOnes, kOnes, {0xFD, 0x0D}, lanes, {0x1A}}))[2],
            "i8x16.shuffle 0 1 2 3 4 5 6 7 31 30 29 28 27 26 25 24");
  ByteVector wrong = lanes;
  wrong[15] = 32;
  expect_invalid_function(join({kOnes, kOnes, {0xFD, 0x0D}, wrong, {0x1A}}), "invalid lane index 32", 36);
  expect_invalid_function(join({kOnes, {0xFD, 0x0D}, lanes, {0x1A}}), "found nothing on the stack", 18);
}

TEST(Vectors, AreValuesLikeAllOthers) {
  EXPECT_EQ(handed_over(join({{0x23, 0, 0x24, 0, 0x20, 0, 0x22, 1, 0x21, 0, 0x02, kV128}, kOnes, {0x0B, 0x1A}}), 0,
                        {1, 2, kV128}),
            (Lines{"global.get 0", "global.set 0", "local.get 0", "local.tee 1", "local.set 0", "block [] -> [v128]",
                   "v128.const ffffffffffffffff ffffffffffffffff", "end true", "drop", "end_function true"}));
  EXPECT_EQ(handed_over(join({kOnes, kOnes, {0x41, 0, 0x1B, 0x1A}}))[3], "select v128");
  EXPECT_EQ(handed_over(join({kOnes, kOnes, {0x41, 0, 0x1C, 1, kV128, 0x1A}}))[3], "select v128");
  expect_invalid_function(join({kOnes, {0x41, 0, 0x41, 0, 0x1B, 0x1A}}), "type mismatch", 22);
  expect_invalid_function(join({kOnes, {0xD1, 0x1A}}), "expects a reference, found v128", 18);
}

}  // namespace
}  // namespace anew::wasm::test
