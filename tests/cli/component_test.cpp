// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Components on the command line.
#include "cli/command_fixture.hpp"

namespace anew::testing {
namespace {

class ComponentCommand : public CommandTest {
 protected:
  static std::string component(const char* name) {
    return std::string(ANEW_SOURCE_DIR "/tests/data/component/") + name;
  }
};

TEST_F(ComponentCommand, CallsWithValuesAsText) {
  const Outcome sum = anew({"call", component("add.wasm"), "add", "40", "-2"});
  EXPECT_EQ(sum.exit_code, 0) << sum.err;
  EXPECT_EQ(sum.out, "38\n");
  const Outcome text =
      anew({"call", component("composed.wasm"), "test:composed/api#shift-twice", "\"HAL\"", "--audit"});
  EXPECT_EQ(text.exit_code, 0) << text.err;
  EXPECT_EQ(text.out, "\"JCN\"\naudit: 1 checked, 0 failures\n");
  const Outcome repeated = anew({"call", component("composed.wasm"), "test:composed/api#through", "3", "--json",
                                 "--repeat", "50", "--threads", "2", "--audit"});
  EXPECT_EQ(repeated.exit_code, 0) << repeated.err;
  const auto object = nlohmann::json::parse(repeated.out);
  EXPECT_EQ(object["results"], nlohmann::json::array({"6"}));
  EXPECT_EQ(object["audit"]["failures"], 0);
}

TEST_F(ComponentCommand, SaysWhatIsWrong) {
  const auto fails = [&](std::vector<std::string> arguments, const std::string& words) {
    arguments.insert(arguments.begin(), "call");
    const Outcome outcome = anew(arguments);
    EXPECT_NE(outcome.exit_code, 0);
    EXPECT_NE(outcome.err.find(words), std::string::npos) << outcome.err;
  };
  fails({component("add.wasm"), "add", "1"}, "it takes 2 arguments, not 1");
  fails({component("add.wasm"), "add", "1", "x"}, "argument 2, b: column 1: expected s32");
  fails({component("add.wasm"), "ad", "1", "2"}, "did you mean \"add\"");
  fails({component("greet.wasm"), "greet", "\"Ada\""},
        "test:host/log@0.1.3#log (func(message: string, count: u64)) is not");
  fails({component("greet.wasm"), "greet", "\"Ada\"", "--trap-unknown-imports"}, "not implemented");
  fails({component("composed.wasm"), "fail"}, "unreachable");
  fails({component("add.wasm"), "add", "1", "2", "--link", "x=y.wasm"}, "for core modules");
}

TEST_F(ComponentCommand, ShowsWhatAComponentImportsAndExports) {
  const Outcome text = anew({"inspect", component("greet.wasm")});
  EXPECT_EQ(text.exit_code, 0) << text.err;
  EXPECT_NE(text.out.find("2 core modules, 2 core instances"), std::string::npos) << text.out;
  EXPECT_NE(text.out.find("  greet: func(name: string) -> string\n"), std::string::npos) << text.out;
  const auto object = nlohmann::json::parse(anew({"inspect", "--json", component("greet.wasm")}).out);
  EXPECT_EQ(object["component"], true);
  EXPECT_EQ(object["imports"][0]["name"], "test:host/log@0.1.3#log");
  EXPECT_EQ(object["exports"].size(), 4u);
}

TEST_F(ComponentCommand, IsSavedWithItsState) {
  const std::string saved = file("add.snapshot", "");
  const Outcome written = anew({"snapshot", component("add.wasm"), "-o", saved});
  EXPECT_EQ(written.exit_code, 0) << written.err;
  EXPECT_NE(written.out.find("wrote "), std::string::npos) << written.out;
  EXPECT_EQ(anew({"call", saved, "add", "40", "2"}).out, "42\n");
  EXPECT_NE(anew({"inspect", saved}).out.find("the snapshot of a component"), std::string::npos);
  EXPECT_EQ(nlohmann::json::parse(anew({"inspect", "--json", saved}).out)["snapshot"], true);
  const Outcome compiled = anew({"compile", saved, "-o", file("out.anew", "")});
  EXPECT_NE(compiled.exit_code, 0);
  EXPECT_NE(compiled.err.find("is the snapshot of a component"), std::string::npos) << compiled.err;
  // What stands behind an option's one value is no further one.
  const Outcome warm = anew({"snapshot", "--warm-up", "/", component("echo.wasm"), "-o", saved});
  EXPECT_EQ(warm.exit_code, 0) << warm.err;
  EXPECT_NE(warm.err.find("the same in all instances"), std::string::npos) << warm.err;
  const Outcome module = anew({"snapshot", "--warm-up=/", file("m.wat", "(module)"), "-o", saved});
  EXPECT_NE(module.err.find("--warm-up is for components"), std::string::npos) << module.err;
}

TEST_F(ComponentCommand, IsNotTakenForAModule) {
  const Outcome outcome = anew({"compile", component("add.wasm"), "-o", file("out.anew", "")});
  EXPECT_NE(outcome.exit_code, 0);
  EXPECT_NE(outcome.err.find("this is a component"), std::string::npos) << outcome.err;
}

}  // namespace
}  // namespace anew::testing
