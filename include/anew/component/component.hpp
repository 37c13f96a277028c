// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Components: compiled, linked to what the host gives, and called, each call as new.
//
//   namespace component = anew::component;
//   anew::Engine engine;
//   component::Component greeter = component::Component::load(engine, "greeter.wasm").value();
//   component::Linker linker;
//   linker.define("example:host/log", "log", [](component::Caller&, component::Values arguments) ->
//   anew::Result<component::Value> {
//     std::puts(arguments.at(0).as<std::string>().c_str());
//     return component::Value();
//   });
//   component::Pool pool = component::Pool::create(greeter, linker).value();
//   component::Function greet = pool.function("greet").value();
//   component::Lease lease = pool.acquire().value();
//   component::Value greeting = lease.call(greet, {std::string("Ada")}).value();
//
// The core instances of a component are one store: made, leased, restored and audited as one. Handle tables are the
// lease's state and go with it.
#pragma once

#include <anew/component/value.hpp>
#include <anew/engine.hpp>
#include <anew/linker.hpp>
#include <anew/pool.hpp>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <initializer_list>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace anew::component {

namespace detail {
struct ComponentState;
struct LinkerState;
struct PoolState;
struct ExportedFunction;
struct LoweredFunction;
class LaterResult;
class StartedCall;
}  // namespace detail

/// An import or an export, in WIT's words.
struct Description {
  std::string name;  ///< "wasi:cli/run@0.2.0#run", "greet": the interface's, "#" and the function's
  std::string type;  ///< "func(name: string) -> string", "resource"
};

/// A compiled component. Cheap to copy; thread-safe.
class ANEW_API Component {
 public:
  /// Decodes, validates and compiles, all core modules of it in parallel. CompileOptions::card_bytes is 512 if it is
  /// not given. @return kMalformed, kInvalid, kUnsupported, kLimit.
  [[nodiscard]] static Result<Component> compile(const Engine& engine, std::span<const std::byte> binary,
                                                 const CompileOptions& options = {});
  /// The same of a file, which may be a snapshot (Pool::save_snapshot): pools of such a component start from its state.
  /// @return also kIo; kArtifact for a snapshot that is damaged, kArgument for a module's.
  [[nodiscard]] static Result<Component> load(const Engine& engine, const std::filesystem::path& file,
                                              const CompileOptions& options = {});

  /// Functions and resources that it imports, and functions that it exports.
  [[nodiscard]] std::vector<Description> imports() const;
  [[nodiscard]] std::vector<Description> exports() const;

  /// For the library's own folders.
  explicit Component(std::shared_ptr<const detail::ComponentState> state) : state_(std::move(state)) {}
  [[nodiscard]] const std::shared_ptr<const detail::ComponentState>& state() const noexcept { return state_; }

 private:
  std::shared_ptr<const detail::ComponentState> state_;
};

/// The instance of a component that calls a host function. Valid during the call, on its thread, only.
class ANEW_API Caller {
 public:
  /// The store's state of that type (Linker::define_state). @throws std::logic_error if it has none: a trap with words.
  template <typename T>
  [[nodiscard]] T& state() const {
    return core_.state<T>();
  }
  /// As anew::Caller::stopping().
  [[nodiscard]] bool stopping() const noexcept { return core_.stopping(); }

  /// For the library's own folders, as are those below.
  Caller(anew::Caller core, const detail::LoweredFunction* function) noexcept : core_(core), function_(function) {}
  [[nodiscard]] anew::Caller core() const noexcept { return core_; }
  /// That is called; not for what is told of a dropped resource.
  [[nodiscard]] const detail::LoweredFunction& function() const noexcept { return *function_; }

 private:
  anew::Caller core_;
  const detail::LoweredFunction* function_;
};

/// What a host function that is not done yet keeps, to give its result later: from any thread, once. Cheap to copy. If
/// all copies go without a result, the guest's call traps. See anew/async.hpp.
class ANEW_API Completion {
 public:
  /// @param result  of the type that the component declares; Value() if there is none.
  void complete(Value result) const;
  /// Traps the guest with the error's message.
  void fail(Error error) const;

  /// For the library's own folders.
  explicit Completion(std::shared_ptr<detail::LaterResult> result) noexcept : result_(std::move(result)) {}

 private:
  std::shared_ptr<detail::LaterResult> result_;
};

/// How a host function that has no result yet has itself called again. Of one attempt.
class ANEW_API Again {
 public:
  /// @return what is to be called when there may be a result: from any thread, any number of times.
  [[nodiscard]] std::function<void()> wake();

