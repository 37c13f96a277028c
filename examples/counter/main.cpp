// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// A counter in WebAssembly, called in instances as new: each starts at 0, whatever the one before counted.
#include <anew/anew.hpp>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <span>

namespace {

/// counter.wat, as wat2wasm translates it.
constexpr unsigned char kCounter[] = {
    0x00, 0x61, 0x73, 0x6d, 0x01, 0x00, 0x00, 0x00, 0x01, 0x05, 0x01, 0x60, 0x00, 0x01, 0x7f, 0x02, 0x0c, 0x01,
    0x03, 0x65, 0x6e, 0x76, 0x04, 0x73, 0x74, 0x65, 0x70, 0x00, 0x00, 0x03, 0x02, 0x01, 0x00, 0x05, 0x03, 0x01,
    0x00, 0x01, 0x07, 0x08, 0x01, 0x04, 0x6e, 0x65, 0x78, 0x74, 0x00, 0x01, 0x0a, 0x16, 0x01, 0x14, 0x00, 0x41,
    0x00, 0x41, 0x00, 0x28, 0x02, 0x00, 0x10, 0x00, 0x6a, 0x36, 0x02, 0x00, 0x41, 0x00, 0x28, 0x02, 0x00, 0x0b};

/// Leases an instance, counts to three in it, and gives it back.
anew::Result<void> count(const anew::Pool& pool, const char* name) {
  const auto next = pool.function<std::uint32_t()>("next");
  if (!next) return std::unexpected(next.error());
  auto lease = pool.acquire();
  if (!lease) return std::unexpected(lease.error());
  std::printf("%s", name);
  for (int i = 0; i < 3; ++i) {
    const auto value = lease->call(*next);
    if (!value) return std::unexpected(value.error());
    std::printf(" %u", *value);
  }
  std::printf("\n");
  return {};
}

anew::Result<void> run() {
  const anew::Engine engine;
  const auto module = engine.compile(std::as_bytes(std::span(kCounter)));
  if (!module) return std::unexpected(module.error());
  anew::Linker linker;
  linker.define("env", "step", [] { return std::uint32_t{1}; });
  const auto pool = anew::Pool::create(*module, linker, {.capacity = 1});
  if (!pool) return std::unexpected(pool.error());
  if (auto counted = count(*pool, "an instance:"); !counted) return counted;
  return count(*pool, "another:    ");
}

}  // namespace

int main() {
  const auto done = run();
  if (!done) std::fprintf(stderr, "counter: %s\n", done.error().to_string().c_str());
  return done ? 0 : 1;
}
