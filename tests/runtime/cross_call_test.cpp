// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Calls from one instance into another, directly, through tables and back through the host; and what is left of them
// when they trap.
#include <array>
#include <thread>

#include "group.hpp"
#include "runtime/store_state.hpp"

namespace anew::test {
namespace {

Value i32(std::uint32_t value) { return Value::i32(value); }

std::vector<std::string> names(const Error& error) {
  std::vector<std::string> result;
  for (const Frame& frame : error.backtrace) {
    result.push_back(frame.instance_name + ":" + frame.function_name + (frame.is_host ? " (host)" : ""));
  }
  return result;
}

/// A type with more of everything than there are registers, and a function that hands its parameters on, in reverse.
struct Many {
  std::string parameters;
  std::string results;
  std::string pushed;
  std::vector<Value> arguments;
  std::vector<Value> expected;
};
Many make_many() {
  static constexpr std::array kTypes = {"i32", "i64", "f32", "f64", "v128"};
  Many many;
  for (std::uint32_t i = 0; i < 35; ++i) {
    const char* const type = kTypes[i % kTypes.size()];
    many.parameters += std::string(" ") + type;
    many.results = std::string(" ") + type + many.results;
    many.pushed = " (local.get " + std::to_string(i) + ")" + many.pushed;
    switch (i % kTypes.size()) {
      case 0: many.arguments.push_back(Value::i32(0xF000'0000u + i)); break;
      case 1: many.arguments.push_back(Value::i64(~std::uint64_t{i})); break;
      case 2: many.arguments.push_back(Value::f32(static_cast<float>(i) + 0.5F)); break;
      case 3: many.arguments.push_back(Value::f64(i + 0.25)); break;
      default: many.arguments.push_back(Value::v128(i, ~std::uint64_t{i})); break;
    }
  }
  many.expected.assign(many.arguments.rbegin(), many.arguments.rend());
  return many;
}

TEST(CrossCall, PassesManyArgumentsAndResultsOfAllTypes) {
  const Many many = make_many();
  const std::string type = "(param" + many.parameters + ") (result" + many.results + ")";
  Group group;
  group.add("library", "(module (memory 1) (func (export \"reverse\") " + type + many.pushed + "))");
  std::string in_order;
  for (std::size_t i = 0; i < many.arguments.size(); ++i) in_order += " (local.get " + std::to_string(i) + ")";
  const Instance user = group.add(
      "user", "(module (type $t (func " + type + "))" + "(import \"library\" \"reverse\" (func $reverse (type $t)))" +
                  "(table 1 funcref) (elem (i32.const 0) $reverse)" + "(func (export \"direct\") (type $t)" + in_order +
                  "(call $reverse))" + "(func (export \"indirect\") (type $t)" + in_order +
                  "(call_indirect (type $t) (i32.const 0)))" + "(func (export \"tail\") (type $t)" + in_order +
                  "(return_call $reverse))" + "(export \"reverse\" (func $reverse)))");
  for (const char* const name : {"direct", "indirect", "tail", "reverse"}) {
    EXPECT_EQ(user.call_values(name, many.arguments).value(), many.expected) << name;
  }
}

TEST(CrossCall, PassesManyArgumentsAndResultsToTheHost) {
  const Many many = make_many();
  FunctionType type;
  for (const Value& each : many.arguments) type.parameters.push_back(each.type);
  for (const Value& each : many.expected) type.results.push_back(each.type);
  Linker linker;
  linker.define("env", "reverse", type, [&many](Caller, std::span<std::uint64_t> slots) -> Result<void> {
    std::size_t slot = 0;
    for (const Value& each : many.arguments) {
      EXPECT_EQ(slots[slot++], each.bits);
      if (each.type == ValueType::kV128) {
        EXPECT_EQ(slots[slot++], each.high);
      }
    }
    EXPECT_EQ(slot, slots.size());
    slot = 0;
    for (const Value& each : many.expected) {
      slots[slot++] = each.bits;
      if (each.type == ValueType::kV128) slots[slot++] = each.high;
    }
    return {};
  });
  const std::string text = "(param" + many.parameters + ") (result" + many.results + ")";
  Group group;
  group.add("library",
            "(module (import \"env\" \"reverse\" (func $reverse " + text + ")) (export \"again\" (func $reverse)))",
            linker);
  std::string in_order;
  for (std::size_t i = 0; i < many.arguments.size(); ++i) in_order += " (local.get " + std::to_string(i) + ")";
  const Instance user = group.add("user", "(module (import \"library\" \"again\" (func $reverse " + text + "))" +
                                              "(func (export \"run\") " + text + in_order + "(call $reverse)))");
  EXPECT_EQ(user.call_values("run", many.arguments).value(), many.expected);
}

/// Functions that call one another through a table that all instances share: each must find its own memory and globals.
TEST(CrossCall, ThroughASharedTableRunsEachFunctionInItsOwnInstance) {
  Group group;
  group.add("table", R"((module (table (export "table") 3 funcref)))");
  const auto text = [](int number) {
    const std::string self = std::to_string(number);
    const std::string next = std::to_string((number + 1) % 3);
    return R"((module (import "table" "table" (table 3 funcref)) (memory (export "memory") 1)
      (global $self i32 (i32.const )" +
           self + R"())
      (type $t (func (param i32) (result i32)))
      (elem (i32.const )" +
           self + R"() $step)
      (func $step (type $t)
        (i32.store (i32.const 0) (i32.add (i32.load (i32.const 0)) (i32.const 1)))
        (if (result i32) (i32.eqz (local.get 0))
          (then (global.get $self))
          (else (i32.add (i32.mul (i32.const 10)
                  (call_indirect (type $t) (i32.sub (local.get 0) (i32.const 1)) (i32.const )" +
           next + R"()))
                (i32.add (global.get $self) (i32.mul (i32.const 0) (i32.load (i32.const 0))))))))
      (func (export "run") (param i32) (result i32) (call $step (local.get 0)))))";
  };
  const std::array instances = {group.add("0", text(0)), group.add("1", text(1)), group.add("2", text(2))};
  ASSERT_TRUE(group.store.freeze().has_value());
  EXPECT_EQ(call(instances[0], "run", {i32(5)}), i32(210210));
  EXPECT_EQ(call(instances[1], "run", {i32(3)}), i32(1021));
  const auto steps = [&](int instance) { return instances[instance].memory().load<std::uint32_t>(0).value(); };
  EXPECT_EQ(steps(0), 3u);
  EXPECT_EQ(steps(1), 4u);
  EXPECT_EQ(steps(2), 3u);
  const auto reset = group.store.reset();
  ASSERT_TRUE(reset.has_value()) << reset.error().to_string();
  EXPECT_EQ(steps(0) + steps(1) + steps(2), 0u);
  EXPECT_EQ(call(instances[2], "run", {i32(2)}), i32(102)) << "the table's references are restored as well";
}

TEST(CrossCall, ChecksTheTypeOfAFunctionOfAnotherModule) {
  Group group;
  group.add("library", R"((module (table (export "table") 3 funcref) (type (func)) (type (func (param f64)))
    (elem (i32.const 0) $number $nothing)
    (func $number (result i32) (i32.const 4)) (func $nothing)))");
  const Instance user = group.add("user", R"((module (import "library" "table" (table 3 funcref))
    (type $number (func (result i32)))
    (func (export "run") (param i32) (result i32) (call_indirect (type $number) (local.get 0)))))");
  EXPECT_EQ(call(user, "run", {i32(0)}), i32(4));
  EXPECT_EQ(call_error(user, "run", {i32(1)}).trap, TrapKind::kIndirectCallTypeMismatch);
  EXPECT_EQ(call_error(user, "run", {i32(2)}).trap, TrapKind::kUninitializedElement);
  EXPECT_EQ(call_error(user, "run", {i32(3)}).trap, TrapKind::kUndefinedElement);
}

TEST(CrossCall, RunsOnAnyThread) {
  Group group;
  group.add("library", R"((module (memory 1) (func (export "sum") (param i32) (result i32 i32 i32 i32 i32 i32)
    (local.get 0) (local.get 0) (local.get 0) (local.get 0) (local.get 0) (local.get 0))
    (func (export "load") (param i32) (result i32) (i32.load (local.get 0)))))");
  const Instance user = group.add("user", R"((module
    (import "library" "sum" (func $sum (param i32) (result i32 i32 i32 i32 i32 i32)))
    (import "library" "load" (func $load (param i32) (result i32)))
    (func (export "run") (param i32) (result i32)
      (call $sum (local.get 0)) i32.add i32.add i32.add i32.add i32.add)
    (func (export "load") (param i32) (result i32) (call $load (local.get 0)))))");
  for (std::uint32_t i = 0; i < 4; ++i) {
    std::thread([&] {
      EXPECT_EQ(call(user, "run", {i32(i)}), i32(6 * i)) << "results past the fourth go through the thread's record";
      EXPECT_EQ(call_error(user, "load", {i32(65536)}).trap, TrapKind::kMemoryOutOfBounds);
    }).join();
  }
}

// --- Tail calls -----------------------------------------------------------------------------------------------------

/// Three instances whose functions tail-call one another through a shared table, each with its own number of stack
/// arguments, and count in their own memories. Each checks its arguments; the last one returns what it was told to,
/// five times, so that a result travels in the thread's record.
std::string chain_link(int number) {
  constexpr std::array kWide = {0, 9, 30};  // i64 parameters behind the two i32; six integers travel in registers
  const auto parameters = [&](int of) {
    std::string text = "(param i32 i32";
    for (int i = 0; i < kWide[of]; ++i) text += " i64";
    return text + ") (result i32 i32 i32 i32 i32)";
  };
  const int next = (number + 1) % 3;
  std::string text = R"((module (import "table" "table" (table 3 funcref)) (memory (export "memory") 1)
    (type $own (func )" +
                     parameters(number) + ")) (type $next (func " + parameters(next) + R"())
    (elem (i32.const )" +
                     std::to_string(number) + R"() $step)
    (func $count (param i32)
      (i32.store (local.get 0) (i32.add (i32.load (local.get 0)) (i32.const 1))))
    (func $step (type $own)
      (call $count (i32.const 0)))";
  for (int i = 0; i < kWide[number]; ++i) {
    text += "(if (i64.ne (local.get " + std::to_string(2 + i) +
            ") (i64.add (i64.extend_i32_u (local.get 0)) (i64.const " + std::to_string(1000 * i) +
            "))) (then unreachable))";
  }
  text += R"((if (i32.eqz (local.get 0)) (then (return
        (local.get 1) (local.get 1) (local.get 1) (local.get 1) (i32.add (local.get 1) (i32.const 1)))))
      (i32.sub (local.get 0) (i32.const 1)) (local.get 1))";
  for (int i = 0; i < kWide[next]; ++i) {
    text += "(i64.add (i64.extend_i32_u (i32.sub (local.get 0) (i32.const 1))) (i64.const " + std::to_string(1000 * i) +
            "))";
  }
  text += "(return_call_indirect (type $next) (i32.const " + std::to_string(next) + ")))";
  // Callers of the first of the chain, in its instance: directly, and by a tail call within it, in either order.
  text += R"((func $first (param i32 i32) (result i32 i32 i32 i32 i32) (local.get 0) (local.get 1))";
  for (int i = 0; i < kWide[number]; ++i) {
    text += "(i64.add (i64.extend_i32_u (local.get 0)) (i64.const " + std::to_string(1000 * i) + "))";
  }
  return text + R"((return_call $step))
    (func (export "run") (param i32 i32) (result i32)
      (call $first (local.get 0) (local.get 1))
      i32.add i32.add i32.add i32.add
      (call $count (i32.const 4))
      (i32.add (i32.load (i32.const 4)) (i32.const -1))
      i32.add)))";
}

