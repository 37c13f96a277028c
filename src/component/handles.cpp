// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "component/handles.hpp"

#include <fmt/format.h>

#include "component/abi.hpp"
#include "component/trap.hpp"
#include "os/try.hpp"

namespace anew::component {

Result<std::uint32_t> HandleTable::add(const Entry& entry) {
  std::uint32_t handle = first_free_;
  if (handle != 0) {
    Entry& free = entries_[handle - 1];
    first_free_ = free.next_free;
    free = entry;
  } else {
    if (entries_.size() >= kMost) {
      return trap(
          fmt::format("the guest has {} handles of resources, and may have no more: it has to drop some", kMost));
    }
    entries_.push_back(entry);
    handle = static_cast<std::uint32_t>(entries_.size());  // kMost at most
  }
  return handle;
}

Result<const HandleTable::Entry*> HandleTable::find(ResourceId type, std::uint32_t handle) const {
  // Handle 0 is past the end, too.
  const std::uint32_t index = handle - 1;
  if (index >= entries_.size() || !entries_[index].is_used) {
    return trap(
        fmt::format("the guest passed {} for the handle of a resource, and has none of that number: it was "
                    "dropped or passed on, or never there",
                    handle));
  }
  if (entries_[index].type != type)
    return trap(fmt::format("the guest passed handle {}, which is of another type of resource", handle));
  return &entries_[index];
}

Result<HandleTable::Entry*> HandleTable::find(ResourceId type, std::uint32_t handle) {
  const Entry* entry = TRY(std::as_const(*this).find(type, handle));
  return &entries_[static_cast<std::size_t>(entry - entries_.data())];  // it is one of them
}

Result<HandleTable::Entry*> HandleTable::find_live(ResourceId type, std::uint32_t handle) {
  Entry* entry = TRY(find(type, handle));
  if (entry->is_gone) {
    return trap(
        fmt::format("the guest passed handle {}, which it kept from before the snapshot was taken: the host's "
                    "resource is gone, and it can only drop the handle",
                    handle));
  }
  return entry;
}

void HandleTable::free(std::uint32_t handle) noexcept {
  entries_[handle - 1] = {};
  entries_[handle - 1].next_free = first_free_;
  first_free_ = handle;
}

Result<std::uint32_t> HandleTable::add_own(ResourceId type, std::uint32_t representation) {
  return add({.type = type, .representation = representation, .is_used = true});
}

Result<std::uint32_t> HandleTable::add_borrow(ResourceId type, std::uint32_t representation, CallScope& scope) {
  const std::uint32_t handle =
      TRY(add({.type = type, .representation = representation, .is_used = true, .scope = &scope}));
  ++scope.borrowed;  // kMost at most
  return handle;
}

Result<std::uint32_t> HandleTable::representation(ResourceId type, std::uint32_t handle) const {
  const Entry* entry = TRY(find(type, handle));
  return entry->representation;
}

Result<std::uint32_t> HandleTable::take_own(ResourceId type, std::uint32_t handle) {
  const Entry* entry = TRY(find_live(type, handle));
  if (entry->scope != nullptr)
    return trap(fmt::format("the guest passed handle {}, which it borrows, where it has to own one", handle));
  if (entry->lent != 0)
    return trap(fmt::format("the guest passed handle {} on while it is lent to a call that has not ended", handle));
  const std::uint32_t representation = entry->representation;
  free(handle);
  return representation;
}

Result<std::uint32_t> HandleTable::lend(ResourceId type, std::uint32_t handle, CallScope& scope) {
  Entry* entry = TRY(find_live(type, handle));
  scope.lent.emplace_back(this, handle);
  ++entry->lent;  // as many as the scopes have entries: they would fill the memory before it wraps
  return entry->representation;
}

void HandleTable::give_back(std::uint32_t handle) noexcept { --entries_[handle - 1].lent; }

Result<std::optional<std::uint32_t>> HandleTable::drop(ResourceId type, std::uint32_t handle) {
  const Entry* entry = TRY(find(type, handle));
  if (entry->lent != 0)
    return trap(fmt::format("the guest dropped handle {} while it is lent to a call that has not ended", handle));
  std::optional<std::uint32_t> owned;
  if (entry->scope != nullptr)
    --entry->scope->borrowed;
  else if (!entry->is_gone)
    owned = entry->representation;
  free(handle);
  return owned;
}

void HandleTable::forget_hosts(std::span<const std::uint32_t> implementers) noexcept {
  for (Entry& each : entries_) each.is_gone = each.is_used && implementers[each.type] == kHost;
}

std::vector<std::uint64_t> HandleTable::to_numbers() const {
  std::vector<std::uint64_t> numbers = {first_free_};
  for (const Entry& each : entries_) {
    numbers.push_back(std::uint64_t{each.representation} << 32 | each.type);
    numbers.push_back(std::uint64_t{each.is_used} << 32 | each.next_free);
  }
  return numbers;
}

std::optional<HandleTable> HandleTable::from_numbers(std::span<const std::uint64_t> numbers,
                                                     std::span<const std::uint32_t> implementers) {
  constexpr std::uint64_t kLow = 0xFFFF'FFFF;
  if (numbers.size() % 2 == 0 || numbers.size() / 2 > kMost || numbers[0] > numbers.size() / 2) return std::nullopt;
  HandleTable table;
  table.first_free_ = static_cast<std::uint32_t>(numbers[0]);  // at most kMost
  std::size_t free = 0;
  for (std::size_t i = 1; i < numbers.size(); i += 2) {
    const std::uint64_t next_free = numbers[i + 1] & kLow;
    const std::uint64_t is_used = numbers[i + 1] >> 32;
    const Entry entry{.type = static_cast<ResourceId>(numbers[i] & kLow),
                      .representation = static_cast<std::uint32_t>(numbers[i] >> 32),  // all that is left of it
                      .is_used = is_used != 0,
                      .next_free = static_cast<std::uint32_t>(next_free)};
    if (is_used > 1 || next_free > numbers.size() / 2) return std::nullopt;
    if (entry.is_used ? next_free != 0 || entry.type >= implementers.size() : numbers[i] != 0) return std::nullopt;
    free += entry.is_used ? 0 : 1;
    table.entries_.push_back(entry);
  }
  // Each free handle is given out once: as many steps as there are of them lead over free ones to the end.
  std::uint32_t next = table.first_free_;
  for (; free > 0 && next != 0; --free) {
    if (table.entries_[next - 1].is_used) return std::nullopt;
    next = table.entries_[next - 1].next_free;
  }
  if (free != 0 || next != 0) return std::nullopt;
  table.forget_hosts(implementers);
  return table;
}

Result<void> end_scope(CallScope& scope) {
  for (const auto& [table, handle] : scope.lent) table->give_back(handle);
  scope.lent.clear();
  if (scope.borrowed != 0) {
    return trap(
        fmt::format("the guest's call ended and {} of the handles that it was lent are not dropped", scope.borrowed));
  }
  return {};
}

}  // namespace anew::component
