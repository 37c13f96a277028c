// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "cli/component_file.hpp"

#include <memory>
#include <utility>

#include "cli/output.hpp"
#include "cli/progress.hpp"
#include "component/decoder.hpp"
#include "os/file.hpp"
#include "os/try.hpp"

namespace anew::cli {

Result<bool> is_component_file(const std::string& file) {
  if (file == "-") return false;
  auto opened = os::File::open(file, os::File::Links::kFollow);
  if (!opened) return std::unexpected(file_error(std::move(opened.error())));
  constexpr std::size_t kPreambleBytes = 8;
  const auto beginning = TRY(opened->read(kPreambleBytes));
  return component::is_component(beginning);
}

Result<component::Component> load_component(const std::string& file, const CompileOptions& compile,
                                            EngineOptions options) {
  const auto progress = std::make_shared<Progress>("compiling " + file);
  options.progress = [progress](std::uint32_t done, std::uint32_t all) { progress->update(done, all); };
  auto component = component::Component::load(Engine(std::move(options)), file, compile);
  progress->finish();
  if (!component) return std::unexpected(file_error(std::move(component.error())));
  return component;
}

}  // namespace anew::cli
