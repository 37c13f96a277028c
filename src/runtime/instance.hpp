// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// A cell with what the host keeps beside it. The guest's state is all in the cell (abi/cell.hpp).
#pragma once

#include <anew/function.hpp>
#include <anew/memory_view.hpp>
#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "abi/cell.hpp"
#include "os/virtual_memory.hpp"
#include "runtime/linked_module.hpp"

namespace anew::detail {

struct StoreState;

/// A memory that the instance owns (abi/cell.hpp).
struct MemoryRegion {
  os::Mapping mapping;  ///< empty for memory 0, which lies in the cell
  std::byte* base = nullptr;
  /// Bytes of it that can be accessed: HotHeader::memory_bytes, or more where StoreState::keeps_growth.
  std::uint64_t accessible = 0;
};

struct Instance {
  std::shared_ptr<const LinkedModule> linked;
  StoreState* store = nullptr;  ///< the closed group that it belongs to
  std::uint32_t number = 0;     ///< in the store
  os::Mapping mapping;          ///< the cell's reservation
  std::byte* cell = nullptr;    ///< the cell pointer: base of the instance's own memory 0, if it has one
  /// By memory index; with base null for other instances' memories.
  std::vector<MemoryRegion> regions;
  const abi::MemoryReference* memory_0 = nullptr;  ///< null without memories; kept for the views of host calls

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
  /// Where a global's value is, in this cell or in that of the instance it is imported from: one slot, or two.
  [[nodiscard]] std::uint64_t* global(std::uint32_t index) const noexcept {
    std::uint64_t* const place = at<std::uint64_t>(layout().global(index));
    return layout().is_linked_global(index) ? reinterpret_cast<std::uint64_t*>(*place) : place;  // a link is a pointer
  }
  [[nodiscard]] std::span<std::byte> restored_block() const noexcept {
    return {cell + layout().restored_begin(), layout().restored_bytes()};
  }
  /// Of memory 0, of size 0 if there is none.
  [[nodiscard]] MemoryView memory_view() const noexcept {
    return memory_0 != nullptr ? MemoryView(*memory_0) : MemoryView();
  }
  /// Any memory that the instance can reach.
  [[nodiscard]] abi::MemoryReference& memory(std::uint32_t index) const noexcept {
    return *at<abi::MemoryReference>(layout().memory_reference(index));
  }
  /// Of a memory that the instance owns, by its base.
  [[nodiscard]] MemoryRegion& region_of(const std::byte* base) noexcept {
    std::size_t index = 0;
    while (regions[index].base != base) ++index;  // it is there: the base's header names this instance
    return regions[index];
  }
  /// The elements of any table that the instance can reach; abi::TableHeader lies before them.
  [[nodiscard]] std::uint64_t* table(std::uint32_t index) const noexcept {
    if (index >= linked->wasm().imported_tables) return at<std::uint64_t>(layout().table_elements(index));
    return *at<std::uint64_t*>(layout().table_link(index));
  }
  [[nodiscard]] abi::FunctionReference* function_references() const noexcept {
    return at<abi::FunctionReference>(layout().function_reference(0));
  }
  /// A reference's bits in this cell for a function index.
  [[nodiscard]] std::uint64_t reference_to(std::uint32_t function) const noexcept {
    return reinterpret_cast<std::uint64_t>(function_references() + function);
  }
};

[[nodiscard]] inline abi::TableHeader& table_header(std::uint64_t* elements) noexcept {
  // A TableHeader lies before the first element of every table (abi/cell.hpp).
  return *(reinterpret_cast<abi::TableHeader*>(elements) - 1);
}

[[nodiscard]] inline Instance& instance_of(std::byte* cell) noexcept {
  return *static_cast<Instance*>(abi::hot_header(cell).instance);  // map_instance stored an Instance*
}

/// Whether a function is of a module's type or of a subtype of that. Takes no lock.
[[nodiscard]] inline bool is_of_type(const abi::FunctionReference& function, const TypeScope& scope,
                                     std::uint32_t type) noexcept {
  if (function.type_id == scope.ids[type]) return true;
  const LinkedModule& owner = *instance_of(function.cell).linked;
  return is_subtype(owner.type_scope(), owner.wasm().functions[function.function_index], scope, type);
}

/// Maps an instance's cell and further memories and adds it to the store. All is zero but for what no guest can change:
/// function references, type identities, links to the store's earlier instances, headers. Memories and tables have
/// their initial sizes, elements are null, globals 0. @return kLimit if the store may not have so much; kResource.
[[nodiscard]] Result<Instance*> map_instance(std::shared_ptr<const LinkedModule> linked, StoreState& store);

/// Brings an instance fresh from map_instance into the state that the specification gives a new instance (4.5.4), up to
/// but not including the start function: globals, tables, element segments in order, data segments in order.
/// @return kTrap if a segment does not fit.
[[nodiscard]] Result<void> initialize(Instance& instance);

/// Runs the start function if there is one. @return kTrap if it traps or the deadline passes.
[[nodiscard]] Result<void> run_start(Instance& instance, std::int64_t deadline);

/// Calls an exported function with values known at run time only; checks them. See Instance::call_values.
[[nodiscard]] Result<std::vector<Value>> call_export(Instance& instance, std::string_view name,
                                                     std::span<const Value> arguments);

/// A view of an exported memory.
[[nodiscard]] Result<MemoryView> exported_memory(const Instance& instance, std::string_view name);

/// The value of an exported global.
[[nodiscard]] Result<Value> exported_global(const Instance& instance, std::string_view name);

}  // namespace anew::detail
