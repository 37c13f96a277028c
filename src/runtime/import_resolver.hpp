// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Matching of imports (specification, 3.4.14 and 4.5.4).
#pragma once

#include <string>
#include <vector>

#include "runtime/store_state.hpp"
#include "runtime/type_text.hpp"

namespace anew::detail {

/// Resolves a module's imports one after the other, in their order, and collects everything that is wrong with them.
class ImportResolver {
 public:
  /// @param linked  its module and type identities are set; gets sources, host functions and host globals.
  ImportResolver(LinkedModule& linked, const LinkerState& linker, const StoreState& store) noexcept
      : linked_(linked), linker_(linker), store_(store) {}

  void resolve(const wasm::Import& import);
  /// @return kLink with all that is wrong.
  [[nodiscard]] Result<void> finish() const;

  // The sizes of what the host has made for the instance; by index of the import, of no meaning for other instances'.
  std::vector<Limits> host_memories;
  std::vector<Limits> host_tables;

 private:
  /// Something that an instance of the store owns or was given by the host.
  struct Item {
    ExternalKind kind;
    const Instance* owner;
    std::uint32_t index;
  };

  void refuse(const wasm::Import& import, std::string_view why);
  void refuse(const wasm::Import& import, const ExternalType& found);
  [[nodiscard]] bool is_shown() const noexcept;
  [[nodiscard]] std::string near(const wasm::Import& import);

  [[nodiscard]] std::optional<Item> find_in_store(const wasm::Import& import) const;
  [[nodiscard]] ExternalType type_of_item(const Item& item) const;
  [[nodiscard]] bool matches(const wasm::Import& import, const Item& item, const ExternalType& type) const;
  void resolve_to(const wasm::Import& import, const Item& item);

  void resolve_to(const wasm::Import& import, const HostDefinition& definition);
  void resolve_to(const wasm::Import& import, const TableType& definition);
  void resolve_to(const wasm::Import& import, const Limits& definition);
  void resolve_to(const wasm::Import& import, const Value& definition);
  void add_function(Source source, abi::HostFunction function, std::shared_ptr<void> environment);

  LinkedModule& linked_;
  const LinkerState& linker_;
  const StoreState& store_;
  std::vector<std::string> problems_;  // a line each; of a module with very many, the first ones
  std::uint64_t problems_in_all_ = 0;
  std::vector<std::string> names_;  // what could have been meant; filled when first needed
};

}  // namespace anew::detail
