// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "runtime/compilation.hpp"

#include <new>
#include <utility>
#include <vector>

#include "artifact/code_cache.hpp"
#include "debug/announcement.hpp"
#include "os/try.hpp"
#include "runtime/engine_options.hpp"
#include "runtime/ledger_choice.hpp"
#include "runtime/stop.hpp"
#include "runtime/tiers.hpp"
#include "tier/optimize.hpp"
#include "wasm/decoder.hpp"

namespace anew {
namespace {

using detail::EngineState;
using detail::ModuleState;

struct Compiled {
  abi::CellLayout layout;
  codegen::Compiled code;
  Optimization optimization;
};

wasm::MemoryLimit memory_limit(const EngineOptions& engine, std::span<const std::byte> binary) {
  return {binary.size(), engine.maximum_compile_bytes};
}

/// @param module  of that binary, with its function bodies.
Result<Compiled> compile_code(const EngineOptions& engine, std::span<const std::byte> binary,
                              const wasm::Module& module, const codegen::Options& options,
                              codegen::CodeMemory::Spare spare) {
  auto layout = TRY(abi::CellLayout::of(module, options.card_shift, options.foreign_memory));
  // A guest may have called the host function that compiles. What takes long is told of: of two tiers, the second.
  const auto progress_of = [&engine, caller = detail::current_thread()](bool is_told) -> codegen::Progress {
    return [&engine, caller, is_told](std::uint32_t done, std::uint32_t functions) {
      if (is_told && engine.progress) engine.progress(done, functions);
      detail::check_stop(caller);
    };
  };
  const bool is_optimized = options.tier == codegen::Tier::kOptimized;
  auto compiled = TRY(detail::compiler_of(options.tier)
                          .compile({.module = module,
                                    .layout = layout,
                                    .options = options,
                                    .limit = memory_limit(engine, binary),
                                    .threads = engine.compile_threads,
                                    .spare = spare,
                                    .progress = progress_of(!is_optimized)}));
  Optimization optimization;
  if (is_optimized) {
    optimization = tier::optimize_all(compiled, {.module = module,
                                                 .binary = binary,
                                                 .options = options,
                                                 .threads = engine.compile_threads,
                                                 .maximum_bytes = engine.maximum_compile_bytes,
                                                 .progress = progress_of(true)});
  }
  compiled.code.fill_entries(compiled.image.view());
  return Compiled{std::move(layout), std::move(compiled), std::move(optimization)};
}

/// What a compiled module looks at for as long as it lives.
struct Owner {
  std::vector<std::byte> binary;
  codegen::Image image;
  std::shared_ptr<const void> variant_of;  ///< the owner of the module whose second variant this is
};

/// Gives the module its code. @param owner  holds whatever the module looks at already.
void set_code(ModuleState& state, Compiled&& compiled, const std::shared_ptr<Owner>& owner) {
  state.layout = std::move(compiled.layout);
  state.code = std::move(compiled.code.code);
  state.optimization = std::move(compiled.optimization);
  owner->image = std::move(compiled.code.image);
  state.image = owner->image.view();
  state.image.text = state.code.text();
  state.owner = owner;
}

}  // namespace

void detail::ModuleState::set_ledger(Ledger asked) {
  LedgerChoice choice = choose_ledger(asked, options.marks);
  ledger = choice.ledger;
  ledger_reason = std::move(choice.reason);
}

const debug::SourceLines& detail::ModuleState::source_lines() const {
  std::call_once(source_lines_read_, [this] {
    try {
      source_lines_ = debug::SourceLines(module, binary);
    } catch (const std::bad_alloc&) {  // then there are none: an error is worth more than its lines
    }
  });
  return source_lines_;
}

Result<void> detail::ModuleState::announce() {
  const EngineOptions& asked = engine->options;
  const debug::Tools tools{.perf_map = asked.perf_map, .jitdump = asked.jitdump, .gdb = asked.gdb};
  if (tools.any())
    gdb_ = TRY(debug::announce({.module = module, .names = names, .image = image, .lines = source_lines()}, tools));
  return {};
}

Result<std::shared_ptr<ModuleState>> detail::compile_fresh(const std::shared_ptr<EngineState>& engine,
                                                           std::span<const std::byte> binary, const Hash& hash,
                                                           const CompileOptions& options) {
  // The caller's bytes are the caller's; the module looks at its own.
  const auto owner = std::make_shared<Owner>();
  const wasm::MemoryLimit limit = memory_limit(engine->options, binary);
  if (binary.size() > limit.bytes()) return std::unexpected(limit.exceeded());  // before it is copied
  owner->binary.assign(binary.begin(), binary.end());
  auto module = TRY(wasm::decode_module(owner->binary, limit, engine->options.features));
  auto state = std::make_shared<ModuleState>();
  state->engine = engine;
  state->hash = hash;
  state->options = detail::to_code_options(options, module);
  auto compiled =
      TRY(compile_code(engine->options, owner->binary, module, state->options, artifact::spare_of(options)));
  module.features = module.features.with(compiled.code.features);
  state->module = std::move(module);
  state->names = wasm::FunctionNames(state->module);
  state->binary = owner->binary;
  state->stack_limit = options.stack_limit;
  state->set_ledger(options.ledger);
  set_code(*state, std::move(compiled), owner);
  if (options.tier == Tier::kAuto) tier_up(state);
  TRY(state->announce());
  return state;
}

Result<std::shared_ptr<ModuleState>> detail::compile_foreign(const ModuleState& module) {
  auto decoded = TRY(wasm::decode_module(module.binary));  // what it needs is accepted: the module is compiled
  decoded.features = module.module.features;
  auto state = std::make_shared<ModuleState>();
  state->engine = module.engine;
  state->hash = module.hash;
  state->options = module.options;
  state->options.foreign_memory = true;
  state->ledger = module.ledger;
  state->ledger_reason = module.ledger_reason;
  state->stack_limit = module.stack_limit;
  const bool is_auto = module.tier_up != nullptr;
  if (is_auto) state->options.tier = codegen::Tier::kAuto;  // whatever a file had
  const auto spare = is_auto ? codegen::CodeMemory::Spare::kKept : codegen::CodeMemory::Spare::kNone;
  auto compiled = TRY(compile_code(module.engine->options, module.binary, decoded, state->options, spare));
  const auto owner = std::make_shared<Owner>();
  owner->variant_of = module.owner;
  state->module = std::move(decoded);
  state->names = module.names;
  state->binary = module.binary;
  set_code(*state, std::move(compiled), owner);
  if (is_auto) tier_up(state);
  TRY(state->announce());
  return state;
}

}  // namespace anew
