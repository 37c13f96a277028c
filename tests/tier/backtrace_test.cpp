// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Backtraces through several instances of one module: whose a frame is cannot be told by its code, and optimized code
// uses the cell pointer's register for something else where it needs registers.
#include <gtest/gtest.h>

#include <anew/anew.hpp>
#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "runtime/deadline.hpp"
#include "runtime/group.hpp"
#include "runtime/store_state.hpp"
#include "support/optimizer.hpp"

namespace anew::test {
namespace {

namespace fs = std::filesystem;
using Names = std::vector<std::string>;

/// A loop over the second memory with more live values than there are registers. It traps past the memory's end, or
/// never ends.
std::string crowded(const std::string& name, const char* mask) {
  constexpr int kValues = 16;
  std::string text = "(func $" + name + " (param i32) (result i64) (local $p i32)";
  for (int i = 0; i < kValues; ++i) text += " (local $v" + std::to_string(i) + " i64)";
  text += " (local.set $p (local.get 0)) (loop $again";
  for (int i = 0; i < kValues; ++i) {
    const std::string value = "$v" + std::to_string(i);
    text += "(local.set " + value + " (i64.rotl (i64.xor (local.get " + value +
            ") (i64.load $second offset=" + std::to_string(8 * i) + " (local.get $p))) (local.get $v" +
            std::to_string((i + 1) % kValues) + ")))";
  }
  text += "(local.set $p (i32.and (i32.add (local.get $p) (i32.const 128)) (i32.const " + std::string(mask) +
          "))) (br_if $again (i64.ne (local.get $v0) (i64.const 1)))) (local.get $v0)";
  for (int i = 1; i < kValues; ++i) text += " (i64.add (local.get $v" + std::to_string(i) + "))";
  return text + ")";
}

/// Each instance calls the next one, `depth` times, in the way that it is told. The innermost then does `what`.
std::string link() {
  return R"((module
    (import "next" "step" (func $next (param i32 i32 i32) (result i64)))
    (import "next" "catch" (func $catch (param i32) (result i64)))
    (type $t (func (param i32 i32 i32) (result i64)))
    (memory $first 1) (memory $second 1)
    (table 1 funcref) (elem (i32.const 0) $next)
    (tag $tag)
    )" + crowded("fault", "-1") +
         crowded("endless", "65408") + R"(
    (func $recurse (param i32) (result i64) (i64.add (call $recurse (i32.add (local.get 0) (i32.const 1))) (i64.const 1)))
    (func $inner (param $what i32) (result i64)
      (if (i32.eq (local.get $what) (i32.const 0)) (then (return (call $fault (i32.const 0)))))
      (if (i32.eq (local.get $what) (i32.const 1)) (then (return (call $endless (i32.const 0)))))
      (if (i32.eq (local.get $what) (i32.const 2)) (then (throw $tag)))
      (if (i32.eq (local.get $what) (i32.const 3)) (then (return (call $recurse (i32.const 0)))))
      (if (i32.eq (local.get $what) (i32.const 4)) (then (return (i64.const 7))))
      (unreachable))
    (func $step (export "step") (param $depth i32) (param $how i32) (param $what i32) (result i64)
      (if (i32.eqz (local.get $depth)) (then (return (call $inner (local.get $what)))))
      (local.set $depth (i32.sub (local.get $depth) (i32.const 1)))
      (if (i32.eq (local.get $how) (i32.const 0))
        (then (return (i64.add (i64.const 1) (call $next (local.get $depth) (local.get $how) (local.get $what))))))
      (if (i32.eq (local.get $how) (i32.const 1))
        (then (return (i64.add (i64.const 1)
          (call_indirect (type $t) (local.get $depth) (local.get $how) (local.get $what) (i32.const 0))))))
      (i64.add (i64.const 1) (call $through (local.get $depth) (local.get $how) (local.get $what))))
    (func $through (param i32 i32 i32) (result i64)
      (return_call $next (local.get 0) (local.get 1) (local.get 2)))
    (func (export "catch") (param $what i32) (result i64)
      (try (result i64)
        (do (call $step (i32.const 0) (i32.const 0) (local.get $what)))
        (catch $tag (i64.const 9))))
    ;; calls others, and traps when they have returned or thrown
    (func (export "after") (param $depth i32) (param $how i32) (param $what i32) (result i64)
      (drop (call $step (local.get $depth) (local.get $how) (local.get $what)))
      (call $fault (i32.const 0)))
    (func (export "after_throw") (result i64)
      (drop (call $catch (i32.const 2)))
      (call $fault (i32.const 0)))
    (func (export "catch_all") (param $depth i32) (result i64)
      (try (result i64)
        (do (call $step (local.get $depth) (i32.const 0) (i32.const 2)))
        (catch_all (call $fault (i32.const 0)))))))";
}

class Backtraces : public testing::TestWithParam<Tier> {
 protected:
  void SetUp() override {
    if (GetParam() == Tier::kQuick) return;
    if (!fs::exists(kOptimizer)) GTEST_SKIP() << "built where LLVM is found only";
    setenv("ANEW_OPTIMIZER", kOptimizer.c_str(), 1);
  }
  void TearDown() override { unsetenv("ANEW_OPTIMIZER"); }
};

