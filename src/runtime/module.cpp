// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// What a module tells of itself.
#include <fmt/format.h>

#include <anew/engine.hpp>
#include <string_view>
#include <vector>

#include "runtime/blake2b.hpp"
#include "runtime/module_state.hpp"
#include "runtime/near_match.hpp"
#include "runtime/type_text.hpp"
#include "runtime/without_exceptions.hpp"
#include "wasm/printable.hpp"

namespace anew {

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
      if (exported.kind != ExternalKind::kFunction) continue;
      if (exported.name == export_name) return state_->module.function_type(exported.index);
      functions.push_back(exported.name);
    }
    return fail(ErrorCode::kNotFound,
                fmt::format("the module exports no function \"{}\"{}", wasm::printable_name(export_name),
                            detail::near_matches(export_name, functions)));
  });
}

Hash hash_code(std::span<const std::byte> code) noexcept { return detail::blake2b<std::tuple_size_v<Hash>>(code); }

Features Module::features() const noexcept { return state_->module.features; }
const Hash& Module::code_hash() const noexcept { return state_->hash; }
Ledger Module::ledger() const noexcept { return state_->ledger; }
const std::string& Module::ledger_reason() const noexcept { return state_->ledger_reason; }
bool Module::from_cache() const noexcept { return state_->from_cache; }
const std::string& Module::cache_note() const noexcept { return state_->cache_note; }
std::uint32_t Module::optimized_functions() const noexcept {
  return state_->tier_up != nullptr ? state_->tier_up->optimized() : state_->optimization.optimized;
}
Optimization Module::optimization() const {
  return state_->tier_up != nullptr ? state_->tier_up->statistics() : state_->optimization;
}

}  // namespace anew
