// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// What the command says of a command line that it does not understand, and which values of options it takes.
#include <sstream>

#include "cli/command_fixture.hpp"

namespace anew::testing {
namespace {

class Usage : public CommandTest {
 protected:
  /// @param words  of the error's first line, all of it behind "anew: ".
  void expect_refused(const std::vector<std::string>& arguments, const std::string& words) const {
    const Outcome outcome = anew(arguments);
    EXPECT_EQ(outcome.exit_code, 64) << words;
    EXPECT_EQ(outcome.out, "");
    EXPECT_EQ(outcome.err.substr(0, outcome.err.find('\n')), "anew: " + words);
  }
  /// Of `anew call`, with further arguments.
  void expect_call_refused(std::vector<std::string> more, const std::string& words) const {
    more.insert(more.begin(), {"call", module_, "f"});
    expect_refused(more, words);
    EXPECT_TRUE(contains(anew(more).err, "\nSee `anew call --help`\n"));
  }
  const std::string module_ = file("m.wat", R"((module (memory 1) (func (export "f") (result i32) (i32.const 7))
    (func $s (export "spin") (loop (br 0)))))");
};

TEST_F(Usage, NamesWhatIsMeantAndWhatThereIs) {
  expect_refused(
      {"cal"},
      R"("cal" is no subcommand: there are run, serve, call, inspect, compile, snapshot, cache, substrate, help, )"
      R"(version and completion; did you mean "call"?)");
  expect_refused({"help", "cache", "lst"},
                 R"("lst" is no subcommand: there are list, clear and path; did you mean "list"?)");
  expect_refused({"cache", "lst"}, R"("lst" is no subcommand: there are list, clear and path; did you mean "list"?)");
  expect_refused(
      {},
      "a subcommand is missing: run, serve, call, inspect, compile, snapshot, cache, substrate, help, version or "
      "completion");
  expect_refused({"call"}, "FILE is missing");
  expect_refused({"call", module_}, "EXPORT is missing");
  expect_refused({"call", "--jsn"}, R"(`anew call` has no option --jsn; did you mean "--json"?)");
  expect_refused({"--json", "substrate", "call"}, "--json must stand behind `anew substrate call`");
  expect_refused({"cache", "list", "all"}, R"("all" is one argument too many)");
  expect_call_refused({"--timeot=5ms"}, R"(`anew call` has no option --timeot; did you mean "--timeout"?)");
  expect_call_refused({"--repeat"}, "--repeat has no value: write --repeat N");
  expect_call_refused({"--link"}, "--link has no value: write --link NAME=FILE");
  expect_call_refused({"--fuel", "1", "--fuel", "2"}, "--fuel is given 2 times: once is allowed");
  expect_call_refused({"--json=no"}, "--json takes no value");
  expect_call_refused({"--threads", "2"}, "--threads requires --repeat");
  EXPECT_EQ(anew({"call", module_, "f", "--no\nsuch\x1b[2J"}).err.find('\x1b'), std::string::npos);
}

TEST_F(Usage, TakesNamesOnlyAsTheyAreWritten) {
  for (const char* const wrong : {"1", "0", "true", "", "Guard"}) {
    expect_call_refused({"--bounds", wrong}, std::string("--bounds: \"") + wrong + "\" is not guard or explicit" +
                                                 (*wrong == 'G' ? "; did you mean \"guard\"?" : ""));
  }
  expect_call_refused({"--ledger", "carts"},
                      R"(--ledger: "carts" is not auto, cards, pagemap or cow; did you mean "cards"?)");
  EXPECT_EQ(anew({"call", module_, "f", "--bounds", "explicit", "--ledger", "cow"}).out, "7\n");
}

TEST_F(Usage, TakesFeaturesByName) {
  expect_call_refused(
      {"--features", "mvp,simmd"},
      R"(--features: "simmd" is no set of features and no proposal; known are mvp, 2.0, 3.0, substrate, )"
      "all; mutable-global, saturating-float-to-int, sign-extension, multi-value, bulk-memory, "
      "reference-types, simd, tail-call, extended-const, function-references, gc, multi-memory, "
      "memory64, exceptions, relaxed-simd, threads, wide-arithmetic, legacy-exceptions, unshared-memory; did you mean "
      "\"simd\"?");
  expect_call_refused({"--features", "simd"},
                      R"(--features: "simd" does not say what it is added to: write "mvp,simd" or another set of )"
                      R"(features before it, "+simd" to add it to all, or "-simd" to take it away)");
  expect_call_refused({"--features", ""},
                      R"(--features: "" is no set of features and no proposal; known are mvp, 2.0, )"
                      "3.0, substrate, all; mutable-global, saturating-float-to-int, "
                      "sign-extension, multi-value, bulk-memory, reference-types, simd, tail-call, "
                      "extended-const, function-references, gc, multi-memory, memory64, "
                      "exceptions, relaxed-simd, threads, wide-arithmetic, legacy-exceptions, unshared-memory");
  EXPECT_EQ(anew({"call", module_, "f", "--features", "mvp"}).out, "7\n");
  EXPECT_EQ(anew({"call", module_, "f", "--features=-simd,+tail-call"}).out, "7\n");
}

TEST_F(Usage, TakesWholeNumbersInTheirRange) {
  for (const char* const wrong : {"0", "-1", "many", "", "1e3", "1.5", "0x10", "+1", " 1", "1 ", "100000001",
                                  "18446744073709551617", "99999999999999999999999"}) {
    expect_call_refused({"--repeat", wrong},
                        std::string("--repeat: \"") + wrong + "\" is no whole number from 1 to 100000000");
  }
  expect_call_refused({"--repeat", "2", "--threads", "1025"}, R"(--threads: "1025" is no whole number from 1 to 1024)");
  expect_call_refused({"--fuel", "-1"}, R"(--fuel: "-1" is no whole number from 0 to 18446744073709551615)");
  EXPECT_EQ(anew({"call", module_, "f", "--fuel", "18446744073709551615"}).out, "7\n");
  EXPECT_TRUE(contains(anew({"call", module_, "f", "--fuel", "0"}).err, "anew: trap: out of fuel"));
}

TEST_F(Usage, TakesTimesWithAUnitUpTo31Years) {
  for (const char* const option : {"--timeout", "--start-timeout"}) {
    const auto expect_time_refused = [&](const std::string& text, const std::string& words) {
      expect_call_refused({option, text}, std::string(option) + ": \"" + text + "\" " + words);
    };
    const std::string allowed = ": write a number and its unit, ns, us, ms or s, such as 20ms or 1.5s";
    expect_time_refused("-5ms", "is less than no time: 0s ends at once, and the longest is 1e9s");
    expect_time_refused("-inf", "is less than no time: 0s ends at once, and the longest is 1e9s");
    for (const char* const late : {"1e30s", "1e400ns", "1000000001s"})
      expect_time_refused(late, "is longer than 1e9s, the longest time that can be asked for");
    for (const char* const none : {"", "ms", "infs", "nans", "soon", "+5ms", "0xs"})
      if (std::string_view(none) == "0xs")
        expect_time_refused(none, "has an unknown unit, \"xs\"" + allowed);
      else
        expect_time_refused(none, "is no time" + allowed);
    expect_time_refused("5", "has no unit" + allowed);
    expect_time_refused("5m", "has an unknown unit, \"m\"" + allowed);
    for (const char* const taken : {"1e9s", "1.5s", "2000ms", ".5s", "3e9us", "2000000000000ns"})
      EXPECT_EQ(anew({"call", module_, "f", option, taken}).out, "7\n") << taken;
  }
}

TEST_F(Usage, NoTimeEndsAtOnce) {
  for (const char* const zero : {"0ms", "0s", "0.0ns", "0.9ns"}) {
    const Outcome outcome = anew({"call", module_, "f", "--timeout", zero});
    EXPECT_EQ(outcome.exit_code, 2) << zero;
    EXPECT_TRUE(contains(outcome.err, "anew: trap: interrupted: the call's deadline passed"));
  }
  const std::string start = file("start.wat", R"((module (func $s) (start $s) (func (export "f"))))");
  EXPECT_TRUE(contains(anew({"call", start, "f", "--start-timeout", "0s"}).err, "the start function"));
  EXPECT_EQ(anew({"call", start, "f", "--start-timeout", "10s"}).exit_code, 0);
}

/// A shell that reads its script from a file; an empty answer says that there is none on this machine.
class Completion : public CommandTest {
 protected:
  [[nodiscard]] bool has(const std::string& program) const {
    return std::system(("command -v " + program + " > /dev/null").c_str()) == 0;
  }
};

TEST_F(Completion, OfBashKnowsSubcommandsOptionsChoicesAndFiles) {
  const std::string script = file("completion.bash", anew({"completion", "bash"}).out);
  const std::string module = file("a module.wat", "(module)");
  const std::string prepare = "source " + quoted(script) +
                              "; words() { COMP_WORDS=(\"$@\"); COMP_CWORD=$(($# - 1)); COMPREPLY=(); _anew; "
                              "printf '%s\\n' \"${COMPREPLY[@]}\"; }; cd " +
                              quoted(path("")) + "; ";
  const auto completed = [&](const std::string& words) {
    return output("bash -c " + quoted(prepare + "words " + words));
  };
  EXPECT_EQ(completed("anew ca"), "call\ncache\n");
  EXPECT_EQ(completed("anew substrate exe"), "execute-block\n");
  EXPECT_EQ(completed("anew call --led"), "--ledger\n");
  EXPECT_EQ(completed("anew call --ledger c"), "cards\ncow\n");
  EXPECT_EQ(completed("anew call --ledger = c"), "cards\ncow\n");
  EXPECT_EQ(completed("anew call --ledger ="), "auto\ncards\npagemap\ncow\n") << "the cursor is behind it";
  EXPECT_EQ(completed("anew call --repeat ''"), "\n") << "a number";
  EXPECT_EQ(completed("anew call a"), "a module.wat\n");
  EXPECT_EQ(completed("anew call --link a"), "a module.wat\n");
  EXPECT_EQ(completed("anew help --man"), "--man-pages\n");
  EXPECT_EQ(completed("anew cache --repeat"), "\n") << "an option of another subcommand";
  EXPECT_TRUE(contains(completed("anew substrate call -"), "--chain\n"));
}

TEST_F(Completion, IsReadByItsShell) {
  for (const std::string shell : {"bash", "zsh", "fish"}) {
    const std::string script = anew({"completion", shell}).out;
    EXPECT_TRUE(contains(script, "--ledger") || contains(script, "-l ledger")) << shell;
    if (!has(shell)) continue;
    EXPECT_EQ(output(shell + " -n " + quoted(file("script", script))), "") << shell;
  }
  if (has("fish")) {
    const std::string script = file("completion.fish", anew({"completion", "fish"}).out);
    EXPECT_EQ(output("fish -c " + quoted("source " + script + "; complete -C 'anew call --ledger c' | cut -f 1")),
              "cards\ncow\n");
  }
  const Outcome unknown = anew({"completion", "tcsh"});
  EXPECT_EQ(unknown.exit_code, 64);
  EXPECT_TRUE(contains(unknown.err, "bash, zsh")) << unknown.err;
  EXPECT_EQ(anew({"completion"}).exit_code, 64);
}

TEST_F(Completion, ManualPagesHaveAllThatTheHelpHas) {
  EXPECT_EQ(anew({"help", "--man-pages", path("").string()}).exit_code, 0);
  std::size_t pages = 0;
  for (const auto& entry : std::filesystem::directory_iterator(path(""))) {
    if (entry.path().extension() != ".1") continue;
    ++pages;
    if (!has("man")) continue;
    EXPECT_EQ(output("MANWIDTH=100 man --warnings --local-file " + quoted(entry.path()) + " 2>&1 > /dev/null"), "");
  }
  EXPECT_GE(pages, 10u);
  const std::string page = read(path("anew-call.1"));
  std::istringstream help(anew({"call", "--help"}).out);
  std::size_t options = 0;
  for (std::string line; std::getline(help, line);) {
    if (!line.starts_with("  -")) continue;
    const std::size_t begin = line.find("--");
    std::string name;
    for (const char each : line.substr(begin, line.find(' ', begin) - begin))
      name += each == '-' ? std::string("\\-") : std::string(1, each);
    EXPECT_TRUE(contains(page, "\\fB" + name + "\\fR")) << line;
    ++options;
  }
  EXPECT_GT(options, 15u);
  EXPECT_TRUE(contains(page, ".SH EXIT STATUS"));
  const Outcome nowhere = anew({"help", "--man-pages", path("none").string()});
  EXPECT_EQ(nowhere.exit_code, 1);
  EXPECT_TRUE(contains(nowhere.err, "none")) << nowhere.err;
}

}  // namespace
}  // namespace anew::testing