/// The instance "a" calls "b", and that one "c", all of one module.
class Chain {
 public:
  explicit Chain(Tier tier) {
    group_.add("next", R"((module (func (export "step") (param i32 i32 i32) (result i64) unreachable)
                                  (func (export "catch") (param i32) (result i64) unreachable)))");
    const Module module = compile(link(), {.tier = tier});
    if (tier == Tier::kOptimized) {
      const Optimization optimization = module.optimization();
      EXPECT_EQ(optimization.note, "");
      EXPECT_EQ(optimization.optimized, 8u);
      EXPECT_EQ(optimization.not_optimized.size(), 2u) << "those with try blocks";
    }
    for (const char* const name : {"c", "b", "a"}) {
      instances_.push_back(group_.add(name, module));
      group_.store.define("next", instances_.back());
    }
  }

  /// @return the frames of the error that the call ends with, from the innermost on.
  Names frames(std::string_view name, std::vector<std::uint32_t> arguments, TrapKind trap) {
    std::vector<Value> values;
    for (const std::uint32_t each : arguments) values.push_back(Value::i32(each));
    const Error error = call_error(instances_.back(), name, values);
    EXPECT_EQ(error.trap, trap) << error.to_string();
    Names names;
    for (const Frame& each : error.backtrace) names.push_back(each.instance_name + ":" + each.function_name);
    return names;
  }

  [[nodiscard]] detail::StoreState& state() { return *instances_.back().state()->store; }

 private:
  Group group_;
  std::vector<Instance> instances_;
};

enum What : std::uint32_t { kFault, kEndless, kThrow, kRecurse, kReturn, kTrap };
enum How : std::uint32_t { kImport, kTable, kTail };
constexpr std::initializer_list<How> kWays = {kImport, kTable, kTail};

/// Of a call of step, `depth` instances deep.
Names steps(std::uint32_t depth, const Names& inner) {
  static constexpr std::string_view kInstances = "abc";
  Names names;
  for (const std::string& each : inner) names.push_back(kInstances[depth] + (":" + each));
  for (std::uint32_t i = depth + 1; i-- > 0;) names.push_back(kInstances[i] + std::string(":step"));
  return names;
}

TEST_P(Backtraces, NameTheInstanceOfEachFrame) {
  Chain chain(GetParam());
  for (std::uint32_t depth = 0; depth < 3; ++depth) {
    for (const How how : kWays) {
      SCOPED_TRACE(std::to_string(depth) + " deep, way " + std::to_string(how));
      EXPECT_EQ(chain.frames("step", {depth, how, kFault}, TrapKind::kMemoryOutOfBounds),
                steps(depth, {"fault", "inner"}));
      EXPECT_EQ(chain.frames("step", {depth, how, kThrow}, TrapKind::kUnhandledException), steps(depth, {"inner"}));
      EXPECT_EQ(chain.frames("step", {depth, how, kTrap}, TrapKind::kUnreachable), steps(depth, {"inner"}));
      const Names all = chain.frames("step", {depth, how, kRecurse}, TrapKind::kStackExhausted);
      EXPECT_EQ(all, Names(all.size(), "abc"[depth] + std::string(":recurse"))) << "the outermost frames are left out";
    }
  }
}

TEST_P(Backtraces, NameTheInstanceThatADeadlineStopped) {
  Chain chain(GetParam());
  for (std::uint32_t depth = 0; depth < 3; ++depth) {
    Names names;
    // The guest may be stopped before it begins, or on its way to the loop.
    for (int i = 1; (names.empty() || !names.front().ends_with(":endless")) && i < 1000; ++i) {
      chain.state().deadline = detail::deadline_in(std::chrono::milliseconds(i));
      names = chain.frames("step", {depth, kImport, kEndless}, TrapKind::kInterrupted);
    }
    EXPECT_EQ(names, steps(depth, {"endless", "inner"}));
  }
}

TEST_P(Backtraces, AreTheCallersWhenThoseThatItCalledAreGone) {
  Chain chain(GetParam());
  const Names expected = {"a:fault", "a:after"};
  for (const How how : kWays)
    EXPECT_EQ(chain.frames("after", {2, how, kReturn}, TrapKind::kMemoryOutOfBounds), expected);
  EXPECT_EQ(chain.frames("after_throw", {}, TrapKind::kMemoryOutOfBounds), (Names{"a:fault", "a:after_throw"}))
      << "thrown and caught in b";
  EXPECT_EQ(chain.frames("catch_all", {2}, TrapKind::kMemoryOutOfBounds), (Names{"a:fault", "a:catch_all"}))
      << "thrown in c, through b, and caught in a";
}

INSTANTIATE_TEST_SUITE_P(Tiers, Backtraces, testing::Values(Tier::kQuick, Tier::kOptimized),
                         [](const auto& tier) { return tier.param == Tier::kQuick ? "quick" : "optimized"; });

}  // namespace
}  // namespace anew::test
