// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Engines and modules for C.
#include <fmt/format.h>

#include <anew/version.hpp>
#include <chrono>
#include <cstring>
#include <variant>

#include "c/objects.hpp"
#include "runtime/engine_options.hpp"
#include "runtime/type_text.hpp"

namespace anew::c {
namespace {

Result<EngineOptions> to_engine_options(const anew_engine_options_t& options, CallbackData progress_data) {
  EngineOptions made;
  made.compile_threads = options.compile_threads;
  made.cache = !options.no_cache;
  made.cache_directory = text(options.cache_directory);
  if (options.cache_bytes != 0) made.cache_bytes = options.cache_bytes;
  if (options.maximum_compile_bytes != 0) made.maximum_compile_bytes = options.maximum_compile_bytes;
  if (options.stack_bytes != 0) made.stack_bytes = options.stack_bytes;
  if (options.features.size != 0) {
    auto features = TRY(Features::parse(text(options.features)));
    made.features = features;
  }
  if (options.progress != nullptr) {
    made.progress = [data = std::make_shared<const CallbackData>(std::move(progress_data)),
                     progress = options.progress](std::uint32_t done, std::uint32_t all) {
      progress(data->get(), done, all);
    };
  }
  if (auto refusal = anew::detail::find_refusal(made)) return std::unexpected(std::move(*refusal));
  return made;
}

/// "mvp,sign-extension"
std::string list_of(Features features) {
  std::string list = "mvp";
  for (const Feature each : features.list()) list += std::string(",") + to_string(each);
  return list;
}

void set_limits(anew_item_t& item, const Limits& limits, bool is_64) {
  item.minimum = limits.minimum;
  item.has_maximum = limits.maximum.has_value();
  item.maximum = limits.maximum.value_or(0);
  item.is_64 = is_64;
}

Item make_item(std::string_view module, std::string_view name, ExternalKind kind, const detail::ExternalType& type) {
  Item made = {std::string(module), std::string(name), detail::to_text(type), {}, {}};
  made.item.kind = static_cast<anew_kind_t>(kind);  // both are the binary format's
  if (const auto* const function = std::get_if<FunctionType>(&type)) {
    made.function = FunctionTypeText(*function);
  } else if (const auto* const tag = std::get_if<detail::TagType>(&type)) {
    made.function = FunctionTypeText(tag->type);
  } else if (const auto* const table = std::get_if<TableType>(&type)) {
    made.item.value_type = detail::number(table->element);
    set_limits(made.item, table->limits, table->is_64);
  } else if (const auto* const memory = std::get_if<MemoryType>(&type)) {
    set_limits(made.item, memory->limits, memory->is_64);
    made.item.is_shared = memory->shared;
  } else if (const auto* const global = std::get_if<GlobalType>(&type)) {
    made.item.value_type = detail::number(global->type);
    made.item.is_mutable = global->is_mutable;
  }
  return made;
}

/// With the pointers, once the items stay where they are.
std::unique_ptr<const std::vector<Item>> finish(std::vector<Item> items) {
  auto kept = std::make_unique<std::vector<Item>>(std::move(items));
  for (Item& each : *kept) {
    each.item.module = each.module.c_str();
    each.item.module_size = each.module.size();
    each.item.name = each.name.c_str();
    each.item.name_size = each.name.size();
    each.item.type = each.type.c_str();
    each.item.function = each.function.view();
  }
  return kept;
}

std::unique_ptr<const std::vector<Item>> imports_of(const wasm::Module& module) {
  std::vector<Item> items;
  for (const wasm::Import& import : module.imports)
    items.push_back(make_item(import.module, import.name, import.kind(), detail::type_of(module, import)));
  return finish(std::move(items));
}

std::unique_ptr<const std::vector<Item>> exports_of(const wasm::Module& module) {
  std::vector<Item> items;
  for (const wasm::Export& each : module.exports)
    items.push_back(make_item({}, each.name, each.kind, detail::type_of(module, each.kind, each.index)));
  return finish(std::move(items));
}

/// One of the items, which `make` makes when they are first asked for.
Result<void> copy_item(std::mutex& mutex, std::unique_ptr<const std::vector<Item>>& items, auto&& make,
                       std::size_t index, anew_item_t* item) {
  {
    const std::lock_guard lock(mutex);
    if (!items) items = make();
  }
  if (index >= items->size())
    return fail(ErrorCode::kNotFound, fmt::format("there is no item {}; there are {}", index, items->size()));
  return fill_struct(item, (*items)[index].item);
}

}  // namespace
}  // namespace anew::c

anew_module_t::anew_module_t(anew::Module made)
    : module(std::move(made)), features(anew::c::list_of(module.features())) {}

using namespace anew;  // NOLINT: the functions below are C's

