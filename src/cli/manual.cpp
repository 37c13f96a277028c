// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "cli/manual.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <anew/version.hpp>
#include <array>
#include <span>
#include <string_view>

#include "os/file.hpp"
#include "os/try.hpp"

namespace anew::cli {

namespace {

/// As text of roff: nothing of it is a request, dashes are those that are typed, `code` is bold.
std::string text(std::string_view words) {
  std::string result;
  bool bold = false;
  for (const char each : words) {
    switch (each) {
      case '\\': result += "\\e"; break;
      case '-': result += "\\-"; break;
      case '\'': result += "\\(aq"; break;
      case '.': result += "\\&."; break;  // it may be the first of a line
      case '\n': result += "\n.br\n"; break;
      case '`':
        bold = !bold;
        result += bold ? "\\fB" : "\\fR";
        break;
      default: result += each;
    }
  }
  return result;
}

/// "anew-substrate-call"
std::string page_name(const CommandDescription& command) {
  std::string name = command.name;
  std::ranges::replace(name, ' ', '-');
  return name;
}

/// "\fB\-o\fR, \fB\-\-output\fR \fIOUT\fR"
std::string heading(const OptionDescription& option) {
  std::string result;
  for (const std::string& name : {option.short_name, option.long_name})
    if (!name.empty()) result += fmt::format("{}\\fB{}\\fR", result.empty() ? "" : ", ", text(name));
  if (!option.value.empty()) result += fmt::format("{}\\fI{}\\fR", result.empty() ? "" : " ", text(option.value));
  return result;
}

std::string synopsis(const CommandDescription& command) {
  std::string result = fmt::format("\\fB{}\\fR [\\fIOPTION\\fR]...", text(command.name));
  if (!command.subcommands.empty()) result += " \\fISUBCOMMAND\\fR";
  for (const OptionDescription& argument : command.arguments) {
    const std::string value = fmt::format("\\fI{}\\fR{}", text(argument.value), argument.repeatable ? "..." : "");
    result += argument.required ? " " + value : " [" + value + "]";
  }
  return result;
}

void add_options(std::string& page, const char* section, const std::vector<OptionDescription>& options) {
  if (options.empty()) return;
  page += fmt::format(".SH {}\n", section);
  for (const OptionDescription& option : options)
    page += fmt::format(".TP\n{}\n{}\n", heading(option), text(option.description));
}

}  // namespace

std::string manual_page(const CommandDescription& root, const CommandDescription& command) {
  const std::string name = page_name(command);
  std::string upper = name;
  std::ranges::transform(upper, upper.begin(), [](char each) { return each >= 'a' && each <= 'z' ? each - 32 : each; });
  // Without a date: the same sources give the same page.
  std::string page = fmt::format(".TH {} 1 \"\" \"anew {}\"\n", text(upper), ANEW_VERSION_STRING);
  page += fmt::format(".SH NAME\n{} \\- {}\n.SH SYNOPSIS\n{}\n.SH DESCRIPTION\n{}.\n", text(name),
                      text(command.description), synopsis(command), text(command.description));
  add_options(page, "ARGUMENTS", command.arguments);
  add_options(page, "OPTIONS", command.options);
  if (!command.subcommands.empty()) page += ".SH SUBCOMMANDS\n";
  for (const CommandDescription& each : command.subcommands)
    page += fmt::format(".TP\n\\fB{}\\fR(1)\n{}\n", text(page_name(each)), text(each.description));
  page += fmt::format(".SH EXIT STATUS\n{}\n", text(command.footer));
  if (&command != &root) page += fmt::format(".SH SEE ALSO\n\\fB{}\\fR(1)\n", text(page_name(root)));
  return page;
}

Result<void> write_manual_pages(const CommandDescription& root, const std::filesystem::path& directory) {
  Result<void> done;
  for_each_command(root, [&](const CommandDescription& command) {
    if (!done) return;
    const std::string page = manual_page(root, command);
    const std::array parts = {std::as_bytes(std::span(page))};
    done = os::write_file(directory / (page_name(command) + ".1"), parts, 0644);
  });
  return done;
}

}  // namespace anew::cli
