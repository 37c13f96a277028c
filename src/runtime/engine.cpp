// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// What an engine offers; how it is done stands in the files that this one includes.
#include <anew/engine.hpp>
#include <memory>
#include <utility>

#include "os/file.hpp"
#include "os/try.hpp"
#include "runtime/cached_compilation.hpp"
#include "runtime/engine_options.hpp"
#include "runtime/module_artifact.hpp"
#include "runtime/module_file.hpp"
#include "runtime/module_state.hpp"
#include "runtime/trap_handler.hpp"
#include "runtime/without_exceptions.hpp"

namespace anew {
namespace {

using detail::EngineState;
using detail::ModuleState;

constexpr unsigned kSavedFileMode = 0644;

/// Whether the engine works on this machine, and what is asked for can be had.
Result<void> check(const EngineState& engine, const CompileOptions& options) {
  if (engine.refusal) return std::unexpected(*engine.refusal);
  return detail::check_options(options);
}

Result<Module> to_module(Result<std::shared_ptr<ModuleState>> state) {
  std::shared_ptr<ModuleState> compiled = TRY(std::move(state));
  return Module(std::move(compiled));
}

}  // namespace

Engine::Engine(EngineOptions options) : state_(std::make_shared<EngineState>()) {
  state_->options = std::move(options);
  state_->refusal = detail::find_refusal(state_->options);
  detail::install_signal_handlers();
}

Result<Module> Engine::compile(std::span<const std::byte> binary, const CompileOptions& options) const {
  return detail::without_exceptions("a module is compiled or loaded", [&]() -> Result<Module> {
    TRY(check(*state_, options));
    return to_module(detail::compile_or_find(state_, binary, options));
  });
}

Result<Module> Engine::load(const std::filesystem::path& path, const CompileOptions& options) const {
  return detail::without_exceptions("a module is compiled or loaded", [&]() -> Result<Module> {
    TRY(check(*state_, options));
    return to_module(detail::load_file(state_, path, options));
  });
}

Result<void> Engine::save(const Module& module, const std::filesystem::path& path) const {
  return detail::without_exceptions("a compiled module is written", [&]() -> Result<void> {
    if (module.state()->saved) {
      return fail(
          ErrorCode::kUnsupported,
          "the module comes from a snapshot file, whose state a compiled module cannot hold; it is compiled when "
          "it is loaded, and kept in the code cache");
    }
    return os::write_file(path, detail::encode(*module.state()).pieces(), kSavedFileMode);
  });
}

}  // namespace anew
