// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include <sys/types.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <cstdint>
#include <cstdio>
#include <filesystem>
#include <regex>

#include "cli/command_fixture.hpp"

namespace anew::testing {
namespace {

constexpr std::string_view kModule = R"((module
  (memory 1)
  (global $calls (mut i32) (i32.const 0))
  (table $table funcref (elem $nothing))
  (type $takes_i32 (func (param i32)))
  (func $nothing)
  (func (export "add") (param i32 i32) (result i32) (i32.add (local.get 0) (local.get 1)))
  (func (export "i64") (param i64) (result i64) local.get 0)
  (func (export "f32") (param f32) (result f32) local.get 0)
  (func (export "f64") (param f64) (result f64) local.get 0)
  (func (export "v128") (param v128) (result v128) local.get 0)
  (func (export "add_lanes") (param v128 v128) (result v128) (i32x4.add (local.get 0) (local.get 1)))
  (func (export "swap") (param i64 f32) (result f32 i64) local.get 1 local.get 0)
  (func (export "nothing"))
  (func (export "reference") (param externref) (result funcref externref) (ref.func $nothing) (local.get 0))
  (func (export "count") (result i32)
    (global.set $calls (i32.add (global.get $calls) (i32.const 1)))
    (i32.store (i32.const 4000) (i32.add (i32.load (i32.const 4000)) (i32.const 1)))
    (i32.add (global.get $calls) (i32.load (i32.const 4000))))
  (func (export "touch") (param i32)
    (loop $next
      (i32.store (local.get 0) (i32.const 1))
      (br_if $next (i32.ge_s (local.tee 0 (i32.sub (local.get 0) (i32.const 4096))) (i32.const 0)))))
  (func (export "grow") (result i32)
    (loop $again (br_if $again (i32.ne (memory.grow (i32.const 1000)) (i32.const -1))))
    (memory.size))
  (func $recurse (export "recurse") (result i32) (i32.add (call $recurse) (i32.const 1)))
  (func $inner (param i32) unreachable)
  (func $outer (export "unreachable") (call $inner (i32.const 1)))
  (func (export "load") (param i32) (result i32) (i32.load (local.get 0)))
  (func (export "divide") (param i32 i32) (result i32) (i32.div_s (local.get 0) (local.get 1)))
  (func (export "truncate") (param f32) (result i32) (i32.trunc_f32_s (local.get 0)))
  (func (export "indirect") (param i32) (call_indirect (type $takes_i32) (i32.const 7) (local.get 0)))
  (func (export "table_get") (param i32) (result funcref) (table.get $table (local.get 0)))
  (func (export "null_call") (table.set $table (i32.const 0) (ref.null func))
    (call_indirect $table (i32.const 0)))
))";

class Call : public CommandTest {
 protected:
  [[nodiscard]] Outcome call(std::vector<std::string> arguments) const {
    arguments.insert(arguments.begin(), {"call", module_});
    return anew(arguments);
  }
  const std::string module_ = file("module.wat", kModule);
};

TEST_F(Call, PrintsEachResultOnALineOfItsOwn) {
  const Outcome outcome = call({"swap", "-5", "0.1"});
  EXPECT_EQ(outcome.out, "0.1\n-5\n");
  EXPECT_EQ(outcome.err, "");
  EXPECT_EQ(outcome.exit_code, 0);
  EXPECT_EQ(call({"nothing"}).out, "");
}

TEST_F(Call, TakesIntegersSignedOrUnsignedInDecimalOrHexadecimal) {
  EXPECT_EQ(call({"add", "4294967295", "0"}).out, "-1\n");
  EXPECT_EQ(call({"add", "-2147483648", "0"}).out, "-2147483648\n");
  EXPECT_EQ(call({"add", "0xff", "-0x10"}).out, "239\n");
  EXPECT_EQ(call({"i64", "18446744073709551615"}).out, "-1\n");
  EXPECT_EQ(call({"i64", "-9223372036854775808"}).out, "-9223372036854775808\n");
}