TEST(CrossTailCall, InChainsOfAnyLengthTakesNoStack) {
  Group group;
  group.add("table", R"((module (table (export "table") 3 funcref)))");
  const std::array instances = {group.add("0", chain_link(0)), group.add("1", chain_link(1)),
                                group.add("2", chain_link(2))};
  ASSERT_TRUE(group.store.freeze().has_value());
  for (const std::uint32_t steps : {0u, 1u, 2u, 3u, 4u, 5u, 300'000u}) {
    for (std::uint32_t first = 0; first < 3; ++first) {
      SCOPED_TRACE(testing::Message() << steps << " steps from instance " << first);
      EXPECT_EQ(call(instances[first], "run", {i32(steps), i32(7)}), i32(5 * 7 + 1));
      std::uint32_t counted = 0;
      for (std::uint32_t i = 0; i < 3; ++i) {
        const MemoryView memory = instances[i].memory();
        const std::uint32_t distance = (i + 3 - first) % 3;
        EXPECT_EQ(memory.load<std::uint32_t>(0).value(), steps < distance ? 0 : (steps - distance) / 3 + 1);
        EXPECT_EQ(memory.load<std::uint32_t>(4).value(), i == first ? 1u : 0u) << "the caller's cell is set back";
        counted += memory.load<std::uint32_t>(0).value();
      }
      EXPECT_EQ(counted, steps + 1);
      const auto reset = group.store.reset();
      ASSERT_TRUE(reset.has_value()) << reset.error().to_string();
    }
  }
}

TEST(CrossTailCall, ToAnImportOrAHostFunctionTakesNoStack) {
  Linker linker;
  std::uint32_t ended = 0;
  linker.define("env", "end", [&ended](Caller caller, std::uint32_t value) -> Result<std::uint32_t> {
    ++ended;
    return value + caller.memory().load<std::uint32_t>(0).value();
  });
  Group group;
  group.add("table", R"((module (table (export "table") 2 funcref)))");
  group.add("ends", R"((module (import "env" "end" (func $end (param i32) (result i32)))
    (import "table" "table" (table 2 funcref)) (memory 1) (data (i32.const 0) "\64") (elem (i32.const 1) $end)))",
            linker);
  // In turn: one has the other in a table, which has the first as an import.
  group.add("first", R"((module (import "table" "table" (table 2 funcref)) (type $t (func (param i32) (result i32)))
    (func (export "step") (type $t) (return_call_indirect (type $t) (local.get 0) (i32.const 0)))))");
  const Instance second = group.add("second", R"((module
    (import "table" "table" (table 2 funcref)) (type $t (func (param i32) (result i32)))
    (import "first" "step" (func $first (type $t)))
    (memory 1) (data (i32.const 0) "\07")
    (elem (i32.const 0) $step)
    (func $step (type $t)
      (if (i32.eqz (local.get 0))
        (then (return_call_indirect (type $t) (i32.load (i32.const 0)) (i32.const 1))))
      (return_call $first (i32.sub (local.get 0) (i32.const 1))))
    (func (export "run") (param i32) (result i32)
      (i32.add (i32.mul (call $step (local.get 0)) (i32.const 1000)) (i32.load (i32.const 0))))))");
  EXPECT_EQ(call(second, "run", {i32(0)}), i32(107'007)) << "the host function sees the instance that it was linked to";
  EXPECT_EQ(call(second, "run", {i32(1'000'000)}), i32(107'007));
  EXPECT_EQ(ended, 2u);
}

TEST(CrossTailCall, LeavesBacktracesOfWhatIsStillThere) {
  // Two instances of one module: run calls $between, which is gone when "end" traps.
  const Module module = compile(R"((module (import "next" "end" (func $end (param i32)))
    (func $between (param i32) (return_call $end (local.get 0)))
    (func (export "end") (param i32) (call $between (local.get 0)))
    (func (export "run") (param i32) (call $between (local.get 0))))
    )");
  Group group;
  Instance last = group.add("last", R"((module (memory 1) (func (export "end") (param i32)
    (if (i32.eqz (local.get 0)) (then unreachable) (else (drop (i32.load (i32.const -1))))))))");
  for (const char* const name : {"b", "a"}) {
    group.store.define("next", last);
    last = group.add(name, module);
  }
  const std::vector<std::string> expected = {"last:end", "b:end", "a:run"};
  for (std::uint32_t i = 0; i < 2; ++i) EXPECT_EQ(names(call_error(last, "run", {i32(i)})), expected);
}

