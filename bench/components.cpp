// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// What a component's call costs beside that of the core function which it lifts, alone and as new; and what strings
// cost that go through the host or from one component to another.
#include <anew/component/component.hpp>
#include <string>

#include "pool/pool_state.hpp"
#include "support.hpp"

namespace anew::bench {
namespace {

constexpr std::size_t kRounds = 1001;
constexpr std::size_t kRepeat = 100;

[[nodiscard]] component::Pool make_pool(const Engine& engine, const std::string& name,
                                        const component::Linker& linker) {
  const auto component =
      value_or_exit(component::Component::load(engine, std::string(ANEW_COMPONENTS "/") + name + ".wasm"), name);
  return value_or_exit(component::Pool::create(component, linker), name);
}

void print(const char* what, const Pair& pair) {
  fmt::print("{:<44}{:>9.1f}{:>9.1f}{:>9.1f}\n", what, pair.subject, pair.floor, pair.subject - pair.floor);
}

void run() {
  const Engine engine({.cache = false});
  const component::Pool pool = make_pool(engine, "add", component::Linker());
  const component::Function add = value_or_exit(pool.function("add"), "add");
  // The same core module by itself.
  const Module module(pool.core().state()->linked().module);
  const Pool core_pool = value_or_exit(Pool::create(module, Linker()), "core");
  const auto core_add = value_or_exit(core_pool.function<std::int32_t(std::int32_t, std::int32_t)>("add"), "core add");

  fmt::print("ns a call (medians)                         {:>9}{:>9}{:>9}\n", "lifted", "core", "more");
  component::Lease lease = value_or_exit(pool.acquire(), "acquire");
  Lease core_lease = value_or_exit(core_pool.acquire(), "acquire");
  print("add(s32, s32) -> s32",
        measure_in_turn(
            kRounds, kRepeat, [&] { keep_success(lease.call(add, {std::int32_t{40}, std::int32_t{2}})); },
            [&] { keep_success(core_lease.call(core_add, 40, 2)); }));
  print("the same, as new", measure_in_turn(
                                kRounds, kRepeat,
                                [&] {
                                  component::Lease own = value_or_exit(pool.acquire(), "acquire");
                                  keep_success(own.call(add, {std::int32_t{40}, std::int32_t{2}}));
                                },
                                [&] {
                                  Lease own = value_or_exit(core_pool.acquire(), "acquire");
                                  keep_success(own.call(core_add, 40, 2));
                                }));

  component::Linker linker;
  linker.define("test:host/log@0.1.0", "log",
                [](component::Caller&, component::Values) -> Result<component::Value> { return component::Value(); });
  linker.define("test:host/log@0.1.0", "lines",
                [](component::Caller&, component::Values) -> Result<component::Value> { return component::Values(); });
  const component::Pool greeting = make_pool(engine, "greet", linker);
  const component::Function greet = value_or_exit(greeting.function("greet"), "greet");
  const component::Pool composed = make_pool(engine, "composed", component::Linker());
  const component::Function shift = value_or_exit(composed.function("test:composed/api#shift-twice"), "shift-twice");
  for (const std::size_t size : {std::size_t{10}, std::size_t{1000}}) {
    const component::Value text = std::string(size, 'x');
    const Pair strings = measure_in_turn(
        kRounds, kRepeat / 10,
        [&] {
          component::Lease own = value_or_exit(greeting.acquire(), "acquire");
          if (!own.call(greet, {text})) std::exit(1);
        },
        [&] { benchmark::DoNotOptimize(value_or_exit(greeting.acquire(), "acquire")); });
    fmt::print("as new, a string of {:>4} in, to the host, out: {:>8.0f} ns\n", size, strings.subject);
    const Pair between = measure_in_turn(
        kRounds, kRepeat / 10,
        [&] {
          component::Lease own = value_or_exit(composed.acquire(), "acquire");
          if (!own.call(shift, {text})) std::exit(1);
        },
        [&] { benchmark::DoNotOptimize(value_or_exit(composed.acquire(), "acquire")); });
    fmt::print("as new, in, twice to another component, out: {:>10.0f} ns\n", between.subject);
  }
}

}  // namespace
}  // namespace anew::bench

int main() { anew::bench::run(); }
