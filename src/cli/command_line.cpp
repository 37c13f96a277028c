// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "cli/command_line.hpp"

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <anew/version.hpp>
#include <memory>
#include <string_view>
#include <utility>

#include "cli/option_values.hpp"
#include "runtime/near_match.hpp"

namespace anew::cli {

namespace {

constexpr const char* kExitCodesHelp =
    "Exit codes: 0 success, 1 any other error, 2 trap, 3 invalid module, 4 link error, 64 wrong usage, "
    "130 interrupted.";

// What is said about a command line that is not understood, and the help about one that could be.

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
  for (const CLI::Option* option : command.get_options())
    for (const std::string& name : option->get_lnames()) names.push_back("--" + name);
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
    if (std::ranges::find(names, name) != names.end())
      return fmt::format("{} must stand behind `{}`", name, full_name(*behind));
  }
  const auto names = option_names(command);
  return fmt::format("`{}` has no option {}{}", full_name(command), name, detail::near_matches(name, views(names)));
}

/// What to say of an option that got the wrong number of values.
std::string wrong_count(const CLI::App& command, std::string_view parsers_words) {
  for (const CLI::Option* option : command.get_options()) {
    const std::string name = option->get_name();
    if (option->get_expected_max() == 0 && parsers_words.starts_with(name.substr(2) + " was given"))
      return name + " takes no value";
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
    for (const std::string& argument : each->remaining())
      if (is_option(argument)) return unknown_option(*each, argument);
  }
  const std::vector<std::string> unknown = command.remaining();
  const bool has_subcommands = !subcommands(command).empty();
  if (has_subcommands && !unknown.empty()) return unknown_subcommand(command, unknown.front());
  std::string words = error.what();
  if (dynamic_cast<const CLI::RequiredError*>(&error) != nullptr) {
    if (has_subcommands)
      return fmt::format("a subcommand is missing: {}", list_names(views(subcommand_names(command))));
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

std::string describe_usage_error(const CLI::App& root, const CLI::ParseError& error) {
  const CLI::App* command = &root;
  while (const CLI::App* behind = chosen(*command)) command = behind;
  return fmt::format("{}\nSee `{} --help`", what_is_wrong(root, *command, error), full_name(*command));
}

void refuse_values_of_flags(CLI::App& command) {
  for (CLI::Option* option : command.get_options())
    if (option->get_expected_max() == 0) option->disable_flag_override();
  for (CLI::App* each : command.get_subcommands([](CLI::App*) { return true; })) refuse_values_of_flags(*each);
}

/// An option whose text `parse` makes into what `set` takes.
template <typename Parse, typename Set>
CLI::Option* add_parsed(CLI::App& app, const char* name, const char* value_name, Parse parse, Set set,
                        const char* description) {
  auto read = [name, parse = std::move(parse), set = std::move(set)](const std::string& text) {
    auto value = parse(text);
    if (!value) throw CLI::ValidationError(name, value.error().message);
    set(*value);
  };
  return app.add_option_function<std::string>(name, read, description)->type_name(value_name);
}

}  // namespace

Option Option::required() const { return Option(option_->required()); }
Option Option::value_name(const char* name) const { return Option(option_->type_name(name)); }
Option Option::repeatable() const { return Option(option_->take_all()); }
Option Option::one_value() const { return Option(option_->expected(1)); }
Option Option::comma_separated() const { return Option(option_->delimiter(',')); }
Option Option::needs(const Option& other) const { return Option(option_->needs(other.option_)); }

Command Command::subcommand(const char* name, const char* description) const {
  CLI::App* const added = app_->add_subcommand(name, description);
  added->footer(kExitCodesHelp);
  return {added, chosen_};
}

void Command::require_subcommand() const { app_->require_subcommand(1); }
void Command::allow_subcommand() const { app_->require_subcommand(0, 1); }

void Command::runs(Run run) const {
  // CLI11 calls the callback of a subcommand before that of its parent, which must not undo it.
  app_->callback([app = app_, chosen = chosen_, run = std::move(run)] {
    if (app->get_subcommands().empty()) *chosen = run;
  });
}

Option Command::text(const char* name, std::string& target, const char* description) const {
  return Option(app_->add_option(name, target, description));
}

Option Command::texts(const char* name, std::vector<std::string>& target, const char* description) const {
  return Option(app_->add_option(name, target, description));
}

Option Command::flag(const char* name, bool& target, const char* description) const {
  return Option(app_->add_flag(name, target, description));
}

Option Command::flag(const char* name, std::function<void()> set, const char* description) const {
  return Option(app_->add_flag_callback(name, std::move(set), description));
}

Option Command::flag(const char* name, const char* description) const {
  return Option(app_->add_flag(name)->description(description));
}

Option Command::number(const char* name, std::uint64_t least, std::uint64_t most,
                       std::function<void(std::uint64_t)> set, const char* description) const {
  const auto parse = [least, most](std::string_view text) { return parse_number(text, least, most); };
  return Option(add_parsed(*app_, name, "N", parse, std::move(set), description));
}

Option Command::time(const char* name, std::function<void(std::chrono::nanoseconds)> set,
                     const char* description) const {
  return Option(add_parsed(*app_, name, "TIME", parse_time, std::move(set), description));
}

Option Command::size(const char* name, std::function<void(std::uint64_t)> set, const char* description) const {
  return Option(add_parsed(*app_, name, "SIZE", parse_size, std::move(set), description));
}

Option Command::parsed(const char* option, const char* value_name, std::function<Result<void>(std::string_view)> set,
                       const char* description) const {
  const auto read = [option, set = std::move(set)](const std::string& text) {
    if (const auto done = set(text); !done) throw CLI::ValidationError(option, done.error().message);
  };
  return Option(app_->add_option_function<std::string>(option, read, description)->type_name(value_name));
}

Option Command::name(const char* name, std::vector<std::string_view> names, std::function<void(std::size_t)> set,
                     const char* description) const {
  const auto parse = [names = std::move(names)](std::string_view text) { return parse_name(text, names); };
  return Option(add_parsed(*app_, name, "NAME", parse, std::move(set), description));
}

CommandLine::CommandLine()
    : app_(std::make_unique<CLI::App>("Runs every WebAssembly call in an instance as new.", "anew")) {
  app_->set_version_flag("--version", "anew " ANEW_VERSION_STRING);
  app_->footer(kExitCodesHelp);
  anew().require_subcommand();
}

CommandLine::~CommandLine() = default;

Command CommandLine::anew() noexcept { return {app_.get(), &chosen_}; }

void CommandLine::add_help() {
  const Command help = anew().subcommand("help", "Prints what --help prints, of a subcommand too");
  const auto names = std::make_shared<std::vector<std::string>>();
  (void)help.texts("SUBCOMMAND", *names, "Such as call, or substrate call");
  help.runs([app = app_.get(), names] { return print_help(*app, *names); });
  anew().subcommand("version", "Prints the version").runs([]() -> Result<ExitCode> {
    fmt::print("anew " ANEW_VERSION_STRING "\n");
    return kSuccess;
  });
}

Result<ExitCode> CommandLine::run(int argc, char** argv) {
  add_help();
  refuse_values_of_flags(*app_);
  try {
    app_->parse(argc, argv);
  } catch (const CLI::Success& asked) {  // --help or --version
    return app_->exit(asked) == 0 ? kSuccess : kFailure;
  } catch (const CLI::ParseError& error) {
    return fail(ErrorCode::kArgument, describe_usage_error(*app_, error));
  }
  return chosen_();
}

}  // namespace anew::cli
