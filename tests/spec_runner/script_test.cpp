// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The runner of the specification's test suite, on scripts made for it: what is wrong must fail, in each of the ways.
#include "spec/script.hpp"

#include <gtest/gtest.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <stdexcept>
#include <string>
#include <string_view>

#include "spec/jobs.hpp"
#include "support/wat.hpp"

namespace anew::spec {

// How GoogleTest shows it.
static void PrintTo(Way way, std::ostream* out) { *out << to_string(way); }

namespace {

namespace fs = std::filesystem;
using namespace std::string_view_literals;
using Kind = Verdict::Kind;

constexpr std::string_view kModule = R"((module
  (memory (export "memory") 1)
  (global (export "answer") i32 (i32.const 42))
  (func (export "one") (result i32) i32.const 1)
  (func (export "add") (param i32 i32) (result i32) local.get 0 local.get 1 i32.add)
  (func (export "count") (result i32)
    (i32.store (i32.const 8) (i32.add (i32.load (i32.const 8)) (i32.const 1)))
    (i32.load (i32.const 8)))
  (func (export "trap") unreachable)
  (func $recurse (export "recurse") call $recurse)))";

class SpecScript : public testing::TestWithParam<Way> {
 protected:
  SpecScript() {
    std::string pattern = (fs::temp_directory_path() / "anew-spec-XXXXXX").string();
    if (mkdtemp(pattern.data()) == nullptr) throw std::runtime_error("no temporary directory");
    directory_ = pattern;
    write("spectest.wasm", "(module)");
    write("module.wasm", kModule);
    write("traps.wasm", "(module (func $start unreachable) (start $start))");
    write("importer.wasm", R"((module (import "other" "one" (func (result i32)))))");
    write("mismatch.wasm", R"((module (import "other" "one" (func (result i64)))))");
    std::ofstream(directory_ / "malformed.wasm", std::ios::binary) << "not a module";
    std::ofstream(directory_ / "invalid.wasm", std::ios::binary)
        << "\0asm\1\0\0\0\1\5\1\x60\0\1\x7f\3\2\1\0\xa\4\1\2\0\xb"sv;  // no i32 for the result
  }
  ~SpecScript() override {
    std::error_code ignored;
    fs::remove_all(directory_, ignored);
  }

  void write(const char* name, std::string_view text) const {
    const std::vector<std::byte> bytes = test::wat(text);
    std::ofstream(directory_ / name, std::ios::binary)
        .write(reinterpret_cast<const char*>(bytes.data()), static_cast<std::streamsize>(bytes.size()));
  }
  [[nodiscard]] Script script() const { return {GetParam(), directory_, directory_, directory_}; }

  fs::path directory_;
};

Kind run(Script& script, const char* command) { return script.run(Json::parse(command)).kind; }

TEST_P(SpecScript, PassesWhatIsAsTheScriptSays) {
  Script script = this->script();
  for (
      const char* const command : {
          R"({"type":"module","file":"module.wasm","name":"M"})",
          R"({"type":"register","as":"other"})",
          R"({"type":"action","action":{"type":"invoke","field":"one","arguments":[]}})",
          R"({"type":"assert_return","action":{"type":"invoke","field":"add",
               "arguments":[{"type":"i32","value":"40"},{"type":"i32","value":"2"}]},
               "expected":[{"type":"i32","value":"42"}]})",
          R"({"type":"assert_return","action":{"type":"get","field":"answer"},"expected":[{"type":"i32","value":"42"}]})",
          R"({"type":"assert_trap","action":{"type":"invoke","field":"trap","arguments":[]},"text":"unreachable"})",
          R"({"type":"assert_trap","action":{"type":"module","file":"traps.wasm"},"text":"unreachable"})",
          R"({"type":"assert_exhaustion","action":{"type":"invoke","field":"recurse","arguments":[]},
               "text":"call stack exhausted"})",
          R"({"type":"assert_malformed","file":"malformed.wasm","text":"magic header not detected"})",
          R"({"type":"assert_invalid","file":"invalid.wasm","text":"type mismatch"})",
          R"({"type":"assert_invalid","file":"malformed.wasm","text":"any"})",
          R"({"type":"assert_unlinkable","file":"mismatch.wasm","text":"incompatible import type"})",
          R"({"type":"module","file":"importer.wasm"})",
          R"({"type":"module_definition","file":"module.wasm","name":"D"})",
          R"({"type":"module_instance","name":"I","module":"D"})",
          R"({"type":"assert_return","action":{"type":"invoke","module":"I","field":"one","arguments":[]},
               "expected":[{"type":"i32","value":"1"}]})",
      }) {
    const Verdict verdict = script.run(Json::parse(command));
    EXPECT_EQ(verdict.kind, Kind::kPassed) << command << "\n" << verdict.text;
  }
}

