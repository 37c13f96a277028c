// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Calls into a Substrate runtime (Polkadot specification, "Runtime environment"): the SCALE-encoded arguments are
// copied into the guest's heap, the entry point receives (address, length) and returns address and length of its
// result.
#include <fmt/format.h>

#include <anew/substrate/runtime.hpp>

#include "host/substrate/externalities_state.hpp"
#include "host/substrate/heap_base.hpp"
#include "host/substrate/instance_state.hpp"
#include "host/substrate/runtime_pool.hpp"
#include "host/substrate/version.hpp"
#include "os/try.hpp"
#include "pool/pool_state.hpp"
#include "runtime/module_state.hpp"
#include "runtime/without_exceptions.hpp"
#include "wasm/printable.hpp"

namespace anew::substrate {
namespace {

/// Lends the externalities to an instance for one call, as a transaction.
class Lent {
 public:
  Lent(InstanceState& instance, Externalities* externalities) : instance_(instance) {
    if (externalities == nullptr) return;
    externalities->state().begin_call();
    instance_.externalities = &externalities->state();
  }
  Lent(const Lent&) = delete;
  Lent& operator=(const Lent&) = delete;
  ~Lent() {
    if (instance_.externalities == nullptr) return;
    instance_.externalities->end_call(succeeded_);
    instance_.externalities = nullptr;
  }
  void succeed() noexcept { succeeded_ = true; }

 private:
  InstanceState& instance_;
  bool succeeded_ = false;
};

/// A runtime that panics logs its words and then executes `unreachable`.
Error with_panic(Error error, const std::string& panic) {
  if (error.trap == TrapKind::kUnreachable && error.code == ErrorCode::kTrap && !panic.empty())
    error.message += fmt::format("; the runtime said: {}", wasm::printable(panic));
  return error;
}

}  // namespace

Result<Runtime> Runtime::create(const Engine& engine, BytesView code, RuntimeOptions options) {
  return detail::without_exceptions("a runtime is made", [&]() -> Result<Runtime> {
    const auto binary = TRY(decompress_code(code));
    const auto module = TRY(engine.compile(binary, runtime_compile_options(options.tier)));
    PoolOptions pool_options;
    pool_options.snapshot.extra_memory_pages = options.heap_pages;
    const auto linker = TRY(prepare_runtime(module, options, pool_options));
    auto pool = TRY(Pool::create(module, linker, std::move(pool_options)));
    return Runtime(std::move(pool));
  });
}

Result<Method> Runtime::method(std::string_view name) const {
  auto entry = TRY(pool_.function<std::uint64_t(std::uint32_t, std::uint32_t)>(name));
  return Method(entry);
}

Result<void> Runtime::call_in(Lease& lease, const Method& method, BytesView arguments, Bytes& result,
                              Externalities* externalities) {
  return detail::without_exceptions("a runtime is called", [&]() -> Result<void> {
    auto* const state = lease.find_state<InstanceState>();
    if (state == nullptr) return fail(ErrorCode::kArgument, "the lease is not of a Substrate runtime's pool");
    state->panic.clear();  // of a call before this one in the same lease
    const auto copied = TRY(copy_to_heap(*state, lease.memory(), {arguments}));

    Lent lent(*state, externalities);
    const auto packed = lease.call(method.entry_, copied.address, copied.length);
    if (!packed) return std::unexpected(with_panic(packed.error(), state->panic));

    const GuestSpan span = GuestSpan::unpack(*packed);
    const auto bytes = lease.memory().read(span.address, span.length);
    if (!bytes) {
      return fail(ErrorCode::kHost,
                  fmt::format("the runtime returned {} bytes at address {:#x}, which are not inside its "
                              "memory of {} bytes",
                              span.length, span.address, lease.memory().size()));
    }
    result.assign(bytes->begin(), bytes->end());
    lent.succeed();
    return {};
  });
}

Result<void> Runtime::call(const Method& method, BytesView arguments, Bytes& result,
                           Externalities* externalities) const {
  auto lease = TRY(pool_.acquire());
  return call_in(lease, method, arguments, result, externalities);
}

Result<Bytes> Runtime::call(std::string_view name, BytesView arguments, Externalities* externalities) const {
  auto found = TRY(method(name));
  Bytes result;
  TRY(call(found, arguments, result, externalities));
  return result;
}

Result<void> Runtime::call_fresh(const Method& method, BytesView arguments, Bytes& result,
                                 Externalities* externalities) const {
  auto lease = TRY(pool_.instantiate());
  return call_in(lease, method, arguments, result, externalities);
}

Result<RuntimeVersion> Runtime::version() const {
  return detail::without_exceptions("a version is read", [&]() -> Result<RuntimeVersion> {
    const detail::ModuleState& module = *pool_.state()->linked().module;
    auto embedded = TRY(read_embedded_version(module.module, module.binary));
    if (embedded) return std::move(*embedded);
    const auto encoded = TRY(call("Core_version", {}));
    return decode_version(encoded);
  });
}

HeapBase Runtime::heap_base() const {
  // A pool of a runtime was made only after this was found.
  return find_heap_base(pool_.state()->linked().wasm()).value_or(HeapBase{});
}

const std::string& Runtime::cache_note() const noexcept { return pool_.state()->linked().module->cache_note; }
Optimization Runtime::optimization() const { return Module(pool_.state()->linked().module).optimization(); }

}  // namespace anew::substrate
