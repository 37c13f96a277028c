// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Sets of proposals: each operator and each construct is refused by the name of its proposal where that is not
// accepted, accepted where it is, and noted as needed.
#include <anew/features.hpp>
#include <map>

#include "feature_module.hpp"
#include "wasm/signatures.hpp"

namespace anew::wasm::test {
namespace {

Features parsed(std::string_view list) {
  const Result<Features> features = Features::parse(list);
  EXPECT_TRUE(features) << list << ": " << features.error().message;
  return features.value_or(Features());
}

// Sets.

TEST(Features, ListsNamePresetsAndProposals) {
  EXPECT_EQ(parsed("mvp"), Features());
  EXPECT_EQ(parsed("all"), Features::all());
  EXPECT_EQ(parsed("2.0"), parsed("mvp,mutable-global,saturating-float-to-int,sign-extension,multi-value,bulk-memory,"
                                  "reference-types,simd"));
  EXPECT_EQ(parsed("3.0"),
            parsed("2.0,tail-call,extended-const,function-references,gc,multi-memory,memory64,exceptions,"
                   "relaxed-simd"));
  EXPECT_EQ(parsed("3.0,threads,wide-arithmetic,legacy-exceptions"), Features::all());
  EXPECT_EQ(parsed("substrate"), Features(Feature::kMutableGlobal));
  EXPECT_EQ(parsed("mvp,sign-extension"), Features(Feature::kSignExtension));
  EXPECT_EQ(parsed("mvp,+simd,-simd"), Features());
  EXPECT_EQ(parsed("-threads,-wide-arithmetic,-legacy-exceptions"), Features::wasm_3());
  EXPECT_EQ(parsed("+threads"), Features::all());
  EXPECT_EQ(parsed("all,unshared-memory"), Features::every());
  EXPECT_EQ(parsed("+unshared-memory,-threads,-wide-arithmetic,-legacy-exceptions"), Features::wasm_3());
  EXPECT_EQ(parsed("all,-2.0"), parsed("mvp,tail-call,extended-const,multi-memory,memory64,threads,wide-arithmetic"));
  EXPECT_EQ(parsed("3.0").list().size(), 15u);
  for (const Feature each : Features::all().list())
    EXPECT_EQ(parsed(std::string("mvp,") + to_string(each)), Features(each));
}

TEST(Features, AProposalBringsWhatItBuildsOnAndTakesWhatBuildsOnIt) {
  EXPECT_TRUE(parsed("mvp,relaxed-simd").has(Feature::kSimd));
  EXPECT_TRUE(parsed("mvp,gc").has_all({Feature::kFunctionReferences, Feature::kReferenceTypes}));
  EXPECT_TRUE(Features(Feature::kExceptions).has(Feature::kReferenceTypes));
  EXPECT_TRUE(Features(Feature::kLegacyExceptions).has(Feature::kExceptions));
  EXPECT_FALSE(parsed("all,-exceptions").has(Feature::kLegacyExceptions));
  EXPECT_FALSE(parsed("all,-simd").has(Feature::kRelaxedSimd));
  const Features without = Features::all().without(Feature::kReferenceTypes);
  EXPECT_FALSE(without.has(Feature::kFunctionReferences) || without.has(Feature::kGc) ||
               without.has(Feature::kExceptions));
  EXPECT_TRUE(without.has_all({Feature::kBulkMemory, Feature::kTailCall, Feature::kThreads}));
  EXPECT_EQ(Features::from_bits(Features(Feature::kGc).bits()), Features(Feature::kGc));
  EXPECT_EQ(Features::from_bits(~0u), Features::every());
}

TEST(Features, AListThatIsNoneSaysWhatIsWrong) {
  const auto reason = [](std::string_view list) {
    const Result<Features> features = Features::parse(list);
    EXPECT_FALSE(features) << list;
    if (features) return std::string();
    EXPECT_EQ(features.error().code, ErrorCode::kArgument);
    return features.error().message;
  };
  EXPECT_EQ(
      reason("mvp,sign-ext"),
      "\"sign-ext\" is no set of features and no proposal; known are mvp, 2.0, 3.0, substrate, all; mutable-global, "
      "saturating-float-to-int, sign-extension, multi-value, bulk-memory, reference-types, simd, tail-call, "
      "extended-const, function-references, gc, multi-memory, memory64, exceptions, relaxed-simd, threads, "
      "wide-arithmetic, legacy-exceptions, unshared-memory; did you mean \"sign-extension\"?");
  EXPECT_EQ(
      reason("simd"),
      "\"simd\" does not say what it is added to: write \"mvp,simd\" or another set of features before it, \"+simd\" "
      "to add it to all, or \"-simd\" to take it away");
  for (const std::string_view list : {"", ",", "mvp,", "mvp,,simd", "+", "-", "mvp simd", "--simd", "MVP", "mvp, simd"})
    EXPECT_NE(reason(list).find(" is no set of features"), std::string::npos) << list;
}

// Operators.

/// Operators around one, whose immediates may be such as no other proposal is needed for, in code that cannot be
/// reached: there, operands are of whatever types it wants.
struct Body {
  ByteVector before;
  ByteVector immediates;
  ByteVector after;
};

Body body_for(Op op, std::string_view immediate) {
  Body around{{0x00}, {}, {0x00}};
  switch (op) {
    case Op::kIf:
    case Op::kBlock:
    case Op::kLoop: around.after = {0x0B, 0x00}; break;
    case Op::kTry:
    case Op::kTryTable: around.after = {0x0B, 0x00}; break;
    case Op::kCatch:
    case Op::kCatchAll: around = {{0x00, 0x06, 0x40}, {}, {0x00, 0x0B}}; break;
    case Op::kDelegate: around = {{0x00, 0x06, 0x40}, {}, {}}; break;
    case Op::kRethrow: around = {{0x00, 0x06, 0x40, 0x19}, {}, {0x0B}}; break;
    case Op::kElse: around = {{0x00, 0x04, 0x40}, {}, {0x0B}}; break;
    case Op::kEnd: around = {{0x02, 0x40}, {}, {}}; break;
    case Op::kReturnCall: around.immediates = {2}; return around;  // of type [] -> []
    case Op::kBrOnCast:
    case Op::kBrOnCastFail:
    case Op::kBrOnNonNull: around = {{0x02, kFuncRef, 0x00}, {}, {0x00, 0x0B, 0x1A}}; break;
    default: break;
  }
  static const std::map<std::string_view, ByteVector> kImmediates = {{"None", {}},
                                                                     {"BlockType", {0x40}},
                                                                     {"TryTable", {0x40, 0}},
                                                                     {"SelectTypes", {1, kI32}},
                                                                     {"HeapType", {kFuncRef}},
                                                                     {"F32", {0, 0, 0, 0}},
                                                                     {"F64", ByteVector(8)},
                                                                     {"Vector", ByteVector(16)},
                                                                     {"Shuffle", ByteVector(16)},
                                                                     {"BrTable", {0, 0}},
                                                                     {"CallIndirect", {0, 0}},
                                                                     {"CastBranch", {3, 0, kFuncRef, kFuncRef}},
                                                                     {"DataMemory", {0, 0}},
                                                                     {"ElementTable", {0, 0}},
                                                                     {"MemoryMemory", {0, 0}},
                                                                     {"TableTable", {0, 0}}};
  if (const auto found = kImmediates.find(immediate); found != kImmediates.end())
    around.immediates = found->second;
  else if (immediate.starts_with("MemoryArgument"))
    around.immediates = {signature_of(op).access_log2, 0};
  else if (immediate.starts_with("MemoryLane"))
    around.immediates = {0, 0, 0};
  else
    around.immediates = {0};  // an index, a lane, a number
  return around;
}

ByteVector code_of(Op op) {
  const auto code = static_cast<std::uint16_t>(op);
  if (code < 0x100) return {static_cast<std::uint8_t>(code)};
  const auto prefix = static_cast<std::uint8_t>(code >> 8);
  return prefix == 0xFF ? join({{0xFD}, leb(0x100u + (code & 0xFFu))}) : join({{prefix}, leb(code & 0xFFu)});
}

/// What the validator says of the module's one function if so much is accepted.
struct Said {
  Result<void> result;
  Features features;
};
Said validated(Module module, Features accepted) {
  module.accepted = accepted;
  FunctionValidator validator(module);
  NullSink sink;
  Result<void> result = validator.validate(0, sink);
  return {std::move(result), validator.features()};
}

void expect_refused(const Said& said, Feature proposal, std::string_view what, std::uint64_t offset) {
  const std::string words = std::string(what) + " needs the proposal " + to_string(proposal) +
                            ", which this engine does not accept: add it to EngineOptions::features (--features)";
  ASSERT_FALSE(said.result) << words;
  EXPECT_EQ(said.result.error().code, ErrorCode::kUnsupported);
  EXPECT_EQ(said.result.error().message, words);
  EXPECT_EQ(said.result.error().offset, offset) << words;
}

void expect_gated(Op op, std::string_view text, std::string_view immediate, std::optional<Feature> proposal) {
  const Body around = body_for(op, immediate);
  const ByteVector code = code_of(op);
  const ByteVector operators = join({around.before, code, around.immediates, around.after});
  const ByteVector bytes = feature_module(operators, 0, {1, 1, kI32});
  const Module module = decode_module(view(bytes)).value();
  const Said all = validated(module, Features::all());
  ASSERT_TRUE(all.result) << text << ": " << all.result.error().message;
  if (!proposal) {
    const Said mvp = validated(module, Features::mvp());
    EXPECT_TRUE(mvp.result) << text << ": " << mvp.result.error().message;
    EXPECT_TRUE(all.features.empty()) << text;
    return;
  }
  EXPECT_TRUE(all.features.has(*proposal)) << text;
  EXPECT_TRUE(validated(module, all.features).result) << text;
  // What belongs to a try is refused with it, and before.
  const bool in_try = around.before.size() > 1 && around.before[1] == code_of(Op::kTry)[0];
  const std::uint64_t at = module.bodies[0].offset + 3 + (in_try ? 1 : around.before.size());
  expect_refused(validated(module, Features::all().without(*proposal)), *proposal, in_try ? "try" : text, at);
  EXPECT_FALSE(validated(module, Features::mvp()).result) << text;
}

TEST(Features, EachOperatorIsRefusedByTheNameOfItsProposal) {
#define ANEW_X(name, text, code, proposal, immediate, ...) \
  expect_gated(Op::k##name, text, #immediate, proposal_of(Op::k##name));
  ANEW_OPERATORS(ANEW_X)
#undef ANEW_X
  Features others = Features::all();
#define ANEW_X(name, ...) \
  if (const auto proposal = proposal_of(Op::k##name)) others = others.without(*proposal);
  ANEW_OPERATORS(ANEW_X)
#undef ANEW_X
  EXPECT_EQ(others.list(), (std::vector{Feature::kMutableGlobal, Feature::kMultiValue, Feature::kExtendedConst,
                                        Feature::kMultiMemory, Feature::kMemory64}))
      << "a proposal without operators must be tested by what else it brings";
}

/// @param at  the byte among the operators where the error lies.
void expect_function_gated(const ByteVector& operators, Feature proposal, std::string_view what, std::uint64_t at,
                           const ByteVector& locals = {0}) {
  const ByteVector bytes = feature_module(operators, 0, locals);
  const Module module = decode_module(view(bytes)).value();
  const Said all = validated(module, Features::all());
  ASSERT_TRUE(all.result) << what << ": " << all.result.error().message;
  EXPECT_TRUE(all.features.has(proposal)) << what;
  EXPECT_TRUE(validated(module, all.features).result) << what;
  expect_refused(validated(module, Features::all().without(proposal)), proposal, what, module.bodies[0].offset + at);
}

TEST(Features, WhatElseIsNewInFunctionBodiesIsRefused) {
  const std::uint64_t first = 1;  // behind the count of the local declarations
  expect_function_gated({0x00, 0x15, 0, 0x00}, Feature::kTailCall, "return_call_ref", first + 1);
  expect_function_gated({0x02, 10, 0x00, 0x0B, 0x1A, 0x1A}, Feature::kMultiValue, "a block whose type is a type index",
                        first);
  expect_function_gated({0x41, 0, 0x28, 0x42, 2, 0, 0x1A}, Feature::kMultiMemory, "a memory index in a memory argument",
                        first + 2);
  expect_function_gated({0x3F, 2, 0x1A}, Feature::kMultiMemory, "a memory index that is not one zero byte", first);
  expect_function_gated({0x3F, 0x80, 0x00, 0x1A}, Feature::kMultiMemory, "a memory index that is not one zero byte",
                        first);
  expect_function_gated({0x00, 0x11, 0, 0x80, 0x00, 0x00}, Feature::kReferenceTypes,
                        "a table index that is not one zero byte", first + 1);
  // Two labels with a value each, of types that no operand is of.
  expect_function_gated({0x02, kF32, 0x02, kI32, 0x00, 0x0E, 1, 0, 1, 0x0B, 0x00, 0x0B, 0x1A}, Feature::kReferenceTypes,
                        "a br_table whose labels take other types", first + 5);
  expect_function_gated({}, Feature::kSimd, "the type v128", 2, {1, 1, kV128});
  expect_function_gated({}, Feature::kReferenceTypes, "a reference as a value", 2, {1, 1, kFuncRef});
  expect_function_gated({}, Feature::kReferenceTypes, "the type externref", 2, {1, 1, kExternRef});
  expect_function_gated({}, Feature::kExceptions, "the type exnref", 2, {1, 1, kExnRef});
  expect_function_gated({}, Feature::kFunctionReferences, "a heap type of the module's own", 3, {1, 1, kRefNull, 1});
  expect_function_gated({}, Feature::kFunctionReferences, "a reference type that names its heap type", 2,
                        {1, 1, kRefNull, kFuncRef});
  expect_function_gated({}, Feature::kGc, "the type nullfuncref", 2, {1, 1, 0x73});
  expect_function_gated({}, Feature::kGc, "the type nullexternref", 2, {1, 1, 0x72});
  expect_function_gated({}, Feature::kExceptions, "the type nullexnref", 2, {1, 1, 0x74});
  expect_function_gated({}, Feature::kGc, "the type nullexnref", 2, {1, 1, 0x74});
  expect_function_gated({0x02, kV128, 0x00, 0x0B, 0x1A}, Feature::kSimd, "the type v128", first + 1);
}

TEST(Features, AnOffsetOfMoreThan5BytesNeedsMemory64) {
  const auto load = [](const ByteVector& offset) {
    return module({section(1, vector({type({}, {})})), section(3, {1, 0}), section(5, vector({{0x00, 1}})),
                   section(10, vector({body(join({{0x41, 0, 0x28, 2}, offset, {0x1A}}))}))});
  };
  const ByteVector five = load({0x80, 0x80, 0x80, 0x80, 0x00});
  const Said short_one = validated(decode_module(view(five)).value(), Features::mvp());
  EXPECT_TRUE(short_one.result);
  EXPECT_TRUE(short_one.features.empty());
  const ByteVector six = load({0x80, 0x80, 0x80, 0x80, 0x80, 0x00});
  const Module module = decode_module(view(six)).value();
  EXPECT_EQ(validated(module, Features::all()).features, Features(Feature::kMemory64));
  expect_refused(validated(module, Features::all().without(Feature::kMemory64)), Feature::kMemory64,
                 "an integer of more than 5 bytes", module.bodies[0].offset + 5);
}

// Sections.

constexpr std::size_t kHeader = 8;

Result<Module> decoded(const ByteVector& bytes, Features accepted) {
  return decode_module(view(bytes), MemoryLimit(bytes.size(), UINT64_MAX), accepted);
}

/// @param at  the byte of the module where the error lies.
void expect_module_gated(const ByteVector& bytes, Feature proposal, std::string_view what, std::uint64_t at) {
  const Result<Module> all = decoded(bytes, Features::all());
  ASSERT_TRUE(all) << what << ": " << all.error().message;
  EXPECT_TRUE(all->features.has(proposal)) << what;
  EXPECT_TRUE(decoded(bytes, all->features)) << what;
  const Result<Module> refused = decoded(bytes, Features::all().without(proposal));
  Said said{{}, {}};
  if (!refused) said.result = std::unexpected(refused.error());
  expect_refused(said, proposal, what, at);
}

TEST(Features, WhatIsNewInSectionsIsRefused) {
  const ByteVector types = section(1, vector({type({}, {})}));
  const ByteVector memory = section(5, vector({{0x00, 1}}));
  const ByteVector table = section(4, vector({{kFuncRef, 0x00, 1}}));
  const std::size_t payload = kHeader + 2;

  expect_module_gated(module({section(1, vector({type({}, {kI32, kI32})}))}), Feature::kMultiValue,
                      "a function with several results", payload + 1);
  expect_module_gated(module({section(1, vector({{0x4E, 1, 0x60, 0, 0}}))}), Feature::kGc, "a recursive group of types",
                      payload + 1);
  for (const std::uint8_t form : {std::uint8_t{0x4F}, std::uint8_t{0x50}}) {
    expect_module_gated(module({section(1, vector({{form, 0, 0x60, 0, 0}}))}), Feature::kGc,
                        "a type that declares supertypes", payload + 1);
  }
  expect_module_gated(module({section(1, vector({type({0x6E}, {})}))}), Feature::kGc, "the type anyref", payload + 3);
  expect_module_gated(module({section(1, vector({type({kV128}, {})}))}), Feature::kSimd, "the type v128", payload + 3);
  expect_module_gated(module({section(2, vector({join({{0, 0}, {0x03, kI32, 1}})}))}), Feature::kMutableGlobal,
                      "the import of a mutable global", payload + 1);
  const ByteVector global = section(6, vector({{kI32, 1, 0x41, 0, 0x0B}}));
  expect_module_gated(module({global, section(7, vector({{0, 0x03, 0}}))}), Feature::kMutableGlobal,
                      "the export of a mutable global", kHeader + global.size() + 3);
  expect_module_gated(module({section(2, vector({{0, 0, 0x02, 0x00, 1}, {0, 0, 0x02, 0x00, 1}}))}),
                      Feature::kMultiMemory, "a second memory", payload + 6);
  expect_module_gated(module({section(5, vector({{0x00, 1}, {0x00, 1}}))}), Feature::kMultiMemory, "a second memory",
                      payload + 3);
  expect_module_gated(module({section(2, vector({{0, 0, 0x01, kFuncRef, 0x00, 1}})), table}), Feature::kReferenceTypes,
                      "a second table", kHeader + 9 + 3);
  expect_module_gated(module({section(4, vector({{kFuncRef, 0x00, 1}, {kFuncRef, 0x00, 1}}))}),
                      Feature::kReferenceTypes, "a second table", payload + 4);
  expect_module_gated(module({section(4, vector({{kExternRef, 0x00, 1}}))}), Feature::kReferenceTypes,
                      "the type externref", payload + 1);
  expect_module_gated(module({section(4, vector({{0x40, 0, kFuncRef, 0x00, 1, 0xD0, kFuncRef, 0x0B}}))}),
                      Feature::kFunctionReferences, "a table with an initializer", payload + 1);
  expect_module_gated(module({section(4, vector({{kFuncRef, 0x04, 1}}))}), Feature::kMemory64,
                      "a table with addresses of 64 bits", payload + 2);
  expect_module_gated(module({section(5, vector({{0x04, 1}}))}), Feature::kMemory64,
                      "a memory with addresses of 64 bits", payload + 1);
  expect_module_gated(module({section(5, vector({{0x00, 0x81, 0x80, 0x80, 0x80, 0x80, 0x00}}))}), Feature::kMemory64,
                      "an integer of more than 5 bytes", payload + 2);
  EXPECT_TRUE(decoded(module({section(5, vector({{0x00, 0x81, 0x80, 0x80, 0x80, 0x00}}))}), Features::mvp()));
  expect_module_gated(module({section(13, {0})}), Feature::kExceptions, "a tag section", payload);
  expect_module_gated(module({types, section(2, vector({{0, 0, 0x04, 0, 0}}))}), Feature::kExceptions, "a tag",
                      kHeader + types.size() + 3 + 3);
  expect_module_gated(module({section(12, {0})}), Feature::kBulkMemory, "a data count section", payload);

  const std::size_t data = kHeader + memory.size() + 3;
  expect_module_gated(module({memory, section(11, vector({{0x01, 0}}))}), Feature::kBulkMemory,
                      "a data segment that is not of kind 0", data);
  expect_module_gated(module({memory, section(11, vector({{0x02, 0, 0x41, 0, 0x0B, 0}}))}), Feature::kBulkMemory,
                      "a data segment that is not of kind 0", data);
  const std::size_t elements = kHeader + table.size() + 3;
  for (const ByteVector& segment :
       {ByteVector{0x01, 0, 0}, ByteVector{0x02, 0, 0x41, 0, 0x0B, 0, 0}, ByteVector{0x04, 0x41, 0, 0x0B, 0},
        ByteVector{0x05, kFuncRef, 0}, ByteVector{0x06, 0, 0x41, 0, 0x0B, kFuncRef, 0}}) {
    expect_module_gated(module({table, section(9, vector({segment}))}), Feature::kBulkMemory,
                        "an element segment that is not of kind 0", elements);
  }
  for (const ByteVector& segment : {ByteVector{0x03, 0, 0}, ByteVector{0x07, kFuncRef, 0}}) {
    expect_module_gated(module({table, section(9, vector({segment}))}), Feature::kReferenceTypes,
                        "a declarative element segment", elements);
  }
  // A shared memory is what it says nowhere, so threads do not help.
  for (const Features features : {Features::mvp(), Features::all()}) {
    const Result<Module> shared = decoded(module({section(5, vector({{0x03, 1, 1}}))}), features);
    ASSERT_FALSE(shared);
    EXPECT_NE(shared.error().message.find("--features all,unshared-memory"), std::string::npos);
  }
  EXPECT_TRUE(decoded(module({section(5, vector({{0x03, 1, 1}}))}), Feature::kUnsharedMemory));
}

TEST(Features, WhatIsNewInConstantExpressionsIsRefused) {
  const auto global = [](std::uint8_t type, const ByteVector& expression) {
    return module({section(6, vector({join({{type, 0}, expression, {0x0B}})}))});
  };
  const std::size_t expression = kHeader + 5;
  expect_module_gated(global(kI32, {0x41, 1, 0x41, 2, 0x6A}), Feature::kExtendedConst,
                      "i32.add in a constant expression", expression + 4);
  expect_module_gated(global(kI64, {0x42, 1, 0x42, 2, 0x7E}), Feature::kExtendedConst,
                      "i64.mul in a constant expression", expression + 4);
  expect_module_gated(module({section(6, vector({{kI32, 0, 0x41, 1, 0x0B}, {kI32, 0, 0x23, 0, 0x0B}}))}), Feature::kGc,
                      "a constant expression that reads a global of the module itself", expression + 5);
  EXPECT_TRUE(
      decoded(module({section(2, vector({{0, 0, 0x03, kI32, 0}})), section(6, vector({{kI32, 0, 0x23, 0, 0x0B}}))}),
              Features::mvp()));
  // Where the operator alone is new: the segment is of expressions.
  const ByteVector table = section(4, vector({{kFuncRef, 0x00, 1}}));
  expect_module_gated(module({table, section(9, vector({{0x05, kFuncRef, 1, 0xD0, kFuncRef, 0x0B}}))}),
                      Feature::kReferenceTypes, "ref.null", kHeader + table.size() + 6);
  const ByteVector vector_global = global(kV128, join({{0xFD, 0x0C}, ByteVector(16)}));
  expect_module_gated(vector_global, Feature::kSimd, "the type v128", kHeader + 3);
}

TEST(Features, ADecodedModuleKnowsWhatItsBodiesAreValidatedUnder) {
  const ByteVector bytes = module(
      {section(1, vector({type({}, {})})), section(3, {1, 0}), section(10, vector({body({0x41, 0, 0xC0, 0x1A})}))});
  const Module module = decoded(bytes, Features::mvp()).value();
  FunctionValidator validator(module);
  NullSink sink;
  const Result<void> result = validator.validate(0, sink);
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().to_string(),
            "i32.extend8_s needs the proposal sign-extension, which this engine does not accept: add it to "
            "EngineOptions::features (--features) (at byte 0x19 of the module)");
}

}  // namespace
}  // namespace anew::wasm::test