TEST(CrossTailCall, ThatNeverEndsIsEndedByItsFuelWithoutHavingUsedStack) {
  const CompileOptions fuel{.fuel = true};
  Group group;
  group.add("table", R"((module (table (export "table") 2 funcref)))");
  const auto link = [&](const std::string& self, const std::string& next) {
    return compile(R"((module (import "table" "table" (table 2 funcref)) (type $t (func))
      (elem (i32.const )" +
                       self + R"() $step) (func $step (return_call_indirect (type $t) (i32.const )" + next + R"()))
      (func (export "run") (call $step))))",
                   fuel);
  };
  group.add("0", link("0", "1"));
  const Instance instance = group.add("1", link("1", "0"));
  instance.state()->store->fuel = 1'000'000;
  const Error error = call_error(instance, "run");
  EXPECT_EQ(error.trap, TrapKind::kOutOfFuel);
  ASSERT_EQ(error.backtrace.size(), 2u) << error.to_string();
  EXPECT_EQ(names(error)[1], "1:run");
}

// --- Host functions -------------------------------------------------------------------------------------------------

TEST(HostFunction, SeesTheInstanceThatCallsIt) {
  Linker linker;
  linker.define("env", "peek",
                [](Caller caller) -> Result<std::uint32_t> { return caller.memory().load<std::uint32_t>(0); });
  linker.define("env", "poke", [](Caller caller, std::uint32_t value) -> Result<void> {
    auto memory = caller.memory("second");
    if (!memory) return std::unexpected(memory.error());
    return memory->store(0, value);
  });
  Group group;
  const Instance library = group.add("library", R"((module
    (import "env" "peek" (func $peek (result i32))) (import "env" "poke" (func $poke (param i32)))
    (memory 1) (memory $second (export "second") 1)
    (data (i32.const 0) "\01\00\00\00") (export "peek" (func $peek))
    (func (export "peek_here") (result i32) (call $peek))
    (func (export "second_of") (param i32) (result i32) (call $poke (local.get 0)) (i32.load $second (i32.const 0)))))",
                                     linker);
  const Instance user = group.add("user", R"((module
    (import "library" "peek" (func $peek (result i32)))
    (import "library" "peek_here" (func $peek_here (result i32)))
    (import "library" "second_of" (func $second_of (param i32) (result i32)))
    (memory 1) (data (i32.const 0) "\02\00\00\00")
    (func (export "peek") (result i32) (call $peek))
    (func (export "peek_there") (result i32) (call $peek_here))
    (func (export "poke") (param i32) (result i32) (call $second_of (local.get 0)))))",
                                  linker);
  EXPECT_EQ(call(library, "peek_here"), i32(1));
  EXPECT_EQ(call(user, "peek"), i32(2));
  EXPECT_EQ(call(user, "peek_there"), i32(1));
  EXPECT_EQ(call(user, "poke", {i32(9)}), i32(9));
}

