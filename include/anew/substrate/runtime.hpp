// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// A compiled runtime with a pool of instances.
#pragma once

#include <anew/engine.hpp>
#include <anew/error.hpp>
#include <anew/linker.hpp>
#include <anew/pool.hpp>
#include <anew/substrate/chain_spec.hpp>
#include <anew/substrate/externalities.hpp>
#include <anew/substrate/types.hpp>
#include <anew/substrate/version.hpp>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <utility>

namespace anew::substrate {

/// How much a runtime may log; the numbers are those of the host API.
enum class LogLevel : std::uint8_t { kOff = 0, kError = 1, kWarn = 2, kInfo = 3, kDebug = 4, kTrace = 5 };
/// "ERROR", "WARN" and so on.
[[nodiscard]] ANEW_API const char* to_string(LogLevel level) noexcept;
/// Takes what runtimes log: level, target and message, both UTF-8 as the runtime wrote them, control characters too.
/// Called from the thread of the call, so from several at once.
using LogSink = std::function<void(LogLevel, std::string_view, std::string_view)>;

/// How a runtime's instances are made, and what they may log.
struct RuntimeOptions {
  std::uint64_t heap_pages = kDefaultHeapPages;  ///< Wasm pages added to what the module's memory has at the start
  /// Whether the heap may grow the memory once it is full, as far as the module allows: Substrate's "dynamic" strategy.
  /// Chains execute blocks with the "static" one, where it may not: what is too much for a heap is consensus. (There
  /// the guest may not either; here it may, as far as its module allows. None of the known ones does.)
  bool grow_heap = false;
  Tier tier = Tier::kQuick;       ///< how much work is put into the runtime's code
  std::uint32_t capacity = 16;    ///< instances at most
  std::uint64_t audit_every = 0;  ///< audit one restore in N; 0: none
  LogSink log = {};  ///< takes what is logged up to log_level; empty: nothing is, and the runtime is told so
  LogLevel log_level = LogLevel::kInfo;
  /// Host functions of one's own, with their states (Linker::define_state), beside those of Anew or, of the same name,
  /// in their place; runtimes import them from "env". Of a RuntimeCaller they learn more than of a Caller. They answer
  /// Core_version too, when a runtime asks for another's.
  Linker functions = {};
};

/// A runtime's entry point, found once by name; valid as long as its Runtime.
class ANEW_API Method {
 private:
  friend class Runtime;
  using Entry = Function<std::uint64_t(std::uint32_t, std::uint32_t)>;
  explicit Method(Entry entry) noexcept : entry_(entry) {}
  Entry entry_;
};

/// Where a runtime's heap begins, and how that was found out.
struct HeapBase {
  std::uint32_t address = 0;
  std::string_view found;  ///< in words, such as "exported global __heap_base"
  bool announced = true;   ///< whether the module says so itself; where not, a chain's own nodes would refuse it
};

/// Cheap to copy; may be used from many threads.
///
/// The host functions are listed in docs/host-functions.md. Those that Anew does not have trap when called, with "not
/// implemented" and their name.
class ANEW_API Runtime {
 public:
  /// Compiles the code and makes the pool. @param code  a WebAssembly binary, maybe compressed.
  /// @return what Engine::compile and Pool::create return, or kLink if the module lacks a memory.
  [[nodiscard]] static Result<Runtime> create(const Engine& engine, BytesView code, RuntimeOptions options = {});

  /// Finds an entry point, such as "Core_version". @return kNotFound, or kArgument if it is none.
  [[nodiscard]] Result<Method> method(std::string_view name) const;

  /// Calls in an instance as new: the arguments, SCALE-encoded one after the other, are copied into its heap, and what
  /// the runtime returns into `result`, whose capacity is used before anything is allocated.
  /// @param externalities  null: the call has no state, and traps if it asks for it.
  /// @return kTrap, with what the runtime said when it panicked; kResource if all instances are leased; kHost if the
  ///         runtime returns what is not in its memory. Then `result` is as it was, and so are the externalities.
  [[nodiscard]] Result<void> call(const Method& method, BytesView arguments, Bytes& result,
                                  Externalities* externalities = nullptr) const;
  /// The same by name.
  [[nodiscard]] Result<Bytes> call(std::string_view name, BytesView arguments,
                                   Externalities* externalities = nullptr) const;
  /// The same in an instance that is made the slow way for this call, for comparison (see Pool::instantiate).
  [[nodiscard]] Result<void> call_fresh(const Method& method, BytesView arguments, Bytes& result,
                                        Externalities* externalities = nullptr) const;
  /// Calls in an instance that the caller leased from pool(), to wait for one or to give the call a deadline; it keeps
  /// its state between calls of one lease. @return also kArgument if the lease is not of a runtime's pool.
  [[nodiscard]] static Result<void> call_in(Lease& lease, const Method& method, BytesView arguments, Bytes& result,
                                            Externalities* externalities = nullptr);

  /// The runtime's version: from the custom sections `runtime_version` and `runtime_apis` if the module has them, else
  /// `Core_version` is called. @return kMalformed for a section that does not decode, or as call().
  [[nodiscard]] Result<RuntimeVersion> version() const;

  [[nodiscard]] HeapBase heap_base() const;
  /// See Module::cache_note().
  [[nodiscard]] const std::string& cache_note() const noexcept;
  /// See Module::optimization().
  [[nodiscard]] Optimization optimization() const;
  [[nodiscard]] const Pool& pool() const noexcept { return pool_; }

  /// For the library's own folders: the pool must be a runtime's.
  explicit Runtime(Pool pool) noexcept : pool_(std::move(pool)) {}

 private:
  Pool pool_;
};

}  // namespace anew::substrate
