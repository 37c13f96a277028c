// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The command line as a whole, and the subcommands but call.
#include "cli/command_fixture.hpp"
#include "support/wat.hpp"

namespace anew::testing {
namespace {

class Command : public CommandTest {};

TEST_F(Command, HelpsEverywhere) {
  for (const std::vector<std::string>& command : {std::vector<std::string>{},
                                                  {"call"},
                                                  {"inspect"},
                                                  {"compile"},
                                                  {"snapshot"},
                                                  {"cache"},
                                                  {"cache", "list"},
                                                  {"cache", "clear"},
                                                  {"cache", "path"},
                                                  {"substrate"},
                                                  {"substrate", "version"},
                                                  {"substrate", "call"},
                                                  {"substrate", "execute-block"},
                                                  {"help"},
                                                  {"version"}}) {
    std::vector<std::string> arguments = command;
    arguments.insert(arguments.begin(), "help");
    const Outcome same = anew(arguments);
    arguments.erase(arguments.begin());
    arguments.emplace_back("--help");
    const Outcome outcome = anew(arguments);
    EXPECT_EQ(outcome.exit_code, 0);
    EXPECT_EQ(same.out, outcome.out);
    EXPECT_TRUE(contains(outcome.out, "Usage: anew"));
    EXPECT_TRUE(contains(outcome.out, "2 trap, 3 invalid module, 4 link error, 64 wrong usage"));
    EXPECT_EQ(outcome.err, "");
  }
}

TEST_F(Command, PrintsItsVersion) {
  const Outcome outcome = anew({"--version"});
  EXPECT_EQ(outcome.exit_code, 0);
  EXPECT_EQ(anew({"version"}).out, outcome.out);
  EXPECT_TRUE(outcome.out.starts_with("anew ")) << outcome.out;
}

TEST_F(Command, RefusesWrongUsage) {
  const std::string module = file("m.wat", "(module (func (export \"f\")))");
  for (const std::vector<std::string>& arguments : {std::vector<std::string>{},
                                                    {"nothing"},
                                                    {"call"},
                                                    {"call", module},
                                                    {"call", module, "f", "--repeat", "0"},
                                                    {"call", module, "f", "--repeat", "many"},
                                                    {"call", module, "f", "--threads", "0", "--repeat", "2"},
                                                    {"call", module, "f", "--unknown"},
                                                    {"compile", module},
                                                    {"substrate"},
                                                    {"substrate", "call", "Core_version"},
                                                    {"substrate", "execute-block", module},
                                                    {"cache", "shrink"}}) {
    const Outcome outcome = anew(arguments);
    EXPECT_EQ(outcome.exit_code, 64) << (arguments.empty() ? "" : arguments.back());
    EXPECT_EQ(outcome.out, "");
    EXPECT_TRUE(outcome.err.starts_with("anew: ")) << outcome.err;
    EXPECT_TRUE(contains(outcome.err, "See `anew"));
  }
}

TEST_F(Command, RefusesWhatIsNoModule) {
  const auto refused = [&](const std::string& name, std::string_view content) {
    const std::string module = file(name, content);
    for (const char* const command : {"call", "inspect"}) {
      std::vector<std::string> arguments = {command, module};
      if (arguments[0] == "call") arguments.emplace_back("f");
      const Outcome outcome = anew(arguments);
      EXPECT_EQ(outcome.exit_code, 3) << name;
      EXPECT_TRUE(outcome.err.starts_with("anew: ")) << outcome.err;
    }
    return anew({"inspect", module}).err;
  };
  refused("empty.wasm", "");
  refused("text.wasm", "this is no module");
  refused("binary.wasm", std::string("\0asm\x02\0\0\0", 8));
  refused("truncated.wasm", std::string("\0asm\x01\0\0\0\x01\x05\x01\x60", 12));
  // A function of type [] -> [i32] with an empty body.
  const std::string invalid("\0asm\x01\0\0\0\x01\x05\x01\x60\0\x01\x7f\x03\x02\x01\0\x0a\x04\x01\x02\0\x0b", 25);
  EXPECT_TRUE(contains(refused("invalid.wasm", invalid), "byte 0x")) << "the offset is named";
  EXPECT_TRUE(contains(refused("syntax.wat", "(module\n  (func (i32.konst 1)))"), "syntax.wat:2:"));
  EXPECT_TRUE(contains(refused("type.wat", "(module (func (result i32) (f32.const 1)))"), "type.wat:1:"));
  EXPECT_TRUE(contains(refused("empty.wat", ""), "empty.wat"));
}

TEST_F(Command, SurvivesTextThatIsNestedDeeply) {
  std::string text = "(module (func ";
  for (int i = 0; i < 300'000; ++i) text += "block ";
  EXPECT_TRUE(contains(anew({"inspect", file("deep.wat", text)}).err, "levels deep"));
  EXPECT_TRUE(contains(anew({"inspect", file("open.wat", std::string(300'000, '('))}).err, "levels deep"));
  std::string allowed = "(module (func ";
  for (int i = 0; i < 1'900; ++i) allowed += "(block ";
  allowed += std::string(1'900, ')') + "))";
  EXPECT_EQ(anew({"inspect", file("allowed.wat", allowed)}).exit_code, 0);
}

TEST_F(Command, ReportsAFileThatCannotBeRead) {
  const Outcome missing = anew({"call", path("missing.wasm").string(), "f"});
  EXPECT_EQ(missing.exit_code, 1);
  EXPECT_TRUE(contains(missing.err, "missing.wasm"));
  EXPECT_EQ(anew({"inspect", path("").string()}).exit_code, 1) << "a directory";
}

/// A byte that could drive a terminal, or a character that turns the direction of its text.
bool is_safe(const std::string& text) {
  for (const char c : text)
    if ((static_cast<unsigned char>(c) < 0x20 && c != '\n') || c == 0x7F) return false;
  return text.find("\u202e") == text.npos && text.find("\u009b") == text.npos && text.find("\xff") == text.npos;
}

/// As the text format writes it: an escape sequence, a line feed and a forged message, a CSI, a right-to-left override.
constexpr const char* kHostileName = R"(a\1b[2J\nanew: trap: forged\c2\9b\e2\80\ae)";
constexpr const char* kItsText = R"(a\x1b[2J\nanew: trap: forged\u{9b}\u{202e})";

TEST_F(Command, KeepsControlCharactersOfAModuleFromTheTerminal) {
  const std::string name = kHostileName;
  const std::string module = file(
      "hostile.wat", "(module (import \"" + name + "\" \"" + name + "\" (func)) (memory (export \"" + name +
                         "m\") 1) (global (export \"" + name + "g\") (mut i32) (i32.const 0)) (func $f (export \"" +
                         name + "\") (param i32) unreachable) (export \"trap\" (func $f)))");
  const std::string actual = "a\x1b[2J\nanew: trap: forged\u009b\u202e";  // of the first export
  const auto expect_safe = [&](const std::vector<std::string>& arguments, int exit_code) {
    const Outcome outcome = anew(arguments);
    EXPECT_EQ(outcome.exit_code, exit_code) << outcome.err;
    EXPECT_TRUE(is_safe(outcome.out)) << outcome.out;
    EXPECT_TRUE(is_safe(outcome.err)) << outcome.err;
    EXPECT_EQ((outcome.out + outcome.err).find("\nanew: trap: forged"), std::string::npos);
    return outcome;
  };
  EXPECT_TRUE(contains(expect_safe({"inspect", module}, 0).out, std::string("function ") + kItsText));
  EXPECT_EQ(expect_safe({"inspect", module, "--json"}, 0).json()["exports"][2]["name"], actual);
  EXPECT_TRUE(contains(expect_safe({"call", module, "trap", "1"}, 4).err, std::string(kItsText) + "." + kItsText));
  EXPECT_TRUE(contains(expect_safe({"call", module, actual + "m", "1"}, 64).err, kItsText));
  EXPECT_TRUE(contains(expect_safe({"call", module, actual + "x"}, 64).err, std::string("did you mean \"") + kItsText));
  expect_safe({"call", module, actual}, 64);
  expect_safe({"call", module, actual, "\x1b"}, 64);
  expect_safe({"call", module, "trap", "1", "--prelude", "\x1b\n", "--trap-unknown-imports"}, 64);
  // No name section: the frame bears the name of an export.
  const Outcome trap = expect_safe({"call", module, "trap", "1", "--trap-unknown-imports"}, 2);
  EXPECT_TRUE(contains(trap.err, "at f, function 1"));
  const std::string twice =
      file("twice.wat", "(module (func (export \"" + name + "\")) (func (export \"" + name + "\")))");
  EXPECT_TRUE(contains(expect_safe({"inspect", twice}, 3).err, kItsText));
  // The names of functions and custom sections, in binary modules: no tool writes such.
  const auto section = [](char id, const std::string& content) {
    return std::string(1, id) + static_cast<char>(content.size()) + content;  // below 128 bytes
  };
  const auto with_length = [](const std::string& text) { return static_cast<char>(text.size()) + text; };
  const std::string head(
      "\0asm\x01\0\0\0\x01\x04\x01\x60\0\0\x03\x02\x01\0\x07\x05\x01\x01"
      "f\0\0",
      25);
  const std::string trap_body = section(10, std::string("\x01\x03\0\0\x0b", 5));
  const std::string names = section(
      0, with_length("name") + section(1, std::string("\x01\0", 2) + with_length("_ZN3\x1b\no"
                                                                                 "5outer17h0123456789abcdefE")));
  const std::string binary =
      file("names.wasm", head + trap_body + names + section(0, with_length("\x1b\n\u202e") + "content"));
  EXPECT_TRUE(contains(expect_safe({"call", binary, "f"}, 2).err, "at \\x1b\\no::outer, function 0"));
  EXPECT_TRUE(contains(expect_safe({"inspect", binary}, 0).out, R"(custom "\x1b\n\u{202e}")"));
  // A body that does not validate is named too.
  const std::string invalid = file("invalid.wasm", head + section(10, std::string("\x01\x03\0\x6a\x0b", 5)) + names);
  EXPECT_TRUE(contains(expect_safe({"inspect", invalid}, 3).err, "\\x1b\\no::outer"));
  EXPECT_TRUE(contains(expect_safe({"call", invalid, "f"}, 3).err, "\\x1b\\no::outer"));
}

TEST_F(Command, DemanglesNamesInBacktraces) {
  const std::string module = file("m.wat", R"((module
    (func $_ZN4core9panicking5panic17h0123456789abcdefE unreachable)
    (func $_RNvNtC3app4main3run (call $_ZN4core9panicking5panic17h0123456789abcdefE))
    (func $_ZNSt3__16vectorIiNS_9allocatorIiEEE9push_backEOi (call $_RNvNtC3app4main3run))
    (func (export "f") (call $_ZNSt3__16vectorIiNS_9allocatorIiEEE9push_backEOi))))");
  const Outcome outcome = anew({"call", module, "f"});
  EXPECT_EQ(outcome.exit_code, 2);
  for (const char* const frame : {"\n  at core::panicking::panic, function 0,", "\n  at app::main::run, function 1,",
                                  "\n  at std::__1::vector<...>::push_back, function 2,", "\n  at f, function 3,"}) {
    EXPECT_TRUE(contains(outcome.err, frame));
  }
}

TEST_F(Command, SaysThatABinaryModuleMayHaveWhatTheTextMayNot) {
  const Outcome outcome = anew({"inspect", file("m.wat", "(module (func (block $b (try_table (catch_all $b)))))")});
  EXPECT_EQ(outcome.exit_code, 3);
  EXPECT_TRUE(contains(outcome.err, "try_table"));
  EXPECT_TRUE(contains(outcome.err, "translate the text to a binary module (.wasm)"));
}

TEST_F(Command, ReadsStandardInputOnce) {
  const std::string module = file("m.wat", "(module (func (export \"f\") (result i32) (i32.const 7)))");
  const std::string before = "cat " + quoted(module) + " | ";
  EXPECT_EQ(anew({"call", "-", "f"}, before).out, "7\n");
  EXPECT_TRUE(contains(anew({"inspect", "-"}, before).out, "function f: [] -> [i32]"));
  EXPECT_EQ(anew({"compile", "-", "-o", path("m.anew").string()}, before).exit_code, 0);
  EXPECT_EQ(anew({"call", module, "f", "--link", "m=-"}, before).out, "7\n");
  const Outcome twice = anew({"call", "-", "f", "--link", "m=-"}, before);
  EXPECT_EQ(twice.exit_code, 64);
  EXPECT_TRUE(contains(twice.err, "standard input (-) can be read once"));
  EXPECT_EQ(anew({"call", "-", "f"}, "true | ").exit_code, 3) << "nothing is no module";
}

class Inspect : public CommandTest {};

TEST_F(Inspect, TellsWhatAModuleHolds) {
  const std::string module = file("m.wat", R"((module
    (import "env" "log" (func $log (param i32)))
    (memory (export "memory") 2 8)
    (global $stack (mut i32) (i32.const 65536))
    (global (export "counter") (mut i64) (i64.const 0))
    (global (export "__heap_base") i32 (i32.const 66000))
    (data (i32.const 4090) "spans two pages")
    (data (i32.const 20000) "\00\00\00")
    (func $begin (global.set $stack (i32.const 1)))
    (func (export "store") (i32.store (i32.const 0) (i32.const 1)))
    (start $begin)))");
  const auto object = anew({"inspect", module, "--json"}).json();
  EXPECT_EQ(object["imports"][0]["name"], "log");
  EXPECT_EQ(object["imports"][0]["type"], "[i32] -> []");
  EXPECT_EQ(object["exports"].size(), 4u);
  EXPECT_EQ(object["memories"][0]["minimum"], 2);
  EXPECT_EQ(object["memories"][0]["maximum"], 8);
  EXPECT_EQ(object["image"]["pages"], 2) << "zero bytes make no page";
  EXPECT_EQ(object["image"]["zero_pages"], 30);
  ASSERT_EQ(object["mutable_globals"].size(), 2u);
  EXPECT_EQ(object["mutable_globals"][0]["name"], "stack");
  EXPECT_EQ(object["mutable_globals"][0]["exported_as"].size(), 0u);
  EXPECT_EQ(object["mutable_globals"][1]["exported_as"][0], "counter");
  EXPECT_EQ(object["start"], 1);
  EXPECT_EQ(object["heap_base"]["value"], 66000);
  EXPECT_EQ(object["heap_base"]["found"], "exported global __heap_base");
  EXPECT_FALSE(object["sections"].empty());

  const std::string text = anew({"inspect", module}).out;
  for (const char* const part :
       {"sections", "env.log", "2 pages of 4096 bytes with data", "30 zero pages", "i32 stack", "function 1 (begin)",
        "66000", "globals: 2 mutable", "must come from a linked module: none"}) {
    EXPECT_TRUE(contains(text, part));
  }
}

TEST_F(Inspect, TellsWhatMustComeFromALinkedModule) {
  const auto object = anew({"inspect", file("m.wat", R"((module
    (import "env" "state" (global (mut i32))) (import "env" "constant" (global i32)) (import "env" "tag" (tag (param i32)))
    (import "env" "memory" (memory 1)) (import "env" "f" (func))))"),
                            "--json"})
                          .json();
  EXPECT_EQ(object["links"], nlohmann::json::parse(R"(["tag env.tag"])"));
}

TEST_F(Inspect, TakesTextThatNamesTheMemoryOfAnAtomicOperator) {
  const auto text = [](std::string_view name) {
    return "(module (memory 1) (memory $m 1) (func (drop (i32.atomic.load " + std::string(name) +
           " (i32.const 0)))\n (i32.atomic.store " + std::string(name) + " (i32.const 0) (i32.atomic.rmw.add " +
           std::string(name) + " (i32.const 0) (i32.atomic.rmw.cmpxchg " + std::string(name) +
           " (i32.const 0) (memory.atomic.notify " + std::string(name) + " (i32.const 0) (i32.const 0)) " +
           "(memory.atomic.wait32 " + std::string(name) + " (i32.const 0) (i32.const 0) (i64.const 0)))))))";
  };
  EXPECT_EQ(anew({"inspect", file("m.wat", text("$m")), "--json"}).json()["operators"]["atomics"], 6);
  const Outcome outcome = anew({"inspect", file("unknown.wat", text("$n"))});
  EXPECT_EQ(outcome.exit_code, 3);
  EXPECT_TRUE(contains(outcome.err, "unknown memory $n"));
}

TEST_F(Inspect, RefusesSharedMemory) {
  const Outcome outcome = anew({"inspect", file("m.wat", "(module (memory 1 2 shared))")});
  EXPECT_EQ(outcome.exit_code, 3);
  EXPECT_TRUE(contains(outcome.err, "shared memory"));
}

TEST_F(Inspect, KnowsWhatIsNewIn3) {
  const std::string module = file("m.wat", R"((module
    (memory 1) (memory (export "large") i64 2 3) (table (export "t") 1 funcref) (tag (export "e") (param i32 f64))
    (func $f (export "f") (param v128) (result v128) (i8x16.relaxed_swizzle (local.get 0) (v128.const i32x4 1 2 3 4)))
    (func (export "g") (param v128) (result v128) (v128.store32_lane 1 (i32.const 0) (local.get 0))
      (return_call $f (local.get 0)))
    (func (export "a") (result i32) (i32.atomic.rmw.add (i32.const 8) (i32.atomic.load (i32.const 4))))
    (func (export "throw") (throw 0 (i32.const 1) (f64.const 2)))))");
  const auto object = anew({"inspect", module, "--json"}).json();
  EXPECT_EQ(
      object["operators"],
      nlohmann::json::parse(R"({"vectors": 3, "relaxed_vectors": 1, "atomics": 2, "tail_calls": 1, "exceptions": 1})"));
  EXPECT_EQ(object["memories"].size(), 2u);
  EXPECT_FALSE(object["memories"][0]["is_64"]);
  EXPECT_TRUE(object["memories"][1]["is_64"]);
  EXPECT_EQ(object["tags"][0]["type"], "[i32 f64] -> []");
  EXPECT_EQ(object["tags"][0]["exported_as"][0], "e");
  EXPECT_EQ(object["restores"].size(), 2u) << "memory and exceptions: " << object["restores"];
  const std::string text = anew({"inspect", module}).out;
  for (const char* const part :
       {"1: 2 to 3 pages, 64-bit, exported as large", "tail_calls", "0: [i32 f64] -> [], exported as e", "tag "}) {
    EXPECT_TRUE(contains(text, part));
  }
}

TEST_F(Inspect, TellsWhichProposalsAModuleNeeds) {
  const std::string plain = file("plain.wat", "(module (memory 1))");
  EXPECT_TRUE(anew({"inspect", plain, "--json"}).json()["features"].empty());
  EXPECT_TRUE(contains(anew({"inspect", plain}).out, "proposals needed: none\n"));
  const std::string module = file("m.wat", R"((module (memory 1) (global (export "g") (mut i32) (i32.const 0))
    (func (param v128) (result i32) (i8x16.relaxed_swizzle (local.get 0) (local.get 0)) (drop) (i32.const 0))))");
  EXPECT_EQ(anew({"inspect", module, "--json"}).json()["features"],
            nlohmann::json::parse(R"(["mutable-global", "simd", "relaxed-simd"])"));
  EXPECT_TRUE(contains(anew({"inspect", module}).out, "proposals needed: mutable-global, simd, relaxed-simd\n"));
}

TEST_F(Command, AcceptsTheFeaturesThatItIsTold) {
  constexpr std::string_view kText =
      R"((module (func (export "f") (param i32) (result i32) (i32.extend8_s (local.get 0)))))";
  const std::string module = file("m.wat", kText);
  const std::vector<std::byte> bytes = test::wat(kText);
  const std::string_view binary(reinterpret_cast<const char*>(bytes.data()),
                                bytes.size());  // char may alias any object
  const std::string refusal =
      "anew: function 0 (f): i32.extend8_s needs the proposal sign-extension, which this engine does not accept: add "
      "it "
      "to EngineOptions::features (--features) (at byte 0x2";
  const std::string compiled = path("compiled").string();
  const std::string snapshot = path("snapshot").string();
  EXPECT_EQ(anew({"call", module, "f", "128"}).out, "-128\n");
  EXPECT_EQ(anew({"compile", module, "-o", compiled}).exit_code, 0);
  EXPECT_EQ(anew({"snapshot", module, "-o", snapshot}).exit_code, 0);
  for (const std::vector<std::string>& command :
       std::vector<std::vector<std::string>>{{"call", module, "f", "128"},
                                             {"call", compiled, "f", "128"},
                                             {"call", snapshot, "f", "128"},
                                             {"inspect", module},
                                             {"inspect", snapshot},
                                             {"compile", module, "-o", compiled},
                                             {"snapshot", module, "-o", snapshot},
                                             {"substrate", "version", file("m.wasm", binary)}}) {
    std::vector<std::string> refusing = command;
    refusing.insert(refusing.end(), {"--features", "2.0,-sign-extension"});
    const Outcome outcome = anew(refusing);
    EXPECT_EQ(outcome.exit_code, 3) << command[0] << " " << command[1];
    EXPECT_EQ(outcome.out, "");
    EXPECT_TRUE(contains(outcome.err, refusal)) << command[0] << " " << command[1];
  }
  EXPECT_EQ(anew({"call", compiled, "f", "128", "--features", "mvp,sign-extension"}).out, "-128\n");
}

TEST_F(Inspect, SaysWhenTheHeapBaseIsNotKnown) {
  const auto object = anew({"inspect", file("m.wat", "(module (memory 1))"), "--json"}).json();
  EXPECT_TRUE(object["heap_base"]["value"].is_null());
  EXPECT_TRUE(contains(object["heap_base"]["found"], "not known"));
}

TEST_F(Inspect, KnowsAModuleThatCannotChangeItsInstance) {
  const auto object = anew({"inspect", file("m.wat", "(module (memory 1) (func (export \"f\")))"), "--json"}).json();
  ASSERT_EQ(object["restores"].size(), 1u);
  EXPECT_TRUE(contains(object["restores"][0], "nothing"));
}

class Compile : public CommandTest {};

TEST_F(Compile, SaysWhatItWroteAndHowFast) {
  const std::string module = file("m.wat", "(module (func (export \"f\")) (func))");
  const Outcome outcome = anew({"compile", module, "-o", path("m.anew").string()});
  EXPECT_EQ(outcome.exit_code, 0);
  for (const char* const part : {"2 functions", "MB/s", "m.anew"}) EXPECT_TRUE(contains(outcome.out, part));
  EXPECT_FALSE(std::filesystem::exists(path("cache"))) << "compiling to a file leaves the cache alone";
}

TEST_F(Compile, ReportsAFileThatCannotBeWritten) {
  const std::string module = file("m.wat", "(module)");
  const Outcome outcome = anew({"compile", module, "-o", path("no/such/place").string()});
  EXPECT_EQ(outcome.exit_code, 1);
  EXPECT_TRUE(contains(outcome.err, "no/such"));
}

TEST_F(Compile, RefusesAnAlteredCompiledModule) {
  const std::string module = file("m.wat", "(module (func (export \"f\")))");
  const std::string compiled = path("m.anew").string();
  ASSERT_EQ(anew({"compile", module, "-o", compiled}).exit_code, 0);
  std::string bytes = read(compiled);
  bytes[bytes.size() / 2] = static_cast<char>(bytes[bytes.size() / 2] ^ 1);
  EXPECT_EQ(anew({"call", file("altered.anew", bytes), "f"}).exit_code, 3);
  EXPECT_EQ(anew({"call", file("short.anew", bytes.substr(0, 100)), "f"}).exit_code, 3);
}

TEST_F(Compile, TakesTheOptionsThatChangeCode) {
  const std::string module = file("m.wat", R"((module (memory 1) (func (export "f") (result i32)
    (i32.store (i32.const 0) (i32.const 7)) (i32.load (i32.const 0)))))");
  const std::string compiled = path("m.anew").string();
  ASSERT_EQ(anew({"compile", module, "-o", compiled}).exit_code, 0);
  const Outcome refused = anew({"call", compiled, "f", "--fuel", "100"});
  EXPECT_EQ(refused.exit_code, 3);
  EXPECT_TRUE(contains(refused.err, "fuel"));
  EXPECT_EQ(anew({"call", compiled, "f", "--bounds", "explicit"}).exit_code, 3);
  ASSERT_EQ(anew({"compile", module, "-o", compiled, "--fuel", "--bounds", "explicit"}).exit_code, 0);
  EXPECT_EQ(anew({"call", compiled, "f", "--fuel", "100", "--bounds", "explicit"}).out, "7\n");
  EXPECT_TRUE(contains(anew({"call", compiled, "f", "--fuel", "1"}).err, "out of fuel"));
  ASSERT_EQ(anew({"compile", module, "-o", compiled, "--ledger", "cow", "--no-cache"}).exit_code, 0);
  EXPECT_EQ(anew({"call", compiled, "f", "--ledger", "cards"}).exit_code, 3);
  EXPECT_EQ(anew({"call", compiled, "f", "--ledger", "cow", "--audit"}).exit_code, 0);
}

TEST_F(Compile, WritesToStandardOutput) {
  const std::string module = file("m.wat", "(module (memory 1) (func (export \"f\") (result i32) (i32.const 7)))");
  const Outcome compiled = anew({"compile", module, "-o", "-"});
  EXPECT_EQ(compiled.exit_code, 0);
  EXPECT_TRUE(
      compiled.out.starts_with("\x7f"
                               "ELF"));
  EXPECT_TRUE(contains(compiled.err, "compiled 1 functions")) << "what is said goes elsewhere";
  const Outcome snapshot = anew({"snapshot", module, "--output", "-"});
  EXPECT_TRUE(snapshot.out.starts_with("ANEWSNAP"));
  for (const std::string& made : {compiled.out, snapshot.out}) {
    const std::string name = file("made", made);
    std::filesystem::permissions(name, std::filesystem::perms::group_write, std::filesystem::perm_options::remove);
    EXPECT_EQ(anew({"call", name, "f"}).out, "7\n");
    EXPECT_EQ(anew({"call", "-", "f"}, "cat " + quoted(name) + " | ").out, "7\n");
  }
  const Outcome full = anew({"compile", module, "-o", "-"}, "trap '' XFSZ; ulimit -f 1; ");
  EXPECT_EQ(full.exit_code, 1) << full.err;
}

class Cache : public CommandTest {
 protected:
  const std::string module_ = file("m.wat", "(module (func (export \"f\") (result i32) (i32.const 7)))");
};

TEST_F(Cache, ListsAndClearsWhatWasCompiled) {
  EXPECT_EQ(anew({"cache", "path"}).out, path("cache").string() + "\n");
  ASSERT_EQ(anew({"call", module_, "f"}).out, "7\n");
  EXPECT_TRUE(contains(anew({"cache"}).out, "1 compiled modules"));
  EXPECT_EQ(anew({"cache"}).out, anew({"cache", "list"}).out);
  ASSERT_EQ(anew({"call", module_, "f"}).out, "7\n") << "from the cache";
  EXPECT_EQ(anew({"cache", "clear"}).exit_code, 0);
  EXPECT_TRUE(contains(anew({"cache"}).out, "0 compiled modules"));
}

TEST_F(Cache, ListsTheOptionsOfEachModule) {
  for (const std::vector<std::string>& options :
       {std::vector<std::string>{}, {"--fuel", "100", "--bounds", "explicit"}, {"--ledger", "cow"}}) {
    std::vector<std::string> arguments = {"call", module_, "f"};
    arguments.insert(arguments.end(), options.begin(), options.end());
    ASSERT_EQ(anew(arguments).out, "7\n");
  }
  const std::string list = anew({"cache", "list"}).out;
  EXPECT_TRUE(contains(list, "3 compiled modules"));
  for (const char* const line : {"cards of 512 bytes\n", "cards of 512 bytes, explicit bounds, fuel\n", "no marks\n"})
    EXPECT_TRUE(contains(list, line));
  // What is none of ours is not listed, whatever its name does to a terminal.
  std::ofstream(path("cache") / (std::string(63, '0') + "\x1b-x.anew")) << "x";
  std::ofstream(path("cache") / (std::string(64, '0') + "-x.anew")) << "damaged";
  const std::string more = anew({"cache"}).out;
  EXPECT_TRUE(contains(more, "4 compiled modules"));
  EXPECT_TRUE(contains(more, "of another version of Anew"));
  EXPECT_EQ(more.find('\x1b'), std::string::npos);
}

TEST_F(Cache, CanBeLeftOut) {
  EXPECT_EQ(anew({"call", module_, "f", "--no-cache"}).out, "7\n");
  EXPECT_EQ(anew({"snapshot", module_, "-o", path("s").string(), "--no-cache"}).exit_code, 0);
  EXPECT_FALSE(std::filesystem::exists(path("cache")));
}

TEST_F(Cache, CallsWithoutACacheThatCannotBeUsedAndSaysSo) {
  const auto works_with = [&](const std::string& directory) {
    const Outcome outcome = anew({"call", module_, "f"}, "export ANEW_CACHE_DIR=" + quoted(directory) + "; ");
    EXPECT_EQ(outcome.exit_code, 0);
    EXPECT_EQ(outcome.out, "7\n");
    EXPECT_TRUE(outcome.err.starts_with("anew: note: ")) << outcome.err;
    EXPECT_TRUE(contains(outcome.err, directory));
  };
  works_with(module_ + "/cache");  // under a file
  works_with("/proc/anew");        // where nobody may write
  std::filesystem::create_directory(path("open"));
  std::filesystem::permissions(path("open"), std::filesystem::perms::all);
  works_with(path("open").string());  // others may write there
}

TEST_F(Cache, CallsThoughTheDiskIsFull) {
  // A limit on the size of files stands for the full disk: the write fails half-way.
  const Outcome outcome = anew({"call", module_, "f"}, "trap '' XFSZ; ulimit -f 1; ");
  EXPECT_EQ(outcome.exit_code, 0);
  EXPECT_EQ(outcome.out, "7\n");
  EXPECT_TRUE(outcome.err.starts_with("anew: note: ")) << outcome.err;
  EXPECT_TRUE(contains(anew({"cache"}).out, "0 compiled modules")) << "nothing half-written stays";
}

TEST_F(Cache, IsSafeWithManyProcessesAtOnce) {
  std::string text = "(module (func (export \"f\") (result i32) (i32.const 7))";
  for (int i = 0; i < 3000; ++i) text += " (func (result i32) (i32.add (i32.const 1) (i32.const 2)))";
  const std::string module = file("large.wat", text + ")");
  std::string commands = "export ANEW_CACHE_DIR=" + quoted(path("cache").string()) + "; ";
  constexpr int kProcesses = 6;
  for (int i = 0; i < kProcesses; ++i)
    commands += "(" + shell_command({"call", module, "f"}, std::to_string(i)) + ") & ";
  ASSERT_EQ(std::system((commands + "wait").c_str()), 0);
  for (int i = 0; i < kProcesses; ++i) {
    EXPECT_EQ(read(path("out" + std::to_string(i))), "7\n");
    EXPECT_EQ(read(path("err" + std::to_string(i))), "");
  }
  EXPECT_TRUE(contains(anew({"cache"}).out, "1 compiled modules"));
}

}  // namespace
}  // namespace anew::testing