TEST(HostFunction, MayReturnAFunctionOfAnyInstanceOfTheStoreAndOfNoOther) {
  std::uint64_t given = 0;
  Linker linker;
  linker.define("env", "give", {{}, {ValueType::kFuncRef}},
                [&given](Caller, std::span<std::uint64_t> slots) -> Result<void> {
                  slots[0] = given;
                  return {};
                });
  constexpr std::string_view kLibrary = R"((module (elem declare func $f) (func $f (result i32) (i32.const 6))
    (func (export "self") (result funcref) (ref.func $f))))";
  Group group;
  const Instance library = group.add("library", kLibrary);
  const Instance user = group.add("user", R"((module (import "env" "give" (func $give (result funcref)))
    (type $t (func (result i32))) (table 1 funcref)
    (func (export "run") (result i32)
      (table.set 0 (i32.const 0) (call $give)) (call_indirect (type $t) (i32.const 0)))
    (func (export "take") (param funcref))))",
                                  linker);
  given = call(library, "self").bits;
  EXPECT_EQ(call(user, "run"), i32(6));
  call(user, "take", {{ValueType::kFuncRef, given}});
  Group other;
  given = call(other.add("library", kLibrary), "self").bits;
  EXPECT_TRUE(contains(call_error(user, "run").message, "is a function reference that this store did not hand out"));
  EXPECT_TRUE(contains(call_error(user, "take", {{ValueType::kFuncRef, given}}).message, "did not hand out"));
}