TEST_P(SpecScript, WithoutAProposalWhatNeedsItIsRefusedAndWhatItTakesBackStands) {
  write("memories.wasm", "(module (memory 1) (memory 1))");
  const char* const module = R"({"type":"module","file":"memories.wasm"})";
  const char* const invalid = R"({"type":"assert_invalid","file":"memories.wasm","text":"multiple memories",
      "superseded":{"now":"valid","reason":"a module may have several memories"}})";
  Script all = this->script();
  EXPECT_EQ(run(all, module), Kind::kPassed);
  EXPECT_EQ(run(all, invalid), Kind::kNotApplicable);
  Script before(GetParam(), directory_, directory_, directory_, Features::wasm_2());
  EXPECT_EQ(before.run(Json::parse(module)).text, "needs the proposal multi-memory");
  EXPECT_EQ(run(before, module), Kind::kNotApplicable);
  EXPECT_EQ(run(before, invalid), Kind::kPassed);
}

TEST_P(SpecScript, FailsWhatIsNot) {
  Script script = this->script();
  ASSERT_EQ(run(script, R"({"type":"module","file":"module.wasm"})"), Kind::kPassed);
  ASSERT_EQ(run(script, R"({"type":"register","as":"other"})"), Kind::kPassed);
  for (
      const char* const command : {
          R"({"type":"assert_return","action":{"type":"invoke","field":"one","arguments":[]},
               "expected":[{"type":"i32","value":"2"}]})",
          R"({"type":"assert_return","action":{"type":"invoke","field":"one","arguments":[]},"expected":[]})",
          R"({"type":"assert_return","action":{"type":"invoke","field":"trap","arguments":[]},"expected":[]})",
          R"({"type":"assert_return","action":{"type":"invoke","field":"none","arguments":[]},"expected":[]})",
          R"({"type":"assert_return","action":{"type":"get","field":"answer"},"expected":[{"type":"i32","value":"0"}]})",
          R"({"type":"action","action":{"type":"invoke","field":"trap","arguments":[]}})",
          R"({"type":"assert_trap","action":{"type":"invoke","field":"trap","arguments":[]},"text":"integer overflow"})",
          R"({"type":"assert_trap","action":{"type":"invoke","field":"one","arguments":[]},"text":"unreachable"})",
          R"({"type":"assert_trap","action":{"type":"invoke","field":"none","arguments":[]},"text":"unreachable"})",
          R"({"type":"assert_trap","action":{"type":"module","file":"module.wasm"},"text":"unreachable"})",
          R"({"type":"assert_exhaustion","action":{"type":"invoke","field":"one","arguments":[]},
               "text":"call stack exhausted"})",
          R"({"type":"assert_exhaustion","action":{"type":"invoke","field":"trap","arguments":[]},"text":"unreachable"})",
          R"({"type":"assert_exception","action":{"type":"invoke","field":"trap","arguments":[]}})",
          R"({"type":"assert_exception","action":{"type":"invoke","field":"one","arguments":[]}})",
          R"({"type":"assert_malformed","file":"invalid.wasm","text":"type mismatch"})",
          R"({"type":"assert_malformed","file":"module.wasm","text":"any"})",
          R"({"type":"assert_invalid","file":"module.wasm","text":"any"})",
          R"({"type":"assert_unlinkable","file":"importer.wasm","text":"incompatible import type"})",
          R"({"type":"assert_unlinkable","file":"traps.wasm","text":"unreachable"})",
          R"({"type":"module","file":"malformed.wasm"})",
          R"({"type":"module","file":"mismatch.wasm"})",
          R"({"type":"module","file":"traps.wasm"})",
          R"({"type":"module_definition","file":"invalid.wasm"})",
      }) {
    EXPECT_EQ(run(script, R"({"type":"module","file":"module.wasm"})"), Kind::kPassed);
    EXPECT_EQ(run(script, command), Kind::kFailed) << command;
  }
}