extern "C" {

uint32_t anew_version(void) { return ANEW_VERSION; }
const char* anew_version_string(void) { return ANEW_VERSION_STRING; }

int64_t anew_deadline_after(uint64_t nanoseconds) {
  const std::int64_t now = std::chrono::nanoseconds(std::chrono::steady_clock::now().time_since_epoch()).count();
  // The clock counts from the system's start, so the difference is positive.
  return nanoseconds >= static_cast<std::uint64_t>(ANEW_NO_DEADLINE - now)
             ? ANEW_NO_DEADLINE
             : now + static_cast<std::int64_t>(nanoseconds);
}

anew_error_t* anew_engine_new(const anew_engine_options_t* options, anew_engine_t** out) {
  anew_engine_options_t known = {};
  anew_error_t* const unreadable = c::read_callback_options(options, known);
  c::CallbackData progress_data(known.progress_data, known.progress_finalize);
  if (unreadable != nullptr) {
    if (out != nullptr) *out = nullptr;
    return unreadable;
  }
  ANEW_OUT(out);
  return c::guarded("an engine is made", [&]() -> Result<void> {
    auto made = TRY(c::to_engine_options(known, std::move(progress_data)));
    *out = new anew_engine_t(std::move(made));
    return {};
  });
}

void anew_engine_delete(anew_engine_t* engine) {
  if (!c::is_missing(engine, __func__)) delete engine;
}

anew_error_t* anew_engine_compile(const anew_engine_t* engine, const void* binary, size_t size,
                                  const anew_compile_options_t* options, anew_module_t** out) {
  ANEW_OUT(out);
  ANEW_NOT_NULL(engine);
  ANEW_NOT_NULL(binary);
  return c::guarded("a module is compiled", [&]() -> Result<void> {
    const auto compile_options = TRY(c::to_compile_options(options));
    auto module = TRY(engine->engine.compile(c::bytes(binary, size), compile_options));
    *out = new anew_module_t(std::move(module));
    return {};
  });
}

anew_error_t* anew_engine_load(const anew_engine_t* engine, const char* path, size_t path_size,
                               const anew_compile_options_t* options, anew_module_t** out) {
  ANEW_OUT(out);
  ANEW_NOT_NULL(engine);
  ANEW_NOT_NULL(path);
  return c::guarded("a module is loaded", [&]() -> Result<void> {
    const auto compile_options = TRY(c::to_compile_options(options));
    auto module = TRY(engine->engine.load(c::text(path, path_size), compile_options));
    *out = new anew_module_t(std::move(module));
    return {};
  });
}

anew_error_t* anew_engine_save(const anew_engine_t* engine, const anew_module_t* module, const char* path,
                               size_t path_size) {
  ANEW_NOT_NULL(engine);
  ANEW_NOT_NULL(module);
  ANEW_NOT_NULL(path);
  return c::guarded("a module is saved", [&] { return engine->engine.save(module->module, c::text(path, path_size)); });
}

anew_error_t* anew_code_hash(const void* code, size_t size, uint8_t hash[32]) {
  ANEW_NOT_NULL(code);
  ANEW_NOT_NULL(hash);
  const Hash made = hash_code(c::bytes(code, size));
  std::memcpy(hash, made.data(), made.size());
  return nullptr;
}

void anew_module_delete(anew_module_t* module) {
  if (!c::is_missing(module, __func__)) delete module;
}

anew_error_t* anew_module_copy(const anew_module_t* module, anew_module_t** out) {
  ANEW_OUT(out);
  ANEW_NOT_NULL(module);
  return c::guarded("a module is copied", [&]() -> Result<void> {
    *out = new anew_module_t(module->module);
    return {};
  });
}

size_t anew_module_import_count(const anew_module_t* module) {
  return c::is_missing(module, __func__) ? 0 : module->module.state()->module.imports.size();
}

size_t anew_module_export_count(const anew_module_t* module) {
  return c::is_missing(module, __func__) ? 0 : module->module.state()->module.exports.size();
}

anew_error_t* anew_module_import(const anew_module_t* module, size_t index, anew_item_t* item) {
  ANEW_NOT_NULL(module);
  ANEW_NOT_NULL(item);
  return c::guarded("an import is described", [&] {
    return c::copy_item(
        module->mutex, module->imports, [&] { return c::imports_of(module->module.state()->module); }, index, item);
  });
}

anew_error_t* anew_module_export(const anew_module_t* module, size_t index, anew_item_t* item) {
  ANEW_NOT_NULL(module);
  ANEW_NOT_NULL(item);
  return c::guarded("an export is described", [&] {
    return c::copy_item(
        module->mutex, module->exports, [&] { return c::exports_of(module->module.state()->module); }, index, item);
  });
}

const char* anew_module_features(const anew_module_t* module) {
  return c::is_missing(module, __func__) ? "" : module->features.c_str();
}

anew_ledger_t anew_module_ledger(const anew_module_t* module) {
  return static_cast<anew_ledger_t>(c::is_missing(module, __func__) ? Ledger::kAuto : module->module.ledger());
}

const char* anew_module_ledger_reason(const anew_module_t* module) {
  return c::is_missing(module, __func__) ? "" : module->module.ledger_reason().c_str();
}

anew_error_t* anew_module_code_hash(const anew_module_t* module, uint8_t hash[32]) {
  ANEW_NOT_NULL(module);
  ANEW_NOT_NULL(hash);
  std::memcpy(hash, module->module.code_hash().data(), module->module.code_hash().size());
  return nullptr;
}

bool anew_module_from_cache(const anew_module_t* module) {
  return !c::is_missing(module, __func__) && module->module.from_cache();
}

const char* anew_module_cache_note(const anew_module_t* module) {
  return c::is_missing(module, __func__) ? "" : module->module.cache_note().c_str();
}
uint32_t anew_module_optimized_functions(const anew_module_t* module) {
  return c::is_missing(module, __func__) ? 0 : module->module.optimized_functions();
}

}  // extern "C"
