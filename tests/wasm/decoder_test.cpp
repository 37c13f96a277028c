// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "wasm/decoder.hpp"

#include <gtest/gtest.h>

#include <string>

#include "module_bytes.hpp"
#include "wasm/limits.hpp"

namespace anew::wasm::test {
namespace {

void expect_refused(const ByteVector& bytes, ErrorCode code, std::string_view words, std::uint64_t offset,
                    DecodeOptions options = {}) {
  const Result<Module> result = decode_module(view(bytes), options);
  ASSERT_FALSE(result) << words;
  EXPECT_EQ(result.error().code, code) << result.error().message;
  EXPECT_NE(result.error().message.find(words), std::string::npos) << result.error().message;
  ASSERT_TRUE(result.error().offset) << result.error().message;
  EXPECT_EQ(*result.error().offset, offset) << result.error().message;
}

const ByteVector kOneType = section(1, vector({type({}, {})}));
const ByteVector kOneMemory = section(5, vector({{0x00, 1}}));
const ByteVector kOneTable = section(4, vector({{kFuncRef, 0x00, 1}}));

TEST(Decoder, TheEmptyModuleIsAModule) {
  const ByteVector bytes = module({});
  const Result<Module> result = decode_module(view(bytes));
  ASSERT_TRUE(result) << result.error().message;
  EXPECT_TRUE(result->functions.empty());
  EXPECT_TRUE(result->sections.empty());
}

TEST(Decoder, KeepsAllThatAModuleSays) {
  const ByteVector bytes = join({module_around({0x01}), custom("name", {1, 2, 3}), custom("other", {})});
  const Result<Module> result = decode_module(view(bytes));
  ASSERT_TRUE(result) << result.error().message;
  const Module& module = *result;

  ASSERT_EQ(module.types.size(), 5u);
  EXPECT_EQ(to_string(module.types[4]), "[i32 i64] -> []");
  ASSERT_EQ(module.imports.size(), 1u);
  EXPECT_EQ(module.imports[0].module, "env");
  EXPECT_EQ(module.imports[0].name, "f");
  EXPECT_EQ(module.imports[0].kind(), ExternalKind::kFunction);
  EXPECT_EQ(module.functions, (std::vector<std::uint32_t>{1, 0, 0}));
  EXPECT_EQ(module.imported_functions, 1u);
  EXPECT_EQ(module.defined_functions(), 2u);
  ASSERT_EQ(module.tables.size(), 2u);
  EXPECT_EQ(module.tables[1], (TableType{ValueType::kExternRef, {1, 5}}));
  ASSERT_EQ(module.memories.size(), 1u);
  EXPECT_EQ(module.memories[0].limits, (Limits{1, std::nullopt}));
  ASSERT_EQ(module.globals.size(), 2u);
  EXPECT_TRUE(module.globals[0].type.is_mutable);
  ASSERT_EQ(module.globals[1].initializer.size(), 1u);
  EXPECT_EQ(module.globals[1].initializer[0].op, Op::kI64Const);
  EXPECT_EQ(module.globals[1].initializer[0].immediate, 8u);
  ASSERT_EQ(module.exports.size(), 1u);
  EXPECT_EQ(module.exports[0].name, "run");
  ASSERT_EQ(module.elements.size(), 2u);
  EXPECT_EQ(module.elements[0].mode, SegmentMode::kPassive);
  EXPECT_EQ(module.elements[1].type, ValueType::kExternRef);
  EXPECT_EQ(module.elements[1].elements.at(0).op, Op::kRefNull);
  EXPECT_EQ(module.data_count, 1u);
  ASSERT_EQ(module.data.size(), 1u);
  EXPECT_EQ(module.data[0].bytes.size(), 2u);
  EXPECT_EQ(module.data[0].bytes[1], std::byte{0xBB});
  EXPECT_EQ(module.declared_functions, (std::vector<bool>{true, true, false}));
  ASSERT_EQ(module.bodies.size(), 2u);
  EXPECT_EQ(module.bodies[0].bytes.size(), 3u);
  EXPECT_EQ(&view(bytes)[module.bodies[0].offset], module.bodies[0].bytes.data());
  EXPECT_EQ(module.name_section.size(), 3u);
  ASSERT_EQ(module.sections.size(), 13u);
  EXPECT_EQ(module.sections.back().name, "other");
  EXPECT_EQ(module.sections[0].offset, 10u);
}

TEST(Decoder, RefusesWhatIsNoModule) {
  expect_refused({}, ErrorCode::kMalformed, "unexpected end", 0);
  expect_refused({0x00, 0x61}, ErrorCode::kMalformed, "unexpected end", 2);
  expect_refused({'E', 'L', 'F', '!', 1, 0, 0, 0}, ErrorCode::kMalformed, "magic header not detected", 0);
  expect_refused({0, 'a', 's', 'm', 2, 0, 0, 0}, ErrorCode::kMalformed, "unknown binary version", 4);
  expect_refused({0, 'a', 's', 'm', 0x0D, 0, 1, 0}, ErrorCode::kUnsupported, "component", 4);
}

TEST(Decoder, SectionsFollowTheOrder) {
  expect_refused(module({kOneMemory, kOneTable}), ErrorCode::kMalformed, "out of order", 13);
  expect_refused(module({kOneMemory, kOneMemory}), ErrorCode::kMalformed, "occurs twice", 13);
  expect_refused(module({section(14, {})}), ErrorCode::kMalformed, "malformed section id", 8);
  expect_refused(module({section(13, {0})}), ErrorCode::kUnsupported, "exception handling", 8);
  // The data count section stands before the code section in spite of its number.
  expect_refused(module({section(10, {0}), section(12, {0})}), ErrorCode::kMalformed, "out of order", 11);
}

TEST(Decoder, SectionsHaveTheirLength) {
  expect_refused(module({section(5, {1, 0, 1, 0})}), ErrorCode::kMalformed, "section size mismatch", 13);
  expect_refused(module({{5, 9, 1, 0, 1}}), ErrorCode::kMalformed, "unexpected end", 10);
  expect_refused(module({{5, 2, 1, 0, 1}}), ErrorCode::kMalformed, "unexpected end", 12);
  expect_refused(module({{5}}), ErrorCode::kMalformed, "unexpected end", 9);
  expect_refused(module({{5, 0x80, 0x80, 0x80, 0x80, 0x80, 0x00}}), ErrorCode::kMalformed, "too long", 9);
}

TEST(Decoder, CustomSectionsNeedAName) {
  expect_refused(module({section(0, {})}), ErrorCode::kMalformed, "unexpected end", 10);
  expect_refused(module({section(0, {1, 0xFF})}), ErrorCode::kMalformed, "malformed UTF-8 encoding", 11);
  expect_refused(module({section(0, {5, 'a'})}), ErrorCode::kMalformed, "unexpected end", 11);
}

TEST(Decoder, CountsOfSectionsAgree) {
  const ByteVector function = section(3, vector({{0}}));
  expect_refused(module({kOneType, function}), ErrorCode::kMalformed, "inconsistent lengths", 18);
  expect_refused(module({section(10, vector({body({})}))}), ErrorCode::kMalformed, "inconsistent lengths", 10);
  expect_refused(module({section(12, {1})}), ErrorCode::kMalformed, "data count", 11);
  expect_refused(module({kOneMemory, section(12, {1}), section(11, {0})}), ErrorCode::kMalformed, "data count", 18);
}

TEST(Decoder, RefusesMalformedTypes) {
  expect_refused(module({section(1, {1, 0x61, 0, 0})}), ErrorCode::kMalformed, "malformed function type", 11);
  expect_refused(module({section(1, {1, 0x60, 1, 0x40, 0})}), ErrorCode::kMalformed, "malformed value type", 13);
  expect_refused(module({section(1, {1, 0x60, 1, 0x7B, 0})}), ErrorCode::kUnsupported, "vector", 13);
  expect_refused(module({section(1, {1, 0x5F, 0})}), ErrorCode::kUnsupported, "garbage collection", 11);
  expect_refused(module({section(1, {1, 0x60, 1, 0x64, 0})}), ErrorCode::kUnsupported, "function references", 13);
  expect_refused(module({section(3, {1, 0})}), ErrorCode::kInvalid, "unknown type 0", 11);
}

TEST(Decoder, RefusesMalformedImports) {
  const auto import = [](const ByteVector& description) {
    return module({kOneType, section(2, vector({join({text("m"), text("n"), description})}))});
  };
  EXPECT_TRUE(decode_module(view(import({0x00, 0}))));
  EXPECT_TRUE(decode_module(view(import({0x03, kF64, 1}))));
  expect_refused(import({0x00, 1}), ErrorCode::kInvalid, "unknown type 1", 22);
  expect_refused(import({0x05, 0}), ErrorCode::kMalformed, "malformed import kind", 21);
  expect_refused(import({0x04, 0, 0}), ErrorCode::kUnsupported, "exception handling", 21);
  expect_refused(import({0x03, kI32, 2}), ErrorCode::kMalformed, "malformed mutability", 23);
  expect_refused(import({0x01, kI32, 0, 0}), ErrorCode::kMalformed, "malformed reference type", 22);
}

TEST(Decoder, MemoryLimits) {
  const auto memory = [](const ByteVector& limits) { return module({section(5, vector({limits}))}); };
  const ByteVector shared = memory({0x03, 1, 2});
  const Result<Module> decoded = decode_module(view(shared));
  ASSERT_TRUE(decoded) << decoded.error().message;
  EXPECT_TRUE(decoded->memories[0].shared);
  EXPECT_TRUE(decode_module(view(memory({0x01, 0x80, 0x80, 0x04, 0x80, 0x80, 0x04}))));

  expect_refused(memory({0x02, 1}), ErrorCode::kInvalid, "shared memory must have maximum", 11);
  expect_refused(memory({0x01, 2, 1}), ErrorCode::kInvalid, "size minimum must not be greater than maximum", 11);
  expect_refused(memory({0x00, 0x81, 0x80, 0x04}), ErrorCode::kInvalid, "memory size must be at most 65536 pages", 11);
  expect_refused(memory({0x01, 0, 0x81, 0x80, 0x04}), ErrorCode::kInvalid, "memory size must be at most", 11);
  expect_refused(memory({0x04, 1}), ErrorCode::kUnsupported, "memory64", 11);
  expect_refused(memory({0x08, 1}), ErrorCode::kMalformed, "malformed limits flags", 11);
  expect_refused(module({section(5, vector({{0, 1}, {0, 1}}))}), ErrorCode::kUnsupported, "multiple memories", 10);
}

TEST(Decoder, TableLimits) {
  const auto table = [](const ByteVector& limits) { return module({section(4, vector({limits}))}); };
  EXPECT_TRUE(decode_module(view(table({kFuncRef, 0x01, 0, 0xFF, 0xFF, 0xFF, 0xFF, 0x0F}))));
  expect_refused(table({kFuncRef, 0x01, 2, 1}), ErrorCode::kInvalid, "size minimum", 12);
  expect_refused(table({kFuncRef, 0x00, 0xFF, 0xFF, 0xFF, 0xFF, 0x0F}), ErrorCode::kLimit, "table size", 12);
  expect_refused(table({kFuncRef, 0x04, 1}), ErrorCode::kUnsupported, "memory64", 12);
  expect_refused(table({kFuncRef, 0x02, 1}), ErrorCode::kMalformed, "malformed limits flags", 12);
  expect_refused(table({0x40, 0x00}), ErrorCode::kUnsupported, "table initializers", 11);
  expect_refused(table({0x6E, 0x00, 1}), ErrorCode::kUnsupported, "garbage collection", 11);
}

TEST(Decoder, ConstantExpressions) {
  const auto global = [](std::uint8_t type, const ByteVector& expression) {
    return module(
        {section(6, vector({{kI32, 1, 0x41, 1, 0x0B}, {kI32, 0, 0x41, 1, 0x0B}, join({{type, 0}, expression})}))});
  };
  constexpr std::uint64_t kStart = 8 + 3 + 5 + 5 + 2;  // of the third global's initializer
  const ByteVector sum = global(kI64, {0x42, 3, 0x42, 0x7F, 0x7E, 0x42, 5, 0x7C, 0x0B});
  const Result<Module> extended = decode_module(view(sum));
  ASSERT_TRUE(extended) << extended.error().message;
  const ConstantExpression& stored = extended->globals[2].initializer;
  ASSERT_EQ(stored.size(), 5u);
  EXPECT_EQ(stored[1].immediate, UINT64_MAX);
  EXPECT_EQ(stored[2].op, Op::kI64Mul);
  EXPECT_EQ(stored[4].op, Op::kI64Add);
  const ByteVector copy = global(kI32, {0x23, 1, 0x0B});
  EXPECT_TRUE(decode_module(view(copy)));
  const ByteVector negative = global(kI32, {0x41, 0x7F, 0x0B});
  EXPECT_EQ(decode_module(view(negative))->globals[2].initializer[0].immediate, 0xFFFF'FFFFu);

  expect_refused(global(kI64, {0x41, 0, 0x0B}), ErrorCode::kInvalid, "type mismatch", kStart);
  expect_refused(global(kI32, {0x0B}), ErrorCode::kInvalid, "type mismatch", kStart);
  expect_refused(global(kI32, {0x41, 0, 0x41, 0, 0x0B}), ErrorCode::kInvalid, "type mismatch", kStart);
  expect_refused(global(kI32, {0x41, 0, 0x6A, 0x0B}), ErrorCode::kInvalid, "type mismatch", kStart + 2);
  expect_refused(global(kI32, {0x41, 0, 0x42, 0, 0x6A, 0x0B}), ErrorCode::kInvalid, "type mismatch", kStart + 4);
  expect_refused(global(kI32, {0x23, 2, 0x0B}), ErrorCode::kInvalid, "unknown global 2", kStart);
  expect_refused(global(kI32, {0x23, 0, 0x0B}), ErrorCode::kInvalid, "constant expression required", kStart);
  expect_refused(global(kI32, {0x01, 0x0B}), ErrorCode::kInvalid, "constant expression required", kStart);
  expect_refused(global(kI32, {0xFC, 0, 0x0B}), ErrorCode::kInvalid, "constant expression required", kStart);
  expect_refused(global(kI32, {0x27, 0x0B}), ErrorCode::kMalformed, "illegal opcode", kStart);
  expect_refused(global(kI32, {0xFD, 0x0C, 0x0B}), ErrorCode::kUnsupported, "vector instructions", kStart);
  expect_refused(global(kFuncRef, {0xD2, 0, 0x0B}), ErrorCode::kInvalid, "unknown function 0", kStart + 1);
  expect_refused(global(kFuncRef, {0xD0, kExternRef, 0x0B}), ErrorCode::kInvalid, "type mismatch", kStart);
  expect_refused(global(kI32, {0x41, 0}), ErrorCode::kMalformed, "unexpected end", kStart + 2);
}

TEST(Decoder, RefusesWrongExports) {
  const auto exports = [](const ByteVector& payload) { return module({kOneTable, kOneMemory, section(7, payload)}); };
  constexpr std::uint64_t kStart = 8 + 6 + 5 + 2;
  const ByteVector good = exports(vector({join({text("t"), {1, 0}}), join({text("m"), {2, 0}})}));
  EXPECT_TRUE(decode_module(view(good)));
  expect_refused(exports(vector({join({text("a"), {1, 0}}), join({text("b"), {1, 0}}), join({text("a"), {2, 0}})})),
                 ErrorCode::kInvalid, "duplicate export name", kStart + 10);
  expect_refused(exports(vector({join({text(""), {1, 0}}), join({text(""), {2, 0}})})), ErrorCode::kInvalid,
                 "duplicate export name", kStart + 5);
  expect_refused(exports(vector({join({text("a"), {0, 0}})})), ErrorCode::kInvalid, "unknown function 0", kStart + 4);
  expect_refused(exports(vector({join({text("a"), {1, 1}})})), ErrorCode::kInvalid, "unknown table 1", kStart + 4);
  expect_refused(exports(vector({join({text("a"), {2, 1}})})), ErrorCode::kInvalid, "unknown memory 1", kStart + 4);
  expect_refused(exports(vector({join({text("a"), {3, 0}})})), ErrorCode::kInvalid, "unknown global 0", kStart + 4);
  expect_refused(exports(vector({join({text("a"), {5, 0}})})), ErrorCode::kMalformed, "malformed export kind",
                 kStart + 3);
}

TEST(Decoder, TheStartFunctionTakesAndReturnsNothing) {
  const auto with_start = [](std::uint8_t index) {
    return module({section(1, vector({type({}, {}), type({kI32}, {})})),
                   section(2, vector({{0, 0, 0, 0}, {0, 0, 0, 1}})), section(8, {index})});
  };
  const ByteVector good = with_start(0);
  EXPECT_EQ(decode_module(view(good))->start, 0u);
  expect_refused(with_start(1), ErrorCode::kInvalid, "start function", 31);
  expect_refused(with_start(2), ErrorCode::kInvalid, "unknown function 2", 31);
}

TEST(Decoder, ElementSegmentsOfAllEightForms) {
  const auto elements = [](const ByteVector& segment) {
    return module({kOneType, section(2, vector({{0, 0, 0, 0}})),
                   section(4, vector({{kFuncRef, 0, 1}, {kExternRef, 0, 1}})), section(9, vector({segment}))});
  };
  constexpr std::uint64_t kStart = 8 + 6 + 7 + 9 + 3;
  const ByteVector offset = {0x41, 0, 0x0B};
  const ByteVector forms[] = {
      join({{0}, offset, {1, 0}}),
      {1, 0, 1, 0},
      join({{2, 0}, offset, {0, 1, 0}}),
      {3, 0, 1, 0},
      join({{4}, offset, {1, 0xD2, 0, 0x0B}}),
      {5, kFuncRef, 1, 0xD0, kFuncRef, 0x0B},
      join({{6, 1}, offset, {kExternRef, 1, 0xD0, kExternRef, 0x0B}}),
      {7, kExternRef, 0},
  };
  constexpr SegmentMode kModes[] = {SegmentMode::kActive, SegmentMode::kPassive, SegmentMode::kActive,
                                    SegmentMode::kDeclarative};
  for (std::size_t i = 0; i < std::size(forms); ++i) {
    const ByteVector bytes = elements(forms[i]);
    const Result<Module> result = decode_module(view(bytes));
    ASSERT_TRUE(result) << i << ": " << result.error().message;
    EXPECT_EQ(result->elements[0].mode, kModes[i % 4]) << i;
    EXPECT_EQ(result->elements[0].table, i == 6 ? 1u : 0u);
  }
  expect_refused(elements({8, 0}), ErrorCode::kMalformed, "malformed elements segment kind", kStart);
  expect_refused(elements({1, 1, 0}), ErrorCode::kMalformed, "malformed element kind", kStart + 1);
  expect_refused(elements({1, 0, 1, 1}), ErrorCode::kInvalid, "unknown function 1", kStart + 3);
  expect_refused(elements(join({{2, 2}, offset, {0, 0}})), ErrorCode::kInvalid, "unknown table 2", kStart);
  expect_refused(elements(join({{2, 1}, offset, {0, 0}})), ErrorCode::kInvalid, "type mismatch", kStart);
  expect_refused(elements({0, 0x42, 0, 0x0B, 0}), ErrorCode::kInvalid, "type mismatch", kStart + 1);
  expect_refused(module({section(9, vector({join({{0}, offset, {0}})}))}), ErrorCode::kInvalid, "unknown table 0", 11);
}

TEST(Decoder, DataSegments) {
  const ByteVector active = {0, 0x41, 5, 0x0B, 1, 0xAA};
  const ByteVector explicitly = {2, 0, 0x41, 5, 0x0B, 1, 0xAA};
  const ByteVector good = module({kOneMemory, section(11, vector({active, explicitly, {1, 0}}))});
  const Result<Module> result = decode_module(view(good));
  ASSERT_TRUE(result) << result.error().message;
  EXPECT_EQ(result->data[1].mode, SegmentMode::kActive);
  EXPECT_EQ(result->data[1].offset[0].immediate, 5u);
  EXPECT_EQ(result->data[2].mode, SegmentMode::kPassive);
  expect_refused(module({section(11, vector({active}))}), ErrorCode::kInvalid, "unknown memory 0", 11);
  expect_refused(module({kOneMemory, section(11, vector({{2, 1, 0x41, 0, 0x0B, 0}}))}), ErrorCode::kInvalid,
                 "unknown memory 1", 16);
  expect_refused(module({kOneMemory, section(11, vector({{3, 0}}))}), ErrorCode::kMalformed, "data segment kind", 16);
  expect_refused(module({kOneMemory, section(11, vector({{1, 9, 0}}))}), ErrorCode::kMalformed, "unexpected end", 18);
}

TEST(Decoder, HostileCountsReserveNothing) {
  // A count close to 2^32 in every section that has one, with next to nothing behind it.
  for (const std::uint8_t id : ByteVector{1, 2, 3, 4, 5, 6, 7, 9, 10, 11}) {
    for (const ByteVector& count : {leb(0xFFFF'FFFF), leb(0x7FFF'FFFF), leb(9'999'999)}) {
      const ByteVector bytes = module({section(id, join({count, {0, 0, 0}}))});
      const Result<Module> result = decode_module(view(bytes));
      ASSERT_FALSE(result) << int{id};
      EXPECT_EQ(result.error().code, ErrorCode::kMalformed) << int{id} << ": " << result.error().message;
      EXPECT_NE(result.error().message.find("length out of bounds"), std::string::npos) << result.error().message;
      EXPECT_EQ(result.error().offset, 10u);
    }
  }
  expect_refused(module({section(12, leb(0xFFFF'FFFF))}), ErrorCode::kLimit, "data segments", 10);
  expect_refused(module({section(1, join({{1, 0x60}, leb(0xFFFF'FFFF), {0}}))}), ErrorCode::kMalformed, "parameters",
                 12);
}

TEST(Decoder, Limits) {
  const ByteVector many(limits::kParameters + 1, kI32);
  const ByteVector wide = module({section(1, vector({type(many, {})}))});
  const Result<Module> result = decode_module(view(wide));
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().code, ErrorCode::kLimit);

  const std::string longest(limits::kNameBytes, 'x');
  const auto named = [](std::string_view name) {
    return module({section(2, vector({join({text("m"), text(name), {3, kI32, 0}})}))});
  };
  EXPECT_TRUE(decode_module(view(named(longest))));
  EXPECT_EQ(decode_module(view(named(longest + 'x'))).error().code, ErrorCode::kLimit);

  ByteVector tables = leb(limits::kTables + 1);
  for (std::uint32_t i = 0; i <= limits::kTables; ++i) {
    tables.insert(tables.end(), {kFuncRef, 0, 0});
  }
  EXPECT_EQ(decode_module(view(module({section(4, tables)}))).error().code, ErrorCode::kLimit);

  ByteVector big(limits::kFunctionBytes + 1, 0x01);
  const ByteVector function = module({kOneType, section(3, vector({{0}})), section(10, vector({sized(big)}))});
  EXPECT_EQ(decode_module(view(function)).error().code, ErrorCode::kLimit);
}

TEST(Decoder, AModuleDoesWithoutItsCode) {
  const ByteVector bytes = join({module_around({0x01}), custom("name", {1, 2, 3})});
  const Result<Module> whole = decode_module(view(bytes));
  ASSERT_TRUE(whole);
  const std::vector<std::byte> cut = without_code_section(view(bytes), *whole);
  EXPECT_EQ(cut.size() + 10, bytes.size());  // id, size, count, and bodies of 1 + 3 and 1 + 2 bytes
  EXPECT_FALSE(decode_module(cut));
  const Result<Module> rest = decode_module(cut, {.without_code = true});
  ASSERT_TRUE(rest) << rest.error().message;
  EXPECT_TRUE(rest->bodies.empty());
  EXPECT_EQ(rest->functions, whole->functions);
  EXPECT_EQ(rest->data.size(), 1u);
  EXPECT_EQ(rest->name_section.size(), 3u);
  EXPECT_EQ(rest->sections.size() + 1, whole->sections.size());
  EXPECT_EQ(without_code_section(cut, *rest), cut);
}

}  // namespace
}  // namespace anew::wasm::test
