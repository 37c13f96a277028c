// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "host/substrate/runtime_pool.hpp"

#include <fmt/format.h>

#include <memory>
#include <utility>
#include <variant>

#include "host/substrate/heap_base.hpp"
#include "host/substrate/host_functions.hpp"
#include "host/substrate/version.hpp"
#include "os/try.hpp"
#include "runtime/linked_module.hpp"
#include "runtime/module_state.hpp"
#include "wasm/decoder.hpp"

namespace anew::substrate {
namespace {

/// Defines the imported memory just as the module asks for it: the heap pages are added when the pool is made.
void define_imported_memory(Linker& linker, const wasm::Module& module) {
  for (const wasm::Import& import : module.imports)
    if (const auto* memory = std::get_if<MemoryType>(&import.type); memory != nullptr && import.module == "env")
      linker.define_memory(import.module, import.name, memory->limits);
}

Result<Linker> prepare(const Module& module, const RuntimeOptions& options, VersionReader read_version,
                       PoolOptions& pool_options) {
  const wasm::Module& content = module.state()->module;
  const auto heap_base = TRY(find_heap_base(content));

  constexpr std::uint64_t kMaximumPages = 65'536;  // of a 32-bit memory
  const std::uint64_t maximum_pages =
      options.grow_heap ? content.memories[0].limits.maximum.value_or(kMaximumPages) : 0;
  pool_options.capacity = options.capacity;
  pool_options.audit_every = options.audit_every;

  Linker linker;
  *linker.state() = *options.functions.state();  // a copy of a Linker would share them
  linker.define_state<InstanceState>(
      [base = heap_base.address, maximum_pages] {
        return InstanceState{FreeingBumpHeap(base), maximum_pages, nullptr, std::string()};
      },
      &InstanceState::reset);
  define_host_functions(linker, options, std::move(read_version));
  define_imported_memory(linker, content);
  return linker;
}

/// Code that does not carry its version is compiled to be asked for it, in the midst of a call. Such is from before
/// 2021, and half as large.
constexpr std::size_t kMaximumAskedBytes = 8u << 20;

/// The version of some code, encoded: embedded, or asked for in an instance that is made for it and goes with it. Ends
/// when the call that asks is to end.
Result<Bytes> read_version_of(const Engine& engine, BytesView code, RuntimeOptions options) {
  const auto binary = TRY(decompress_code(code));
  const auto decoded =
      TRY(wasm::decode_module(binary, wasm::MemoryLimit(binary.size(), UINT64_MAX), engine.state()->options.features));
  const auto embedded = TRY(read_embedded_version(decoded, binary));
  if (embedded) return encode_version(*embedded);
  if (binary.size() > kMaximumAskedBytes) {
    return fail(ErrorCode::kLimit, fmt::format("code of {} bytes without its version in a custom section is not asked "
                                               "for it: the limit is {}",
                                               binary.size(), kMaximumAskedBytes));
  }
  const auto module = TRY(engine.compile(binary, runtime_compile_options()));

  options.capacity = 1;
  options.audit_every = 0;
  PoolOptions pool_options;
  pool_options.snapshot.extra_memory_pages = options.heap_pages;
  // Only once deep: a runtime that is asked for its version cannot ask another one.
  const auto linker = TRY(prepare(module, options, {}, pool_options));
  auto pool = TRY(Pool::create(module, linker, std::move(pool_options)));
  return Runtime(std::move(pool)).call("Core_version", {});
}

}  // namespace

CompileOptions runtime_compile_options(Tier tier) noexcept {
  // A runtime's memory gets 128 MiB of heap by default: with large cards its card table stays quick to scan.
  return {.card_bytes = 4096, .tier = tier};
}

Result<Linker> prepare_runtime(const Module& module, const RuntimeOptions& options, PoolOptions& pool_options) {
  // Guests have any code compiled so: it must not push out of the cache on disk what is there, nor take all cores.
  const Engine uncached(
      EngineOptions{.compile_threads = 1, .cache = false, .features = module.state()->engine->options.features});
  return prepare(
      module, options, [uncached, options](BytesView code) { return read_version_of(uncached, code, options); },
      pool_options);
}

}  // namespace anew::substrate
