// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// anew snapshot: a module and the state that its instances start from, as a file.
#include <fmt/format.h>

#include <filesystem>
#include <memory>
#include <string>

#include "cli/command.hpp"
#include "cli/instance_options.hpp"
#include "cli/module_file.hpp"

namespace anew::cli {

namespace {

struct SnapshotCommand {
  std::string file;
  std::string output;
  InstanceOptions instance;
};

Result<ExitCode> run_snapshot(const SnapshotCommand& options) {
  const auto module = load_module(options.file, options.instance.compile);
  if (!module) return std::unexpected(module.error());
  const auto linker = make_linker(*module, options.instance);
  if (!linker) return std::unexpected(linker.error());
  const auto pool = Pool::create(*module, *linker,
                                 {.capacity = 1,
                                  .snapshot = options.instance.snapshot,
                                  .maximum_memory_bytes = options.instance.maximum_memory_bytes});
  if (!pool) return std::unexpected(explain(pool.error()));
  if (!options.instance.snapshot.prelude.empty() || options.instance.snapshot.freeze_start) {
    fmt::print(stderr,
               "anew: note: randomness and time that the frozen functions read are the same in all instances\n");
  }
  if (auto saved = pool->save_snapshot(options.output); !saved) {
    return std::unexpected(file_error(std::move(saved.error())));
  }
  std::error_code ignored;
  fmt::print("wrote {} ({} bytes)\n", options.output, std::filesystem::file_size(options.output, ignored));
  return kSuccess;
}

}  // namespace

void add_snapshot(CLI::App& app, Run& run) {
  CLI::App* command = add_subcommand(app, "snapshot",
                                     "Instantiates a module, runs its start function and a prelude, and writes the "
                                     "state with the module to a file that `anew call` and `anew inspect` take");
  const auto options = std::make_shared<SnapshotCommand>();
  command->add_option("FILE", options->file, kFileHelp)->required();
  command->add_option("-o,--output", options->output, "The file to write; replaced if it exists")
      ->required()
      ->type_name("OUT");
  add_instance_options(*command, options->instance);
  command->callback([options, &run] { run = [options] { return run_snapshot(*options); }; });
}

}  // namespace anew::cli
