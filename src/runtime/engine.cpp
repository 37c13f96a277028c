// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// From a binary, a file or the code cache to a Module.
#include <fmt/format.h>
#include <sodium.h>

#include <algorithm>
#include <anew/engine.hpp>
#include <bit>
#include <exception>
#include <new>
#include <string>
#include <utility>

#include "abi/processor.hpp"
#include "abi/stack_limit.hpp"
#include "artifact/artifact.hpp"
#include "artifact/code_cache.hpp"
#include "codegen/compile.hpp"
#include "os/file.hpp"
#include "os/try.hpp"
#include "runtime/blake2b.hpp"
#include "runtime/ledger_choice.hpp"
#include "runtime/module_state.hpp"
#include "runtime/near_match.hpp"
#include "runtime/stop.hpp"
#include "runtime/trap_handler.hpp"
#include "runtime/type_text.hpp"
#include "runtime/without_exceptions.hpp"
#include "wasm/decoder.hpp"
#include "wasm/limits.hpp"
#include "wasm/printable.hpp"

namespace anew {
namespace {

using detail::EngineState;
using detail::ModuleState;

constexpr std::array kWasmMagic = {std::byte{0x00}, std::byte{'a'}, std::byte{'s'}, std::byte{'m'}};
constexpr std::size_t kMagicBytes = 8;  ///< of a file, to tell what it is
constexpr unsigned kSavedFileMode = 0644;

constexpr std::uint64_t kMinimumStackBytes = 16 << 10;
constexpr std::uint64_t kMaximumStackBytes = 1ull << 32;
static_assert(abi::stack_bytes_for(abi::kMaximumStackLimit) <= kMaximumStackBytes);

/// Why an engine with these options cannot work on this machine.
std::optional<Error> find_refusal(const EngineOptions& options) {
  if (options.stack_bytes % os::kPageBytes != 0 || options.stack_bytes < kMinimumStackBytes ||
      options.stack_bytes > kMaximumStackBytes) {
    return make_error(ErrorCode::kArgument,
                      fmt::format("EngineOptions::stack_bytes is {}: use a multiple of {} from {} to {}",
                                  options.stack_bytes, os::kPageBytes, kMinimumStackBytes, kMaximumStackBytes));
  }
  if (const std::uint64_t missing = abi::kBaselineFeatures & ~abi::processor_features(); missing != 0) {
    return Error{ErrorCode::kUnsupported,
                 fmt::format("this processor lacks {}; Anew's compiled code needs {}", abi::feature_names(missing),
                             abi::kBaselineText),
                 std::nullopt,
                 TrapKind::kNone,
                 {}};
  }
  if (sodium_init() < 0) {
    return make_error(ErrorCode::kUnsupported,
                      "libsodium cannot be initialized: the system has no source of randomness");
  }
  return std::nullopt;
}

Result<void> check_options(const CompileOptions& options) {
  if (options.card_bytes != 0 &&
      (!std::has_single_bit(options.card_bytes) || options.card_bytes < 1u << abi::kMinimumCardShift ||
       options.card_bytes > 1u << abi::kMaximumCardShift)) {
    return fail(ErrorCode::kArgument, fmt::format("CompileOptions::card_bytes is {}: use 512, 1024, 2048, 4096, or 0 "
                                                  "to have it chosen",
                                                  options.card_bytes));
  }
  if (options.stack_limit > abi::kMaximumStackLimit) {
    return fail(ErrorCode::kArgument, fmt::format("CompileOptions::stack_limit is {}: use 1 to {}, or 0 for none",
                                                  options.stack_limit, abi::kMaximumStackLimit));
  }
  return {};
}

codegen::Options to_code_options(const CompileOptions& options, const wasm::Module& module) {
  const std::uint32_t shift = options.card_bytes == 0
                                  ? abi::default_card_shift(module)
                                  : static_cast<std::uint32_t>(std::countr_zero(options.card_bytes));  // below 32
  return {.card_shift = shift,
          .marks = artifact::has_marks(options.ledger),
          .foreign_memory = false,
          .explicit_bounds = options.explicit_bounds,
          .fuel = options.fuel,
          .canonical_nan = options.canonical_nan,
          .metered_stack = options.stack_limit != 0};
}

void set_ledger(ModuleState& state, Ledger asked) {
  detail::LedgerChoice choice = detail::choose_ledger(asked, state.options.marks);
  state.ledger = choice.ledger;
  state.ledger_reason = std::move(choice.reason);
}

std::shared_ptr<ModuleState> to_state(const std::shared_ptr<EngineState>& engine, artifact::Loaded&& loaded,
                                      const CompileOptions& options, bool from_cache) {
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
  state->stack_limit = options.stack_limit;
  set_ledger(*state, options.ledger);
  return state;
}

artifact::Encoded encode(const ModuleState& state) {
  return artifact::encode({.hash = state.hash,
                           .options = state.options,
                           .image = state.image,
                           .module = state.module,
                           .names = state.names,
                           .binary = state.binary});
}

struct Compiled {
  abi::CellLayout layout;
  codegen::Compiled code;
};

wasm::MemoryLimit memory_limit(const EngineOptions& engine, std::span<const std::byte> binary) {
  return {binary.size(), engine.maximum_compile_bytes};
}

/// @param module  of that binary, with its function bodies.
Result<Compiled> compile_code(const EngineOptions& engine, std::span<const std::byte> binary,
                              const wasm::Module& module, const codegen::Options& options) {
  auto layout = TRY(abi::CellLayout::of(module, options.card_shift, options.foreign_memory));
  // A guest may have called the host function that compiles.
  const codegen::Progress progress = [&engine, caller = detail::current_thread()](std::uint32_t done,
                                                                                  std::uint32_t functions) {
    if (engine.progress) engine.progress(done, functions);
    detail::check_stop(caller);
  };
  auto compiled = TRY(
      codegen::compile_quick(module, layout, options, engine.compile_threads, progress, memory_limit(engine, binary)));
  compiled.code.fill_entries(compiled.image.functions);
  return Compiled{std::move(layout), std::move(compiled)};
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
  owner->image = std::move(compiled.code.image);
  state.image = owner->image.view();
  state.image.text = state.code.text();
  state.owner = owner;
}

/// Compiles without regard to the cache.
Result<std::shared_ptr<ModuleState>> compile_fresh(const std::shared_ptr<EngineState>& engine,
                                                   std::span<const std::byte> binary, const Hash& hash,
                                                   const CompileOptions& options) {
  // The caller's bytes are the caller's; the module looks at its own.
  const auto owner = std::make_shared<Owner>();
  const wasm::MemoryLimit limit = memory_limit(engine->options, binary);
  if (binary.size() > limit.bytes()) {
    return std::unexpected(limit.exceeded());  // before it is copied
  }
  owner->binary.assign(binary.begin(), binary.end());
  auto module = TRY(wasm::decode_module(owner->binary, limit));
  auto state = std::make_shared<ModuleState>();
  state->engine = engine;
  state->hash = hash;
  state->options = to_code_options(options, module);
  auto compiled = TRY(compile_code(engine->options, owner->binary, module, state->options));
  state->module = std::move(module);
  state->names = wasm::FunctionNames(state->module);
  state->binary = owner->binary;
  state->stack_limit = options.stack_limit;
  set_ledger(*state, options.ledger);
  set_code(*state, std::move(compiled), owner);
  return state;
}

Result<std::shared_ptr<ModuleState>> compile_or_find(const std::shared_ptr<EngineState>& engine,
                                                     std::span<const std::byte> binary, const CompileOptions& options) {
  const artifact::CacheKey key{hash_code(binary), options};
  std::optional<artifact::CodeCache> cache;
  std::string note;
  if (engine->options.cache) {
    if (auto opened = artifact::CodeCache::open(engine->options.cache_directory)) {
      cache = std::move(*opened);
    } else {
      note = std::move(opened.error().message);
    }
  }
  if (cache) {
    auto found = cache->find(key);
    if (found && *found) {
      return to_state(engine, std::move(**found), options, true);
    }
    if (!found) {
      note = std::move(found.error().message);
    }
  }
  auto state = TRY(compile_fresh(engine, binary, key.hash, options));
  if (cache) {
    if (auto stored = cache->store(key, encode(*state), engine->options.cache_bytes); !stored) {
      note += (note.empty() ? "" : "; ") + stored.error().message;
    }
  }
  state->cache_note = std::move(note);
  return state;
}

Result<Module> to_module(Result<std::shared_ptr<ModuleState>> state) {
  if (!state) {
    return std::unexpected(std::move(state.error()));
  }
  return Module(std::move(*state));
}

/// Compiles the modules of a snapshot file.
Result<std::shared_ptr<ModuleState>> load_snapshot(const std::shared_ptr<EngineState>& engine, os::File& file,
                                                   std::vector<std::byte> bytes, const CompileOptions& options) {
  if (auto read = file.read_rest(bytes, artifact::kMaximumSavedBytes); !read) {
    return std::unexpected(std::move(read.error()));
  }
  auto snapshot = TRY(artifact::decode_saved(std::move(bytes), file.path().string()));
  const auto saved = std::make_shared<detail::SavedState>();
  std::shared_ptr<ModuleState> main;
  for (const artifact::SavedInstance& each : snapshot.instances) {
    auto state = compile_or_find(engine, each.binary, options);
    if (!state) {
      return state;
    }
    if (main) {
      saved->modules.push_back(std::move(main));
    }
    main = std::move(*state);
  }
  saved->snapshot = std::move(snapshot);
  main->saved = saved;
  return main;
}

/// The first bytes as a person would want to see them: `"(module"` or `50 4b 03 04`.
std::string show_start(std::span<const std::byte> bytes) {
  const auto start = bytes.first(std::min<std::size_t>(bytes.size(), 8));
  const bool is_text =
      std::ranges::all_of(start, [](std::byte b) { return b >= std::byte{' '} && b < std::byte{0x7F}; });
  if (is_text) {
    std::string text = "\"";
    for (const std::byte b : start) {
      text += static_cast<char>(b);  // printable ASCII
    }
    return text + '"';
  }
  std::string text;
  for (const std::byte b : start) {
    text += fmt::format("{}{:02x}", text.empty() ? "" : " ", std::to_integer<unsigned>(b));
  }
  return text;
}

std::unexpected<Error> not_a_module(const std::filesystem::path& path, std::span<const std::byte> bytes) {
  if (bytes.empty()) {
    return fail(ErrorCode::kMalformed, fmt::format("not a WebAssembly module: {} is empty", path.string()));
  }
  return fail(ErrorCode::kMalformed, fmt::format("not a WebAssembly module: {} starts with {} instead of 00 61 73 6d",
                                                 path.string(), show_start(bytes)));
}

Result<artifact::Loaded> load_artifact(const std::filesystem::path& path, const CompileOptions& options) {
  // What is not asked for may be as it is.
  artifact::Expectation expectation{
      .hash = std::nullopt,
      .card_shift = std::nullopt,
      .marks = options.ledger == Ledger::kAuto ? std::nullopt : std::optional(artifact::has_marks(options.ledger)),
      .explicit_bounds = options.explicit_bounds ? std::optional(true) : std::nullopt,
      .fuel = options.fuel ? std::optional(true) : std::nullopt,
      .canonical_nan = options.canonical_nan ? std::optional(true) : std::nullopt,
      .metered_stack = options.stack_limit != 0 ? std::optional(true) : std::nullopt};
  if (options.card_bytes != 0) {
    expectation.card_shift = static_cast<std::uint32_t>(std::countr_zero(options.card_bytes));  // below 32
  }
  // Opened anew: code is not executed by way of a symbolic link.
  auto file = TRY(os::File::open(path, os::File::Links::kRefuse));
  return artifact::read(file, expectation);
}

Result<Module> load_file(const std::shared_ptr<EngineState>& engine, const std::filesystem::path& path,
                         const CompileOptions& options) {
  auto file = TRY(os::File::open(path, os::File::Links::kFollow));
  auto bytes = TRY(file.read(kMagicBytes));
  if (artifact::has_elf_magic(bytes)) {
    auto loaded = TRY(load_artifact(path, options));
    return to_module(to_state(engine, std::move(loaded), options, false));
  }
  if (artifact::has_snapshot_magic(bytes)) {
    return to_module(load_snapshot(engine, file, std::move(bytes), options));
  }
  if (bytes.size() < kWasmMagic.size() || !std::equal(kWasmMagic.begin(), kWasmMagic.end(), bytes.begin())) {
    return not_a_module(path, bytes);
  }
  if (auto read = file.read_rest(bytes, wasm::limits::kModuleBytes); !read) {
    return std::unexpected(std::move(read.error()));
  }
  return to_module(compile_or_find(engine, bytes, options));
}

}  // namespace

Result<std::shared_ptr<const ModuleState>> detail::ModuleState::foreign_variant() const {
  const std::lock_guard lock(variant_mutex_);
  if (variant_) {
    return variant_;
  }
  auto decoded = TRY(wasm::decode_module(binary));
  auto state = std::make_shared<ModuleState>();
  state->engine = engine;
  state->hash = hash;
  state->options = options;
  state->options.foreign_memory = true;
  state->ledger = ledger;
  state->ledger_reason = ledger_reason;
  state->stack_limit = stack_limit;
  auto compiled = TRY(compile_code(engine->options, binary, decoded, state->options));
  const auto new_owner = std::make_shared<Owner>();
  new_owner->variant_of = owner;
  state->module = std::move(decoded);
  state->names = names;
  state->binary = binary;
  set_code(*state, std::move(compiled), new_owner);
  variant_ = std::move(state);
  return variant_;
}

Engine::Engine(EngineOptions options) : state_(std::make_shared<EngineState>()) {
  state_->options = std::move(options);
  state_->refusal = find_refusal(state_->options);
  detail::install_signal_handlers();
}

Result<Module> Engine::compile(std::span<const std::byte> binary, const CompileOptions& options) const {
  return detail::without_exceptions("a module is compiled or loaded", [&]() -> Result<Module> {
    if (state_->refusal) {
      return std::unexpected(*state_->refusal);
    }
    if (auto good = check_options(options); !good) {
      return std::unexpected(std::move(good.error()));
    }
    return to_module(compile_or_find(state_, binary, options));
  });
}

Result<Module> Engine::load(const std::filesystem::path& path, const CompileOptions& options) const {
  return detail::without_exceptions("a module is compiled or loaded", [&]() -> Result<Module> {
    if (state_->refusal) {
      return std::unexpected(*state_->refusal);
    }
    if (auto good = check_options(options); !good) {
      return std::unexpected(std::move(good.error()));
    }
    return load_file(state_, path, options);
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
    return os::write_file(path, encode(*module.state()).pieces(), kSavedFileMode);
  });
}

std::vector<ImportDescription> Module::imports() const {
  std::vector<ImportDescription> descriptions;
  for (const wasm::Import& import : state_->module.imports) {
    descriptions.push_back({std::string(import.module), std::string(import.name), import.kind(),
                            detail::to_text(detail::type_of(state_->module, import))});
  }
  return descriptions;
}

std::vector<ExportDescription> Module::exports() const {
  std::vector<ExportDescription> descriptions;
  for (const wasm::Export& exported : state_->module.exports) {
    descriptions.push_back({std::string(exported.name), exported.kind,
                            detail::to_text(detail::type_of(state_->module, exported.kind, exported.index))});
  }
  return descriptions;
}

Result<FunctionType> Module::function_type(std::string_view export_name) const {
  return detail::without_exceptions("a function is looked up", [&]() -> Result<FunctionType> {
    std::vector<std::string_view> functions;
    for (const wasm::Export& exported : state_->module.exports) {
      if (exported.kind != ExternalKind::kFunction) {
        continue;
      }
      if (exported.name == export_name) {
        return state_->module.function_type(exported.index);
      }
      functions.push_back(exported.name);
    }
    return fail(ErrorCode::kNotFound,
                fmt::format("the module exports no function \"{}\"{}", wasm::printable_name(export_name),
                            detail::near_matches(export_name, functions)));
  });
}

Hash hash_code(std::span<const std::byte> code) noexcept { return detail::blake2b<std::tuple_size_v<Hash>>(code); }

const Hash& Module::code_hash() const noexcept { return state_->hash; }
Ledger Module::ledger() const noexcept { return state_->ledger; }
const std::string& Module::ledger_reason() const noexcept { return state_->ledger_reason; }
bool Module::from_cache() const noexcept { return state_->from_cache; }
const std::string& Module::cache_note() const noexcept { return state_->cache_note; }

}  // namespace anew
