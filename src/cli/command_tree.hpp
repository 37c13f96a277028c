// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The command line as data, for what is generated of it: manual pages and the shells' completion.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace anew::cli {

/// An option, or an argument without a name.
struct OptionDescription {
  std::string short_name;  ///< "-o"; or empty
  std::string long_name;   ///< "--output"; empty for an argument
  std::string value;       ///< what its value is called: "FILE"; empty for a flag
  std::string description;
  std::vector<std::string_view> choices;  ///< the names that it may be, if it is one of several
  bool value_is_number = false;           ///< a number, a time or a size: there is no file to suggest
  bool required = false;
  bool repeatable = false;
};

/// `anew` or one of its subcommands.
struct CommandDescription {
  std::string name;  ///< with those that it belongs to: "anew substrate call"
  std::string description;
  std::vector<OptionDescription> options;
  std::vector<OptionDescription> arguments;  ///< in their order
  std::vector<CommandDescription> subcommands;
  std::string footer;  ///< the exit codes

  /// "call"
  [[nodiscard]] std::string_view last_name() const noexcept {
    return std::string_view(name).substr(name.rfind(' ') + 1);  // npos + 1 is 0
  }
};

/// Calls `visit` with a command and all its subcommands, each before its own.
template <typename F>
void for_each_command(const CommandDescription& command, const F& visit) {
  visit(command);
  for (const CommandDescription& each : command.subcommands) for_each_command(each, visit);
}

}  // namespace anew::cli
