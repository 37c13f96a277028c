// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// anew_spec: runs the WebAssembly specification's test suite. README.md beside this file describes what it does.
#include <fmt/format.h>
#include <unistd.h>

#include <array>
#include <cstdio>
#include <exception>
#include <filesystem>
#include <fstream>
#include <optional>
#include <span>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "jobs.hpp"

namespace {

using namespace anew::spec;

constexpr std::string_view kUsage =
    "usage: anew_spec [OPTION...] [FILTER] DIRECTORY\n"
    "Runs the scripts that tests/spec/convert wrote to DIRECTORY, those whose name contains FILTER.\n"
    "  --way WAY                       fresh: in a fresh store; reset: in one used, reset and audited before each\n"
    "                                  action; artifact: through compiled modules saved and loaded again;\n"
    "                                  optimized: all functions by the optimizing tier, in this process; mixed: about\n"
    "                                  half of them; all: one after another (the default)\n"
    "  --features LIST                 accept no other proposals: those of a preset or list, as `anew call "
    "--features`\n"
    "                                  reads it; what needs others does not apply\n"
    "  --json                          print counts and failures as JSON\n"
    "  --verbose                       list also the failures that follow from that of a module\n"
    "  --list-not-applicable           print what does not apply, and why, as a Markdown table\n";

#if ANEW_WITH_LLVM
constexpr std::array kAllWays = {Way::kFresh, Way::kReset, Way::kArtifact, Way::kOptimized, Way::kMixed};
#else
constexpr std::array kAllWays = {Way::kFresh, Way::kReset, Way::kArtifact};
#endif

struct Options {
  std::vector<Way> ways{kAllWays.begin(), kAllWays.end()};
  anew::Features features = anew::Features::every();
  bool json = false;
  bool verbose = false;
  bool list_not_applicable = false;
  std::string filter;
  std::filesystem::path directory;
};

[[nodiscard]] std::optional<std::vector<Way>> parse_ways(std::string_view name) {
  if (name == "all") return Options().ways;
  for (const Way way : kAllWays)
    if (name == to_string(way)) return std::vector(1, way);
  return std::nullopt;
}

[[nodiscard]] std::optional<Options> parse(std::span<char* const> arguments) {
  Options options;
  std::vector<std::string> names;
  for (std::size_t index = 0; index < arguments.size(); ++index) {
    const std::string_view argument = arguments[index];
    if (argument == "--way" && index + 1 < arguments.size()) {
      auto ways = parse_ways(arguments[++index]);
      if (!ways) return std::nullopt;
      options.ways = *std::move(ways);
    } else if (argument == "--features" && index + 1 < arguments.size()) {
      const auto features = anew::Features::parse(arguments[++index]);
      if (!features) return std::nullopt;
      options.features = *features;
    } else if (argument == "--json") {
      options.json = true;
    } else if (argument == "--verbose") {
      options.verbose = true;
    } else if (argument == "--list-not-applicable") {
      options.list_not_applicable = true;
      options.ways.assign(1, Way::kFresh);  // the others differ in what they do, not in what applies
    } else if (argument.starts_with("-")) {
      return std::nullopt;
    } else {
      names.emplace_back(argument);
    }
  }
  if (names.empty() || names.size() > 2) return std::nullopt;
  options.directory = names.back();
  if (names.size() == 2) options.filter = names.front();
  return options;
}

struct Group {
  std::string name;
  std::size_t scripts = 0;
  Counts counts;
};

struct Corpus {
  std::vector<Group> groups;
  std::vector<Job> jobs;
  std::uint64_t repeated = 0;
};

[[nodiscard]] Corpus read_corpus(const Options& options) {
  std::ifstream stream(options.directory / "corpus.json");
  if (!stream) throw std::runtime_error("no corpus.json in " + options.directory.string() + "; `make spec` makes it");
  const Json json = Json::parse(stream);
  Corpus corpus;
  corpus.repeated = json.at("repeated").get<std::uint64_t>();
  for (const Json& entry : json.at("groups")) {
    Group group{entry.at("name").get<std::string>(), 0, {}};
    for (const Json& script : entry.at("scripts")) {
      const std::string name = group.name + "/" + script.get<std::string>();
      if (name.find(options.filter) == std::string::npos) continue;
      ++group.scripts;
      for (const Way way : options.ways)
        corpus.jobs.push_back({way, corpus.groups.size(), name, entry.value("not_applicable", "")});
    }
    if (group.scripts > 0) corpus.groups.push_back(std::move(group));
  }
  if (corpus.jobs.empty()) throw std::runtime_error("no script's name contains '" + options.filter + "'");
  return corpus;
}

/// 1234567 as "1,234,567".
[[nodiscard]] std::string grouped(std::uint64_t number) {
  const std::string digits = std::to_string(number);
  std::string text;
  for (std::size_t index = 0; index < digits.size(); ++index) {
    if (index > 0 && (digits.size() - index) % 3 == 0) text += ',';
    text += digits[index];
  }
  return text;
}

void print_line(const Group& group) {
  fmt::print("{:<38} {:>7} {:>9} {:>9} {:>15}\n", group.name, group.scripts, grouped(group.counts.passed),
             grouped(group.counts.failed), grouped(group.counts.not_applicable));
}

void print_table(const Options& options, const Corpus& corpus, const Group& all) {
  fmt::print("{:<38} {:>7} {:>9} {:>9} {:>15}\n", "proposal", "scripts", "passed", "failed", "not applicable");
  for (const Group& group : corpus.groups) print_line(group);
  print_line(all);
  std::string ways;
  for (const Way way : options.ways) ways += fmt::format("{}{}", ways.empty() ? "" : ", ", to_string(way));
  fmt::print(
      "Commands, summed over the ways in which each script ran: {}. {} scripts that repeat another are left out.\n",
      ways, corpus.repeated);
}

void print_json(const Options& options, const Corpus& corpus, std::span<const JobResult> results) {
  Json ways = Json::array();
  for (const Way way : options.ways) ways.push_back(to_string(way));
  Json groups = Json::array();
  for (const Group& group : corpus.groups) {
    groups.push_back({{"name", group.name},
                      {"scripts", group.scripts},
                      {"passed", group.counts.passed},
                      {"failed", group.counts.failed},
                      {"not_applicable", group.counts.not_applicable}});
  }
  Json failures = Json::array();
  for (const JobResult& result : results)
    for (const std::string& failure : result.failures) failures.push_back(failure);
  const Json json = {{"ways", ways}, {"repeated", corpus.repeated}, {"groups", groups}, {"failures", failures}};
  fmt::print("{}\n", json.dump(2, ' ', false, Json::error_handler_t::replace));
}

/// A line for each script and reason, in the order of the corpus.
void print_not_applicable(const Corpus& corpus, std::span<const JobResult> results) {
  fmt::print("| script | reason | commands |\n|---|---|---:|\n");
  for (std::size_t index = 0; index < results.size(); ++index)
    for (const auto& [reason, count] : results[index].reasons)
      fmt::print("| {} | {} | {} |\n", corpus.jobs[index].script, reason, grouped(count));
}

[[nodiscard]] int run(const Options& options) {
  Corpus corpus = read_corpus(options);
  const auto results = run_jobs(corpus.jobs, {.corpus = options.directory,
                                              .features = options.features,
                                              .verbose = options.verbose,
                                              .progress = isatty(STDERR_FILENO) == 1});
  Group all{"all", 0, {}};
  for (std::size_t index = 0; index < results.size(); ++index) {
    corpus.groups[corpus.jobs[index].group].counts += results[index].counts;
    all.counts += results[index].counts;
  }
  for (const Group& group : corpus.groups) all.scripts += group.scripts;

  std::FILE* const failures_to = options.list_not_applicable ? stderr : stdout;
  if (!options.json || options.list_not_applicable) {
    for (const JobResult& result : results)
      for (const std::string& failure : result.failures) fmt::print(failures_to, "{}\n", failure);
  }
  if (options.list_not_applicable)
    print_not_applicable(corpus, results);
  else if (options.json)
    print_json(options, corpus, results);
  else
    print_table(options, corpus, all);
  return all.counts.failed == 0 ? 0 : 1;
}

}  // namespace

int main(int count, char** arguments) {
  const auto options = parse(std::span<char* const>(arguments, static_cast<std::size_t>(count)).subspan(1));
  if (!options) {
    fmt::print(stderr, "{}", kUsage);
    return 2;
  }
  try {
    return run(*options);
  } catch (const std::exception& error) {
    fmt::print(stderr, "anew_spec: {}\n", error.what());
    return 2;
  }
}
