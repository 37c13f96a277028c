// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Pools of instances as new. A Pool holds the instances of one module linked to one Linker; a Lease is one of them,
// held by one thread at a time, and gives it back, reset, when it goes. Where the linker defines modules, an instance
// comes with one of each of these, linked to it: leased and reset together.
#pragma once

#include <anew/async.hpp>
#include <anew/engine.hpp>
#include <anew/error.hpp>
#include <anew/linker.hpp>
#include <anew/memory_view.hpp>
#include <anew/value.hpp>
#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <tuple>
#include <utility>
#include <vector>

namespace anew {

namespace detail {
struct PoolState;
class Cancellation;

/// The Error of who uses a lease that holds no instance.
[[nodiscard]] ANEW_API Error empty_lease() noexcept;
}  // namespace detail

/// How the state is made that every instance starts from. The state of a module from a snapshot file is there already:
/// for such a one all but start_timeout must be as they are here.
struct SnapshotOptions {
  std::uint64_t extra_memory_pages = 0;  ///< Wasm pages added to the initial size of memory 0 ("heap pages")
  /// A start function that calls the host runs again after each reset. With this it runs once, host functions and all,
  /// and what it did is part of the snapshot: randomness and time that it read are the same in all instances.
  bool freeze_start = false;
  /// Exported functions without parameters to call once, in this order, before the snapshot is taken (`_initialize`).
  /// Host functions that they call are called once; what they read is the same in all instances. Results are ignored.
  /// If the start function calls the host, needs freeze_start.
  std::vector<std::string> prelude = {};
  /// How long the start function, and each function of the prelude, may take; also when it runs after a reset. Past it
  /// they end with TrapKind::kInterrupted.
  std::chrono::nanoseconds start_timeout = std::chrono::seconds(10);
  bool operator==(const SnapshotOptions&) const = default;
};

/// When an instance that was given back is made as new.
enum class ResetWhen : std::uint8_t {
  kRelease,  ///< by the thread that gives it back: the next caller waits for nothing, and nothing of the call lingers
  kAcquire,  ///< by the thread that takes it next. Until then what the call left, secrets too, stays in memory
  kHelper,   ///< by a thread of the pool, soon; by the thread that takes it, if that comes first
};

/// How many instances a pool has, how they are made, and what becomes of them between leases.
struct PoolOptions {
  std::uint32_t capacity = 16;    ///< instances at most, made when first needed: 1 to 2^20
  SnapshotOptions snapshot = {};  ///< how the state is made that instances start from
  /// One restore in N is compared, byte for byte, with an instance made the slow way; 1: each; 0: none.
  std::uint64_t audit_every = 0;
  std::uint32_t minimum_warm = 0;  ///< made with the pool; so many are never trimmed or dropped
  ResetWhen reset = ResetWhen::kRelease;
  /// Instances that nobody took for so long give their memory back to the system, and go after twice that. 0: never.
  std::chrono::nanoseconds idle_time = {};
  /// While the machine, or the control group of this process, has fewer bytes left than this, idle instances go.
  /// 0: never. Looked at every half second.
  std::uint64_t minimum_available_bytes = 0;
  /// What all memories and tables of an instance may have, those of the instances that it is linked to included; an
  /// element of a table counts 8 bytes. Past it memory.grow and table.grow give -1; a module that begins with more is
  /// refused. The default is twice what one 32-bit memory can have.
  std::uint64_t maximum_memory_bytes = std::uint64_t{8} << 30;
};

/// What a pool did so far. While other threads use it the numbers may be of slightly different moments. What a lease
/// leaves is counted when its instance is restored: see ResetWhen.
struct PoolStatistics {
  std::uint64_t instances = 0;   ///< made so far, without those of instantiate()
  std::uint64_t leased = 0;      ///< now, those of instantiate() included
  std::uint64_t idle = 0;        ///< now
  std::uint64_t acquired = 0;    ///< leases handed out, without those of instantiate()
  std::uint64_t waited = 0;      ///< calls of acquire_until() that had to wait
  std::uint64_t timed_out = 0;   ///< of these, in vain
  std::uint64_t restored = 0;    ///< restores after a lease
  std::uint64_t distrusted = 0;  ///< leases in which a call trapped or could not begin: restored whole
  std::uint64_t traps = 0;       ///< of these, those that ended with any trap but the next
  std::uint64_t kills = 0;       ///< of these, those that ended with TrapKind::kInterrupted
  /// Of 4 KiB, copied back, zeroed or given back: the bytes of all restores together, rounded up.
  std::uint64_t pages_restored = 0;
  std::uint64_t audited = 0;         ///< restores that PoolOptions::audit_every had compared
  std::uint64_t audit_failures = 0;  ///< of these, those that differed: a defect of Anew, see Pool::audit_report()
  std::uint64_t trimmed = 0;         ///< idle instances whose memory was given back to the system
  std::uint64_t evictions = 0;       ///< idle instances that were dropped
};

/// Ends the calls of one lease from outside, for a client that went away or a result that nobody wants any more. Cheap
/// to copy; may be used from any thread, at any time, and outlives its lease.
class ANEW_API Canceller {
 public:
  /// Ends the call that runs in the lease, as a deadline would at any instruction, or in a host function when that
  /// returns, and each that begins later in the lease at once, with TrapKind::kInterrupted. Does not wait for the end.
  /// Once the lease has gone it does nothing: no call of the instance's next lease is ever touched. Takes some
  /// microseconds; not for signal handlers.
  void cancel() const noexcept;

