// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Calls into a Substrate runtime (Polkadot specification, "Runtime environment"): the SCALE-encoded arguments are
// copied into the guest's heap, the entry point receives (address, length) and returns address and length of its
// result.
#include <fmt/format.h>

#include <anew/substrate.hpp>
#include <memory>
#include <variant>

#include "host/substrate/host_functions.hpp"
#include "runtime/module_state.hpp"

namespace anew::substrate {
namespace {

/// A runtime's memory gets 128 MiB of heap by default: with large cards its card table stays quick to scan.
constexpr std::uint32_t kCardBytes = 4096;

/// The value of the exported global `__heap_base`, where the linker says that static data ends.
Result<std::uint32_t> find_heap_base(const wasm::Module& module) {
  for (const wasm::Export& item : module.exports) {
    if (item.name != "__heap_base") continue;
    if (item.kind != ExternalKind::kGlobal) break;
    const wasm::Global& global = module.globals[item.index];
    if (global.type != GlobalType{ValueType::kI32, false} || global.initializer.size() != 1 ||
        global.initializer[0].op != wasm::Op::kI32Const) {
      break;
    }
    return static_cast<std::uint32_t>(global.initializer[0].immediate);  // an i32's bits are the low 32
  }
  return fail(
      ErrorCode::kLink,
      "the runtime does not export `__heap_base` as an immutable i32 global with a constant value, so it is not "
      "known where its heap begins; link it with `--export=__heap_base`");
}

/// Defines the imported memory just as the module asks for it: the heap pages are added when the pool is made.
void define_imported_memory(Linker& linker, const wasm::Module& module) {
  for (const wasm::Import& import : module.imports) {
    if (const auto* memory = std::get_if<MemoryType>(&import.type); memory != nullptr && import.module == "env") {
      linker.define_memory(import.module, import.name, memory->limits);
    }
  }
}

/// Compiles the code and makes its pool, linked to the host functions.
Result<std::pair<Module, Pool>> make_pool(const Engine& engine, std::span<const std::byte> code,
                                          const RuntimeOptions& options, VersionReader read_version) {
  const Result<Bytes> binary = decompress_code(code);
  if (!binary) return std::unexpected(binary.error());
  Result<Module> compiled = engine.compile(*binary, {.card_bytes = kCardBytes});
  if (!compiled) return std::unexpected(std::move(compiled.error()));
  const wasm::Module& module = compiled->state()->module;
  if (module.memories.empty()) return fail(ErrorCode::kLink, "the runtime neither has nor imports a memory");
  const Result<std::uint32_t> heap_base = find_heap_base(module);
  if (!heap_base) return std::unexpected(heap_base.error());

  Linker linker;
  define_host_functions(linker, options, std::move(read_version));
  define_imported_memory(linker, module);

  constexpr std::uint64_t kMostPages = 65'536;  // of a 32-bit memory
  const std::uint64_t maximum_pages = options.grow_heap ? module.memories[0].limits.maximum.value_or(kMostPages) : 0;
  PoolOptions pool_options;
  pool_options.capacity = options.capacity;
  pool_options.snapshot.extra_memory_pages = options.heap_pages;
  pool_options.audit_every = options.audit_every;
  pool_options.make_host_state = [base = *heap_base, maximum_pages] {
    return HostState{std::make_shared<InstanceState>(FreeingBumpHeap(base), maximum_pages),
                     // The pointer is to the InstanceState made here.
                     [](void* state) { static_cast<InstanceState*>(state)->heap.reset(); }};
  };
  Result<Pool> pool = Pool::create(*compiled, linker, std::move(pool_options));
  if (!pool) return std::unexpected(std::move(pool.error()));
  return std::pair{std::move(*compiled), std::move(*pool)};
}

}  // namespace

Result<Runtime> Runtime::create(const Engine& engine, std::span<const std::byte> code, RuntimeOptions options) {
  // Only once deep: a runtime that is asked for its version cannot ask another one.
  VersionReader read_version = [engine, options](std::span<const std::byte> other_code) -> Result<Bytes> {
    RuntimeOptions other_options = options;
    other_options.capacity = 1;
    auto made = make_pool(engine, other_code, other_options, {});
    if (!made) return std::unexpected(std::move(made.error()));
    return Runtime(std::move(made->first), std::move(made->second)).call("Core_version", {});
  };
  auto made = make_pool(engine, code, options, std::move(read_version));
  if (!made) return std::unexpected(std::move(made.error()));
  return Runtime(std::move(made->first), std::move(made->second));
}

Result<Method> Runtime::method(std::string_view name) const {
  auto entry = pool_.function<std::uint64_t(std::uint32_t, std::uint32_t)>(name);
  if (!entry) return std::unexpected(std::move(entry.error()));
  return Method(*entry);
}

Result<void> Runtime::call_in(Lease& lease, const Method& method, std::span<const std::byte> arguments, Bytes& result) {
  // The pools of runtimes give an InstanceState to each of their instances.
  auto* state = static_cast<InstanceState*>(lease.host_state());
  if (state == nullptr) return fail(ErrorCode::kArgument, "the lease is not of a Substrate runtime's pool");
  const auto address = copy_to_heap(*state, lease.memory(), arguments);
  if (!address) return std::unexpected(address.error());

  // The length fits: copy_to_heap takes 32 MiB at most.
  const auto packed = lease.call(method.entry_, *address, static_cast<std::uint32_t>(arguments.size()));
  if (!packed) return std::unexpected(packed.error());

  const GuestSpan span = GuestSpan::unpack(*packed);
  const auto bytes = lease.memory().read(span.address, span.length);
  if (!bytes) {
    return fail(ErrorCode::kHost,
                fmt::format("the runtime returned {} bytes at address {:#x}, which are not inside its "
                            "memory of {} bytes",
                            span.length, span.address, lease.memory().size()));
  }
  result.assign(bytes->begin(), bytes->end());
  return {};
}

Result<void> Runtime::call(const Method& method, std::span<const std::byte> arguments, Bytes& result) const {
  Result<Lease> lease = pool_.acquire();
  if (!lease) return std::unexpected(std::move(lease.error()));
  return call_in(*lease, method, arguments, result);
}

Result<Bytes> Runtime::call(std::string_view name, std::span<const std::byte> arguments) const {
  const Result<Method> found = method(name);
  if (!found) return std::unexpected(found.error());
  Bytes result;
  if (auto called = call(*found, arguments, result); !called) return std::unexpected(std::move(called.error()));
  return result;
}

Result<void> Runtime::call_fresh(const Method& method, std::span<const std::byte> arguments, Bytes& result) const {
  Result<Lease> lease = pool_.instantiate();
  if (!lease) return std::unexpected(std::move(lease.error()));
  return call_in(*lease, method, arguments, result);
}

Result<RuntimeVersion> Runtime::version() const {
  const Result<Bytes> encoded = call("Core_version", {});
  if (!encoded) return std::unexpected(encoded.error());
  return decode_version(*encoded);
}

}  // namespace anew::substrate
