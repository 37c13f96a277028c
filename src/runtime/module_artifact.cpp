// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "runtime/module_artifact.hpp"

#include <bit>
#include <utility>

#include "artifact/code_cache.hpp"
#include "os/file.hpp"
#include "os/try.hpp"
#include "wasm/validate_module.hpp"

namespace anew {

artifact::Encoded detail::encode(const ModuleState& state) {
  const codegen::OptimizedCode optimized = codegen::optimized_by_now(state.image);
  codegen::ImageView image = state.image;
  codegen::Options options = state.options;
  if (optimized.code_bytes != image.text.size()) options.tier = codegen::Tier::kAuto;
  image.text = std::span(image.text.data(), optimized.code_bytes);  // layers lie directly behind the text
  image.optimized = optimized.functions;
  image.optimized_positions = optimized.positions;
  return artifact::encode({.hash = state.hash,
                           .options = options,
                           .image = image,
                           .module = state.module,
                           .names = state.names,
                           .binary = state.binary});
}

Result<std::shared_ptr<detail::ModuleState>> detail::to_state(const std::shared_ptr<EngineState>& engine,
                                                              artifact::Loaded&& loaded, const CompileOptions& options,
                                                              bool from_cache) {
  auto state = std::make_shared<ModuleState>();
  state->engine = engine;
  state->hash = loaded.hash;
  state->owner = std::move(loaded.owner);
  state->module = std::move(loaded.module);
  state->names = wasm::FunctionNames(state->module);
  state->options = loaded.options;
  state->layout = std::move(loaded.layout);
  state->image = loaded.image;
  state->code = std::move(loaded.code);
  state->binary = loaded.binary;
  state->from_cache = from_cache;
  state->optimization.optimized = static_cast<std::uint32_t>(state->image.optimized.size());  // at most all functions
  state->stack_limit = options.stack_limit;
  state->set_ledger(options.ledger);
  if (options.tier == Tier::kAuto) tier_up(state);
  TRY(state->announce());
  return state;
}

Result<std::shared_ptr<detail::ModuleState>> detail::load_artifact(const std::shared_ptr<EngineState>& engine,
                                                                   const std::filesystem::path& path,
                                                                   const CompileOptions& options) {
  // What is not asked for may be as it is.
  artifact::Expectation expectation{
      .hash = std::nullopt,
      .tier = options.tier == Tier::kOptimized ? std::optional(codegen::Tier::kOptimized) : std::nullopt,
      .card_shift = std::nullopt,
      .marks = options.ledger == Ledger::kAuto ? std::nullopt : std::optional(artifact::has_marks(options.ledger)),
      .explicit_bounds = options.explicit_bounds ? std::optional(true) : std::nullopt,
      .fuel = options.fuel ? std::optional(true) : std::nullopt,
      .canonical_nan = options.canonical_nan ? std::optional(true) : std::nullopt,
      .metered_stack = options.stack_limit != 0 ? std::optional(true) : std::nullopt,
      .spare = artifact::spare_of(options)};
  if (options.card_bytes != 0)
    expectation.card_shift = static_cast<std::uint32_t>(std::countr_zero(options.card_bytes));  // below 32
  // Opened anew: code is not executed by way of a symbolic link.
  auto file = TRY(os::File::open(path, os::File::Links::kRefuse));
  auto loaded = TRY(artifact::read(file, expectation));
  if (!engine->options.features.has_all(loaded.module.features))
    TRY(wasm::validate_module(loaded.binary, engine->options.features));  // to say what is refused, and where
  return to_state(engine, std::move(loaded), options, false);
}

}  // namespace anew