  /// For the library's own folders. Null if nobody asked for wake().
  [[nodiscard]] const std::shared_ptr<anew::detail::Wait>& wait() const noexcept { return wait_; }

 private:
  std::shared_ptr<anew::detail::Wait> wait_;
};
/// A call of a host function that may have to wait, with its arguments: tried, on the guest's thread, until it gives a
/// result. It returns none to leave the call, and has given Again::wake() to somebody then. Without `again` the call
/// cannot be left: the attempt itself waits, and gives the result.
using Attempt = std::function<Result<std::optional<Value>>(Caller&, Again* again)>;

/// What a component imports. Names of interfaces are "namespace:package/interface@version"; a version 0.2.x serves
/// imports of 0.2.y, and 1.x of 1.y, as versions do. A name without a version serves all. Fill it from one thread; then
/// share it.
class ANEW_API Linker {
 public:
  /// Takes the arguments, which are of the types that the component declares, and returns the result: a Value() if
  /// there is none. An error or an exception traps the guest.
  using Function = std::function<Result<Value>(Caller&, Values)>;

  Linker();

  /// @param interface  "" for a function that the component imports by itself.
  /// @param function   as the binary has it: "now", "[method]output-stream.write", "[constructor]fields".
  void define(std::string_view interface, std::string_view function, Function host_function);
  /// Has somebody complete it, and returns at once.
  using AsyncFunction = std::function<Result<void>(Caller&, Values, Completion)>;
  /// A host function that may give its result later. A call that was begun by Lease::start waits without a thread, and
  /// so do the components of a composition that call one another in it. In any other call, and in a resource's
  /// destructor, its thread waits until the result is there or its deadline passes.
  void define_async(std::string_view interface, std::string_view function, AsyncFunction host_function);
  /// For the library's own folders: a host function that looks itself whether it has a result, and leaves the call like
  /// those of define_async if not. What it looks at stays on the guest's thread.
  using WaitingFunction = std::function<Attempt(Caller&, Values)>;
  void define_waiting(std::string_view interface, std::string_view function, WaitingFunction host_function);
  /// A resource type of the host's. @param drop  called when a guest drops one that it owned, with its representation.
  ///                                            Those that it has when the lease goes are not told of: what the host
  ///                                            has for a lease is in its states, which go too.
  void define_resource(std::string_view interface, std::string_view name,
                       std::function<Result<void>(Caller&, std::uint32_t)> drop);
  /// As anew::Linker::define_state.
  template <typename T, typename Make = anew::detail::MakeDefault<T>, typename Reset = anew::detail::MakeAgain>
  void define_state(Make make = {}, Reset reset = {}) {
    core().define_state<T>(std::move(make), std::move(reset));
  }
  /// Every import that is not defined is a function that traps with "not implemented: NAME".
  void trap_unknown_functions();

  /// For the library's own folders.
  [[nodiscard]] anew::Linker& core() noexcept;
  [[nodiscard]] const std::shared_ptr<detail::LinkerState>& state() const noexcept { return state_; }

 private:
  std::shared_ptr<detail::LinkerState> state_;
};

/// A function that a component exports; of the pool that it was found in, and valid as long as that.
class ANEW_API Function {
 public:
  /// In WIT's words.
  [[nodiscard]] std::string type() const;

  /// For the library's own folders.
  explicit Function(const detail::ExportedFunction* function) noexcept : function_(function) {}
  [[nodiscard]] const detail::ExportedFunction* get() const noexcept { return function_; }

 private:
  const detail::ExportedFunction* function_;
};

class Call;

/// One instance of a component as new; see anew::Lease.
class ANEW_API Lease {
 public:
  /// Lifts a call: lowers the arguments, calls, lifts the result, and calls post-return. Resources among the arguments
  /// that are owned go over to the guest. After a trap the instance cannot be called again.
  /// @return the result, Value() if the function has none; kArgument if the arguments are of other types; kTrap.
  [[nodiscard]] Result<Value> call(const Function& function, std::span<const Value> arguments);
  [[nodiscard]] Result<Value> call(const Function& function, std::initializer_list<Value> arguments) {
    return call(function, std::span(arguments.begin(), arguments.size()));
  }
  /// By name. @return also kNotFound.
  [[nodiscard]] Result<Value> call(std::string_view export_name, std::span<const Value> arguments);
  [[nodiscard]] Result<Value> call(std::string_view export_name, std::initializer_list<Value> arguments) {
    return call(export_name, std::span(arguments.begin(), arguments.size()));
  }
  /// Begins a call that host functions of Linker::define_async may leave; the lease goes with it.
  /// @return the call, which may be done already.
  [[nodiscard]] Call start(const Function& function, std::span<const Value> arguments) &&;
  [[nodiscard]] Call start(const Function& function, std::initializer_list<Value> arguments) &&;
  /// As Pool::function.
  [[nodiscard]] Result<Function> function(std::string_view name) const;
  /// Drops an owned resource of the component's own, which a call of this lease returned.
  /// @return kArgument if it is none; kTrap of its destructor.
  [[nodiscard]] Result<void> drop(const Resource& resource);