TEST_F(Call, TakesFloatsThatReadBackAsPrinted) {
  for (const char* const text : {"0.1", "-0", "1e+30", "inf", "nan:0x400000", "nan:0x1"})
    EXPECT_EQ(call({"f32", text}).out, std::string(text) + "\n");
  for (const char* const text : {"0.1", "-inf", "5e-324", "-nan:0x8000000000000"})
    EXPECT_EQ(call({"f64", "--", text}).out, std::string(text) + "\n");
  EXPECT_EQ(call({"f64", "0x1.8p3"}).out, "12\n");
}

TEST_F(Call, TakesVectorsAsDigitsOrLanesAndPrintsDigitsThatReadBack) {
  const std::string digits = "0x000102030405060708090a0b0c0d0e0f";
  EXPECT_EQ(call({"v128", digits}).out, digits + "\n");
  const auto expect = [&](const std::string& text, std::string_view bits) {
    EXPECT_EQ(call({"v128", text}).out, std::string(bits) + "\n") << text;
  };
  expect("i32x4:1,2,-1,0x10", "0x00000010ffffffff0000000200000001");
  expect("i8x16:0,1,2,3,4,5,6,7,8,9,10,11,12,13,14,-1", "0xff0e0d0c0b0a09080706050403020100");
  expect("i16x8:1,2,3,4,5,6,7,65535", "0xffff0007000600050004000300020001");
  expect("i64x2:-1,9", "0x0000000000000009ffffffffffffffff");
  expect("f32x4:1,-0,inf,nan", "0x7fc000007f800000800000003f800000");
  expect("f64x2:0.5,1", "0x3ff00000000000003fe0000000000000");
  EXPECT_EQ(call({"add_lanes", "i32x4:1,2,3,4", "i32x4:10,20,30,-5"}).out, "0xffffffff00000021000000160000000b\n");
  EXPECT_EQ(call({"v128", digits, "--json"}).json()["results"][0], digits);
}

TEST_F(Call, PrintsReferencesWithoutTheirAddress) { EXPECT_EQ(call({"reference", "null"}).out, "funcref\nnull\n"); }

TEST_F(Call, RefusesArgumentsOfTheWrongCountTypeOrRange) {
  const auto refused = [&](std::vector<std::string> arguments, std::string_view reason) {
    const Outcome outcome = call(std::move(arguments));
    EXPECT_EQ(outcome.exit_code, 64);
    EXPECT_EQ(outcome.out, "");
    EXPECT_TRUE(contains(outcome.err, reason));
  };
  refused({"add", "1"}, "takes 2 arguments, not 1; its type is [i32 i32] -> [i32]");
  refused({"add", "1", "2", "3"}, "takes 2 arguments, not 3");
  refused({"add", "1", "two"}, "argument 2 of 'add': 'two' is no i32");
  refused({"add", "1", "2.5"}, "'2.5' is no i32");
  refused({"add", "1", ""}, "'' is no i32");
  refused({"add", "--", "1", "--1"}, "'--1' is no i32");
  refused({"add", "1", "4294967296"}, "out of range for i32");
  refused({"add", "1", "-2147483649"}, "out of range for i32");
  refused({"i64", "18446744073709551616"}, "out of range for i64");
  refused({"f32", "1e39"}, "out of range for f32");
  refused({"f32", "nan:0x800000"}, "out of range for f32");
  refused({"f64", "1.5x"}, "is no f64");
  refused({"f64", "infinity"}, "is no f64");
  refused({"reference", "7"}, "null");
  for (const char* const text :
       {"1", "0x", "0x0123", "0x000102030405060708090a0b0c0d0e0g", "0x-00102030405060708090a0b0c0d0e0f", "i32x4:1,2,3",
        "i32x4:1,2,3,4,5", "i32x4:", "i32x4:1,2,3,x", "i9x2:1,2", "f64x2:1,2,"}) {
    refused({"v128", text}, "is no v128: expected 0x and 32 hexadecimal digits");
  }
  refused({"v128", "i8x16:0,1,2,3,4,5,6,7,8,9,10,11,12,13,14,256"}, "out of range for v128");
}

TEST_F(Call, NamesNearMatchesOfAMissingExport) {
  const Outcome outcome = call({"ad", "1", "2"});
  EXPECT_EQ(outcome.exit_code, 64);
  EXPECT_TRUE(contains(outcome.err, "\"ad\""));
  EXPECT_TRUE(contains(outcome.err, "did you mean \"add\""));
}