  /// For the library's own folders.
  Canceller(std::shared_ptr<detail::Cancellation> cancellation, std::uint64_t lease) noexcept
      : cancellation_(std::move(cancellation)), lease_(lease) {}

 private:
  std::shared_ptr<detail::Cancellation> cancellation_;  ///< of the instance
  std::uint64_t lease_;                                 ///< which of its leases
};

class Lease;

/// A call that may wait, with its lease (anew/async.hpp).
template <typename R>
using Call = BasicCall<R, Lease>;

/// One instance as new. Move-only; used from one thread at a time, not always the same; gives the instance back when it
/// goes. It may outlive its Pool. An empty lease, released or moved from, refuses to call with kArgument, and has a
/// memory of size 0 and no host state.
class ANEW_API Lease {
 public:
  Lease(Lease&& other) noexcept
      : pool_(std::exchange(other.pool_, nullptr)), instance_(std::exchange(other.instance_, nullptr)) {}
  Lease& operator=(Lease&& other) noexcept {
    if (this != &other) {
      release();
      pool_ = std::exchange(other.pool_, nullptr);
      instance_ = std::exchange(other.instance_, nullptr);
    }
    return *this;
  }
  ~Lease() { release(); }

  /// Calls through a typed handle: allocates nothing, looks nothing up. The instance keeps its state between calls of
  /// one lease; after a trap it is as the trap left it, in the midst of its work: give the lease back.
  /// @return the result, or kTrap; kArgument if the handle is of another pool.
  template <typename R, typename... A>
  [[nodiscard]] Result<R> call(const Function<R(A...)>& function, std::type_identity_t<A>... arguments) {
    if (instance_ == nullptr) [[unlikely]]
      return std::unexpected(detail::empty_lease());
    return detail::call(*instance_, function, arguments...);
  }
  /// Begins a call that host functions of Linker::define_async may leave; the lease goes with it.
  /// std::move(lease).start(function, 1, 2.0). @return the call, which may be done already.
  template <typename R, typename... A>
  [[nodiscard]] BasicCall<R, Lease> start(const Function<R(A...)>& function, std::type_identity_t<A>... arguments) && {
    constexpr std::size_t kArguments = (detail::kSlots<A> + ... + 0);
    constexpr std::size_t kResults = detail::Results<R>::kSlots;
    std::uint64_t slots[kArguments + kResults == 0 ? 1 : (kArguments > kResults ? kArguments : kResults)] = {};
    static_assert(!detail::kHasReferences<A...>, "a call that may wait takes no references");
    [[maybe_unused]] std::uint64_t* slot = slots;
    ((detail::ValueTraits<A>::write(arguments, slot), slot += detail::kSlots<A>), ...);
    detail::CallPointer state = instance_ != nullptr ? detail::start_call(*instance_, function.handle(), slots)
                                                     : detail::failed_call(detail::empty_lease());
    return BasicCall<R, Lease>(std::move(*this), std::move(state));
  }
  /// Calls by name, checking that the C++ types are those of the function: lease.call<float>("f", 1, 2.0). R may be
  /// void.
  /// @return the result, or kNotFound, kArgument, kTrap.
  template <typename R = void, typename... A>
  [[nodiscard]] Result<R> call(std::string_view export_name, A... arguments);
  /// Calls by name with values whose types are known at run time only; any number of results. References as for
  /// Instance::call_values. @return the results, or kNotFound, kArgument, kTrap.
  [[nodiscard]] Result<std::vector<Value>> call_values(std::string_view export_name, std::span<const Value> arguments);

