// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Functions whose types have declared supertypes: calls through tables, casts, links between instances, and what the
// host passes.
#include <array>

#include "group.hpp"
#include "os/temporary_directory.hpp"

namespace anew::test {
namespace {

using wasm::Op;

/// Types 0 to 2, each below the one before and the last of them final; then type 3, below type 0 and final. All of
/// these are [i64 f64 v128] -> [i64]. Type 4 is [] -> [i64], type 5 [i64 f64 v128 i32] -> [i64], type 6 [(ref null 1)]
/// -> [i64], type 7 [i32] -> [i32].
/// @param padding  types before them.
Code types(std::uint32_t padding = 0) {
  const auto chain = [](Code& code, std::uint8_t form, std::optional<std::uint32_t> supertype) {
    code.byte(form).unsigned_leb(supertype ? 1 : 0);
    if (supertype) code.unsigned_leb(*supertype);
    code.byte(0x60).unsigned_leb(3).byte(0x7E).byte(0x7C).byte(0x7B).unsigned_leb(1).byte(0x7E);
  };
  Code code;
  code.unsigned_leb(8 + padding);
  for (std::uint32_t i = 0; i < padding; ++i) {
    code.byte(0x60).unsigned_leb(i);
    for (std::uint32_t k = 0; k < i; ++k) code.byte(0x7F);
    code.byte(0);
  }
  chain(code, 0x50, std::nullopt);
  chain(code, 0x50, padding);
  chain(code, 0x4F, padding + 1);
  chain(code, 0x4F, padding);
  code.byte(0x60).byte(0).byte(1).byte(0x7E);
  code.byte(0x60).byte(4).byte(0x7E).byte(0x7C).byte(0x7B).byte(0x7F).byte(1).byte(0x7E);
  code.byte(0x60).byte(1).byte(0x63).signed_leb(padding + 1).byte(1).byte(0x7E);
  code.byte(0x60).byte(1).byte(0x7F).byte(1).byte(0x7F);
  return code;
}

/// Exports "f0" to "f3", of types 0 to 3: i64 + trunc(f64) + the low lane of the vector + 1000 * (the type's number).
Module exporter(const Code& section_types) {
  Code exports;
  exports.unsigned_leb(4);
  Code bodies;
  bodies.unsigned_leb(4);
  for (std::uint32_t i = 0; i < 4; ++i) {
    exports.name("f" + std::to_string(i)).byte(0).unsigned_leb(i);
    Code body;
    body.byte(0).get(0).get(1).op(Op::kI64TruncF64S).op(Op::kI64Add).get(2).op(Op::kI64x2ExtractLane).byte(0);
    body.op(Op::kI64Add).i64(1000 * i).op(Op::kI64Add).end();
    bodies.unsigned_leb(body.size()).append(body);
  }
  return raw_module(
      {{1, section_types}, {3, Code().byte(4).byte(0).byte(1).byte(2).byte(3)}, {7, exports}, {10, bodies}});
}

/// Imports "f0" to "f3" of "library" and has them in a table, with null behind them. Exports, for each of the types 0
/// to 3: "callN" calls the element of the given index by that type, "tailN" does so at its end, "testN", "nullN" and
/// "castN" test and cast it, "branchN" and "failN" branch on it; 1 more than a hundred times the index says that it is
/// of the type. nullN takes null, too.
Module importer(std::uint32_t padding) {
  const auto at = [padding](std::uint32_t type) { return padding + type; };
  Code imports;
  imports.unsigned_leb(4);
  for (std::uint32_t i = 0; i < 4; ++i) {
    imports.name("library").name("f" + std::to_string(i)).byte(0).unsigned_leb(at(i));
  }
  Code functions;
  Code exports;
  Code bodies;
  std::uint32_t count = 0;
  const auto add = [&](const std::string& name, std::uint32_t type, const Code& operators) {
    functions.unsigned_leb(type);
    exports.name(name).byte(0).unsigned_leb(4 + count++);
    Code body;
    body.byte(0).append(operators).end();
    bodies.unsigned_leb(body.size()).append(body);
  };
  for (std::uint32_t type = 0; type < 4; ++type) {
    const std::string number = std::to_string(type);
    // Arguments that lie in registers of both kinds when the type is checked, with an operand below them.
    Code arguments;
    arguments.get(0).i64(1).op(Op::kI64Add).get(1).get(1).op(Op::kF64Add).get(2).get(2).op(Op::kI64x2Add).get(3);
    add("call" + number, at(5),
        Code()
            .get(0)
            .i64(5)
            .op(Op::kI64Mul)
            .append(arguments)
            .op(Op::kCallIndirect)
            .unsigned_leb(at(type))
            .byte(0)
            .op(Op::kI64Add));
    add("tail" + number, at(5), Code().append(arguments).op(Op::kReturnCallIndirect).unsigned_leb(at(type)).byte(0));
    const auto test = [&](Op op) {
      Code code;
      code.get(0).i32(100).op(Op::kI32Mul).get(0).op(Op::kTableGet).byte(0).op(op).signed_leb(at(type));
      return code;
    };
    add("test" + number, at(7), test(Op::kRefTest).op(Op::kI32Add));
    add("null" + number, at(7), test(Op::kRefTestNull).op(Op::kI32Add));
    add("cast" + number, at(7), test(Op::kRefCast).op(Op::kDrop).i32(1).op(Op::kI32Add));
    // A label that takes an i32 besides the reference.
    const auto branch = [&](Op op, std::uint32_t label, std::uint32_t otherwise, std::uint32_t taken) {
      Code code;
      code.open(Op::kBlock, label).get(0).i32(100).op(Op::kI32Mul).get(0).op(Op::kTableGet).byte(0);
      code.op(op).byte(1).byte(0).byte(0x70).signed_leb(at(type));  // from funcref to (ref N)
      code.op(Op::kDrop).i32(otherwise).op(Op::kI32Add).op(Op::kReturn).end();
      return code.op(Op::kDrop).i32(taken).op(Op::kI32Add);
    };
    add("branch" + number, at(7), branch(Op::kBrOnCast, at(8), 0, 1));
    add("fail" + number, at(7), branch(Op::kBrOnCastFail, at(8), 1, 0));
  }
  Code all_functions;
  all_functions.unsigned_leb(count).append(functions);
  Code all_exports;
  all_exports.unsigned_leb(count).append(exports);
  Code all_bodies;
  all_bodies.unsigned_leb(count).append(bodies);
  // For branches: a type of blocks whose label takes an i32 and a function.
  Code section_types;
  section_types.unsigned_leb(9 + padding);
  for (std::size_t i = 1; i < types(padding).size(); ++i) {
    section_types.byte(std::to_integer<std::uint8_t>(types(padding).bytes()[i]));
  }
  section_types.byte(0x60).byte(0).byte(2).byte(0x7F).byte(0x70);
  return raw_module({{1, section_types},
                     {2, imports},
                     {3, all_functions},
                     {4, Code().byte(1).byte(0x70).byte(0).byte(5)},
                     {7, all_exports},
                     {9, Code().byte(1).byte(0).i32(0).end().byte(4).byte(0).byte(1).byte(2).byte(3)},
                     {10, all_bodies}});
}

constexpr std::array<std::array<bool, 4>, 4> kIsBelow = {
    {{true, false, false, false}, {true, true, false, false}, {true, true, true, false}, {true, false, false, true}}};

TEST(Subtypes, ACallThroughATableTakesFunctionsOfSubtypes) {
  Group group;
  group.add("library", exporter(types()));
  const Instance user = group.add("user", importer(3));
  ASSERT_TRUE(group.store.freeze().has_value());
  for (std::uint32_t function = 0; function < 4; ++function) {
    for (std::uint32_t type = 0; type < 4; ++type) {
      const std::vector<Value> arguments = {Value::i64(10), Value::f64(2.5), Value::v128(7, 8), Value::i32(function)};
      const std::uint64_t expected = 11 + 5 + 14 + 1000ull * function;
      for (const auto& [name, more] : {std::pair("call", 50u), std::pair("tail", 0u)}) {
        const std::string export_name = name + std::to_string(type);
        if (kIsBelow[function][type]) {
          EXPECT_EQ(call(user, export_name, arguments), Value::i64(expected + more)) << function;
        } else {
          EXPECT_EQ(call_error(user, export_name, arguments).trap, TrapKind::kIndirectCallTypeMismatch) << function;
        }
        ASSERT_TRUE(group.store.reset().has_value());
      }
    }
  }
  EXPECT_EQ(call_error(user, "call0", {Value::i64(0), Value::f64(0), Value::v128(0, 0), Value::i32(4)}).trap,
            TrapKind::kUninitializedElement);
}

TEST(Subtypes, CastsKnowTheFunctionsType) {
  Group group;
  group.add("library", exporter(types()));
  const Instance user = group.add("user", importer(5));
  for (std::uint32_t element = 0; element < 5; ++element) {
    for (std::uint32_t type = 0; type < 4; ++type) {
      const bool is_null = element == 4;
      const bool is_below = !is_null && kIsBelow[element][type];
      const auto result = [&](const std::string& name) {
        return call(user, name + std::to_string(type), {Value::i32(element)}).bits - 100 * element;
      };
      EXPECT_EQ(result("test"), is_below) << element << " " << type;
      EXPECT_EQ(result("null"), is_below || is_null) << element << " " << type;
      EXPECT_EQ(result("branch"), is_below) << element << " " << type;
      EXPECT_EQ(result("fail"), is_below) << element << " " << type;
      if (is_below) {
        EXPECT_EQ(result("cast"), 1) << element << " " << type;
      } else {
        const Error error = call_error(user, "cast" + std::to_string(type), {Value::i32(element)});
        EXPECT_EQ(error.trap, TrapKind::kCastFailure) << element << " " << type;
        EXPECT_EQ(error.backtrace.size(), 1);
      }
    }
  }
}

/// A module that imports one function of "library" by a type.
Module import_of(std::uint32_t function, std::uint32_t type, const Code& section_types) {
  return raw_module(
      {{1, section_types},
       {2, Code().byte(1).name("library").name("f" + std::to_string(function)).byte(0).unsigned_leb(type)}});
}

TEST(Subtypes, AnImportMayAskForASupertype) {
  Group group;
  group.add("library", exporter(types()));
  for (std::uint32_t function = 0; function < 4; ++function) {
    for (std::uint32_t type = 0; type < 4; ++type) {
      const auto instance = group.store.instantiate(import_of(function, 2 + type, types(2)), {});
      EXPECT_EQ(instance.has_value(), kIsBelow[function][type]) << function << " as " << type;
      if (!instance) {
        EXPECT_EQ(instance.error().code, ErrorCode::kLink);
      }
    }
  }
}

TEST(Subtypes, FunctionsThatLookAlikeDifferByGroupSupertypeAndFinality) {
  Group group;
  group.add("library", exporter(types()));
  const auto plain = [](Code& code) -> Code& {
    return code.byte(0x60).unsigned_leb(3).byte(0x7E).byte(0x7C).byte(0x7B).unsigned_leb(1).byte(0x7E);
  };
  Code alone;
  alone.byte(1);
  Code open;
  open.byte(1).byte(0x50).byte(0);
  Code grouped;
  grouped.byte(1).byte(0x4E).byte(2).byte(0x50).byte(0);
  plain(grouped).byte(0x60).byte(0).byte(0);
  EXPECT_FALSE(group.store.instantiate(import_of(0, 0, plain(alone)), {}).has_value());
  EXPECT_TRUE(group.store.instantiate(import_of(0, 0, plain(open)), {}).has_value());
  EXPECT_FALSE(group.store.instantiate(import_of(0, 0, grouped), {}).has_value());
}

TEST(Subtypes, TheHostPassesReferencesToFunctionsOfSubtypes) {
  // "take" is of type 6 and calls what it is given by type 1; "give" returns the function of that index.
  Code body;
  body.byte(0).i64(1).constant(ValueType::kF64, 0).v128(2, 0).get(0).op(Op::kCallRef).unsigned_leb(1).end();
  Code give;
  give.byte(0).get(0).op(Op::kTableGet).byte(0).end();
  Code section_types = types();
  Code with_give;
  with_give.byte(9);
  for (std::size_t i = 1; i < section_types.size(); ++i) {
    with_give.byte(std::to_integer<std::uint8_t>(section_types.bytes()[i]));
  }
  with_give.byte(0x60).byte(1).byte(0x7F).byte(1).byte(0x70);
  Code imports;
  imports.byte(4);
  for (std::uint8_t i = 0; i < 4; ++i) imports.name("library").name("f" + std::to_string(i)).byte(0).byte(i);
  Group group;
  group.add("library", exporter(types()));
  const Instance user = group.add(
      "user",
      raw_module({{1, with_give},
                  {2, imports},
                  {3, Code().byte(2).byte(6).byte(8)},
                  {4, Code().byte(1).byte(0x70).byte(0).byte(4)},
                  {7, Code().byte(2).name("take").byte(0).byte(4).name("give").byte(0).byte(5)},
                  {9, Code().byte(1).byte(0).i32(0).end().byte(4).byte(0).byte(1).byte(2).byte(3)},
                  {10, Code().byte(2).unsigned_leb(body.size()).append(body).unsigned_leb(give.size()).append(give)}}));
  for (std::uint32_t function = 0; function < 4; ++function) {
    const Value reference = call(user, "give", {Value::i32(function)});
    if (kIsBelow[function][1]) {
      EXPECT_EQ(call(user, "take", {reference}), Value::i64(3 + 1000 * function));
    } else {
      const Error error = call_error(user, "take", {reference});
      EXPECT_EQ(error.code, ErrorCode::kArgument);
      EXPECT_TRUE(contains(error.message, "is a reference to a function of another type"));
    }
  }
}

/// Types 0 [] -> [i32], open; 1 below it; 2 [] -> []; 3 as 0, but final. Function 0 is of type 1.
Code small_types() {
  Code code;
  code.byte(4).byte(0x50).byte(0).byte(0x60).byte(0).byte(1).byte(0x7F);
  code.byte(0x4F).byte(1).byte(0).byte(0x60).byte(0).byte(1).byte(0x7F);
  return code.byte(0x60).byte(0).byte(0).byte(0x60).byte(0).byte(1).byte(0x7F);
}
/// Calls element 0 of table 0 by type 0, and global 0 by reference; the sum.
Code sum_of_both() {
  Code code;
  code.byte(0).i32(0).op(Op::kCallIndirect).byte(0).byte(0);
  return code.op(Op::kGlobalGet).byte(0).op(Op::kCallRef).byte(0).op(Op::kI32Add).end();
}

TEST(Subtypes, ASnapshotHoldsFunctionsOfSubtypesInTablesAndGlobals) {
  const TemporaryDirectory directory;
  Code seven;
  seven.byte(0).i32(7).end();
  Code initialize;
  initialize.byte(0).op(Op::kRefFunc).byte(0).op(Op::kGlobalSet).byte(0);
  initialize.i32(0).op(Op::kRefFunc).byte(0).op(Op::kTableSet).byte(0).end();
  Code bodies;
  bodies.byte(3);
  for (const Code& each : {seven, initialize, sum_of_both()}) bodies.unsigned_leb(each.size()).append(each);
  const Module module = raw_module({{1, small_types()},
                                    {3, Code().byte(3).byte(1).byte(2).byte(3)},
                                    {4, Code().byte(1).byte(0x63).byte(0).byte(0).byte(1)},
                                    {6, Code().byte(1).byte(0x63).byte(0).byte(1).op(Op::kRefNull).byte(0).end()},
                                    {7, Code().byte(2).name("_initialize").byte(0).byte(1).name("run").byte(0).byte(2)},
                                    {9, Code().byte(1).byte(3).byte(0).byte(1).byte(0)},
                                    {10, bodies}});
  const Pool pool = Pool::create(module, {}, {.snapshot = {.prelude = {"_initialize"}}, .audit_every = 1}).value();
  EXPECT_EQ(pool.acquire()->call<int>("run").value(), 14);
  ASSERT_TRUE(pool.save_snapshot(directory / "file"));
  const Module loaded = Engine({.cache = false}).load(directory / "file").value();
  const Pool from_file = Pool::create(loaded, {}, {.audit_every = 1}).value();
  EXPECT_EQ(from_file.acquire()->call<int>("run").value(), 14);
  EXPECT_EQ(from_file.audit_report(), "");
}

TEST(Subtypes, AHostFunctionIsOfTheTypeThatItsImportDeclares) {
  Linker linker;
  linker.define("env", "f", [] { return 7; });
  const Module module = raw_module({{1, small_types()},
                                    {2, Code().byte(1).name("env").name("f").byte(0).byte(1)},
                                    {3, Code().byte(1).byte(3)},
                                    {4, Code().byte(1).byte(0x70).byte(0).byte(1)},
                                    {6, Code().byte(1).byte(0x63).byte(0).byte(0).op(Op::kRefFunc).byte(0).end()},
                                    {7, Code().byte(1).name("run").byte(0).byte(1)},
                                    {9, Code().byte(1).byte(0).i32(0).end().byte(1).byte(0)},
                                    {10, Code().byte(1).unsigned_leb(sum_of_both().size()).append(sum_of_both())}});
  const Pool pool = Pool::create(module, linker, {.audit_every = 1}).value();
  EXPECT_EQ(pool.acquire()->call<int>("run").value(), 14);
}

}  // namespace
}  // namespace anew::test