// --- Traps and backtraces -------------------------------------------------------------------------------------------

constexpr std::string_view kInner = R"((module (memory (export "memory") 1) (global $depth (mut i32) (i32.const 0))
  (func $deep (param i32) (result i32) (i32.load (local.get 0)))
  (func (export "load") (param i32) (result i32) (call $deep (local.get 0)))
  (func (export "boom") unreachable)
  (func $recurse (export "recurse") (call $recurse))))";

TEST(CrossTrap, NamesTheInstancesOfItsFrames) {
  Group group;
  group.add("inner", kInner);
  const Instance outer = group.add("outer", R"((module (import "inner" "load" (func $load (param i32) (result i32)))
    (import "inner" "boom" (func $boom)) (import "inner" "recurse" (func $recurse))
    (func $between (param i32) (result i32) (call $load (local.get 0)))
    (func (export "run") (param i32) (result i32) (call $between (local.get 0)))
    (func (export "boom") (call $boom))
    (func (export "recurse") (call $recurse))))");
  const Error fault = call_error(outer, "run", {i32(65536)});
  EXPECT_EQ(fault.trap, TrapKind::kMemoryOutOfBounds);
  const std::vector<std::string> expected = {"inner:deep", "inner:load", "outer:between", "outer:run"};
  EXPECT_EQ(names(fault), expected);
  EXPECT_TRUE(contains(fault.to_string(), "\n  at deep, function 0 of \"inner\", byte 0x"));
  const Error boom = call_error(outer, "boom");
  EXPECT_EQ(boom.trap, TrapKind::kUnreachable);
  EXPECT_EQ(names(boom), (std::vector<std::string>{"inner:boom", "outer:boom"}));
  const Error recursion = call_error(outer, "recurse");
  EXPECT_EQ(recursion.trap, TrapKind::kStackExhausted);
  EXPECT_EQ(names(recursion).front(), "inner:recurse");
  EXPECT_EQ(call(outer, "run", {i32(0)}), i32(0));
}

