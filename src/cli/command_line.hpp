// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The command line as subcommands declare it: their options, and what they do once they are chosen. The parser behind
// it is CLI11, which command_line.cpp alone includes: it takes seconds to compile.
//
// A value that an option does not allow is wrong usage: the error says what was written, what is allowed, and what was
// meant (option_values.hpp).
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "cli/command.hpp"
#include "cli/command_tree.hpp"

namespace CLI {
class App;
class Option;
}  // namespace CLI

namespace anew::cli {

/// An option that was declared, to say more of it. Belongs to the command line.
class Option {
 public:
  Option required() const;
  /// What its value is called in the help.
  Option value_name(const char* name) const;
  /// May be given again: each time adds values.
  Option repeatable() const;
  /// Takes one value each time that it is given.
  Option one_value() const;
  /// Its value is a list with commas.
  Option comma_separated() const;
  /// Is wrong without the other one.
  Option needs(const Option& other) const;
  /// Is wrong with the other one.
  Option excludes(const Option& other) const;

 private:
  friend class Command;
  explicit Option(CLI::Option* option) noexcept : option_(option) {}
  CLI::Option* option_;
};

/// What the command line keeps of all its commands.
struct CommandLineState {
  Run chosen;
  /// The names that an option's value may be; none for numbers, times and sizes. Other options are not in it.
  std::map<const CLI::Option*, std::vector<std::string_view>> choices;
  std::map<const CLI::App*, std::vector<std::string>*> rests;  ///< where Command::rest puts what it takes
};

/// `anew` or one of its subcommands. Belongs to the command line, and may be copied.
///
/// Options are named as CLI11 has it: "FILE" for an argument without a name, "-o,--output", "--json". What they set
/// outlives the parsing.
class Command {
 public:
  /// Without options of its own yet; its help shows the exit codes.
  Command subcommand(const char* name, const char* description) const;
  /// One of its subcommands must be, or may be, chosen.
  void require_subcommand() const;
  void allow_subcommand() const;
  /// What it does if it is chosen, and none of its subcommands.
  void runs(Run run) const;

  Option text(const char* name, std::string& target, const char* description) const;
  Option texts(const char* name, std::vector<std::string>& target, const char* description) const;
  /// All that stands behind the first argument without a name, as it is: nothing there is an option, not even "--".
  Option rest(const char* name, std::vector<std::string>& target, const char* description) const;
  Option flag(const char* name, bool& target, const char* description) const;
  Option flag(const char* name, std::function<void()> set, const char* description) const;
  /// That changes nothing.
  Option flag(const char* name, const char* description) const;
  /// A whole number, decimal. @param set  given the number, which is from `least` to `most`.
  Option number(const char* name, std::uint64_t least, std::uint64_t most, std::function<void(std::uint64_t)> set,
                const char* description) const;
  /// A number and its unit: "20ms", "1.5s"; from 0 to kLongestTime.
  Option time(const char* name, std::function<void(std::chrono::nanoseconds)> set, const char* description) const;
  /// A size and its unit: "64MiB", "1GiB"; up to 2^64 - 1 bytes.
  Option size(const char* name, std::function<void(std::uint64_t)> set, const char* description) const;
  /// Any text that `set` takes; its error is wrong usage.
  Option parsed(const char* option, const char* value_name, std::function<Result<void>(std::string_view)> set,
                const char* description) const;
  /// One of several names, as it is written there. @param set  given the place of the name among them.
  Option name(const char* name, std::vector<std::string_view> names, std::function<void(std::size_t)> set,
              const char* description) const;
  /// The same for a variable. @param choices  names, which last as long as the program, and what they stand for.
  template <typename T>
  Option choice(const char* option, T& target, std::vector<std::pair<std::string_view, T>> choices,
                const char* description) const {
    std::vector<std::string_view> names;
    for (const auto& [each, value] : choices) names.push_back(each);
    return name(
        option, std::move(names),
        [&target, choices = std::move(choices)](std::size_t place) { target = choices[place].second; }, description);
  }

 private:
  friend class CommandLine;
  Command(CLI::App* app, CommandLineState* state) noexcept : app_(app), state_(state) {}
  CLI::App* app_;
  CommandLineState* state_;
};

class CommandLine {
 public:
  /// With --version; subcommands are to be added to `anew()`.
  CommandLine();
  ~CommandLine();
  CommandLine(const CommandLine&) = delete;
  CommandLine& operator=(const CommandLine&) = delete;

  [[nodiscard]] Command anew() noexcept;
  /// Once all other subcommands are there: adds `anew help [SUBCOMMAND...]`, `anew completion SHELL` and `anew
  /// version`, and does what the chosen one does, or prints the help that is asked for. @return kArgument for wrong
  /// usage: what is wrong, what is allowed, the nearest match, and where the help is.
  [[nodiscard]] Result<ExitCode> run(int argc, char** argv);

 private:
  void add_help();
  void add_completion();
  [[nodiscard]] CommandDescription describe() const;
  std::unique_ptr<CLI::App> app_;
  CommandLineState state_;
};

}  // namespace anew::cli
