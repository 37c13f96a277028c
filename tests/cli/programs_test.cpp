// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Programs of ordinary toolchains under `anew run`: interpreters as their authors distribute them
// (scripts/fetch-programs), SQLite, and a program in Go. Each run is as new, however often and with whatever it leaves
// behind.
#include <cstdlib>

#include "cli/command_fixture.hpp"

namespace anew::testing {
namespace {

class Programs : public CommandTest {
 protected:
  [[nodiscard]] static std::string fetched(const std::string& name) {
    return ANEW_SOURCE_DIR "/build/programs/" + name;
  }
  [[nodiscard]] static std::string source(const std::string& name) {
    return ANEW_SOURCE_DIR "/tests/data/programs/" + name;
  }
  [[nodiscard]] Outcome run(std::vector<std::string> arguments, const std::string& before = "") const {
    arguments.insert(arguments.begin(), "run");
    return anew(arguments, before);
  }
  /// What `--repeat --json` says, of runs that all end with 0 and the same output.
  [[nodiscard]] nlohmann::json repeat(const std::string& times, std::vector<std::string> arguments) const {
    arguments.insert(arguments.begin(), {"--repeat", times, "--json"});
    const Outcome outcome = run(arguments, "exec < /dev/null; ");
    EXPECT_EQ(outcome.exit_code, 0) << outcome.err;
    EXPECT_EQ(outcome.err, "");
    if (outcome.exit_code != 0) return {};
    EXPECT_EQ(outcome.json()["distinct_results"], 1);
    return outcome.json();
  }
};

#define ANEW_NEEDS(name) \
  if (!std::filesystem::exists(fetched(name))) GTEST_SKIP() << name << " is not there: run scripts/fetch-programs"

TEST_F(Programs, QuickJsEvaluatesAsNew) {
  ANEW_NEEDS("quickjs.wasm");
  const std::string script = "globalThis.n = (globalThis.n ?? 0) + 1; console.log(n, [3,1,2].sort().join())";
  const Outcome once = run({fetched("quickjs.wasm"), "-e", script});
  EXPECT_EQ(once.out, "1 1,2,3\n") << once.err;
  EXPECT_EQ(once.exit_code, 0);
  EXPECT_EQ(run({fetched("quickjs.wasm"), "--std", "-e", "std.exit(9)"}).exit_code, 9);
  const Outcome thrown = run({fetched("quickjs.wasm"), "-e", "throw new Error('no')"});
  EXPECT_EQ(thrown.exit_code, 1);
  EXPECT_TRUE(contains(thrown.err, "Error: no"));
  EXPECT_EQ(repeat("1000", {fetched("quickjs.wasm"), "-e", script})["calls"], 1000);
}

TEST_F(Programs, QuickJsReadsAndWritesFilesInTheDirectoryThatItHas) {
  ANEW_NEEDS("quickjs.wasm");
  (void)file("in.txt", "from the host");
  const std::string script =
      "const f = std.open('/data/out.txt', 'w'); f.puts(std.loadFile('/data/in.txt') + '!'); f.close();"
      "console.log(std.open('/etc/passwd', 'r'), std.open('/data/../../etc/passwd', 'r'))";
  const Outcome outcome = run({"--dir", path("").string() + "::/data", fetched("quickjs.wasm"), "--std", "-e", script});
  EXPECT_EQ(outcome.out, "null null\n") << outcome.err;
  EXPECT_EQ(read(path("out.txt")), "from the host!");
}

TEST_F(Programs, SqliteQueriesATableAsNew) {
  ANEW_NEEDS("sqlite.wasm");
  const std::string script =
      "create table squares (n integer primary key, square);"
      "with recursive c (n) as (select 1 union all select n + 1 from c where n < 100) insert into squares select n, n "
      "* n from c;"
      "select count(*), sum(square), max(square) from squares; select group_concat(n) from squares where square % 7 = "
      "2";
  const Outcome once = run({fetched("sqlite.wasm"), ":memory:", script});
  EXPECT_EQ(once.out,
            "100|338350|10000\n3,4,10,11,17,18,24,25,31,32,38,39,45,46,52,53,59,60,66,67,73,74,80,81,87,88,94,95\n")
      << once.err;
  EXPECT_EQ(once.exit_code, 0);
  const Outcome later = run({fetched("sqlite.wasm"), ":memory:", "select * from squares"});
  EXPECT_EQ(later.exit_code, 1);
  EXPECT_EQ(later.err, "sqlite: no such table: squares\n");
  EXPECT_EQ(repeat("1000", {fetched("sqlite.wasm"), ":memory:", script})["calls"], 1000);
}

TEST_F(Programs, SqliteKeepsADatabaseInAFile) {
  ANEW_NEEDS("sqlite.wasm");
  const std::string directory = path("").string() + "::/data";
  const std::string count =
      "create table if not exists runs (n); insert into runs select count(*) + 1 from runs; select max(n) from runs";
  for (const char* const expected : {"1\n", "2\n", "3\n"})
    EXPECT_EQ(run({"--dir", directory, fetched("sqlite.wasm"), "/data/runs.db", count}).out, expected);
  // A transaction that is not committed leaves nothing behind, nor its journal.
  EXPECT_EQ(run({"--dir", directory, fetched("sqlite.wasm"), "/data/runs.db",
                 "begin; delete from runs; select count(*) from runs"})
                .out,
            "0\n");
  const std::string input = file("query.sql", "select sum(n) from runs;");
  const std::vector<std::string> reads = {"--dir-read-only", directory, "--stdin", input, fetched("sqlite.wasm")};
  auto arguments = reads;
  arguments.emplace_back("file:/data/runs.db?immutable=1");
  EXPECT_EQ(run(arguments).out, "6\n");
  EXPECT_FALSE(std::filesystem::exists(path("runs.db-journal")));
}

TEST_F(Programs, PythonRunsAsNew) {
  ANEW_NEEDS("python.wasm");
  const std::string script = "import json, sys; print(json.dumps({'v': sys.version_info[:2], 'sum': sum(range(10))}))";
  EXPECT_EQ(run({fetched("python.wasm"), "-c", script}).out, "{\"v\": [3, 12], \"sum\": 45}\n");
  EXPECT_EQ(run({fetched("python.wasm"), "-c", "raise SystemExit(4)"}).exit_code, 4);
  // Seeds of hashes are random in each run, and show nothing here.
  EXPECT_EQ(repeat("5", {fetched("python.wasm"), "-c", script})["calls"], 5);
}

TEST_F(Programs, RubyStartsOnceAndEvaluatesAsNewThousandsOfTimes) {
  ANEW_NEEDS("ruby.wasm");
  const auto ruby = [&](const std::string& script) {
    return std::vector<std::string>{"--link",
                                    "canonical_abi=" + source("canonical_abi.wat"),
                                    "--link",
                                    "ruby=" + fetched("ruby.wasm"),
                                    "--trap-unknown-imports",
                                    "--prelude",
                                    "init",
                                    source("ruby.wat"),
                                    script};
  };
  const std::string script = "$n = ($n || 0) + 1; puts \"#{$n} #{(1..10).reduce(:*)} #{'as new'.reverse}\"";
  const Outcome once = run(ruby(script));
  EXPECT_EQ(once.out, "1 3628800 wen sa\n") << once.err;
  EXPECT_EQ(run(ruby("raise 'no'")).exit_code, 1);
  const auto measured = repeat("2000", ruby(script));
  ASSERT_EQ(measured["calls"], 2000);
  // The interpreter's start is in the snapshot: made fresh, an instance takes many times as long.
  EXPECT_LT(20 * measured["ns"]["p50"].get<long>(), measured["fresh_ns"]["p50"].get<long>());
}

TEST_F(Programs, GoRunsAsNew) {
  if (std::system("go version > /dev/null 2>&1") != 0) GTEST_SKIP() << "go is not installed";
  const std::string program = path("words.wasm").string();
  ASSERT_EQ(std::system(("GOOS=wasip1 GOARCH=wasm go build -o " + program + " " + source("words.go")).c_str()), 0);
  const std::string input = file("words.txt", "as new as can be\nnew as ever\n");
  const Outcome once = run({"--stdin", input, program});
  EXPECT_EQ(once.out, "3 as\n2 new\n1 be\n") << once.err;
  EXPECT_EQ(run({program}, "exec < /dev/null; ").exit_code, 3);
  EXPECT_EQ(repeat("300", {"--stdin", input, program})["calls"], 300);
}

}  // namespace
}  // namespace anew::testing
