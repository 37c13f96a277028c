// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// anew compile: a module to an artifact.
#include <fmt/format.h>

#include <anew/engine.hpp>
#include <chrono>
#include <map>
#include <memory>
#include <ranges>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "cli/command_line.hpp"
#include "cli/instance_options.hpp"
#include "cli/module_file.hpp"
#include "cli/output.hpp"
#include "cli/progress.hpp"
#include "cli/result_file.hpp"
#include "os/try.hpp"
#include "runtime/module_state.hpp"

namespace anew::cli {

namespace {

struct CompileCommand {
  std::string file;
  std::string output;
  CompileOptions compile;
  Features features = Features::all();
  bool optimize = false;
};

/// What has its quick code, and why: a line for each reason, with the first few functions by name.
void print_optimization(const Module& module) {
  const Optimization optimization = module.optimization();
  if (!optimization.note.empty()) fmt::print(stderr, "anew: note: {}\n", printable(optimization.note));
  fmt::print("optimized {} functions", optimization.optimized);
  std::map<std::string_view, std::vector<std::uint32_t>> by_reason;
  for (const Optimization::Function& each : optimization.not_optimized) by_reason[each.reason].push_back(each.function);
  fmt::print("{}\n", by_reason.empty() ? "" : "; not optimized:");
  constexpr std::size_t kNamed = 3;
  for (const auto& [reason, functions] : by_reason) {
    std::string named;
    for (const std::uint32_t function : functions | std::views::take(kNamed)) {
      const std::string_view name = module.state()->names[function];
      named += (named.empty() ? "" : ", ") + (name.empty() ? fmt::format("function {}", function) : printable(name));
    }
    if (functions.size() > kNamed) named += ", ...";
    fmt::print("  {} ({}): {}\n", functions.size(), named, printable(reason));
  }
}

Result<ExitCode> run_compile(const CompileCommand& options) {
  if (options.compile.tier == Tier::kAuto) {
    return fail(
        ErrorCode::kArgument,
        "--tier auto: what runs long is known only while it runs; write -O (--tier optimized), or --tier quick");
  }
  const auto output = TRY(ResultFile::open(options.output));
  const auto file = TRY(read_binary(options.file));
  if (file.snapshot) {
    return fail(ErrorCode::kArgument,
                fmt::format("{} is a snapshot, whose state a compiled module cannot hold; it is compiled when it is "
                            "loaded, and kept in the code cache",
                            options.file));
  }
  const std::vector<std::byte>* const binary = &file.binary;

  Progress progress("compiling " + options.file);
  EngineOptions engine_options;
  engine_options.cache = false;  // what is asked for is the compilation, not its result
  engine_options.features = options.features;
  engine_options.progress = [&](std::uint32_t done, std::uint32_t all) { progress.update(done, all); };
  const Engine engine(std::move(engine_options));
  const auto begin = std::chrono::steady_clock::now();
  const auto module = engine.compile(*binary, options.compile);
  const std::chrono::duration<double> taken = std::chrono::steady_clock::now() - begin;
  progress.finish();
  if (!module) return std::unexpected(module.error());
  const auto written = TRY(output.save([&](const auto& path) { return engine.save(*module, path); }));

  fmt::print("compiled {} functions, {} bytes, in {:.1f} ms ({:.1f} MB/s); wrote {} ({} bytes)\n",
             module->state()->module.defined_functions(), binary->size(), taken.count() * 1e3,
             static_cast<double>(binary->size()) / 1e6 / taken.count(), options.output, written);
  if (options.compile.tier == Tier::kOptimized) print_optimization(*module);
  return kSuccess;
}

}  // namespace

void add_compile(const Command& anew) {
  const Command command =
      anew.subcommand("compile", "Compiles a module to a file that `anew call` takes, and that objdump and gdb read");
  const auto options = std::make_shared<CompileCommand>();
  command.text("FILE", options->file, kSourceHelp).required();
  add_output_option(command, options->output, "The file to write, replaced if it exists; - writes to standard output")
      .required();
  const Option tier = add_compile_options(command, options->compile);
  command.flag("-O", options->optimize, "Optimize: the same as --tier optimized").excludes(tier);
  command.flag("--fuel", options->compile.fuel, "Make code that counts what it executes: for `anew call --fuel`");
  add_features_option(command, options->features);
  command.flag("--no-cache", "As always here: the code cache is neither read nor written");
  command.runs([options] {
    if (options->optimize) options->compile.tier = Tier::kOptimized;
    return run_compile(*options);
  });
}

}  // namespace anew::cli