TEST_P(SpecScript, EachActionHappensOnce) {
  Script script = this->script();
  ASSERT_EQ(run(script, R"({"type":"module","file":"module.wasm"})"), Kind::kPassed);
  for (const char* const expected : {"1", "2", "3"}) {
    const Json command = {{"type", "assert_return"},
                          {"action", {{"type", "invoke"}, {"field", "count"}, {"arguments", Json::array()}}},
                          {"expected", {{{"type", "i32"}, {"value", expected}}}}};
    const Verdict verdict = script.run(command);
    EXPECT_EQ(verdict.kind, Kind::kPassed) << verdict.text;
  }
}

TEST_P(SpecScript, WhatNeedsAFailedModuleFailsAsAConsequence) {
  Script script = this->script();
  const Verdict first = script.run(Json::parse(R"({"type":"module","file":"traps.wasm","name":"M"})"));
  EXPECT_EQ(first.kind, Kind::kFailed);
  EXPECT_FALSE(first.consequence);
  for (
      const char* const command : {
          R"({"type":"assert_trap","action":{"type":"invoke","module":"M","field":"f","arguments":[]},"text":"unreachable"})",
          R"({"type":"register","as":"other"})",
          R"({"type":"assert_unlinkable","file":"mismatch.wasm","text":"incompatible import type"})",
          R"({"type":"module","file":"importer.wasm"})",
      }) {
    const Verdict verdict = script.run(Json::parse(command));
    EXPECT_EQ(verdict.kind, Kind::kFailed) << command;
    EXPECT_TRUE(verdict.consequence) << command;
  }
}

TEST_P(SpecScript, WhatIsSupersededMustComeToWhatItComesToNow) {
  Script script = this->script();
  ASSERT_EQ(run(script, R"({"type":"module","file":"module.wasm"})"), Kind::kPassed);
  const auto run_superseded = [&](const char* command, const char* now) {
    Json json = Json::parse(command);
    json["superseded"] = {{"now", now}, {"reason", "why"}};
    return script.run(json).kind;
  };
  const char* const accepted = R"({"type":"assert_invalid","file":"module.wasm","text":"any"})";
  EXPECT_EQ(run_superseded(accepted, "valid"), Kind::kNotApplicable);
  EXPECT_EQ(run_superseded(accepted, "invalid"), Kind::kFailed);
  const char* const refused = R"({"type":"assert_malformed","file":"invalid.wasm","text":"any"})";
  EXPECT_EQ(run_superseded(refused, "invalid"), Kind::kNotApplicable);
  EXPECT_EQ(run_superseded(refused, "valid"), Kind::kFailed);
  const char* const still_malformed = R"({"type":"assert_malformed","file":"malformed.wasm","text":"any"})";
  EXPECT_EQ(run_superseded(still_malformed, "invalid"), Kind::kFailed) << "the list is out of date";
  const char* const linked = R"({"type":"assert_unlinkable","file":"traps.wasm","text":"any"})";
  EXPECT_EQ(run_superseded(linked, "traps"), Kind::kNotApplicable);
  EXPECT_EQ(run_superseded(linked, "returns"), Kind::kFailed);
  const char* const other =
      R"({"type":"assert_trap","action":{"type":"invoke","field":"one","arguments":[]},"text":"any"})";
  EXPECT_EQ(run_superseded(other, "returns"), Kind::kNotApplicable);
  EXPECT_EQ(run_superseded(other, "traps"), Kind::kFailed);
}