TEST(CrossTrap, TellsInstancesOfOneModuleApart) {
  // Each calls the next with one less, through an import or, every other time, a table; "end" traps.
  const Module link = compile(R"((module (import "next" "step" (func $step (param i32)))
    (type $t (func (param i32))) (table 1 funcref) (elem (i32.const 0) $step)
    (func (export "step") (param i32)
      (if (i32.and (local.get 0) (i32.const 1))
        (then (call $step (i32.sub (local.get 0) (i32.const 1))))
        (else (call_indirect (type $t) (i32.sub (local.get 0) (i32.const 1)) (i32.const 0))))))
    )");
  Group group;
  Instance last = group.add("end", R"((module (memory 1) (func (export "step") (param i32)
    (if (i32.eqz (local.get 0)) (then unreachable) (else (drop (i32.load (i32.const -1))))))))");
  for (const char* const name : {"c", "b", "a"}) {
    group.store.define("next", last);
    last = group.add(name, link);
  }
  const std::vector<std::string> expected = {"end:step", "c:step", "b:step", "a:step"};
  for (std::uint32_t i = 0; i < 3; ++i) {
    EXPECT_EQ(names(call_error(last, "step", {i32(3 + i % 2)})), expected) << "and whatever earlier calls left there";
  }
}

TEST(CrossTrap, InAHostFunctionShowsItsImport) {
  Linker linker;
  linker.define("env", "fail", []() -> Result<void> { return fail(ErrorCode::kNotFound, "no such key"); });
  Group group;
  group.add("inner", R"((module (import "env" "fail" (func $renamed)) (func (export "f") (call $renamed))))", linker);
  const Instance outer =
      group.add("outer", R"((module (import "inner" "f" (func $f)) (func (export "run") (call $f))))");
  const Error error = call_error(outer, "run");
  EXPECT_EQ(error.message, "host function failed: no such key");
  EXPECT_EQ(names(error), (std::vector<std::string>{"inner:env.fail (host)", "inner:f", "outer:run"}));
  EXPECT_TRUE(contains(error.to_string(), "at env.fail, function 0 of \"inner\", a call of the host\n"));
}

