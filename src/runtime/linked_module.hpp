// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// A module with its imports resolved: what all instances of a pool share, before any of them exists.
//
// Reading order of this folder: module_state.hpp (compiled code), linked_module.hpp (this: Module + Linker),
// import_resolver.hpp (which import matches what), instance.hpp (a mapped cell; instance.cpp and instantiate.cpp make
// one), store_state.hpp (instances linked to one another), library.hpp (what compiled code calls), invoke.cpp
// and call.cpp (calls), backtrace.cpp (traps), exceptions.cpp (unwinding), thread.hpp and trap_handler.hpp (what a
// thread keeps; faults).
#pragma once

#include <anew/linker.hpp>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <variant>
#include <vector>

#include "abi/library.hpp"
#include "runtime/host_states.hpp"
#include "runtime/module_state.hpp"
#include "runtime/type_registry.hpp"

namespace anew::detail {

struct GlobalDefinition {
  Value value;
  bool is_mutable = false;
};

/// What a Linker holds under one name; the alternatives are in the order of ExternalKind.
using LinkerDefinition = std::variant<HostDefinition, TableType, Limits /* of a memory */, GlobalDefinition>;

struct StoreState;

/// One of the instances of a group whose imports are given one by one, whatever their names: a component's core
/// instances.
struct GroupMember {
  /// What an earlier member exports.
  struct Export {
    std::uint32_t member = 0;
    std::string name;
  };
  std::shared_ptr<const ModuleState> module;
  std::vector<std::variant<HostDefinition, Export>> imports;  ///< in the order of the module's
};

/// What a group does once its members are there, before its snapshot is taken.
using GroupInitializer = std::function<Result<void>(StoreState&)>;

struct LinkerState {
  std::map<std::pair<std::string, std::string>, LinkerDefinition, std::less<>> definitions;
  /// Modules of which each store gets an instance of its own, in this order, before the main one.
  std::vector<std::pair<std::string, std::shared_ptr<const ModuleState>>> modules;
  StateDefinitions states;  ///< of which each store gets one of its own, one of each type
  bool trap_unknown_functions = false;
  /// If there are any, these are the instances of each store, the main one last. Their start functions are called with
  /// the host's functions, and what they did is frozen.
  std::vector<GroupMember> group;
  GroupInitializer initialize_group;  ///< may be empty
  /// The state that the group starts from in place of all that: what a file says.
  std::shared_ptr<const artifact::SavedSnapshot> saved_group;
};

/// Where something that an instance imports lies: in another instance of its store (or in this one, where it imports
/// under one name twice), or, with kOwn, in the instance itself, made for it or given by the host.
struct Source {
  static constexpr std::uint32_t kOwn = ~std::uint32_t{0};
  std::uint32_t instance = kOwn;  ///< its number in the store
  std::uint32_t index = 0;        ///< in that instance's index space
  [[nodiscard]] bool is_own() const noexcept { return instance == kOwn; }
};

/// A memory, table or mutable global of the linker's that an instance was the first of its store to import.
struct Made {
  std::uint32_t import = 0;  ///< in wasm::Module::imports, which has its name
  std::uint32_t index = 0;   ///< in the index space of its kind
};

/// The size of a memory that an instance owns, in bytes.
struct MemorySize {
  std::uint64_t initial = 0;
  std::uint64_t maximum = 0;              ///< at most 4 GiB
  std::optional<std::uint64_t> declared;  ///< the maximum of the memory's type, in Wasm pages
};

/// The size of a table that an instance owns, with the maximum that growth is held to: declared, and what the cell has
/// room for.
struct TableSize : Limits {
  std::optional<std::uint64_t> declared;  ///< the maximum of the table's type
};

/// A module with its imports resolved. Immutable; the same for the instances of all stores that are put together in the
/// same way, since it names other instances by their number.
struct LinkedModule {
  std::shared_ptr<const ModuleState> module;

  // By index of the import in its index space.
  std::vector<Source> functions;
  std::vector<Source> tables;
  std::vector<Source> memories;
  std::vector<Source> globals;
  std::vector<Source> tags;

  std::vector<abi::HostFunction> host_functions;    ///< by index of the imported function; null for those of instances
  std::vector<std::shared_ptr<void>> environments;  ///< keeps what host_functions point to
  std::vector<Value> host_globals;                  ///< by index of the imported global; of no meaning for linked ones
  std::vector<Made> made;                           ///< what the instance owns for its whole store
  TypeIdentities type_ids;                          ///< by type index
  std::vector<MemorySize> memory_sizes;             ///< by memory index; {0, 0} for another instance's
  std::vector<TableSize> table_sizes;               ///< by table index; of no meaning for another instance's
  std::unordered_map<std::string_view, wasm::Export> exports;  ///< names are views that `module` keeps

  [[nodiscard]] const wasm::Module& wasm() const noexcept { return module->module; }
  [[nodiscard]] const abi::CellLayout& layout() const noexcept { return module->layout; }
  [[nodiscard]] TypeScope type_scope() const noexcept {
    return {wasm().declarations, {type_ids.begin(), type_ids.end()}};
  }
  /// Where the imports of one kind lie.
  [[nodiscard]] const std::vector<Source>& sources(ExternalKind kind) const noexcept;
  /// Where an item of an index space lies, imported or not.
  [[nodiscard]] Source memory_source(std::uint32_t memory) const noexcept {
    return memory < memories.size() ? memories[memory] : Source{Source::kOwn, memory};
  }
  [[nodiscard]] Source table_source(std::uint32_t table) const noexcept {
    return table < tables.size() ? tables[table] : Source{Source::kOwn, table};
  }

  /// Whether the instance has a global's value in its cell.
  [[nodiscard]] bool owns_global(std::uint32_t global) const noexcept {
    return !layout().is_linked_global(global) || globals[global].is_own();
  }

  /// @return kNotFound, with near matches, or kArgument if the export is of another kind.
  [[nodiscard]] Result<wasm::Export> find_export(std::string_view name, ExternalKind kind) const;
};

struct Instance;

/// What the embedder gives for an import by its position, of an instance of the same store.
struct Supplied {
  ExternalKind kind = ExternalKind::kFunction;
  const Instance* instance = nullptr;  ///< that owns or imports it
  std::uint32_t index = 0;             ///< in that one's index space
};

/// Resolves a module's imports: among the named instances of the store, at the sizes that their memories and tables
/// have now, then against what the linker defines. If memory 0 turns out to be another instance's, the result holds the
/// module's second variant.
/// @param extra_pages  Wasm pages added to the initial size of memory 0.
/// @param supplied  for the first imports, in place of what has their names.
/// @return kLink, naming every import that is missing or of another type, with both types; kUnsupported; kArgument if
///         the extra pages do not fit; kLimit if a table does not.
[[nodiscard]] Result<std::shared_ptr<const LinkedModule>> link(std::shared_ptr<const ModuleState> module,
                                                               const LinkerState& linker, const StoreState& store,
                                                               std::uint64_t extra_pages,
                                                               std::span<const Supplied> supplied = {});

/// The same for a member of a group, in a store that has the earlier members. @return also kNotFound or kArgument if a
/// member does not export what is imported from it.
[[nodiscard]] Result<std::shared_ptr<const LinkedModule>> link_member(const GroupMember& member,
                                                                      const LinkerState& linker,
                                                                      const StoreState& store);

}  // namespace anew::detail
