// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "cli/usage.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <anew/version.hpp>
#include <memory>
#include <string_view>

#include "cli/option_values.hpp"
#include "runtime/near_match.hpp"

namespace anew::cli {

namespace {

std::vector<const CLI::App*> subcommands(const CLI::App& command) {
  return command.get_subcommands([](const CLI::App*) { return true; });
}

/// The subcommand that the command line names, or null.
const CLI::App* chosen(const CLI::App& command) {
  const auto parsed = command.get_subcommands();
  return parsed.empty() ? nullptr : parsed.front();
}

/// "anew substrate call".
std::string full_name(const CLI::App& command) {
  const CLI::App* const parent = command.get_parent();
  return parent == nullptr ? command.get_name() : full_name(*parent) + " " + command.get_name();
}

std::vector<std::string> subcommand_names(const CLI::App& command) {
  std::vector<std::string> names;
  for (const CLI::App* each : subcommands(command)) names.push_back(each->get_name());
  return names;
}

/// With their dashes.
std::vector<std::string> option_names(const CLI::App& command) {
  std::vector<std::string> names;
  for (const CLI::Option* option : command.get_options()) {
    for (const std::string& name : option->get_lnames()) names.push_back("--" + name);
  }
  return names;
}

std::vector<std::string_view> views(const std::vector<std::string>& names) { return {names.begin(), names.end()}; }

bool is_option(std::string_view argument) { return argument.size() > 1 && argument.front() == '-'; }

std::string unknown_subcommand(const CLI::App& command, std::string_view name) {
  const auto names = subcommand_names(command);
  return fmt::format("\"{}\" is no subcommand: there are {}{}", name, list_names(views(names), "and"),
                     detail::near_matches(name, views(names)));
}

/// @param command  to which the option was given: before its subcommand, if the command line names one.
std::string unknown_option(const CLI::App& command, std::string_view argument) {
  const std::string_view name = argument.substr(0, argument.find('='));
  for (const CLI::App* behind = chosen(command); behind != nullptr; behind = chosen(*behind)) {
    const auto names = option_names(*behind);
    if (std::ranges::find(names, name) != names.end()) {
      return fmt::format("{} must stand behind `{}`", name, full_name(*behind));
    }
  }
  const auto names = option_names(command);
  return fmt::format("`{}` has no option {}{}", full_name(command), name, detail::near_matches(name, views(names)));
}

/// What to say of an option that got the wrong number of values.
std::string wrong_count(const CLI::App& command, std::string_view parsers_words) {
  for (const CLI::Option* option : command.get_options()) {
    const std::string name = option->get_name();
    if (option->get_expected_max() == 0 && parsers_words.starts_with(name.substr(2) + " was given")) {
      return name + " takes no value";
    }
    if (!parsers_words.starts_with(name + ":")) continue;
    if (option->count() > 1) return fmt::format("{} is given {} times: once is allowed", name, option->count());
    return fmt::format("{} has no value: write {} {}", name, name, option->get_type_name());
  }
  return std::string(parsers_words);
}

/// @param command  the subcommand that the command line names.
std::string what_is_wrong(const CLI::App& root, const CLI::App& command, const CLI::ParseError& error) {
  // An option that nobody knows explains what seems to be missing or too much.
  for (const CLI::App* each = &root; each != nullptr; each = chosen(*each)) {
    for (const std::string& argument : each->remaining()) {
      if (is_option(argument)) return unknown_option(*each, argument);
    }
  }
  const std::vector<std::string> unknown = command.remaining();
  const bool has_subcommands = !subcommands(command).empty();
  if (has_subcommands && !unknown.empty()) return unknown_subcommand(command, unknown.front());
  std::string words = error.what();
  if (dynamic_cast<const CLI::RequiredError*>(&error) != nullptr) {
    if (has_subcommands) {
      return fmt::format("a subcommand is missing: {}", list_names(views(subcommand_names(command))));
    }
    constexpr std::string_view kIsRequired = " is required";
    if (words.ends_with(kIsRequired)) return words.substr(0, words.size() - kIsRequired.size()) + " is missing";
  }
  if (!unknown.empty()) return fmt::format("\"{}\" is one argument too many", unknown.front());
  if (dynamic_cast<const CLI::ArgumentMismatch*>(&error) != nullptr) return wrong_count(command, words);
  return words;  // that of an option's value
}

Result<ExitCode> print_help(const CLI::App& root, const std::vector<std::string>& names) {
  const CLI::App* command = &root;
  for (const std::string& name : names) {
    const auto known = subcommands(*command);
    const auto found = std::ranges::find(known, name, &CLI::App::get_name);
    if (found == known.end()) return fail(ErrorCode::kArgument, unknown_subcommand(*command, name));
    command = *found;
  }
  fmt::print("{}", command->get_formatter()->make_help(command, full_name(*command), CLI::AppFormatMode::Normal));
  return kSuccess;
}

}  // namespace

std::string describe_usage_error(const CLI::App& root, const CLI::ParseError& error) {
  const CLI::App* command = &root;
  while (const CLI::App* behind = chosen(*command)) command = behind;
  return fmt::format("{}\nSee `{} --help`", what_is_wrong(root, *command, error), full_name(*command));
}

void refuse_values_of_flags(CLI::App& command) {
  for (CLI::Option* option : command.get_options()) {
    if (option->get_expected_max() == 0) option->disable_flag_override();
  }
  for (CLI::App* each : command.get_subcommands([](CLI::App*) { return true; })) refuse_values_of_flags(*each);
}

void add_help(CLI::App& root, Run& run) {
  CLI::App* help = add_subcommand(root, "help", "Prints what --help prints, of a subcommand too");
  const auto names = std::make_shared<std::vector<std::string>>();
  help->add_option("SUBCOMMAND", *names, "Such as call, or substrate call");
  help->callback([&root, names, &run] { run = [&root, names] { return print_help(root, *names); }; });
  add_subcommand(root, "version", "Prints the version")->callback([&run] {
    run = []() -> Result<ExitCode> {
      fmt::print("anew " ANEW_VERSION_STRING "\n");
      return kSuccess;
    };
  });
}

}  // namespace anew::cli
