// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "cli/component_file.hpp"

#include <fmt/format.h>

#include <memory>
#include <string>
#include <utility>

#include "artifact/saved_snapshot.hpp"
#include "cli/output.hpp"
#include "cli/progress.hpp"
#include "component/decoder.hpp"
#include "component/linked.hpp"
#include "os/file.hpp"
#include "os/try.hpp"

namespace anew::cli {

Result<bool> is_component_file(const std::string& file) {
  if (file == "-") return false;
  auto opened = os::File::open(file, os::File::Links::kFollow);
  if (!opened) return std::unexpected(file_error(std::move(opened.error())));
  const auto beginning = TRY(opened->read(artifact::kSnapshotBeginning));
  return component::is_component(beginning) || artifact::has_component_snapshot_magic(beginning);
}

Result<component::Component> load_component(const std::string& file, const CompileOptions& compile,
                                            EngineOptions options) {
  const auto progress = std::make_shared<Progress>("compiling " + file);
  options.progress = [progress](std::uint32_t done, std::uint32_t all) { progress->update(done, all); };
  auto component = component::Component::load(Engine(std::move(options)), file, compile);
  progress->finish();
  if (!component) return std::unexpected(file_error(std::move(component.error())));
  for (const Module& module : component->state()->modules) {
    const std::string note = module.optimization().note;
    if (note.empty()) continue;
    fmt::print(stderr, "anew: note: {}\n", printable(note));
    break;  // the others' is the same
  }
  return component;
}

std::uint32_t optimized_functions(const component::Component& component) {
  std::uint32_t all = 0;
  for (const Module& module : component.state()->modules) all += module.optimized_functions();  // of one binary
  return all;
}

}  // namespace anew::cli
