// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Any module compiled by the quick tier and run: what validates compiles; calls return or trap, in an instance as new
// and in one that was used and restored alike; and every restore passes its audit. So that calls end, what runs is the
// module with fuel in it (module_edit.hpp): a signal that stops the fuzzer would leave nothing to go on with.
#include <anew/anew.hpp>
#include <cstdio>
#include <cstdlib>

#include "module_edit.hpp"
#include "wasm/decoder.hpp"
#include "wasm/validator.hpp"

namespace {

using namespace anew;

void check(bool holds, const char* what, const std::string& more = {}) {
  if (holds) return;
  std::fprintf(stderr, "anew_fuzz_run: %s %s\n", what, more.c_str());
  std::abort();
}

bool is_valid(const wasm::Module& module) {
  wasm::FunctionValidator validator(module);
  wasm::NullSink sink;
  bool valid = true;
  for (std::uint32_t i = 0; valid && i < module.bodies.size(); ++i) valid = validator.validate(i, sink).has_value();
  return valid;
}

/// Defines whatever the module imports. Functions give zeros; the fuzzer has nothing to say about them.
Linker make_linker(const wasm::Module& module) {
  Linker linker;
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
      linker.define_global(import.module, import.name, Value{global->type, 0});
    }
  }
  return linker;
}

/// Arguments out of the module's own bytes; references are null.
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

/// Calls every export in one instance, until a trap, then goes on in another.
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

void run(const Engine& engine, std::span<const std::uint8_t> bytes, const CompileOptions& options) {
  const auto compiled = engine.compile(std::as_bytes(bytes), options);
  if (!compiled && compiled.error().code == ErrorCode::kLimit) return;
  check(compiled.has_value(), "with fuel in it, the module is refused:", compiled ? "" : compiled.error().to_string());
  const auto decoded = wasm::decode_module(std::as_bytes(bytes));
  const auto pool = Pool::create(*compiled, make_linker(*decoded), {.capacity = 1, .audit_every = 1});
  if (!pool) return;
  const std::string first = call_all(*pool, *compiled, bytes);
  const std::string second = call_all(*pool, *compiled, bytes);
  check(first == second, "a restored instance differs:\n", first + "--- then\n" + second);
  check(pool->statistics().audit_failures == 0, "audit:", pool->audit_report());
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static const Engine engine({.compile_threads = 1, .cache = false});
  const auto bytes = std::span(data, size);
  const auto module = wasm::decode_module(std::as_bytes(bytes));
  if (!module) return 0;
  // The module's own bytes choose the settings, so that the corpus alone says what happens. Mostly the largest cards:
  // an audit scans the whole table, which is eight times longer with the smallest.
  const CompileOptions options{.card_bytes = (size & 7) < 3 ? 512u << (size & 7) : 4096u,
                               .ledger = (size & 24) != 0 ? Ledger::kCards : Ledger::kCow};
  const auto compiled = engine.compile(std::as_bytes(bytes), options);
  // Only the limits on the size of code may tell the two apart.
  const bool limited = !compiled && compiled.error().code == ErrorCode::kLimit;
  check(limited || compiled.has_value() == is_valid(*module),
        "validator and compiler disagree:", compiled ? "compiled" : compiled.error().to_string());
  if (!compiled) return 0;
  if (const auto with_fuel = anew::fuzz::add_fuel(bytes)) run(engine, *with_fuel, options);
  return 0;
}