TEST_F(Call, ReportsEveryTrapWithItsKind) {
  const auto traps = [&](std::vector<std::string> arguments, std::string_view kind) {
    const Outcome outcome = call(std::move(arguments));
    EXPECT_EQ(outcome.exit_code, 2) << kind;
    EXPECT_EQ(outcome.out, "");
    EXPECT_TRUE(contains(outcome.err, "anew: trap: "));
    EXPECT_TRUE(contains(outcome.err, kind));
  };
  traps({"unreachable"}, "unreachable");
  traps({"load", "65533"}, "out of bounds memory access");
  traps({"load", "-1"}, "out of bounds memory access");
  traps({"divide", "1", "0"}, "integer divide by zero");
  traps({"divide", "-2147483648", "-1"}, "integer overflow");
  traps({"truncate", "1e10"}, "integer overflow");
  traps({"truncate", "nan"}, "invalid conversion to integer");
  traps({"indirect", "0"}, "indirect call type mismatch");
  traps({"indirect", "1"}, "undefined element");
  traps({"null_call"}, "uninitialized element");
  traps({"table_get", "1"}, "out of bounds table access");
  traps({"recurse"}, "call stack exhausted");
}

TEST_F(Call, ShowsWhereATrapHappened) {
  const Outcome outcome = call({"unreachable"});
  const std::size_t inner = outcome.err.find("inner");
  const std::size_t outer = outcome.err.find("outer");
  ASSERT_NE(inner, std::string::npos) << outcome.err;
  ASSERT_NE(outer, std::string::npos) << outcome.err;
  EXPECT_LT(inner, outer) << "the innermost frame comes first";
}

TEST_F(Call, LetsAModuleGrowItsMemoryUntilRefused) {
  EXPECT_EQ(call({"grow"}).out, "65001\n");  // 64 steps of 1,000 Wasm pages fit into 4 GiB beside the first
}

TEST_F(Call, RepeatedSeesEachInstanceAsNew) {
  const Outcome outcome = call({"count", "--repeat", "500", "--json", "--audit"});
  ASSERT_EQ(outcome.exit_code, 0) << outcome.err;
  const auto object = outcome.json();
  EXPECT_EQ(object["results"], nlohmann::json::parse("[2]"));
  EXPECT_EQ(object["calls"], 500);
  EXPECT_EQ(object["distinct_results"], 1);
  EXPECT_EQ(object["audit"]["checked"], 500);
  EXPECT_EQ(object["audit"]["failures"], 0);
  for (const char* const times : {"ns", "fresh_ns"}) {
    EXPECT_GT(object[times]["min"], 0);
    EXPECT_LE(object[times]["min"], object[times]["p50"]);
    EXPECT_LE(object[times]["p50"], object[times]["p99"]);
    EXPECT_LE(object[times]["p99"], object[times]["max"]);
  }
}

TEST_F(Call, CountsThePagesThatACallDirtied) {
  const auto object = call({"touch", "40000", "--repeat", "3", "--json"}).json();
  // Ten stores, 4096 bytes apart: ten cards, of which several may lie in one page only if cards are smaller.
  const double pages = object["dirty_pages"]["max"];
  EXPECT_GT(pages, 0);
  EXPECT_LE(pages, 20);
  EXPECT_EQ(call({"nothing", "--repeat", "3", "--json"}).json()["dirty_pages"]["max"], 0.0);
}

TEST_F(Call, PrintsOneJsonObjectWithoutRepeatToo) {
  const auto object = call({"swap", "9223372036854775807", "0.1", "--json"}).json();
  EXPECT_EQ(object["results"].dump(), "[0.1,9223372036854775807]");
  EXPECT_EQ(object["calls"], 1);
  EXPECT_EQ(call({"f64", "inf", "--json"}).json()["results"].dump(), "[\"inf\"]");
}

TEST_F(Call, SharesRepeatedCallsAmongThreads) {
  const auto object = call({"count", "--repeat", "101", "--threads", "4", "--json"}).json();
  EXPECT_EQ(object["calls"], 101);
  EXPECT_EQ(object["threads"], 4);
  EXPECT_EQ(object["distinct_results"], 1);
}

