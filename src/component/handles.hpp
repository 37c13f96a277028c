// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Handle tables: which resources an instance of a component owns or was lent (CanonicalABI.md, "Resource State").
// Handles are numbers from 1 on; what one is and of which type is looked at with each use.
#pragma once

#include <anew/error.hpp>
#include <cstdint>
#include <optional>
#include <span>
#include <utility>
#include <vector>

#include "component/types.hpp"

namespace anew::component {

/// What is lent for as long as a call takes: at its end nothing of it may be left (handles that were lent are free
/// again; borrow handles that the callee got must have been dropped).
struct CallScope {
  std::vector<std::pair<class HandleTable*, std::uint32_t>> lent;  ///< handles to be given back
  std::uint32_t borrowed = 0;                                      ///< borrow handles that the callee has still
};

class HandleTable {
 public:
  /// Handles that a component's instance may have: 32 MiB. The specification has room for 2^28.
  static constexpr std::uint32_t kMost = 1 << 20;

  [[nodiscard]] Result<std::uint32_t> add_own(ResourceId type, std::uint32_t representation);
  [[nodiscard]] Result<std::uint32_t> add_borrow(ResourceId type, std::uint32_t representation, CallScope& scope);
  /// What a handle stands for (`resource.rep`). @return kTrap if it is none of that type.
  [[nodiscard]] Result<std::uint32_t> representation(ResourceId type, std::uint32_t handle) const;
  /// Takes an own handle away to pass it on. @return kTrap if it is none, or is lent.
  [[nodiscard]] Result<std::uint32_t> take_own(ResourceId type, std::uint32_t handle);
  /// Lends what a handle, own or borrow, stands for to a callee. @return the representation.
  [[nodiscard]] Result<std::uint32_t> lend(ResourceId type, std::uint32_t handle, CallScope& scope);
  /// `resource.drop`. @return the representation if it was owned, so that the destructor is to be called; kTrap if it
  /// is lent.
  [[nodiscard]] Result<std::optional<std::uint32_t>> drop(ResourceId type, std::uint32_t handle);
  /// The end of what lend() began.
  void give_back(std::uint32_t handle) noexcept;
  /// Makes handles of resources of the host's those of resources that are gone: a snapshot has no host state.
  /// @param implementers  by ResourceId. To be called between calls: nothing is lent.
  void forget_hosts(std::span<const std::uint32_t> implementers) noexcept;
  [[nodiscard]] std::size_t size() const noexcept { return entries_.size(); }
  /// As a snapshot file has it, between calls: the handle that is given out next, or 0, and two numbers for each entry.
  [[nodiscard]] std::vector<std::uint64_t> to_numbers() const;
  /// What a file says, which is not believed. Handles of the host's resources are those of resources that are gone.
  /// @param implementers  by ResourceId. @return nothing if it is no table.
  [[nodiscard]] static std::optional<HandleTable> from_numbers(std::span<const std::uint64_t> numbers,
                                                               std::span<const std::uint32_t> implementers);

 private:
  struct Entry {
    ResourceId type = 0;
    std::uint32_t representation = 0;
    std::uint32_t lent = 0;  ///< how often it is
    bool is_used = false;
    bool is_gone = false;         ///< what it stood for: it can only be dropped
    CallScope* scope = nullptr;   ///< of a borrow handle; null for own ones
    std::uint32_t next_free = 0;  ///< of one that is not used: the handle to be given out behind it, or 0
  };
  [[nodiscard]] Result<std::uint32_t> add(const Entry& entry);
  [[nodiscard]] Result<const Entry*> find(ResourceId type, std::uint32_t handle) const;
  [[nodiscard]] Result<Entry*> find(ResourceId type, std::uint32_t handle);
  [[nodiscard]] Result<Entry*> find_live(ResourceId type, std::uint32_t handle);
  void free(std::uint32_t handle) noexcept;

  std::vector<Entry> entries_;    ///< that of handle 1 first
  std::uint32_t first_free_ = 0;  ///< handles are given out again, the one last dropped first
};

/// The end of a call: gives back what was lent. @return kTrap if the callee still has borrow handles.
[[nodiscard]] Result<void> end_scope(CallScope& scope);

}  // namespace anew::component
