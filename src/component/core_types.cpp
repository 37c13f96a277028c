// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "component/core_types.hpp"

#include <fmt/format.h>

#include <set>
#include <span>

#include "os/try.hpp"
#include "wasm/subtyping.hpp"

namespace anew::component {
namespace {

ValueType without_index(ValueType type) {
  if (!is_typed_reference(type)) return type;
  return is_nullable(type) ? ValueType::kFuncRef : non_null(ValueType::kFuncRef);
}

bool are_within(const Limits& actual, const Limits& expected) {
  if (actual.minimum < expected.minimum) return false;
  return !expected.maximum || (actual.maximum && *actual.maximum <= *expected.maximum);
}

}  // namespace

std::uint32_t CoreTypes::add(const anew::FunctionType& type) {
  anew::FunctionType plain = type;
  std::vector<std::uint32_t> content;
  content.reserve(type.parameters.size() + type.results.size() + 1);
  content.push_back(static_cast<std::uint32_t>(type.parameters.size()));  // limits::kParameters at most
  for (auto* const types : {&plain.parameters, &plain.results}) {
    for (ValueType& each : *types) {
      each = without_index(each);
      content.push_back(static_cast<std::uint32_t>(each));
    }
  }
  const auto next = static_cast<std::uint32_t>(functions_.size());  // below the number of types in the binary
  const auto [place, is_new] = by_content_.try_emplace(std::move(content), next);
  if (is_new) functions_.push_back(std::make_unique<const anew::FunctionType>(std::move(plain)));
  return place->second;
}

Result<std::uint32_t> CoreTypes::add_module(const wasm::Module& module) {
  std::vector<std::uint32_t> types;
  types.reserve(module.types.size());
  for (const anew::FunctionType& each : module.types) types.push_back(add(each));
  TRY(effort_->take(module.types.size() + module.imports.size() + module.exports.size()));

  const auto item = [&](ExternalKind kind, std::uint32_t index) -> CoreItem {
    switch (kind) {
      case ExternalKind::kFunction: return CoreFunction{types[module.functions[index]]};
      case ExternalKind::kTable: return module.tables[index];
      case ExternalKind::kMemory: return module.memories[index];
      case ExternalKind::kGlobal: return module.globals[index].type;
      default: return CoreTag{types[module.tags[index].type]};
    }
  };
  CoreModuleType type;
  std::array<std::uint32_t, 5> imported = {};  // by kind: imports are first in each index space
  type.imports.reserve(module.imports.size());
  for (const wasm::Import& each : module.imports) {
    const auto kind = static_cast<std::size_t>(each.kind());
    type.imports.push_back({each.module, each.name, item(each.kind(), imported[kind]++)});
  }
  auto exports = std::make_shared<CoreExports>();
  exports->reserve(module.exports.size());
  for (const wasm::Export& each : module.exports) exports->emplace(each.name, item(each.kind, each.index));
  type.exports = std::move(exports);
  return add_module(std::move(type));
}

Result<std::uint32_t> CoreTypes::add_module(CoreModuleType type) {
  std::set<std::pair<std::string_view, std::string_view>> names;
  for (const CoreModuleType::Import& each : type.imports) {
    if (!names.emplace(each.module, each.name).second) {
      return fail(ErrorCode::kInvalid,
                  fmt::format("the core module has a duplicate import name: \"{}\" of \"{}\"", each.name, each.module));
    }
  }
  modules_.push_back(std::move(type));
  return static_cast<std::uint32_t>(modules_.size() - 1);  // below the number of definitions in the binary
}

bool CoreTypes::matches(const CoreItem& actual, const CoreItem& expected) {
  if (actual.index() != expected.index()) return false;
  if (const auto* const table = std::get_if<TableType>(&actual)) {
    const auto& wanted = std::get<TableType>(expected);
    return without_index(table->element) == without_index(wanted.element) && table->is_64 == wanted.is_64 &&
           are_within(table->limits, wanted.limits);
  }
  if (const auto* const memory = std::get_if<MemoryType>(&actual)) {
    const auto& wanted = std::get<MemoryType>(expected);
    return memory->shared == wanted.shared && memory->is_64 == wanted.is_64 &&
           are_within(memory->limits, wanted.limits);
  }
  if (const auto* const global = std::get_if<GlobalType>(&actual)) {
    const auto& wanted = std::get<GlobalType>(expected);
    const ValueType type = without_index(global->type);
    const ValueType wanted_type = without_index(wanted.type);
    return global->is_mutable == wanted.is_mutable &&
           (type == wanted_type ||
            (!global->is_mutable && wasm::is_subtype(std::span<const wasm::TypeDeclaration>(), type, wanted_type)));
  }
  return actual == expected;
}

Result<void> CoreTypes::match_modules(std::uint32_t actual, std::uint32_t expected) {
  const CoreModuleType& module = modules_[actual];
  const CoreModuleType& wanted = modules_[expected];
  TRY(effort_->take(module.imports.size() + wanted.imports.size() + wanted.exports->size()));
  // What is given for imports, and what is asked for of exports: a module may import less and export more.
  std::map<std::pair<std::string_view, std::string_view>, const CoreItem*> given;
  for (const CoreModuleType::Import& each : wanted.imports)
    given.emplace(std::pair(each.module, each.name), &each.item);
  for (const CoreModuleType::Import& each : module.imports) {
    const auto found = given.find({each.module, each.name});
    if (found == given.end() || !matches(*found->second, each.item)) {
      return fail(
          ErrorCode::kInvalid,
          fmt::format("the core module imports \"{}\" of \"{}\", which its expected type has not, or of another "
                      "type",
                      each.name, each.module));
    }
  }
  for (const auto& [name, item] : *wanted.exports) {
    const auto found = module.exports->find(name);
    if (found == module.exports->end() || !matches(found->second, item)) {
      return fail(ErrorCode::kInvalid,
                  fmt::format("the core module does not export \"{}\" of the expected type", name));
    }
  }
  return {};
}

}  // namespace anew::component