TEST_F(Call, PrintsBothWaysSideBySide) {
  const Outcome outcome = call({"count", "--repeat", "200", "--audit"});
  EXPECT_TRUE(outcome.out.starts_with("2\n"));
  for (const char* const part :
       {"as new", "fresh instantiation", "200", "100", "min", "p50", "p99", "max", "mean", "distinct results",
        "pages restored", "audit failures", "\nBy p50, a call as new is "}) {
    EXPECT_TRUE(contains(outcome.out, part));
  }
  EXPECT_EQ(outcome.err, "") << "progress goes to terminals only";
  EXPECT_TRUE(contains(outcome.out, " times faster than a fresh instantiation.\n"));
}

TEST_F(Call, SaysWhichWayIsFasterAndHowManyTimes) {
  // So long a call that both ways take about the same time.
  const std::string module = file("long.wat", R"((module (func (export "f") (local i32)
    (loop $next (br_if $next (i32.lt_u (local.tee 0 (i32.add (local.get 0) (i32.const 1))) (i32.const 1000000)))))))");
  const Outcome outcome = anew({"call", module, "f", "--repeat", "9"});
  const std::regex sentence(
      "\\nBy p50, a call as new (is ([1-9][0-9]+|[1-9]\\.[0-9][0-9]) times (faster|slower) than|"
      "takes as long as) a fresh instantiation\\.\n$");
  EXPECT_TRUE(std::regex_search(outcome.out, sentence)) << outcome.out;
  EXPECT_FALSE(contains(outcome.out, "1.00 times"));
}

TEST_F(Call, TrapInARepeatedCallIsATrap) {
  const Outcome outcome = call({"unreachable", "--repeat", "10", "--json"});
  EXPECT_EQ(outcome.exit_code, 2);
  EXPECT_EQ(outcome.out, "");
}

/// A NaN whose sign is another in optimized code: LLVM computes it.
constexpr std::string_view kLoop = R"((module (func (export "f") (param i32) (result f64) (local f64)
  (loop $again (br_if $again (local.tee 0 (i32.sub (local.get 0) (i32.const 1)))))
  (f64.div (local.get 1) (local.get 1)))))";

TEST_F(Call, OptimizesWhatRunsLongAndSaysHowMuch) {
  if (!std::filesystem::exists(ANEW_BINARY_DIR "/anew-optimizer")) GTEST_SKIP() << "built where LLVM is found only";
  const std::string module = file("loop.wat", kLoop);
  std::uint32_t optimized = 0;
  for (int calls = 100; calls < 1'000'000 && optimized == 0; calls *= 4) {
    const Outcome outcome =
        anew({"call", "--no-cache", "--json", "--repeat", std::to_string(calls), module, "f", "1000000"});
    ASSERT_EQ(outcome.exit_code, 0) << outcome.err;
    EXPECT_EQ(outcome.err, "");
    const auto object = outcome.json();
    EXPECT_EQ(object["distinct_results"], 1);
    optimized = object["optimized_functions"];
  }
  EXPECT_EQ(optimized, 1u);
  const Outcome quick = anew({"call", "--tier", "quick", "--json", "--repeat", "100", module, "f", "1000000"});
  EXPECT_EQ(quick.json()["optimized_functions"], 0);
}

TEST_F(Call, WithoutTheOptimizerIsQuickAndSaysSoIfAsked) {
  const std::string alone = path("alone").string();
  std::filesystem::copy_file(ANEW_BINARY_DIR "/anew", alone);
  const std::string command = "unset ANEW_OPTIMIZER; " + quoted(alone) + " call --no-cache " + module_ + " add 1 2";
  EXPECT_EQ(output(command), "3\n");
  if (std::filesystem::exists(ANEW_OPTIMIZER_DIRECTORY "/anew-optimizer")) GTEST_SKIP() << "one is installed";
  const std::string asked = output(command + " --tier auto");
  EXPECT_TRUE(contains(asked, "anew: note: there is no anew-optimizer at "));
  EXPECT_TRUE(contains(asked, "3\n"));
  EXPECT_EQ(std::ranges::count(asked, '\n'), 2);
}

