// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// anew snapshot, and what the other subcommands make of the file.
#include "cli/command_fixture.hpp"

namespace anew::testing {
namespace {

class SnapshotCommand : public CommandTest {
 protected:
  const std::string module_ = file("m.wat", R"((module (memory 1 8) (global $g (mut i32) (i32.const 1))
    (func (export "_initialize") (global.set $g (i32.const 20)) (drop (memory.grow (i32.const 2))))
    (func (export "warm_up") (global.set $g (i32.mul (global.get $g) (i32.const 3))))
    (func (export "trap") unreachable) (func (export "spin") (loop (br 0)))
    (func (export "get") (result i32) (i32.add (global.get $g) (memory.size)))))");
  const std::string out_ = path("m.anew").string();
};

TEST_F(SnapshotCommand, WritesWhatCallTakes) {
  const Outcome written = anew({"snapshot", module_, "-o", out_, "--prelude", "_initialize,warm_up"});
  EXPECT_EQ(written.exit_code, 0) << written.err;
  EXPECT_TRUE(contains(written.out, "wrote ")) << written.out;
  EXPECT_TRUE(contains(written.err, "the same in all instances")) << written.err;
  for (const char* const ledger : {"cards", "pagemap", "cow"}) {
    const Outcome outcome = anew({"call", out_, "get", "--audit", "--ledger", ledger});
    EXPECT_EQ(outcome.out, "63\naudit: 1 checked, 0 failures\n") << outcome.err;
  }
  const Outcome inspected = anew({"inspect", out_});
  EXPECT_TRUE(contains(inspected.out, "main: memory 0 of 196608 bytes, 0 pages of 4096 bytes with data"))
      << inspected.out;
  EXPECT_TRUE(contains(anew({"inspect", out_, "--json"}).out, R"("bytes":196608)"));
  EXPECT_EQ(anew({"call", module_, "get", "--prelude", "_initialize"}).out, "23\n");
}

TEST_F(SnapshotCommand, RefusesWhatCannotBe) {
  const auto refused = [&](std::vector<std::string> more, int exit_code, std::string_view words) {
    std::vector<std::string> arguments = {"snapshot", module_, "-o", out_};
    arguments.insert(arguments.end(), more.begin(), more.end());
    const Outcome outcome = anew(arguments);
    EXPECT_EQ(outcome.exit_code, exit_code) << outcome.err;
    EXPECT_TRUE(contains(outcome.err, words)) << outcome.err;
  };
  refused({"--prelude", "absent"}, 64, "the prelude \"absent\": the module exports no function");
  refused({"--prelude", "trap"}, 2, "the prelude \"trap\"");
  refused({"--prelude", "spin", "--start-timeout", "30ms"}, 2, "the prelude \"spin\"");
  refused({"--start-timeout", "30"}, 64, "unit");
  ASSERT_EQ(anew({"snapshot", module_, "-o", out_}).exit_code, 0);
  EXPECT_TRUE(contains(anew({"compile", out_, "-o", path("x").string()}).err, "is a snapshot"));
  EXPECT_EQ(anew({"call", out_, "get", "--prelude", "warm_up"}).exit_code, 64);
  const Outcome altered = anew({"call", file("altered.anew", std::string("ANEWSNAP") + std::string(100, 'x')), "get"});
  EXPECT_EQ(altered.exit_code, 3);
  EXPECT_TRUE(contains(altered.err, "is not a usable snapshot")) << altered.err;
}

class CallLimits : public CommandTest {};

TEST_F(CallLimits, TimeAndFuelEndACall) {
  const std::string module = file("m.wat", R"((module (memory 1) (func (export "spin") (loop (br 0)))
    (func (export "short") (result i32) (i32.const 5))))");
  const Outcome late = anew({"call", module, "spin", "--timeout", "50ms"});
  EXPECT_EQ(late.exit_code, 2);
  EXPECT_TRUE(contains(late.err, "anew: trap: ")) << late.err;
  EXPECT_TRUE(contains(late.err, "deadline")) << late.err;
  EXPECT_EQ(anew({"call", module, "short", "--timeout", "10s"}).out, "5\n");
  const Outcome spent = anew({"call", module, "spin", "--fuel", "100000"});
  EXPECT_EQ(spent.exit_code, 2);
  EXPECT_TRUE(contains(spent.err, "out of fuel")) << spent.err;
  EXPECT_EQ(anew({"call", module, "short", "--fuel", "100"}).out, "5\n");
  const Outcome start =
      anew({"call", file("start.wat", "(module (func $s (loop (br 0))) (start $s) (func (export \"f\")))"), "f",
            "--start-timeout", "50ms"});
  EXPECT_EQ(start.exit_code, 2);
  EXPECT_TRUE(contains(start.err, "the start function")) << start.err;
}

TEST_F(CallLimits, MemoryGrowsUpToTheLimit) {
  const std::string module = file("m.wat", R"((module (memory 2)
    (func (export "grow") (param i32) (result i32) (memory.grow (local.get 0)))))");
  const auto grow = [&](std::string pages, std::string limit) {
    return anew({"call", module, "grow", std::move(pages), "--max-memory", std::move(limit)});
  };
  EXPECT_EQ(anew({"call", module, "grow", "60000"}).out, "2\n");
  EXPECT_EQ(grow("14", "1MiB").out, "2\n");
  EXPECT_EQ(grow("15", "1MiB").out, "-1\n");
  EXPECT_EQ(grow("15", "1024KiB").out, "-1\n");
  EXPECT_EQ(grow("15", "1048575B").out, "-1\n");
  EXPECT_EQ(grow("15", "1GiB").out, "2\n");
  const Outcome refused = grow("0", "64KiB");
  EXPECT_EQ(refused.exit_code, 3) << refused.err;
  EXPECT_TRUE(contains(refused.err, "--max-memory")) << refused.err;
  for (const char* const size : {"1", "MiB", "-1MiB", "1MB", "1.5GiB", "", "99999999999GiB", "99999999999999999999B"})
    EXPECT_EQ(grow("0", size).exit_code, 64) << size;
}

}  // namespace
}  // namespace anew::testing
