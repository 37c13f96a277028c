// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// What the handles of anew.h hold, and how its options, types and values become the library's.
#pragma once

#include <anew/async.hpp>
#include <anew/engine.hpp>
#include <anew/linker.hpp>
#include <anew/pool.hpp>
#include <anew/pool_cache.hpp>
#include <memory>
#include <mutex>
#include <span>
#include <string>
#include <vector>

#include "c/border.hpp"
#include "runtime/store_state.hpp"

namespace anew::c {

/// A function type in C's words.
struct FunctionTypeText {
  std::vector<anew_type_t> parameters;
  std::vector<anew_type_t> results;

  explicit FunctionTypeText(const FunctionType& type);
  FunctionTypeText() = default;
  [[nodiscard]] anew_function_type_t view() const noexcept {
    return {parameters.data(), parameters.size(), results.data(), results.size()};
  }
};

/// What a module imports or exports, with what an anew_item_t looks at.
struct Item {
  std::string module;
  std::string name;
  std::string type;
  FunctionTypeText function;
  anew_item_t item = {};
};

/// @return kArgument for a number that is no value type.
[[nodiscard]] Result<ValueType> to_type(anew_type_t type);
[[nodiscard]] Result<FunctionType> to_function_type(const anew_function_type_t& type);
[[nodiscard]] Result<Value> to_value(const anew_value_t& value);
[[nodiscard]] Result<std::vector<Value>> to_values(const anew_value_t* values, std::size_t count);
[[nodiscard]] anew_value_t from_value(const Value& value) noexcept;

[[nodiscard]] Result<CompileOptions> to_compile_options(const anew_compile_options_t* options);
[[nodiscard]] Result<SnapshotOptions> to_snapshot_options(const anew_snapshot_options_t* options);
[[nodiscard]] Result<PoolOptions> to_pool_options(const anew_pool_options_t* options);
/// A duration, as long as fits.
[[nodiscard]] std::chrono::nanoseconds to_duration(std::uint64_t nanoseconds) noexcept;
[[nodiscard]] inline std::chrono::steady_clock::time_point to_time(std::int64_t deadline) noexcept {
  return std::chrono::steady_clock::time_point(std::chrono::nanoseconds(deadline));
}

/// Finds an exported function, of that type unless it is null.
[[nodiscard]] Result<anew_function_t*> find_function(std::shared_ptr<const detail::LinkedModule> module,
                                                     std::string_view name, const anew_function_type_t* type);
/// Calls through slots. @param instance  that the lease or caller is for.
[[nodiscard]] anew_error_t* call(detail::Instance& instance, const anew_function_t& function, std::uint64_t* slots,
                                 std::size_t slot_count) noexcept;
[[nodiscard]] Result<void> call_values(detail::Instance& instance, std::string_view name, const anew_value_t* arguments,
                                       std::size_t argument_count, anew_value_t* results, std::size_t result_count);
/// An exported memory, or memory 0 if `name` is null.
[[nodiscard]] Result<anew_memory_t> find_memory(const detail::Instance& instance, const char* name, std::size_t size);

class StateDefinition;
/// The value of a host state; null if the store has none.
[[nodiscard]] void* find_state(const detail::Instance& instance, const anew_state_type_t& type) noexcept;

}  // namespace anew::c

struct anew_engine_t : anew::c::Handle<anew::c::Kind::kEngine> {
  explicit anew_engine_t(anew::EngineOptions options) : engine(std::move(options)) {}
  anew::Engine engine;
};

struct anew_module_t : anew::c::Handle<anew::c::Kind::kModule> {
  explicit anew_module_t(anew::Module made);
  anew::Module module;
  std::string features;
  mutable std::mutex mutex;  ///< for what is made when it is first asked for
  mutable std::unique_ptr<const std::vector<anew::c::Item>> imports;
  mutable std::unique_ptr<const std::vector<anew::c::Item>> exports;
};

struct anew_linker_t : anew::c::Handle<anew::c::Kind::kLinker> {
  anew::Linker linker;
};

struct anew_state_type_t : anew::c::Handle<anew::c::Kind::kStateType> {
  explicit anew_state_type_t(std::shared_ptr<const anew::c::StateDefinition> made) noexcept
      : definition(std::move(made)) {}
  std::shared_ptr<const anew::c::StateDefinition> definition;
};

struct anew_pool_t : anew::c::Handle<anew::c::Kind::kPool> {
  explicit anew_pool_t(anew::Pool made) noexcept : pool(std::move(made)) {}
  anew::Pool pool;
};

struct anew_function_t : anew::c::Handle<anew::c::Kind::kFunction> {
  anew::detail::FunctionHandle handle;
  std::size_t slots = 0;  ///< of the parameters or of the results, whichever are more
  bool takes_references = false;
  anew::c::FunctionTypeText type;
  std::shared_ptr<const anew::detail::LinkedModule> module;  ///< that `handle` points into
};

struct anew_lease_t : anew::c::Handle<anew::c::Kind::kLease> {
  explicit anew_lease_t(anew::Lease made) noexcept
      : lease(std::move(made)), instance(lease.instance()->store->main()) {}
  anew::Lease lease;
  anew::detail::Instance& instance;
  mutable anew::c::Entered entered;
};

struct anew_canceller_t : anew::c::Handle<anew::c::Kind::kCanceller> {
  explicit anew_canceller_t(anew::Canceller made) noexcept : canceller(std::move(made)) {}
  anew::Canceller canceller;
};

struct anew_completion_t : anew::c::Handle<anew::c::Kind::kCompletion> {
  anew_completion_t(std::shared_ptr<anew::detail::Wait> waits, std::size_t results) noexcept
      : promise(std::move(waits)), slots(results) {}
  anew::detail::Promise promise;
  std::size_t slots;  ///< of the results
};

struct anew_call_t : anew::c::Handle<anew::c::Kind::kCall> {
  std::unique_ptr<anew_lease_t> lease;
  std::size_t result_slots = 0;
  anew::detail::CallPointer state;  ///< goes before the lease
};

struct anew_pool_cache_t : anew::c::Handle<anew::c::Kind::kPoolCache> {
  explicit anew_pool_cache_t(anew::PoolCache made) noexcept : cache(std::move(made)) {}
  anew::PoolCache cache;
};

/// On the stack of the frame around a host function.
struct anew_caller_t {
  std::byte* cell;
};
