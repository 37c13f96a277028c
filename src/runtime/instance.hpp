// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// A cell with what the host keeps beside it. The guest's state is all in the cell (abi/cell.hpp).
#pragma once

#include <anew/pool.hpp>
#include <cstdint>
#include <memory>
#include <span>

#include "abi/cell.hpp"
#include "os/virtual_memory.hpp"
#include "runtime/linked_module.hpp"

namespace anew::detail {

inline constexpr std::uint32_t kNoSlot = ~std::uint32_t{0};

struct Instance {
  std::shared_ptr<const LinkedModule> linked;
  os::Mapping mapping;        ///< the cell's reservation
  std::byte* cell = nullptr;  ///< base of memory 0 in `mapping`
  /// A call ended with anything but a normal return since the last restore: cards and header are not to be trusted.
  bool distrusted = false;
  std::uint32_t slot = kNoSlot;  ///< in its pool; kNoSlot for one that is destroyed when its lease goes
  HostState host_state;

  Instance() = default;
  Instance(const Instance&) = delete;  // the cell points back to it
  Instance& operator=(const Instance&) = delete;

  [[nodiscard]] abi::HotHeader& header() const noexcept { return abi::hot_header(cell); }
  [[nodiscard]] const abi::CellLayout& layout() const noexcept { return linked->layout(); }

  // Typed views of the cell's parts. Each cast is justified by the layout: CellLayout places an array of that type
  // there, 8-aligned (the cell pointer is page-aligned), and map_instance constructs it.
  template <typename T>
  [[nodiscard]] T* at(std::int32_t displacement) const noexcept {
    return reinterpret_cast<T*>(cell + displacement);
  }
  [[nodiscard]] std::uint64_t& global(std::uint32_t index) const noexcept {
    return *at<std::uint64_t>(layout().global(index));
  }
  [[nodiscard]] std::span<std::byte> restored_block() const noexcept {
    return {cell + layout().restored_begin(), layout().restored_bytes()};
  }
  [[nodiscard]] std::uint8_t* cards() const noexcept { return at<std::uint8_t>(layout().cards()); }
  [[nodiscard]] std::uint64_t& table_size(std::uint32_t table) const noexcept {
    return *at<std::uint64_t>(layout().table_size(table));
  }
  [[nodiscard]] std::uint64_t* table(std::uint32_t table) const noexcept {
    return at<std::uint64_t>(layout().table_elements(table));
  }
  [[nodiscard]] abi::FunctionReference* function_references() const noexcept {
    return at<abi::FunctionReference>(layout().function_reference(0));
  }

  /// A reference's bits in this cell for a function index, and back. A null reference is 0 and has no index.
  [[nodiscard]] std::uint64_t reference_to(std::uint32_t function) const noexcept {
    return reinterpret_cast<std::uint64_t>(function_references() + function);
  }
  /// @return the index plus 1, or 0 for null; nothing if the bits are not a reference to a function of this cell.
  [[nodiscard]] std::optional<std::uint64_t> function_number(std::uint64_t reference) const noexcept;
};

[[nodiscard]] inline Instance& instance_of(std::byte* cell) noexcept {
  return *static_cast<Instance*>(abi::hot_header(cell).instance);  // map_instance stored an Instance*
}

/// Maps a cell, all zero but for what no guest can change: function references, type identities, header. Memory 0 has
/// `memory_bytes`, the tables have their initial sizes, and null elements.
[[nodiscard]] Result<std::unique_ptr<Instance>> map_instance(std::shared_ptr<const LinkedModule> linked,
                                                             std::uint64_t memory_bytes);

/// Brings a cell fresh from map_instance into the state that the specification gives a new instance (4.5.4), up to but
/// not including the start function: globals, element segments in order, data segments in order.
/// @return kTrap if a segment does not fit.
[[nodiscard]] Result<void> initialize(Instance& instance);

/// Runs the start function if there is one. @return kTrap if it traps.
[[nodiscard]] Result<void> run_start(Instance& instance);

/// The value of an exported global.
[[nodiscard]] Result<Value> exported_global(const Instance& instance, std::string_view name);

}  // namespace anew::detail
