// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Substrate runtimes (Polkadot, Kusama and their kin), each call in an instance as new.
//
//   namespace substrate = anew::substrate;
//   auto source = substrate::load_runtime("polkadot.json").value();          // a raw chain spec, or a .wasm file
//   auto runtime = substrate::Runtime::create(engine, source.code, {.heap_pages = source.heap_pages}).value();
//   auto version = runtime.version().value();                                // version.spec_name == "polkadot"
//   auto metadata = runtime.call("Metadata_metadata", {}).value();           // SCALE-encoded
#pragma once

#include <anew/engine.hpp>
#include <anew/error.hpp>
#include <anew/pool.hpp>
#include <anew/substrate/chain_spec.hpp>
#include <anew/substrate/keystore.hpp>
#include <anew/substrate/state.hpp>
#include <anew/substrate/types.hpp>
#include <array>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace anew::substrate {

/// BLAKE2b-64 of a runtime API's name, by which a runtime announces it.
using ApiId = std::array<std::uint8_t, 8>;
/// The name of a runtime API that Anew knows, such as "Core" for df6acb689907609b; else "".
[[nodiscard]] std::string_view api_name(const ApiId& id) noexcept;

/// A runtime API and the version in which a runtime has it.
struct RuntimeApi {
  ApiId id{};
  std::uint32_t version = 0;
  bool operator==(const RuntimeApi&) const = default;
};

/// What `Core_version` answers.
struct RuntimeVersion {
  std::string spec_name;
  std::string impl_name;
  std::uint32_t authoring_version = 0;
  std::uint32_t spec_version = 0;
  std::uint32_t impl_version = 0;
  std::vector<RuntimeApi> apis;
  std::uint32_t transaction_version = 1;  ///< 1 in the layout that lacks it: that of a Core API before version 3
  std::uint8_t state_version = 0;         ///< 0 in the layouts that lack it: those of a Core API before version 4
};

/// Decodes a SCALE-encoded version. As in Substrate, the version of the Core API among its `apis` decides the layout,
/// and what follows it is not looked at. @return kMalformed, with the byte offset, if the data ends early or is
/// malformed.
[[nodiscard]] Result<RuntimeVersion> decode_version(std::span<const std::byte> encoded);

/// How much a runtime may log; the numbers are those of the host API.
enum class LogLevel : std::uint8_t { kOff = 0, kError = 1, kWarn = 2, kInfo = 3, kDebug = 4, kTrace = 5 };
/// "ERROR", "WARN" and so on.
[[nodiscard]] const char* to_string(LogLevel level) noexcept;

/// How a runtime's instances are made, and what they may log.
struct RuntimeOptions {
  std::uint64_t heap_pages = kDefaultHeapPages;  ///< Wasm pages added to what the module's memory has at the start
  /// Whether the heap may grow the memory once it is full, as far as the module allows: Substrate's "dynamic" strategy.
  /// Chains execute blocks with the "static" one, where it may not: what is too much for a heap is consensus.
  bool grow_heap = false;
  std::uint32_t capacity = 16;    ///< instances at most
  std::uint64_t audit_every = 0;  ///< audit one restore in N; 0: none
  /// Takes what the runtime logs, up to log_level: level, target and message, both UTF-8. Called from the thread of the
  /// call, so from several at once. Empty: nothing is logged, and the runtime is told so.
  std::function<void(LogLevel, std::string_view, std::string_view)> log = {};
  LogLevel log_level = LogLevel::kInfo;
};

/// A runtime's entry point, found once by name; valid as long as its Runtime.
class Method {
 private:
  friend class Runtime;
  using Entry = Function<std::uint64_t(std::uint32_t, std::uint32_t)>;
  explicit Method(Entry entry) noexcept : entry_(entry) {}
  Entry entry_;
};

/// A compiled runtime with a pool of instances. Cheap to copy; may be used from many threads.
///
/// Host functions: allocation, logging and `ext_misc_*`. All others that the runtime imports trap when called, with
/// "not implemented" and their name.
class Runtime {
 public:
  /// Compiles the code and makes the pool. @param code  a WebAssembly binary, maybe compressed.
  /// @return what Engine::compile and Pool::create return, or kLink if the module lacks a memory or an exported
  ///         `__heap_base`.
  [[nodiscard]] static Result<Runtime> create(const Engine& engine, std::span<const std::byte> code,
                                              RuntimeOptions options = {});

  /// Finds an entry point, such as "Core_version". @return kNotFound, or kArgument if it is none.
  [[nodiscard]] Result<Method> method(std::string_view name) const;

  /// Calls in an instance as new: the arguments, SCALE-encoded one after the other, are copied into its heap, and what
  /// the runtime returns into `result`, whose capacity is used before anything is allocated.
  /// @return kTrap; kResource if all instances are leased; kHost if the runtime returns what is not in its memory. Then
  ///         `result` is as it was.
  [[nodiscard]] Result<void> call(const Method& method, std::span<const std::byte> arguments, Bytes& result) const;
  /// The same by name.
  [[nodiscard]] Result<Bytes> call(std::string_view name, std::span<const std::byte> arguments) const;
  /// The same in an instance that is made the slow way for this call, for comparison (see Pool::instantiate).
  [[nodiscard]] Result<void> call_fresh(const Method& method, std::span<const std::byte> arguments,
                                        Bytes& result) const;
  /// Calls in an instance that the caller leased from pool(), to wait for one or to give the call a deadline; it keeps
  /// its state between calls of one lease. @return also kArgument if the lease is not of a runtime's pool.
  [[nodiscard]] static Result<void> call_in(Lease& lease, const Method& method, std::span<const std::byte> arguments,
                                            Bytes& result);
  /// Calls `Core_version` in an instance as new and decodes what it returns.
  [[nodiscard]] Result<RuntimeVersion> version() const;

  [[nodiscard]] const Module& module() const noexcept { return module_; }
  [[nodiscard]] const Pool& pool() const noexcept { return pool_; }

 private:
  Runtime(Module module, Pool pool) : module_(std::move(module)), pool_(std::move(pool)) {}
  Module module_;
  Pool pool_;
};

}  // namespace anew::substrate
