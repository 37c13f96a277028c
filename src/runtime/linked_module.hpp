// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// A module with its imports resolved: what all instances of a pool share, before any of them exists.
//
// Reading order of this folder: module_state.hpp (compiled code), linked_module.hpp (this: Module + Linker),
// instance.hpp (a mapped cell), library.hpp (what compiled code calls), enter.S and invoke.cpp (calls and traps),
// thread.hpp and trap_handler.hpp (what a thread keeps; faults).
#pragma once

#include <anew/linker.hpp>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <variant>
#include <vector>

#include "abi/library.hpp"
#include "runtime/module_state.hpp"

namespace anew::detail {

/// What a Linker holds under one name; the alternatives are in the order of ExternalKind.
using LinkerDefinition = std::variant<HostDefinition, TableType, Limits /* of a memory */, Value /* of a global */>;

struct LinkerState {
  std::map<std::pair<std::string, std::string>, LinkerDefinition, std::less<>> definitions;
  bool trap_unknown_functions = false;
};

/// Immutable; shared by the instances.
struct LinkedModule {
  std::shared_ptr<const ModuleState> module;
  std::vector<abi::HostFunction> host_functions;    ///< by index of the imported function
  std::vector<std::shared_ptr<void>> environments;  ///< keeps what host_functions point to
  std::vector<std::uint64_t> imported_globals;      ///< bits
  std::vector<std::uint32_t> type_ids;              ///< by type index
  std::uint64_t memory_initial = 0;                 ///< bytes of memory 0; 0 if there is none
  std::uint64_t memory_maximum = 0;                 ///< bytes; at most 4 GiB
  std::vector<Limits> tables;  ///< with the maximum that growth is held to: declared, and what the cell has room for
  std::unordered_map<std::string_view, wasm::Export> exports;  ///< names are views that `module` keeps

  [[nodiscard]] const wasm::Module& wasm() const noexcept { return module->module; }
  [[nodiscard]] const abi::CellLayout& layout() const noexcept { return module->layout; }

  /// @return kNotFound, with near matches, or kArgument if the export is of another kind.
  [[nodiscard]] Result<wasm::Export> find_export(std::string_view name, ExternalKind kind) const;
};

/// Resolves a module's imports against what a linker defines.
/// @param extra_pages  Wasm pages added to the initial size of memory 0.
/// @return kLink, naming every import that is missing or of another type; kUnsupported for shared memory; kArgument if
///         the extra pages do not fit; kLimit if a table does not.
[[nodiscard]] Result<std::shared_ptr<const LinkedModule>> link(std::shared_ptr<const ModuleState> module,
                                                               const LinkerState& linker, std::uint64_t extra_pages);

}  // namespace anew::detail
