// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Matching of imports (specification, 3.4.14 and 4.5.4).
#pragma once

#include <cstddef>
#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "runtime/store_state.hpp"
#include "runtime/type_text.hpp"

namespace anew::detail {

/// Resolves a module's imports one after the other, in their order, and collects everything that is wrong with them.
class ImportResolver {
 public:
  /// @param linked  its module and type identities are set; gets sources, host functions and host globals.
  ImportResolver(LinkedModule& linked, const LinkerState& linker, const StoreState& store);

  void resolve(const wasm::Import& import);
  /// The same with what is given for the import, whatever its name.
  void resolve(const wasm::Import& import, const Supplied& supplied);
  void resolve(const wasm::Import& import, const HostDefinition& definition);
  /// @return kLink with all that is wrong.
  [[nodiscard]] Result<void> finish() const;

  // The sizes of what the host has made for the instance; by index of the import, of no meaning for other instances'.
  std::vector<Limits> host_memories;
  std::vector<Limits> host_tables;

 private:
  /// Something that an instance of the store owns or was given by the host.
  struct Item {
    ExternalKind kind;
    const Instance* owner;  ///< null: the instance that is being linked
    std::uint32_t index;
  };
  /// A module's name and a field's.
  using Names = std::pair<std::string_view, std::string_view>;

  void refuse(const wasm::Import& import, std::string_view why);
  void refuse(const wasm::Import& import, const ExternalType& found);
  [[nodiscard]] bool is_shown() const noexcept;
  [[nodiscard]] std::string near(const wasm::Import& import);

  [[nodiscard]] const LinkedModule& linked_of(const Item& item) const noexcept {
    return item.owner != nullptr ? *item.owner->linked : linked_;
  }
  /// Something in an instance's index space, as its owner has it.
  [[nodiscard]] Item follow(ExternalKind kind, const Instance& instance, std::uint32_t index) const;
  [[nodiscard]] std::optional<Item> find_in_store(const wasm::Import& import) const;
  [[nodiscard]] ExternalType type_of_item(const Item& item) const;
  [[nodiscard]] bool matches(const wasm::Import& import, const Item& item, const ExternalType& type) const;
  void resolve_to(const wasm::Import& import, const Item& item);

  void resolve_to(const wasm::Import& import, const HostDefinition& definition);
  void resolve_to(const wasm::Import& import, const TableType& definition);
  void resolve_to(const wasm::Import& import, const Limits& definition);
  void resolve_to(const wasm::Import& import, const GlobalDefinition& definition);
  /// Notes that what the linker defines was made for the import, whose index in its index space is given.
  void note_made(const wasm::Import& import, std::size_t index);
  void add_function(Source source, abi::HostFunction function, std::shared_ptr<void> environment);

  LinkedModule& linked_;
  const LinkerState& linker_;
  const StoreState& store_;
  std::map<Names, Item> made_;         // what the store has of the linker's memories, tables and mutable globals
  std::vector<std::string> problems_;  // a line each; of a module with very many, the first ones
  std::uint64_t problems_in_all_ = 0;
  std::vector<std::string> names_;  // what could have been meant; filled when first needed
};

}  // namespace anew::detail