TEST_P(SpecScript, ThrowsAtWhatIsNoCommand) {
  Script script = this->script();
  EXPECT_ANY_THROW(static_cast<void>(run(script, R"({"type":"assert_other"})")));
  EXPECT_ANY_THROW(static_cast<void>(run(script, R"({"type":"module","file":"missing.wasm"})")));
  EXPECT_ANY_THROW(static_cast<void>(run(script, R"({"type":"register","as":"M","module":"none"})")));
  EXPECT_ANY_THROW(static_cast<void>(run(script, R"({"type":"module_instance","module":"none"})")));
}

TEST_P(SpecScript, CountsEveryCommandEvenOfAScriptThatBreaksOff) {
  std::ofstream(directory_ / "whole.json") << R"({"commands":[
    {"type":"module","line":1,"file":"module.wasm"},
    {"type":"assert_malformed","line":2,"text":"text only"},
    {"type":"assert_return","line":3,"action":{"type":"invoke","field":"one","arguments":[]},"expected":[]}]})";
  std::ofstream(directory_ / "broken.json") << R"({"commands":[
    {"type":"module","line":1,"file":"module.wasm"},
    {"type":"module","line":7,"file":"missing.wasm"},
    {"type":"module","line":8,"file":"module.wasm"}]})";
  const std::vector<Job> jobs = {
      {GetParam(), 0, "whole", ""}, {GetParam(), 0, "broken", ""}, {GetParam(), 0, "whole", "why"}};
  const auto results = run_jobs(jobs, {.corpus = directory_});
  ASSERT_EQ(results.size(), 3u);
  EXPECT_EQ(results[0].counts.passed, 1u);
  EXPECT_EQ(results[0].counts.failed, 1u);
  EXPECT_EQ(results[0].counts.not_applicable, 1u);
  ASSERT_EQ(results[0].failures.size(), 1u);
  EXPECT_TRUE(results[0].failures[0].starts_with("whole:3: ")) << results[0].failures[0];
  EXPECT_EQ(results[0].reasons.at("a module that exists as text only"), 1u);
  EXPECT_EQ(results[1].counts.passed, 1u);
  EXPECT_EQ(results[1].counts.failed, 2u);
  ASSERT_EQ(results[1].failures.size(), 1u);
  EXPECT_TRUE(results[1].failures[0].starts_with("broken:7: ")) << results[1].failures[0];
  EXPECT_EQ(results[2].counts.not_applicable, 3u);
  EXPECT_EQ(results[2].reasons.at("why"), 3u);
}

TEST_P(SpecScript, ACrashIsAFailureOfItsScriptAlone) {
  // A pattern nested so deep that matching it overflows the stack.
  constexpr std::size_t kDepth = 500'000;
  std::ofstream crash(directory_ / "crash.json");
  crash << R"({"commands":[{"type":"module","line":1,"file":"module.wasm"},{"type":"assert_return","line":2,
      "action":{"type":"invoke","field":"one","arguments":[]},"expected":[)";
  for (std::size_t level = 0; level < kDepth; ++level) crash << R"({"type":"either","cases":[)";
  crash << R"({"type":"i32","value":"1"})";
  for (std::size_t level = 0; level < kDepth; ++level) crash << "]}";
  crash << R"(]},{"type":"module","line":3,"file":"module.wasm"}]})";
  crash.close();
  std::ofstream(directory_ / "after.json") << R"({"commands":[{"type":"module","line":1,"file":"module.wasm"}]})";
  const auto results =
      run_jobs(std::vector<Job>{{GetParam(), 0, "crash", ""}, {GetParam(), 0, "after", ""}}, {.corpus = directory_});
  EXPECT_EQ(results[0].counts.passed, 1u);
  EXPECT_EQ(results[0].counts.failed, 2u);
  ASSERT_EQ(results[0].failures.size(), 1u);
  EXPECT_TRUE(results[0].failures[0].starts_with("crash:2: ")) << results[0].failures[0];
  EXPECT_EQ(results[1].counts.passed, 1u);
  EXPECT_EQ(results[1].counts.failed, 0u);
}

INSTANTIATE_TEST_SUITE_P(Ways, SpecScript, testing::Values(Way::kFresh, Way::kReset, Way::kArtifact),
                         [](const testing::TestParamInfo<Way>& way) { return std::string(to_string(way.param)); });

}  // namespace
}  // namespace anew::spec