TEST_F(Call, ReadsStandardInputAndCompiledModules) {
  EXPECT_EQ(anew({"call", "-", "add", "1", "2"}, "cat " + quoted(module_) + " | ").out, "3\n");
  const std::string compiled = path("module.anew").string();
  ASSERT_EQ(anew({"compile", module_, "-o", compiled}).exit_code, 0);
  EXPECT_EQ(anew({"call", compiled, "add", "1", "2"}).out, "3\n");
}

/// Runs `anew call MODULE f --repeat 10000000 MORE...`, interrupts it once it has printed the result, which it does
/// when it begins to measure, and waits for its end.
class Interrupted : public CommandTest {
 protected:
  [[nodiscard]] Outcome run(const std::vector<std::string>& more) const {
    const std::string module = file("long.wat", R"((module (func (export "f") (result i32) (local i32)
      (loop $next (br_if $next (i32.lt_u (local.tee 0 (i32.add (local.get 0) (i32.const 1))) (i32.const 300000))))
      (i32.const 7))))");
    std::vector<std::string> arguments = {"anew", "call", module, "f", "--no-cache", "--repeat", "10000000"};
    arguments.insert(arguments.end(), more.begin(), more.end());
    std::vector<char*> pointers;
    for (std::string& argument : arguments) pointers.push_back(argument.data());
    pointers.push_back(nullptr);
    const std::string out = path("out").string();
    const std::string err = path("err").string();
    const std::string command = ANEW_BINARY_DIR "/anew";
    const pid_t child = fork();
    if (child == 0) {
      (void)!freopen(out.c_str(), "w", stdout);
      (void)!freopen(err.c_str(), "w", stderr);
      execv(command.c_str(), pointers.data());
      _exit(98);
    }
    int status = 0;
    while (read(out).empty() && waitpid(child, &status, WNOHANG) == 0) usleep(10'000);
    usleep(100'000);  // some calls are measured; if none is, the report says so
    kill(child, SIGINT);
    EXPECT_EQ(waitpid(child, &status, 0), child);
    return outcome(status);
  }
};

TEST_F(Interrupted, RepeatPrintsWhatWasDone) {
  const Outcome outcome = run({});
  EXPECT_EQ(outcome.exit_code, 130);
  EXPECT_TRUE(contains(outcome.err, "anew: interrupted: "));
  EXPECT_TRUE(outcome.out.starts_with("7\n\n")) << outcome.out;
  EXPECT_TRUE(std::regex_search(outcome.out, std::regex("\ncalls +[0-9,]+ +0\n"))) << outcome.out;
  EXPECT_TRUE(std::regex_search(outcome.out, std::regex("\npages restored, p50 +- +all made anew\n"))) << outcome.out;
  EXPECT_FALSE(contains(outcome.out, "By p50"));
}

class Link : public CommandTest {};

TEST_F(Call, IsDeterministicWhereThatIsAskedFor) {
  const std::string module = file("deep.wat", R"((module
    (func (export "nan") (result f32) (f32.div (f32.const 0) (f32.const 0)))
    (func $deep (export "deep") (param i32) (result i32)
      (if (result i32) (i32.eqz (local.get 0))
        (then (i32.const 0))
        (else (i32.add (i32.const 1) (call $deep (i32.sub (local.get 0) (i32.const 1)))))))))");
  EXPECT_EQ(anew({"call", module, "nan", "--canonical-nan"}).out, "nan:0x400000\n");
  EXPECT_EQ(anew({"call", module, "deep", "1000"}).out, "1000\n");
  EXPECT_EQ(anew({"call", module, "deep", "100", "--stack-limit", "1000"}).out, "100\n");
  const Outcome too_deep = anew({"call", module, "deep", "1000", "--stack-limit", "1000"});
  EXPECT_EQ(too_deep.exit_code, 2);
  EXPECT_TRUE(contains(too_deep.err, "call stack exhausted")) << too_deep.err;
  EXPECT_EQ(anew({"call", module, "deep", "1", "--stack-limit", "0"}).exit_code, 64);
}

