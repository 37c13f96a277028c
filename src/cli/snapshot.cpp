// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// anew snapshot: a module or component and the state that its instances start from, as a file.
#include <fmt/format.h>

#include <anew/component/component.hpp>
#include <anew/wasi.hpp>
#include <anew/wasi_http.hpp>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "cli/command_line.hpp"
#include "cli/component_file.hpp"
#include "cli/instance_options.hpp"
#include "cli/module_file.hpp"
#include "cli/result_file.hpp"
#include "os/try.hpp"
#include "serve/http_component.hpp"

namespace anew::cli {

namespace {

struct SnapshotCommand {
  std::string file;
  std::string output;
  InstanceOptions instance;
  std::vector<std::string> warm_up;  ///< of a component
};

void note_what_is_frozen() {
  fmt::print(stderr, "anew: note: randomness and time that the frozen functions read are the same in all instances\n");
}

/// It has WASI with nothing of this machine but clocks and randomness.
Result<ExitCode> run_component_snapshot(const SnapshotCommand& options) {
  if (!options.instance.links.empty() || !options.instance.globals.empty())
    return fail(ErrorCode::kArgument, "--link and --global are for core modules; a component's imports are functions");
  const auto output = TRY(ResultFile::open(options.output));
  const auto component = TRY(load_component(options.file, options.instance.compile, options.instance.engine()));
  component::Linker linker;
  component::WarmUp warm_up;
  if constexpr (kWithServe) {
    TRY(wasi::define(linker, {}));
    TRY(wasi::http::define(linker));
    warm_up = serve::warm_up_with(options.warm_up);
  } else if (!options.warm_up.empty()) {
    return fail(ErrorCode::kUnsupported, "--warm-up needs the server, which this command was built without");
  }
  if (options.instance.trap_unknown_imports) linker.trap_unknown_functions();
  const auto pool = TRY(component::Pool::create(component, linker,
                                                {.capacity = 1,
                                                 .snapshot = options.instance.snapshot,
                                                 .maximum_memory_bytes = options.instance.maximum_memory_bytes},
                                                std::move(warm_up)));
  if (!options.instance.snapshot.prelude.empty() || !options.warm_up.empty()) note_what_is_frozen();
  const auto written = TRY(output.save([&](const auto& path) { return pool.save_snapshot(path); }));
  fmt::print("wrote {} ({} bytes)\n", options.output, written);
  return kSuccess;
}

Result<ExitCode> run_snapshot(const SnapshotCommand& options) {
  const bool is_component = TRY(is_component_file(options.file));
  if (is_component) return run_component_snapshot(options);
  if (!options.warm_up.empty())
    return fail(ErrorCode::kArgument, "--warm-up is for components: name an export of a module with --prelude");
  const auto output = TRY(ResultFile::open(options.output));
  const auto module = TRY(load_module(options.file, options.instance.compile, options.instance.engine()));
  const auto linker = TRY(make_linker(module, options.instance));
  const auto pool = Pool::create(module, linker,
                                 {.capacity = 1,
                                  .snapshot = options.instance.snapshot,
                                  .maximum_memory_bytes = options.instance.maximum_memory_bytes});
  if (!pool) return std::unexpected(explain(pool.error(), module));
  if (!options.instance.snapshot.prelude.empty() || options.instance.snapshot.freeze_start) note_what_is_frozen();
  const auto written = TRY(output.save([&](const auto& path) { return pool->save_snapshot(path); }));
  fmt::print("wrote {} ({} bytes)\n", options.output, written);
  return kSuccess;
}

}  // namespace

void add_snapshot(const Command& anew) {
  const Command command = anew.subcommand(
      "snapshot",
      "Instantiates a module or component, runs its start function and a prelude, and writes the "
      "state with the module to a file that `anew call`, `anew run`, `anew serve` and `anew inspect` take");
  const auto options = std::make_shared<SnapshotCommand>();
  command.text("FILE", options->file, kFileOrComponentHelp).required();
  add_output_option(command, options->output, "The file to write, replaced if it exists; - writes to standard output")
      .required();
  add_instance_options(command, options->instance);
  command
      .texts("--warm-up", options->warm_up,
             "Have a component of wasi:http answer GET PATH once before, as with `anew serve`, which takes the file; "
             "may be "
             "given again")
      .value_name("PATH")
      .one_value()
      .repeatable();
  command.runs([options] { return run_snapshot(*options); });
}

}  // namespace anew::cli