  /// Memory 0, of size 0 if there is none.
  [[nodiscard]] MemoryView memory() const noexcept;
  /// An exported memory. @return kNotFound, or kArgument if the export is no memory.
  [[nodiscard]] Result<MemoryView> memory(std::string_view export_name) const;
  /// The value of an exported global. @return kNotFound, or kArgument if the export is no global.
  [[nodiscard]] Result<Value> global(std::string_view export_name) const;
  /// Calls that begin in this lease from now on end with TrapKind::kInterrupted when the time has come, within
  /// milliseconds; one that is in a host function then, when that returns. time_point::max(): no deadline, as at first.
  void set_deadline(std::chrono::steady_clock::time_point deadline) noexcept;
  /// Calls that are started in this lease from now on (start()) leave their thread when they have computed for about
  /// that long, and are ready to go on, on that thread (BasicCall::is_parked). It is looked at every two milliseconds
  /// or so. A call that is in a host function when its slice is over gets another one. Costs nothing until it is over
  /// but the time of the clock at each start. nanoseconds::max(): as long as they like, as at first.
  void set_time_slice(std::chrono::nanoseconds slice) noexcept;
  /// What ends this lease's calls from other threads. Calls cost the same with it. @return kArgument if the lease is
  /// empty, kResource.
  [[nodiscard]] Result<Canceller> canceller();
  /// What calls in this lease may still execute, if the module was compiled with CompileOptions::fuel: about one unit
  /// for each operator, the same on every machine. Past it they end with TrapKind::kOutOfFuel. Without this call there
  /// is no limit.
  void set_fuel(std::uint64_t fuel) noexcept;
  /// What is left of it. In a module that does not count: all.
  [[nodiscard]] std::uint64_t fuel() const noexcept;
  /// The state of that type which host functions keep for this instance and those that it is linked to
  /// (Linker::define_state). Good until the lease is given back. @return null if there is none, or the lease is empty.
  template <typename T>
  [[nodiscard]] T* find_state() const noexcept {
    return detail::value_of<T>(find_any_state(detail::kStateType<T>));
  }
  /// About how many bytes of memory giving back would restore now; with Ledger::kCow all. Looks at the ledger, so it
  /// takes about as long as a restore.
  [[nodiscard]] std::uint64_t dirty_bytes() const noexcept;
  /// Gives the instance back early; the lease is empty afterwards.
  void release() noexcept {
    if (instance_ != nullptr) give_back();
  }

  /// For the library's own folders.
  explicit Lease(detail::PoolState* pool, detail::Instance* instance) noexcept : pool_(pool), instance_(instance) {}
  [[nodiscard]] const detail::Instance* instance() const noexcept { return instance_; }

 private:
  [[nodiscard]] detail::AnyState* find_any_state(const detail::StateType& type) const noexcept;
  /// Of an instance.
  [[nodiscard]] const detail::LinkedModule& module() const noexcept;
  void give_back() noexcept;
  detail::PoolState* pool_ = nullptr;
  detail::Instance* instance_ = nullptr;
};

/// Instances of one linked module, handed out as leases. Cheap to copy; may be used from many threads. When the last
/// copy goes, so do the idle instances; leased ones go when they are given back.
class ANEW_API Pool {
 public:
  /// Links and instantiates the module once, as the specification says, and keeps the result as the snapshot that every
  /// instance starts from. @return kLink (each missing or ill-typed import named), kTrap if a segment or the start
  /// function or the prelude traps (a start function that calls the host runs with each instance, so its traps come
  /// from acquire()), kUnsupported for an exception that is held in a global or table, and if the start function of a
  /// module that the linker defines calls the host; kNotFound for a prelude that the module does not export; kArgument
  /// for bad options, kLimit past PoolOptions::maximum_memory_bytes, kResource; kArtifact if a snapshot file does not
  /// fit its module; kHost, or its error, if what makes a host state fails.
  [[nodiscard]] static Result<Pool> create(const Module& module, const Linker& linker, PoolOptions options = {});

