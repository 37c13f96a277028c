// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Calls: through a typed handle, by name, with values whose types are known at run time only; and what comes back when
// a call cannot be made or traps.
#include <anew/anew.hpp>
#include <array>
#include <cstdint>
#include <cstdio>
#include <tuple>

namespace {

/// Two leases, one after the other: the second sees nothing of the first.
anew::Result<void> count(const anew::Pool& pool) {
  const auto next = pool.function<std::uint32_t()>("next");  // looked up and type-checked once
  if (!next) return std::unexpected(next.error());
  for (const char* name : {"an instance:", "another:    "}) {
    auto lease = pool.acquire();  // an instance as new
    if (!lease) return std::unexpected(lease.error());
    std::printf("%s", name);
    for (int i = 0; i < 3; ++i) {
      const auto value = lease->call(*next);
      if (!value) return std::unexpected(value.error());
      std::printf(" %u", *value);
    }
    std::printf("\n");
  }  // given back: restored here
  return {};
}

/// By name, without a handle.
anew::Result<void> call_by_name(const anew::Pool& pool) {
  auto lease = pool.acquire();
  if (!lease) return std::unexpected(lease.error());
  const auto one = lease->call<std::uint32_t>("next");
  if (!one) return std::unexpected(one.error());
  std::printf("by name: %u\n", *one);

  const std::array arguments = {anew::Value::i32(17), anew::Value::i32(5)};
  const auto results = lease->call_values("divide", arguments);  // a vector: there are two
  if (!results) return std::unexpected(results.error());
  std::printf("17 by 5: %s, remainder %s\n", anew::to_string((*results)[0]).c_str(),
              anew::to_string((*results)[1]).c_str());

  const auto parts = lease->call<std::tuple<int, int>>("divide", 16, 3);  // two results
  if (!parts) return std::unexpected(parts.error());
  const auto [quotient, remainder] = *parts;
  std::printf("16 by 3: %d, remainder %d\n", quotient, remainder);

  const auto calls = lease->global("calls");
  if (!calls) return std::unexpected(calls.error());
  std::printf("the global: %s\n", anew::to_string(*calls).c_str());
  return {};
}

/// What is wrong is an Error, whose message says what to do.
anew::Result<void> fail_in_many_ways(const anew::Pool& pool) {
  auto lease = pool.acquire();
  if (!lease) return std::unexpected(lease.error());
  const auto missing = lease->call<std::uint32_t>("nex");
  if (!missing) std::printf("%s: %s\n", anew::to_string(missing.error().code), missing.error().message.c_str());
  const auto other_type = lease->call<double>("next");
  if (!other_type)
    std::printf("%s: %s\n", anew::to_string(other_type.error().code), other_type.error().message.c_str());

  const std::array by_zero = {anew::Value::i32(1), anew::Value::i32(0)};
  const auto divided = lease->call_values("divide", by_zero);
  if (!divided && divided.error().trap == anew::TrapKind::kIntegerDivideByZero)
    std::printf("%s\n", divided.error().to_string().c_str());  // with the backtrace, innermost frame first
  lease->release();  // what a trap leaves is nobody's to use; the next lease is as new
  return {};
}

anew::Result<void> run(const char* path) {
  const anew::Engine engine;
  const auto module = engine.load(path);
  if (!module) return std::unexpected(module.error());
  for (const auto& each : module->exports()) std::printf("%s: %s\n", each.name.c_str(), each.type.c_str());

  const anew::Linker linker;  // the module imports nothing
  const auto pool = anew::Pool::create(*module, linker, {.capacity = 1});
  if (!pool) return std::unexpected(pool.error());
  if (auto done = count(*pool); !done) return done;
  if (auto done = call_by_name(*pool); !done) return done;
  if (auto done = fail_in_many_ways(*pool); !done) return done;
  return count(*pool);  // after a trap, too
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 2) {
    std::fprintf(stderr, "usage: call MODULE\n");
    return 64;
  }
  const auto done = run(argv[1]);
  if (!done) std::fprintf(stderr, "call: %s\n", done.error().to_string().c_str());
  return done ? 0 : 1;
}
