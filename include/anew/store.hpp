// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// A store: a closed group of instances that are linked to one another and reset together (specification, 4.2.3).
//
//   anew::Store store;
//   anew::Instance library = store.instantiate(library_module, linker).value();
//   store.define("library", library);                       // what later modules import from "library"
//   anew::Instance main = store.instantiate(main_module, linker).value();
//   store.freeze().value();                                 // the state that reset() goes back to
//   main.call_values("run", {}).value();
//   store.reset().value();                                  // every instance is as it was
//
// A Pool keeps such groups warm (Linker::define_module); a Store is for groups that are put together step by step.
#pragma once

#include <anew/engine.hpp>
#include <anew/error.hpp>
#include <anew/linker.hpp>
#include <anew/memory_view.hpp>
#include <anew/value.hpp>
#include <chrono>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace anew {

namespace detail {
struct Instance;
struct OwnedStore;
struct StoreState;
struct Supplied;
}  // namespace detail

/// One instance of a store; a view, valid as long as the store. Used from one thread at a time, with all of its store.
class ANEW_API Instance {
 public:
  /// Calls an exported function. References in the arguments must be null or come from this store; those to host
  /// objects (externref) are the host's own bits; an exception (exnref) can be null only, and one that is returned says
  /// nothing but whether it is null. @return the results, or kNotFound, kArgument, kTrap.
  [[nodiscard]] Result<std::vector<Value>> call_values(std::string_view export_name,
                                                       std::span<const Value> arguments) const;
  /// The value of an exported global. @return kNotFound, or kArgument if the export is no global.
  [[nodiscard]] Result<Value> global(std::string_view export_name) const;
  /// Memory 0, of size 0 if there is none.
  [[nodiscard]] MemoryView memory() const noexcept;
  /// An exported memory. @return kNotFound, or kArgument if the export is no memory.
  [[nodiscard]] Result<MemoryView> memory(std::string_view export_name) const;

  /// For the library's own folders, as state() is.
  explicit Instance(detail::Instance* instance) noexcept : instance_(instance) {}
  [[nodiscard]] detail::Instance* state() const noexcept { return instance_; }

 private:
  detail::Instance* instance_;
};

/// What holds for all instances of a store.
struct StoreOptions {
  std::chrono::nanoseconds start_timeout = std::chrono::seconds(10);  ///< how long a start function may take
  /// freeze() also copies every byte of state the slow way, and each reset() compares with that copy.
  bool audit = false;
  /// What all memories and tables of the store may have, as PoolOptions::maximum_memory_bytes. Those of instances that
  /// failed to start count too, until a reset().
  std::uint64_t maximum_memory_bytes = std::uint64_t{8} << 30;
};

/// Move-only. Used from one thread at a time. Calls have no deadline and no limit of fuel here: those belong to a
/// Lease.
class ANEW_API Store {
 public:
  explicit Store(StoreOptions options = {});
  Store(Store&&) noexcept;
  Store& operator=(Store&&) noexcept;
  ~Store();

  /// Instantiates a module (specification, 4.5.4): imports are looked up among the instances given a name here, then in
  /// the linker; then segments are copied and the start function runs. An instance that traps on the way is not
  /// returned, but what it wrote to others' memories and tables stays, as the specification says.
  /// A module from a snapshot file is instantiated as its binary says; snapshots are for pools.
  /// The host states that the linker defines are made with the first instance of the store that needs them.
  /// @return kLink, kTrap, kUnsupported, kLimit past StoreOptions::maximum_memory_bytes, kResource; kArgument if the
  ///         store has a host state of a type that this linker defines, and another linker defined it; what making a
  ///         host state fails with.
  [[nodiscard]] Result<Instance> instantiate(const Module& module, const Linker& linker);
  /// Makes the exports of an instance of this store importable under a module name; a later definition of the name
  /// replaces the earlier.
  void define(std::string_view name, Instance instance);

  /// Remembers the state of all instances as what reset() goes back to. As reset(), never from a host function that a
  /// guest of this store called. @return kResource, or kUnsupported if a global or table holds an exception.
  [[nodiscard]] Result<void> freeze();
  /// Puts every instance back to what freeze() remembered, whatever happened since. Instances made after freeze() go.
  /// Host states become as new (Linker::define_state), which is not what they were when the store was frozen.
  /// @return kArgument before the first freeze(); kResource if the system refuses, or what resetting a host state
  ///         fails with, then the store is of no more use;
  ///         with StoreOptions::audit, kHost and what differs.
  [[nodiscard]] Result<void> reset();

  /// For the library's own folders, as state() is: with what is given for each import, in their order.
  [[nodiscard]] Result<Instance> instantiate_with(const Module& module, std::span<const detail::Supplied> supplied);
  [[nodiscard]] detail::StoreState& state() const noexcept;

 private:
  [[nodiscard]] Result<Instance> instantiate_any(const Module& module, const Linker& linker,
                                                 std::span<const detail::Supplied> supplied);
  std::unique_ptr<detail::OwnedStore> owned_;
};

}  // namespace anew
