// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// anew run: programs with WASI.
#include <cstdlib>
#include <map>

#include "cli/command_fixture.hpp"

namespace anew::testing {
namespace {

/// A program by its `_start`; $print writes bytes of its memory to standard output.
std::string program(std::string_view start, std::string_view more = "") {
  return std::string(R"((module
  (import "wasi_snapshot_preview1" "fd_write" (func $fd_write (param i32 i32 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "fd_read" (func $fd_read (param i32 i32 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "proc_exit" (func $proc_exit (param i32)))
  (import "wasi_snapshot_preview1" "args_sizes_get" (func $args_sizes_get (param i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "args_get" (func $args_get (param i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "environ_sizes_get" (func $environ_sizes_get (param i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "random_get" (func $random_get (param i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "environ_get" (func $environ_get (param i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "path_open"
    (func $path_open (param i32 i32 i32 i32 i32 i64 i64 i32 i32) (result i32)))
  (memory (export "memory") 2)
  (global $state (mut i32) (i32.const 0))
  (data (i32.const 1024) "hello\n")
  (data (i32.const 1040) "file.txt")
  (func $print (param $at i32) (param $size i32)
    (i32.store (i32.const 0) (local.get $at))
    (i32.store (i32.const 4) (local.get $size))
    (drop (call $fd_write (i32.const 1) (i32.const 0) (i32.const 1) (i32.const 8))))
)") + std::string(more) +
         "\n(func (export \"_start\") " + std::string(start) + "))";
}

constexpr std::string_view kHello = "(call $print (i32.const 1024) (i32.const 6))";

constexpr std::string_view kPrintArguments = R"(
  (drop (call $args_sizes_get (i32.const 16) (i32.const 20)))
  (drop (call $args_get (i32.const 2048) (i32.const 4096)))
  (call $print (i32.const 4096) (i32.load (i32.const 20))))";

constexpr std::string_view kPrintEnvironment = R"(
  (drop (call $environ_sizes_get (i32.const 16) (i32.const 20)))
  (drop (call $environ_get (i32.const 2048) (i32.const 4096)))
  (call $print (i32.const 4096) (i32.load (i32.const 20))))";

/// Standard input to standard output.
constexpr std::string_view kCopy = R"(
  (loop $again
    (i32.store (i32.const 0) (i32.const 8192))
    (i32.store (i32.const 4) (i32.const 4096))
    (drop (call $fd_read (i32.const 0) (i32.const 0) (i32.const 1) (i32.const 12)))
    (if (i32.load (i32.const 12)) (then
      (call $print (i32.const 8192) (i32.load (i32.const 12)))
      (br $again)))))";

/// file.txt of the first directory to standard output; else the error's number is the exit code.
/// @param flags  of opening: 1 creates it.
std::string print_file(int flags, const char* rights) {
  return std::string(
             "(call $exit_if (call $path_open (i32.const 3) (i32.const 0) (i32.const 1040) (i32.const 8) "
             "(i32.const ") +
         std::to_string(flags) + ") (i64.const " + rights + R"() (i64.const 0) (i32.const 0) (i32.const 16)))
  (i32.store (i32.const 0) (i32.const 8192))
  (i32.store (i32.const 4) (i32.const 4096))
  (call $exit_if (call $fd_read (i32.load (i32.const 16)) (i32.const 0) (i32.const 1) (i32.const 12)))
  (call $print (i32.const 8192) (i32.load (i32.const 12))))";
}
constexpr std::string_view kExitIf =
    "(func $exit_if (param i32) (if (local.get 0) (then (call $proc_exit (local.get 0)))))";

/// The texts as a program gets them, each with a zero byte behind it.
std::string ended(const std::vector<std::string>& texts) {
  std::string result;
  for (const std::string& text : texts) result += text + '\0';
  return result;
}

class Run : public CommandTest {
 protected:
  [[nodiscard]] std::string program_file(std::string_view start, std::string_view more = "") const {
    return file("program.wat", program(start, more));
  }
  [[nodiscard]] Outcome run(std::vector<std::string> arguments, const std::string& before = "") const {
    arguments.insert(arguments.begin(), "run");
    return anew(arguments, before);
  }
  [[nodiscard]] Outcome run_start(std::string_view start) const { return run({program_file(start)}); }
};

TEST_F(Run, HasTheOutputAndTheExitCodeOfTheProgram) {
  const Outcome hello = run_start(kHello);
  EXPECT_EQ(hello.out, "hello\n");
  EXPECT_EQ(hello.err, "");
  EXPECT_EQ(hello.exit_code, 0);
  EXPECT_EQ(run_start("(call $proc_exit (i32.const 0))").exit_code, 0);
  EXPECT_EQ(run_start("(call $proc_exit (i32.const 7))").exit_code, 7);
  EXPECT_EQ(run_start("(call $proc_exit (i32.const 0x1234))").exit_code, 0x34);
  EXPECT_EQ(run_start("(call $proc_exit (i32.const 256))").exit_code, 1) << "a failure must not become a success";
}

TEST_F(Run, OfAProgramThatTrapsSaysWhere) {
  const Outcome outcome = run({program_file(std::string(kHello) + "(call $inner)", "(func $inner unreachable)")});
  EXPECT_EQ(outcome.exit_code, 2);
  EXPECT_EQ(outcome.out, "hello\n");
  EXPECT_TRUE(contains(outcome.err, "anew: trap: unreachable\n  at inner, function 10"));
  EXPECT_TRUE(contains(outcome.err, "\n  at _start, function 11"));
}

TEST_F(Run, GivesAllThatStandsBehindTheFileToTheProgram) {
  const std::string name = program_file(kPrintArguments);
  EXPECT_EQ(run({name}).out, ended({"program.wat"}));
  const std::vector<std::string> arguments = {"--dir", "-x", "--", "--help", "", "[a,b]", "{}", "call"};
  std::vector<std::string> command = {name};
  command.insert(command.end(), arguments.begin(), arguments.end());
  EXPECT_EQ(run(command).out, ended({"program.wat"}) + ended(arguments));
  EXPECT_EQ(run({"--env", "A=B", "--timeout=10s", name, "-v"}).out, ended({"program.wat", "-v"}));
  EXPECT_EQ(run({"--", name, "--", "b"}).out, ended({"program.wat", "--", "b"}));
}

TEST_F(Run, GivesTheEnvironmentThatIsNamedAndNoOther) {
  const std::string name = program_file(kPrintEnvironment);
  const std::string before = "export HERE=there; ";
  EXPECT_EQ(run({name}, before).out, "");
  EXPECT_EQ(run({"--env", "A=b=c", "--env", "HERE", "--env", "EMPTY=", "--env", "NOT_SET_ANYWHERE", name}, before).out,
            ended({"A=b=c", "HERE=there", "EMPTY="}));
  const Outcome wrong = run({"--env", "=x", name});
  EXPECT_EQ(wrong.exit_code, 64);
  EXPECT_TRUE(contains(wrong.err, "--env =x: write NAME=VALUE"));
}

TEST_F(Run, PassesStandardInputOnByteForByte) {
  std::string bytes;
  for (int i = 0; i < 100'000; ++i) bytes.push_back(static_cast<char>(i * 7 + i / 256));
  const std::string input = file("input", bytes);
  const std::string name = program_file(kCopy);
  EXPECT_EQ(run({name}, "cat " + quoted(input) + " | ").out, bytes);
  EXPECT_EQ(run({"--stdin", input, name}).out, bytes);
  EXPECT_EQ(run({"--stdin", path("none").string(), name}).exit_code, 1);
}

TEST_F(Run, GivesDirectoriesAndNothingElse) {
  (void)file("file.txt", "content\n");
  const std::string directory = path("").string();
  const std::string reads = program_file(print_file(0, "2"), kExitIf);
  EXPECT_EQ(run({reads}).exit_code, 8) << "no descriptor 3: EBADF";
  EXPECT_EQ(run({"--dir", directory, reads}).out, "content\n");
  EXPECT_EQ(run({"--dir", directory + "::/data", reads}).out, "content\n");
  EXPECT_EQ(run({"--dir-read-only", directory + "::/data", reads}).out, "content\n");
  const std::string creates = file("creates.wat", program(print_file(1, "66"), kExitIf));
  EXPECT_EQ(run({"--dir", directory, creates}).out, "content\n");
  EXPECT_NE(run({"--dir-read-only", directory, creates}).exit_code, 0);
  const Outcome missing = run({"--dir", path("nowhere").string(), reads});
  EXPECT_EQ(missing.exit_code, 1);
  EXPECT_TRUE(contains(missing.err, path("nowhere").string()));
}

TEST_F(Run, RunsComponents) {
  const std::string data = ANEW_SOURCE_DIR "/tests/data/component/";
  const Outcome once = run({data + "write.wasm"});
  EXPECT_EQ(once.out, "run 1 of a component\n") << once.err;
  EXPECT_EQ(once.exit_code, 0);
  const Outcome often = run({"--repeat", "20", "--threads", "2", "--audit", "--json", data + "write.wasm"});
  EXPECT_EQ(often.exit_code, 0) << often.err;
  EXPECT_EQ(nlohmann::json::parse(often.out)["audit"]["failures"], 0);
  const Outcome no_program = run({data + "add.wasm"});
  EXPECT_EQ(no_program.exit_code, 64);
  EXPECT_TRUE(contains(no_program.err, "does not export wasi:cli/run"));
  EXPECT_EQ(run({"--invoke", "add", data + "add.wasm"}).exit_code, 64);
}

TEST_F(Run, SaysWhatIsWrongWithAFile) {
  const Outcome missing = run({path("missing.wasm").string()});
  EXPECT_EQ(missing.exit_code, 1);
  EXPECT_TRUE(contains(missing.err, "missing.wasm"));
  const Outcome no_program = run({file("library.wat", "(module (func (export \"one\")) (func (export \"two\")))")});
  EXPECT_EQ(no_program.exit_code, 64);
  EXPECT_TRUE(contains(no_program.err, "is no program: it exports no function _start. Its functions: one, two."));
  const Outcome unknown = run({file("unknown.wat", R"((module
    (import "env" "missing" (func)) (import "wasi_snapshot_preview1" "sched_yield" (func (result i32)))
    (func (export "_start"))))")});
  EXPECT_EQ(unknown.exit_code, 4);
  EXPECT_TRUE(contains(unknown.err, "env.missing (function [] -> []) is not defined"));
  EXPECT_TRUE(contains(unknown.err, "functions of wasi_snapshot_preview1 and no others"));
  const Outcome with_call = anew({"call", program_file(kHello), "_start"});
  EXPECT_EQ(with_call.exit_code, 4);
  EXPECT_TRUE(contains(with_call.err, "`anew run FILE`"));
}

TEST_F(Run, SaysWhatIsWrongWithOptions) {
  const std::string name = program_file(kHello);
  EXPECT_TRUE(contains(run({}).err, "FILE is missing"));
  EXPECT_EQ(run({}).exit_code, 64);
  const Outcome unknown = run({"--timeou", "1s", name});
  EXPECT_EQ(unknown.exit_code, 64);
  EXPECT_TRUE(contains(unknown.err, "has no option --timeou"));
  EXPECT_TRUE(contains(unknown.err, "--timeout"));
  EXPECT_EQ(run({"--json", name}).exit_code, 64);
  const Outcome module = run({"--allow-address", "127.0.0.1", name});
  EXPECT_EQ(module.exit_code, 64);
  EXPECT_TRUE(contains(module.err, "are for components")) << module.err;
  EXPECT_TRUE(contains(run({"--help"}).out, "--dir-read-only HOST[::GUEST]"));
}

TEST_F(Run, EndsWithTimeoutAndFuel) {
  const std::string endless = program_file("(loop $again (br $again))");
  const Outcome late = run({"--timeout", "20ms", endless});
  EXPECT_EQ(late.exit_code, 2);
  EXPECT_TRUE(contains(late.err, "interrupted: the call's deadline passed"));
  const Outcome spent = run({"--fuel", "100000", endless});
  EXPECT_EQ(spent.exit_code, 2);
  EXPECT_TRUE(contains(spent.err, "out of fuel"));
}

constexpr std::string_view kReactor = R"(
  (func (export "_initialize") (global.set $state (i32.add (global.get $state) (i32.const 40))))
  (func (export "more") (global.set $state (i32.add (global.get $state) (i32.const 1))))
  (func (export "sum") (param i32 f64) (result i32 f64)
    (global.set $state (i32.add (global.get $state) (local.get 0))) (global.get $state) (local.get 1))
  (func (export "leave") (call $proc_exit (i32.const 5))))";

TEST_F(Run, CallsFunctionsOfAReactorThatIsInitializedOnce) {
  const std::string name = program_file("(call $proc_exit (global.get $state))", kReactor);
  EXPECT_EQ(run({"--invoke", "sum", name, "2", "-0.5"}).out, "42\n-0.5\n");
  EXPECT_EQ(run({"--invoke", "leave", name}).exit_code, 5);
  EXPECT_EQ(run({name}).exit_code, 40);
  EXPECT_EQ(run({"--prelude", "more", name}).exit_code, 41);
  EXPECT_EQ(run({"--prelude", "more,_initialize,more", name}).exit_code, 42);
  EXPECT_EQ(run({"--invoke", "sum", name, "2"}).exit_code, 64);
  EXPECT_TRUE(contains(run({"--invoke", "som", name}).err, "sum"));
}

TEST_F(Run, ManyTimesEachIsAsNewAndTheOutputIsSeenOnce) {
  const std::string name = program_file(std::string(kCopy) +
                                        "(global.set $state (i32.add (global.get $state) (i32.const 1)))"
                                        "(call $proc_exit (global.get $state))");
  const Outcome outcome = run({"--repeat", "200", "--audit", name}, "printf input | ");
  EXPECT_EQ(outcome.exit_code, 1) << "the program's own, of a state that is as new each time" << outcome.err;
  EXPECT_EQ(outcome.out.find("input"), 0u);
  EXPECT_EQ(outcome.out.find("input", 1), outcome.out.npos);
  EXPECT_TRUE(contains(outcome.out, "as new     fresh instantiation"));
  EXPECT_TRUE(contains(outcome.out, "audit failures                     0"));
  const auto json = run({"--repeat", "200", "--json", name}, "printf input | ").json();
  EXPECT_EQ(json["exit_code"], 1);
  EXPECT_EQ(json["calls"], 200);
  EXPECT_EQ(json["distinct_results"], 1);
}

TEST_F(Run, OnceMoreHasTheSameInput) {
  const auto json = run({"--repeat", "1", "--json", program_file(kCopy)}, "printf input | ").json();
  EXPECT_EQ(json["distinct_results"], 1);
}

TEST_F(Run, OutputsThatDifferAreCountedAndNoError) {
  const std::string name = program_file(
      "(drop (call $random_get (i32.const 8192) (i32.const 16))) (call $print (i32.const 8192) (i32.const 16))");
  const Outcome outcome = run({"--repeat", "20", "--json", name});
  EXPECT_EQ(outcome.exit_code, 0) << outcome.err;
  EXPECT_GT(outcome.json()["distinct_results"], 1);
  EXPECT_TRUE(contains(outcome.err, "distinct outputs"));
}

TEST_F(Run, AStandardStreamThatIsClosedIsNoFileOfTheCommand) {
  const std::string command =
      quoted(ANEW_BINARY_DIR "/anew") + " run --no-cache --tier quick --jitdump " + quoted(program_file(kHello));
  EXPECT_EQ(output("cd " + quoted(path("").string()) + " && " + command +
                   " >&-; ls jit-*.dump > dumps && ! grep hello jit-*.dump"),
            "");
}

TEST_F(Run, WithoutStandardInputIsFineManyTimes) {
  EXPECT_EQ(run({"--repeat", "2", "--json", program_file(kCopy)}, "exec < /dev/null; ").exit_code, 0);
}

TEST_F(Run, ProfilesForBrowsers) {
  const std::string name = program_file("(call $outer)", R"(
    (func $busy (local i32)
      (loop $again (br_if $again (i32.lt_u (local.tee 0 (i32.add (local.get 0) (i32.const 1))) (i32.const 200000000)))))
    (func $outer (call $busy) (call $busy)))");
  const std::string output = path("out.cpuprofile").string();
  const Outcome outcome = run({"--profile", output, name});
  ASSERT_EQ(outcome.exit_code, 0) << outcome.err;
  const auto profile = nlohmann::json::parse(read(output));
  ASSERT_EQ(profile["samples"].size(), profile["timeDeltas"].size());
  std::map<std::string, int> hits;
  std::map<int, std::string> names;
  std::string parent_of_busy;
  for (const auto& node : profile["nodes"]) {
    names[node["id"]] = node["callFrame"]["functionName"];
    hits[node["callFrame"]["functionName"]] += node["hitCount"].get<int>();
  }
  for (const auto& node : profile["nodes"])
    for (const auto& child : node["children"])
      if (names.at(child) == "busy") parent_of_busy = node["callFrame"]["functionName"];
  EXPECT_GT(hits["busy"], 3) << outcome.err;
  EXPECT_EQ(parent_of_busy, "outer");
  EXPECT_EQ(names[1], "(root)");
  long last = 0;
  for (const auto& delta : profile["timeDeltas"]) last += delta.get<long>();
  EXPECT_LE(last, profile["endTime"].get<long>());
}

TEST_F(Run, ProfilesNameHostFunctions) {
  const std::string name = program_file(
      "(local i32) (loop $again (call $print (i32.const 1024) (i32.const 6))"
      "(br_if $again (i32.lt_u (local.tee 0 (i32.add (local.get 0) (i32.const 1))) (i32.const 200000))))");
  const std::string output = path("out.cpuprofile").string();
  ASSERT_EQ(run({"--profile", output, name}).exit_code, 0);
  EXPECT_TRUE(contains(read(output), "wasi_snapshot_preview1.fd_write"));
}

TEST_F(Run, GdbShowsLinesOfTheGuest) {
  if (std::system("gdb --version > /dev/null 2>&1") != 0) GTEST_SKIP() << "gdb is not installed";
  const std::string module = ANEW_SOURCE_DIR "/tests/data/debug/divide-dwarf5.wasm";
  const std::string log = path("gdb").string();
  // A line of the guest can be broken at before there is code for it.
  const std::string command = "export ANEW_CACHE_DIR=" + quoted(path("cache")) +
                              "; gdb -nx -batch -ex 'set breakpoint pending on' -ex 'break divide.c:13' -ex run "
                              "-ex backtrace -ex 'info symbol $pc' --args " +
                              quoted(std::string(ANEW_BINARY_DIR) + "/anew") + " call --gdb " + quoted(module) +
                              " run 9 > " + quoted(log) + " 2>&1";
  ASSERT_EQ(std::system(command.c_str()), 0);
  const std::string text = read(log);
  if (text.find("ptrace: Operation not permitted") != text.npos) GTEST_SKIP() << "gdb may not run programs here";
  EXPECT_TRUE(contains(text, "middle () at /guest/divide.c:13"));
  EXPECT_TRUE(contains(text, "in run () at /guest/divide.c:18"));
  EXPECT_TRUE(contains(text, "middle"));
}

}  // namespace
}  // namespace anew::testing