TEST(CrossTrap, InACallThatTheHostMadeShowsBothBacktraces) {
  Group group;
  const Instance inner = group.add("inner", kInner);
  Linker linker;
  linker.define("env", "again", [inner]() -> Result<void> {
    auto result = try_call(inner, "load", {i32(~0u)});
    if (!result) return std::unexpected(std::move(result.error()));
    return {};
  });
  const Instance outer = group.add(
      "outer", R"((module (import "env" "again" (func $again)) (func (export "run") (call $again))))", linker);
  const Error error = call_error(outer, "run");
  EXPECT_EQ(error.trap, TrapKind::kMemoryOutOfBounds);
  EXPECT_EQ(names(error),
            (std::vector<std::string>{"inner:deep", "inner:load", "outer:env.again (host)", "outer:run"}));
}

TEST(CrossTrap, DistrustsTheWholeStore) {
  Group group;
  const Instance inner = group.add("inner", kInner);
  const Instance outer =
      group.add("outer", R"((module (import "inner" "memory" (memory 1)) (import "inner" "boom" (func $boom))
    (func (export "run") (i32.store (i32.const 70) (i32.const 1)) (call $boom))))");
  ASSERT_TRUE(group.store.freeze().has_value());
  EXPECT_EQ(call_error(outer, "run").trap, TrapKind::kUnreachable);
  EXPECT_EQ(inner.memory().load<std::uint32_t>(70).value(), 1u);
  const auto reset = group.store.reset();
  ASSERT_TRUE(reset.has_value()) << reset.error().to_string();
  EXPECT_EQ(inner.memory().load<std::uint32_t>(70).value(), 0u);
}

// --- Pools ----------------------------------------------------------------------------------------------------------

TEST(Pool, LeasesAModuleWithThoseThatItsLinkerDefines) {
  Linker linker;
  linker.define_module("library", compile(kInner));
  linker.define_module("middle", compile(R"((module (import "library" "memory" (memory 1))
    (func (export "bump") (result i32)
      (i32.store (i32.const 0) (i32.add (i32.load (i32.const 0)) (i32.const 1))) (i32.load (i32.const 0)))))"));
  const Pool pool = make_pool(R"((module (import "middle" "bump" (func $bump (result i32)))
    (import "library" "load" (func $load (param i32) (result i32)))
    (func (export "run") (result i32) (drop (call $bump)) (call $bump))
    (func (export "trap") (result i32) (drop (call $bump)) (call $load (i32.const 65536)))
    (export "bump" (func $bump))))",
                              {.capacity = 2, .audit_every = 1}, linker);
  const auto bump = pool.function<std::int32_t()>("bump").value();
  for (int round = 0; round < 3; ++round) {
    Lease lease = pool.acquire().value();
    Lease second = pool.acquire().value();
    EXPECT_EQ(lease.call<int>("run").value(), 2);
    EXPECT_EQ(lease.call(bump).value(), 3) << "an import that is exported again, by its handle";
    EXPECT_EQ(second.call(bump).value(), 1) << "each lease has its own library";
    const Error error = second.call<int>("trap").error();
    EXPECT_EQ(names(error), (std::vector<std::string>{"library:deep", "library:load", ":trap"}));
  }
  EXPECT_EQ(pool.statistics().instances, 2u);
  EXPECT_EQ(pool.statistics().audit_failures, 0u) << pool.audit_report();
}

}  // namespace
}  // namespace anew::test