  /// Deadline, fuel, canceller and states; calls of core functions are not for the embedder.
  [[nodiscard]] anew::Lease& core() noexcept { return core_; }
  [[nodiscard]] const anew::Lease& core() const noexcept { return core_; }

  /// For the library's own folders.
  Lease(anew::Lease core, std::shared_ptr<const detail::PoolState> pool) noexcept
      : core_(std::move(core)), pool_(std::move(pool)) {}

 private:
  anew::Lease core_;
  std::shared_ptr<const detail::PoolState> pool_;
};

/// A call that may wait, with the lease that it is made in; see anew::BasicCall.
class ANEW_API Call {
 public:
  Call(Call&&) noexcept;
  Call& operator=(Call&&) noexcept;
  ~Call();

  /// Whether it has returned or trapped.
  [[nodiscard]] bool is_done() const noexcept;
  /// As anew::BasicCall: whether what it waits for is there, so that resume() goes on; and whether its time slice was
  /// over (lease.core().set_time_slice).
  [[nodiscard]] bool is_ready() const noexcept;
  [[nodiscard]] bool is_parked() const noexcept;
  /// Goes on until the call ends, waits again or is parked; does nothing if it is not ready. @return whether it is
  /// done.
  bool resume();
  /// As anew::BasicCall::on_ready.
  void on_ready(std::function<void()> wake);
  /// Of a call that is done. @return as Lease::call, or kArgument if it is not done.
  [[nodiscard]] Result<Value> result() const;
  /// The lease of a call that is done.
  [[nodiscard]] Lease& lease() noexcept { return lease_; }

  /// For the library's own folders. @param state  begun in the lease.
  Call(Lease lease, std::unique_ptr<detail::StartedCall> state) noexcept;

 private:
  Lease lease_;
  std::unique_ptr<detail::StartedCall> state_;  ///< goes before the lease
};

/// What is done once, behind the prelude, with the instance that the snapshot is taken of: a request that fills the
/// guest's caches, say. It has SnapshotOptions::start_timeout for all of it, and is called again for each instance that
/// is made the slow way. The lease is good for as long as it runs. What the guest read meanwhile, randomness and time
/// too, is the same in all instances; what the host kept for it is in none.
using WarmUp = std::function<Result<void>(Lease&)>;

/// Instances of a component linked to a Linker; see anew::Pool.
class ANEW_API Pool {
 public:
  /// Instantiates the component once, start functions, prelude (SnapshotOptions::prelude names exports of the component
  /// without parameters) and warm-up included, and keeps the result as the snapshot that every instance starts from.
  /// Handles of the host's resources that a guest keeps from then can only be dropped.
  /// @return kLink with each import that is missing or of another type; kUnsupported for more than 4,096 handles that
  /// are kept; what the warm-up returns; as anew::Pool::create.
  [[nodiscard]] static Result<Pool> create(const Component& component, const Linker& linker, PoolOptions options = {},
                                           WarmUp warm_up = {});
  [[nodiscard]] Result<Lease> acquire() const;
  [[nodiscard]] Result<Lease> acquire_until(std::chrono::steady_clock::time_point deadline) const;
  [[nodiscard]] Result<Lease> instantiate() const;
  /// @param name  "greet", or with its interface "wasi:http/incoming-handler@0.2.0#handle"; without a version any of
  /// the
  ///              versions that the component exports.
  /// @return kNotFound, with near matches.
  [[nodiscard]] Result<Function> function(std::string_view name) const;
  /// Writes the state that the instances start from, with the component, to a file that Component::load takes: pools of
  /// what it returns start from that state, with neither prelude nor warm-up. What the host gives is defined anew.
  /// @return kUnsupported if a global or table holds an external reference; kIo, kLimit.
  [[nodiscard]] Result<void> save_snapshot(const std::filesystem::path& path) const;
  /// Statistics, trimming, draining.
  [[nodiscard]] const anew::Pool& core() const noexcept;

  /// For the library's own folders.
  explicit Pool(std::shared_ptr<const detail::PoolState> state) : state_(std::move(state)) {}

 private:
  std::shared_ptr<const detail::PoolState> state_;
};

}  // namespace anew::component
