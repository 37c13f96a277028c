// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The host functions of the Polkadot Host API that Anew provides so far, and what they know of an instance.
#pragma once

#include <anew/linker.hpp>
#include <anew/substrate.hpp>
#include <functional>
#include <optional>

#include "host/substrate/freeing_bump_heap.hpp"

namespace anew::substrate {

/// What the host keeps of one instance (PoolOptions::make_host_state). The restore resets the heap with the memory, so
/// the two always agree.
struct InstanceState {
  FreeingBumpHeap heap;
  std::uint64_t maximum_pages;  ///< that the heap may grow the memory to; 0: not at all
};

/// Guest memory as the heap sees it.
class GuestHeapMemory {
 public:
  GuestHeapMemory(MemoryView memory, const InstanceState& state) noexcept
      : memory_(memory), maximum_pages_(state.maximum_pages) {}

  [[nodiscard]] std::uint64_t size() const noexcept { return memory_.size(); }
  [[nodiscard]] std::uint64_t maximum_pages() const noexcept { return maximum_pages_; }
  [[nodiscard]] bool grow(std::uint64_t pages) { return memory_.grow(pages).has_value(); }
  [[nodiscard]] std::optional<std::uint64_t> load_u64(std::uint64_t address) const;
  [[nodiscard]] bool store_u64(std::uint64_t address, std::uint64_t value);

 private:
  MemoryView memory_;
  std::uint64_t maximum_pages_;
};

/// Copies bytes into a new block of the guest's heap. @return its address.
[[nodiscard]] Result<std::uint32_t> copy_to_heap(InstanceState& state, MemoryView memory,
                                                 std::span<const std::byte> bytes);

/// A stretch of guest memory as the API passes it in an i64: address in the low half, length in the high half.
struct GuestSpan {
  std::uint32_t address;
  std::uint32_t length;
  [[nodiscard]] static constexpr GuestSpan unpack(std::uint64_t packed) noexcept {
    return {static_cast<std::uint32_t>(packed), static_cast<std::uint32_t>(packed >> 32)};  // the two halves
  }
  [[nodiscard]] constexpr std::uint64_t pack() const noexcept { return std::uint64_t{length} << 32 | address; }
};

/// Answers ext_misc_runtime_version: what `Core_version` of the code given returns.
using VersionReader = std::function<Result<Bytes>(std::span<const std::byte> code)>;

/// Defines ext_allocator_*, ext_logging_* and ext_misc_* in module "env", and lets all others trap.
/// @param read_version  empty: ext_misc_runtime_version traps too.
void define_host_functions(Linker& linker, const RuntimeOptions& options, VersionReader read_version);

}  // namespace anew::substrate
