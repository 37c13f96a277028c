// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "cli/command_line.hpp"

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <anew/version.hpp>
#include <memory>
#include <string_view>
#include <utility>

#include "cli/completion.hpp"
#include "cli/manual.hpp"
#include "cli/option_values.hpp"
#include "runtime/near_match.hpp"

namespace anew::cli {

namespace {

constexpr const char* kExitCodesHelp =
    "Exit codes: 0 success, 1 any other error, 2 trap, 3 invalid module, 4 link error, 64 wrong usage, "
    "130 interrupted. Of `anew run` it is otherwise the program's own.";

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

/// `choices` are the command line's.
CommandDescription describe_command(const CLI::App& command,
                                    const std::map<const CLI::Option*, std::vector<std::string_view>>& choices) {
  CommandDescription result;
  result.name = full_name(command);
  result.description = command.get_description();
  if (result.description.ends_with('.')) result.description.pop_back();
  result.footer = command.get_footer();
  for (const CLI::Option* option : command.get_options()) {
    OptionDescription described;
    if (!option->get_snames().empty()) described.short_name = "-" + option->get_snames().front();
    if (!option->get_lnames().empty()) described.long_name = "--" + option->get_lnames().front();
    const bool is_argument = option->get_positional();
    if (is_argument)
      described.value = option->get_name(true);
    else if (option->get_expected_max() != 0)
      described.value = option->get_type_name();
    described.description = option->get_description();
    if (const auto known = choices.find(option); known != choices.end()) {
      described.choices = known->second;
      described.value_is_number = known->second.empty();
    }
    described.required = option->get_required();
    described.repeatable = option->get_expected_max() > 1;
    (is_argument ? result.arguments : result.options).push_back(std::move(described));
  }
  for (const CLI::App* each : subcommands(command)) result.subcommands.push_back(describe_command(*each, choices));
  return result;
}

/// Where the first argument without a name stands; the end if there is none, or an option that nobody knows comes
/// first, which the parser will say.
std::size_t first_unnamed(const CLI::App& command, const std::vector<std::string>& arguments, std::size_t at) {
  for (; at < arguments.size() && is_option(arguments[at]); ++at) {
    const std::string& argument = arguments[at];
    if (argument == "--") return at + 1;
    const std::size_t equals = argument.find('=');
    const CLI::Option* const option = command.get_option_no_throw(argument.substr(0, equals));
    if (option == nullptr) return arguments.size();
    if (option->get_expected_max() != 0 && equals == argument.npos) ++at;  // its value
  }
  return at;
}

/// Takes away what the parser is not to look at.
/// @param arguments  of `command`, its name first.
void take_rest(const CLI::App& command, std::vector<std::string>& arguments, std::vector<std::string>& rest) {
  const std::size_t at = first_unnamed(command, arguments, 1);
  if (at >= arguments.size()) return;
  const auto behind = arguments.begin() + static_cast<std::ptrdiff_t>(at) + 1;
  rest.assign(behind, arguments.end());
  arguments.erase(behind, arguments.end());
  // An option of several values before it is not to take it for one.
  if (arguments[at - 1] != "--") arguments.insert(arguments.begin() + static_cast<std::ptrdiff_t>(at), "--");
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
// Without the latter, what stands behind its value is taken for more of them, unless it is the last argument.
Option Option::one_value() const { return Option(option_->expected(1)->allow_extra_args(false)); }
Option Option::comma_separated() const { return Option(option_->delimiter(',')); }
Option Option::needs(const Option& other) const { return Option(option_->needs(other.option_)); }
Option Option::excludes(const Option& other) const { return Option(option_->excludes(other.option_)); }

Command Command::subcommand(const char* name, const char* description) const {
  CLI::App* const added = app_->add_subcommand(name, description);
  added->footer(kExitCodesHelp);
  return {added, state_};
}

void Command::require_subcommand() const { app_->require_subcommand(1); }
void Command::allow_subcommand() const { app_->require_subcommand(0, 1); }

void Command::runs(Run run) const {
  // CLI11 calls the callback of a subcommand before that of its parent, which must not undo it.
  app_->callback([app = app_, state = state_, run = std::move(run)] {
    if (app->get_subcommands().empty()) state->chosen = run;
  });
}

Option Command::text(const char* name, std::string& target, const char* description) const {
  return Option(app_->add_option(name, target, description));
}

Option Command::texts(const char* name, std::vector<std::string>& target, const char* description) const {
  return Option(app_->add_option(name, target, description));
}

Option Command::rest(const char* name, std::vector<std::string>& target, const char* description) const {
  state_->rests[app_] = &target;
  return texts(name, target, description);
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
  CLI::Option* const added = add_parsed(*app_, name, "N", parse, std::move(set), description);
  state_->choices[added] = {};
  return Option(added);
}

Option Command::time(const char* name, std::function<void(std::chrono::nanoseconds)> set,
                     const char* description) const {
  CLI::Option* const added = add_parsed(*app_, name, "TIME", parse_time, std::move(set), description);
  state_->choices[added] = {};
  return Option(added);
}

Option Command::size(const char* name, std::function<void(std::uint64_t)> set, const char* description) const {
  CLI::Option* const added = add_parsed(*app_, name, "SIZE", parse_size, std::move(set), description);
  state_->choices[added] = {};
  return Option(added);
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
  const auto parse = [names](std::string_view text) { return parse_name(text, names); };
  CLI::Option* const added = add_parsed(*app_, name, "NAME", parse, std::move(set), description);
  state_->choices[added] = std::move(names);
  return Option(added);
}

CommandLine::CommandLine()
    : app_(std::make_unique<CLI::App>("Runs every WebAssembly call in an instance as new.", "anew")) {
  app_->set_version_flag("--version", "anew " ANEW_VERSION_STRING);
  app_->footer(kExitCodesHelp);
  anew().require_subcommand();
}

CommandLine::~CommandLine() = default;

Command CommandLine::anew() noexcept { return {app_.get(), &state_}; }

CommandDescription CommandLine::describe() const { return describe_command(*app_, state_.choices); }

void CommandLine::add_help() {
  const Command help = anew().subcommand("help", "Prints what --help prints, of a subcommand too");
  const auto names = std::make_shared<std::vector<std::string>>();
  (void)help.texts("SUBCOMMAND", *names, "Such as call, or substrate call");
  const auto directory = std::make_shared<std::string>();
  (void)help.text("--man-pages", *directory, "Write the manual pages of all subcommands into this directory instead")
      .value_name("DIRECTORY");
  help.runs([this, names, directory]() -> Result<ExitCode> {
    if (directory->empty()) return print_help(*app_, *names);
    if (const auto written = write_manual_pages(describe(), *directory); !written)
      return std::unexpected(file_error(written.error()));
    return kSuccess;
  });
  anew().subcommand("version", "Prints the version").runs([]() -> Result<ExitCode> {
    fmt::print("anew " ANEW_VERSION_STRING "\n");
    return kSuccess;
  });
}

void CommandLine::add_completion() {
  const Command completion = anew().subcommand(
      "completion",
      "Prints a script that has a shell complete the command: source <(anew completion bash), the same for zsh, "
      "anew completion fish | source");
  const auto shell = std::make_shared<Shell>();
  (void)completion
      .choice<Shell>("SHELL", *shell, {{"bash", Shell::kBash}, {"zsh", Shell::kZsh}, {"fish", Shell::kFish}},
                     "bash, zsh or fish")
      .required();
  completion.runs([this, shell]() -> Result<ExitCode> {
    fmt::print("{}", completion_script(*shell, describe()));
    return kSuccess;
  });
}

Result<ExitCode> CommandLine::run(int argc, char** argv) {
  add_help();
  add_completion();
  refuse_values_of_flags(*app_);
  std::vector<std::string> arguments(argv + std::min(argc, 1), argv + argc);
  for (const auto& [command, rest] : state_.rests)
    if (!arguments.empty() && arguments.front() == command->get_name()) take_rest(*command, arguments, *rest);
  std::ranges::reverse(arguments);  // as the parser takes them
  try {
    app_->parse(std::move(arguments));
  } catch (const CLI::Success& asked) {  // --help or --version
    return app_->exit(asked) == 0 ? kSuccess : kFailure;
  } catch (const CLI::ParseError& error) {
    return fail(ErrorCode::kArgument, describe_usage_error(*app_, error));
  }
  return state_.chosen();
}

}  // namespace anew::cli
