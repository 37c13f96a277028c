// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Any module compiled by the quick tier and run: what validates compiles; calls return or trap, in an instance as new
// and in one that was used and restored alike; and every restore passes its audit. So that calls end, what runs is the
// module with fuel in it (module_edit.hpp): a signal that stops the fuzzer would leave nothing to go on with.
#include <anew/anew.hpp>

#include "any_calls.hpp"
#include "module_edit.hpp"
#include "wasm/decoder.hpp"
#include "wasm/validator.hpp"

namespace {

using namespace anew;
using fuzz::call_all;
using fuzz::check;

bool is_valid(const wasm::Module& module) {
  wasm::FunctionValidator validator(module);
  wasm::NullSink sink;
  bool valid = true;
  for (std::uint32_t i = 0; valid && i < module.bodies.size(); ++i) valid = validator.validate(i, sink).has_value();
  return valid;
}

void run(const Engine& engine, std::span<const std::uint8_t> bytes, const CompileOptions& options) {
  const auto compiled = engine.compile(std::as_bytes(bytes), options);
  if (!compiled && compiled.error().code == ErrorCode::kLimit) return;
  check(compiled.has_value(), "with fuel in it, the module is refused:", compiled ? "" : compiled.error().to_string());
  const auto decoded = wasm::decode_module(std::as_bytes(bytes));
  Linker linker;
  fuzz::define_imports(linker, *decoded);
  const auto pool = Pool::create(*compiled, linker, {.capacity = 1, .audit_every = 1});
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
                               .ledger = (size & 24) != 0 ? Ledger::kCards : Ledger::kCow,
                               .canonical_nan = (size & 96) == 0,
                               .stack_limit = (size & 384) == 0 ? 1'000u : 0u};
  const auto compiled = engine.compile(std::as_bytes(bytes), options);
  // Only the limits on the size of code may tell the two apart.
  const bool limited = !compiled && compiled.error().code == ErrorCode::kLimit;
  check(limited || compiled.has_value() == is_valid(*module),
        "validator and compiler disagree:", compiled ? "compiled" : compiled.error().to_string());
  if (!compiled) return 0;
  if (const auto with_fuel = anew::fuzz::add_fuel(bytes)) run(engine, *with_fuel, options);
  return 0;
}

extern "C" std::size_t LLVMFuzzerCustomMutator(std::uint8_t* data, std::size_t size, std::size_t most, unsigned seed) {
  return anew::fuzz::mutate_module(data, size, most, seed);
}
