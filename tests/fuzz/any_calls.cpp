// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "any_calls.hpp"

#include <cstdio>
#include <cstdlib>
#include <optional>
#include <variant>
#include <vector>

namespace anew::fuzz {
namespace {

constexpr std::uint64_t kFuelOfALease = 20'000;

std::vector<Value> make_arguments(const FunctionType& type, std::span<const std::uint8_t> bytes, std::size_t& at) {
  std::vector<Value> values;
  for (const ValueType parameter : type.parameters) {
    std::uint64_t bits = 0;
    for (int i = 0; i < 8; ++i) bits = bits << 8 | bytes[at++ % bytes.size()];
    if (parameter == ValueType::kI32 || parameter == ValueType::kF32) bits = static_cast<std::uint32_t>(bits);
    Value value;
    value.type = parameter;
    value.bits = is_reference(parameter) ? 0 : bits;
    values.push_back(value);
  }
  return values;
}

}  // namespace

void check(bool holds, const char* what, const std::string& more) {
  if (holds) return;
  std::fprintf(stderr, "anew_fuzz: %s %s\n", what, more.c_str());
  std::abort();
}

void define_imports(Linker& linker, const wasm::Module& module) {
  for (const wasm::Import& import : module.imports) {
    if (const auto* const type = std::get_if<std::uint32_t>(&import.type)) {
      linker.define(import.module, import.name, module.types[*type], [](Caller, std::span<std::uint64_t> slots) {
        for (std::uint64_t& slot : slots) slot = 0;
        return Result<void>{};
      });
    } else if (const auto* const table = std::get_if<TableType>(&import.type)) {
      linker.define_table(import.module, import.name, *table);
    } else if (const auto* const memory = std::get_if<MemoryType>(&import.type)) {
      linker.define_memory(import.module, import.name, memory->limits);
    } else if (const auto* const global = std::get_if<GlobalType>(&import.type)) {
      linker.define_global(import.module, import.name, Value{global->type, 0},
                           global->is_mutable ? Mutability::kMutable : Mutability::kImmutable);
    }
  }
}

std::string call_all(const Pool& pool, const Module& module, std::span<const std::uint8_t> bytes) {
  std::string outcomes;
  std::size_t at = 0;
  std::optional<Lease> lease;
  for (const ExportDescription& description : module.exports()) {
    if (description.kind != ExternalKind::kFunction) continue;
    if (!lease) {
      auto next = pool.acquire();
      if (!next) return outcomes + next.error().message;
      lease = std::move(*next);
      lease->set_fuel(kFuelOfALease);
    }
    const auto type = module.function_type(description.name);
    check(type.has_value(), "an export has no type:", description.name);
    const auto results = lease->call_values(description.name, make_arguments(*type, bytes, at));
    if (!results) {
      outcomes += "trap " + std::to_string(static_cast<int>(results.error().trap)) + "\n";
      lease.reset();
      continue;
    }
    for (const Value& value : *results) {
      // What a reference's bits are depends on the cell.
      outcomes += is_reference(value.type) ? (value.bits == 0 ? "null " : "reference ") : to_string(value) + " ";
    }
    outcomes += "\n";
  }
  return outcomes;
}

}  // namespace anew::fuzz