TEST_F(Link, SaysWhatWasiAndTheFunctionsOfSubstrateAre) {
  const Outcome wasi = anew({"call", file("wasi.wat", R"((module
    (import "wasi_snapshot_preview1" "fd_write" (func (param i32 i32 i32 i32) (result i32))) (func (export "_start"))))"),
                             "_start"});
  EXPECT_EQ(wasi.exit_code, 4);
  EXPECT_TRUE(contains(wasi.err, "wasi_snapshot_preview1.fd_write"));
  EXPECT_TRUE(contains(wasi.err, "WASI, by which a program reaches the system"));
  EXPECT_TRUE(contains(wasi.err, "anew run FILE"));
  std::string text = "(module";
  for (int i = 0; i < 60; ++i) text += " (import \"env\" \"ext_function_" + std::to_string(i) + "_version_1\" (func))";
  const Outcome runtime = anew({"call", file("runtime.wat", text + " (func (export \"f\")))"), "f"});
  EXPECT_EQ(runtime.exit_code, 4);
  EXPECT_TRUE(contains(runtime.err, "60 of the module's 60 imports cannot be linked"));
  EXPECT_TRUE(contains(runtime.err, "ext_function_9_"));
  EXPECT_FALSE(contains(runtime.err, "ext_function_10_"));
  EXPECT_TRUE(contains(runtime.err, "\n  and 50 more\n"));
  EXPECT_TRUE(contains(runtime.err, "`anew substrate version FILE`"));
}

TEST_F(Link, NamesEveryImportThatIsMissing) {
  const std::string module = file("imports.wat", R"((module
    (import "env" "one" (func $one (param i32))) (import "other" "two" (func))
    (func (export "f") (call $one (i32.const 1)))))");
  const Outcome outcome = anew({"call", module, "f"});
  EXPECT_EQ(outcome.exit_code, 4);
  EXPECT_TRUE(contains(outcome.err, "env.one"));
  EXPECT_TRUE(contains(outcome.err, "other.two"));
  EXPECT_TRUE(contains(outcome.err, "--trap-unknown-imports"));

  const Outcome trapped = anew({"call", module, "f", "--trap-unknown-imports"});
  EXPECT_EQ(trapped.exit_code, 2);
  EXPECT_TRUE(contains(trapped.err, "not implemented: one"));
}

TEST_F(Link, LinksTheModulesThatItIsGivenInOrder) {
  const std::string counter = file("counter.wat", R"((module (memory (export "memory") 1)
    (global (export "g") (mut i32) (i32.const 5)) (func (export "next") (result i32)
      (global.set 0 (i32.add (global.get 0) (i32.const 1))) (global.get 0))))");
  const std::string middle = file("middle.wat", R"((module (import "counter" "next" (func $next (result i32)))
    (import "env" "memory" (memory 1))
    (func (export "twice") (result i32) (i32.store (i32.const 0) (call $next)) (i32.add (i32.load (i32.const 0)) (call $next)))))");
  const std::string main = file("main.wat", R"((module (import "middle" "twice" (func $twice (result i32)))
    (import "counter" "g" (global $g (mut i32))) (import "counter" "memory" (memory 1))
    (func (export "f") (result i32) (global.set $g (i32.add (call $twice) (global.get $g)))
      (i32.store8 (i32.const 3) (i32.const 1)) (i32.add (global.get $g) (i32.load8_u (i32.const 3))))
    (func (export "trap") (drop (call $twice)) unreachable)))");
  const std::vector<std::string> links = {"--link", "counter=" + counter, "--link", "middle=" + middle};
  const auto call_main = [&](std::vector<std::string> arguments, std::vector<std::string> more) {
    arguments.insert(arguments.begin(), {"call", main});
    arguments.insert(arguments.end(), more.begin(), more.end());
    return anew(arguments);
  };
  const Outcome outcome = call_main({"f"}, links);
  EXPECT_EQ(outcome.out, "21\n") << outcome.err;  // 6 + 7 + 7 + 1
  std::vector<std::string> repeated = links;
  repeated.insert(repeated.end(), {"--repeat", "50", "--audit", "--json"});
  const auto object = call_main({"f"}, repeated).json();
  EXPECT_EQ(object["distinct_results"], 1);
  EXPECT_EQ(object["audit"]["checked"], 50);
  EXPECT_EQ(object["audit"]["failures"], 0);

  const Outcome missing = call_main({"f"}, {"--link", "counter=" + counter});
  EXPECT_EQ(missing.exit_code, 4);
  EXPECT_TRUE(contains(missing.err, "middle.twice"));
  EXPECT_TRUE(contains(missing.err, "--link"));
  const Outcome backwards = call_main({"f"}, {"--link", "middle=" + middle, "--link", "counter=" + counter});
  EXPECT_EQ(backwards.exit_code, 4);
  EXPECT_TRUE(contains(backwards.err, "counter.next"));
  EXPECT_EQ(call_main({"f"}, {"--link", "counter"}).exit_code, 64);
  EXPECT_EQ(call_main({"f"}, {"--link", "counter=" + path("none.wat").string()}).exit_code, 1);
}