  /// An instance as new. Never waits for a lease to be given back. @return kResource if all instances are leased,
  /// others wait for one, no more can be made, or the pool is closed; what the start function returns, if it calls the
  /// host and so runs each time.
  [[nodiscard]] Result<Lease> acquire() const;
  /// The same, but waits until then for an instance to be given back; those that wait are served in the order in which
  /// they came, and nobody overtakes them. @return also kResource if the deadline passed; one that lies in the past
  /// does not wait. Do not wait for a pool in a host function of its own guests: all may be waiting then.
  [[nodiscard]] Result<Lease> acquire_until(std::chrono::steady_clock::time_point deadline) const;
  /// Makes an instance the slow way: fresh mappings, segments copied, start function and prelude run; it is unmapped,
  /// not kept, when its lease goes. Not counted against the capacity. For comparison and for audits. @return as
  /// acquire().
  [[nodiscard]] Result<Lease> instantiate() const;

  /// Drops idle instances now, down to PoolOptions::minimum_warm. @return how many.
  std::uint32_t trim() const noexcept;
  /// Closes the pool: acquire() and those who wait get an error from now on. Then waits until all leases are back, and
  /// drops what comes back. May be called again. @return kResource if leases are still out at the deadline.
  [[nodiscard]] Result<void> drain(std::chrono::steady_clock::time_point deadline) const;
  /// The same, but ends every call that runs in one of the pool's instances with TrapKind::kInterrupted, at once, and
  /// those that begin before the deadline. To let calls run to their end first, drain() before.
  [[nodiscard]] Result<void> shutdown(std::chrono::steady_clock::time_point deadline) const;

  /// Finds an exported function and checks its type against the C++ signature. Valid as long as the pool.
  /// @return kNotFound, with near matches in the message; kArgument if the type is another one.
  template <typename Signature>
  [[nodiscard]] Result<Function<Signature>> function(std::string_view export_name) const {
    return detail::find_typed(module(), export_name, static_cast<Signature*>(nullptr));
  }
  /// Writes the state that the instances start from, with the modules, to a file that Engine::load takes: pools of
  /// the module that it returns start from that state. Modules that the linker defined are in the file; all else that
  /// it defined is to be defined again, of the same types. Compile options are not in the file. Atomic.
  /// @return kUnsupported if a global or table holds an external reference, which is this process's; kIo.
  [[nodiscard]] Result<void> save_snapshot(const std::filesystem::path& path) const;
  /// Costs the calls nothing; looks at each instance that was ever made.
  [[nodiscard]] PoolStatistics statistics() const noexcept;
  /// Description of the first audit failure, or "".
  [[nodiscard]] std::string audit_report() const;
  /// For the library's own folders.
  [[nodiscard]] const std::shared_ptr<detail::PoolState>& state() const noexcept { return state_; }

 private:
  explicit Pool(std::shared_ptr<detail::PoolState> state) : state_(std::move(state)) {}
  [[nodiscard]] const detail::LinkedModule& module() const noexcept;
  [[nodiscard]] Result<Lease> acquire_otherwise(std::uint32_t stale,
                                                std::optional<std::chrono::steady_clock::time_point> until) const;
  std::shared_ptr<detail::PoolState> state_;
};

template <typename R, typename... A>
Result<R> Lease::call(std::string_view export_name, A... arguments) {
  if (instance_ == nullptr) return std::unexpected(detail::empty_lease());
  auto found = detail::find_typed(module(), export_name, static_cast<R (*)(A...)>(nullptr));
  if (!found) return std::unexpected(std::move(found.error()));
  return call(*found, arguments...);
}

}  // namespace anew
