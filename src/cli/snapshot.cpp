// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// anew snapshot: a module and the state that its instances start from, as a file.
#include <fmt/format.h>

#include <memory>
#include <string>

#include "cli/command_line.hpp"
#include "cli/instance_options.hpp"
#include "cli/module_file.hpp"
#include "cli/result_file.hpp"
#include "os/try.hpp"

namespace anew::cli {

namespace {

struct SnapshotCommand {
  std::string file;
  std::string output;
  InstanceOptions instance;
};

Result<ExitCode> run_snapshot(const SnapshotCommand& options) {
  const auto output = TRY(ResultFile::open(options.output));
  const auto module = TRY(load_module(options.file, options.instance.compile, options.instance.engine()));
  const auto linker = TRY(make_linker(module, options.instance));
  const auto pool = Pool::create(module, linker,
                                 {.capacity = 1,
                                  .snapshot = options.instance.snapshot,
                                  .maximum_memory_bytes = options.instance.maximum_memory_bytes});
  if (!pool) return std::unexpected(explain(pool.error(), module));
  if (!options.instance.snapshot.prelude.empty() || options.instance.snapshot.freeze_start) {
    fmt::print(stderr,
               "anew: note: randomness and time that the frozen functions read are the same in all instances\n");
  }
  const auto written = TRY(output.save([&](const auto& path) { return pool->save_snapshot(path); }));
  fmt::print("wrote {} ({} bytes)\n", options.output, written);
  return kSuccess;
}

}  // namespace

void add_snapshot(const Command& anew) {
  const Command command =
      anew.subcommand("snapshot",
                      "Instantiates a module, runs its start function and a prelude, and writes the "
                      "state with the module to a file that `anew call` and `anew inspect` take");
  const auto options = std::make_shared<SnapshotCommand>();
  command.text("FILE", options->file, kFileHelp).required();
  add_output_option(command, options->output, "The file to write, replaced if it exists; - writes to standard output")
      .required();
  add_instance_options(command, options->instance);
  command.runs([options] { return run_snapshot(*options); });
}

}  // namespace anew::cli
