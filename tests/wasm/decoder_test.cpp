// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "wasm/decoder.hpp"

#include <gtest/gtest.h>

#include <string>
#include <utility>
#include <vector>

#include "module_bytes.hpp"
#include "wasm/limits.hpp"

namespace anew::wasm::test {
namespace {

void expect_refused(const ByteVector& bytes, ErrorCode code, std::string_view words, std::uint64_t offset) {
  const Result<Module> result = decode_module(view(bytes));
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
  // Tags stand between memories and globals in spite of their number.
  const ByteVector one_tag = section(13, vector({{0, 0}}));
  const ByteVector one_global = section(6, vector({{kI32, 0, 0x41, 0, 0x0B}}));
  EXPECT_TRUE(decode_module(view(module({kOneType, kOneMemory, one_tag, one_global}))));
  expect_refused(module({kOneType, one_tag, kOneMemory}), ErrorCode::kMalformed, "out of order", 19);
  expect_refused(module({kOneType, one_global, one_tag}), ErrorCode::kMalformed, "out of order", 22);
  expect_refused(module({kOneType, one_tag, one_tag}), ErrorCode::kMalformed, "occurs twice", 19);
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
  for (const std::uint8_t form : ByteVector{0x5E, 0x5F}) {
    expect_refused(module({section(1, {1, form, 0})}), ErrorCode::kUnsupported,
                   "not supported yet: garbage-collected types", 11);
  }
  for (const std::uint8_t heap_type : ByteVector{0x6A, 0x6B, 0x6C}) {
    expect_refused(module({section(1, {1, 0x60, 1, heap_type, 0})}), ErrorCode::kUnsupported,
                   "not supported yet: garbage-collected types", 13);
    expect_refused(module({section(1, {1, 0x60, 1, 0x63, heap_type, 0})}), ErrorCode::kUnsupported,
                   "not supported yet: garbage-collected types", 14);
  }
  expect_refused(module({section(1, {1, 0x60, 1, 0x64, kI32, 0})}), ErrorCode::kMalformed, "malformed heap type", 14);
  expect_refused(module({section(1, {1, 0x60, 1, 0x64, 0x80, 0x7F, 0})}), ErrorCode::kMalformed, "malformed heap type",
                 14);
  expect_refused(module({section(1, {1, 0x60, 1, 0x64, 1, 0})}), ErrorCode::kInvalid, "unknown type 1", 14);
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
  EXPECT_TRUE(decode_module(view(import({0x04, 0, 0}))));
  expect_refused(import({0x04, 1, 0}), ErrorCode::kMalformed, "zero byte expected", 22);
  expect_refused(import({0x04, 0, 1}), ErrorCode::kInvalid, "unknown type 1", 23);
  expect_refused(import({0x03, kI32, 2}), ErrorCode::kMalformed, "malformed mutability", 23);
  expect_refused(import({0x01, kI32, 0, 0}), ErrorCode::kMalformed, "malformed reference type", 22);
}

TEST(Decoder, MemoryLimits) {
  const auto memory = [](const ByteVector& limits) { return module({section(5, vector({limits}))}); };
  EXPECT_TRUE(decode_module(view(memory({0x01, 0x80, 0x80, 0x04, 0x80, 0x80, 0x04}))));

  expect_refused(memory({0x02, 1}), ErrorCode::kInvalid, "shared memory must have maximum", 11);
  expect_refused(memory({0x01, 2, 1}), ErrorCode::kInvalid, "size minimum must not be greater than maximum", 11);
  expect_refused(memory({0x00, 0x81, 0x80, 0x04}), ErrorCode::kInvalid, "memory size must be at most 65536 pages", 11);
  expect_refused(memory({0x01, 0, 0x81, 0x80, 0x04}), ErrorCode::kInvalid, "memory size must be at most", 11);
  expect_refused(memory({0x08, 1}), ErrorCode::kMalformed, "malformed limits flags", 11);
  // Past 32 bits too, in every way to write it.
  expect_refused(memory(join({{0x00}, leb(std::uint64_t{1} << 32)})), ErrorCode::kInvalid, "memory size must be", 11);
  expect_refused(memory(join({{0x01, 0}, leb(UINT64_MAX)})), ErrorCode::kInvalid, "memory size must be at most", 11);
  expect_refused(memory(join({{0x00}, ByteVector(10, 0x80), {0x00}})), ErrorCode::kMalformed,
                 "integer representation too long", 12);
  expect_refused(memory(join({{0x00}, ByteVector(9, 0x80), {0x02}})), ErrorCode::kMalformed, "integer too large", 12);
}

TEST(Decoder, SharedMemoriesAreRefusedUnlessEachInstanceMayHaveItsOwn) {
  const auto decoded = [](const ByteVector& bytes, Features accepted) {
    return decode_module(view(bytes), MemoryLimit(bytes.size(), UINT64_MAX), accepted);
  };
  const auto memory = [](const ByteVector& limits) { return module({section(5, vector({limits}))}); };
  const ByteVector imported = module({section(2, vector({{0, 0, 2, 0x03, 1, 2}}))});
  const std::vector<std::pair<ByteVector, std::uint64_t>> all = {
      {memory({0x03, 1, 2}), 11}, {memory({0x07, 1, 2}), 11}, {imported, 14}};
  for (const auto& [bytes, at] : all) {
    const Result<Module> refused = decoded(bytes, Features::all());
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().code, ErrorCode::kUnsupported);
    EXPECT_EQ(refused.error().offset, at);
    EXPECT_NE(refused.error().message.find("shared memory; what threads share cannot be restored"), std::string::npos);
    const Result<Module> accepted = decoded(bytes, Features::every());
    ASSERT_TRUE(accepted) << accepted.error().to_string();
    EXPECT_TRUE(accepted->memories[0].shared);
    EXPECT_TRUE(accepted->features.has(Feature::kUnsharedMemory));
  }
  expect_refused(memory({0x03, 2, 1}), ErrorCode::kInvalid, "size minimum", 11);
  expect_refused(memory({0x02, 1}), ErrorCode::kInvalid, "shared memory must have maximum", 11);
  expect_refused(memory({0x06, 1}), ErrorCode::kInvalid, "shared memory must have maximum", 11);
}

TEST(Decoder, MemoriesOf64Bits) {
  const auto memory = [](const ByteVector& limits) { return module({section(5, vector({limits}))}); };
  const ByteVector large = memory(join({{0x05, 1}, leb(std::uint64_t{1} << 48)}));
  const Result<Module> decoded = decode_module(view(large));
  ASSERT_TRUE(decoded) << decoded.error().message;
  EXPECT_TRUE(decoded->memories[0].is_64);
  EXPECT_EQ(decoded->memories[0].limits, (Limits{1, std::uint64_t{1} << 48}));
  EXPECT_EQ(decoded->memory_address(0), ValueType::kI64);
  EXPECT_TRUE(decode_module(view(memory(join({{0x04}, leb(limits::kMemoryPages)})))));
  expect_refused(memory(join({{0x04}, leb(limits::kMemoryPages + 1)})), ErrorCode::kLimit,
                 "memories of 64-bit addresses have 65536 (4 GiB) at most here", 11);
  expect_refused(memory(join({{0x04}, leb((std::uint64_t{1} << 48) + 1)})), ErrorCode::kInvalid,
                 "memory size must be at most 2^48", 11);
  expect_refused(memory(join({{0x05, 1}, leb((std::uint64_t{1} << 48) + 1)})), ErrorCode::kInvalid,
                 "memory size must be at most 2^48", 11);
  expect_refused(memory({0x05, 2, 1}), ErrorCode::kInvalid, "size minimum", 11);
}

TEST(Decoder, ManyMemories) {
  ByteVector memories;
  for (std::uint32_t i = 0; i < limits::kMemories; ++i) memories.insert(memories.end(), {0, 1});
  const ByteVector most = module({section(5, join({leb(limits::kMemories), memories}))});
  const Result<Module> decoded = decode_module(view(most));
  ASSERT_TRUE(decoded) << decoded.error().message;
  EXPECT_EQ(decoded->memories.size(), limits::kMemories);
  expect_refused(module({section(5, join({leb(limits::kMemories + 1), memories, {0, 1}}))}), ErrorCode::kLimit,
                 "too many memories", 11);
  // A data segment and an export each name one.
  const ByteVector named = module({section(5, vector({{0, 1}, {4, 1}})), section(7, vector({{1, 'm', 2, 1}})),
                                   section(11, vector({{2, 1, 0x42, 0, 0x0B, 0}}))});
  EXPECT_TRUE(decode_module(view(named))) << decode_module(view(named)).error().message;
  const ByteVector wrong_offset =
      module({section(5, vector({{0, 1}, {4, 1}})), section(11, vector({{2, 1, 0x41, 0, 0x0B, 0}}))});
  expect_refused(wrong_offset, ErrorCode::kInvalid, "must be i64, is i32", 20);
}

TEST(Decoder, TableLimits) {
  const auto table = [](const ByteVector& limits) { return module({section(4, vector({limits}))}); };
  EXPECT_TRUE(decode_module(view(table({kFuncRef, 0x01, 0, 0xFF, 0xFF, 0xFF, 0xFF, 0x0F}))));
  expect_refused(table({kFuncRef, 0x01, 2, 1}), ErrorCode::kInvalid, "size minimum", 12);
  // Whether there is room for it is a question for whoever instantiates the module.
  EXPECT_TRUE(decode_module(view(table({kFuncRef, 0x00, 0xFF, 0xFF, 0xFF, 0xFF, 0x0F}))));
  expect_refused(table({kFuncRef, 0x02, 1}), ErrorCode::kMalformed, "malformed limits flags", 12);
  expect_refused(table({kFuncRef, 0x06, 1}), ErrorCode::kMalformed, "malformed limits flags", 12);
  expect_refused(table({0x6B, 0x00, 1}), ErrorCode::kUnsupported, "garbage-collected types", 11);
  expect_refused(table({kI32, 0x00, 1}), ErrorCode::kMalformed, "malformed reference type", 11);
  expect_refused(table(join({{kFuncRef, 0x01, 0}, leb(std::uint64_t{1} << 32)})), ErrorCode::kInvalid,
                 "table size must be at most 2^32 - 1", 12);
}

TEST(Decoder, TablesOf64Bits) {
  const auto table = [](const ByteVector& limits) { return module({section(4, vector({limits}))}); };
  const ByteVector large = table(join({{kFuncRef, 0x05, 1}, leb(UINT64_MAX)}));
  const Result<Module> decoded = decode_module(view(large));
  ASSERT_TRUE(decoded) << decoded.error().message;
  EXPECT_EQ(decoded->tables[0], (TableType{ValueType::kFuncRef, {1, UINT64_MAX}, true}));
  EXPECT_EQ(decoded->table_address(0), ValueType::kI64);
  EXPECT_TRUE(decode_module(view(table(join({{kFuncRef, 0x04}, leb(UINT64_MAX)})))));
  // The offset of an element segment is an address.
  const ByteVector segment =
      module({section(4, vector({{kFuncRef, 0x04, 1}})), section(9, vector({{0, 0x42, 0, 0x0B, 0}}))});
  EXPECT_TRUE(decode_module(view(segment)));
  const ByteVector wrong =
      module({section(4, vector({{kFuncRef, 0x04, 1}})), section(9, vector({{0, 0x41, 0, 0x0B, 0}}))});
  expect_refused(wrong, ErrorCode::kInvalid, "must be i64, is i32", 18);
}

TEST(Decoder, TablesWithAnInitializer) {
  const auto table = [](const ByteVector& description) {
    return module({kOneType, section(2, vector({{0, 0, 0, 0}, {0, 0, 3, 0x64, 0, 0}})), section(3, vector({{0}})),
                   section(4, vector({{kFuncRef, 0, 1}, description})), section(10, vector({body({0xD2, 1, 0x1A})}))});
  };
  constexpr std::uint64_t kStart = 8 + 6 + 13 + 4 + 6;
  const ByteVector functions = table({0x40, 0x00, 0x64, 0, 0x00, 1, 0xD2, 1, 0x0B});
  const Result<Module> decoded = decode_module(view(functions));
  ASSERT_TRUE(decoded) << decoded.error().message;
  EXPECT_EQ(decoded->tables.at(1).element, typed_reference(0, false));
  ASSERT_EQ(decoded->table_initializers.size(), 2u);
  EXPECT_TRUE(decoded->table_initializers[0].empty());
  ASSERT_EQ(decoded->table_initializers[1].size(), 1u);
  EXPECT_EQ(decoded->table_initializers[1][0].op, Op::kRefFunc);
  EXPECT_EQ(decoded->declared_functions, (std::vector<bool>{false, true}));
  EXPECT_TRUE(decode_module(view(table({0x40, 0x00, kFuncRef, 0x00, 1, 0xD0, kFuncRef, 0x0B}))));
  EXPECT_TRUE(decode_module(view(table({0x40, 0x00, 0x64, 0, 0x00, 1, 0x23, 0, 0x0B}))));  // an imported global

  expect_refused(table({0x64, 0, 0x00, 1}), ErrorCode::kInvalid, "needs an initializer", kStart);
  expect_refused(table({0x40, 0x01, 0x64, 0, 0x00, 1, 0xD2, 1, 0x0B}), ErrorCode::kMalformed, "zero byte expected",
                 kStart + 1);
  expect_refused(table({0x40, 0x00, 0x64, 0, 0x00, 1, 0xD0, 0, 0x0B}), ErrorCode::kInvalid, "type mismatch",
                 kStart + 6);
  expect_refused(table({0x40, 0x00, 0x64, 0, 0x00, 1, 0x23, 1, 0x0B}), ErrorCode::kInvalid, "unknown global 1",
                 kStart + 6);
}

TEST(Decoder, Tags) {
  const auto tags = [](const ByteVector& tag) {
    return module({section(1, vector({type({}, {}), type({kI32, kI64}, {}), type({}, {kI32})})),
                   section(2, vector({{0, 0, 4, 0, 0}})), section(13, vector({tag})),
                   section(7, vector({{1, 'i', 4, 0}, {1, 'd', 4, 1}}))});
  };
  constexpr std::uint64_t kStart = 8 + 15 + 8 + 3;
  const ByteVector good = tags({0, 1});
  const Result<Module> decoded = decode_module(view(good));
  ASSERT_TRUE(decoded) << decoded.error().message;
  ASSERT_EQ(decoded->tags.size(), 2u);
  EXPECT_EQ(decoded->tags[1].type, 1u);
  EXPECT_EQ(decoded->imported_tags, 1u);
  EXPECT_EQ(decoded->imports[0].kind(), ExternalKind::kTag);
  EXPECT_EQ(decoded->exports[1].kind, ExternalKind::kTag);
  EXPECT_EQ(decoded->exports[1].index, 1u);
  expect_refused(tags({1, 1}), ErrorCode::kMalformed, "zero byte expected", kStart);
  expect_refused(tags({0, 3}), ErrorCode::kInvalid, "unknown type 3", kStart + 1);
  expect_refused(tags({0, 2}), ErrorCode::kInvalid, "non-empty tag result type", kStart);
  expect_refused(module({section(7, vector({{1, 't', 4, 0}}))}), ErrorCode::kInvalid, "unknown tag 0", 14);
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
  expect_refused(global(kV128, {0xFD, 0x0C, 0, 0, 0, 0, 0, 0, 0}), ErrorCode::kMalformed, "unexpected end", kStart + 2);
  expect_refused(global(kI32, {0xFD, 0x4D, 0x0B}), ErrorCode::kInvalid, "constant expression required", kStart);
  expect_refused(global(kI32, {0xFB, 0x00, 0x0B}), ErrorCode::kUnsupported, "garbage-collected types", kStart);
  expect_refused(global(kFuncRef, {0xD2, 0, 0x0B}), ErrorCode::kInvalid, "unknown function 0", kStart + 1);
  expect_refused(global(kFuncRef, {0xD0, kExternRef, 0x0B}), ErrorCode::kInvalid, "type mismatch", kStart);
  expect_refused(global(kI32, {0x41, 0}), ErrorCode::kMalformed, "unexpected end", kStart + 2);
}

TEST(Decoder, ConstantVectors) {
  const ByteVector number = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16};
  const ByteVector bytes = module(
      {section(6, vector({join({{kV128, 0, 0xFD, 0x8C, 0x00}, ByteVector(16, 0xFF), {0x0B}}),  // a padded sub-opcode
                          join({{kV128, 0, 0xFD, 0x0C}, number, {0x0B}}),
                          {kV128, 1, 0x23, 1, 0x0B}}))});
  const Result<Module> decoded = decode_module(view(bytes));
  ASSERT_TRUE(decoded) << decoded.error().message;
  EXPECT_EQ(decoded->globals[0].initializer.at(0).op, Op::kV128Const);
  EXPECT_EQ(decoded->globals[1].initializer.at(0).immediate, 1u);
  EXPECT_EQ(decoded->globals[2].initializer.at(0).op, Op::kGlobalGet);  // of one that is defined, and not mutable
  ASSERT_EQ(decoded->vectors.size(), 2u);
  EXPECT_EQ(decoded->vectors[0], (Vector{UINT64_MAX, UINT64_MAX}));
  EXPECT_EQ(decoded->vectors[1], (Vector{0x0807'0605'0403'0201, 0x100F'0E0D'0C0B'0A09}));
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
  for (const std::uint8_t id : ByteVector{1, 2, 3, 4, 5, 6, 7, 9, 10, 11, 13}) {
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
  for (std::uint32_t i = 0; i <= limits::kTables; ++i) tables.insert(tables.end(), {kFuncRef, 0, 0});
  EXPECT_EQ(decode_module(view(module({section(4, tables)}))).error().code, ErrorCode::kLimit);

  ByteVector big(limits::kFunctionBytes + 1, 0x01);
  const ByteVector function = module({kOneType, section(3, vector({{0}})), section(10, vector({sized(big)}))});
  EXPECT_EQ(decode_module(view(function)).error().code, ErrorCode::kLimit);
}

}  // namespace
}  // namespace anew::wasm::test
