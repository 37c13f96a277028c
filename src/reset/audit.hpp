// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Two ways to check a restore, neither of which uses what it is done with: audit() compares a store with another one,
// made the slow way; a StateCopy compares a store with what its own bytes were.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "runtime/instance.hpp"
#include "runtime/store_state.hpp"

namespace anew::reset {

/// Compares a restored store with one made the slow way (reset::instantiate): of each instance every byte of its
/// memories, their sizes, globals and dropped segments, tables and their sizes, what no guest can change, and that no
/// card is set and no exception held.
/// @return "" if a guest cannot tell them apart, else what differs first, where, and what was expected and found.
[[nodiscard]] std::string audit(const detail::StoreState& store, const detail::StoreState& reference);

/// Every byte of a store's state, copied as it lies.
class StateCopy {
 public:
  explicit StateCopy(const detail::StoreState& store);
  /// Compares the store that this is a copy of; its cells have not moved. @return as audit() does.
  [[nodiscard]] std::string compare(const detail::StoreState& store) const;

 private:
  struct Memory {
    Bytes bytes;
    std::uint64_t maximum;
  };
  struct Copy {
    Bytes constants;  ///< from the function references to the card table: what no guest can change
    Bytes links;      ///< from behind the card table to the HotHeader: links, dropped segments, globals
    std::vector<Memory> memories;
    std::vector<Bytes> tables;  ///< with their headers
  };
  [[nodiscard]] static std::string compare_instance(const detail::Instance& instance, const Copy& copy);
  std::vector<Copy> instances_;
};

}  // namespace anew::reset