TEST_F(Link, ProvidesAnImportedMemory) {
  const std::string module = file("memory.wat", R"((module (import "env" "memory" (memory 2 3))
    (func (export "f") (result i32) (i32.store8 (i32.const 9) (i32.const 1)) (memory.size))))");
  EXPECT_EQ(anew({"call", module, "f"}).out, "2\n");
}

TEST_F(Link, RefusesWhatCannotBePooled) {
  const std::string module = file("shared.wat", R"((module (memory 1 1 shared) (func (export "f"))))");
  const Outcome outcome = anew({"call", module, "f"});
  EXPECT_EQ(outcome.exit_code, 3);
  EXPECT_TRUE(contains(outcome.err, "shared memory"));
  EXPECT_TRUE(contains(outcome.err, "--features all,unshared-memory"));
  EXPECT_EQ(anew({"call", module, "f", "--features", "all,unshared-memory", "--audit"}).exit_code, 0);
}

TEST_F(Link, ProvidesWhatModulesOfADynamicLinkerImport) {
  const std::string side = file("side.wat", R"((module
    (import "env" "memory" (memory 1)) (import "env" "__indirect_function_table" (table 1 funcref))
    (import "env" "__stack_pointer" (global $stack (mut i32))) (import "env" "__table_base" (global $base i32))
    (func $seven (result i32) (i32.const 7)) (elem (global.get $base) $seven)
    (func (export "push") (global.set $stack (i32.sub (global.get $stack) (i32.const 4)))
      (i32.store (global.get $stack) (i32.const 100)))))");
  const std::string main = file("main.wat", R"((module (import "side" "push" (func $push))
    (import "env" "memory" (memory 2 9)) (import "env" "__indirect_function_table" (table 3 funcref))
    (import "env" "__stack_pointer" (global $stack (mut i32))) (type $t (func (result i32)))
    (func (export "f") (result i32 i32 i32) (call $push)
      (i32.load (global.get $stack)) (global.get $stack) (call_indirect (type $t) (i32.const 2)))))");
  const auto call = [&](std::vector<std::string> options) {
    options.insert(options.begin(), {"call", main, "f", "--link", "side=" + side});
    return anew(options);
  };
  const std::vector<std::string> good = {"--global", "env.__stack_pointer=0x20000", "--global", "env.__table_base=2"};
  EXPECT_EQ(call(good).out, "100\n131068\n7\n") << call(good).err;
  std::vector<std::string> repeated = good;
  repeated.insert(repeated.end(), {"--repeat", "20", "--audit", "--json"});
  EXPECT_EQ(call(repeated).json()["audit"]["failures"], 0);

  const Outcome missing = call({"--global", "env.__stack_pointer=131072"});
  EXPECT_EQ(missing.exit_code, 4);
  EXPECT_TRUE(contains(missing.err, "env.__table_base (immutable global i32) is not defined"));
  EXPECT_TRUE(contains(missing.err, "--global MODULE.NAME=VALUE"));
  const auto refused = [&](const std::string& option) {
    const Outcome outcome = call({"--global", option});
    EXPECT_EQ(outcome.exit_code, 64) << outcome.err;
    return outcome.err;
  };
  EXPECT_TRUE(contains(refused("env.__stack_pointer"), "write MODULE.NAME=VALUE"));
  EXPECT_TRUE(contains(refused("env.__stack_pointr=1"), "did you mean \"env.__stack_pointer\""));
  EXPECT_TRUE(contains(refused("env.__stack_pointer=4294967296"), "--global env.__stack_pointer=4294967296: "));
}

}  // namespace
}  // namespace anew::testing
